"""The runs as a client may see them: by exact name, only those of the runs folder, without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gammapygpt.errors import UserError
from gammapygpt.runs.folder import MANIFEST, RunFolder
from gammapygpt.runs.history import all_runs, status
from gammapygpt.settings import Settings, without_secrets

NAME = re.compile(r"\w[\w.-]{0,100}")
IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""Of real images of these kinds."""
NOT_TOLD = ("overrides", "config", "settings")
"""Entries of a manifest that are the user's own business."""
LATEST = 50
"""Runs in the list."""


def runs_of(settings: Settings) -> Path:
    """The runs folder."""
    return Path(settings.runs.folder).expanduser().resolve()


def run_named(settings: Settings, name: str) -> RunFolder:
    """The run of exactly this name.

    Raises
    ------
    UserError
        There is none in the runs folder; a path is no name.
    """
    place = runs_of(settings)
    path = place / name if NAME.fullmatch(name) else None
    if path is None or path.is_symlink() or not (path / MANIFEST).is_file():
        raise UserError(f"there is no run {name!r:.120} in {place}.", "The resource run://list names the runs.")
    return RunFolder(path)


def told(folder: RunFolder) -> dict[str, Any]:
    """The manifest without settings and file names of the user's, and without passwords in addresses."""
    manifest = {key: value for key, value in folder.manifest().items() if key not in NOT_TOLD}
    request = {key: value for key, value in manifest.get("request", {}).items() if not key.startswith("expect_")}
    kept = {**manifest, "request": request, "status": status(folder)}
    masked: dict[str, Any] = json.loads(without_secrets_in(kept))
    return masked


def without_secrets_in(value: Any) -> str:
    """Plain data as JSON, addresses without passwords, numbers that are not finite as null."""
    from gammapygpt.commands.common import plain

    def masked(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: masked(one) for key, one in item.items()}
        if isinstance(item, list):
            return [masked(one) for one in item]
        return without_secrets(item) if isinstance(item, str) else item

    return json.dumps(masked(plain(value)), indent=1, ensure_ascii=False)


def listed(settings: Settings, latest: int = LATEST) -> list[dict[str, Any]]:
    """The latest runs, one line each, the latest last."""
    from gammapygpt.commands.runs import row

    return [row(folder) for folder in all_runs(runs_of(settings))[-latest:]]


def file_of(folder: RunFolder, name: str, otherwise: str) -> str:
    """A text file of a run's answer.

    Raises
    ------
    UserError
        The run has no such file; says what it has.
    """
    path = folder.final / name
    if path.is_symlink() or not path.is_file():
        raise UserError(f"run {folder.name} has no {name}, it is {told(folder)['status']}.", otherwise)
    return path.read_text(encoding="utf-8", errors="replace")


def figures_of(folder: RunFolder) -> Iterator[tuple[str, Path]]:
    """Images of the answer or, where nothing passed, of the last attempt, by name; only real ones."""
    attempts = sorted(folder.attempts.glob("*/workspace"))
    places = [folder.final, *attempts[-1:]]
    place = next((place for place in places if any(is_image(path) for path in place.rglob("*"))), folder.final)
    seen: set[bytes] = set()
    for path in sorted(place.rglob("*")):
        if is_image(path) and (content := path.read_bytes()) not in seen:  # what was saved is kept as `figure-1` too
            seen.add(content)
            yield path.relative_to(place).as_posix(), path


def is_image(path: Path) -> bool:
    """A file, no link, that is what its name says."""
    if path.suffix.lower() not in IMAGES or path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(8).startswith(BEGINNINGS)


def figure_named(folder: RunFolder, name: str) -> bytes:
    """One image of a run.

    Raises
    ------
    UserError
        It has none of this name.
    """
    known = dict(figures_of(folder))
    if name not in known:
        raise UserError(
            f"run {folder.name} has no figure {name!r:.120}.", f"It has: {', '.join(known)}." if known else ""
        )
    return known[name].read_bytes()
