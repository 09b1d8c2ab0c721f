"""Findings of the API gate: what is wrong, with the replacement where the drift table or a close name gives one."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gammapygpt.knowledge.changes import Kind, replacement
from gammapygpt.state import FailureKind, Finding, Severity

CLOSE = 0.75
"""Likeness (difflib) from which another name is offered."""


FEW = 8
"""Choices up to which all are named."""


@dataclass
class Report:
    """The findings so far; nothing is taken down while `muted`."""

    version: str
    """`Gammapy 2.1`, to be named in the messages."""
    silent: frozenset[int] = frozenset()
    """`id` of nodes whose failure the script deals with itself."""
    replaced: frozenset[int] = frozenset()
    """`id` of nodes for whose failure it has something else: what they call may fail as well."""
    muted: int = 0
    findings: dict[tuple[str, int, str], Finding] = field(default_factory=dict)

    def add(
        self,
        node: ast.AST,
        rule: str,
        message: str,
        remedy: str,
        kind: FailureKind = "api",
        severity: Severity = "error",
    ) -> None:
        """Take down one finding, once."""
        line = int(getattr(node, "lineno", 0))
        found = Finding(gate="api", kind=kind, rule=rule, message=message, remedy=remedy, line=line, severity=severity)
        self.take(node, found)

    def take(self, node: ast.AST, finding: Finding | None) -> None:
        """Take down a finding about a node, unless nothing is to be said about that."""
        if finding is not None and not self.muted and id(node) not in self.silent:
            self.findings.setdefault((finding.rule, finding.line or 0, finding.message), finding)


def close(name: str, names: Iterable[str]) -> list[str]:
    """At most two names that are spelt almost alike, or that this one begins."""
    ordered = sorted(names, key=lambda one: (len(one), one))
    alike = difflib.get_close_matches(name, ordered, 2, CLOSE)
    longer = [one for one in ordered if len(name) > 3 and (one.startswith(name) or one.endswith(f"_{name}"))]
    return list(dict.fromkeys([*alike, *longer]))[:2]


def instead(kind: Kind, owners: Sequence[str], name: str, names: Iterable[str], otherwise: str) -> str:
    """What to write: from the drift table, else the closest name, else how to find out."""
    found = close(name, names)
    return replaced(kind, owners, name) or (f"There is: {', '.join(found)}." if found else otherwise)


def chosen(owners: Sequence[str], value: str, allowed: Sequence[str]) -> str:
    """Which of the allowed strings to write; all of them where they are few."""
    if len(allowed) <= FEW:
        return replaced("enum", owners, value) or f"It takes: {', '.join(allowed)}."
    return instead("enum", owners, value, allowed, f"It takes: {listed(allowed)}.")


def replaced(kind: Kind, owners: Sequence[str], name: str) -> str:
    """The drift table's word on something that is gone; empty where it has none."""
    change = replacement(kind, list(owners), name)
    if change is None or not change.new or change.new.startswith("removed"):
        return ""
    since = re.match(r"\d[\d.]*", change.since_version)
    return f"Write: {change.new}" + (f" (the old form is gone since {since[0]})." if since else ".")


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names for a message, cut off where there are too many."""
    ordered = sorted(names)
    return ", ".join(ordered[:most]) + (", ..." if len(ordered) > most else "")
