"""Look into a data folder: what each DL3 data store holds, and what is wrong with it."""

from __future__ import annotations

import math
from fnmatch import fnmatch
from pathlib import Path

from pydantic import BaseModel, Field

from gammapygpt.data.stores import BROKEN, Skipped, index_tables, look, read_table
from gammapygpt.errors import UserError

NOT_RESPONSES = {"events", "gti", "pointing"}
TERMS = ("readme*", "licen[cs]e*", "copying*", "terms*")
"""Names of files that say what may be done with the data."""


class StoreDescription(BaseModel):
    """One DL3 data store."""

    path: str
    """Relative to the data folder."""
    n_observations: int
    livetime_s: float | None
    """Sum over all observations; None where the index has no livetimes."""
    telescopes: list[str]
    irfs: list[str]
    """Classes of the instrument responses, e.g. `aeff_2d`."""
    missing: list[str]
    """Files that the HDU index names and that are not there, relative to the store."""
    terms: list[str]
    """Files with licence or terms of use, relative to the data folder."""


class DataDescription(BaseModel):
    """All data stores of a data folder."""

    folder: str
    stores: list[StoreDescription] = Field(default_factory=list)
    skipped: list[Skipped] = Field(default_factory=list)


def describe(folder: Path) -> DataDescription:
    """Say what is in a data folder.

    Raises
    ------
    UserError
        There is no such folder.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder.", "`gammapygpt data simulate FOLDER` makes one with data.")
    seen = look(folder)
    description = DataDescription(folder=str(folder.resolve()), skipped=seen.skipped)
    for store in seen.found:
        try:
            description.stores.append(_describe(folder, store.path, store.n_observations))
        except BROKEN as error:
            description.skipped.append(Skipped(path=store.path, reason=str(error)))
    return description


def _describe(folder: Path, path: str, n_observations: int) -> StoreDescription:
    store = folder / path
    obs_index, hdu_index = index_tables(store)
    columns, _ = read_table(obs_index, "LIVETIME", "TELESCOP")
    files, _ = read_table(hdu_index, "HDU_TYPE", "HDU_CLASS", "FILE_DIR", "FILE_NAME")
    kinds = zip(_texts(files["HDU_TYPE"]), _texts(files["HDU_CLASS"]), strict=True)
    directories = _texts(files["FILE_DIR"]) if "FILE_DIR" in files else [""] * len(files["FILE_NAME"])
    names = dict.fromkeys(zip(directories, _texts(files["FILE_NAME"]), strict=True))
    paths = [Path(directory) / name for directory, name in names]
    telescopes = set(_texts(columns.get("TELESCOP", []))) or _telescope_of_file(store, paths)
    livetime = sum(columns["LIVETIME"]) if "LIVETIME" in columns else math.nan
    return StoreDescription(
        path=path,
        n_observations=n_observations,
        livetime_s=livetime if math.isfinite(livetime) else None,
        telescopes=sorted(telescopes),
        irfs=sorted({kind for hdu_type, kind in kinds if hdu_type not in NOT_RESPONSES}),
        missing=[file.as_posix() for file in paths if not (store / file).is_file()],
        terms=terms_of(folder, store),
    )


def _texts(values: list[str]) -> list[str]:
    """Strings of a FITS table, without padding and without anything that a terminal would obey."""
    return ["".join(c for c in str(value).strip() if c.isprintable()) for value in values]


def _telescope_of_file(store: Path, paths: list[Path]) -> set[str]:
    """The telescope that the first readable event list names: not every index has that column."""
    from astropy.io import fits

    for path in paths:
        try:
            return set(_texts([fits.getval(store / path, "TELESCOP", "EVENTS")]))
        except BROKEN:
            continue
    return set()


def terms_of(folder: Path, store: Path) -> list[str]:
    """Licence and readme files of the store; those of the folders above where it has none itself."""
    while True:
        found = [path for path in store.iterdir() if any(fnmatch(path.name.lower(), pattern) for pattern in TERMS)]
        if found or store == folder:
            return sorted(path.relative_to(folder).as_posix() for path in found)
        store = store.parent
