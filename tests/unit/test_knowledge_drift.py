"""API drift: an error message leads to the change of the API that explains it."""

from __future__ import annotations

import re

import pytest

from gammapygpt.knowledge.changes import REMOVED, Change, Kind, applies, changes, keys, replacement
from gammapygpt.knowledge.drift import drift_hints

MADE = [change for change in changes() if change.origin == "generated"]
WITH_MESSAGE = [change for change in changes() if re.match(r"[\w.]+: ", change.how_it_fails) and change not in MADE]
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
    assert len(WITH_MESSAGE) > 350
    assert len(MADE) > 500
    assert len({change.old for change in changes()}) == len(changes())
    assert all(all(field == field.strip() and field for field in change[:6]) for change in changes())


def test_every_message_finds_its_change_first() -> None:
    """With the offending expression as the script: names decide where two changes fail with the same message."""
    assert len(LOUD) > 340
    assert [
        change.old for change in LOUD if not right(change, drift_hints(change.how_it_fails, change.old)[0].text)
    ] == []


def test_messages_of_generated_changes_find_them_too() -> None:
    """Of those with a replacement: one that was measured, of another class, may be as good and come first."""
    useful = [change for change in MADE if change.new != REMOVED]
    hints = [" ".join(hint.text for hint in drift_hints(change.how_it_fails, change.old)) for change in useful]
    found = [change for change, told in zip(useful, hints, strict=True) if change.new in told]
    assert len(useful) > 150
    assert len(found) / len(useful) > 0.95


def test_what_was_removed_for_good_is_said_only_of_the_very_thing() -> None:
    gone = Change("CashCountsStatistic.TS_max", REMOVED, "0.18", "")
    hints = drift_hints("AttributeError: 'CashCountsStatistic' object has no attribute 'TS_max'", "s.TS_max\n")
    assert hints[0].source == f"drift:{gone.old}"
    assert "no direct replacement" in hints[0].text
    assert drift_hints("AttributeError: 'FeldmanCousins' object has no attribute 'TS_max'", "s.TS_max\n") == []


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


def test_every_key_of_the_table_finds_a_change() -> None:
    """The first key is what the message says, so it finds that change, or one that fails in the same way."""
    for change in changes():
        for kind, owner, name in keys(change)[:1]:
            found = replacement(kind, [owner] if owner else [], name)
            assert found is not None
            assert keys(found)[0] == keys(change)[0] or change.old in found.old


@pytest.mark.parametrize(
    ("kind", "owners", "name", "new"),
    [
        ("module", [], "gammapy.spectrum.models", "gammapy.modeling.models"),
        ("module", [], "gammapy.detect.lima", "gammapy.estimators"),
        ("import", ["gammapy.spectrum"], "FluxPoints", "from gammapy.estimators import FluxPoints"),
        ("import", ["gammapy.cube"], "nothing_known", "gammapy.datasets / gammapy.makers"),
        ("attribute", ["gammapy.irf"], "load_cta_irfs", "load_irf_dict_from_file"),
        ("attribute", ["gammapy.maps.MapAxis"], "append", "MapAxis.concatenate"),
        ("attribute", ["SpectrumDatasetOnOff", "SpectrumDataset"], "model", "SpectrumDatasetOnOff.models"),
        ("attribute", ["CashCountsStatistic", "CountsStatistic"], "significance", "WStatCountsStatistic(...).sqrt_ts"),
        ("attribute", ["numpy"], "trapz", "np.trapezoid"),
        ("argument", ["FluxPointsEstimator", "FluxEstimator"], "sigma", "FluxEstimator(n_sigma=)"),
        ("argument", ["gammapy.estimators.FluxEstimator.__init__"], "sigma", "FluxEstimator(n_sigma=)"),
        ("argument", ["MapCoord.create"], "coordsys", "MapCoord.create(frame=)"),
        ("enum", ["FluxPointsEstimator", "selection_optional"], "errn_errp", 'selection_optional=["errn-errp"]'),
    ],
)
def test_what_is_missing_is_looked_up(kind: Kind, owners: list[str], name: str, new: str) -> None:
    found = replacement(kind, owners, name)
    assert found is not None
    assert found.new == new


@pytest.mark.parametrize(
    ("kind", "owners", "name"),
    [
        ("attribute", ["SkyModel", "ModelBase"], "run"),
        ("attribute", ["MapDataset", "Dataset"], "table"),
        ("attribute", ["FluxPointsEstimator"], "table"),
        ("argument", ["SkyModel"], "sigma"),
        ("argument", ["Fit.run"], "sigma"),
        ("argument", ["MapCoord"], "interp"),
        ("import", ["gammapy.maps"], "nothing_known"),
        ("module", [], "gammapy.nothing_known"),
        ("module", [], "gammapy"),
        ("enum", ["SafeMaskMaker"], "errn_errp"),
        ("attribute", [], "table"),
    ],
)
def test_no_advice_is_better_than_a_wrong_one(kind: Kind, owners: list[str], name: str) -> None:
    assert replacement(kind, owners, name) is None
