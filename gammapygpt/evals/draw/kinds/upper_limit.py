"""What is the upper limit on the flux of a place where nothing is?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gammapygpt.evals.draw.archive import Archive
from gammapygpt.evals.draw.draft import Asked, Draft, Way
from gammapygpt.evals.draw.regions import FLUX_UNITS, extraction, other_units
from gammapygpt.evals.draw.words import pick, prompt

if TYPE_CHECKING:
    from numpy.random import Generator

FIELD = "dark"
RANGES_TEV = ((0.6, 10.0), (0.7, 10.0), (0.7, 20.0), (0.8, 20.0))
LEVELS = {"2 sigma": 2.0, "95.45 % confidence (2 sigma)": 2.0, "3 sigma": 3.0}


def draft(archive: Archive, rng: Generator) -> Draft:
    """Draw region, band, index and confidence level."""
    drawn = extraction(archive, archive.dark, rng, ranges=RANGES_TEV)
    index = float(pick(rng, (2.0, 2.2, 2.5, 2.7)))
    level = pick(rng, tuple(LEVELS))
    unit = pick(rng, FLUX_UNITS)
    words = "upper limit on the photon flux"
    asked = [
        Asked(pick(rng, ("flux_ul", "upper_limit")), ("flux_ul",), words, unit, rel_tol=0.04),
        Asked("n_on", ("n_on",), "counts in the ON region in that band", rel_tol=0.005, abs_tol=1),
        Asked("significance", ("significance",), "of the excess", truth=0.0, shown=False),
    ]
    said = drawn.words | {"index": index, "level": level}
    n_sigma = LEVELS[level]
    return Draft(
        title=f"Upper limit, {drawn.low_tev:g}-{drawn.high_tev:g} TeV",
        family="other",
        difficulty="medium",
        prompt=prompt(rng, "upper_limit", said, asked),
        script="upper_limit",
        constants=drawn.constants
        | {"INDEX": index, "N_SIGMA": n_sigma, "FLUX_MIN": drawn.low_tev, "FLUX_MAX": drawn.high_tev},
        asked=asked,
        accepted=[
            Way("no exclusion, coarse true energies", {"EXCLUSION_RADIUS": 0, "BINS_PER_DECADE_TRUE": 10}),
            Way("fine true energies, safe energies", {"BINS_PER_DECADE_TRUE": 40, "AEFF_MAX_PERCENT": 10}),
        ],
        wrong=[
            Way("no containment correction", {"CONTAINMENT_CORRECTION": False}),
            Way("limit of another level", {"N_SIGMA": 5.0 - n_sigma}),
            Way("other units", results=other_units(asked)),
            Way("best fit instead of the limit", results=best_fit(asked)),
        ],
        harmless=[Way("fit to 8 bins instead of the sum", {"ENERGY_BINS": 8})],
    )


def best_fit(asked: list[Asked]) -> dict[str, list[Any]]:
    """RESULTS with the flux where the limit should be."""
    return {asked[0].key: ["best_flux", asked[0].unit]}
