"""Archives: the data that tasks are drawn over. Fields of one archive are seen from one site, one after the other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gammapygpt.data.observe import Field, Source
from gammapygpt.data.simulate import write_store

if TYPE_CHECKING:
    from numpy.random import Generator

LIVETIMES_S = (1200.0, 1400.0, 1500.0, 1680.0, 1800.0)
OFFSETS_DEG = (0.5, 0.6, 0.7)
NEIGHBOUR_DEG = (4.3, 5.5)
"""Distance of the dark field from the steady source: neither is in the other's field of view."""
README = """\
Simulated gamma-ray data (DL3, GADF 0.2) of an instrument that does not exist
=============================================================================

Made by `gammapygpt bench draw`: wobble runs around point sources. Nothing here was measured.
Do with it what you like.
"""


@dataclass(frozen=True)
class Archive:
    """One data store and all that is true of it."""

    store: str
    """Name of its folder below the data folder."""
    seed: int
    steady: Field
    """A power law that does not change."""
    cutoff: Field
    """A bright power law with an exponential cut-off."""
    flaring: Field
    """A power law whose flux changes from run to run, in two archives of three."""
    dark: Field
    """No source at all, some degrees from the steady one."""

    def field(self, name: str) -> Field:
        """One of the fields, by name."""
        found: Field = getattr(self, name)
        return found

    def write(self, data: Path, wanted: Collection[str]) -> None:
        """Simulate the fields that are wanted into a data folder; the dark one is always there."""
        names = [name for name in ("steady", "cutoff", "flaring", "dark") if name in wanted or name == "dark"]
        write_store(data / self.store, [self.field(name) for name in names], self.seed, README)


def draw_archive(store: str, rng: Generator) -> Archive:
    """Sources and schedules, all from the generator."""
    hemisphere = int(rng.choice([-1, 1]))
    ra = rng.uniform(0, 360)
    first_id = int(rng.integers(20, 180)) * 500 + 1
    steady = draw_field(rng, ra, hemisphere, int(rng.integers(3, 6)), (0.8e-11, 4e-11), first_id)
    cutoff_tev = float(rng.choice([4.0, 5.0, 6.0, 8.0]))
    ra_cutoff = ra + rng.uniform(60, 120)
    cutoff = draw_field(rng, ra_cutoff, hemisphere, 5, (5e-11, 9e-11), first_id + 100, cutoff_tev=cutoff_tev)
    n_flaring = int(rng.integers(4, 7))
    flaring = draw_field(rng, ra + rng.uniform(150, 210), hemisphere, n_flaring, (1.5e-11, 3e-11), first_id + 200)
    flaring = with_flare(flaring, rng) if rng.integers(3) else flaring
    dark = neighbour(steady.source, rng)
    dark_field = Field(dark, 4, 2 * livetime(rng), offset(rng), first_obs_id=first_id + 50, first_night=10)
    return Archive(store, int(rng.integers(2**31)), steady, cutoff, flaring, dark_field)


def draw_field(
    rng: Generator,
    ra_deg: float,
    hemisphere: int,
    n_observations: int,
    amplitudes: tuple[float, float],
    first_obs_id: int,
    cutoff_tev: float = float("inf"),
) -> Field:
    """Runs around a source at a right ascension; amplitude at 1 TeV between two, logarithmically uniform."""
    import numpy as np

    low, high = np.log(amplitudes)
    amplitude = float(f"{np.exp(rng.uniform(low, high)):.3g}")
    indices = (1.7, 1.9, 2.1) if np.isfinite(cutoff_tev) else (2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7, 2.8)
    declination = round(hemisphere * rng.uniform(10, 60), 4)
    source = Source(round(ra_deg % 360, 4), declination, float(rng.choice(indices)), amplitude, 1.0, cutoff_tev)
    return Field(source, n_observations, livetime(rng), offset(rng), first_obs_id=first_obs_id)


def with_flare(field: Field, rng: Generator) -> Field:
    """The same field with a source that rises within a run and fades from run to run."""
    from dataclasses import replace

    peak = int(rng.integers(1, field.n_observations - 1))
    height, fading = rng.uniform(3, 5), rng.uniform(0.4, 0.8)
    factors = [1 + height * fading ** (2 * (n - peak)) if n >= peak else 1.0 for n in range(field.n_observations)]
    return replace(field, factors=tuple(round(float(factor), 2) for factor in factors))


def neighbour(source: Source, rng: Generator) -> Source:
    """A place on the sky some degrees from a source, with nothing there."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    centre = SkyCoord(source.ra_deg, source.dec_deg, unit="deg")
    place = centre.directional_offset_by(rng.uniform(0, 360) * u.deg, rng.uniform(*NEIGHBOUR_DEG) * u.deg)
    return Source(round(float(place.ra.deg), 4), round(float(place.dec.deg), 4), 2.5, 0.0, 1.0)


def livetime(rng: Generator) -> float:
    """Of each run of a field, in s."""
    return float(rng.choice(LIVETIMES_S))


def offset(rng: Generator) -> float:
    """Between source and pointing, in deg."""
    return float(rng.choice(OFFSETS_DEG))
