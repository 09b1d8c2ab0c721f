"""Rules of physics that read the script: what each sees, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammapygpt.checks.asking import reading
from gammapygpt.checks.physics import check_physics
from gammapygpt.cookbook.book import recipes
from gammapygpt.state import Finding, Request

START = """
import json, os
import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion, PointSkyRegion
from gammapy.data import DataStore, Observation
from gammapy.datasets import Datasets, MapDataset, SpectrumDataset
from gammapy.estimators import FluxPointsEstimator
from gammapy.makers import *
from gammapy.makers import (FoVBackgroundMaker, MapDatasetMaker, ReflectedRegionsBackgroundMaker, RingBackgroundMaker,
    SafeMaskMaker, SpectrumDatasetMaker)
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import (EBLAbsorptionNormSpectralModel, FoVBackgroundModel, PowerLawSpectralModel,
    SkyModel)
from gammapy.stats import WStatCountsStatistic
store = DataStore.from_dir("$GAMMAPY_DATA/hess-dl3-dr1")
observations = store.get_observations([23523, 23526])
pos = SkyCoord(83.63, 22.01, unit="deg")
"""
ON = """
on = CircleSkyRegion(pos, RADIUS * u.deg)
axis = MapAxis.from_energy_bounds(1, 10, nbin=5, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.3, 30, nbin=20, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on, axes=[axis]), energy_axis_true=axis_true)
maker = MAKER
background = ReflectedRegionsBackgroundMaker(exclusion_mask=mask)
safe = SafeMaskMaker(methods=["aeff-max"], aeff_percent=10)
datasets = Datasets([safe.run(background.run(maker.run(empty, o), o), o) for o in observations])
datasets.models = [SkyModel(PowerLawSpectralModel(), name="source")]
Fit().run(datasets)
"""


def findings(body: str, request: str = "", facts: dict | None = None) -> list[Finding]:
    """What the rules find in a script of imports and these lines."""
    asked = Request(text=request) if request else None
    return check_physics({}, facts=facts, script=START + body, request=asked)


def names(body: str, **more: object) -> list[tuple[str, str]]:
    """Rule and severity."""
    return [(one.rule, one.severity) for one in findings(body, **more)]  # type: ignore[arg-type]


def spectrum(maker: str, radius: str = "0.11") -> str:
    """A reflected-regions spectrum."""
    return ON.replace("MAKER", maker).replace("RADIUS", radius)


UNCORRECTED = 'SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"])'
CONTAINMENT = "no-containment-correction"


def test_fluxes_from_a_circle_need_the_containment_correction() -> None:
    (one,) = findings(spectrum(UNCORRECTED))
    assert (one.rule, one.severity) == (CONTAINMENT, "warning")
    assert "SpectrumDatasetMaker" in (START + spectrum(UNCORRECTED)).splitlines()[one.line - 1]
    full = {"seen": True, "observations": [{"obs_id": 23523, "point_like": False}]}
    assert names(spectrum(UNCORRECTED), facts=full) == [(CONTAINMENT, "error")], "the data have full-enclosure IRFs"


@pytest.mark.parametrize(
    "body",
    [
        spectrum("SpectrumDatasetMaker(containment_correction=True)"),
        "CORRECT = True\n" + spectrum("SpectrumDatasetMaker(containment_correction=CORRECT)"),
        spectrum("SpectrumDatasetMaker(use_region_center=False)"),
        spectrum(UNCORRECTED, radius="0.5"),
        spectrum(UNCORRECTED)
        .replace("Fit().run(datasets)", "print(datasets.info_table())")
        .replace('datasets.models = [SkyModel(PowerLawSpectralModel(), name="source")]', ""),
        spectrum(UNCORRECTED.replace('"exposure", ', "")),
        spectrum(UNCORRECTED).replace("CircleSkyRegion(pos, 0.11 * u.deg)", "PointSkyRegion(pos)"),
    ],
    ids=["corrected", "by a constant", "averaged", "extended", "counts alone", "no exposure", "point-like"],
)
def test_where_no_containment_correction_is_needed(body: str) -> None:
    assert names(body) == []


def test_a_request_without_containment_correction_gets_none() -> None:
    assert names(spectrum(UNCORRECTED), request="Fit a power law, without containment correction.") == []
    point_like = {"seen": True, "observations": [{"obs_id": 1, "point_like": True}]}
    assert names(spectrum(UNCORRECTED), facts=point_like) == []


MAPS = """
geom = WcsGeom.create(skydir=pos, width=3, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=4)])
stacked = MapDataset.create(geom, name="stacked")
maker, safe = MapDatasetMaker(), SafeMaskMaker(methods=["offset-max"], offset_max=2 * u.deg)
fov = FoVBackgroundMaker(method="scale", exclusion_mask=mask)
for o in observations:
    dataset = fov.run(safe.run(maker.run(stacked.cutout(pos, width=4 * u.deg, name=f"obs-{o.obs_id}"), o), o))
    stacked.stack(dataset)
stacked.models = [SkyModel(PowerLawSpectralModel(), name="source"), FoVBackgroundModel(dataset_name="stacked")]
Fit().run([stacked])
"""

UNMASKED = MAPS.replace("safe.run(maker.run(", "(maker.run(").replace(", o), o))", ", o)))")


@pytest.mark.parametrize(
    ("body", "rule", "severity"),
    [
        (MAPS.replace(", exclusion_mask=mask", ""), "no-exclusion-mask", "warning"),
        ("ring = RingBackgroundMaker(r_in='0.5 deg', width='0.3 deg')", "no-exclusion-mask", "warning"),
        (spectrum("SpectrumDatasetMaker(containment_correction=True)").replace("exclusion_mask=mask", ""),
         "no-exclusion-mask", "info"),
        (UNMASKED.replace("SafeMaskMaker(", "dict("), "no-safe-mask", "warning"),
        (UNMASKED.replace("stacked.models", "stacked = safe.run(stacked, observations[0])\nstacked.models"),
         "stacked-before-mask", "warning"),
        ("datasets = [1, 2]\nstacked = datasets[0].copy()\nfor one in datasets[1:]:\n    stacked.stack(one)",
         "stacked-before-mask", "warning"),
        (spectrum("SpectrumDatasetMaker(containment_correction=True)").replace("bounds(0.3, 30", "bounds(1, 10"),
         "true-energy-axis", "warning"),
        ('FluxPointsEstimator(energy_edges=[1, 10] * u.TeV, selection_optional="all")', "expensive-selection", "info"),
        ("stacked = MapDataset.read('x.fits')\nstacked.fake()", "no-seed", "warning"),
        ("x = MapDataset.read('x')\nfor _ in range(9):\n    x.fake(random_state=1)", "no-seed", "warning"),
        ("counts = np.random.poisson(3.0, 10)", "no-seed", "warning"),
        ("pos = SkyCoord.from_name('Crab')", "name-resolver", "warning"),
        ("import warnings\nwarnings.filterwarnings('ignore')", "silenced-warnings", "warning"),
        ("t = store.obs_table\nt = t[t['OBJECT'] == 'Crab Nebula']", "target-name", "warning"),
        ("ids = [1, 2, 2]\nstore.get_observations(ids)", "runs-dropped", "error"),
        ("stat = WStatCountsStatistic(n_on=30, n_off=200, alpha=0.1)", "alpha-unusual", "warning"),
        ("flux = 1\nprint(f'flux: {model.integral(1, 2).value:.2e}')", "unit-missing", "info"),
    ],
)  # fmt: skip
def test_a_choice_that_may_be_wrong(body: str, rule: str, severity: str) -> None:
    assert (rule, severity) in names(body)


@pytest.mark.parametrize(
    "body",
    [
        MAPS,
        "dataset = MapDataset.read('x.fits')\ndataset.fake(random_state=42)",
        "for seed in range(9):\n    MapDataset.read('x.fits').fake(random_state=seed)",
        "rng = np.random.default_rng(42)\ncounts = rng.poisson(3.0)",
        "import warnings\nwarnings.filterwarnings('ignore', message='.*dubious year.*')",
        "import warnings\nwarnings.simplefilter('ignore', category=UserWarning)",
        "print(f'flux: {model.integral(1, 2).value:.2e} cm-2 s-1')",
    ],
)
def test_a_choice_that_is_right(body: str) -> None:
    assert names(body) == []


STACK = spectrum("SpectrumDatasetMaker(containment_correction=True)").replace("Fit().run(datasets)", "")


def test_models_are_lost_in_a_stack() -> None:
    lost = STACK + "stacked = datasets.stack_reduce(name='stacked')\nresult = Fit().run([stacked])\n"
    assert ("no-models", "error") in names(lost)
    assert ("no-models", "error") in names(
        lost.replace("result = ", "fit = ").replace("[stacked]", "Datasets([stacked])")
    )
    kept = lost.replace("result =", "stacked.models = datasets.models\nresult =")
    assert names(kept) == []
    assert names(lost.replace("result =", "all = Datasets([stacked])\nall.models = [1]\nresult =")) == []
    assert names(lost.replace("Fit().run([stacked])", "stacked.info_dict()")) == []


def test_a_background_model_for_a_data_set_that_there_is_not() -> None:
    wrong = MAPS.replace('dataset_name="stacked"', 'dataset_name="crab"')
    (one,) = [one for one in findings(wrong) if one.rule == "background-model-not-attached"]
    assert one.severity == "error"
    assert "crab" in one.message
    assert names(MAPS.replace('dataset_name="stacked"', "dataset_name=stacked.name")) == []
    assert names(MAPS.replace('dataset_name="stacked"', 'dataset_name="obs-23523"')) == []
    assert names(wrong.replace('MapDataset.create(geom, name="stacked")', 'MapDataset.read("x.fits")')) == []


@pytest.mark.parametrize(
    ("request_", "severity"),
    [
        ("Fit a power law to the blazar at redshift 0.116.", "warning"),
        ("Fit the intrinsic spectrum of the source at z = 0.116, absorbed by the EBL.", "error"),
        ("Fit a power law to the source at redshift z = 0.031.", ""),
        ("Fit a power law.", ""),
    ],
)
def test_a_distant_source_needs_the_ebl(request_: str, severity: str) -> None:
    body = "model = SkyModel(PowerLawSpectralModel())"
    assert names(body, request=request_) == ([("no-ebl", severity)] if severity else [])
    absorbed = "ebl = EBLAbsorptionNormSpectralModel.read_builtin('dominguez', redshift=0.116)\n" + body
    assert names(absorbed, request=request_) == []


def test_an_upper_limit_that_was_asked_for() -> None:
    fpe = "points = FluxPointsEstimator(energy_edges=[1, 10] * u.TeV, selection_optional={})"
    asked = "Give a 95 % upper limit on the flux."
    assert names(fpe.format("None"), request=asked) == [("no-upper-limit", "warning")]
    assert names(fpe.format('["ul"]'), request=asked) == []


def test_quantities_that_only_some_recipes_know_are_read_for_all() -> None:
    text = "At redshift z=0.116 and 2.5 deg offset from the pointing, 10 h livetime, three OFF regions."
    values = reading(Request(text=text)).values
    assert {name: values.get(name) for name in ("REDSHIFT", "OFFSET", "LIVETIME", "OFF_REGIONS")} == {
        "REDSHIFT": 0.116,
        "OFFSET": 2.5,
        "LIVETIME": 10.0,
        "OFF_REGIONS": 3,
    }
    assert "OFF_REGIONS" not in reading(Request(text="as many OFF regions as fit, at least two OFF regions")).values


@pytest.mark.parametrize("recipe", recipes())
def test_recipes_have_no_finding(recipe: str) -> None:
    assert check_physics({}, script=recipes()[recipe].source) == []


REFERENCES = sorted((Path(__file__).resolve().parents[3] / "shared" / "tasks" / "reference").glob("*.py"))


@pytest.mark.skipif(not REFERENCES, reason="no reference scripts beside the repository")
def test_reference_scripts_have_no_error() -> None:
    full = {"seen": True, "observations": [{"obs_id": 1, "point_like": False}]}
    for path in REFERENCES:
        found = check_physics({}, facts=full, script=path.read_text(encoding="utf-8"))
        assert [one for one in found if one.severity == "error"] == [], path.name


def test_a_result_that_is_where_the_fit_began() -> None:
    body = "model = PowerLawSpectralModel(index=2.5)\nFit().run(datasets)"
    free = {"fits": [{"parameters": [{"name": "index", "value": 2.62, "frozen": False}]}]}
    found = check_physics({"index": 2.5}, facts=free, script=START + body)
    assert ("fit-not-converged", "error", "index") in [(one.rule, one.severity, one.key) for one in found]
    assert not [one for one in check_physics({"index": 2.62}, facts=free, script=START + body) if one.key]
    kept = {"fits": [{"parameters": [{"name": "index", "value": 2.5, "frozen": True}]}]}
    assert not [one for one in check_physics({"index": 2.5}, facts=kept, script=START + body) if one.key]


def test_names_that_lead_to_themselves() -> None:
    names("x = 1\nx = x\ny = y * 2\nz = u.Quantity(z)\nSkyCoord(y, z, unit='deg')\nWStatCountsStatistic(1, 2, y)")
