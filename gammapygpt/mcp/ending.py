"""How a run ended, as plain data for the protocol; figures are left out, the server reads them from the folder."""

from __future__ import annotations

from typing import Any

from gammapygpt.mcp.answers import pieces, problems, tail
from gammapygpt.run import Run
from gammapygpt.settings import Settings
from gammapygpt.state import Attempt, ResultSpec

TOLD = ("units", "choices", "warnings", "usage")
"""Entries of a manifest that are told as they are."""


def ending(run: Run) -> dict[str, Any]:
    """The fields of `answers.Job`."""
    from gammapygpt.commands.tables import tried

    manifest = run.folder.manifest()
    ended = run.outcome
    shown = (ended.answer or next(reversed(ended.attempts), None)) if ended else None
    question = run.question.model_dump() if run.question else None
    return {
        "run": run.folder.name,
        "status": manifest["status"],
        "reason": manifest.get("reason", ""),
        "folder": str(run.folder.path),
        "question": question,
        "result": numbers(manifest.get("result", {})),
        **{name: manifest[name] for name in TOLD if name in manifest},
        "attempts": manifest.get("attempts") or tried(run.folder),
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
    return {**of_attempt(judged), **told, "script": ""}


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
