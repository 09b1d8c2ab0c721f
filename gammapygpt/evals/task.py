"""A task: a request with known answers, what counts as right, and what must be rejected.

A task is one TOML file; its reference script lies beside it (`reference/ID.py`). Nothing but `prompt` ever reaches an
agent. The format is described in `tasks/README.md`.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gammapygpt.checks.expected import Expected, read_expectations
from gammapygpt.errors import UserError

SHIPPED = Path(__file__).resolve().parent / "tasks"
"""The task sets that come with the package, one folder each."""


class Reference(BaseModel):
    """The script that answers a task, and what it took."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    script: str
    """Path relative to the task's file."""
    cpu_s: float | None = None
    wall_s: float | None = None
    peak_mb: float | None = None
    gammapy: str = ""
    """Version that it was made with."""
    independent: dict[str, Any] = Field(default_factory=dict)
    """Values computed without Gammapy, from astropy.io.fits and numpy alone, where that was done."""


class Variant(BaseModel):
    """The result of a legitimate other way to do it; must pass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    values: dict[str, Any]


class WrongAnswer(BaseModel):
    """The result of a common mistake; must be rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    values: dict[str, Any]
    rejected_by: list[str] = Field(default_factory=list)
    """Keys whose tolerance rejects it; each of them must."""
    how: str = ""
    """`computed`: the mistake was actually run."""


class Task(BaseModel):
    """One request with known answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str = ""
    kind: str = ""
    family: str = "other"
    """Of the paper: ObservationList, ReflectedSignificance, ReflectedSpectrum or Source3DAnalysis; else other."""
    split: str = ""
    difficulty: Literal["", "easy", "medium", "hard"] = ""
    silent: bool = False
    """A script that runs to its end is likely to be wrong."""
    datasets: list[str] = Field(default_factory=list)
    """Folders that it needs, below the data folder."""
    prompt: str
    timeout_s: float = 600.0
    """Wall time of one script, in s."""
    notes: str = ""
    literature_check: str = ""
    truth: dict[str, Any] = Field(default_factory=dict)
    """Of simulated data: what they were made with."""
    reference: Reference | None = None
    expected: list[Expected]
    accepted: list[Variant] = Field(default_factory=list)
    wrong: list[WrongAnswer] = Field(default_factory=list)

    path: Path = Field(default=Path(), exclude=True)
    sha256: str = Field(default="", exclude=True)
    """Of the file, so that a record tells which form of the task it was."""

    @property
    def script(self) -> Path | None:
        """Path of the reference script."""
        return self.path.parent / self.reference.script if self.reference else None


def read_task(path: Path) -> Task:
    """One task from its file.

    Raises
    ------
    UserError
        It cannot be read, or does not keep to the format; says where.
    """
    expected = read_expectations(path)
    content = path.read_bytes()
    table = tomllib.loads(content.decode("utf-8"))
    if not str(table.get("prompt", "")).strip():
        raise UserError(f"{path} has no prompt.", "Write what the user asks as prompt = '''...'''.")
    table |= {"expected": expected, "id": table.get("id") or path.stem}
    digest = hashlib.sha256(content).hexdigest()
    try:
        return Task.model_validate({**table, "path": path.resolve(), "sha256": digest})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: {where}: {first['msg']}.", "Correct it; tasks/README.md has the format.") from None


def read_tasks(named: Sequence[str]) -> list[Task]:
    """Tasks by what was named: a set that is shipped, a folder, a file, or a task's id.

    Raises
    ------
    UserError
        There is no such thing, a file is malformed, or two tasks have one id.
    """
    tasks = [read_task(path) for name in named for path in task_files(name)]
    found: dict[str, Task] = {}
    for task in tasks:
        other = found.setdefault(task.id, task)
        if other.path != task.path:
            raise UserError(f"the task {task.id} is in {other.path} and in {task.path}.", "Leave one of them out.")
    return list(found.values())


def task_files(name: str) -> list[Path]:
    """Files that one name stands for, in order of their names."""
    for place in (SHIPPED / name, Path(name).expanduser()):
        if place.is_dir():
            files = sorted(place.glob("*.toml"))
            if not files:
                raise UserError(f"there is no task in {place}.", "Name a folder with one TOML file for each task.")
            return files
        if place.is_file():
            return [place]
    shipped = sorted(SHIPPED.glob(f"*/{name}.toml"))
    if not shipped:
        raise UserError(f"there is no task or task set `{name}`.", f"Shipped sets: {', '.join(task_sets())}.")
    return shipped


def task_sets() -> list[str]:
    """Names of the task sets that are shipped."""
    return sorted(folder.name for folder in SHIPPED.iterdir() if folder.is_dir() and any(folder.glob("*.toml")))


def wrong_keys(result: dict[str, Any], expected: Iterable[Expected]) -> list[str]:
    """Keys of a result that are missing or not as expected; empty when it is right."""
    from gammapygpt.checks.expected import check_expected

    return [finding.key for finding in check_expected(result, list(expected))]
