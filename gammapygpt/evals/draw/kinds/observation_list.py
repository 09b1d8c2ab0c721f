"""Which runs were pointed near a position, and how long was the telescope alive?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gammapygpt.evals.draw.archive import Archive
from gammapygpt.evals.draw.draft import Asked, Draft, Way
from gammapygpt.evals.draw.judging import DrawAgain
from gammapygpt.evals.draw.words import pick, position, prompt

if TYPE_CHECKING:
    from numpy.random import Generator

FIELD = "steady"
RADII_DEG = (0.6, 1.0, 1.5, 2.0, 2.5, 5.0, 6.0, 8.0)
EDGE_DEG = 0.05
"""No pointing is closer to the edge of the cone."""


def draft(archive: Archive, rng: Generator) -> Draft:
    """Draw a position near the steady source and a cone, which reaches the dark field or not."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    source = archive.steady.source
    place = position(rng, source.ra_deg, source.dec_deg)
    radius = float(pick(rng, RADII_DEG))
    centre = SkyCoord(place.ra_deg, place.dec_deg, unit="deg")
    runs = {run.obs_id: run for field in (archive.steady, archive.dark) for run in field.runs()}
    distance = {
        number: float(centre.separation(SkyCoord(run.ra_deg * u.deg, run.dec_deg * u.deg)).deg)
        for number, run in runs.items()
    }
    if min(abs(one - radius) for one in distance.values()) < EDGE_DEG:
        raise DrawAgain("a pointing lies on the edge of the cone")
    inside = sorted(number for number, one in distance.items() if one < radius)
    if not inside:
        raise DrawAgain("the cone is empty")
    livetime = sum(runs[number].livetime_s for number in inside)
    unit, seconds = pick(rng, [("h", 3600), ("min", 60), ("s", 1)])
    asked = [
        Asked(pick(rng, ("n_obs", "n_runs")), ("n_obs",), "number of selected runs", truth=len(inside), exact=True),
        pick(
            rng,
            [
                Asked(f"livetime_{unit}", ("livetime",), "total livetime", unit, livetime / seconds, exact=True),
                Asked(
                    f"mean_livetime_{unit}",
                    ("mean_livetime",),
                    "mean livetime of a run",
                    unit,
                    livetime / seconds / len(inside),
                    exact=True,
                ),
            ],
        ),
        pick(
            rng,
            [
                Asked("obs_ids", ("obs_ids",), "list of the observation ids, ascending", exact=True),
                Asked("last_obs_id", ("last_obs_id",), "largest of the observation ids", exact=True),
            ],
        ),
    ]
    words = {"data": f"$GAMMAPY_DATA/{archive.store}", "radius": radius, "place": place.words}
    other = {"h": "min", "min": "h", "s": "h"}[unit]
    return Draft(
        title=f"Runs within {radius:g} deg of a position",
        family="ObservationList",
        difficulty="easy",
        prompt=prompt(rng, "observation_list", words, asked),
        script="observation_list",
        constants={
            "DATA_STORE": archive.store,
            "TARGET_RA": place.ra_deg,
            "TARGET_DEC": place.dec_deg,
            "SELECTION_RADIUS": radius,
        },
        asked=asked,
        accepted=[],
        wrong=[
            Way("ontime, not corrected for dead time", lines={'table["LIVETIME"]': 'table["ONTIME"]'}),
            Way(f"livetime in {other}", results={asked[1].key: asked[1].entry(other)}),
        ],
        harmless=[
            Way("all runs of the archive", {"SELECTION_RADIUS": 180.0}),
            Way("half the radius", {"SELECTION_RADIUS": radius / 2}),
            Way("coordinates taken for Galactic ones", lines={'frame="icrs"': 'frame="galactic"'}),
        ],
    )
