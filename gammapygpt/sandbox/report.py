"""What the worker says about the end of a script: checked, cut and escaped, since the script could have said it."""

from __future__ import annotations

import signal
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from gammapygpt.state import StoppedBy

MAX_BYTES = 512 << 10


class Report(BaseModel):
    """The worker's own form of it."""

    mark: str
    """Given to the worker with the script."""
    exit_code: int = 0
    cpu_s: float = Field(default=0.0, ge=0, le=1e7)
    """Of the script and of the children that it waited for."""
    exception: str = Field(default="", max_length=300)
    message: str = Field(default="", max_length=5000)
    traceback: str = Field(default="", max_length=5000)
    line: int | None = Field(default=None, ge=0, le=10_000_000)
    limit: StoppedBy | None = None
    """The limit that the exception speaks of."""
    warnings: list[str] = Field(default_factory=list, max_length=50)
    figures: list[str] = Field(default_factory=list, max_length=20)
    facts: dict[str, Any] = Field(default_factory=dict)
    """What was seen inside the run; see `inside/reporter.py` for what that is worth."""


def printable(text: str) -> str:
    """Without control characters and direction marks, which could steer a terminal or hide text from a reader.

    A carriage return (progress bars) becomes a line break.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def read_report(received: bytes, mark: str) -> Report | None:
    """The one report in what came over the control socket; None when there is none, or none to believe.

    The worker writes one line, with the mark that it was given. Whatever else there is, the script wrote; two lines
    with the mark are one too many.
    """
    if len(received) > MAX_BYTES:
        return None
    reports = [report for line in received.split(b"\n") if (report := _marked(line, mark)) is not None]
    if len(reports) != 1:
        return None
    report = reports[0]
    return report.model_copy(
        update={
            "exception": printable(report.exception),
            "message": printable(report.message),
            "traceback": printable(report.traceback),
            "warnings": [printable(line)[:500] for line in report.warnings],
            "facts": all_printable(report.facts),
        }
    )


def _marked(line: bytes, mark: str) -> Report | None:
    """A report that bears the mark."""
    try:
        report = Report.model_validate_json(line)
    except ValidationError:
        return None
    return report if report.mark == mark else None


def all_printable(value: Any) -> Any:
    """Plain data with every text in it printable, and on one line."""
    if isinstance(value, str):
        return printable(value).replace("\n", " ")
    if isinstance(value, dict):
        return {all_printable(key): all_printable(one) for key, one in value.items()}
    return [all_printable(one) for one in value] if isinstance(value, list) else value


def death_notice(exit_code: int) -> str:
    """In words: the end of an interpreter that did not end by itself; empty for an ordinary exit code.

    Examples
    --------
    >>> death_notice(-11), death_notice(1)
    ('The interpreter was killed by SIGSEGV.', '')
    """
    if exit_code >= 0:
        return ""
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"The interpreter was killed by {name}."
