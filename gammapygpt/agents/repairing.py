"""What is said of a failed script: to its author, who repairs it or writes another, and to the critic."""

from __future__ import annotations

from typing import Any

from gammapygpt.agents import material
from gammapygpt.agents.shortening import ALL, Room
from gammapygpt.llm.base import Message
from gammapygpt.prompts import render
from gammapygpt.state import Attempt, Finding, RunState, Snippet

AROUND = 3
"""Lines before and after a failing one that a repair turn offers."""


def lines_to_offer(attempt: Attempt) -> tuple[int, int] | None:
    """The failing line with a few around it; None where no one line is to blame."""
    blamed = [finding.line for finding in attempt.findings if finding.line and finding.severity == "error"]
    if attempt.execution and attempt.execution.line:
        blamed = [attempt.execution.line]
    last = len(attempt.script.splitlines())
    if not blamed or min(blamed) > last or max(blamed) - min(blamed) > 4 * AROUND:
        return None
    return max(1, min(blamed) - AROUND), min(last, max(blamed) + AROUND)


def repair_turn(state: RunState, patch: tuple[int, int] | None, found: list[Snippet]) -> list[Message]:
    """The failed script as the model's own last word, what is wrong with it, and what was looked up for it."""
    last, critique = state["attempts"][-1], state.get("critique")
    told = failure(last)
    if last.passed and critique:
        told["summary"] = f"It ran to its end, but it is no answer to the request: {critique.diagnosis}"
    text = render(
        "coder",
        "repair",
        **told,
        advice=critique.advice if critique else "",
        found=material.cited(found),
        patch=offered(last.script, patch) if patch else None,
    )
    return [
        Message(role="assistant", content=f"```python\n{last.script.rstrip()}\n```"),
        Message(role="user", content=text),
    ]


def afresh(state: RunState, found: list[Snippet], room: Room = ALL) -> str:
    """What went wrong so far, for a draft that must be another one."""
    *earlier, last = state["attempts"]
    critique = state.get("critique")
    objections = state.get("objections", {})
    failures = [
        {"number": attempt.number, "summary": objections.get(attempt.number, attempt.summary)}
        for attempt in [*room.newest(earlier), last]
    ]
    advice = critique.advice if critique else ""
    return render("coder", "fresh", failures=failures, advice=advice, found=material.cited(found))


def failure(attempt: Attempt) -> dict[str, Any]:
    """What a prompt says of a failed attempt."""
    execution = attempt.execution
    findings = [*attempt.findings, *(attempt.validation.findings if attempt.validation else [])]
    traceback = execution.traceback if execution else ""
    return {
        "summary": attempt.summary,
        "findings": [finding for finding in findings if finding.severity == "error"],
        "traceback": traceback,
        "fence": material.fence(traceback),
        "hints": hints(attempt),
    }


def hints(attempt: Attempt) -> list[Snippet]:
    """What a message really means, changes of the API that explain it; not what a finding's remedy already names."""
    from gammapygpt.knowledge import drift_hints, explain

    execution = attempt.execution
    findings = [*attempt.findings, *(attempt.validation.findings if attempt.validation else [])]
    error = f"{execution.exception}: {execution.message}" if execution and execution.exception else ""
    told = "\n".join([error, *(finding.message for finding in findings)]).strip()
    explaining = [*explain(told, attempt.script, limit=1), *drift_hints(told, attempt.script)][:2] if told else []
    return [hint for hint in explaining if not told_already(hint, findings)]


def told_already(change: Snippet, findings: list[Finding]) -> bool:
    """Whether a finding says what a change of the API (`old -> new`) says."""
    new = change.title.partition(" -> ")[2].strip()
    return bool(new) and any(new in f"{finding.message} {finding.remedy}" for finding in findings)


def unsaid(found: list[Snippet], attempt: Attempt) -> list[Snippet]:
    """What was looked up, without what findings and hints of the same turn say anyway."""
    hinted = {hint.source for hint in hints(attempt)}
    return [one for one in found if one.source not in hinted and not told_already(one, attempt.findings)]


def offered(script: str, lines: tuple[int, int]) -> dict[str, Any]:
    """Lines of a script with their numbers."""
    first, last = lines
    shown = script.splitlines()[first - 1 : last]
    numbered = "\n".join(f"{number:4d}  {line}" for number, line in enumerate(shown, first))
    return {"first": first, "last": last, "numbered": numbered}
