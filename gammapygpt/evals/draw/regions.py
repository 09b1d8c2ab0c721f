"""Counting in an ON region with reflected regions: what the kinds of tasks that do so have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gammapygpt.data.observe import Field
from gammapygpt.evals.draw.archive import Archive
from gammapygpt.evals.draw.draft import Asked, Way
from gammapygpt.evals.draw.words import energies, pick, position

if TYPE_CHECKING:
    from numpy.random import Generator

RANGES_TEV = tuple((low, high) for low in (0.7, 0.8, 1.0) for high in (8.0, 10.0, 15.0, 20.0))
"""Of reconstructed energy."""
FLUX_UNITS = ("cm-2 s-1", "cm-2 s-1", "m-2 s-1")
MISTAKEN_UNIT = {
    "cm-2 s-1": "m-2 s-1",
    "m-2 s-1": "cm-2 s-1",
    "cm-2 s-1 TeV-1": "m-2 s-1 TeV-1",
    "m-2 s-1 TeV-1": "cm-2 s-1 TeV-1",
    "erg cm-2 s-1": "TeV cm-2 s-1",
    "TeV cm-2 s-1": "erg cm-2 s-1",
    "TeV": "GeV",
    "GeV": "TeV",
}
"""What is taken for it."""
PER_AREA = {"cm-2": 1.0, "m-2": 1e4}
"""Factor from fluxes in cm-2."""


@dataclass(frozen=True)
class Extraction:
    """Constants of the script, and the words that say so in a request."""

    constants: dict[str, Any]
    words: dict[str, str]
    low_tev: float
    high_tev: float
    on_radius_deg: float


def extraction(
    archive: Archive, field: Field, rng: Generator, ranges: Sequence[tuple[float, float]] = RANGES_TEV
) -> Extraction:
    """Where and how to count, drawn; the cone takes all runs of the field and no others."""
    place = position(rng, field.source.ra_deg, field.source.dec_deg)
    cone = float(pick(rng, (1.0, 1.5, 2.0, 2.5)))
    radius = float(pick(rng, (0.1, 0.11, 0.12)))
    exclusion = float(pick(rng, (0.25, 0.3, 0.35)))
    low, high = pick(rng, ranges)
    constants = {
        "DATA_STORE": archive.store,
        "TARGET_RA": place.ra_deg,
        "TARGET_DEC": place.dec_deg,
        "SELECTION_RADIUS": cone,
        "ON_RADIUS": radius,
        "EXCLUSION_RADIUS": exclusion,
        "ENERGY_MIN": low,
        "ENERGY_MAX": high,
    }
    on = [f"a circular ON region of {radius:g} deg radius", f"an ON circle with a radius of {radius:g} deg"]
    outside = [
        f"keep a circle of {exclusion:g} deg radius around the source out of the OFF regions",
        f"exclude {exclusion:g} deg around the source from the background",
        f"with an exclusion region of {exclusion:g} deg radius at the source",
    ]
    circle = pick(rng, on)
    words = {
        "data": f"$GAMMAPY_DATA/{archive.store}",
        "place": place.words,
        "cone": f"{cone:g} deg",
        "on": circle,
        "On": circle[0].upper() + circle[1:],
        "outside": pick(rng, outside),
        "energy": energies(rng, low, high),
    }
    return Extraction(constants, words, low, high, radius)


def legitimate(*, joint: bool = True) -> list[Way]:
    """Other choices for a flux that a request leaves free, several at once: two scripts that agree in none of them.

    `joint` where a fit to all runs may as well be one to their sum.
    """
    coarse = {"EXCLUSION_RADIUS": 0, "BINS_PER_DECADE": 5} | ({"STACKED": True} if joint else {})
    fine = {"BINS_PER_DECADE": 20, "BINS_PER_DECADE_TRUE": 10, "AEFF_MAX_PERCENT": 10}
    return [
        Way("no exclusion, 5 bins per decade" + (", stacked" if joint else ""), coarse),
        Way("20 bins per decade, coarse true energies, safe energies", fine),
    ]


def other_units(asked: Sequence[Asked]) -> dict[str, list[Any]]:
    """RESULTS in units that are mistaken for those asked for."""
    return {one.key: one.entry(MISTAKEN_UNIT[one.unit]) for one in asked if one.unit in MISTAKEN_UNIT}
