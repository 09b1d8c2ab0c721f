"""Simulated observations: when and where the array points, and which events it records."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gammapygpt.data import instrument

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

MJDREFI = 51910
MJDREFF = 0.000742870370370241
"""Reference time of the event clock, in the TT scale: 2001-01-01 00:00:00 UTC."""
SITES = {"north": (-17.89, 28.76, 2200.0), "south": (16.5002, -23.2718, 1835.0)}
"""Longitude and latitude in deg, altitude in m."""
NIGHT_S = 6 * 3600.0
PAUSE_S = 120.0
"""Between two runs."""
DEADTIME_S = 1e-5
"""No two events are closer than this."""


@dataclass(frozen=True)
class Source:
    """A point source with a power law, cut off or not: dN/dE = amplitude (E / reference)^-index exp(-E / cutoff)."""

    ra_deg: float
    dec_deg: float
    index: float
    amplitude: float
    """In cm-2 s-1 TeV-1."""
    reference_tev: float
    cutoff_tev: float = math.inf

    def dnde(self, energy_tev: NDArray) -> NDArray:
        """Differential flux, in cm-2 s-1 TeV-1."""
        import numpy as np

        power_law = self.amplitude * (energy_tev / self.reference_tev) ** -self.index
        return power_law if math.isinf(self.cutoff_tev) else power_law * np.exp(-energy_tev / self.cutoff_tev)

    def brighter(self, factor: float) -> Source:
        """The same source with another flux."""
        return replace(self, amplitude=self.amplitude * factor)


@dataclass(frozen=True)
class Field:
    """A few wobble runs around one source, which may change its flux from run to run."""

    source: Source
    n_observations: int
    livetime_s: float
    """Of each run."""
    offset_deg: float
    """Between source and pointing."""
    factors: tuple[float, ...] = ()
    """Flux in each run over that of `source`; empty where it is steady."""
    first_obs_id: int = 1
    first_night: int = 0

    def runs(self) -> list[Run]:
        """Pointings and times."""
        return wobble_runs(
            self.source, self.n_observations, self.livetime_s, self.offset_deg, self.first_obs_id, self.first_night
        )

    def source_in(self, number: int) -> Source:
        """The source as it is during one run, by its place in the schedule."""
        return self.source.brighter(self.factors[number]) if self.factors else self.source


@dataclass(frozen=True)
class Run:
    """One observation: a pointing and an interval of time."""

    obs_id: int
    ra_deg: float
    dec_deg: float
    tstart: float
    """In s since the reference time (TT)."""
    ontime_s: float
    site: tuple[float, float, float]

    @property
    def tstop(self) -> float:
        """In s since the reference time (TT)."""
        return self.tstart + self.ontime_s

    @property
    def livetime_s(self) -> float:
        """Ontime corrected for dead time."""
        return self.ontime_s * instrument.DEADC

    def time(self, met: float | NDArray) -> Any:
        """Event clock to `astropy.time.Time` (TT)."""
        from astropy.time import Time

        return Time(MJDREFI, MJDREFF + met / 86400, format="mjd", scale="tt")

    def altaz_deg(self, met: float | NDArray) -> tuple[NDArray, NDArray]:
        """Altitude and azimuth of the pointing at given times of the event clock."""
        from astropy.coordinates import AltAz, EarthLocation, SkyCoord
        from astropy.utils import iers

        longitude, latitude, altitude = self.site
        location = EarthLocation.from_geodetic(longitude, latitude, altitude)
        with iers.conf.set_temp("auto_download", False):
            frame = AltAz(obstime=self.time(met), location=location)
            horizontal = SkyCoord(self.ra_deg, self.dec_deg, unit="deg").transform_to(frame)
        return horizontal.alt.deg, horizontal.az.deg


@dataclass(frozen=True)
class Events:
    """What one run recorded, ordered in time."""

    time: NDArray
    """In s since the reference time."""
    ra_deg: NDArray
    dec_deg: NDArray
    energy_tev: NDArray
    """Reconstructed."""


def wobble_runs(
    source: Source,
    n_observations: int,
    livetime_s: float,
    offset_deg: float,
    first_obs_id: int = 1,
    first_night: int = 0,
) -> list[Run]:
    """Schedule runs around culmination at midnight; they point north, south, east and west of the source in turn."""
    from astropy.coordinates import SkyCoord

    site = SITES["north" if source.dec_deg >= 0 else "south"]
    ontime = livetime_s / instrument.DEADC
    per_night = max(1, int(NIGHT_S // (ontime + PAUSE_S)))
    centre = SkyCoord(source.ra_deg, source.dec_deg, unit="deg")
    runs = []
    for number in range(n_observations):
        night, turn = divmod(number, per_night)
        in_night = min(per_night, n_observations - night * per_night)
        begin = (turn - in_night / 2) * (ontime + PAUSE_S)
        angle = (0, 180, 90, 270)[number % 4]
        pointing = centre.directional_offset_by(angle * _deg(), offset_deg * _deg())
        tstart = float(round(_culmination(source.ra_deg, site[0], first_night + night) + begin))
        runs.append(Run(first_obs_id + number, float(pointing.ra.deg), float(pointing.dec.deg), tstart, ontime, site))
    return runs


def _deg() -> Any:
    from astropy import units as u

    return u.deg


def _culmination(ra_deg: float, longitude_deg: float, night: int) -> float:
    """Event clock at a culmination of the source near local midnight, in s; good to a minute."""
    equinox_mjd = 60389.0  # 2024-03-20: the Sun stands at right ascension 0
    mjd = equinox_mjd + ((ra_deg + 180) % 360) / 360 * 365.25 - longitude_deg / 360 + night
    sidereal = 280.46061837 + 360.98564736629 * (mjd - 51544.5) + longitude_deg
    mjd += ((ra_deg - sidereal + 180) % 360 - 180) / 360.9856
    return (mjd - MJDREFI - MJDREFF) * 86400


def expected_events(source: Source, livetime_s: float, offset_deg: float) -> float:
    """Mean number of events of one run, gamma rays and background."""
    _, signal = _signal_weights(source, livetime_s, offset_deg)
    _, energies, _, rings = _background_weights(livetime_s / instrument.DEADC)
    return float(signal.sum() + energies.sum() * rings.sum())


def record_events(run: Run, source: Source, offset_deg: float, rng: Generator) -> Events:
    """Draw the events of one run.

    Parameters
    ----------
    run : Run
        Pointing and time.
    source : Source
        The truth.
    offset_deg : float
        Between source and pointing, in deg.
    rng : numpy.random.Generator
        Source of all randomness.
    """
    import numpy as np

    parts = [_signal(run, source, offset_deg, rng), _background(run, rng)]
    ra, dec, energy = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    low, high = instrument.RECO_RANGE_TEV
    kept = (energy >= low) & (energy < high)
    order = rng.permutation(np.flatnonzero(kept))
    spare = run.ontime_s - DEADTIME_S * (order.size + 1)
    time = run.tstart + np.sort(rng.uniform(0, spare, order.size)) + DEADTIME_S * np.arange(1, order.size + 1)
    return Events(time, ra[order] % 360, dec[order], energy[order])


def _signal_weights(source: Source, livetime_s: float, offset_deg: float) -> tuple[NDArray, NDArray]:
    """Fine edges of true energy and the mean number of gamma rays in each bin."""
    import numpy as np

    edges = instrument.energy_grid(*instrument.TRUE_RANGE_TEV, per_decade=400)
    centres = instrument.bin_centres(edges)
    area_cm2 = instrument.effective_area_m2(centres, offset_deg) * 1e4
    return edges, source.dnde(centres) * area_cm2 * livetime_s * np.diff(edges)


def _background_weights(ontime_s: float) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Fine edges of energy and offset, and the factors whose product is the mean number of events in a bin."""
    import numpy as np

    energies = instrument.energy_grid(*instrument.RECO_RANGE_TEV, per_decade=400)
    on_axis = instrument.background_rate(instrument.bin_centres(energies), 0.0) * np.diff(energies) * ontime_s
    offsets = np.linspace(0, instrument.MAX_OFFSET_DEG, 1201)
    middle = (offsets[:-1] + offsets[1:]) / 2
    solid_angle = 2 * np.pi * -np.diff(np.cos(np.radians(offsets)))
    profile = instrument.background_rate(np.array(1.0), middle) / instrument.background_rate(np.array(1.0), 0.0)
    return energies, on_axis, offsets, profile * solid_angle


def _draw(edges: NDArray, weights: NDArray, size: int, rng: Generator) -> NDArray:
    """Values from a histogram, uniform within its (fine) bins."""
    import numpy as np

    cumulative = np.concatenate([[0.0], np.cumsum(weights)])
    return np.interp(rng.uniform(0, cumulative[-1], size), cumulative, edges)


def _signal(run: Run, source: Source, offset_deg: float, rng: Generator) -> tuple[NDArray, NDArray, NDArray]:
    """Gamma rays of the source: right ascension, declination, reconstructed energy."""
    import numpy as np

    edges, weights = _signal_weights(source, run.livetime_s, offset_deg)
    energy_true = _draw(edges, weights, rng.poisson(weights.sum()), rng)
    bias, width = instrument.energy_dispersion(energy_true, offset_deg)
    energy = energy_true * np.exp(rng.normal(bias, width))
    sigma = instrument.psf_sigma_deg(energy_true, offset_deg)
    in_tail = rng.random(sigma.size) < instrument.PSF_TAIL_FRACTION
    sigma = np.where(in_tail, instrument.PSF_TAIL_WIDTH, 1.0) * sigma
    return (*_scatter(source.ra_deg, source.dec_deg, rng.rayleigh(sigma), rng), energy)


def _background(run: Run, rng: Generator) -> tuple[NDArray, NDArray, NDArray]:
    """Cosmic rays in the whole field of view: right ascension, declination, reconstructed energy."""
    energies, on_axis, offsets, rings = _background_weights(run.ontime_s)
    size = rng.poisson(on_axis.sum() * rings.sum())
    energy = _draw(energies, on_axis, size, rng)
    return (*_scatter(run.ra_deg, run.dec_deg, _draw(offsets, rings, size, rng), rng), energy)


def _scatter(ra_deg: float, dec_deg: float, distance_deg: NDArray, rng: Generator) -> tuple[NDArray, NDArray]:
    """Positions at given distances from a point, in all directions alike."""
    import numpy as np
    from astropy.coordinates import SkyCoord

    angle = rng.uniform(0, 360, np.size(distance_deg))
    positions = SkyCoord(ra_deg, dec_deg, unit="deg").directional_offset_by(angle * _deg(), distance_deg * _deg())
    return positions.ra.deg, positions.dec.deg
