"""Folders for a while. One that a killed process left behind is removed by the next process that makes one.

Each is locked as long as its process lives; the lock ends with the process, however it ends.
"""

from __future__ import annotations

import fcntl
import functools
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from gammapygpt.disk import in_words
from gammapygpt.errors import InfrastructureError

PREFIX = "gammapygpt-tmp-"
PART = ".part"
LONGEST_WRITE_S = 3600.0
NAME = re.compile(PREFIX + r"[a-z0-9_]{8}")
_held: dict[Path, int] = {}
"""The folders of this process, and the descriptors that lock them."""


def make() -> Path:
    """A new folder that only this user sees; `remove` it.

    Raises
    ------
    InfrastructureError
        There is no place for it.
    """
    place = below()
    sweep()
    while True:
        with in_words(place):
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with suppress(OSError):  # a file system without locks: nobody else can have it either, and none is swept
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if folder.exists():  # else whoever was sweeping has taken it before it was locked
            _held[folder] = descriptor
            return folder
        os.close(descriptor)


def below() -> Path:
    """Where temporary files go.

    Raises
    ------
    InfrastructureError
        Nowhere can be written.
    """
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        raise InfrastructureError(
            "No folder for temporary files can be written; the disk may be full.",
            "Free some space, or let TMPDIR name a folder with room, then resume the run.",
        ) from None


def remove(folder: Path) -> None:
    """Remove a folder in which a script could do as it liked: however deep, whatever it has shut."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        subprocess.run(["chmod", "-R", "u+rwX", folder], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["rm", "-rf", "--", folder], stderr=subprocess.DEVNULL, check=False)
    descriptor = _held.pop(folder, None)
    if descriptor is not None:
        os.close(descriptor)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for the time of a block."""
    folder = make()
    try:
        yield folder
    finally:
        remove(folder)


@contextmanager
def replaced(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of another one once it is whole; what killed processes left of others goes."""
    for left in path.parent.glob(f"{path.stem}-*{PART}"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LONGEST_WRITE_S:
                left.unlink()
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem}-", suffix=PART)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def remove_all() -> None:
    """Remove what this process has made: for one that is about to leave at once."""
    for folder in list(_held):
        remove(folder)


@functools.cache
def sweep() -> None:
    """Remove what killed processes of this user have left; once in a process."""
    with suppress(OSError):
        for entry in os.scandir(below()):
            if NAME.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                _remove_if_left(Path(entry.path))


def _remove_if_left(folder: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(folder)
        finally:
            os.close(descriptor)


os.register_at_fork(after_in_child=_held.clear)
