"""The runs of a folder: which there are, which one a user means."""

from __future__ import annotations

import fcntl
import re
from contextlib import suppress
from pathlib import Path
from typing import get_args

from gammapygpt.errors import UserError
from gammapygpt.runs.folder import LOCK, MANIFEST, RunFolder
from gammapygpt.state import Status

HELD = ".process"
"""Locked as long as the process lives that `detached.go_on` started; holds its number."""
UNFINISHED = frozenset({"running", "interrupted"})


def all_runs(runs: Path) -> list[RunFolder]:
    """Every run below a folder, oldest first."""
    if not runs.is_dir():
        return []
    folders = [RunFolder(path) for path in runs.iterdir() if (path / MANIFEST).is_file()]
    return sorted(folders, key=lambda folder: (str(folder.manifest().get("created", "")), folder.name))


def find_run(runs: Path, name: str | None, *, unfinished: bool = False) -> RunFolder:
    """The run of that name (or an unambiguous part of it), or the latest one.

    Raises
    ------
    UserError
        There is no such run, or more than one.
    """
    if name and (Path(name) / MANIFEST).is_file():
        return RunFolder(Path(name).resolve())
    known = all_runs(runs)
    if name:
        found = [folder for folder in known if folder.name == name] or [f for f in known if name in f.name]
        if len(found) == 1:
            return found[0]
        what = "no run" if not found else f"{len(found)} runs ({', '.join(f.name for f in found[:5])})"
        raise UserError(f"{what} named {name!r} below {runs}.", "`gammapygpt runs list` shows them.")
    if unfinished:
        known = [folder for folder in known if waits(folder)]
    if not known:
        which = "unfinished run" if unfinished else "run"
        raise UserError(f"no {which} below {runs}.", '`gammapygpt run "..."` starts one.')
    return known[-1]


def to_resume(runs: Path, name: str | None) -> RunFolder:
    """The run that a user means by `resume`: the named one, else the latest unfinished one, else the latest."""
    if name is None and any(waits(folder) for folder in all_runs(runs)):
        return find_run(runs, None, unfinished=True)
    return find_run(runs, name)


def waits(folder: RunFolder) -> bool:
    """Whether a run can be taken up again; one that was begun in LangGraph Studio goes on there."""
    manifest = folder.manifest()
    return manifest.get("status") in UNFINISHED and "studio" not in manifest


def status(folder: RunFolder) -> Status:
    """How a run stands; one that says that it is running, and whose process is gone, is interrupted.

    A run whose process was only just started is running, though it has not said so yet.
    """
    if at_work(folder):
        return "running"
    kept = folder.manifest().get("status", "interrupted")
    if kept != "running":
        return kept if kept in get_args(Status) else "interrupted"
    return "running" if held(folder.path / LOCK) else "interrupted"


def at_work(folder: RunFolder) -> bool:
    """Whether a process that `detached.go_on` started lives."""
    return held(folder.path / HELD)


def held(path: Path) -> bool:
    """Whether a process has the lock of a file; also where nothing can be written."""
    with suppress(OSError), path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def named(runs: Path, name: str) -> RunFolder | None:
    """The run of exactly that name below a folder; never one elsewhere, whatever the name says."""
    path = runs / name
    return RunFolder(path) if re.fullmatch(r"\w[\w.-]*", name) and (path / MANIFEST).is_file() else None
