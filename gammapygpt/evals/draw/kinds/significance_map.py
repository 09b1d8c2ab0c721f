"""Where is the excess of a sky map, and how significant is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gammapygpt.evals.draw.archive import Archive
from gammapygpt.evals.draw.draft import SIGMA, Asked, Draft, Way
from gammapygpt.evals.draw.truth import expected_excess
from gammapygpt.evals.draw.words import energies, pick, position, prompt

if TYPE_CHECKING:
    from numpy.random import Generator

FIELD = "steady"


def draft(archive: Archive, rng: Generator) -> Draft:
    """Draw the background, the map, the correlation radius, and what is asked of it."""
    field = archive.steady
    place = position(rng, field.source.ra_deg, field.source.dec_deg)
    low, high = float(pick(rng, (0.7, 0.8, 1.0))), float(pick(rng, (8.0, 10.0, 20.0)))
    correlation, exclusion = float(pick(rng, (0.1, 0.12, 0.15))), float(pick(rng, (0.3, 0.4)))
    ring = bool(rng.integers(2))
    inner, breadth = float(pick(rng, (0.5, 0.6))), float(pick(rng, (0.2, 0.3)))
    constants: dict[str, Any] = {
        "DATA_STORE": archive.store,
        "TARGET_RA": place.ra_deg,
        "TARGET_DEC": place.dec_deg,
        "SELECTION_RADIUS": float(pick(rng, (1.0, 1.5, 2.0))),
        "MAP_WIDTH": float(pick(rng, (3.0, 3.5))),
        "PIXEL_SIZE": 0.02,
        "ENERGY_MIN": low,
        "ENERGY_MAX": high,
        "OFFSET_MAX": float(pick(rng, (1.5, 2.0))),
        "EXCLUSION_RADIUS": exclusion,
        "BACKGROUND": "ring" if ring else "fov",
        "RING_RADIUS": inner,
        "RING_WIDTH": breadth,
        "CORRELATION_RADIUS": correlation,
    }
    said = f"Ring with an inner radius of {inner:g} deg and a width of {breadth:g} deg, applied to each run"
    words: dict[str, Any] = {
        "background_map": "ring-background significance map"
        if ring
        else "significance map with field-of-view background",
        "background": said if ring else "Scale the background model of each run to the counts in the field of view",
        "place": place.words,
        "data": f"$GAMMAPY_DATA/{archive.store}",
        "cone": f"{constants['SELECTION_RADIUS']:g} deg",
        "width": constants["MAP_WIDTH"],
        "pixel": constants["PIXEL_SIZE"],
        "offset": constants["OFFSET_MAX"],
        "energy": energies(rng, low, high),
        "exclusion": exclusion,
        "correlation": correlation,
    }
    truth = expected_excess(field, low, high, correlation)
    asked = [
        Asked("significance", ("significance",), "at the given position", SIGMA, rel_tol=0.03),
        Asked("excess", ("excess",), "correlated excess counts at the given position", "", truth, rel_tol=0.03),
        *pick(rng, [[], [Asked("max_significance", ("max_significance",), "largest of the map", SIGMA, rel_tol=0.04)]]),
    ]
    return Draft(
        title=words["background_map"],
        family="other",
        difficulty="hard",
        prompt=prompt(rng, "significance_map", words, asked),
        script="significance_map",
        constants=constants,
        asked=asked,
        accepted=[
            Way("8 bins of energy", {"ENERGY_BINS": 8}),
            Way("larger map", {"MAP_WIDTH": constants["MAP_WIDTH"] + 0.5}),
        ],
        wrong=[
            Way("all energies", {"ENERGY_MIN": 0.2, "ENERGY_MAX": 100.0}),
            Way("half the correlation radius", {"CORRELATION_RADIUS": correlation / 2}),
        ],
        harmless=[
            Way("source not excluded from the background", {"EXCLUSION_RADIUS": 0}),
            Way("the other background", {"BACKGROUND": "fov" if ring else "ring"}),
        ],
    )
