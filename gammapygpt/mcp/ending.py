"""How a run stands, as plain data for the protocol, read from its folder; figures are added where it is shown."""

from __future__ import annotations

from typing import Any

from gammapygpt.mcp.answers import pieces, problems, tail
from gammapygpt.runs.folder import RunFolder
from gammapygpt.settings import Settings
from gammapygpt.state import Attempt, ResultSpec

TOLD = ("units", "choices", "warnings")
"""Entries of a manifest that are told as they are."""


def ending(folder: RunFolder) -> dict[str, Any]:
    """The fields of `answers.Job`, of a run that has ended or not."""
    from gammapygpt.runs.final import attempt_line
    from gammapygpt.runs.record import record_of

    manifest, outcome = folder.manifest(), record_of(folder).outcome
    tried = [attempt for attempt in outcome.attempts if attempt.script]  # the last draft may have been refused
    shown = outcome.answer or next(reversed(tried), None)
    return {
        "run": folder.name,
        "status": outcome.status,
        "reason": outcome.reason,
        "folder": str(folder.path),
        "question": manifest.get("question"),
        "result": numbers(outcome.result),
        **{name: manifest[name] for name in TOLD if name in manifest},
        "attempts": [attempt_line(attempt) for attempt in tried],
        "usage": outcome.usage.model_dump(include={"calls", "input_tokens", "output_tokens", "cost"}),
        **(of_attempt(shown) if shown else {}),
    }


def not_run(settings: Settings, script: str, keys: list[str]) -> dict[str, Any] | None:
    """The same of a script of the client's that gate 1 stops, at once and without a folder; None for one to be run."""
    from gammapygpt.agents import gates

    if not settings.switches.preflight:
        return None
    wanted = [ResultSpec(key=key) for key in keys]
    findings = gates.preflight(script, settings, wanted, api=settings.switches.api_gate)
    if not any(finding.severity == "error" for finding in findings):
        return None
    attempt = Attempt(number=1, author="coder", script=script, findings=findings)
    judged = attempt.model_copy(update=gates.verdict(attempt))
    told = {"run": "", "folder": "", "status": "failed", "reason": judged.summary}
    return {**of_attempt(judged), **told}


def of_attempt(attempt: Attempt) -> dict[str, Any]:
    """The script that stands, or the last one, and what became of it."""
    from gammapygpt.agents.repairing import hints

    execution, validation = attempt.execution, attempt.validation
    findings = [*attempt.findings, *(validation.findings if validation else [])]
    told: dict[str, Any] = {"script": attempt.script, "findings": [one.model_dump() for one in problems(findings)]}
    if execution:
        told |= {
            "traceback": execution.traceback,
            "stdout": tail(execution.stdout),
            "stderr": tail(execution.stderr),
            "seconds": execution.wall_s,
        }
    if not attempt.passed:
        told["hints"] = [one.model_dump() for one in pieces(hints(attempt))]
        told["doubted"] = numbers(validation.result) if validation else {}
    return told


def numbers(result: dict[str, Any]) -> dict[str, Any]:
    """What a result.json holds beside its `_meta`."""
    return {key: value for key, value in result.items() if not key.startswith("_")}
