"""Where exactly is a point source, and what is its spectrum, by a fit to a cube?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gammapygpt.evals.draw.archive import Archive
from gammapygpt.evals.draw.draft import Asked, Draft, Way
from gammapygpt.evals.draw.regions import FLUX_UNITS, PER_AREA, other_units
from gammapygpt.evals.draw.truth import flux
from gammapygpt.evals.draw.words import energies, pick, position, prompt

if TYPE_CHECKING:
    from numpy.random import Generator

FIELD = "steady"
SHIFT_DEG = (0.06, 0.12)
"""Distance of the position that the request names from the true one."""


def draft(archive: Archive, rng: Generator) -> Draft:
    """Draw a position beside the source, the map, and what is asked of the fit."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    source = archive.steady.source
    beside = SkyCoord(source.ra_deg, source.dec_deg, unit="deg").directional_offset_by(
        rng.uniform(0, 360) * u.deg, rng.uniform(*SHIFT_DEG) * u.deg
    )
    place = position(rng, float(beside.ra.deg), float(beside.dec.deg))
    low, high = float(pick(rng, (0.8, 1.0))), float(pick(rng, (8.0, 10.0)))
    constants: dict[str, Any] = {
        "DATA_STORE": archive.store,
        "TARGET_RA": place.ra_deg,
        "TARGET_DEC": place.dec_deg,
        "SELECTION_RADIUS": float(pick(rng, (1.0, 1.5, 2.0))),
        "MAP_WIDTH": float(pick(rng, (2.0, 2.4))),
        "PIXEL_SIZE": float(pick(rng, (0.03, 0.04))),
        "ENERGY_MIN": low,
        "ENERGY_MAX": high,
        "ENERGY_BINS": int(pick(rng, (5, 6, 8))),
        "OFFSET_MAX": float(pick(rng, (1.5, 2.0))),
        "EXCLUSION_RADIUS": float(pick(rng, (0.4, 0.5))),
    }
    unit = pick(rng, FLUX_UNITS)
    low_flux, high_flux = pick(rng, [(1.0, 10.0), (1.0, 5.0)])
    truth = flux(archive.steady, low_flux, high_flux) * PER_AREA[unit.split()[0]]
    words = f"photon flux of the model integrated over {low_flux:g}-{high_flux:g} TeV"
    asked = [
        Asked("index", ("parameter", "index"), "photon index, positive", "", source.index, abs_tol=0.03),
        Asked(f"flux_{low_flux:g}_{high_flux:g}TeV", ("flux", low_flux, high_flux), words, unit, truth, rel_tol=0.03),
        Asked("ra_deg", ("parameter", "ra"), "fitted right ascension, ICRS", "deg", source.ra_deg, abs_tol=0.005),
        Asked("dec_deg", ("parameter", "dec"), "fitted declination, ICRS", "deg", source.dec_deg, abs_tol=0.004),
    ]
    said = {
        "place": place.words,
        "data": f"$GAMMAPY_DATA/{archive.store}",
        "cone": f"{constants['SELECTION_RADIUS']:g} deg",
        "width": constants["MAP_WIDTH"],
        "pixel": constants["PIXEL_SIZE"],
        "energy": energies(rng, low, high),
        "bins": constants["ENERGY_BINS"],
        "offset": constants["OFFSET_MAX"],
        "exclusion": constants["EXCLUSION_RADIUS"],
    }
    return Draft(
        title="Stacked 3D fit of a point source",
        family="Source3DAnalysis",
        difficulty="hard",
        prompt=prompt(rng, "point_source_3d", said, asked),
        script="point_source_3d",
        constants=constants,
        asked=asked,
        accepted=[
            Way("larger map", {"MAP_WIDTH": constants["MAP_WIDTH"] + 0.4}),
            Way("finer true energies", {"BINS_PER_DECADE_TRUE": 16}),
        ],
        wrong=[
            Way("position not fitted", {"POSITION_FREE": False}),
            Way("other units", results=other_units(asked)),
        ],
    )
