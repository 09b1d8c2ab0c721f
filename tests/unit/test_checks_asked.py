"""What was asked against what was seen of a run: each kind of number, right, wrong, and not to be told."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from gammapygpt.checks.asked import check_asked
from gammapygpt.state import Finding, Plan, Request, StoreInfo

ASKED = (
    "Spectrum of the Crab Nebula from runs 23523, 23526 and 23559 of $GAMMAPY_DATA/hess: ON circle of 0.11 deg radius "
    "at RA 83.633 deg, Dec 22.0145 deg (ICRS), reflected regions (exclude 0.3 deg around the source), power law with "
    "reference energy 1 TeV fitted to reconstructed energies 1-10 TeV. "
    'Write result.json with "index" (positive photon index) and "amplitude" (cm-2 s-1 TeV-1).'
)
STORE = StoreInfo(
    path="hess",
    n_observations=5,
    obs_ids=[23523, 23526, 23559, 23592, 30000],
    ra_deg=[83.63, 83.63, 85.25, 82.01, 10.0],
    dec_deg=[21.5, 22.5, 22.0, 22.0, 10.0],
    checksum="",
)
SCRIPT = """
import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.makers import SpectrumDatasetMaker
from gammapy.modeling import Fit
from regions import CircleSkyRegion
on = CircleSkyRegion(SkyCoord({ra}, {dec}, unit="deg"), {radius} * u.deg)
mask = CircleSkyRegion(on.center, 0.3 * u.deg)
axis = make("energy", {low} * u.TeV, {high} * u.TeV)
model = spectrum(reference="{reference} TeV")
Fit().run(datasets)
flux = model.integral(1 * u.TeV, 10 * u.TeV)
"""
RIGHT: dict[str, Any] = {
    "ra": 83.633,
    "dec": 22.0145,
    "radius": 0.11,
    "low": 1,
    "high": 10,
    "reference": 1,
    "runs": [23523, 23526, 23559],
    "kind": "PowerLawSpectralModel",
    "index": (2.5, False),
    "n_off": 11,
    "max_region_number": 10000,
    "excluded": True,
}


def seen(**other: Any) -> tuple[str, dict[str, Any]]:
    """The script of an analysis and the facts of its run; right, but for what is given."""
    is_ = RIGHT | other
    region = {"shape": "CircleSkyRegion", "ra_deg": is_["ra"], "dec_deg": is_["dec"], "radius_deg": is_["radius"]}
    energies = {"min": is_["low"], "max": is_["high"], "n": 10}
    index, frozen = is_["index"]
    free = {"kind": is_["kind"], "name": "index", "value": index, "frozen": frozen}
    reference = {"kind": is_["kind"], "name": "reference", "value": is_["reference"], "unit": "TeV", "frozen": True}
    background = {
        "maker": "ReflectedRegionsBackgroundMaker",
        "settings": {"finder": "ReflectedRegionsFinder", "max_region_number": is_["max_region_number"]},
        "n_off": [is_["n_off"]] * len(is_["runs"]),
        "exclusion": {"kept": 0.99} if is_["excluded"] else None,
    }
    facts = {
        "seen": True,
        "observations": [{"obs_id": one, "used": True} for one in is_["runs"]],
        "selections": [{"asked": is_["runs"], "got": is_["runs"]}],
        "makings": [{"maker": "SpectrumDatasetMaker", "region": region, "settings": {}}, background],
        "datasets": [{"uses": ["fit"], "energy": energies, "region": region}],
        "fits": [{"success": True, "parameters": [free, reference]}],
    }
    return SCRIPT.format(**is_), facts


def findings(request: str = ASKED, result: dict | None = None, plan: Plan | None = None, **other: Any) -> list[Finding]:
    """What does not fit the request."""
    script, facts = seen(**other)
    asked = Request(text=request, stores=[STORE])
    return check_asked(result or {}, asked, plan, facts=facts, script=script)


def names(*args: Any, **other: Any) -> list[tuple[str, str]]:
    """Rule and severity."""
    return [(one.rule, one.severity) for one in findings(*args, **other)]


def test_a_run_that_did_what_was_asked() -> None:
    assert findings(result={"index": 2.5, "amplitude": 3e-11}) == []


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        ({"dec": 22.145}, "asked-position"),
        ({"ra": 83.336}, "asked-position"),
        ({"radius": 0.2}, "asked-on-radius"),
        ({"radius": 0.066}, "asked-on-radius"),
        ({"low": 0.5, "high": 50}, "asked-energies"),
        ({"low": 2, "high": 5}, "asked-energies"),
        ({"runs": [23523, 23526]}, "asked-observations"),
        ({"runs": [23523, 23526, 23559, 23592]}, "asked-observations"),
        ({"reference": 3}, "asked-reference-energy"),
        ({"kind": "ExpCutoffPowerLawSpectralModel"}, "asked-model"),
    ],
)
def test_a_number_that_is_another_one(other: dict, rule: str) -> None:
    found = names(**other)
    severity = "warning" if rule == "asked-model" else "error"
    assert (rule, severity) in found
    assert {name for name, _ in found} <= {rule, "asked-number"}


def test_a_number_that_stands_in_the_script_all_the_same_is_a_warning() -> None:
    """The request may have been read wrongly: nothing certain is said."""
    script, facts = seen(radius=0.2)
    asked = Request(text=ASKED, stores=[STORE])
    (one,) = check_asked({}, asked, facts=facts, script=script + "smoothing = 0.11 * u.deg\n")
    assert (one.rule, one.severity, one.fact) == ("asked-on-radius", "warning", "ON region of 0.2 deg")


def test_other_units_are_the_same_number() -> None:
    asked = ASKED.replace("0.11 deg", "6.6 arcmin").replace("1-10 TeV", "1000-10000 GeV")
    assert findings(asked) == []
    assert ("asked-on-radius", "error") in names(asked, radius=0.066)


def test_the_number_of_off_regions() -> None:
    assert names(max_region_number=3, n_off=3) == [("asked-off-regions", "warning")], "nobody asked for that"
    every = ASKED.replace("reflected regions", "reflected regions, as many OFF regions as fit")
    assert names(every, max_region_number=3, n_off=3) == [("asked-off-regions", "error")]
    three = ASKED.replace("reflected regions", "three OFF regions")
    assert names(three, max_region_number=3, n_off=3) == []
    assert names(three) == [("asked-off-regions", "error")]


def test_an_exclusion_that_was_asked_for() -> None:
    (one,) = findings(excluded=False)
    assert (one.rule, one.severity) == ("asked-exclusion", "warning"), "0.3 deg stands in the script"


def test_observations_by_position() -> None:
    cone = ASKED.replace("runs 23523, 23526 and 23559 of", "the runs within 2 deg of the source in")
    four = [23523, 23526, 23559, 23592]
    assert names(cone, runs=four) == []
    (one,) = [one for one in findings(cone) if one.rule == "asked-observations"]
    assert one.severity == "error"
    assert "23592" in one.message
    for some in ("the first three runs", "three runs", "runs with a zenith angle below 50 deg"):
        assert names(cone.replace("the runs", some)) == [], some
    request = "How many runs of $GAMMAPY_DATA/hess point within 2 deg of RA 83.633 deg, Dec 22.0145 deg?"
    request += ' Write result.json with "n_obs".'
    assert names(request, {"n_obs": 4}, runs=four) == []
    assert ("asked-observations", "error") in names(request, {"n_obs": 3}, runs=four)


def test_a_parameter_that_was_to_be_fixed() -> None:
    fixed = ASKED.replace("power law", "power law with the index fixed to 2.3")
    assert names(fixed, index=(2.3, True)) == []
    assert names(fixed, index=(2.3, False)) == [("asked-parameter", "error")]
    assert names(fixed, index=(2.0, True)) == [("asked-parameter", "error")]


def test_signs() -> None:
    (one,) = findings(result={"index": -2.5, "amplitude": 3e-11})
    assert (one.rule, one.key) == ("asked-sign", "index")


def check(request: str, script: str, result: dict | None = None, **facts: Any) -> list[tuple[str, str]]:
    """The same for other analyses."""
    asked = Request(text=request)
    found = check_asked(result or {}, asked, facts={"seen": True, **facts}, script=script)
    return [(one.rule, one.severity) for one in found]


def test_the_redshift() -> None:
    request = "Absorb a power law of a source at redshift z = 0.116 with the EBL."
    models = [{"name": "redshift", "value": 0.161, "kind": "EBLAbsorptionNormSpectralModel"}]
    assert ("asked-redshift", "error") in check(request, "z = 0.161", models=models)
    assert check(request, "z = 0.116", models=[models[0] | {"value": 0.116}]) == []
    assert check(request, "z = 0.161") == [("asked-number", "warning")]
    assert check(request, "z = 0.116") == []


def test_galactic_numbers_are_no_icrs() -> None:
    request = "Which source is nearest to galactic longitude l = 320.33 deg, latitude b = -1.19 deg?"
    start = "import astropy.units as u\nfrom astropy.coordinates import SkyCoord\n"
    assert check(request, start + "SkyCoord(320.33, -1.19, unit='deg')") == [("asked-position", "error")]
    assert check(request, start + "SkyCoord(320.33 * u.deg, -1.19 * u.deg, frame='icrs')") == [
        ("asked-position", "error")
    ]
    assert check(request, start + "SkyCoord(320.33, -1.19, unit='deg', frame='galactic')") == []
    assert check(request, start + "SkyCoord(320.33, -1.19, frame='galactic', unit='deg').icrs") == []


def test_the_offset_of_a_response() -> None:
    request = "Effective area at 1 TeV and at 0.7 deg offset from the pointing for run 23523."
    look = "import astropy.units as u\noffset = {} * u.deg\naeff.evaluate(energy_true=1 * u.TeV, offset=offset)"
    assert ("asked-offset", "error") in check(request, look.format(0))
    assert check(request, look.format(0.7)) == []


def test_a_simulation() -> None:
    request = "Simulate 5 h livetime at 2 deg offset from the pointing, power law of index 2.3."
    script = "import astropy.units as u\nmake(5 * u.h, 2 * u.deg, index=2.3)"
    observation = {"obs_id": 1, "livetime_s": 18000.0, "used": True}
    making = {"maker": "SpectrumDatasetMaker", "offsets_deg": [2.0]}
    assert check(request, script, observations=[observation], makings=[making]) == []
    longer = {**observation, "livetime_s": 180000.0}
    assert check(request, script, observations=[longer], makings=[making]) == [("asked-livetime", "error")]
    on_axis = {**making, "offsets_deg": [0.0]}
    assert check(request, script, observations=[observation], makings=[on_axis]) == [("asked-offset", "warning")]
    assert ("asked-offset", "error") in check(
        request, script.replace(", 2 * u.deg", ""), observations=[observation], makings=[on_axis]
    )


def test_bands_and_light_curves() -> None:
    request = "Flux points in the bands with edges 1, 2, 4 and 8 TeV."
    script = "edges = [1, 2, 4, 8]"
    points = {"type": "FluxPointsEstimator", "edges": [1.0, 2.0, 4.0, 8.0], "n": 3}
    assert check(request, script, points=[points]) == []
    moved = {**points, "edges": [0.8, 1.97, 4.87, 7.64]}
    assert check(request, script, points=[moved]) == [("asked-bands", "error")]
    request = "Run-wise light curve of runs 1, 2 and 3: photon flux between 0.7 and 20 TeV."
    runs = [{"obs_id": one, "used": True} for one in (1, 2, 3)]
    times = [["2006-07-29T20:00:00", "2006-07-29T20:28:00"]] * 3
    curve = {"type": "LightCurveEstimator", "edges": [0.7, 20.0], "times": times}
    assert check(request, script, points=[curve], observations=runs) == []
    missing = check(request, script, points=[{**curve, "times": times[:2]}], observations=runs)
    assert missing == [("asked-observations", "error")]
    other = check(request, script, points=[{**curve, "edges": [1.0, 20.0]}], observations=runs)
    assert other == [("asked-energies", "error")]


def test_a_curvature_with_the_decimal_logarithm() -> None:
    request = 'Log-parabola E^-(alpha + beta log10(E)). Write result.json with "beta".'
    fit = {"parameters": [{"name": "beta", "value": 0.2, "kind": "LogParabolaSpectralModel"}]}
    assert check(request, "b = beta.value", {"beta": 0.2}, fits=[fit]) == [("asked-convention", "error")]
    assert check(request, "b = beta.value * np.log(10)", {"beta": 0.2}, fits=[fit]) == []


def test_files_and_models_that_the_request_names() -> None:
    request = "Effective area in $GAMMAPY_DATA/caldb/Prod5-South.fits.gz."
    assert check(request, "open('$GAMMAPY_DATA/caldb/Prod5-North.fits.gz')") == [("asked-file", "error")]
    assert check(request, "open(f'$GAMMAPY_DATA/caldb/{name}.fits.gz')") == [("asked-file", "warning")]
    assert check(request, "open(folder / 'caldb' / 'Prod5-South.fits.gz')") == []
    request = "Absorb it with the EBL of Dominguez et al. (2011)."
    models = [{"name": "redshift", "value": 0.1, "filename": "ebl_franceschini.fits.gz"}]
    assert check(request, "x = 1", models=models) == [("asked-model", "error")]
    assert check(request, "x = 1", models=[models[0] | {"filename": "ebl_dominguez11.fits.gz"}]) == []


def test_a_flux_brighter_than_anything() -> None:
    request = 'Write result.json with "index" and "amplitude" (cm-2 s-1 TeV-1).'
    assert check(request, "x = 1", {"index": 2.5, "amplitude": 3e-11}) == []
    assert check(request, "x = 1", {"index": 2.5, "amplitude": 1.02}) == [("asked-unit", "error")]


def test_a_livetime_that_is_none_of_the_runs() -> None:
    request = 'Livetime of runs 1 and 2 of $GAMMAPY_DATA/store-x. Write result.json with "livetime_h".'
    store = STORE.model_copy(update={"path": "store-x", "obs_ids": [1, 2, 3, 4, 5]})
    runs = [{"obs_id": one, "livetime_s": 1500.0, "ontime_s": 1680.0} for one in (1, 2)]
    facts = {"seen": True, "observations": runs, "selections": [{"asked": [1, 2], "got": [1, 2]}]}

    def judged(value: float) -> list[str]:
        asked = Request(text=request, stores=[store])
        return [one.message for one in check_asked({"livetime_h": value}, asked, facts=facts, script="'store-x'")]

    assert judged(3000 / 3600) == []
    assert judged(1500 / 3600) == [], "perhaps of one of them"
    assert "which is the ontime" in judged(3360 / 3600)[0]
    assert "0.8333 h" in judged(0.9333)[0]


@pytest.mark.parametrize(
    ("request_", "right", "wrong"),
    [
        ("95 % confidence upper limit", (2.0, 1.64), 1.0),
        ("upper limit at a confidence level of 99.7 %", (3.0,), 2.0),
        ("90% C.L. limit", (1.28, 1.64), 3.0),
    ],
)
def test_the_confidence_of_a_limit(request_: str, right: tuple, wrong: float) -> None:
    limits = {"type": "FluxPointsEstimator", "nan_limits": 0}
    for sigma in right:
        assert check(request_, "x = 1", points=[{**limits, "n_sigma_ul": sigma}]) == []
    assert check(request_, "x = 1", points=[{**limits, "n_sigma_ul": wrong}]) == [("asked-confidence", "error")]


def test_the_request_goes_before_a_plan_that_a_model_made() -> None:
    plan = Plan(parameters={"ON_RADIUS": 0.2, "MAP_WIDTH": 3.0})
    assert names(plan=plan) == []
    assert ("asked-on-radius", "error") in names(plan=plan, radius=0.2)
    silent = ASKED.replace("ON circle of 0.11 deg radius", "ON circle")
    assert ("asked-on-radius", "error") in names(silent, plan=plan), "where the request is silent, the plan speaks"


def test_the_name_of_a_file_asks_for_nothing() -> None:
    assert findings("exec MSH 15-52 with 0.2 deg.py") == []


@pytest.mark.parametrize("request_", ["", "Do something.", "index" * 1000, "RA 1e999 deg, z = 0.1.2.3, runs 1-2-3"])
def test_requests_that_say_nothing(request_: str) -> None:
    assert [one for one in findings(request_) if one.severity == "error"] == []


def test_facts_that_cannot_be_are_no_reason_to_break() -> None:
    """Facts come from the sandbox: whatever stands in them, a review ends."""
    script, facts = seen()
    whole = json.dumps(facts)
    generator = random.Random(1)
    for _ in range(150):
        broken = whole
        for _ in range(generator.randint(1, 6)):
            word = generator.choice(
                ['"ra_deg": 83.633', "0.11", '"settings": {}', "23523", "[", "true", '"energy"', "10"]
            )
            broken = broken.replace(
                word, generator.choice(["null", '"x"', "-1", "[]", "1e300", '"energy": null', "0"]), 1
            )
        try:
            told = json.loads(broken)
        except ValueError:
            continue
        check_asked({"index": 2}, Request(text=ASKED, stores=[STORE]), facts=told, script=script)
