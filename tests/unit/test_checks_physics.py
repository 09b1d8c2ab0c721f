"""The rules of physics: the table is whole, and each rule by examples of what was seen in a run."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gammapygpt.checks.choices import analysis_choices
from gammapygpt.checks.physics import Evidence, check_physics, checks, found, read_facts, rules
from gammapygpt.checks.physics.seen import li_ma
from gammapygpt.state import Finding, Plan, Request

EDGES = [1.0, 1.6, 2.5, 4.0, 6.3, 10.0, 16.0, 25.0]
CIRCLE = {"shape": "CircleSkyRegion", "ra_deg": 83.633, "dec_deg": 22.014, "radius_deg": 0.11}
MAKER = {"containment_correction": True, "use_region_center": True, "selection": ["counts", "edisp", "exposure"]}


def parameter(name: str, value: float, error: Any, **more: Any) -> dict[str, Any]:
    unit = {"amplitude": "1 / (TeV s cm2)", "lambda_": "1 / TeV", "reference": "TeV"}.get(name, "")
    told = {"model": "crab", "kind": "PowerLawSpectralModel", "name": name, "value": value, "error": error}
    return {**told, "unit": unit, "frozen": False, **more}


def dataset(number: int, obs_id: int) -> dict[str, Any]:
    return {
        "number": number,
        "uses": ["made", "fit", "points", "alive"],
        "type": "SpectrumDatasetOnOff",
        "name": str(obs_id),
        "obs_ids": [obs_id],
        "stat": "wstat",
        "models": ["crab"],
        "bins": 7,
        "counts": 90.0,
        "counts_off": 60.0,
        "acceptance_off": 84.0,
        "alpha": 1 / 12,
        "background": 5.0,
        "bins_without_off": 1,
        "livetime_s": 1580.0,
        "point_like": False,
        "safe_fraction": 1.0,
        "used_fraction": 1.0,
        "safe_energy": [1.0, 25.0],
        "used_energy": [1.0, 25.0],
        "energy": {"min": 1.0, "max": 25.0, "n": 7, "edges": EDGES},
        "energy_true": {"min": 0.1, "max": 100.0, "n": 30},
        "region": CIRCLE,
    }


def spectrum() -> dict[str, Any]:
    """A right analysis in one dimension, as it is seen."""
    ids = [23523, 23526]
    common = {"obs_ids": ids, "offsets_deg": [0.5, 0.5], "region": CIRCLE}
    mask = {"dtype": "bool", "kept": 0.99, "on_kept": False}
    reference = parameter("reference", 1.0, 0.0, frozen=True)
    facts = {
        "seen": True,
        "gammapy": "2.1",
        "selections": [{"asked": ids, "got": ids, "required_irf": ["full-enclosure"]}],
        "cones": [{"ra_deg": 83.633, "dec_deg": 22.014, "radius_deg": 2.0, "n": 2}],
        "observations": [
            {"obs_id": one, "ontime_s": 1687.0, "livetime_s": 1581.0, "dead_time_fraction": 0.06, "zenith_deg": 47.0}
            | {"point_like": False, "used": True}
            for one in ids
        ],
        "makings": [
            {"maker": "SpectrumDatasetMaker", "settings": MAKER, "containment": 0.63, **common},
            {"maker": "ReflectedRegionsBackgroundMaker", "settings": {"max_region_number": 10000}, **common}
            | {"n_off": [12, 12], "exclusion": mask},
            {"maker": "SafeMaskMaker", "settings": {"methods": ["aeff-max"]}, **common},
        ],
        "datasets": [dataset(1, ids[0]), dataset(2, ids[1])],
        "fits": [
            {
                "datasets": [1, 2],
                "success": True,
                "optimized": True,
                "covariance": True,
                "total_stat": 11.0,
                "models": ["crab"],
                "parameters": [parameter("index", 2.6, 0.1), parameter("amplitude", 4.5e-11, 4e-12), reference],
                "largest_correlation": 0.7,
                "correlated": ["crab.index", "crab.amplitude"],
            }
        ],
        "points": [
            {
                "type": "FluxPointsEstimator",
                "datasets": [1, 2],
                "settings": {"energy_edges": "[ 1. 2.5 6.3] TeV"},
                "n": 2,
                "edges": [1.0, 2.5, 6.3],
                "selection": ["norm", "norm_err", "ts", "sqrt_ts", "success"],
                "sqrt_ts": [12.0, 8.0],
                "pulls": [0.5, -0.8],
            }
        ],
    }
    return copy.deepcopy(facts)  # parts of it are shared


def cube() -> dict[str, Any]:
    """A right analysis in three dimensions."""
    facts = spectrum()
    ids, mask = [23523, 23526], {"dtype": "bool", "kept": 0.9, "on_kept": False}
    facts["makings"] = [
        {"maker": "MapDatasetMaker", "settings": {"selection": ["background", "counts"]}, "obs_ids": ids},
        {"maker": "SafeMaskMaker", "settings": {"methods": ["offset-max"]}, "obs_ids": ids},
        {"maker": "FoVBackgroundMaker", "settings": {}, "obs_ids": ids, "exclusion": mask},
    ]
    stacked = dataset(3, 23523) | {"name": "stacked", "type": "MapDataset", "uses": ["stacked", "fit", "alive"]}
    stacked |= {"obs_ids": ids, "stat": "cash", "has_background": True, "background_model": "stacked-bkg"}
    made = {"type": "MapDataset", "uses": ["made", "stack"]}
    members = [dataset(number, obs_id) | made for number, obs_id in enumerate(ids, 1)]
    facts["datasets"] = [*members, stacked | {"members": [1, 2]}]
    facts["background_models"] = ["stacked"]
    facts["points"] = []
    norm = parameter("norm", 1.05, 0.01, model="stacked-bkg", kind="PowerLawNormSpectralModel")
    facts["fits"][0] |= {"datasets": [3], "models": ["crab", "stacked-bkg"]}
    facts["fits"][0]["parameters"].append(norm)
    return facts


def judged(facts: dict[str, Any], **evidence: Any) -> dict[str, Finding]:
    """The worst finding of each rule."""
    result = evidence.pop("result", {})
    return {finding.rule: finding for finding in reversed(check_physics(result, facts=facts, **evidence))}


def test_the_table_is_whole() -> None:
    table = rules()
    assert [rule.number for rule in table.values()] == list(range(1, len(table) + 1))
    assert {rule.number for rule in table.values() if rule.severity == "error"} == {5, 9, 14, 20, 21, 23, 24}
    for rule in table.values():
        assert rule.explanation.endswith("."), rule.name
        assert rule.remedy.endswith("."), rule.name
        assert not rule.title.endswith("."), rule.name


def test_a_finding_says_what_why_and_what_to_do() -> None:
    finding = found("no-off-region", "Observation 23526 has none.")
    assert finding.message.startswith("Observation 23526 has none. Without counts_off")
    assert (finding.gate, finding.kind, finding.severity) == ("physics", "physics", "error")
    assert finding.remedy


def test_nothing_is_found_where_nothing_is_known_or_all_is_right() -> None:
    assert [finding for check in checks() for finding in check(Evidence())] == []
    assert check_physics({}, facts={"seen": True}) == []
    assert judged(spectrum()) == {}
    assert judged(cube()) == {}


def test_facts_are_read_item_by_item() -> None:
    """They come out of the sandbox: what is malformed is left out and told, the rest stays."""
    facts = read_facts({"seen": True, "fits": [{"success": "no idea"}], "datasets": [{"name": "crab", "new": 1}]})
    assert facts.seen
    assert facts.fits == []
    assert facts.datasets[0].name == "crab"
    assert facts.left_out == ["fits"]
    nan = read_facts({"fits": [{"parameters": [parameter("index", 2.0, "nan")]}]}).fits[0].parameters[0].error
    assert nan != nan


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Changes one fact, e.g. `fits.0.success`; `*` stands for each."""

    def change(facts: dict[str, Any]) -> None:
        places: list[Any] = [facts]
        *way, last = path.split(".")
        for step in way:
            places = [one for place in places for one in (place if step == "*" else [inner(place, step)])]
        for place in places:
            place[int(last) if isinstance(place, list) else last] = copy.deepcopy(value)

    return change


def inner(place: Any, step: str) -> Any:
    return place[int(step)] if isinstance(place, list) else place[step]


WRONG_SPECTRA = [
    ("no-containment-correction", "warning", [put("makings.0.settings.containment_correction", False)]),
    ("point-like-irf", "warning", [put("observations.*.point_like", True), put("makings.1.maker", "WobbleMaker")]),
    ("extended-source-corrected", "warning", [put("makings.0.region.radius_deg", 0.5)]),
    ("on-radius-unusual", "warning", [put("makings.0.containment", 0.15)]),
    ("on-radius-unusual", "warning", [put("makings.0.containment", 0.99)]),
    ("no-observations", "error", [put("selections.0.got", []), put("makings", [])]),
    ("runs-dropped", "warning", [put("selections.0.got", [23523])]),
    ("irf-missing", "warning", [put("logged", ["Skipping run with missing HDUs; Required HDUs: bkg"])]),
    ("large-offset", "warning", [put("makings.0.offsets_deg", [0.5, 3.1])]),
    ("pointing-in-on-region", "warning", [put("makings.1.offsets_deg", [0.05, 0.5])]),
    ("no-off-region", "error", [put("makings.1.n_off", [0, 12]), put("datasets.0.counts_off", None)]),
    ("alpha-unusual", "warning", [put("datasets.0.alpha", 0.8)]),
    ("alpha-unusual", "warning", [put("makings.1.settings.max_region_number", 3), put("makings.1.n_off", [3, 3])]),
    ("no-exclusion-mask", "info", [put("makings.1.exclusion", None)]),
    ("exclusion-mask-wrong", "warning", [put("makings.1.exclusion", {"dtype": "bool", "kept": 0.01, "on_kept": True})]),
    ("exclusion-mask-wrong", "warning", [put("makings.1.exclusion.kept", 0.0)]),
    ("exclusion-mask-wrong", "warning", [put("makings.1.exclusion.kept", 1.0)]),
    ("exclusion-mask-wrong", "warning", [put("makings.1.exclusion.dtype", "float32")]),
    ("no-safe-mask", "warning", [put("makings.2.obs_ids", [])]),
    ("empty-safe-mask", "error", [put("datasets.*.used_fraction", 0.0)]),
    ("empty-safe-mask", "warning", [put("datasets.0.used_fraction", 0.0)]),
    ("edges-outside-safe-range", "warning", [put("points.0.settings.energy_edges", "[ 1. 3. 6.3] TeV")]),
    ("true-energy-axis", "warning", [put("datasets.*.energy_true", {"min": 1.0, "max": 25.0, "n": 30})]),
    ("true-energy-axis", "warning", [put("datasets.*.energy_true.n", 5)]),
    ("few-counts", "warning", [put("datasets.*.bins_without_off", 5)]),
    ("no-models", "error", [put("datasets.0.models", None)]),
    ("no-models", "error", [put("datasets.0.models", [])]),
    ("fit-not-converged", "error", [put("fits.0.optimized", False), put("fits.0.success", False)]),
    ("covariance-failed", "error", [put("fits.0.covariance", False), put("fits.0.success", False)]),
    ("covariance-failed", "error", [put("fits.0.parameters.0.error", "nan")]),
    ("covariance-failed", "error", [put("fits.0.parameters.0.error", 0.0)]),
    ("covariance-failed", "warning", [put("fits.0.largest_correlation", -0.999)]),
    ("parameter-at-limit", "warning", [put("fits.0.parameters.0.min", 2.6), put("fits.0.parameters.0.max", 4.0)]),
    ("error-too-large", "warning", [put("fits.0.parameters.1.error", 1e-10)]),
    ("index-unusual", "warning", [put("fits.0.parameters.0.value", -2.6)]),
    ("cutoff-unusual", "warning", [put("fits.0.parameters.0", parameter("lambda_", 0.02, 0.03))]),
    ("cutoff-unusual", "warning", [put("fits.0.parameters.0", parameter("lambda_", 0.02, 0.002))]),
    ("cutoff-unusual", "warning", [put("nested", [{"parameters": ["lambda_"], "ts": 3.0}])]),
    ("reference-energy", "info", [put("fits.0.largest_correlation", 0.95)]),
    ("poor-fit", "warning", [put("fits.0.total_stat", 120.0)]),
    ("detection-not-significant", "warning", [put("datasets.*.counts", 8.0)]),
    ("no-upper-limit", "info", [put("points.0.insignificant", 1)]),
    ("flux-points-failed", "warning", [put("points.0.nan_values", 1)]),
    ("flux-points-failed", "warning", [put("points.0.nan_limits", 1)]),
    ("points-off-model", "warning", [put("points.0.pulls", [5.0, -4.0, 0.1])]),
    ("calibrator-off", "warning", [put("fits.0.parameters.1.value", 1.5e-11)]),
    (
        "light-curve-bins",
        "warning",
        [
            put(
                "points.0.times",
                [["2004-12-04T22:00:00", "2004-12-04T23:00:00"], ["2004-12-04T22:30:00", "2004-12-05"]],
            )
        ],
    ),
    (
        "light-curve-bins",
        "warning",
        [
            put("points.0.times", [["2004-12-04T22:00:00.000", "2004-12-04T22:30:00.000"]]),
            put("datasets.1.start", "2004-12-04T23:00:00.000"),
            put("datasets.1.stop", "2004-12-04T23:28:00.000"),
        ],
    ),
    ("model-on-some-datasets", "warning", [put("datasets.0.models", ["other"])]),
    ("livetime-implausible", "warning", [put("observations.0.livetime_s", 1700.0)]),
    ("livetime-implausible", "warning", [put("observations.0.dead_time_fraction", 0.5)]),
    ("large-zenith-angle", "info", [put("observations.0.zenith_deg", 65.0)]),
    ("no-seed", "warning", [put("simulations", [{"random_state": "random-seed", "dataset": 1}])]),
    ("runs-dropped", "warning", [put("selections.0.got", [23523, 23526, 23559])]),
    ("runs-dropped", "warning", [put("makings.0.obs_ids", [23523, 23526, 23559])]),
    ("runs-dropped", "warning", [put("datasets.0.obs_ids", [23523, 23523])]),
    ("run-not-observed", "warning", [put("replaced", ["Fit.run"])]),
]


@pytest.mark.parametrize(
    ("rule", "severity", "changes"), WRONG_SPECTRA, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_wrong_with_a_spectrum(rule: str, severity: str, changes: list[Callable[..., None]]) -> None:
    facts = spectrum()
    for change in changes:
        change(facts)
    assert judged(facts)[rule].severity == severity


WRONG_CUBES = [
    (
        "background-model-not-attached",
        "error",
        [put("background_models", ["stacke"]), put("datasets.2.background_model", "")],
    ),
    ("background-not-fitted", "warning", [put("makings.2.maker", "Other"), put("datasets.2.background_model", "")]),
    ("background-not-fitted", "warning", [put("makings.2.maker", "Other"), put("fits.0.parameters.3.frozen", True)]),
    ("background-not-fitted", "warning", [put("fits.0.parameters.3.value", 3.0)]),
    ("background-not-fitted", "warning", [put("fits.0.parameters.3.frozen", True)]),
    ("no-exclusion-mask", "warning", [put("makings.2.exclusion", None)]),
    ("stacked-before-mask", "warning", [put("makings.1.obs_ids", [])]),
    ("different-thresholds", "info", [put("datasets.0.safe_energy", [4.0, 25.0])]),
    ("runs-dropped", "warning", [put("datasets.2.obs_ids", [23523]), put("datasets.1.obs_ids", [23523])]),
]


@pytest.mark.parametrize(
    ("rule", "severity", "changes"), WRONG_CUBES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_wrong_with_a_cube(rule: str, severity: str, changes: list[Callable[..., None]]) -> None:
    facts = cube()
    for change in changes:
        change(facts)
    assert judged(facts)[rule].severity == severity


def test_a_fit_that_was_repeated_with_success_is_fine() -> None:
    facts = spectrum()
    failed = facts["fits"][0] | {"success": False, "optimized": False}
    facts["fits"] = [failed, facts["fits"][0]]
    assert judged(facts) == {}
    facts["fits"].reverse()
    assert judged(facts)["fit-not-converged"].severity == "error"


def test_one_failed_fit_among_many_of_a_series_is_a_warning() -> None:
    facts = spectrum()
    failed = facts["fits"][0] | {"success": False, "optimized": False}
    facts["fits"] = [*[facts["fits"][0]] * 9, failed]
    assert judged(facts)["fit-not-converged"].severity == "warning"


def test_data_sets_that_were_built_and_never_used_are_no_error() -> None:
    facts = spectrum()
    idle = dataset(7, 23559) | {"uses": ["made", "alive"], "counts_off": None, "used_fraction": 0.0, "models": None}
    facts["datasets"].append(idle)
    facts["makings"][1]["n_off"] = [12, 0]
    assert judged(facts) == {}


def test_observations_that_the_request_names_must_be_got() -> None:
    facts = spectrum()
    facts["selections"][0]["got"] = [23523]
    request = Request(text="Fit the spectrum of the Crab from runs 23523 and 23526.")
    assert judged(facts, request=request)["no-observations"].severity == "error"
    assert judged(facts, plan=Plan(parameters={"OBS_IDS": [23523, 23526]}))["no-observations"].severity == "error"
    facts["selections"].append({"asked": [23526], "got": [23526], "required_irf": ["point-like"]})
    assert judged(facts, request=request) == {}


def test_numbers_from_a_search_that_found_nothing() -> None:
    empty = {"number": 1, "uses": ["info"], "type": "SpectrumDataset", "name": "empty", "counts": 0.0}
    facts = {"seen": True, "gammapy": "2.1", "cones": [{"n": 0}], "selections": [{"asked": [], "got": []}]}
    assert judged(facts) == {}
    assert judged(facts | {"datasets": [empty]})["no-observations"].severity == "error"


def test_a_number_of_off_regions_that_was_asked_for_is_no_concern() -> None:
    facts = spectrum()
    facts["makings"][1] |= {"settings": {"max_region_number": 3}, "n_off": [3, 3]}
    request = Request(text="Significance with three reflected OFF regions, please.")
    assert judged(facts, request=request) == {}


def test_a_distant_source_needs_absorption() -> None:
    request = Request(text="Fit a power law to the blazar at z=0.116.")
    assert judged(spectrum(), request=request)["no-ebl"].severity == "warning"
    facts = spectrum()
    facts["fits"][0]["parameters"].append(parameter("redshift", 0.116, 0.0, kind="EBLAbsorptionNormSpectralModel"))
    assert "no-ebl" not in judged(facts, request=request)


def test_an_index_that_no_fit_of_the_run_had() -> None:
    assert judged(spectrum(), result={"index": 2.6, "index_err": 0.1}) == {}
    finding = judged(spectrum(), result={"index": 2.39})["result-differs-from-run"]
    assert finding.key == "index"
    assert "2.6" in finding.message


def test_a_run_that_nobody_could_look_into_is_told() -> None:
    assert judged({})["run-not-observed"].severity == "warning"
    assert check_physics({}) == []


def test_few_findings_of_a_rule_are_enough() -> None:
    facts = spectrum()
    fit = facts["fits"][0] | {"total_stat": 500.0}
    facts["fits"] = [fit | {"datasets": [number]} for number in range(1, 10)]
    facts["datasets"] = [dataset(number, number) for number in range(1, 10)]
    messages = [one.message for one in check_physics({}, facts=facts) if one.rule == "poor-fit"]
    assert len(messages) == 3
    assert messages[-1].endswith("So 6 times more.")


def test_li_and_ma() -> None:
    """The values are those of gammapy.stats.WStatCountsStatistic."""
    assert li_ma(90, 60, 1 / 12) == pytest.approx(16.4132, abs=1e-3)
    assert li_ma(5, 120, 1 / 12) == pytest.approx(-1.6952, abs=1e-3)
    assert li_ma(10, 100, 0.1) == pytest.approx(0.0, abs=1e-6)


def test_the_analysis_choices_behind_a_spectrum() -> None:
    plan = Plan(assumptions=["The source is a point."])
    told = {choice.name: choice.value for choice in analysis_choices(spectrum(), plan)}
    assert told["selection"] == "2 observations within 2 deg of RA 83.6330, Dec 22.0140 deg (ICRS)"
    assert told["observations"] == "2: 23523, 23526"
    assert told["observations not used"] == "none"
    assert told["livetime"] == "0.88 h"
    assert told["IRFs"] == "full-enclosure"
    assert told["ON region"] == "CircleSkyRegion of 0.11 deg at RA 83.6330, Dec 22.0140 deg (ICRS)"
    assert told["containment correction"] == "applied; the ON region holds 63 % at 1 TeV"
    assert told["exclusion mask"] == "1 % of its map excluded, the source included"
    assert told["safe mask"] == "aeff-max"
    assert told["energies used"] == "from 1 TeV up to 25 TeV"
    assert told["data sets"] == "2 jointly"
    assert told["model crab"] == "PowerLawSpectralModel; free: index, amplitude; fixed: reference = 1 TeV"
    assert told["statistic"] == "wstat = 11.0 in 14 bins"
    assert told["fit"] == "converged, covariance valid"
    assert told["assumed"] == "The source is a point."
    assert analysis_choices({}) == []


def test_what_was_left_out_and_what_did_not_converge_is_told() -> None:
    facts = spectrum()
    facts["selections"][0] |= {"asked": [23523, 23526, 23559], "store": "hess-dl3-dr1"}
    facts["makings"][1]["settings"] = {"finder": "ReflectedRegionsFinder", "max_region_number": 3}
    facts["makings"][1]["n_off"] = [2, 3]
    facts["fits"][0] |= {"optimized": False, "covariance": None, "backend": "minuit"}
    told = {choice.name: choice.value for choice in analysis_choices(facts)}
    assert told["observations"] == "2 of hess-dl3-dr1: 23523, 23526"
    assert told["observations not used"] == "23559"
    assert told["background"] == "reflected regions, 2 to 3 OFF regions in an observation, limited to 3"
    assert told["fit"] == "did not converge, no covariance (minuit)"
