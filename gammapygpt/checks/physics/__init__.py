"""Gate 3, the physics: rules that need no known answer. Errors are safe stops, the rest are hints for a person.

Rules are rows of `rules.toml` and functions in the modules beside it, each of which lists its own as `RULES`:
those named `static_*` read the script and the request, the others what was seen of the run and its results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from gammapygpt.checks.physics.facts import Facts, read_facts
from gammapygpt.checks.physics.rules import SEVERITIES, Check, Evidence, Rule, found, rules
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
    evidence = Evidence(result, read_facts(facts or {}), facts is not None, script, plan, request)
    read: list[Finding] = []
    seen: list[Finding] = []
    for check in checks():
        (read if "static_" in check.__module__ else seen).extend(check(evidence))
    return together(seen, read, decided(evidence.facts))


DECIDED = {
    "no-containment-correction": "makings",
    "no-safe-mask": "makings",
    "no-exclusion-mask": "makings",
    "true-energy-axis": "datasets",
    "no-models": "fits",
    "background-model-not-attached": "fits",
}
"""Rules that read the script and the facts, and the facts that have the last word where there are any."""
MOST_OF_A_RULE = 3


def decided(facts: Facts) -> set[str]:
    """Rules on which a script need not be read any more, since what it did was seen."""
    return {name for name, kind in DECIDED.items() if getattr(facts, kind)} if not facts.left_out else set()


def together(seen: list[Finding], read: list[Finding], known: set[str]) -> list[Finding]:
    """What was seen, with line and severity from the script, and what only the script tells; the worst first."""
    told = {finding.rule for finding in seen}
    kept = [completed(finding, [one for one in read if one.rule == finding.rule]) for finding in seen]
    kept += [finding for finding in read if finding.rule not in told | known]
    return few_of_each(sorted(kept, key=lambda finding: SEVERITIES.index(finding.severity)))


def completed(finding: Finding, read: list[Finding]) -> Finding:
    """What was seen in a run, with the first line of the script that shows it, and as bad as the script says."""
    worst = min((finding, *read), key=lambda one: SEVERITIES.index(one.severity)).severity
    line = finding.line or next((one.line for one in read if one.line is not None), None)
    return finding.model_copy(update={"line": line, "severity": worst})


def few_of_each(findings: list[Finding]) -> list[Finding]:
    """The first findings of each rule; the last of them says how many more there are."""
    kept: list[Finding] = []
    counts = Counter(finding.rule for finding in findings)
    before: Counter[str] = Counter()
    for finding in findings:
        before[finding.rule] += 1
        more = counts[finding.rule] - MOST_OF_A_RULE
        if before[finding.rule] == MOST_OF_A_RULE and more > 0:
            finding = finding.model_copy(update={"message": f"{finding.message} So {more} times more."})
        if before[finding.rule] <= MOST_OF_A_RULE:
            kept.append(finding)
    return kept


@cache
def checks() -> tuple[Check, ...]:
    """Every function that looks at an attempt."""
    return tuple(_listed())


def _listed() -> Iterator[Check]:
    for module in iter_modules(__path__, f"{__name__}."):
        yield from getattr(import_module(module.name), "RULES", ())
