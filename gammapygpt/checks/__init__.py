"""The checks around a run: gate 1 before it (the contract), gate 3 after it (the results)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gammapygpt.checks.asked import check_asked
from gammapygpt.checks.contract import check_contract
from gammapygpt.checks.expected import Expected, check_expected, read_expectations, specs
from gammapygpt.checks.outcome import META, check_result, load_result, numbers
from gammapygpt.checks.physics import check_physics
from gammapygpt.checks.provenance import check_provenance, uses_gammapy
from gammapygpt.checks.validators import ValidatorContext, load_validators, run_validators
from gammapygpt.state import Finding, Plan, Request, ResultSpec, Validation

__all__ = [
    "Expected",
    "ValidatorContext",
    "check_asked",
    "check_contract",
    "check_expected",
    "check_physics",
    "check_provenance",
    "check_result",
    "load_result",
    "load_validators",
    "read_expectations",
    "run_validators",
    "specs",
    "validate",
]


def validate(
    workspace: Path,
    wanted: Sequence[ResultSpec],
    expectations: Sequence[Expected] = (),
    validators: Sequence[str] = (),
    plan: Plan | None = None,
    request: Request | None = None,
    *,
    facts: Mapping[str, Any] | None = None,
    script: str = "",
    strict: bool = False,
    skeptic: bool = True,
) -> Validation:
    """Gate 3: the results that a script left in its workspace.

    Parameters
    ----------
    workspace
        Folder with `result.json`.
    wanted
        Results asked for.
    expectations
        Known answers; nothing of them but keys and units enters the findings.
    validators
        Names of the user's validators (see `validators.py`).
    plan, request
        What was asked, for the rules and validators that want to know.
    facts
        What was seen inside the run (`Execution.facts`).
    script
        The script that ran.
    strict
        Doubt a script without a result, and one that does not use Gammapy, as any other.
    skeptic
        Doubt the physics and the origin of the numbers at all.

    Raises
    ------
    UserError
        A validator is not installed.
    InfrastructureError
        A validator broke.
    """
    own = load_validators(validators)
    result, findings = load_result(workspace)
    if result:
        findings += check_result(result, wanted)
        findings += check_expected(result, expectations)
    if skeptic and (result or strict):
        right = bool(expectations) and not findings
        known = {one.key for one in expectations} - {finding.key for finding in findings}
        stub = not strict and not uses_gammapy(script)
        findings += check_physics(result, plan, facts=facts, script=script, request=request)
        doubts = check_provenance(script, result, request)
        doubts += check_asked(result, request, plan, facts=facts, script=script)
        own_plan = plan is not None and plan.edited
        findings += [milder(one) if right or stub or own_plan or one.key in known else one for one in doubts]
    if result:
        findings += run_validators(own, result, ValidatorContext(workspace, request, plan))
    findings = first_of_each_key(findings)
    found = bool(wanted or expectations) or any(numbers(value) for key, value in result.items() if key != META)
    passed = bool(result) and found and not any(finding.severity == "error" for finding in findings)
    return Validation(passed=passed, result=result, findings=findings)


def milder(finding: Finding) -> Finding:
    """The skeptic never overrides a known answer, nor does it fail a script that is no analysis at all."""
    return finding.model_copy(update={"severity": "warning"}) if finding.severity == "error" else finding


def first_of_each_key(findings: Sequence[Finding]) -> list[Finding]:
    """One error for each key: that a value is missing or NaN makes it needless to say that it is wrong."""
    kept: list[Finding] = []
    blamed: set[str] = set()
    for finding in sorted(findings, key=lambda one: one.severity != "error"):
        if finding.key and finding.key in blamed:
            continue
        if finding.key and finding.severity == "error":
            blamed.add(finding.key)
        kept.append(finding)
    return kept
