"""What the rules make of requests for light curves, variability, maps and exposures."""

from __future__ import annotations

import pytest
from test_cookbook_reading import answer

from gammapygpt.cookbook import recipes
from gammapygpt.cookbook.keys import quantity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Measure the night-by-night flux of PKS 2155-304 above 500 GeV", {"TIME_BINS": "night", "ENERGY_MIN": 0.5}),
        ("Light curve of PKS 2155-304 in 5-minute bins, 0.7-20 TeV", {"TIME_BIN_WIDTH": 5.0, "ENERGY_MAX": 20.0}),
        ("Is PKS 2155-304 variable? One point per run, photon index 3.3", {"TIME_BINS": "run", "INDEX": 3.3}),
        (
            "Weekly light curve of PKS 2155-304, flux 1-10 TeV, with 95% upper limits for weeks below 3 sigma",
            {"TIME_BINS": "week", "ENERGY_MIN": 1.0, "CONFIDENCE_LEVEL": 0.95, "UPPER_LIMIT_BELOW": 3.0},
        ),
    ],
)
def test_light_curves(text: str, expected: dict):
    choice = answer(text)
    assert choice.recipe == "light_curve", choice.refusal
    assert expected.items() <= choice.parameters.items()


@pytest.mark.parametrize(
    ("key", "meaning", "expected"),
    [
        ("flux_peak", "", ("flux_max", "cm-2 s-1")),
        ("lowest_flux_err", "", ("flux_min_error", "cm-2 s-1")),
        ("t_peak", "(MJD of the brightest run)", ("time_max", "d")),
        ("time_of_max", "(MJD, UTC)", ("time_max", "d")),
        ("F_var", "", ("fvar", "")),
        ("chi2_per_ndf", "", ("chi2_ndf", "")),
        ("brightest_run", "", ("obs_id_max", "")),
        ("index", "of the fit to all runs", ("parameter", "")),
        ("flux_std", "", ("flux_std", "cm-2 s-1")),
        ("rms", "(standard deviation of the fluxes)", ("flux_std", "cm-2 s-1")),
        ("energy_flux_max_erg", "", ("energy_flux_max", "erg cm-2 s-1")),
        ("p_const", "(chi2 probability of a constant)", ("p_value", "")),
        ("time_of_max", "", None),
    ],
)
def test_keys_of_light_curves(key: str, meaning: str, expected: tuple[str, str] | None):
    found = quantity(key, meaning, "", recipes()["light_curve"].about)
    assert (found and (found.name, found.unit)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Ring background map of RX J1713.7-3946, 0.5-20 TeV, ring: inner radius 0.7 deg, outer radius 1 deg, "
            "exclusion radius 0.6 deg, correlation radius 0.15 deg, 5 x 5 deg map",
            {
                "RING_RADIUS": 0.7,
                "RING_OUTER_RADIUS": 1.0,
                "EXCLUSION_RADIUS": 0.6,
                "CORRELATION_RADIUS": 0.15,
                "MAP_WIDTH": 5.0,
                "ENERGY_MAX": 20.0,
            },
        ),
        (
            "Adaptive ring significance map of the Crab, 0.1 deg top-hat: largest significance within 0.3 deg of it?",
            {"RING_METHOD": "adaptive", "CORRELATION_RADIUS": 0.1, "SEARCH_RADIUS": 0.3},
        ),
    ],
)
def test_ring_maps(text: str, expected: dict):
    choice = answer(text)
    assert choice.recipe == "ring_significance_map", choice.refusal
    assert expected.items() <= choice.parameters.items()


@pytest.mark.parametrize(
    ("key", "meaning", "expected"),
    [
        ("max_significance", "", "max_significance"),
        ("significance_max", "", "max_significance"),
        ("significance_at_centre", "", "significance"),
        ("significance_std", "(width of the distribution outside the exclusion)", "off_std"),
        ("mean_off", "", "off_mean"),
        ("excess_err", "", "excess_error"),
        ("ra_deg", "of the maximum", "peak_ra"),
        ("counts_on", "", "n_on"),
        ("counts_off", "", "n_off"),
        ("flux", "", None),
    ],
)
def test_keys_of_ring_maps(key: str, meaning: str, expected: str | None):
    found = quantity(key, meaning, "", recipes()["ring_significance_map"].about)
    assert (found and found.name) == expected


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        ("Significance map of MSH 15-52", "ring_significance_map"),
        ("Significance map of MSH 15-52 (RA 228.529, Dec -59.158 deg) with FoV background", "fov_significance_map"),
        ("Field-of-view background, then the excess map of MSH 15-52", "fov_significance_map"),
        ("Significance map of MSH 15-52 with ring background and not FoV background", "ring_significance_map"),
        ("3D fit of MSH 15-52 with FoV background", "stacked_3d"),
        ("TS map of MSH 15-52 for a point source of index 2.3: how many peaks?", "ts_map"),
    ],
)
def test_which_map(text: str, recipe: str):
    assert answer(text).recipe == recipe


def test_exposures():
    choice = answer(
        "What exposure (m2 s) at 1 TeV and at 10 TeV do the runs within 2 deg give at the position of MSH 15-52? Report"
        ' "exposure_1TeV" (m2 s), "exposure_10TeV" (in cm2 s), "livetime" (h) and "t_eff_1TeV" (on-axis equivalent '
        "livetime, h)."
    )
    assert choice.recipe == "exposure_map", choice.refusal
    assert choice.parameters["RESULTS"] == {
        "exposure_1TeV": ["exposure", 1.0, "m2 s"],
        "exposure_10TeV": ["exposure", 10.0, "cm2 s"],
        "livetime": ["livetime", "h"],
        "t_eff_1TeV": ["effective_livetime", 1.0, "h"],
    }
    assert answer("What is the total exposure time of the Crab runs?").recipe == "observation_list"


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        ('Fractional variability "fvar" of the light curve estimators/lc.fits', "variability_of_light_curve"),
        ("Fractional variability of PKS 2155-304 run by run, 0.7-20 TeV", "light_curve"),
        ('Significance of the Crab, 1-10 TeV: "n_on_1_10TeV"', "reflected_significance"),
        ('Significance of the Crab, 0.5-20 TeV: "n_on_1_10TeV"', ""),
        ('Light curve of PKS 2155-304, flux 1-10 TeV: "fvar_above_1TeV"', "light_curve"),
        ('Light curve of PKS 2155-304, flux above 1 TeV: "fvar_1_5TeV"', ""),
    ],
)
def test_variability_and_energies_of_keys(text: str, recipe: str):
    assert answer(text).recipe == recipe


@pytest.mark.parametrize(
    ("text", "recipe", "expected"),
    [
        (
            "Fit the reduced Fermi-LAT map dataset lat/counts.fits with the models in lat/models.yaml (log parabola): "
            '"alpha", "beta", "ts" and "flux_10GeV_2TeV" (cm-2 s-1).',
            "map_dataset_fit",
            {"DATA_FILE": "lat/counts.fits", "MODEL_FILE": "lat/models.yaml", "SPECTRAL_MODEL": "lp"},
        ),
        (
            "Read the MapDataset lat/counts.fits and fit a point source with a power law at RA 83.6 deg, Dec 22 deg.",
            "map_dataset_fit",
            {"TARGET_RA": 83.6, "SPECTRAL_MODEL": "pl"},
        ),
        ("Build a stacked map dataset of MSH 15-52 and fit a point source to it", "stacked_3d", {}),
        ("Read the light curve lc.ecsv: what is the largest flux?", "variability_of_light_curve", {}),
    ],
)
def test_files_to_be_read(text: str, recipe: str, expected: dict):
    choice = answer(text)
    assert choice.recipe == recipe, choice.refusal
    assert expected.items() <= choice.parameters.items()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Light curve of PKS 2155-304: "time_max_mjd" (TT)', {"TIME_SCALE": "tt"}),
        ('TS map of MSH 15-52: "n_peaks" (peaks with sqrt(TS) above 6)', {"SQRT_TS_THRESHOLD": 6.0}),
        ("Doubling time of PKS 2155-304 in the night of 29/30 July 2006", {"DATES": ["2006-07-29", "2006-07-31"]}),
    ],
)
def test_what_is_said_beside_a_key_and_about_nights(text: str, expected: dict):
    assert expected.items() <= answer(text if "map" in text else f"Light curve. {text}").parameters.items()


def test_time_bins_are_no_bins_of_energy():
    assert "15 time" in answer("Give the light curve of PKS 2155-304 with 15 time bins").refusal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Significance map of PKS 2155-304 with ring background, maps of 5 deg width with bins of 0.02 deg",
            {"MAP_WIDTH": 5.0, "PIXEL_SIZE": 0.02},
        ),
        (
            "Adaptive ring map of MSH 15-52: inner radius 0.7 deg, width 0.2 deg, maximal outer radius 1.5 deg",
            {"RING_RADIUS": 0.7, "RING_WIDTH": 0.2, "RING_OUTER_MAX": 1.5, "RING_METHOD": "adaptive"},
        ),
    ],
)
def test_rings_and_maps_each_have_a_width(text: str, expected: dict):
    choice = answer(text)
    assert choice.recipe == "ring_significance_map", choice.refusal
    assert expected.items() <= choice.parameters.items()
    assert {"ENERGY_BINS", "RING_OUTER_RADIUS"}.isdisjoint(choice.parameters)


def test_a_distance_from_elsewhere_is_refused():
    offset = '"offset_arcmin" (distance from RA 83.633, Dec 22.0145)'
    assert "offset_arcmin" in answer(f"Position of MSH 15-52 by a 3D fit: {offset}").refusal
    assert answer(f"3D fit of the source at RA 83.633 deg, Dec 22.0145 deg: {offset}").recipe == "stacked_3d"


def test_a_place_beside_the_source_is_not_taken_for_it():
    refusal = answer("Ring background map of MSH 15-52. Exclude 0.3 deg around RA 229.0 deg, Dec -58.5 deg").refusal
    assert "a position away from MSH 15-52" in refusal
