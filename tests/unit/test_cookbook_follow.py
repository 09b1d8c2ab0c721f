"""What follow-ups mean: which plan the rewritten request leads to, and which words are not understood."""

from __future__ import annotations

import math
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from test_cookbook_reading import HESS, OTHER

from gammapygpt.cookbook.choose import Choice, choose
from gammapygpt.cookbook.follow import Rewriting, rewrite
from gammapygpt.state import Request

EARLIER: dict[str, str] = {
    name: text.strip()
    for name, text in tomllib.loads((Path(__file__).parents[1] / "follow_ups.toml").read_text(encoding="utf-8")).items()
}
MSH, PKS, CRAB = (
    {"TARGET_RA": 228.4988, "TARGET_DEC": -59.1613},
    {"TARGET_RA": 329.7169, "TARGET_DEC": -30.2242},
    {"TARGET_RA": 83.6348, "TARGET_DEC": 22.0192},
)
RXJ = {"TARGET_RA": 258.355, "TARGET_DEC": -39.771}
MADE_OF_OTHERS = {"RESULTS", "START", "ENERGY_BINS", "BINS_PER_DECADE", "FLUX_POINT_EDGES"}
"""Parameters that follow from others."""
GONE = "gone"

CHANGED: list[tuple[str, str, dict[str, Any]]] = [
    ("short", "now with a log-parabola", {"SPECTRAL_MODEL": "lp"}),
    ("short", "what about an exponential cut-off?", {"SPECTRAL_MODEL": "ecpl"}),
    ("short", "Same for MSH 15-52.", MSH),
    ("short", "and from 2 to 20 TeV", {"ENERGY_MIN": 2.0, "ENERGY_MAX": 20.0}),
    ("short", "with 5 bins per decade", {"BINS_PER_DECADE": 5}),
    ("short", "could you redo that with PKS 2155-304 and an ECPL?", {**PKS, "SPECTRAL_MODEL": "ecpl"}),
    ("short", "hmm, and if you only use energies over 3 TeV?", {"ENERGY_MIN": 3.0}),
    ("short", "Change the ON region to 6 arcmin and fix the index at 2.4", {"ON_RADIUS": 0.1, "FIXED": {"index": 2.4}}),
    ("crab", "and an ECPL?", {"SPECTRAL_MODEL": "ecpl"}),
    ("crab", "same thing for PKS2155-304 please", PKS),
    ("crab", "same for 1ES 0806+524 at RA 122.455 deg, Dec 52.316 deg", {"TARGET_RA": 122.455, "TARGET_DEC": 52.316}),
    ("crab", "for RA 83.8 deg, Dec 22.2 deg", {"TARGET_RA": 83.8, "TARGET_DEC": 22.2}),
    ("crab", "only above 2 TeV", {"ENERGY_MIN": 2.0}),
    ("crab", "up to 30TeV", {"ENERGY_MAX": 30.0}),
    ("crab", "from 500 GeV", {"ENERGY_MIN": 0.5}),
    ("crab", "extend it to 30 TeV", {"ENERGY_MAX": 30.0}),
    ("crab", "500 GeV - 20 TeV", {"ENERGY_MIN": 0.5, "ENERGY_MAX": 20.0}),
    ("crab", "8 energy bins", {"BINS_PER_DECADE": pytest.approx(8 / math.log10(10 / 0.7))}),
    ("crab", "only the runs within 1.5 deg", {"SELECTION_RADIUS": 1.5}),
    ("crab", "use an ON radius of 12 arcmin", {"ON_RADIUS": 0.2}),
    ("crab", "ON region 0.2deg", {"ON_RADIUS": 0.2}),
    ("crab", "without the exclusion mask", {"EXCLUSION_RADIUS": 0.0}),
    ("crab", "stack the runs", {"STACKED": True}),
    ("crab", "index fixed at 2.6", {"FIXED": {"index": 2.6}}),
    ("crab", "without containment correction", {"CONTAINMENT_CORRECTION": False}),
    ("crab", "no safe mask", {"AEFF_MAX_PERCENT": 0.0}),
    ("crab", "but in 2004 only", {"DATES": ["2004-01-01", "2005-01-01"]}),
    ("crab", "with a cut off power law", {"SPECTRAL_MODEL": "ecpl"}),
    ("curve", "index 3.0 instead of 3.4", {"FIXED": {"index": 3.0}}),
    ("limit", "fix the index at 3", {"INDEX": 3.0}),
    ("crab", "reference energy 2 TeV", {"REFERENCE_ENERGY": 2.0}),
    ("crab", "without run 23523", {"OBS_IDS": [23526, 23559, 23592]}),
    ("crab", "only runs 23523 and 23526", {"OBS_IDS": [23523, 23526]}),
    ("crab", "only data from 2004", {"DATES": ["2004-01-01", "2005-01-01"]}),
    ("crab", "with EBL absorption, redshift 0.116", {"EBL_ABSORPTION": True, "REDSHIFT": 0.116}),
    ("crab", "use a log parabola instead of the power law", {"SPECTRAL_MODEL": "lp"}),
    ("crab", "thanks, now with a log parabola", {"SPECTRAL_MODEL": "lp"}),
    (
        "crab",
        "log parabola, 0.5-20 TeV and 5 bins per decade, for PKS 2155-304",
        {**PKS, "SPECTRAL_MODEL": "lp", "ENERGY_MIN": 0.5, "ENERGY_MAX": 20.0},
    ),
    ("crab", "und jetzt mit log parabola", {"SPECTRAL_MODEL": "lp"}),
    ("crab", "bitte von 0,5 bis 20 TeV", {"ENERGY_MIN": 0.5, "ENERGY_MAX": 20.0}),
    ("crab", "dasselbe für MSH 15-52", MSH),
    ("crab", "nur die runs innerhalb von 1,5 deg", {"SELECTION_RADIUS": 1.5}),
    ("curved", "now a power law", {"SPECTRAL_MODEL": "pl"}),
    ("curved", "same for MSH 15-52", {**MSH, "OBS_IDS": GONE, "SELECTION_RADIUS": 2.0}),
    ("curved", "use runs 23559 and 23592 instead", {"OBS_IDS": [23559, 23592]}),
    ("cut", "without the cut-off", {"SPECTRAL_MODEL": "pl"}),
    ("cut", "above 1 TeV", {"ENERGY_MIN": 1.0}),
    ("cut", "from 1 to 20 TeV", {"ENERGY_MIN": 1.0, "ENERGY_MAX": 20.0}),
    ("cut", "for the Crab", CRAB),
    ("ring", "what if the exclusion region is 0.6 degrees?", {"EXCLUSION_RADIUS": 0.6}),
    ("ring", "inner ring radius 0.7 deg, same width", {"RING_RADIUS": 0.7}),
    (
        "ring",
        "with 0.05 deg pixels and a correlation radius of 0.2 deg",
        {"PIXEL_SIZE": 0.05, "CORRELATION_RADIUS": 0.2},
    ),
    ("ring", "6 x 6 deg", {"MAP_WIDTH": 6.0}),
    ("ring", "with an adaptive ring", {"RING_METHOD": "adaptive"}),
    ("ring", "same map for RX J1713.7-3946, exclude 0.8 deg", {**RXJ, "EXCLUSION_RADIUS": 0.8}),
    ("ring", "keep everything but start at 1 TeV", {"ENERGY_MIN": 1.0}),
    ("ring", "smooth with 0.05 deg instead of 0.1 deg", {"CORRELATION_RADIUS": 0.05}),
    ("counts", "do not exclude anything", {"EXCLUSION_RADIUS": 0.0}),
    ("curve", "night by night instead", {"TIME_BINS": "night"}),
    ("curve", "binned in 10 minutes please", {"TIME_BIN_WIDTH": 10.0, "TIME_BINS": GONE}),
    ("curve", "index fixed to 3.0", {"FIXED": {"index": 3.0}}),
    ("curve", "take only runs 33787 to 33789", {"OBS_IDS": [33787, 33788, 33789], "SELECTION_RADIUS": None}),
    ("limit", "with index 3", {"INDEX": 3.0}),
    ("limit", "at 99 % confidence", {"CONFIDENCE_LEVEL": 0.99}),
    ("ctao", "what about 5 hours?", {"LIVETIME": 5.0}),
    ("ctao", "at an offset of 2 deg", {"OFFSET": 2.0}),
    ("ctao", "and from 0.2 to 50 TeV", {"ENERGY_MIN": 0.2, "ENERGY_MAX": 50.0}),
    ("irf", "same for run 23526", {"OBS_IDS": [23526]}),
    ("irf", "at 1.5 deg offset", {"OFFSET": 1.5}),
    ("irf", "and for run 23526 at 1.5 deg?", {"OBS_IDS": [23526], "OFFSET": 1.5}),
    ("counts", "only above 1 TeV", {"ENERGY_MIN": 1.0}),
    ("runs", "and for MSH 15-52, within 1 deg?", {**MSH, "SELECTION_RADIUS": 1.0}),
    ("cube", "as point source", {"SPATIAL_MODEL": "point"}),
    ("cube", "with a Gaussian and 0.02 deg pixels", {"SPATIAL_MODEL": "gauss", "PIXEL_SIZE": 0.02}),
    ("events", "within 0.1 deg", {"ON_RADIUS": 0.1}),
    ("events", "between 1 and 5 TeV, for the Crab", {**CRAB, "ENERGY_MIN": 1.0}),
    ("ebl", "with the Franceschini model", {"EBL_MODEL": "franceschini"}),
    ("ebl", "same for 1ES 0229+200 at z = 0.14", {"REDSHIFT": 0.14}),
    ("given", "in 50 h", {"LIVETIME": 50.0}),
    ("given", "amplitude 5e-13 cm-2 s-1 TeV-1", {"AMPLITUDE": 5e-13}),
    ("given", "with an exponential cut-off at 10 TeV", {"SPECTRAL_MODEL": "ecpl", "CUTOFF_ENERGY": 10.0}),
    ("theta", "with 5 OFF regions and a theta cut of 0.14 deg", {"N_OFF_REGIONS": 5, "ON_RADIUS": 0.14}),
]
"""Earlier request, follow-up, and which parameters of the plan are then another."""

KEYS: list[tuple[str, str, set[str]]] = [
    ("crab", "now with a log-parabola", {"alpha", "beta", "alpha_err", "beta_err", "amplitude", "flux_1_10TeV"}),
    (
        "crab",
        "what about an exponential cut-off?",
        {"index", "index_err", "cutoff_TeV", "cutoff_TeV_err", "amplitude", "flux_1_10TeV"},
    ),
    ("curved", "now a power law", {"index", "index_err"}),
    ("cut", "with a log parabola", {"alpha", "beta"}),
    ("cube", "with a Gaussian", {"index", "sigma_deg"}),
    ("cube", "as point source", {"index"}),
    ("cut", "also give the energy flux above 1 TeV", {"index", "cutoff_TeV", "energy_flux_above_1TeV"}),
    ("cut", "what about the significance?", {"index", "cutoff_TeV", "significance"}),
    ("cut", "also n_on and n_off", {"index", "cutoff_TeV", "n_on", "n_off"}),
    ("cut", 'also write "flux_2_20TeV" (cm-2 s-1)', {"index", "cutoff_TeV", "flux_2_20TeV"}),
    ("cut", "log-parabola, and the pivot energy", {"alpha", "beta", "pivot_energy_TeV"}),
    ("curve", "also the fractional variability", {"flux_max", "n_points", "fvar"}),
    ("limit", "and above 2 TeV?", {"flux_ul_above_2TeV", "significance"}),
    ("ctao", "at 10 TeV", {"sensitivity_10TeV"}),
    ("irf", "and at 10 TeV?", {"aeff_10TeV_m2"}),
    ("ebl", "at 0.5 TeV", {"transmission_0p5TeV"}),
    (
        "counts",
        "as spectrum with a power law",
        {"index", "amplitude", "flux_1_10TeV", "energy_flux_1_10TeV_erg", "n_on", "excess", "significance", "n_obs"}
        | {"livetime_h"},
    ),
    ("counts", "as theta2 plot", {"n_on", "n_off", "excess", "significance"}),
    ("ring", "use the FoV background instead", {"max_significance", "off_std"}),
    (
        "short",
        "also give the energy flux above 1 TeV",
        {"index", "amplitude", "flux_1_10TeV", "energy_flux_1_10TeV_erg", "n_on", "excess", "significance", "n_obs"}
        | {"livetime_h", "energy_flux_above_1TeV"},
    ),
]
"""Earlier request, follow-up, and the keys of `result.json` from then on."""

PRODUCTS: list[tuple[str, str, str, dict[str, Any]]] = [
    (
        "crab",
        "the same as light curve per run",
        "light_curve",
        {"TIME_BINS": "run", "ENERGY_MIN": 0.7, "ENERGY_MAX": 10.0, "ON_RADIUS": 0.11, "SELECTION_RADIUS": 1.0},
    ),
    ("crab", "als Lichtkurve pro run", "light_curve", {"TIME_BINS": "run", "TARGET_RA": 83.633}),
    ("crab", "now a light curve in bins of 20 minutes", "light_curve", {"TIME_BIN_WIDTH": 20.0}),
    ("crab", "and now the lightcurve, nightly, for PKS 2155-304", "light_curve", {"TIME_BINS": "night", **PKS}),
    ("crab", "use the ring background instead", "ring_significance_map", {"EXCLUSION_RADIUS": 0.3, "ENERGY_MIN": 0.7}),
    ("crab", "as theta2 plot", "theta_squared", {"ON_RADIUS": 0.11, "SELECTION_RADIUS": 1.0}),
    ("curved", "as a nightly light curve", "light_curve", {"OBS_IDS": [23523, 23526], "SPECTRAL_MODEL": "lp"}),
    ("ring", "with the FoV background method instead", "fov_significance_map", {"MAP_WIDTH": 4.0, "PIXEL_SIZE": 0.02}),
    ("ring", "and now the spectrum, power law", "reflected_spectrum", {"EXCLUSION_RADIUS": 0.4, "ENERGY_MIN": 0.6}),
    ("ring", "as TS map", "ts_map", {"MAP_WIDTH": 4.0, "EXCLUSION_RADIUS": 0.4}),
    (
        "curve",
        "now the spectrum",
        "reflected_spectrum",
        {"ON_RADIUS": 0.11, "FIXED": {"index": 3.4}, "ENERGY_MAX": 10.0},
    ),
    ("counts", "as spectrum with a power law", "reflected_spectrum", {"ON_RADIUS": 0.1, "SPECTRAL_MODEL": "pl"}),
]
"""Earlier request, follow-up, the recipe from then on, and some of its parameters."""

UNREAD: list[tuple[str, str, str]] = [
    ("crab", "thanks!", "thanks"),
    ("crab", "great, can you explain the result to me?", "explain"),
    ("crab", "why is the index so soft?", "why"),
    ("crab", "use twice the ON radius", "twice"),
    ("crab", "with a larger ON region", "larger"),
    ("crab", "with a broken power law", "broken"),
    ("crab", "a flux as in 2006", "flux"),
    ("bands", "with bands 1, 3, 10 TeV", "flux_1_2TeV"),
    ("crab", "with a super-exponential cut-off", "super"),
    ("curved", "without the exponential cut-off", "without"),
    ("crab", "same but with better statistics", "better statistics"),
    ("crab", "2-20 TeV, but smarter", "smarter"),
    ("crab", "0.2 deg", "0.2 deg"),
    ("crab", "with both a log parabola and a power law", "both"),
    ("crab", "no power law this time", "no"),
    ("ring", "is there anything at 5 sigma outside the source?", "5 sigma"),
    ("cube", "free the index", "free"),
    ("crab", "same for HESS J9999-999", "J9999"),
    ("crab", "same for MSH 15-52 and PKS 2155-304", "a second source"),
    ("crab", "drop the flux, I only need the index", "drop"),
    ("crab", "use a log parabola instead of a cut-off", "instead of a cut-off"),
    ("crab", "not a power law but a log parabola", "not"),
    ("crab", "the spectrum and a light curve", "light curve"),
    ("crab", "for the next night", "next night"),
    ("crab", "with runs 1 to 5 of the other telescope", "telescope"),
    ("flare", "and the same for the Crab", "the flare of Crab Nebula"),
    ("flare", "without fixing the index", "without fixing"),
    ("theta", "ten times brighter", "ten times brighter"),
    ("ebl", "same for 1ES 0229+200", "the redshift of 1ES 0229+200"),
    ("given", "what about a log parabola?", "the curvature of the log parabola"),
]
"""Earlier request, follow-up, and words that the rules must say they did not understand."""


@cache
def plan(text: str) -> Choice:
    choice = choose(Request(text=text, stores=[OTHER, HESS]), [OTHER, HESS])
    assert choice.recipe, choice.refusal
    return choice


def follow(earlier: str, said: str) -> Rewriting:
    return rewrite(EARLIER.get(earlier, earlier), said, [OTHER, HESS])


@pytest.mark.parametrize(("earlier", "said", "changed"), CHANGED, ids=[f"{row[0]}: {row[1]}" for row in CHANGED])
def test_what_was_said_is_another_and_nothing_else(earlier: str, said: str, changed: dict[str, Any]):
    rewriting = follow(earlier, said)
    assert rewriting.unread == []
    assert rewriting.changes
    before, after = plan(EARLIER[earlier]), plan(rewriting.text)
    assert after.recipe == before.recipe
    wanted = before.parameters | changed
    names = (set(wanted) | set(after.parameters)) - (MADE_OF_OTHERS - set(changed))
    for name in names:
        assert after.parameters.get(name, GONE) == wanted.get(name, GONE), (name, rewriting.text)


@pytest.mark.parametrize(("earlier", "said", "keys"), KEYS, ids=[f"{row[0]}: {row[1]}" for row in KEYS])
def test_results_go_with_the_model_and_the_energies(earlier: str, said: str, keys: set[str]):
    rewriting = follow(earlier, said)
    assert rewriting.unread == []
    assert set(plan(rewriting.text).parameters["RESULTS"]) == keys, rewriting.text


@pytest.mark.parametrize(
    ("earlier", "said", "recipe", "parameters"), PRODUCTS, ids=[f"{row[0]}: {row[1]}" for row in PRODUCTS]
)
def test_another_analysis_of_the_same(earlier: str, said: str, recipe: str, parameters: dict[str, Any]):
    rewriting = follow(earlier, said)
    assert rewriting.unread == []
    after = plan(rewriting.text)
    assert after.recipe == recipe, rewriting.text
    assert after.parameters == after.parameters | parameters
    assert any(line.startswith("analysis: ") for line in rewriting.changes)


@pytest.mark.parametrize(("earlier", "said", "words"), UNREAD, ids=[f"{row[0]}: {row[1]}" for row in UNREAD])
def test_what_is_not_understood_is_said(earlier: str, said: str, words: str):
    rewriting = follow(earlier, said)
    assert words in "; ".join(rewriting.unread)
    assert rewriting.text == f"{EARLIER[earlier]}\nThen: {said}"


def test_the_text_stays_that_of_the_user():
    rewriting = follow("short", "now with a log-parabola")
    assert rewriting.text == (
        "Reflected-regions spectrum of the Crab Nebula, 1-10 TeV, log parabola; write result.json with alpha, beta, "
        "amplitude (cm-2 s-1 TeV-1 at 1 TeV)"
    )
    assert rewriting.changes == ["model: power law -> log parabola", "result: index -> alpha, beta"]
    assert follow("short", "same for MSH 15-52").changes == ["source: Crab Nebula -> MSH 15-52"]
    assert "of the Crab Nebula, 2-20 TeV" in follow("short", "and from 2 to 20 TeV").text


def test_a_key_is_not_the_same_word_in_the_prose():
    earlier = (
        "Spectrum of the Crab Nebula, power law with the usual index and amplitude, 1-10 TeV. Write result.json with "
        '"index" and "amplitude" (cm-2 s-1 TeV-1).'
    )
    assert '"alpha", "beta" (curvature) and "amplitude"' in follow(earlier, "now with a log parabola").text


def test_coordinates_of_the_old_source_go_with_it():
    text = follow("crab", "same for MSH 15-52").text
    assert "83.633" not in text
    assert "within 1.0 deg of MSH 15-52, ON radius" in text
    assert "0.3 deg exclusion around the source" in text
    assert follow("cut", "for the Crab").text.startswith(
        "Fit an exponential cut-off power law to the spectrum of the Crab"
    )
    unknown = EARLIER["cut"].replace("RX J1713.7-3946", "3C 273")
    assert follow(unknown, "same for Mrk 421").text.startswith(
        "Fit an exponential cut-off power law to the spectrum of Mrk 421, energies"
    )
    assert "blazar" not in follow("events", "same for the Crab").text


def test_a_follow_up_of_a_follow_up():
    text = EARLIER["crab"]
    for said in (
        "now with a log-parabola",
        "and from 2 to 20 TeV",
        "same for MSH 15-52",
        "back to a power law".removeprefix("back to "),
    ):
        rewriting = rewrite(text, said, [OTHER, HESS])
        assert rewriting.unread == []
        text = rewriting.text
    parameters = plan(text).parameters
    assert (parameters["SPECTRAL_MODEL"], parameters["ENERGY_MIN"], parameters["ENERGY_MAX"]) == ("pl", 2.0, 20.0)
    assert parameters["TARGET_DEC"] == MSH["TARGET_DEC"]
    assert set(parameters["RESULTS"]) == {"index", "index_err", "amplitude", "flux_1_10TeV"}


@pytest.mark.parametrize(
    "said",
    [
        "Make a ring-background significance map of PKS 2155-304 with hess-dl3-dr1, 0.5-10 TeV, 4 x 4 deg",
        "How many observations of hess-dl3-dr1 point within 1 deg of MSH 15-52?",
    ],
)
def test_a_request_of_its_own_stands_alone(said: str):
    rewriting = follow("crab", said)
    assert rewriting.text == said
    assert rewriting.alone
    assert rewriting.changes == ["a request of its own: nothing of the earlier one is kept"]


def test_energies_of_the_analysis_take_those_of_equal_results_along():
    earlier = (
        'Counts and excess of the Crab Nebula with reflected regions, 1-10 TeV. Report "excess_1_10TeV" and "n_on".'
    )
    rewriting = follow(earlier, "from 2 to 20 TeV")
    assert set(plan(rewriting.text).parameters["RESULTS"]) == {"excess_2_20TeV", "n_on"}
    assert "result: excess_1_10TeV -> excess_2_20TeV" in rewriting.changes


def test_a_band_of_a_light_curve_goes_with_the_events_that_are_used():
    text = follow("flare", "only above 1 TeV").text
    assert "photon flux between 1 and 20 TeV" in text
    assert "no energy threshold other than 1 TeV" in text
    assert (plan(text).parameters["ENERGY_MIN"], plan(text).parameters["ENERGY_MAX"]) == (1.0, 20.0)


def test_once_more():
    assert follow("crab", "again").text == EARLIER["crab"].replace("H.E.S.S.", "HESS")
    assert follow("crab", "now with a power law").changes == ["model: power law, as before"]


def test_a_number_that_the_earlier_request_was_not_understood_in_may_be_the_one():
    earlier = "Spectrum of the Crab Nebula, 1-10 TeV, power law, a window of 0.25 deg"
    assert "whether on radius replaces" in follow(earlier, "ON radius 0.2 deg").unread[0]
