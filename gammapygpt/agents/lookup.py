"""What is looked up after a failure: the names that a gate or Python itself says are not there. Pure."""

from __future__ import annotations

import builtins
import re
from typing import NamedTuple

from gammapygpt.state import Attempt, RunState

ABSENT = ("api", "import")
"""Kinds of failure that are about names."""
KINDS = (("api", "tutorial"), ("drift",))
"""Kinds of material that answer them, asked for apart: changes of one module would crowd out all else."""
NO_NEWS = frozenset([*dir(builtins), "NoneType", "method", "module", "function", "gammapy", "ndarray", "numpy.ndarray"])
"""Names that say nothing about Gammapy."""

POINTED_TO = 2
"""Names of a remedy that are looked up: the nearest come first."""


class Complaint(NamedTuple):
    """One thing that is wrong with a script, and what was said to do about it."""

    message: str
    remedy: str


def new_names(state: RunState) -> list[str]:
    """Names that the last attempt failed on and that were not looked up before."""
    attempts, known = state.get("attempts", []), state.get("looked_up", [])
    return [name for name in failing_names(attempts[-1]) if name not in known] if attempts else []


def failing_names(attempt: Attempt) -> list[str]:
    """Modules, classes, methods and keywords that an attempt failed on; none for a failure of another kind."""
    return list(dict.fromkeys(name for told in complaints(attempt) for name in names_in(told.message)))


def queries(attempt: Attempt) -> list[str]:
    """One query for each complaint: the names in it, and the first ones that its remedy points to."""
    found = (
        " ".join([*names_in(told.message), *identifiers_in(told.remedy)[:POINTED_TO]]) for told in complaints(attempt)
    )
    return [query for query in dict.fromkeys(found) if query]


def complaints(attempt: Attempt) -> list[Complaint]:
    """What the gates or Python said about names."""
    blamed = [finding for finding in attempt.findings if finding.severity == "error" and finding.kind in ABSENT]
    told = [Complaint(finding.message, finding.remedy) for finding in blamed]
    if attempt.execution and attempt.execution.exception and attempt.failure in ABSENT:
        told.append(Complaint(attempt.execution.message, ""))
    return told


def names_in(message: str) -> list[str]:
    """Names that a message sets in quotes or calls: `'FluxPoints' object has no attribute 'table'`."""
    found = re.findall(r"[`'\"]([A-Za-z_][\w.]*)(?:\(\)|=)?[`'\"]|([A-Za-z_][\w.]*)\(\)", message)
    names = dict.fromkeys(quoted or called for quoted, called in found)
    return [name for name in names if name not in NO_NEWS]


def identifiers_in(remedy: str) -> list[str]:
    """Names in a sentence that can only be code: dotted, CamelCase or with an underscore."""
    words = re.findall(r"[A-Za-z_][\w.]*\w", remedy)
    return [word for word in dict.fromkeys(words) if re.search(r"\w\.\w|\w_\w|[a-z][A-Z]", word)]
