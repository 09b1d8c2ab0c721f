"""Messages that do not say what is wrong are explained, and only where the explanation holds."""

from __future__ import annotations

import re

import pytest

from gammapygpt.agents.repairing import hints
from gammapygpt.knowledge.messages import explain, messages
from gammapygpt.state import Attempt, Execution

SEEN = [
    (
        "no-observation",
        "IndexError: list index out of range",
        "observations = get_observations()\nobservations[0]\n",
    ),
    (
        "no-observation-in-makers",
        "ValueError: Number of processes must be at least 1",
        "datasets = DatasetsMaker([maker]).run(empty, observations)\n",
    ),
    (
        "no-dataset",
        "ValueError: Stacking impossible: all Datasets contained are not of a unique type.",
        "Datasets(found).stack_reduce()\n",
    ),
    ("missing-obs-id", "ValueError: Missing obs_id: 1", "store.get_observations([1])\n"),
    (
        "missing-event-file",
        "FileNotFoundError: [Errno 2] No such file or directory: 'run_05029747_DL3.fits'",
        "store = DataStore.from_dir(path)\n",
    ),
    (
        "missing-catalogue",
        "FileNotFoundError: [Errno 2] No such file or directory: '/data/catalogs/fermi/gll_psc_v32.fit.gz'",
        "catalogue = SourceCatalog4FGL()\n",
    ),
    ("name-not-in-list", "ValueError: 'Crab' is not in list", 'print(datasets["Crab"])\n'),
    ("axis-not-in-list", "KeyError: \"Axis with name `'energy'` not in list of axis names: [].\"", "geom.axes\n"),
    (
        "quantity-not-estimated",
        "AttributeError: Quantity 'norm_ul' is not defined on current flux estimate.",
        "fp.dnde_ul",
    ),
    ("not-a-valid-method", "ValueError: {'aeff_max'} is not a valid method.", 'SafeMaskMaker(methods=["aeff_max"])'),
    (
        "figure-used-again",
        "matplotlib.units.ConversionError: Failed to convert value(s) to axis units: <Quantity [nan] erg / (s cm2)>",
        'points.plot(sed_type="dnde")\npoints.plot(sed_type="eflux")\n',
    ),
    (
        "figure-used-again",
        'TypeError: tz must be string or tzinfo subclass, not Unit("TeV")',
        "model.plot(bounds)\nlight_curve.plot()\n",
    ),
    ("in-place-stack", "AttributeError: 'NoneType' object has no attribute 'counts'", "total = total.stack(one)\n"),
    (
        "point-like-has-no-psf",
        "AttributeError: 'NoneType' object has no attribute 'peek'",
        "obs[0].psf.peek()",
    ),
    ("array-of-one", "TypeError: only 0-dimensional arrays can be converted to Python scalars", "float(counts)"),
    (
        "three-values",
        "ValueError: too many values to unpack (expected 2)",
        "flux, error = model.integral_error(low, high)\n",
    ),
    (
        "datasets-given-to-fit",
        "ValueError: Unknown backend <gammapy.datasets.core.Datasets object at 0x7f6> for task 'optimize'",
        "fit = Fit(datasets)\nfit.run(datasets)\n",
    ),
    ("position-that-wanders", "The fit did not converge.", 'PointSpatialModel(lon_0="83.6 deg", lat_0="22 deg")'),
    ("grid-of-one-bin", "AttributeError: 'WCSAxes' object has no attribute 'flat'", "counts.plot_grid()\n"),
]


@pytest.mark.parametrize(("name", "error", "script"), SEEN)
def test_a_message_as_gammapy_gives_it_is_explained(name: str, error: str, script: str) -> None:
    explained = explain(f'Traceback\n  File "script.py", line 2, in <module>\n{error}', script)
    assert [each.source for each in explained][:1] == [f"message:{name}"]
    assert "\nDo: " in explained[0].text


@pytest.mark.parametrize(
    ("error", "script"),
    [
        ("IndexError: list index out of range", "rows = []\nprint(rows[0])\n"),
        ("ValueError: 'Crab' is not in list", 'position = ["Vela"].index("Crab")\nDatasets()\n'),
        ("AttributeError: 'NoneType' object has no attribute 'counts'", "cube = np.stack(images)\nfound.counts\n"),
        ("ValueError: too many values to unpack (expected 2)", "a, b = rows\n"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'table.csv'", "DataStore.from_dir(path)\n"),
        ("RecursionError: maximum recursion depth exceeded", "walk(tree)\n"),
        ("The fit did not converge.", "model = PowerLawSpectralModel()\n"),
        ("The fit did not converge.", "model = PointSpatialModel()\nmodel.lon_0.frozen = True\n"),
        ("KeyError: 'energy'", "table['energy']\n"),
        ("", "observations[0]\n"),
    ],
)
def test_other_errors_are_not_explained(error: str, script: str) -> None:
    assert explain(error, script) == []


def test_every_entry_is_complete() -> None:
    for message in messages():
        assert message.means.endswith(".")
        assert message.do
        assert re.compile(message.error).search("") is None
        assert len(message.means + message.do) < 600


def test_who_repairs_is_told_the_meaning_before_the_drift() -> None:
    script = "from gammapy.data import DataStore\nobs = store.get_observations([1])[0]\n"
    execution = Execution(provider="local", exception="ValueError", message="Missing obs_id: 1")
    attempt = Attempt(number=1, author="coder", script=script, execution=execution)
    told = hints(attempt)
    assert told[0].source == "message:missing-obs-id"
    assert 1 <= len(told) <= 2
