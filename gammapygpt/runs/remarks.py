"""What stands beside the numbers of a run: what to look at before they are believed, and what was noted besides."""

from __future__ import annotations

from typing import NamedTuple

from gammapygpt.state import Attempt, Critique, Finding


class Remark(NamedTuple):
    """Something to look at, and what to do about it."""

    message: str
    remedy: str = ""


def findings(attempt: Attempt) -> list[Finding]:
    """What the gates found, static and in the results."""
    return [*attempt.findings, *(attempt.validation.findings if attempt.validation else [])]


def remarks(best: Attempt | None, critique: Critique | None) -> tuple[list[Remark], list[Remark]]:
    """What to look at before the numbers are believed, and what was noted besides, with remedies if there are any."""
    if best is None:
        return [], []
    found = {one.message: one for one in findings(best) if one.severity != "error"}
    concerns = critique.concerns if critique else list(found)
    look = [*concerns, *(message for message, one in found.items() if one.severity == "warning")]
    noted = [message for message in found if message not in look]
    remedies = {message: one.remedy for message, one in found.items()}
    both = ([Remark(text, remedies.get(text, "")) for text in dict.fromkeys(texts)] for texts in (look, noted))
    first, second = both
    return first, second
