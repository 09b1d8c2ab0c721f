"""Write DL3 files and their index tables: Data formats for gamma-ray astronomy (GADF), version 0.2.

https://gamma-astro-data-formats.readthedocs.io
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gammapygpt import __version__
from gammapygpt.data import instrument
from gammapygpt.data.observe import MJDREFF, MJDREFI, Events, Run

if TYPE_CHECKING:
    from astropy.io.fits import BinTableHDU
    from numpy.typing import NDArray

    Columns = dict[str, tuple[Any, str]]
    """Name to values and unit."""

OBJECT = "simulated"
FORMAT = {
    "HDUCLASS": "GADF",
    "HDUDOC": "https://github.com/open-gamma-ray-astro/gamma-astro-data-formats",
    "HDUVERS": "0.2",
}
TIME_SYSTEM = {"MJDREFI": MJDREFI, "MJDREFF": MJDREFF, "TIMEUNIT": "s", "TIMESYS": "TT", "TIMEREF": "local"}
ORIGIN = {
    "ORIGIN": "simulation",
    "TELESCOP": instrument.TELESCOPE,
    "INSTRUME": instrument.TELESCOPE,
    "CREATOR": f"gammapygpt {__version__}",
}
HDUS = {
    "EVENTS": ("events", "events"),
    "GTI": ("gti", "gti"),
    "POINTING": ("pointing", "pointing"),
    "AEFF": ("aeff", "aeff_2d"),
    "EDISP": ("edisp", "edisp_2d"),
    "PSF": ("psf", "psf_3gauss"),
    "BKG": ("bkg", "bkg_2d"),
}
"""Extension name to HDU_TYPE and HDU_CLASS."""


def observation_file(run: Run) -> str:
    """Name of the file of one run."""
    return f"simulated_obs_{run.obs_id:06d}.fits.gz"


def write_observation(path: Path, run: Run, events: Events) -> None:
    """Write one run with its IRFs into one file."""
    hdus = [_events(run, events), _gti(run), _pointing(run), *_irfs(run)]
    _write(path, hdus)


def write_index(folder: Path, runs: list[Run], event_counts: list[int]) -> None:
    """Write `obs-index.fits.gz` and `hdu-index.fits.gz` of runs whose files are in `folder/data`."""
    rows = [_obs_index_row(run, count) for run, count in zip(runs, event_counts, strict=True)]
    columns = {name: ([row[name][0] for row in rows], rows[0][name][1]) for name in rows[0]}
    header: dict[str, Any] = FORMAT | {"HDUCLAS1": "INDEX", "HDUCLAS2": "OBS"} | TIME_SYSTEM | _site(runs[0]) | ORIGIN
    _write(folder / "obs-index.fits.gz", [_table("OBS_INDEX", columns, header)])

    entries = [(run, name, *HDUS[name]) for run in runs for name in HDUS]
    columns = {
        "OBS_ID": ([run.obs_id for run, *_ in entries], ""),
        "HDU_TYPE": ([hdu_type for _, _, hdu_type, _ in entries], ""),
        "HDU_CLASS": ([hdu_class for *_, hdu_class in entries], ""),
        "FILE_DIR": (["data"] * len(entries), ""),
        "FILE_NAME": ([observation_file(run) for run, *_ in entries], ""),
        "HDU_NAME": ([name for _, name, *_ in entries], ""),
    }
    header = FORMAT | {"HDUCLAS1": "INDEX", "HDUCLAS2": "HDU"}
    _write(folder / "hdu-index.fits.gz", [_table("HDU_INDEX", columns, header)])


def _write(path: Path, hdus: list[BinTableHDU]) -> None:
    """Compress without a time stamp: the same simulation gives the same bytes, and so the same checksum."""
    from astropy.io import fits

    plain = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(plain)
    path.write_bytes(gzip.compress(plain.getvalue(), compresslevel=6, mtime=0))


def _table(name: str, columns: Columns, header: dict[str, Any]) -> BinTableHDU:
    """A binary table; a column of N-dimensional cells holds one row, its axes in FITS order reversed to numpy's."""
    import numpy as np
    from astropy.io import fits

    made = []
    for column, (values, unit) in columns.items():
        array = np.asarray(values)
        kind = {"i": "K", "f": "D"}.get(array.dtype.kind)
        code = kind or f"{array.dtype.itemsize // 4}A"
        dimension = None
        if array.dtype == np.float32:
            cell = array.shape[1:]
            code = f"{int(np.prod(cell))}E"
            dimension = f"({','.join(str(n) for n in reversed(cell))})" if len(cell) > 1 else None
        made.append(fits.Column(name=column, format=code, unit=unit or None, dim=dimension, array=array))
    hdu = fits.BinTableHDU.from_columns(made, name=name)
    hdu.header.update(header)
    return hdu


def _site(run: Run) -> dict[str, Any]:
    longitude, latitude, altitude = run.site
    return {"GEOLON": longitude, "GEOLAT": latitude, "ALTITUDE": altitude}


def _dates(run: Run) -> dict[str, str]:
    """Start and end as calendar dates, in the time system of the file (TT)."""
    start, stop = (run.time(met).isot for met in (run.tstart, run.tstop))
    keys = ("DATE-OBS", "TIME-OBS", "DATE-END", "TIME-END")
    return dict(zip(keys, (*start.split("T"), *stop.split("T")), strict=True))


def _timing(run: Run) -> dict[str, Any]:
    return {
        "OBS_ID": run.obs_id,
        "TSTART": run.tstart,
        "TSTOP": run.tstop,
        "ONTIME": run.ontime_s,
        "LIVETIME": run.livetime_s,
        "DEADC": instrument.DEADC,
    }


def _events(run: Run, events: Events) -> BinTableHDU:
    import numpy as np

    altitude, azimuth = run.altaz_deg((run.tstart + run.tstop) / 2)
    columns: Columns = {
        "EVENT_ID": (np.arange(1, events.time.size + 1), ""),
        "TIME": (events.time, "s"),
        "RA": (events.ra_deg, "deg"),
        "DEC": (events.dec_deg, "deg"),
        "ENERGY": (events.energy_tev, "TeV"),
    }
    pointing = {
        "OBS_MODE": "POINTING",
        "RA_PNT": run.ra_deg,
        "DEC_PNT": run.dec_deg,
        "ALT_PNT": float(altitude),
        "AZ_PNT": float(azimuth),
        "RADECSYS": "ICRS",
        "EQUINOX": 2000.0,
    }
    telescopes = {"OBJECT": OBJECT, "N_TELS": instrument.N_TELESCOPES, "TELLIST": "1,2,3,4", "EV_CLASS": "std"}
    header = FORMAT | {"HDUCLAS1": "EVENTS"} | TIME_SYSTEM | _timing(run) | _dates(run) | pointing | _site(run)
    return _table("EVENTS", columns, header | telescopes | ORIGIN)


def _gti(run: Run) -> BinTableHDU:
    columns: Columns = {"START": ([run.tstart], "s"), "STOP": ([run.tstop], "s")}
    return _table("GTI", columns, FORMAT | {"HDUCLAS1": "GTI", "OBS_ID": run.obs_id} | TIME_SYSTEM)


def _pointing(run: Run) -> BinTableHDU:
    """The pointing once a minute or oftener: fixed on the sky, moving above the horizon."""
    import numpy as np

    time = np.linspace(run.tstart, run.tstop, int(run.ontime_s // 60) + 2)
    altitude, azimuth = run.altaz_deg(time)
    columns: Columns = {
        "TIME": (time, "s"),
        "RA_PNT": (np.full_like(time, run.ra_deg), "deg"),
        "DEC_PNT": (np.full_like(time, run.dec_deg), "deg"),
        "ALT_PNT": (altitude, "deg"),
        "AZ_PNT": (azimuth, "deg"),
    }
    header = FORMAT | {"HDUCLAS1": "POINTING", "OBS_ID": run.obs_id, "OBS_MODE": "POINTING"} | TIME_SYSTEM
    return _table("POINTING", columns, header | _site(run) | ORIGIN)


def _obs_index_row(run: Run, event_count: int) -> dict[str, tuple[Any, str]]:
    from astropy.coordinates import SkyCoord

    galactic = SkyCoord(run.ra_deg, run.dec_deg, unit="deg").galactic
    altitude, azimuth = run.altaz_deg((run.tstart + run.tstop) / 2)
    units = {"TSTART": "s", "TSTOP": "s", "ONTIME": "s", "LIVETIME": "s"}
    return {
        **{name: (value, units.get(name, "")) for name, value in _timing(run).items()},
        "RA_PNT": (run.ra_deg, "deg"),
        "DEC_PNT": (run.dec_deg, "deg"),
        "GLON_PNT": (float(galactic.l.deg), "deg"),
        "GLAT_PNT": (float(galactic.b.deg), "deg"),
        "ZEN_PNT": (90 - float(altitude), "deg"),
        "ALT_PNT": (float(altitude), "deg"),
        "AZ_PNT": (float(azimuth), "deg"),
        **{name: (value, "") for name, value in _dates(run).items()},
        "OBJECT": (OBJECT, ""),
        "TELESCOP": (instrument.TELESCOPE, ""),
        "N_TELS": (instrument.N_TELESCOPES, ""),
        "TELLIST": ("1,2,3,4", ""),
        "QUALITY": (0, ""),
        "EVENT_COUNT": (event_count, ""),
    }


def _irfs(run: Run) -> list[BinTableHDU]:
    """Effective area, energy dispersion, PSF and background on their grids."""
    import numpy as np
    from scipy.special import ndtr

    edges = instrument.energy_grid(*instrument.TRUE_RANGE_TEV, per_decade=24)
    energy = instrument.bin_centres(edges)
    offset = np.arange(0, instrument.MAX_OFFSET_DEG + 0.01, 0.25)
    axes = _axis("ENERG", edges[:-1], edges[1:], "TeV") | _axis("THETA", offset, offset, "deg")
    area = instrument.effective_area_m2(energy, offset[:, None])
    thresholds = {"LO_THRES": instrument.THRESHOLD_TEV, "HI_THRES": instrument.MAXIMUM_TEV}
    aeff = _irf("AEFF", run, axes | {"EFFAREA": (_cell(area), "m2")}, "EFF_AREA", "AEFF_2D", thresholds)

    migra = np.linspace(0.2, 3.0, 141)
    migra_axes = axes | _axis("MIGRA", migra[:-1], migra[1:], "")
    bias, width = instrument.energy_dispersion(energy, offset[:, None])
    below = ndtr((np.log(migra)[:, None] - bias[:, None]) / width[:, None])
    density = np.diff(below, axis=1) / np.diff(migra)[:, None]
    edisp = _irf("EDISP", run, migra_axes | {"MATRIX": (_cell(density), "")}, "EDISP", "EDISP_2D")

    psf = _irf("PSF", run, axes | _psf_columns(energy, offset), "RPSF", "PSF_3GAUSS", thresholds)

    reco = instrument.energy_grid(*instrument.RECO_RANGE_TEV, per_decade=20)
    rings = np.linspace(0, instrument.MAX_OFFSET_DEG, 31)
    axes = _axis("ENERG", reco[:-1], reco[1:], "TeV") | _axis("THETA", rings[:-1], rings[1:], "deg")
    rate = instrument.background_rate(instrument.bin_centres(reco), ((rings[:-1] + rings[1:]) / 2)[:, None])
    bkg = _irf("BKG", run, axes | {"BKG": (_cell(rate * 1e-6), "s-1 MeV-1 sr-1")}, "BKG", "BKG_2D")
    return [aeff, edisp, psf, bkg]


def _psf_columns(energy: NDArray, offset: NDArray) -> Columns:
    """The sum of Gaussians of GADF: SCALE (exp(-r2 / 2 SIGMA_1^2) + AMPL_2 exp(...) + AMPL_3 exp(...)), normalised."""
    import numpy as np

    sigma = instrument.psf_sigma_deg(energy, offset[:, None])
    tail, ratio = instrument.PSF_TAIL_FRACTION, instrument.PSF_TAIL_WIDTH
    amplitude = np.full_like(sigma, tail / (1 - tail) / ratio**2)
    scale = (1 - tail) / (2 * np.pi * np.radians(sigma) ** 2)
    return {
        "SCALE": (_cell(scale), "sr-1"),
        "SIGMA_1": (_cell(sigma), "deg"),
        "AMPL_2": (_cell(amplitude), ""),
        "SIGMA_2": (_cell(sigma * ratio), "deg"),
        "AMPL_3": (_cell(np.zeros_like(sigma)), ""),
        "SIGMA_3": (_cell(sigma * ratio), "deg"),
    }


def _axis(name: str, low: NDArray, high: NDArray, unit: str) -> Columns:
    return {f"{name}_LO": (_cell(low), unit), f"{name}_HI": (_cell(high), unit)}


def _cell(values: NDArray) -> NDArray:
    """A table of one row: single precision, as everybody writes IRFs."""
    import numpy as np

    return np.asarray(values, dtype=np.float32)[None]


def _irf(
    name: str, run: Run, columns: Columns, kind: str, layout: str, extra: dict[str, Any] | None = None
) -> BinTableHDU:
    classes = {"HDUCLAS1": "RESPONSE", "HDUCLAS2": kind, "HDUCLAS3": "FULL-ENCLOSURE", "HDUCLAS4": layout}
    return _table(name, columns, FORMAT | classes | ORIGIN | {"OBS_ID": run.obs_id} | (extra or {}))
