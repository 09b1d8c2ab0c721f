"""Find the data folder and the DL3 data stores in it: by their index tables alone, without Gammapy, in milliseconds."""

from __future__ import annotations

import hashlib
import math
import os
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from gammapygpt.errors import UserError
from gammapygpt.settings import Settings
from gammapygpt.state import StoreInfo

if TYPE_CHECKING:
    from astropy.io.fits import BinTableHDU

ENDINGS = (".fits.gz", ".fits")
MAX_DEPTH = 4
"""How far below the data folder a store is looked for."""
BROKEN = (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zlib.error)
"""What astropy raises when a table is not what it should be."""


class Skipped(BaseModel):
    """A folder that looks like a data store and is none."""

    path: str
    reason: str


class Stores(BaseModel):
    """What is in a data folder."""

    found: list[StoreInfo]
    skipped: list[Skipped]


def find_data(settings: Settings) -> Path:
    """The data folder: `data.path` of the settings, then PHOTON_STORAGE, then GAMMAPY_DATA.

    Raises
    ------
    UserError
        None is set, or the first one that is set is not a folder.
    """
    remedy = "`gammapygpt data simulate FOLDER` makes one; then set PHOTON_STORAGE or `data.path`."
    places = {
        "the setting data.path": settings.data.path,
        "PHOTON_STORAGE": os.environ.get("PHOTON_STORAGE", ""),
        "GAMMAPY_DATA": os.environ.get("GAMMAPY_DATA", ""),
    }
    for place, value in places.items():
        if value:
            folder = Path(value).expanduser()
            if not folder.is_dir():
                raise UserError(f"{place} names {value}, which is not a folder.", remedy)
            return folder.resolve()
    raise UserError("No data folder: neither data.path nor PHOTON_STORAGE nor GAMMAPY_DATA is set.", remedy)


def find_stores(folder: Path) -> list[StoreInfo]:
    """All DL3 data stores of a data folder, ordered by path. Broken ones are left out; `look` says why."""
    return look(folder).found


def look(folder: Path) -> Stores:
    """All DL3 data stores of a data folder, and what looks like one but cannot be read."""
    found, skipped = [], []
    for store, path in _candidates(folder):
        tables = index_tables(store)
        try:
            if len(tables) < 2:
                raise ValueError("it has an observation index and no HDU index (hdu-index.fits.gz)")
            found.append(_read(path, *tables))
        except BROKEN as error:
            skipped.append(Skipped(path=path, reason=_one_line(error)))
    return Stores(found=found, skipped=skipped)


def fingerprint(folder: Path) -> dict[str, str]:
    """Checksum of each store by its path, to see whether the data are still the same."""
    return {store.path: store.checksum for store in find_stores(folder)}


def index_tables(store: Path) -> list[Path]:
    """Paths of the observation index and the HDU index of a store, as far as they exist."""
    paths = []
    for name in ("obs-index", "hdu-index"):
        paths += [store / (name + ending) for ending in ENDINGS if (store / (name + ending)).is_file()][:1]
    return paths


def read_table(path: Path, *names: str) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Some columns of the first table of a FITS file, as plain lists; columns that it lacks are left out.

    Returns
    -------
    columns : dict of list
        Values by column name.
    units : dict of str
        Unit by column name.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zlib.error
        The file is not what it should be (`BROKEN`).
    """
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a truncated file: it warns before it raises
        with fits.open(path, memmap=False) as hdus:
            table = next((hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)), None)
            if table is None:
                raise ValueError(f"{path.name} holds no table")
            present = [name for name in names if name in table.columns.names]
            return {name: table.data[name].tolist() for name in present}, _units(table, present)


def _units(table: BinTableHDU, names: list[str]) -> dict[str, str]:
    return {name: str(table.columns[name].unit or "") for name in names}


def _candidates(folder: Path) -> Iterator[tuple[Path, str]]:
    """Folders with an observation index, and their paths relative to the data folder."""
    for here, folders, files in os.walk(folder, followlinks=True):
        path = Path(here).relative_to(folder)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if len(path.parts) < MAX_DEPTH else []
        if any(f"obs-index{ending}" in files for ending in ENDINGS):
            yield Path(here), path.as_posix()


def _read(path: str, obs_index: Path, hdu_index: Path) -> StoreInfo:
    columns, units = read_table(obs_index, "OBS_ID", "RA_PNT", "DEC_PNT")
    if "OBS_ID" not in columns:
        raise ValueError(f"{obs_index.name} has no column OBS_ID")
    if not read_table(hdu_index, "OBS_ID")[0]:
        raise ValueError(f"{hdu_index.name} has no column OBS_ID")
    obs_ids = [int(value) for value in columns["OBS_ID"]]
    unknown = [math.nan] * len(obs_ids)
    right_ascension, declination = (
        [_degrees(value, units[name]) for value in columns[name]] if name in columns else unknown
        for name in ("RA_PNT", "DEC_PNT")
    )
    digest = hashlib.sha256()
    for table in (obs_index, hdu_index):
        digest.update(table.read_bytes())
    return StoreInfo(
        path=path,
        n_observations=len(obs_ids),
        obs_ids=obs_ids,
        ra_deg=right_ascension,
        dec_deg=declination,
        checksum=digest.hexdigest(),
    )


def _degrees(value: float, unit: str) -> float:
    return math.degrees(float(value)) if unit == "rad" else float(value)


def _one_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
