"""One line of a campaign's table: a cell (task, configuration, epoch), how it ended, and what it cost."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from gammapygpt.state import FailureKind, Usage

Scoring = Literal["blind", "validator-in-loop"]
"""Whether the known values judged the final result alone, or started the next attempt too (the paper's design)."""
Verdict = Literal["right", "wrong", "failed", "refused", "budget", "infrastructure"]
"""`wrong`: called passed by the loop, and is not. `infrastructure`: not the agent's fault, to be run again."""


class AttemptRecord(BaseModel):
    """One draft of a cell, and what became of it."""

    number: int
    author: str = "coder"
    how: str = ""
    failure: FailureKind | Literal[""] = ""
    summary: str = ""
    exception: str = ""
    """Qualified class name of the exception that ended the script, if one did."""
    traceback_tail: str = ""
    right: bool | None = None
    """What the known values say of this attempt's result; None where it left none."""
    repeat_of: int | None = None
    """The earlier attempt with the same script."""
    wall_s: float | None = None
    cpu_s: float | None = None
    """Of the script, not of the model."""


class Record(BaseModel):
    """What a cell came to."""

    task: str
    task_sha256: str = ""
    family: str = "other"
    difficulty: str = ""
    silent: bool = False
    configuration: str
    epoch: int
    """From 1."""
    scoring: Scoring = "blind"

    verdict: Verdict
    passed_at: int | None = None
    """Number of the attempt that stands, where it is right."""
    wrong_keys: list[str] = Field(default_factory=list)
    """Of a result that the loop called passed: keys that are missing or not as expected."""
    reason: str = ""
    """How the run ended, in its own words; of an infrastructure failure, the error."""
    attempts: list[AttemptRecord] = Field(default_factory=list)

    backend: str = ""
    model: str = ""
    recipe: str = ""
    usage: dict[str, Usage] = Field(default_factory=dict)
    """By role."""
    cost: float | None = None
    """In the currency of the backend's prices; None: unpriced."""
    seconds: float = 0.0
    """Wall time of the cell."""
    seconds_by_node: dict[str, float] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    prompts: dict[str, str] = Field(default_factory=dict)
    """Hash of each prompt."""
    run: str = ""
    """Run folder, relative to the campaign's."""
    worker: str = ""
    """`host:pid`."""
    started: str = ""
    finished: str = ""
    failed_before: int = 0
    """How often the infrastructure failed in this cell before."""

    @property
    def passed(self) -> bool:
        """The loop called it passed, and the known values agree."""
        return self.verdict == "right"

    @property
    def cell(self) -> str:
        """Name of the cell, fit for a file."""
        return cell_name(self.task, self.configuration, self.epoch)

    @property
    def spent(self) -> Usage:
        """All roles together."""
        return sum(self.usage.values(), Usage())


def cell_name(task: str, configuration: str, epoch: int) -> str:
    """Name of a cell, fit for a file: `pub-reflspec-crab--no-planner--2`."""
    return f"{task}--{configuration}--{epoch}"


def read_table(path: Path) -> list[Record]:
    """The records of a campaign from its table (JSON lines), or from its folder.

    `pandas.read_json(path, lines=True)` opens the same file.
    """
    file = path / TABLE if path.is_dir() else path
    return [Record.model_validate_json(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


TABLE = "table.jsonl"
"""In the folder of a campaign: one record a line, in the order of tasks, configurations and epochs."""
