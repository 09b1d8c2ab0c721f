"""What a finished run's folder tells of its attempts, its costs and its time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gammapygpt.evals.record import AttemptRecord, Verdict
from gammapygpt.evals.task import Task, wrong_keys
from gammapygpt.llm.journal import recorded_calls
from gammapygpt.runs.folder import RunFolder, read_json
from gammapygpt.settings import BackendSettings
from gammapygpt.state import Usage

INSTALLED = re.compile(r"[^\s'\"(]*/(?:site-packages|dist-packages|lib/python3\.\d+)/")
"""Where a package lies on this machine, which is nobody else's business."""
TAIL = 1500
"""Characters kept of a traceback."""


def verdict_of(manifest: dict[str, Any], task: Task) -> tuple[Verdict, list[str]]:
    """How a run ended in the eyes of the known values, and the keys that it got wrong while it called them passed."""
    status = manifest["status"]
    if status == "passed":
        wrong = wrong_keys(manifest.get("result") or {}, task.expected)
        return ("wrong" if wrong else "right"), wrong
    endings: dict[str, Verdict] = {"refused": "refused", "budget": "budget", "failed": "failed"}
    return endings.get(status, "infrastructure"), []


def attempts_of(folder: RunFolder, task: Task) -> list[AttemptRecord]:
    """Every attempt of a run, each judged by the known values."""
    found = []
    for line in folder.manifest().get("attempts", []):
        place = folder.attempts / f"{line['number']:02d}"
        execution, validation = read_json(place / "execution.json"), read_json(place / "validation.json")
        result = validation.get("result")
        found.append(
            AttemptRecord(
                number=line["number"],
                author=line["author"],
                how=line["how"],
                failure=line["failure"] or "",
                summary=without_paths(line["summary"]),
                repeat_of=line.get("repeat_of"),
                exception=execution.get("exception", ""),
                traceback_tail=without_paths(execution.get("traceback", ""))[-TAIL:],
                right=not wrong_keys(result, task.expected) if result else None,
                wall_s=execution.get("wall_s"),
                cpu_s=execution.get("cpu_s"),
            )
        )
    return found


def without_paths(text: str) -> str:
    """A message or traceback with installed files named from their package on."""
    return INSTALLED.sub("", text)


def usage_by_role(folder: RunFolder) -> dict[str, Usage]:
    """What each role spent on its model, from the record of the calls."""
    spent: dict[str, Usage] = {}
    for call in recorded_calls(folder.path):
        spent[call.role] = spent.get(call.role, Usage()) + call.reply.usage
    return spent


def cost_of(manifest: dict[str, Any], backends: Sequence[BackendSettings]) -> float | None:
    """What the model calls cost; None where tokens were used that have no price."""
    spent = Usage.model_validate(manifest.get("usage", {}))
    priced = any(one.prices.input or one.prices.output for one in backends)
    return spent.cost if priced or not spent.tokens else None


def seconds_by_node(events: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Wall time of each node in s, over all its turns; a turn that a kill cut short is not in it."""
    spent: dict[str, float] = {}
    for event in events:
        if event.get("event") == "took":
            spent[event["agent"]] = round(spent.get(event["agent"], 0.0) + event["seconds"], 3)
    return spent
