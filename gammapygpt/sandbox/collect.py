"""Brings home what a script left in its workspace: through a directory descriptor, after the script has died."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pydantic import BaseModel, Field

from gammapygpt.disk import in_words
from gammapygpt.sandbox.base import Limits
from gammapygpt.state import Artefact

MIB = 1 << 20
MAX_DEPTH = 12
RESULT = "result.json"
SKIPPED = frozenset({RESULT, "script.py", "__pycache__"})


class Harvest(BaseModel):
    """What was brought home, and whether anything had to be left behind."""

    artefacts: list[Artefact] = Field(default_factory=list)
    too_many: bool = False
    too_big: bool = False


def escape(name: str) -> str:
    """A file name that neither a terminal, a model nor a shell can be fooled with.

    Printable characters stay, all others (line breaks, escape codes, direction marks, bytes that are not UTF-8) and the
    backslash become a backslash escape; very long names are cut and told apart by a hash.

    Examples
    --------
    >>> escape("result.json"), escape("a\\nb")
    ('result.json', 'a\\\\nb')
    """
    safe = "".join(c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in name)
    safe = safe.encode("utf-8", "backslashreplace").decode()
    if len(safe.encode()) > 200:
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        safe = safe.encode()[:160].decode("utf-8", "ignore") + "~" + digest
    return safe


class Collector:
    """Copies regular files, nothing else, never through a link, within the limits on size and number."""

    def __init__(self, limits: Limits, destination: Path) -> None:
        self.limits = limits
        self.destination = destination
        self.room = limits.workspace_mb * MIB
        self.visited = 0
        self.harvest = Harvest()

    def run(self, directory: int) -> Harvest:
        """Copy what lies below an open directory; `result.json` first, so that no flood of files can hide it.

        Raises
        ------
        InfrastructureError
            The destination cannot be written, for instance for want of space.
        """
        with contextlib.suppress(OSError):
            os.fchmod(directory, 0o700)  # a script may have shut its own workspace
        with contextlib.suppress(OSError):
            self._entry(directory, RESULT, "", 0)
        self._folder(directory, "", 0)
        return self.harvest

    def _folder(self, directory: int, prefix: str, depth: int) -> None:
        try:
            names = self._names(directory)
        except OSError:
            return  # made unreadable by the script: no artefacts here
        for name in sorted(names):
            if depth == 0 and name in SKIPPED:
                continue
            if self.harvest.too_many:
                return
            try:
                self._entry(directory, name, prefix, depth)
            except OSError:
                continue  # vanished, unreadable, or no file at all

    def _names(self, directory: int) -> list[str]:
        names = []
        with os.scandir(directory) as entries:
            for entry in entries:
                self.visited += 1
                if self.visited > 4 * self.limits.files:
                    self.harvest.too_many = True
                    break
                names.append(entry.name)
        return names

    def _entry(self, directory: int, name: str, prefix: str, depth: int) -> None:
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) and depth < MAX_DEPTH:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            try:
                self._folder(inner, f"{prefix}{escape(name)}/", depth + 1)
            finally:
                os.close(inner)
        elif stat.S_ISREG(mode):
            # O_NONBLOCK: should it have become a pipe, opening must not wait
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
            try:
                self._file(fd, prefix + escape(name))
            finally:
                os.close(fd)

    def _file(self, fd: int, name: str) -> None:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            return
        if len(self.harvest.artefacts) >= self.limits.files:
            self.harvest.too_many = True
            return
        if status.st_size > min(self.room, self.limits.file_mb * MIB):
            self.harvest.too_big = True
            return
        target = self.destination / name
        copied = 0
        with self._written(target) as file:
            while copied < status.st_size and (chunk := os.read(fd, min(MIB, status.st_size - copied))):
                copied += file.write(chunk)
        self.room -= copied
        self.harvest.artefacts.append(Artefact(name=name, bytes=copied))

    @contextlib.contextmanager
    def _written(self, target: Path) -> Iterator[IO[bytes]]:
        """A file of ours: what goes wrong with it is no fault of the script, and is not passed over.

        Raises
        ------
        InfrastructureError
            It cannot be written, for instance for want of space.
        """
        with in_words(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "wb") as file:
                yield file
