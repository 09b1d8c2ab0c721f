"""How does the flux of a source change from run to run?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gammapygpt.evals.draw.archive import Archive
from gammapygpt.evals.draw.draft import Asked, Draft, Way
from gammapygpt.evals.draw.regions import FLUX_UNITS, PER_AREA, extraction, legitimate, other_units
from gammapygpt.evals.draw.truth import flux, mean_factor
from gammapygpt.evals.draw.words import pick, prompt

if TYPE_CHECKING:
    from numpy.random import Generator

FIELD = "flaring"


def draft(archive: Archive, rng: Generator) -> Draft:
    """Draw the band and what is asked; which run is brightest only where there is a flare."""
    field = archive.flaring
    drawn = extraction(archive, field, rng)
    unit = pick(rng, FLUX_UNITS)
    factor = PER_AREA[unit.split()[0]] / mean_factor(field)
    steady = flux(field, drawn.low_tev, drawn.high_tev) * factor
    factors = field.factors or (1.0,) * field.n_observations
    peak = factors.index(max(factors))
    brightest = [
        Asked("i_max", ("i_max",), "0-based position in time of the brightest run", truth=peak, exact=True),
        Asked(
            "obs_id_max",
            ("obs_id_max",),
            "observation id of the brightest run",
            truth=field.first_obs_id + peak,
            exact=True,
        ),
    ]
    mean = steady * mean_factor(field)
    asked = [
        Asked("n_points", ("n_points",), "number of points", truth=field.n_observations, exact=True),
        Asked("flux_max", ("flux_max",), "largest flux", unit, steady * factors[peak], rel_tol=0.03),
        *([pick(rng, brightest)] if field.factors else []),
        pick(
            rng,
            [
                Asked("flux_min", ("flux_min",), "smallest flux", unit, rel_tol=0.04),
                Asked(
                    "flux_mean", ("flux_mean",), "arithmetic mean of the fluxes of all runs", unit, mean, rel_tol=0.03
                ),
            ],
        ),
    ]
    words = drawn.words | {"index": field.source.index}
    return Draft(
        title=f"Light curve by run, {drawn.low_tev:g}-{drawn.high_tev:g} TeV",
        family="other",
        difficulty="medium",
        prompt=prompt(rng, "light_curve", words, asked),
        script="light_curve",
        constants=drawn.constants
        | {"INDEX": field.source.index, "FLUX_MIN": drawn.low_tev, "FLUX_MAX": drawn.high_tev},
        asked=asked,
        accepted=legitimate(joint=False),
        wrong=[
            Way("no containment correction", {"CONTAINMENT_CORRECTION": False}),
            Way("other units", results=other_units(asked)),
        ],
        harmless=[
            Way(
                "flux above 1.5 times the threshold",
                {"ENERGY_MIN": drawn.low_tev * 1.5, "FLUX_MIN": drawn.low_tev * 1.5},
            ),
        ],
    )
