"""What a run's folder tells of it, finished or not: the same words as its last state, read back from disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gammapygpt.runs.folder import RunFolder, read_json, read_list
from gammapygpt.runs.history import status
from gammapygpt.state import (
    Attempt,
    Critique,
    Execution,
    Finding,
    Outcome,
    Plan,
    Request,
    RunState,
    Usage,
    Validation,
)


class Record(NamedTuple):
    """A run as its folder has it."""

    outcome: Outcome
    state: RunState


def record_of(folder: RunFolder) -> Record:
    """Outcome so far, request, plan and the critic's last words; of a run under way, what there is."""
    manifest, events = folder.manifest(), folder.events()
    outcome = Outcome(
        status=status(folder),
        reason=manifest.get("reason", ""),
        best=manifest.get("best"),
        attempts=attempts_of(folder, manifest, events),
        usage=Usage.model_validate(manifest.get("usage") or spent_so_far(events)),
    )
    asked = manifest.get("request", {})
    state: RunState = {
        "request": Request(
            text=asked.get("text", ""), results=asked.get("results", []), expect_file=asked.get("expect_file", "")
        ),
        "plan": plan_of(manifest, events),
        "critique": critique_of(events),
    }
    return Record(outcome, state)


def attempts_of(folder: RunFolder, manifest: Mapping[str, Any], events: list[dict[str, Any]]) -> list[Attempt]:
    """The attempts whose folders hold a script or a verdict, the one that is being tried included."""
    told: dict[int, dict[str, Any]] = {}
    for event in events:
        if event.get("event") in ("drafted", "attempted") and isinstance(event.get("attempt"), int):
            told.setdefault(event["attempt"], {}).update(event)
    for line in manifest.get("attempts", []):
        told.setdefault(line["number"], {}).update(line)
    for place in folder.attempts.glob("[0-9]*"):
        told.setdefault(int(place.name), {})
    return [_attempt(folder.attempts / f"{number:02d}", number, told[number], manifest) for number in sorted(told)]


def _attempt(place: Path, number: int, told: Mapping[str, Any], manifest: Mapping[str, Any]) -> Attempt:
    by_optimiser = told.get("author") == "optimiser" or told.get("how") == "candidate"
    findings = [Finding.model_validate(one) for one in read_list(place / "findings.json")]
    validation = read_json(place / "validation.json")
    attempt = Attempt(
        number=number,
        author="optimiser" if by_optimiser else "coder",
        how=told.get("how", "first"),
        script=_text(place / "script.py"),
        findings=findings,
        execution=_execution(place),
        validation=Validation.model_validate(validation) if validation else None,
        failure=told.get("failure"),
        summary=told.get("summary", ""),
        repeat_of=told.get("repeat_of"),
    )
    if "failure" not in told:
        return attempt.model_copy(update=_verdict(attempt))
    if attempt.passed and by_optimiser and manifest.get("best") not in (None, number):
        return attempt.model_copy(update={"declined": attempt.summary or "not kept"})
    return attempt


def _verdict(attempt: Attempt) -> dict[str, Any]:
    """Failure and summary of an attempt of which nothing was told, as the attempts that a fork takes over."""
    found = [*attempt.findings, *(attempt.validation.findings if attempt.validation else [])]
    error = next((one for one in found if one.severity == "error"), None)
    if error is not None:
        return {"failure": error.kind, "summary": error.message}
    if attempt.execution and not attempt.execution.completed:
        return {"failure": "runtime", "summary": f"{attempt.execution.exception}: {attempt.execution.message}"}
    return {}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _execution(place: Path) -> Execution | None:
    kept = read_json(place / "execution.json")
    if not kept:
        return None
    return Execution.model_validate(
        {**kept, "stdout": _text(place / "stdout.txt"), "stderr": _text(place / "stderr.txt")}
    )


def plan_of(manifest: Mapping[str, Any], events: list[dict[str, Any]]) -> Plan | None:
    """The plan of a finished run, else what the last plan's event told of it."""
    if kept := manifest.get("plan"):
        return Plan.model_validate(kept)
    told = [event for event in events if event.get("event") == "planned"]
    if not told:
        return None
    return Plan.model_validate({name: told[-1][name] for name in Plan.model_fields if name in told[-1]})


def critique_of(events: list[dict[str, Any]]) -> Critique | None:
    """What the critic said last."""
    told = [event for event in events if event.get("event") == "criticised"]
    if not told:
        return None
    return Critique.model_validate({name: told[-1][name] for name in Critique.model_fields if name in told[-1]})


def spent_so_far(events: list[dict[str, Any]]) -> dict[str, Any]:
    """What an unfinished run has spent so far, as its events tell."""
    answers = [event for event in events if event.get("event") == "answered"]
    names = ("calls", "input_tokens", "cached_tokens", "output_tokens", "model_s")
    return {name: sum(event.get(name, 0) for event in answers) for name in names}
