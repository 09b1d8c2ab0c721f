"""Get the file of a known model: from Hugging Face, from another address, or from where the user has it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gammapygpt.cache import ELSEWHERE, written
from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.llm.base import OnWait
from gammapygpt.llm.local.files import find_known, models_folder, sha256
from gammapygpt.llm.local.models import KnownModel, gigabytes
from gammapygpt.private import private_folder

if TYPE_CHECKING:
    import httpx

Progress = Callable[[int, int], None]
"""Told the bytes that are there, and those of the whole file."""

TIMEOUT_S = 30.0


def fetch(
    model: KnownModel,
    source: str = "",
    folders: Iterable[str] = (),
    *,
    progress: Progress | None = None,
    say: OnWait | None = None,
    pause_s: float = 1.0,
) -> Path:
    """The file of a model, verified; a download that broke off is continued.

    Parameters
    ----------
    model : KnownModel
        What is wanted.
    source : str
        A file, used from where it is, or an address; empty means Hugging Face, unless it is on this machine already.
    folders : iterable of str
        Where the user keeps model files.
    progress : callable
        Told how far a download is.
    say : callable
        Told what takes time.
    pause_s : float
        Before a download is tried again for the first time, in s.

    Raises
    ------
    UserError
        The file is not that of this model, or there is no room for it.
    InfrastructureError
        The server cannot be reached, has no such file or goes on failing, or what came has a wrong sha256.
    """
    if source and "://" not in source:
        return _own_file(model, Path(source).expanduser(), say)
    if not source and (found := find_known(model, folders, say)):
        return found
    target = models_folder() / model.file
    with written(target):
        private_folder(target.parent)
        _download(model, source or model.url, target, progress or (lambda have, size: None), say, pause_s)
        sha256(target, say)  # the record of it, so that no run reads it through again
    return target


def _own_file(model: KnownModel, file: Path, say: OnWait | None) -> Path:
    """A file of the user's, remembered where it is."""
    remedy = f"Use it as it is with `--set backends.local.model={file}`, or fetch {model.name} without --from."
    try:
        size, computed = file.stat().st_size, ""
        if size == model.size:
            computed = sha256(file, say)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}).", "Name the file of the model.") from None
    if size != model.size:
        raise UserError(f"{file} is not {model.name}: it has {size} bytes instead of {model.size}.", remedy)
    if computed != model.sha256:
        raise UserError(f"{file} is not {model.name}: its sha256 is {computed}, not {model.sha256}.", remedy)
    return file.resolve()


def _download(
    model: KnownModel, url: str, target: Path, progress: Progress, say: OnWait | None, pause_s: float
) -> None:
    import httpx

    from gammapygpt.data.download import alone, download

    remedy = f"If you have the file: `gammapygpt model fetch {model.name} --from FILE`."
    with alone(target.with_name(f".{target.name}.lock"), say or (lambda line: None)):
        if target.is_file() and sha256(target, say) == model.sha256:
            return
        _make_sure_of_room(model, target)
        with httpx.Client(follow_redirects=True, timeout=TIMEOUT_S) as client:
            _make_sure_of_the_server(client, url, model, remedy)

            def report(have: int, size: int | None) -> None:
                progress(have, model.size)

            download(client, url, target, sha256=model.sha256, report=report, pause_s=pause_s, remedy=remedy)


def _make_sure_of_room(model: KnownModel, target: Path) -> None:
    part = target.with_name(target.name + ".part")
    missing = model.size - (part.stat().st_size if part.exists() else 0)
    free = shutil.disk_usage(target.parent).free
    if free < missing:
        raise UserError(
            f"{target.parent} has no room for {model.name}: {gigabytes(missing)} needed, {gigabytes(free)} free.",
            f"Free some space, or {ELSEWHERE}",
        )


def _make_sure_of_the_server(client: httpx.Client, url: str, model: KnownModel, remedy: str) -> None:
    """Say at once that there is no network, where a download would try for half a minute; and refuse another file."""
    import httpx

    try:
        # Hugging Face sends on to a server that answers no such question
        head = client.head(url, headers={"Accept-Encoding": "identity"}, follow_redirects=False)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise UserError(f"{url!r} is not an address.", "Name one that begins with https://, or a file.") from None
    except httpx.TransportError as error:
        raise InfrastructureError(f"{url} cannot be reached ({error}).", f"Is there a network? {remedy}") from None
    size = head.headers.get("Content-Length", "")
    if head.status_code == 200 and size.isdigit() and int(size) != model.size:
        raise InfrastructureError(f"{url} is not {model.name}: it has {size} bytes instead of {model.size}.", remedy)
