"""What the rules make of requests for look-ups, models and predictions: recipe, constants, quantities."""

from __future__ import annotations

import pytest

from gammapygpt.cookbook.choose import Choice, choose
from gammapygpt.state import Request, StoreInfo

RUNS = {20136: (228.5, -58.7), 23523: (83.633, 22.5145), 23592: (84.2, 22.0)}
HESS = StoreInfo(
    path="hess-dl3-dr1",
    n_observations=len(RUNS),
    obs_ids=list(RUNS),
    ra_deg=[ra for ra, _ in RUNS.values()],
    dec_deg=[dec for _, dec in RUNS.values()],
    checksum="",
)
SOUTH = "cta-caldb/Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz"


def answer(text: str) -> Choice:
    return choose(Request(text=text, stores=[HESS]), [HESS])


ANSWERED = [
    (
        "Effective area of H.E.S.S. at 2 TeV for run 20136 at an offset of 1.0 deg: write result.json with "
        '"a_cm2" (effective area in cm2) and "r95_deg" (95 % containment radius of the PSF at 2 TeV).',
        "irf_lookup",
        {"OBS_IDS": [20136], "OFFSET": 1.0},
        {"a_cm2": ["aeff", 2.0, "cm2"], "r95_deg": ["psf_r95", 2.0, "deg"]},
    ),
    (
        "With the CTAO South prod5 IRFs, find the 68% and 95% PSF containment radii on axis at 100 GeV and 1 TeV. "
        'Write "r68_100GeV_deg" and "r95_1TeV_deg".',
        "irf_lookup",
        {"IRF_FILE": SOUTH, "OFFSET": 0.0},
        {"r68_100GeV_deg": ["psf_r68", 0.1, "deg"], "r95_1TeV_deg": ["psf_r95", 1.0, "deg"]},
    ),
    (
        "For run 23592, at which true energy does the effective area at 0.5 deg offset exceed 15% of its maximum? "
        'Write "e_thr_TeV".',
        "irf_lookup",
        {"OBS_IDS": [23592], "OFFSET": 0.5, "AEFF_MAX_PERCENT": 15.0},
        {"e_thr_TeV": ["aeff_threshold", "TeV"]},
    ),
    (
        "How many HGPS sources lie within 3 deg of HESS J1825-137, and which is the brightest? "
        'Write "n" and "brightest".',
        "catalogue_lookup",
        {"CATALOGUE": "hgps", "SOURCE_NAME": "HESS J1825-137", "SEARCH_RADIUS": 3.0},
        {"n": ["n_within", ""], "brightest": ["brightest_name", ""]},
    ),
    (
        "In the HGPS, the flux 1-10 TeV of the source nearest to RA 228.53 deg, Dec -59.16 deg by its power-law model "
        'instead of the best one: "flux"; and "n_within_4deg", the number of sources within 4 deg.',
        "catalogue_lookup",
        {"CATALOGUE": "hgps", "SPECTRAL_FIT": "pl", "TARGET_RA": 228.53},
        {"flux": ["flux", 1.0, 10.0, "cm-2 s-1"], "n_within_4deg": ["n_within", 4.0, ""]},
    ),
    (
        'How many sources of the HGPS catalogue are pulsar wind nebulae? Write "n_pwn".',
        "catalogue_lookup",
        {"CATALOGUE": "hgps", "SOURCE_CLASS": "pwn"},
        {"n_pwn": ["n_sources", ""]},
    ),
    (
        "A source has a power law with amplitude (3.5 ± 0.2) x 10^-12 cm-2 s-1 TeV-1 at 1 TeV and photon index "
        "2.35 +/- 0.08. Compute the photon flux 1-10 TeV with its propagated error, "
        'as "flux" and "flux_err" in cm-2 s-1.',
        "model_flux",
        {"AMPLITUDE": 3.5e-12, "AMPLITUDE_ERROR": 2e-13, "INDEX": 2.35, "INDEX_ERROR": 0.08, "REFERENCE_ENERGY": 1.0},
        {"flux": ["flux", 1.0, 10.0, "cm-2 s-1"], "flux_err": ["flux_error", 1.0, 10.0, "cm-2 s-1"]},
    ),
    (
        "For a log-parabola with alpha 2.2, beta 0.15 and amplitude 1e-11 cm-2 s-1 TeV-1 at 0.5 TeV, what is the flux "
        'above 1 TeV in Crab units? Write "flux_crab".',
        "model_flux",
        {"SPECTRAL_MODEL": "lp", "ALPHA": 2.2, "BETA": 0.15, "REFERENCE_ENERGY": 0.5},
        {"flux_crab": ["crab_flux", 1.0, 1000.0, ""]},
    ),
    (
        "For a blazar at z = 0.3, what is the optical depth at 500 GeV, and where is tau = 1, by Franceschini "
        'et al. 2017? Write "tau_500GeV" and "e_horizon_TeV".',
        "ebl_absorption",
        {"EBL_MODEL": "franceschini17", "REDSHIFT": 0.3},
        {"tau_500GeV": ["optical_depth", 0.5, ""], "e_horizon_TeV": ["horizon", "TeV"]},
    ),
    (
        'Read $GAMMAPY_DATA/estimators/crab_hess_fp/models.yaml, set the index of its model "Crab" to 2.2, write it to '
        'softer.yaml, and give the photon flux 1-10 TeV before ("flux_1_10TeV") and after ("flux_new").',
        "model_yaml",
        {"MODEL_FILE": "estimators/crab_hess_fp/models.yaml", "OUTPUT_FILE": "softer.yaml", "INDEX": 2.2},
        {"flux_1_10TeV": ["flux", 1.0, 10.0, "cm-2 s-1"], "flux_new": ["flux_changed", 1.0, 10.0, "cm-2 s-1"]},
    ),
    (
        "How long must CTAO South observe a point source of amplitude 2e-13 cm-2 s-1 TeV-1 at 1 TeV and index 2.5, at "
        "1 deg offset, to detect it with 5 sigma between 100 GeV and 10 TeV? ON radius 0.1 deg. "
        'Write "time_h".',
        "counts_prediction",
        {"IRF_FILE": SOUTH, "OFFSET": 1.0, "ON_RADIUS": 0.1, "N_SIGMA": 5.0, "ENERGY_MIN": 0.1, "ENERGY_MAX": 10.0},
        {"time_h": ["time_needed", "h"]},
    ),
    (
        "Simulate 50 observations of 2 h each with the CTAO South IRFs of a point source with index 2.3 and amplitude "
        "1e-12 cm-2 s-1 TeV-1 at 1 TeV at 0.5 deg offset, 0.1-10 TeV, alpha = 0.2, seed 42. "
        'Write "mean_significance" and "std_significance".',
        "spectrum_simulation",
        {"LIVETIME": 2.0, "OFFSET": 0.5, "N_OBSERVATIONS": 50, "ALPHA_ON_OFF": 0.2, "SEED": 42},
        {"mean_significance": ["significance", ""], "std_significance": ["std_significance", ""]},
    ),
    (
        "Compute the CTAO South sensitivity for 5 h at 1 deg offset in 12 energy bins from 0.05 to 50 TeV, 5 sigma, "
        'at least 10 gamma rays and 4% background systematics: "best" (erg cm-2 s-1) and its energy "e_best_TeV".',
        "sensitivity",
        {"LIVETIME": 5.0, "OFFSET": 1.0, "ENERGY_BINS": 12, "GAMMA_MIN": 10, "BKG_SYST_FRACTION": 0.04},
        {"best": ["best_e2dnde", "erg cm-2 s-1"], "e_best_TeV": ["best_energy", "TeV"]},
    ),
    (
        "Sample an event list for 1 h of CTAO South of a source at RA 83.63 deg, Dec 22.01 deg with index 2.4 and "
        "amplitude 3e-11 cm-2 s-1 TeV-1 at 1 TeV, 0.5 deg offset, seed 0. Save it as crab_events.fits. "
        'Report "n_source" and "n_events".',
        "event_sampling",
        {"TARGET_RA": 83.63, "LIVETIME": 1.0, "SEED": 0, "OUTPUT_FILE": "crab_events.fits"},
        {"n_source": ["n_source", ""], "n_events": ["n_events", ""]},
    ),
    (
        "Fit a log-parabola to the flux points of $GAMMAPY_DATA/estimators/crab_hess_fp/crab_hess_fp.fits and compare "
        'it with a power law: "beta", "delta_chi2".',
        "flux_points_fit",
        {"SPECTRAL_MODEL": "lp", "COMPARED_MODEL": "pl", "DATA_FILE": "estimators/crab_hess_fp/crab_hess_fp.fits"},
        {"beta": ["parameter", "beta", ""], "delta_chi2": ["delta_chi2", ""]},
    ),
    (
        "What is the photon flux above 100 GeV of a WIMP of 500 GeV annihilating into tau+tau- with <sigma v> = 1e-25 "
        'cm3 s-1 and J = 5e21 GeV^2 cm^-5? Write "flux_above_100GeV".',
        "dark_matter_flux",
        {"MASS": 0.5, "CHANNEL": "tau", "CROSS_SECTION": 1e-25, "J_FACTOR": 5e21},
        {"flux_above_100GeV": ["flux", 0.1, 1000.0, "cm-2 s-1"]},
    ),
    (
        "Read datasets $GAMMAPY_DATA/fermi/crab_datasets.yaml and the models $GAMMAPY_DATA/fermi/crab_models.yaml. "
        'Write "n_datasets", "counts" and the fit statistic "stat".',
        "dataset_yaml",
        {"DATASETS_FILE": "fermi/crab_datasets.yaml", "MODEL_FILE": "fermi/crab_models.yaml"},
        {"n_datasets": ["n_datasets", ""], "counts": ["counts", ""], "stat": ["fit_statistic", ""]},
    ),
]


@pytest.mark.parametrize(("text", "recipe", "parameters", "results"), ANSWERED)
def test_recipe_constants_and_quantities(text: str, recipe: str, parameters: dict, results: dict):
    choice = answer(text)
    assert choice.recipe == recipe, choice.refusal
    assert choice.parameters == choice.parameters | parameters
    assert choice.parameters["RESULTS"] == results


REFUSED = [
    (
        "At z = 0.188, index 1.9, amplitude 3e-12 cm-2 s-1 TeV-1 at 1 TeV: absorbed and intrinsic energy flux "
        '0.2-2 TeV with the Finke EBL model, as "eflux_abs" and "eflux_int".',
        "what tells the result “eflux_int” from “eflux_abs”",
    ),
    ("Fit a power law with index 2 and amplitude 1e-12 cm-2 s-1 TeV-1 to the flux in Crab units.", "“Fit”"),
    (
        'Effective area of run 23523 at 1 TeV at offsets of 0.5 deg and 1.5 deg: "aeff_0p5deg", "aeff_1p5deg".',
        "1.5 deg",
    ),
    ("Compute the flux of a power law with index 2.0 above 1 TeV.", "cm-2 s-1 TeV-1, at the reference energy"),
    ('How many sources of the 3HWC lie around the Crab Nebula? Write "n".', "the result “n”"),
    ('EBL transmission for a source with the Dominguez model at 1 TeV: "t".', "of the source"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_refused_where_a_number_would_be_made_up(text: str, words: str):
    choice = answer(text)
    assert choice.recipe == ""
    assert words in choice.refusal
