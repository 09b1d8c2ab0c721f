"""What the rules make of requests: which recipe, which numbers, and what is refused."""

from __future__ import annotations

import math

import pytest
from cookbook_requests import REQUESTS

from gammapygpt.cookbook import recipes
from gammapygpt.cookbook.choose import Choice, choose
from gammapygpt.cookbook.keys import quantity
from gammapygpt.cookbook.reader import read_request
from gammapygpt.state import Request, ResultSpec, StoreInfo

CRAB, CRAB_IDS = (83.633, 22.0145), [23523, 23526, 23559, 23592]
FLARE_IDS = list(range(33787, 33802))


def store(path: str, pointings: dict[int, tuple[float, float]]) -> StoreInfo:
    return StoreInfo(
        path=path,
        n_observations=len(pointings),
        obs_ids=list(pointings),
        ra_deg=[ra for ra, _ in pointings.values()],
        dec_deg=[dec for _, dec in pointings.values()],
        checksum="",
    )


HESS = store(
    "hess-dl3-dr1",
    dict.fromkeys(CRAB_IDS, (83.633, 22.5145))
    | {23573: (89.0, -38.6)}
    | dict.fromkeys([*FLARE_IDS, 47802, 47803], (329.7169, -29.7256))
    | dict.fromkeys((20136, 20137, 20282, 20283), (228.529, -58.4575))
    | dict.fromkeys((20326, 20327, 20900), (258.39, -39.26)),
)
OTHER = store("other/dl3", {1: (10.0, 10.0), 2: (math.nan, math.nan)})


def answer(text: str, **request: object) -> Choice:
    return choose(Request(text=text, stores=[OTHER, HESS], **request), [OTHER, HESS])


@pytest.mark.parametrize("request_", REQUESTS, ids=[request["id"] for request in REQUESTS])
def test_published_requests(request_: dict):
    choice = answer(request_["text"])
    assert choice.recipe == request_["recipe"], choice.refusal
    if choice.recipe:
        assert set(choice.parameters["RESULTS"]) == {entry["key"] for entry in request_["expected"]}
        assert choice.parameters.get("DATA_STORE", "hess-dl3-dr1") == "hess-dl3-dr1"
    else:
        assert request_["refused_for"] in choice.refusal
        assert "It can do: " in choice.refusal


def test_a_sentence_of_a_few_words():
    choice = answer("Extract the spectrum of the Crab Nebula with reflected regions and fit a power law")
    assert choice.recipe == "reflected_spectrum"
    assert choice.parameters["TARGET_RA"] == pytest.approx(83.63, abs=0.01)
    assert choice.parameters["SELECTION_RADIUS"] == 2.0
    assert choice.parameters["DATA_STORE"] == "hess-dl3-dr1"
    assert {"index", "amplitude", "energy_flux_1_10TeV_erg"} <= set(choice.parameters["RESULTS"])
    assert any("from 3FHL" in line for line in choice.assumptions)
    assert "ON region of 0.11 deg radius (default)" in choice.assumptions


def test_a_list_of_facts():
    parameters = answer("reflected-regions spectrum of MSH 15-52, 1-20 TeV, power law").parameters
    assert (parameters["ENERGY_MIN"], parameters["ENERGY_MAX"]) == (1.0, 20.0)
    assert parameters["SPECTRAL_MODEL"] == "pl"


def test_every_value_knows_its_words():
    reading = read_request(Request(text=REQUESTS[0]["text"]))
    assert reading.words["OFFSET_MAX"].endswith("events up to 2 deg from the pointing; use the background")
    assert set(reading.values) == set(reading.words)
    assert reading.assumptions == []


POSITIONS = {
    "RA 83.633 deg, Dec 22.0145 deg (ICRS)": CRAB,
    "RA=83.633, Dec=+22.0145": CRAB,
    "right ascension 83.633° and declination 22.0145°": CRAB,
    "(83.633, 22.0145)": CRAB,
    "RA 05h34m31.92s, Dec +22d00m52.2s": CRAB,
    "05:34:31.92 +22:00:52.2": CRAB,
    "l = 184.5575 deg, b = -5.7843 deg": CRAB,
    "galactic coordinates (184.5575, -5.7843)": CRAB,
    "RA 329.7169 deg, Dec \u221230.2256 deg": (329.7169, -30.2256),
}


@pytest.mark.parametrize("words", POSITIONS)
def test_positions(words: str):
    parameters = answer(f"How many runs in $GAMMAPY_DATA/hess-dl3-dr1 point within 2 deg of {words}?").parameters
    assert (parameters["TARGET_RA"], parameters["TARGET_DEC"]) == pytest.approx(POSITIONS[words], abs=2e-3)
    assert parameters["SELECTION_RADIUS"] == 2.0


@pytest.mark.parametrize("name", ["Crab", "M1", "the Crab pulsar", "crab nebula"])
def test_names(name: str):
    assert answer(f"List the runs on {name}").parameters["TARGET_DEC"] == pytest.approx(22.0145, abs=0.01)


def test_given_coordinates_win_over_a_name():
    parameters = answer(
        "Significance of MSH 15-52 at RA 228.529 deg, Dec -59.1575 deg with reflected regions"
    ).parameters
    assert (parameters["TARGET_RA"], parameters["TARGET_DEC"]) == (228.529, -59.1575)


ANGLES = {
    "ON region of radius 0.2 deg": ("ON_RADIUS", 0.2),
    "ON circle of 0.2 deg radius": ("ON_RADIUS", 0.2),
    "circular region with a radius of 12 arcmin": ("ON_RADIUS", 0.2),
    "on-region radius 0.2°": ("ON_RADIUS", 0.2),
    "theta < 0.2 deg": ("ON_RADIUS", 0.2),
    "counts within 0.2 deg of the source": ("ON_RADIUS", 0.2),
    "exclude 0.5 deg around the source": ("EXCLUSION_RADIUS", 0.5),
    "a circle of 0.5 deg radius masked": ("EXCLUSION_RADIUS", 0.5),
    "with a 0.5 deg exclusion circle around the source": ("EXCLUSION_RADIUS", 0.5),
    "no exclusion region": ("EXCLUSION_RADIUS", 0.0),
    "runs that point within 1.5 deg of the source": ("SELECTION_RADIUS", 1.5),
    "runs that point within one degree of the source": ("SELECTION_RADIUS", 1.0),
    "ON radius of half a degree": ("ON_RADIUS", 0.5),
    "signal radius 0.2 deg": ("ON_RADIUS", 0.2),
    "observations within 1.5 degrees": ("SELECTION_RADIUS", 1.5),
    "pointings no farther than 1.5 deg": ("SELECTION_RADIUS", 1.5),
    "runs pointed at most 1.5 deg away": ("SELECTION_RADIUS", 1.5),
    "keep a circle of 0.5 deg radius around the source out of the OFF regions": ("EXCLUSION_RADIUS", 0.5),
}


@pytest.mark.parametrize("words", ANGLES)
def test_angles_by_the_words_beside_them(words: str):
    name, value = ANGLES[words]
    choice = answer(f"Significance of the Crab with reflected regions, {words}, 1-30 TeV")
    assert choice.parameters.get(name) == value, choice.refusal


def test_a_number_that_a_run_is_normalised_outside_of_is_an_exclusion_radius():
    choice = answer(
        "3D analysis of the Crab in $GAMMAPY_DATA/hess-dl3-dr1, 3 x 3 deg, 1-10 TeV: point source and power law, "
        "background normalised per run outside a 0.4 deg circle around the source"
    )
    assert choice.parameters.get("EXCLUSION_RADIUS") == 0.4, choice.refusal


def test_equations_are_no_values_and_keys_may_have_a_point():
    choice = answer(
        "Flux points of the Crab with reflected regions, energy edges 1, 1.5 and 3 TeV; significance after "
        "Li & Ma (eq. 17). "
        'Write result.json with "significance", "flux_1_1.5TeV" and "flux_1.5_3TeV" (cm-2 s-1).'
    )
    assert choice.parameters["RESULTS"]["flux_1.5_3TeV"] == ["flux_point", 1.5, 3.0, "cm-2 s-1"], choice.refusal
    assert list(choice.parameters["RESULTS"]) == ["significance", "flux_1_1.5TeV", "flux_1.5_3TeV"]


def test_one_flux_point_for_each_run_is_a_light_curve():
    choice = answer("Flux of the Crab 1-10 TeV, reflected regions, one point for each run, index fixed to 2.6")
    assert choice.recipe == "light_curve", choice.refusal
    assert "spectra" in answer("Reflected-regions spectrum of the Crab for each run").refusal


def test_a_power_law_may_be_written_as_such():
    choice = answer("3 sigma upper limit on the flux of the Crab 1-10 TeV, reflected regions, assuming E^-2.7")
    assert choice.parameters.get("INDEX") == 2.7, choice.refusal


ENERGIES = {
    "1-20 TeV": (1.0, 20.0),
    "between 500 GeV and 20 TeV": (0.5, 20.0),
    "from 0.5 to 20 TeV": (0.5, 20.0),
    "0.5\u201320 TeV": (0.5, 20.0),
    "above 700 GeV": (0.7, None),
    "E > 0.7 TeV": (0.7, None),
    "up to 20 TeV": (None, 20.0),
    "nothing below 0.7 TeV": (0.7, None),
    "discard events above 20 TeV": (None, 20.0),
    "reconstructed energies 0.7-20 TeV, reference energy 2 TeV": (0.7, 20.0),
}


@pytest.mark.parametrize("words", ENERGIES)
def test_energies(words: str):
    parameters = answer(f"Reflected-regions spectrum of the Crab, {words}").parameters
    assert (parameters.get("ENERGY_MIN"), parameters.get("ENERGY_MAX")) == ENERGIES[words]
    assert parameters.get("REFERENCE_ENERGY") == (2.0 if "reference" in words else None)


RUNS = {
    "runs 23523 and 23526": [23523, 23526],
    "observations 23523, 23526, and 23592": [23523, 23526, 23592],
    "run ids [23523, 23559]": [23523, 23559],
    "runs 23523 to 23592": CRAB_IDS,
    "obs ids 23523-23592": CRAB_IDS,
    "all runs except 23592": CRAB_IDS[:-1],
    "the runs in $GAMMAPY_DATA/hess-dl3-dr1 (23523, 23526)": [23523, 23526],
    "leaving out runs 23523 and 23526": CRAB_IDS[2:],
}


@pytest.mark.parametrize("words", RUNS)
def test_runs(words: str):
    assert answer(f"Spectrum of the Crab, reflected regions, {words}, 1-10 TeV").parameters["OBS_IDS"] == RUNS[words]


def test_a_folder_with_one_data_store_in_it_names_that_store():
    choice = answer("List the runs in $GAMMAPY_DATA/other that point within 2 deg of RA 10 deg, Dec 10 deg")
    assert choice.parameters["DATA_STORE"] == "other/dl3", choice.refusal


def test_a_range_of_ids_holds_runs_of_the_target_alone():
    assert any("[23573]" in line for line in answer("Crab spectrum from runs 23523 to 23592").assumptions)


DATES = {
    "taken in the year 2006": ["2006-01-01", "2007-01-01"],
    "of 2006": ["2006-01-01", "2007-01-01"],
    "from July 2006": ["2006-07-01", "2006-08-01"],
    "taken on 2006-07-29": ["2006-07-29", "2006-07-30"],
    "taken between 2004-12-04 and 2004-12-06": ["2004-12-04", "2004-12-07"],
    "taken before 2006": ["1980-01-01", "2006-01-01"],
    "since 28 August 2008": ["2008-08-28", "2100-01-01"],
}


@pytest.mark.parametrize("words", DATES)
def test_dates(words: str):
    assert answer(f"Spectrum of PKS 2155-304 with the runs {words}, 1-10 TeV").parameters["DATES"] == DATES[words]


def test_a_date_that_is_no_selection():
    text = "PKS 2155-304 had a flare on 29/30 July 2006. Fit the spectrum with reflected regions, 1-10 TeV."
    assert "DATES" not in answer(text).parameters


def test_models_fixed_parameters_and_binning():
    text = (
        "3D analysis of RX J1713.7-3946 at RA 258.39 deg, Dec -39.76 deg: "
        "Gaussian of width fixed to 0.35 deg, position fixed, power law with index fixed at 2.2; "
        "0.5-50 TeV with 5 bins per decade, 4 deg wide map, 0.05 deg pixels."
    )
    parameters = answer(text).parameters
    assert parameters["SPATIAL_MODEL"] == "gauss"
    assert parameters["FIXED"] == {"index": 2.2, "sigma": 0.35}
    assert parameters["POSITION_RANGE"] == 0.0
    assert parameters["ENERGY_BINS"] == 10
    assert (parameters["MAP_WIDTH"], parameters["PIXEL_SIZE"]) == (4.0, 0.05)


def test_flux_points_by_number_divide_the_fit():
    edges = answer("Crab spectrum, reflected regions, 1-16 TeV, 4 flux points").parameters["FLUX_POINT_EDGES"]
    assert edges == pytest.approx([1, 2, 4, 8, 16])


def test_keys_that_must_come_out_win_over_the_text():
    choice = answer(
        "Spectrum of the Crab with reflected regions, 1-10 TeV",
        results=[ResultSpec(key="gamma"), ResultSpec(key="f", unit="erg cm-2 s-1")],
    )
    assert choice.parameters["RESULTS"] == {
        "gamma": ["parameter", "index", ""],
        "f": ["energy_flux", 1.0, 10.0, "erg cm-2 s-1"],
    }
    assert "“f” is integrated over 1-10 TeV." in choice.assumptions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Theta-squared plot of the Crab. Write result.json with "n_on" (theta2 < 0.02 deg2).', {"THETA2_CUT": 0.02}),
        (
            'Crab significance. Write result.json with "n_on" (counts within 0.2 deg of the source, above 1 TeV).',
            {"ON_RADIUS": 0.2, "ENERGY_MIN": 1.0},
        ),
        ('Crab significance, 1-10 TeV. Write result.json with "n_on" (counts, 1-10 TeV).', {"ENERGY_MAX": 10.0}),
    ],
)
def test_values_beside_a_key_are_those_of_the_analysis(text: str, expected: dict):
    choice = answer(text)
    assert expected.items() <= choice.parameters.items(), choice.refusal


def test_values_beside_a_key_that_contradict_the_rest_are_refused():
    choice = answer('Crab significance, 1-10 TeV. Write result.json with "n_on" (counts above 0.5 TeV).')
    assert "the result “n_on” ((counts above 0.5 TeV))" in choice.refusal


def test_instruments_and_folders_of_data_by_name():
    stores = [HESS, store("magic/rad_max/data", {5029747: (83.98, 22.24)}), store("veritas/dl3", {1: (83.6, 22.5)})]

    def chosen(text: str) -> Choice:
        return choose(Request(text=text, stores=stores), stores)

    assert chosen("Spectrum of the Crab with MAGIC, 0.1-10 TeV").parameters["DATA_STORE"] == "magic/rad_max/data"
    assert chosen("How many VERITAS runs point near the Crab?").parameters["DATA_STORE"] == "veritas/dl3"
    joint = chosen("Joint spectral fit of the Crab with H.E.S.S., VERITAS and Fermi-LAT data, log parabola")
    assert joint.recipe == "joint_spectrum"
    assert joint.parameters["DATA_STORES"] == ["hess-dl3-dr1", "veritas/dl3"]
    assert joint.parameters["FERMI_DATASETS"].endswith("Fermi-LAT-3FHL_datasets.yaml")
    reduced = chosen("Fit the PHA spectra of runs 23523 and 23526 in $GAMMAPY_DATA/joint-crab/spectra/hess, power law")
    assert reduced.parameters["DATA_FILES"] == ["joint-crab/spectra/hess"]
    assert reduced.parameters["OBS_IDS"] == [23523, 23526]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("95% upper limit on the flux of the Crab above 1 TeV, photon index 2.5", {"CONFIDENCE_LEVEL": 0.95}),
        ("One-sided 99% CL upper limit, 1-10 TeV, of the Crab for index 2.5", {"SIDES": 1, "CONFIDENCE_LEVEL": 0.99}),
        ("3 sigma upper limit of the Crab in the energy range 1-10 TeV, index 2.0", {"N_SIGMA": 3.0, "INDEX": 2.0}),
    ],
)
def test_upper_limits(text: str, expected: dict):
    choice = answer(text)
    assert choice.recipe == "flux_upper_limit", choice.refusal
    assert expected.items() <= choice.parameters.items()
    assert choice.parameters["RESULTS"]["flux_ul"][:2] == ["flux_ul", 1.0]


def test_an_upper_limit_needs_a_photon_index():
    assert "photon index" in answer("95% upper limit on the flux of the Crab above 1 TeV").refusal


def test_quoted_words_are_keys_wherever_they_stand():
    choice = answer('Crab spectrum, log parabola, 1-10 TeV; "alpha", "beta" and "dnde_500GeV" please')
    assert list(choice.parameters["RESULTS"]) == ["alpha", "beta", "dnde_500GeV"]


KEYS = [
    ("n_runs", "", "observation_list", ["n_obs", ""]),
    ("livetime_min", "(minutes)", "observation_list", ["livetime", "min"]),
    ("t", "total livetime in hours", "observation_list", ["livetime", "h"]),
    ("last_obs_id", "the largest observation id", "observation_list", ["last_obs_id", ""]),
    ("obs_id_min", "", "observation_list", ["first_obs_id", ""]),
    ("counts_on", "", "reflected_significance", ["n_on", ""]),
    ("sigma", "Li & Ma significance", "reflected_significance", ["significance", ""]),
    ("alpha", "", "reflected_significance", ["alpha", ""]),
    ("gamma_err", "", "reflected_spectrum", ["parameter_error", "index", ""]),
    ("phi0", "amplitude in m-2 s-1 TeV-1", "reflected_spectrum", ["parameter", "amplitude", "m-2 s-1 TeV-1"]),
    ("flux_0p5_5TeV", "", "reflected_spectrum", ["flux", 0.5, 5.0, "cm-2 s-1"]),
    ("flux_above_400GeV", "", "reflected_spectrum", ["flux", 0.4, 1000.0, "cm-2 s-1"]),
    (
        "flux",
        "between 1 and 10 TeV in erg cm^-2 s^-1",
        "reflected_spectrum",
        ["energy_flux", 1.0, 10.0, "erg cm-2 s-1"],
    ),
    ("dnde_1TeV", "in 1/(cm2 s TeV)", "reflected_spectrum", ["dnde", 1.0, "cm-2 s-1 TeV-1"]),
    ("e2dnde_1TeV", "", "reflected_spectrum", ["e2dnde", 1.0, "erg cm-2 s-1"]),
    ("e_cut_TeV", "", "reflected_spectrum", ["cutoff", "TeV"]),
    ("pos_err_deg", "", "stacked_3d", ["position_uncertainty", "deg"]),
    ("sqrt_ts", "", "stacked_3d", ["significance", ""]),
    ("extension_arcmin", "Gaussian width", "stacked_3d", ["parameter", "sigma", "arcmin"]),
    ("ts_ext", "of a point source against the Gaussian", "stacked_3d", ["extension_test_statistic", ""]),
    ("glon_err", "deg", "stacked_3d", ["glon_error", "deg"]),
]


@pytest.mark.parametrize(("key", "meaning", "kind", "entry"), KEYS, ids=[key[0] for key in KEYS])
def test_keys(key: str, meaning: str, kind: str, entry: list):
    assert quantity(key, meaning, "", recipes()[kind].about, shape="gauss").entry() == entry


@pytest.mark.parametrize(
    ("key", "meaning"),
    [("e_peak", "energy of the peak"), ("flux", "in Crab units"), ("flux_10_1TeV", ""), ("name", "")],
)
def test_keys_that_mean_nothing_here(key: str, meaning: str):
    assert quantity(key, meaning, "", recipes()["reflected_spectrum"].about) is None


REFUSALS = {
    "Make a light curve of PKS 2155-304 for 0.5-1 TeV and for 1-10 TeV": "“1-10 TeV”",
    "Significance map of MSH 15-52 with reflected regions": "reflected regions",
    "3D fit of the Crab with a ring background": "stacked 3D fit (“3D”)",
    "Joint spectral fit of the Crab with Fermi-LAT": "without the data of a second instrument",
    "Joint spectral fit of the Crab with HAWC and MAGIC": "other instruments",
    "Fit the Crab spectrum with a broken power law": "another spectral model",
    "Compare a power law and a log parabola for the Crab spectrum": "a comparison of models",
    "Fit the Crab spectrum with a power law and with a log parabola": "“power law”",
    "3D fit of MSH 15-52 with an elongated Gaussian": "another spatial model",
    "Significance of the Crab with 3 OFF regions": "a fixed number of OFF regions",
    "Crab spectrum, runs with zenith angle below 40 deg": "a selection by zenith angle",
    "Crab spectrum, amplitude fixed to 3e-11": "“fixed to 3e-11”",
    "Crab spectrum, ON radius 0.11 deg, 0.7 deg": "0.7",
    "Crab spectrum from runs 99999 and 23523": "observations [99999]",
    "Spectrum of Mrk 421": "a target without data",
    "Spectrum of Nowhere A, reflected regions": "a target without coordinates",
    "Spectrum of the Crab from $GAMMAPY_DATA/absent": "absent, which is no data store here",
    "Spectrum of the Crab; save the figure as crab.png": "a figure or table under a name of your own",
    "Spectra of the Crab and of MSH 15-52": "a second source, MSH 15-52",
    "Fit the 3D model of the Crab with reflected regions": "reflected regions",
    'Spectrum of the Crab. Write result.json with "index" and "break_energy" (TeV).': "the result “break_energy”",
    'Spectrum of PKS 2155-304, 1-10 TeV. Write result.json with "index" (intrinsic, EBL corrected).': "“index”",
    'Crab significance. Write result.json with "significance_err".': "the result “significance_err”",
    "Crab spectrum, 1-10 TeV, flux points with edges 0.5, 1, 2 TeV": "flux points from 0.5 to 2 TeV beyond",
    '3D fit of MSH 15-52 with a Gaussian; I want "r68_deg".': "the result “r68_deg”",
    "What is the weather like in Namibia?": "what is asked for",
}


@pytest.mark.parametrize("text", REFUSALS)
def test_refused_rather_than_answered_with_something_else(text: str):
    choice = answer(text)
    assert choice.recipe == ""
    assert REFUSALS[text] in choice.refusal


@pytest.mark.parametrize(
    "words",
    ["use the simulated data", "no light curve is needed", "do not compare with catalogues", "without a TS map"],
)
def test_what_is_not_wanted_is_no_demand(words: str):
    assert answer(f"Spectrum of the Crab with reflected regions; {words}").recipe == "reflected_spectrum"


@pytest.mark.parametrize("path", ["../../secret", "catalogs/list.fits.gz"])
def test_a_path_that_is_no_data_store_is_refused_even_when_none_is_known(path: str):
    request = Request(text=f"Spectrum of the Crab from $GAMMAPY_DATA/{path}, 1-10 TeV")
    assert choose(request, []).refusal


@pytest.mark.parametrize(
    "words",
    [
        "photon index 2.3 +/- 0.1 and amplitude (1.2 \u00b1 0.2) x 10^-12 cm^-2 s^-1 TeV^-1 at 1 TeV",
        "photon index 2.3 \u00b1 0.1 and an amplitude of 1.2e-12 +/- 2e-13 cm-2 s-1 TeV-1 at 1 TeV",
    ],
)
def test_values_with_their_errors(words: str):
    choice = answer(f"A source has a power-law spectrum with {words}. What is its photon flux from 1 to 10 TeV?")
    assert choice.recipe == "model_flux", choice.refusal
    given = {name: choice.parameters[name] for name in ("INDEX", "INDEX_ERROR", "AMPLITUDE", "AMPLITUDE_ERROR")}
    assert given == {"INDEX": 2.3, "INDEX_ERROR": 0.1, "AMPLITUDE": 1.2e-12, "AMPLITUDE_ERROR": 2e-13}


def test_the_year_of_a_model_is_no_value():
    text = "Optical depth of the Saldana-Lopez 2021 EBL model at 300 GeV for redshift 0.5"
    assert answer(text).parameters["REDSHIFT"] == 0.5


def test_numbers_that_are_written_out_count():
    assert answer("Light curve of PKS 2155-304 in slices of twenty minutes").parameters["TIME_BIN_WIDTH"] == 20.0
    text = "Effective area at 1 TeV three degrees off-axis ($GAMMAPY_DATA/cta-caldb/irf.fits.gz)"
    assert answer(text).parameters["OFFSET"] == 3.0


def test_words_with_a_number_of_their_own_say_nothing_of_another_one():
    choice = answer("3D fit of the Crab with a point source, 1-10 TeV, a 3 deg field, and 0.03 deg per pixel")
    assert (choice.parameters["MAP_WIDTH"], choice.parameters["PIXEL_SIZE"]) == (3.0, 0.03), choice.refusal


def test_what_stands_before_the_file_of_results_is_read():
    text = (
        "Optical depth of the EBL at 300 GeV for z=0.5 and the energy where tau reaches 1. result.json: "
        + '"tau_300GeV"'
    )
    choice = answer(text)
    assert (choice.recipe, choice.parameters.get("REDSHIFT")) == ("ebl_absorption", 0.5), choice.refusal


def test_exponents_of_units_are_no_numbers_of_bins():
    choice = answer(
        "Sensitivity for 50 h of CTAO South ($GAMMAPY_DATA/cta-caldb/irf.fits.gz) at 0.5 deg offset in erg cm-2 s-1"
        " in 5 bins per decade between 0.1 and 100 TeV; require 5 sigma, 10 events and 5 % of the background"
    )
    assert choice.recipe == "sensitivity", choice.refusal
    wanted = {"ENERGY_BINS": 15, "N_SIGMA": 5.0, "GAMMA_MIN": 10, "BKG_SYST_FRACTION": 0.05}
    assert {name: choice.parameters[name] for name in wanted} == wanted


FURTHER = {
    "Is there a source at RA 83.633 deg, Dec 22.0145 deg in the H.E.S.S. data?": "reflected_significance",
    "Fractional excess variance of the light curve in $GAMMAPY_DATA/lc/curve.fits": "variability_of_light_curve",
}


@pytest.mark.parametrize("text", FURTHER)
def test_other_words_for_the_same(text: str):
    assert answer(text).recipe == FURTHER[text], answer(text).refusal
