"""What are the fluxes of a source in bands of energy?"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from gammapygpt.evals.draw.archive import Archive
from gammapygpt.evals.draw.draft import Asked, Draft, Way
from gammapygpt.evals.draw.regions import FLUX_UNITS, PER_AREA, extraction, legitimate, other_units
from gammapygpt.evals.draw.truth import flux
from gammapygpt.evals.draw.words import list_of, pick, prompt

if TYPE_CHECKING:
    from numpy.random import Generator

FIELD = "steady"
EDGES_TEV = ([1.0, 2.0, 4.0, 8.0], [1.0, 2.0, 5.0, 10.0], [1.0, 3.0, 10.0], [1.0, 1.5, 3.0, 6.0])


def draft(archive: Archive, rng: Generator) -> Draft:
    """Draw region and bands; two or three of them are asked for."""
    edges = list(pick(rng, EDGES_TEV))
    low = float(pick(rng, (0.7, 0.8, 1.0)))
    high = float(pick(rng, (edges[-1], 20.0)))
    drawn = extraction(archive, archive.steady, rng, ranges=((low, high),))
    unit = pick(rng, FLUX_UNITS)
    factor = PER_AREA[unit.split()[0]]
    asked = [
        Asked(
            f"flux_{below:g}_{above:g}TeV",
            ("flux_point", below, above),
            f"photon flux between {below:g} and {above:g} TeV",
            unit,
            flux(archive.steady, below, above) * factor,
            rel_tol=0.03,
        )
        for below, above in itertools.pairwise(edges)
    ]
    words = drawn.words | {"edges": list_of([f"{edge:g}" for edge in edges])}
    shifted = dict(
        zip([one.key for one in asked], [*[one.entry() for one in asked[1:]], asked[0].entry()], strict=True)
    )
    return Draft(
        title=f"Flux points in {len(edges) - 1} bands",
        family="other",
        difficulty="medium",
        prompt=prompt(rng, "flux_points", words, asked),
        script="reflected_spectrum",
        constants=drawn.constants | {"FLUX_POINT_EDGES": edges},
        asked=asked,
        accepted=legitimate(),
        wrong=[
            Way("no containment correction", {"CONTAINMENT_CORRECTION": False}),
            Way("other units", results=other_units(asked)),
            Way("bands shifted by one", results=shifted),
        ],
        harmless=[Way("flux of the fitted model instead of the points", results=of_the_model(asked))],
    )


def of_the_model(asked: list[Asked]) -> dict[str, list[Any]]:
    """RESULTS with integrals of the power law in the same bands."""
    return {one.key: ["flux", *one.entry()[1:]] for one in asked}
