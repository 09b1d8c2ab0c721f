"""Where is the exponential cut-off of a spectrum?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gammapygpt.evals.draw.archive import Archive
from gammapygpt.evals.draw.draft import Asked, Draft, Way
from gammapygpt.evals.draw.regions import FLUX_UNITS, PER_AREA, extraction, legitimate, other_units
from gammapygpt.evals.draw.truth import flux
from gammapygpt.evals.draw.words import pick, prompt

if TYPE_CHECKING:
    from numpy.random import Generator

FIELD = "cutoff"
RANGES_TEV = ((0.7, 30.0), (0.8, 25.0), (0.8, 30.0))


def draft(archive: Archive, rng: Generator) -> Draft:
    """Draw region, and the units of the cut-off and the flux."""
    source = archive.cutoff.source
    drawn = extraction(archive, archive.cutoff, rng, ranges=RANGES_TEV)
    unit = pick(rng, ("TeV", "TeV", "GeV"))
    flux_unit = pick(rng, FLUX_UNITS)
    truth = flux(archive.cutoff, 1.0, 10.0)
    asked = [
        Asked("index", ("parameter", "index"), "photon index Gamma, positive", "", source.index, abs_tol=0.03),
        Asked(
            f"cutoff_energy_{unit}",
            ("cutoff",),
            "cut-off energy",
            unit,
            source.cutoff_tev * (1e3 if unit == "GeV" else 1.0),
            rel_tol=0.04,
        ),
        Asked(
            "flux_1_10TeV",
            ("flux", 1.0, 10.0),
            "photon flux of the model integrated over 1-10 TeV",
            flux_unit,
            truth * PER_AREA[flux_unit.split()[0]],
            rel_tol=0.03,
        ),
    ]
    return Draft(
        title="Power law with exponential cut-off",
        family="ReflectedSpectrum",
        difficulty="hard",
        prompt=prompt(rng, "cutoff_spectrum", drawn.words, asked),
        script="reflected_spectrum",
        constants=drawn.constants | {"CUTOFF": True},
        asked=asked,
        accepted=legitimate(),
        wrong=[
            Way("no containment correction", {"CONTAINMENT_CORRECTION": False}),
            Way("other units", results=other_units(asked)),
        ],
        harmless=[Way("all energies", {"ENERGY_MIN": 0.1})],
    )
