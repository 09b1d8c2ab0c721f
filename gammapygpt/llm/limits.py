"""How often and how many at once a server may be asked, kept by all processes and machines that share a folder.

Two kinds of files, each under a lock of the system, which ends with the process that holds it however that ends:
`place-N` is held by whoever has a request under way, `starts` tells when the last requests were sent. SQLite, which
libraries for this keep their books in, is not to be trusted on a network file system.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import platform
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from gammapygpt.errors import InfrastructureError
from gammapygpt.llm.address import is_loopback
from gammapygpt.llm.base import OnWait
from gammapygpt.private import private_folder
from gammapygpt.settings import BackendSettings

WINDOW_S = 60.0
MARGIN_S = 1.0
"""A request may take so much longer on its way than the next one, and still the server sees them far enough apart."""
SHORTEST_NAP_S, LONGEST_NAP_S = 0.05, 1.0
"""Between two looks at whether a place is free."""


class Patience:
    """How long one question may take until there is a reply, and who is told; measures the waiting.

    Parameters
    ----------
    say : callable or None
        Told in a line what is waited for; once for each reason.
    longest_s : float or None
        In s; None: as long as it takes.
    """

    def __init__(self, say: OnWait | None = None, longest_s: float | None = None) -> None:
        self.waited_s = 0.0
        self._say = say or (lambda line: None)
        self._until = math.inf if longest_s is None else time.monotonic() + longest_s
        self._said = ""

    @property
    def left_s(self) -> float:
        """Time that is left, in s."""
        return max(self._until - time.monotonic(), 0.0)

    def wait(self, seconds: float, why: str) -> None:
        """Sleep.

        Raises
        ------
        InfrastructureError
            That would be longer than there is time.
        """
        if why != self._said:
            self._say(why)
            self._said = why
        if seconds > self.left_s:
            raise InfrastructureError(
                f"There is no time left: {why}.", "Give it more of budget.wall_s, or ask fewer things at once."
            )
        began = time.monotonic()
        time.sleep(seconds)
        self.waited_s += time.monotonic() - began


@dataclass(frozen=True)
class Limits:
    """Those of one server.

    Parameters
    ----------
    name : str
        Of the backend, for messages.
    folder : Path
        Of this server alone; all who share it keep the limits together.
    per_minute, parallel : int or None
        Requests sent in any minute, requests under way at once; None: any.
    window_s, margin_s : float
        What a minute is, in s; for tests.
    """

    name: str
    folder: Path
    per_minute: int | None = None
    parallel: int | None = None
    window_s: float = WINDOW_S
    margin_s: float = MARGIN_S

    @contextmanager
    def place(self, patience: Patience) -> Iterator[None]:
        """One of the places for requests that are under way, for as long as the block lasts.

        Raises
        ------
        InfrastructureError
            The patience is at its end, or the folder cannot be used.
        """
        if self.parallel is None:
            yield
            return
        nap = SHORTEST_NAP_S
        while (held := self._free_place()) is None:
            patience.wait(nap, f"waiting for one of the {self.parallel} requests of {self.name!r} that are under way")
            nap = min(nap * random.uniform(1.0, 2.0), LONGEST_NAP_S)
        with held:
            yield

    def turn(self, patience: Patience) -> None:
        """Return when the next request may be sent, which is taken down as sent.

        Raises
        ------
        InfrastructureError
            See `place`.
        """
        while self.per_minute is not None and (early := self._early()) > 0:
            patience.wait(early, f"waiting, as {self.name!r} may be asked {self.per_minute} times a minute")

    def _free_place(self) -> IO[bytes] | None:
        assert self.parallel is not None
        for number in random.sample(range(1, self.parallel + 1), self.parallel):
            file = self._open(f"place-{number}")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
            except OSError as error:
                file.close()
                raise self._unusable(error) from None
            else:
                return file
        return None

    def _early(self) -> float:
        """By how much a request would be too early now, in s; at 0 it is taken down."""
        assert self.per_minute is not None
        with self._open("starts") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                now = time.time()
                # a clock that was set back must not block for as long as it was set back by
                starts = sorted(min(start, now) for start in _read(file, [now] * self.per_minute))
                starts = [start for start in starts if start > now - self.window_s - self.margin_s]
                early = 0.0
                if len(starts) >= self.per_minute:
                    early = starts[-self.per_minute] + self.window_s + self.margin_s - now
                _write(file, starts if early > 0 else [*starts, now])
            except OSError as error:
                raise self._unusable(error) from None
        return early

    def _open(self, name: str) -> IO[bytes]:
        try:
            private_folder(self.folder)
            return os.fdopen(os.open(self.folder / name, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> InfrastructureError:
        return InfrastructureError(
            f"The limits of {self.name!r} cannot be kept in {self.folder} ({error.strerror}).",
            "Name a folder that can be written to and locked: --set runs.limits_folder=...",
        )


def _read(file: IO[bytes], otherwise: list[float]) -> list[float]:
    size = os.fstat(file.fileno()).st_size
    try:
        return [float(start) for start in json.loads(os.pread(file.fileno(), size, 0))] if size else []
    except (ValueError, TypeError):
        return otherwise


def _write(file: IO[bytes], starts: list[float]) -> None:
    # one write, never shorter than what it covers: a kill leaves the old times or the new ones
    size = os.fstat(file.fileno()).st_size
    os.pwrite(file.fileno(), json.dumps(starts).encode().ljust(size), 0)


def limits(name: str, settings: BackendSettings, folder: str) -> Limits:
    """The limits of a backend, kept with all who name the same folder, backend and address.

    Parameters
    ----------
    name, settings
        Of the backend.
    folder : str
        Empty: one for all processes of the user on this machine.
    """
    shared = Path(folder).expanduser() if folder else state_folder()
    machine = platform.node() if is_loopback(settings) else ""
    digest = sha256(f"{name}\n{settings.base_url}\n{machine}".encode()).hexdigest()[:16]
    return Limits(name, shared / digest, settings.requests_per_minute, settings.parallel_requests)


def state_folder() -> Path:
    """Where the processes of a user on this machine meet: in GAMMAPYGPT_CACHE, else the platform's state folder."""
    import platformdirs

    cache = os.environ.get("GAMMAPYGPT_CACHE")
    return (Path(cache) if cache else Path(platformdirs.user_state_dir("gammapygpt"))) / "limits"
