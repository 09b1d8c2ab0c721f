"""Gate 3, the physics: rules that need no known answer. Errors are safe stops, the rest are hints for a person.

Rules are rows of `rules.toml` and functions in the modules beside it, each of which lists its own as `RULES`:
those named `static_*` read the script and the request, the others what was seen of the run and its results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from gammapygpt.checks.physics.facts import Facts, read_facts
from gammapygpt.checks.physics.rules import Check, Evidence, Rule, found, rules
from gammapygpt.state import Finding, Plan, Request

__all__ = ["Check", "Evidence", "Facts", "Rule", "check_physics", "found", "read_facts", "rules"]


def check_physics(
    result: Mapping[str, Any],
    plan: Plan | None = None,
    *,
    facts: Mapping[str, Any] | None = None,
    script: str = "",
    request: Request | None = None,
) -> list[Finding]:
    """Sanity of an analysis that cannot be compared with a known answer.

    Parameters
    ----------
    result
        What `result.json` holds.
    plan, request
        What was asked for.
    facts
        What was seen inside the run (`Execution.facts`); rules that read it are silent without.
    script
        The script that ran.
    """
    evidence = Evidence(result, read_facts(facts or {}), script, plan, request)
    return [finding for check in checks() for finding in check(evidence)]


@cache
def checks() -> tuple[Check, ...]:
    """Every function that looks at an attempt."""
    return tuple(_listed())


def _listed() -> Iterator[Check]:
    for module in iter_modules(__path__, f"{__name__}."):
        yield from getattr(import_module(module.name), "RULES", ())
