"""One run and what was asked of it, and how a contradiction is told."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gammapygpt.checks.outcome import is_number
from gammapygpt.checks.physics.facts import Facts
from gammapygpt.checks.physics.static_calls import ANGLES, ENERGIES, Script, of_text
from gammapygpt.checks.selection import last_part
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.words import NUMBER
from gammapygpt.state import Finding, Request, Severity

CLOSE = 0.01
"""Relative; within it a number is the one that was asked for."""
HOURS = {"h": 1.0, "hr": 1.0, "hour": 1.0, "min": 1 / 60, "minute": 1 / 60, "s": 1 / 3600, "second": 1 / 3600}
SCALES = {**ANGLES, **ENERGIES, **HOURS}
COUNTS = {"nbin", "indent", "dpi", "ncall", "maxcall", "figsize", "n_jobs", "decimals", "bins", "nbins", "ndigits"}
"""Keywords whose numbers are none of the analysis."""
EVALUATES = {"integral", "energy_flux", "integral_error", "energy_flux_error", "evaluate", "evaluate_error", "round"}
"""Functions whose arguments say where a result is wanted, not what was analysed."""


@dataclass(frozen=True)
class Case:
    """What there is to compare."""

    result: dict[str, Any]
    request: Request
    read: Reading
    values: dict[str, Any]
    """What was asked for, by name of a recipe's constant; of the request, else of the plan."""
    facts: Facts
    script: Script

    def asked(self, name: str) -> float | None:
        """A number that was asked for."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) and is_number(value) else None

    def words(self, name: str) -> str:
        """The words that a value came from, for a message."""
        words = " ".join(self.read.words.get(name, "").split())
        return f" (“{words[:80]}”)" if words else ""

    @cached_property
    def constants(self) -> set[float]:
        """Numbers of the script; angles in deg, energies in TeV, times in h, where a unit stands beside them."""
        skipped = {id(part) for node in self.script.source.nodes() for part in idle(node)}
        found: set[float] = set()
        for node in self.script.source.nodes():
            if id(node) not in skipped:
                found.update(numbers(node, self.script))
        return found

    def mentions(self, value: float, *more: float) -> bool:
        """Whether a number stands anywhere at all in the script."""
        found = {number for node in self.script.source.nodes() for number in numbers(node, self.script)}
        return any(same(abs(one), number) for one in (value, *more) for number in found)

    def occurs(self, value: float, *more: float, relative: float = CLOSE) -> bool:
        """Whether a number, or another form of it, stands somewhere in the script."""
        return any(same(abs(one), constant, relative) for one in (value, *more) for constant in self.constants)

    def together(self, low: float, high: float) -> bool:
        """Whether two numbers are given to one call, stand in one list, or are names of their own in the script."""
        skipped = {id(part) for node in self.script.source.nodes() for part in idle(node)}
        named = [value for values in self.script.source.bindings.values() for value in values]
        groups = [[number for one in named for number in numbers(one, self.script)]]
        for node in self.script.source.nodes():
            if isinstance(node, ast.Call | ast.List | ast.Tuple) and id(node) not in skipped and not evaluates(node):
                parts = [*node.args, *named_arguments(node)] if isinstance(node, ast.Call) else node.elts
                groups.append([number for part in parts for number in numbers_of(part, self.script)])
        return any(any_same(low, group) and any_same(high, group) for group in groups)


Rule = Callable[[Case], Iterator[Finding]]


def same(one: float, other: float, relative: float = CLOSE) -> bool:
    """Whether two numbers agree."""
    return abs(one - other) <= relative * max(abs(one), abs(other))


def any_same(value: float, seen: Iterable[float | None], relative: float = CLOSE) -> bool:
    """Whether one of some numbers is the one that was asked for."""
    return any(one is not None and same(value, one, relative) for one in seen)


def idle(node: ast.AST) -> Iterator[ast.AST]:
    """Parts of a node whose numbers say nothing about the analysis: numbers of bins, indices, energies of results."""
    if isinstance(node, ast.keyword) and node.arg in COUNTS:
        yield from ast.walk(node.value)
    elif isinstance(node, ast.Subscript):
        yield from ast.walk(node.slice)
    elif isinstance(node, ast.Call) and evaluates(node):
        for argument in node.args:
            yield from ast.walk(argument)


def named_arguments(node: ast.Call) -> list[ast.expr]:
    """Arguments by keyword, but for numbers of bins and their like."""
    return [one.value for one in node.keywords if one.arg not in COUNTS]


def evaluates(node: ast.AST) -> bool:
    """Whether a call says where a result is wanted."""
    return isinstance(node, ast.Call) and last_part(node.func) in EVALUATES


def numbers_of(node: ast.expr, script: Script) -> list[float]:
    """Numbers of an argument: itself, behind its name, or with its unit."""
    value = script.value(node)
    return [*numbers(node, script), *(numbers(value, script) if value is not None else ())]


def numbers(node: ast.AST, script: Script) -> Iterator[float]:
    """The number that a node is, in the unit beside it."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, int | float) and is_number(node.value):
            yield abs(float(node.value))
        elif isinstance(node.value, str):
            value = of_text(node.value, SCALES)
            number = re.match(NUMBER, node.value) if value is None and " " in node.value else None
            yield from [abs(value)] if value is not None else [float(number[0])] if number else []
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        scale = SCALES.get(script.source.dotted(node.right).removeprefix("astropy.units."))
        inner = node.left.elts if isinstance(node.left, ast.List | ast.Tuple) else [node.left]
        for one in inner:
            value = script.number(one)
            if value is not None and scale:
                yield abs(value * scale)
    elif isinstance(node, ast.Call):
        unit = next((script.constant(one.value) for one in node.keywords if one.arg == "unit"), None)
        for one in node.args if isinstance(unit, str) and unit in SCALES else ():
            if (value := script.number(one)) is not None:
                yield abs(value * SCALES[str(unit)])


def differs(
    case: Case, rule: str, name: str, what: str, remedy: str, *, fact: str = "", certain: bool | None = None
) -> Finding:
    """The run contradicts what was asked for.

    Parameters
    ----------
    case
        The run.
    rule
        Of the finding.
    name
        Of the value that was asked for.
    what
        One sentence with both.
    remedy
        What to do.
    fact
        What was seen.
    certain
        Whether it cannot have been meant otherwise; by default, whether the number occurs nowhere in the script.
    """
    if certain is None:
        value = case.asked(name)
        certain = value is None or not case.occurs(value)
    return asked_finding(rule, what + case.words(name), remedy, "error" if certain else "warning", fact)


def asked_finding(
    rule: str, what: str, remedy: str, severity: Severity = "error", fact: str = "", key: str = ""
) -> Finding:
    """A finding of this gate."""
    return Finding(
        gate="physics",
        kind="physics",
        rule=rule,
        severity=severity,
        message=what if what.endswith((".", ")")) else f"{what}.",
        remedy=remedy,
        fact=fact,
        key=key,
    )


def listed(values: Iterable[float | int | str], unit: str = "", most: int = 8) -> str:
    """Different values for a message."""
    shown = list(dict.fromkeys(f"{value:g}" if isinstance(value, float) else str(value) for value in values))
    return ", ".join(shown[:most]) + (", ..." if len(shown) > most else "") + (f" {unit}" if unit else "")
