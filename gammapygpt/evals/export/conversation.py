"""What was said in a cell, attempt by attempt, read back from its run's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from gammapygpt.evals.record import AttemptRecord, Record
from gammapygpt.runs.folder import RunFolder

ROLES = ("system", "user", "assistant")


class Turn(NamedTuple):
    """One message, or what became of an attempt (`role` is then `outcome`)."""

    role: str
    text: str


def request_of(record: Record, campaign: Path) -> str:
    """The request of a cell as it was asked; the task's name where the run folder is gone."""
    if not record.run or not (campaign / record.run / "manifest.json").is_file():
        return record.task
    asked = RunFolder(campaign / record.run).manifest().get("request", {})
    return str(asked.get("text") or record.task)


def answer_of(record: Record, campaign: Path) -> dict[str, Any]:
    """The result that a cell came to; empty where there is none, or the run folder is gone."""
    if not record.run or not (campaign / record.run / "manifest.json").is_file():
        return {}
    result = RunFolder(campaign / record.run).manifest().get("result")
    return result if isinstance(result, dict) else {}


def conversation(record: Record, campaign: Path) -> list[Turn]:
    """The messages of all attempts, each turn once, and after each attempt what became of it."""
    found: list[Turn] = []
    before: list[Turn] = []
    for attempt in record.attempts:
        place = campaign / record.run / "attempts" / f"{attempt.number:02d}" if record.run else None
        said = messages(place) if place else []
        shared = 0
        while shared < min(len(before), len(said)) and before[shared] == said[shared]:
            shared += 1
        found += said[shared:]
        before = said or before
        if place and not said:
            found += script(place)
        found.append(Turn("outcome", outcome(attempt)))
    return found


def messages(place: Path) -> list[Turn]:
    """The messages that led to a draft."""
    try:
        kept = json.loads((place / "messages.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    kept = kept if isinstance(kept, list) else []
    turns = [one for one in kept if isinstance(one, dict) and one.get("role") in ROLES]
    return [Turn(one["role"], str(one.get("content", ""))) for one in turns]


def script(place: Path) -> list[Turn]:
    """A draft that nobody was asked for: a recipe's."""
    try:
        source = (place / "script.py").read_text(encoding="utf-8")
    except OSError:
        return []
    return [Turn("assistant", f"```python\n{source.rstrip()}\n```")]


def outcome(attempt: AttemptRecord) -> str:
    """What became of an attempt, in a line."""
    ended = attempt.failure or "passed all gates"
    judged = {True: "; right", False: "; wrong", None: ""}[attempt.right]
    return f"[attempt {attempt.number}, {attempt.how or 'draft'}: {ended}{judged}] {attempt.summary}".strip()
