"""The rules as data, what a rule may look at, and how it says what it found."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gammapygpt.checks.physics.facts import Facts
from gammapygpt.state import Finding, Plan, Request, Severity

TABLE = Path(__file__).with_name("rules.toml")


class Rule(BaseModel):
    """One row of `rules.toml`, where the meaning of each field is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    name: str
    severity: Severity
    reads: list[Literal["script", "facts", "result", "request"]]
    title: str
    explanation: str
    remedy: str


@dataclass(frozen=True)
class Evidence:
    """What there is to judge an attempt by; whatever is not known is empty."""

    result: Mapping[str, Any] = field(default_factory=dict)
    """What `result.json` holds."""
    facts: Facts = field(default_factory=Facts)
    """What was seen inside the run."""
    told: bool = False
    """Whether there was a run that should have told facts."""
    script: str = ""
    plan: Plan | None = None
    request: Request | None = None

    @cached_property
    def tree(self) -> ast.Module | None:
        """The script as a syntax tree; None where it is no Python."""
        try:
            return ast.parse(self.script)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


Check = Callable[[Evidence], Iterator[Finding]]
"""One rule, or several that are about the same thing. Modules of this package list theirs as `RULES`."""


@cache
def rules() -> dict[str, Rule]:
    """All rules by name, in the order of their numbers."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["rule"]
    return {rule.name: rule for rule in sorted(map(Rule.model_validate, rows), key=lambda rule: rule.number)}


SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""The worst first."""


def found(
    name: str, what: str, *, remedy: str = "", severity: Severity | None = None, key: str = "", line: int | None = None
) -> Finding:
    """A finding of a rule.

    Parameters
    ----------
    name
        Of the rule.
    what
        One sentence: what was found, and where. Why it matters is added from the table.
    remedy, severity
        Where the case at hand asks for other ones than the table's.
    key, line
        The key of `result.json` or the line of the script that it is about.
    """
    rule = rules()[name]
    return Finding(
        gate="physics",
        kind="physics",
        rule=name,
        severity=severity or rule.severity,
        message=f"{what} {rule.explanation}",
        remedy=remedy or rule.remedy,
        key=key,
        line=line,
    )
