"""One cell of a campaign: a task, answered once by one configuration, as a run of its own, and judged afterwards."""

from __future__ import annotations

import os
import platform
import traceback
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, get_args

from pydantic import BaseModel, Field

from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.evals.configuration import Agent, Configuration
from gammapygpt.evals.record import Record, Scoring, cell_name
from gammapygpt.evals.task import Task, read_task
from gammapygpt.private import private_folder
from gammapygpt.run import Run, now
from gammapygpt.runs.folder import write_file
from gammapygpt.runs.history import all_runs
from gammapygpt.settings import Settings
from gammapygpt.state import Role

CELLS, RUNS = "cells", "runs"
"""Folders of a campaign: one record and one folder of runs for each cell."""


class CellSpec(BaseModel):
    """All that a worker needs to know, as plain data without secrets: it loads the settings itself."""

    campaign: Path
    """Absolute; on a file system that all workers share."""
    task: Path
    configuration: Configuration
    epoch: int
    scoring: Scoring = "blind"
    config: Path | None = None
    overrides: dict[str, Any] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the cell."""
        return cell_name(self.task.stem, self.configuration.name, self.epoch)

    @property
    def file(self) -> Path:
        """Where its record is kept."""
        return self.campaign / CELLS / f"{self.name}.json"

    def settings(self, task: Task) -> Settings:
        """Those of the campaign, with the configuration's and this cell's own laid over."""
        from gammapygpt.settings_loading import load_settings

        own = {"runs.folder": str(self.campaign / RUNS / self.name), "sandbox.wall_s": task.timeout_s}
        return load_settings(self.config, {**self.overrides, **self.configuration.overrides, **own})


def run_cell(spec: CellSpec) -> Record:
    """Answer the task, or go on where a killed worker left off; judge the answer; keep the record.

    Nothing is raised but what ends the process: whatever breaks is an infrastructure failure on record.
    """
    if (known := read_record(spec.file)) and known.verdict != "infrastructure":
        return known
    task, began = read_task(spec.task), monotonic()
    cell = identity(spec, task, known)
    try:
        run = answered(spec, task)
        record = judged(run, task, cell)
    except GammapyGPTError as error:
        record = Record(**cell, verdict="infrastructure", reason=str(error))
    except Exception:
        record = Record(**cell, verdict="infrastructure", reason=traceback.format_exc(limit=-4)[-1500:])
    record.finished, record.seconds = now(), round(monotonic() - began, 2)
    return keep(record, spec.file)


def identity(spec: CellSpec, task: Task, known: Record | None) -> dict[str, Any]:
    """The part of a record that says which cell it is of, and who ran it."""
    return {
        "task": task.id,
        "task_sha256": task.sha256,
        "family": task.family,
        "difficulty": task.difficulty,
        "silent": task.silent,
        "configuration": spec.configuration.name,
        "epoch": spec.epoch,
        "scoring": spec.scoring,
        "worker": f"{platform.node()}:{os.getpid()}",
        "started": now(),
        "failed_before": known.failed_before + 1 if known else 0,
    }


def lost(spec: CellSpec, reason: str) -> Record:
    """The record of a cell whose workers were lost, kept unless one of them left the final one."""
    cell = identity(spec, read_task(spec.task), read_record(spec.file)) | {"worker": ""}
    return keep(Record(**cell, verdict="infrastructure", reason=reason, finished=now()), spec.file)


def answered(spec: CellSpec, task: Task) -> Run:
    """The run of a cell, at its end.

    Raises
    ------
    GammapyGPTError
        It could not come to an end; the next try goes on from there.
    """
    from gammapygpt import session

    settings = spec.settings(task)
    expect = task.path if spec.scoring == "validator-in-loop" else None
    try:
        run = session.resume(all_runs(Path(settings.runs.folder))[-1], settings)
    except (IndexError, UserError):  # there is none, or it began with another address, file or version of the task
        run = session.start(task.prompt, settings, expect=expect)
    if run.folder.manifest()["status"] in ("running", "interrupted"):
        solver(spec.configuration.agent)(run)
    return run


def solver(agent: Agent) -> Callable[[Run], None]:
    """What answers a run: our graph, or a baseline."""
    if agent == "loop":
        from gammapygpt.evals.baselines import loop

        return loop.solve
    if agent == "peer":
        from gammapygpt.evals.baselines import peer

        return peer.solve
    return by_graph


def by_graph(run: Run) -> None:
    """Let the graph answer."""
    for _ in run.stream():
        pass


def judged(run: Run, task: Task, cell: dict[str, Any]) -> Record:
    """The record of a run that has ended: what the known values say of it, and what it cost."""
    from gammapygpt.evals.reading import (
        attempts_of,
        cost_of,
        seconds_by_node,
        usage_by_role,
        verdict_of,
        without_paths,
    )

    manifest = run.folder.manifest()
    verdict, wrong = verdict_of(manifest, task)
    backend = run.context.backend_name("coder")
    chosen = run.settings.backends[backend]
    used = {run.context.backend_name(role) for role in get_args(Role)}
    return Record(
        **cell,
        verdict=verdict,
        passed_at=manifest.get("best") if verdict == "right" else None,
        wrong_keys=wrong,
        reason=without_paths(str(manifest.get("reason", ""))),
        attempts=attempts_of(run.folder, task),
        backend=backend,
        model=chosen.model,
        recipe=(manifest.get("plan") or {}).get("recipe", ""),
        usage=usage_by_role(run.folder),
        cost=cost_of(manifest, [run.settings.backends[name] for name in used]),
        seconds_by_node=seconds_by_node(run.folder.events()),
        versions=manifest.get("versions", {}),
        prompts=manifest.get("prompts", {}),
        run=os.path.relpath(run.folder.path, run.folder.path.parents[2]),
    )


def keep(record: Record, file: Path) -> Record:
    """Write a record down, whole or not at all; one that is already there and final stands."""
    private_folder(file.parent)
    known = read_record(file)
    if known and known.verdict != "infrastructure":
        return known
    write_file(file, record.model_dump_json() + "\n")
    return record


def read_record(file: Path) -> Record | None:
    """The record of a cell, if there is one."""
    try:
        return Record.model_validate_json(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
