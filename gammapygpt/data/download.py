"""Download one file over HTTP so that a break costs nothing: resumed, retried, checked, and only then put in place."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gammapygpt.errors import InfrastructureError

if TYPE_CHECKING:
    import httpx

RETRIES = 4
"""Attempts in a row that bring no new byte."""
LONGEST_PAUSE_S = 30.0
ADDRESS = "Check the address (data.hess_url)."
WORTH_A_RETRY = {408, 425, 429, 500, 502, 503, 504}

Report = Callable[[int, int | None], None]
"""Told the bytes on disk and the size of the file, None where the server does not say."""


class NotThere(InfrastructureError):
    """The server has no such file."""


class _Interrupted(Exception):
    """The server could not answer this time."""


@contextmanager
def alone(lock: Path, say: Callable[[str], None]) -> Iterator[None]:
    """One download into a folder at a time; a second one waits and then finds everything done."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another download into this folder is under way; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sha256_of(path: Path) -> str:
    """Checksum of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    client: httpx.Client,
    url: str,
    target: Path,
    *,
    sha256: str = "",
    report: Report | None = None,
    pause_s: float = 1.0,
    remedy: str = ADDRESS,
) -> None:
    """Download a file; what an earlier attempt left in `target.part` is continued where the server can do so.

    Parameters
    ----------
    client : httpx.Client
        With timeouts set.
    url : str
        The file.
    target : Path
        Where it goes once it is complete; its folder exists.
    sha256 : str
        Checksum expected; empty means that none is known.
    report : callable
        Told the progress.
    pause_s : float
        Before the first retry, in s; doubled each time.
    remedy : str
        What to do when the server has no such file, or another one.

    Raises
    ------
    NotThere
        The server has no such file.
    InfrastructureError
        The server refuses or goes on failing, or the file has a wrong checksum; such a file is discarded.
    """
    part = target.with_name(target.name + ".part")
    attempts = 2 if part.exists() else 1  # an old piece may be one of another file: then once more from the start
    for _ in range(attempts):
        _receive(client, url, part, report or (lambda received, size: None), pause_s, remedy)
        if not sha256 or sha256_of(part) == sha256:
            os.replace(part, target)
            return
        part.unlink()
    raise InfrastructureError(
        f"{url} arrived with a wrong checksum and was discarded.",
        f"Try again; if that does not help, the server has another file. {remedy}",
    )


def _receive(client: httpx.Client, url: str, part: Path, report: Report, pause_s: float, remedy: str) -> None:
    """Go on until the file is complete or nothing new arrives any more."""
    import httpx

    furthest = fruitless = 0
    while True:
        try:
            _continue(client, url, part, report, remedy)
            return
        except (httpx.TransportError, _Interrupted) as error:
            reached = part.stat().st_size if part.exists() else 0
            fruitless = 0 if reached > furthest else fruitless + 1
            furthest = max(furthest, reached)
            if fruitless > RETRIES:
                reason = str(error) or type(error).__name__
                raise InfrastructureError(
                    f"Cannot download {url}: {reason}.", "Try again later; what has arrived is kept."
                ) from error
            time.sleep(min(pause_s * 2**fruitless, LONGEST_PAUSE_S))


def _continue(client: httpx.Client, url: str, part: Path, report: Report, remedy: str) -> None:
    """One request, from the byte where the last one ended; from the first byte if the server cannot do that."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as response:
        content_range = response.headers.get("Content-Range", "")
        if response.status_code == 416 and have:
            if content_range != f"bytes */{have}":
                part.unlink()
                raise _Interrupted("the piece on disk does not belong to this file")
            return
        _refuse(response, url, remedy)
        continued = response.status_code == 206 and content_range.startswith(f"bytes {have}-")
        if response.status_code == 206 and not continued:
            part.unlink(missing_ok=True)
            raise _Interrupted("the server sent another part of the file than it was asked for")
        have = have if continued else 0
        length = response.headers.get("Content-Length", "")
        size = have + int(length) if length.isdigit() else None
        with part.open("ab" if continued else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                have += len(chunk)
                report(have, size)


def _refuse(response: httpx.Response, url: str, remedy: str) -> None:
    status = f"{response.status_code} {response.reason_phrase}".strip()
    if response.status_code in (404, 410):
        raise NotThere(f"There is no {url} ({status}).", remedy)
    if response.status_code in WORTH_A_RETRY:
        raise _Interrupted(f"the server answers {status}")
    if response.status_code not in (200, 206):
        raise InfrastructureError(f"The server refuses {url} ({status}).", remedy)
