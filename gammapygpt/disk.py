"""What a disk refuses, in one line that says what to do; whoever sees it can resume the run."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gammapygpt.errors import InfrastructureError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
SHUT = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
BROKEN = frozenset({errno.EIO, errno.ENODEV, errno.ESTALE, errno.ENXIO})
SQLITE = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_IOERR: errno.EIO,
}
"""What a database says, as the system would say it."""
SCARCE = 1 << 16
"""Bytes: a database that finds less says `disk I/O error`, and means that there is no room."""


@contextmanager
def in_words(place: Path) -> Iterator[None]:
    """Say in one line what the disk refuses.

    Parameters
    ----------
    place
        What is written to, where an error does not name it.

    Raises
    ------
    InfrastructureError
        It is full, read-only, shut or broken. All other errors pass.
    """
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if said := refusal(error, place):
            raise said from error
        raise


def refusal(error: BaseException, place: Path) -> InfrastructureError | None:
    """What the disk refused, with a remedy; None for an error that is none of the disk's."""
    number, where = number_of(error, place), getattr(error, "filename", None) or place
    said = os.strerror(number)
    if number in FULL:
        return InfrastructureError(
            f"The disk is full: {where} cannot be written ({said}).", "Free some space, then resume the run."
        )
    if number in SHUT:
        return InfrastructureError(f"{where} cannot be written ({said}).", "Make it writable, then resume the run.")
    if number in BROKEN:
        return InfrastructureError(f"The disk fails at {where} ({said}).", "See to it, then resume the run.")
    return None


def number_of(error: BaseException, place: Path) -> int:
    """The system's number of an error, also of one that a database reports; 0 for any other."""
    if isinstance(error, shutil.Error):  # of a folder that could not be copied as a whole
        return errno.ENOSPC if free_bytes(place) < SCARCE else 0
    if isinstance(error, OSError):
        return error.errno or 0
    code = getattr(error, "sqlite_errorcode", None)
    number = SQLITE.get(code & 0xFF, 0) if isinstance(code, int) else 0
    return errno.ENOSPC if number == errno.EIO and free_bytes(place) < SCARCE else number


def free_bytes(place: Path) -> int:
    """How much room there is for us where a folder or file is, or would be."""
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    system = os.statvfs(there)
    return system.f_bavail * system.f_frsize
