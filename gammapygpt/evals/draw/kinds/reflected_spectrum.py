"""What is the power-law spectrum of a source?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gammapygpt.evals.draw.archive import Archive
from gammapygpt.evals.draw.draft import Asked, Draft, Way
from gammapygpt.evals.draw.regions import FLUX_UNITS, Extraction, extraction, legitimate, other_units
from gammapygpt.evals.draw.truth import flux
from gammapygpt.evals.draw.words import energy, pick, prompt

if TYPE_CHECKING:
    from numpy.random import Generator

FIELD = "steady"
ERG_PER_TEV = 1.602176634


def draft(archive: Archive, rng: Generator) -> Draft:
    """Draw region, energies, reference energy, and which numbers are asked for."""
    source = archive.steady.source
    drawn = extraction(archive, archive.steady, rng)
    reference = float(pick(rng, (1.0, 1.0, 2.0, 3.0)))
    index = Asked(
        pick(rng, ("index", "photon_index")), ("parameter", "index"), "positive", "", source.index, abs_tol=0.03
    )
    asked = [
        index,
        *pick(
            rng,
            [
                [amplitude(archive, rng, reference)],
                [photon_flux(archive, rng, drawn)],
                [energy_flux(archive, rng)],
                [amplitude(archive, rng, reference), energy_flux(archive, rng)],
            ],
        ),
    ]
    words = drawn.words | {"reference": energy(rng, reference)}
    wrong = [
        Way("no containment correction", {"CONTAINMENT_CORRECTION": False}),
        Way(
            "ON radius taken for the diameter, not corrected",
            {"ON_RADIUS": drawn.on_radius_deg / 2, "CONTAINMENT_CORRECTION": False},
        ),
    ]
    wrong.append(Way("other units", results=other_units(asked)))
    if any(one.quantity[-1] == "amplitude" for one in asked):
        wrong.append(Way("amplitude at another energy", {"REFERENCE_ENERGY": 1.5 if reference == 1 else 1.0}))
    return Draft(
        title=f"Reflected-regions power law, {drawn.low_tev:g}-{drawn.high_tev:g} TeV",
        family="ReflectedSpectrum",
        difficulty="medium",
        prompt=prompt(rng, "reflected_spectrum", words, asked),
        script="reflected_spectrum",
        constants=drawn.constants | {"REFERENCE_ENERGY": reference},
        asked=asked,
        accepted=legitimate(),
        wrong=wrong,
        harmless=[Way("all energies", {"ENERGY_MIN": 0.1, "ENERGY_MAX": 100.0})],
    )


def amplitude(archive: Archive, rng: Generator, reference_tev: float) -> Asked:
    """At the reference energy."""
    import numpy as np

    unit, factor = pick(rng, [("cm-2 s-1 TeV-1", 1.0), ("cm-2 s-1 TeV-1", 1.0), ("m-2 s-1 TeV-1", 1e4)])
    truth = float(archive.steady.source.dnde(np.array(reference_tev))) * factor
    words = "differential flux at the reference energy"
    return Asked("amplitude", ("parameter", "amplitude"), words, unit, truth, rel_tol=0.03)


def photon_flux(archive: Archive, rng: Generator, drawn: Extraction) -> Asked:
    """In a band within that of the fit."""
    low, high = pick(rng, [(1.0, 10.0), (1.0, 5.0), (drawn.low_tev, 5.0)])
    unit = pick(rng, FLUX_UNITS)
    truth = flux(archive.steady, low, high) * (1e4 if unit.startswith("m") else 1.0)
    words = f"photon flux of the model integrated over {low:g}-{high:g} TeV"
    key = "photon_flux" if low < 1 else pick(rng, ("photon_flux", f"flux_{low:g}_{high:g}TeV"))
    return Asked(key, ("flux", low, high), words, unit, truth, rel_tol=0.03)


def energy_flux(archive: Archive, rng: Generator) -> Asked:
    """From 1 to 10 TeV."""
    unit, factor = pick(rng, [("erg cm-2 s-1", ERG_PER_TEV), ("TeV cm-2 s-1", 1.0)])
    truth = flux(archive.steady, 1.0, 10.0, moment=1) * factor
    words = "energy flux of the model integrated over 1-10 TeV"
    return Asked("energy_flux", ("energy_flux", 1.0, 10.0), words, unit, truth, rel_tol=0.03)
