"""API drift: an error message leads to the change of the API that explains it."""

from __future__ import annotations

import re

import pytest

from gammapygpt.knowledge.drift import Change, applies, changes, drift_hints

WITH_MESSAGE = [change for change in changes() if re.match(r"[\w.]+: ", change.how_it_fails)]
LOUD = [change for change in WITH_MESSAGE if not change.how_it_fails.startswith("SILENT")]

OLD_SCRIPT = """\
import numpy as np
from gammapy.data import DataStore
from gammapy.makers import ReflectedRegionsBackgroundEstimator
from gammapy.spectrum import SpectrumExtraction
from gammapy.utils.fitting import Fit

flux_points = estimator.run(datasets)
print(flux_points.table["dnde"], np.trapz(y, x))
"""


def right(change: Change, text: str) -> bool:
    """The hint gives this change, or another old form with the same replacement."""
    return f"write: {change.new}\n" in text


def test_the_table_is_complete() -> None:
    assert len(changes()) > 350
    assert len({change.old for change in changes()}) == len(changes())
    assert all(all(field == field.strip() and field for field in change) for change in changes())


def test_every_message_finds_its_change_first() -> None:
    """With the offending expression as the script: names decide where two changes fail with the same message."""
    assert len(LOUD) > 340
    assert [
        change.old for change in LOUD if not right(change, drift_hints(change.how_it_fails, change.old)[0].text)
    ] == []


def test_most_messages_are_enough_without_the_script() -> None:
    first = sum(right(change, drift_hints(change.how_it_fails, "")[0].text) for change in LOUD)
    assert first / len(LOUD) > 0.9


@pytest.mark.parametrize(
    ("error", "new"),
    [
        ("AttributeError: 'FluxPoints' object has no attribute 'table'. Did you mean: 'to_table'?", "to_table"),
        ("AttributeError: 'SpectrumDataset' object has no attribute 'apply_mask_safe'", "to_masked"),
        ("AttributeError: module 'numpy' has no attribute 'trapz'", "np.trapezoid"),
        (
            "astropy.units.core.UnitConversionError: Unit must be equivalent to 1 / (TeV s cm2) for parameter norm_2",
            "cm-2",
        ),
        ("ValueError: 'M 87' is not in list", "name"),
        ("ValueError: Missing obs_id: 47802", "skip_missing"),
        ("`gammapy.makers` has no `SafeRangeMaker`.", "SafeMaskMaker"),
        ("`FluxPointsEstimator` takes no argument `e_edges`.", "energy_edges"),
    ],
)
def test_messages_that_differ_from_the_table(error: str, new: str) -> None:
    """Other classes, names and numbers than those seen, and findings of gate 1 in words of their own."""
    assert new in drift_hints(error, OLD_SCRIPT)[0].text


def test_the_line_of_the_traceback_decides_between_equal_messages() -> None:
    script = 'a = dataset.info_dict()["significance"]\nb = datasets.info_table(cumulative=True)["significance"]\n'
    for line, new in ((1, 'info_dict()["sqrt_ts"]'), (2, 'info_table(cumulative=True)["sqrt_ts"]')):
        error = f"  File \"script.py\", line {line}, in <module>\nKeyError: 'significance'"
        assert f"write: {new}" in drift_hints(error, script)[0].text


def test_all_dead_imports_are_told_at_once() -> None:
    hints = drift_hints("ModuleNotFoundError: No module named 'gammapy.spectrum'", OLD_SCRIPT, limit=5)
    told = " ".join(hint.source for hint in hints)
    assert hints[0].source == "drift:from gammapy.spectrum import SpectrumExtraction"
    assert "gammapy.utils.fitting" in told
    assert "gammapy.makers.ReflectedRegionsBackgroundEstimator" in told


@pytest.mark.parametrize(
    "error",
    [
        "ZeroDivisionError: division by zero",
        "KeyError: 'foo'",
        "NameError: name 'u' is not defined",
        "AttributeError: 'NoneType' object has no attribute 'data'",
        "ValueError: x and y must have same first dimension, but have shapes (3,) and (4,)",
        "IndexError: list index out of range",
        "",
    ],
)
def test_errors_that_are_no_drift_get_no_hint(error: str) -> None:
    assert drift_hints(error, "x = counts[3] / total\n") == []


def test_a_script_that_does_not_parse_is_no_obstacle() -> None:
    assert drift_hints("SyntaxError: invalid syntax", "def :\n") == drift_hints("SyntaxError: invalid syntax", "")


def test_a_change_applies_from_its_version_on() -> None:
    gone = Change("np.trapz", "np.trapezoid", "numpy 2.4 (deprecated 2.0)", "AttributeError: ...")
    assert not applies(gone, {"numpy": "2.3.5", "gammapy": "2.1"})
    assert applies(gone, {"numpy": "2.4.0"})
    assert applies(gone, {})
    assert not applies(Change("TSMapEstimator(model=)", "kernel_model=", "2.1", "..."), {"gammapy": "1.3"})
