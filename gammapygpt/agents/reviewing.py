"""A script that somebody wrote, put through all gates without a coder: what of its numbers is to be believed?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from gammapygpt import checks
from gammapygpt.agents import gates
from gammapygpt.checks.asking import reading
from gammapygpt.settings import Settings
from gammapygpt.state import Attempt, Execution, Finding, Request, ResultSpec

ORDER = {"error": 0, "warning": 1, "info": 2}
NO_PYTHON = {"syntax", "markdown-fence", "notebook-command"}
"""Rules of the contract that every script has to keep."""
NO_FILE = {"result-missing", "result-not-written"}
"""A script that only prints is a script."""


class Review(BaseModel):
    """What there is to say about a script."""

    findings: list[Finding] = Field(default_factory=list)
    result: dict[str, Any] = Field(default_factory=dict)
    execution: Execution | None = None
    """None for what is no Python."""

    @property
    def believed(self) -> bool:
        """Nothing of severity error stands against it."""
        return all(finding.severity != "error" for finding in self.findings)


def review(script: str, request: Request, settings: Settings) -> Review:
    """Check, run and doubt a script.

    Parameters
    ----------
    script
        Any Python script; one that keeps no contract of ours is run all the same.
    request
        What it was to answer; an empty text where nobody says.
    settings
        Sandbox, analysis environment, validators.

    Raises
    ------
    InfrastructureError
        The sandbox broke.
    """
    wanted = [ResultSpec(key=one.key, unit=one.unit, meaning=one.meaning) for one in reading(request).wanted]
    before = gates.preflight(script, settings, wanted)
    if any(finding.rule in NO_PYTHON and finding.severity == "error" for finding in before):
        return Review(findings=before)
    with gates.run_cold(script, request.data_path, settings) as (execution, workspace):
        result: dict[str, Any] = {}
        findings = [not_our_contract(finding, execution) for finding in before]
        if execution.completed:
            result, after = judged(workspace, script, request, wanted, execution, settings)
            findings += after
        else:
            findings.append(failed(Attempt(number=1, author="coder", script=script, execution=execution)))
    return Review(findings=ordered(findings), result=result, execution=execution)


def judged(
    workspace: Path, script: str, request: Request, wanted: list[ResultSpec], execution: Execution, settings: Settings
) -> tuple[dict[str, Any], list[Finding]]:
    """Result and findings of a script that ran to its end; one that wrote no file is still looked at from inside."""
    validation = checks.validate(
        workspace,
        wanted,
        validators=settings.validation.validators,
        request=request,
        facts=execution.facts,
        script=script,
        strict=True,
    )
    return validation.result, [milder(one) if one.rule in NO_FILE else one for one in validation.findings]


def not_our_contract(finding: Finding, execution: Execution) -> Finding:
    """What only our agents have to keep is no fault of a script, nor is a call that then worked."""
    ours = finding.gate == "contract" and finding.rule not in NO_PYTHON
    return milder(finding) if ours or (finding.gate == "api" and execution.completed) else finding


def milder(finding: Finding) -> Finding:
    """At most a warning."""
    return finding.model_copy(update={"severity": "warning"}) if finding.severity == "error" else finding


def failed(attempt: Attempt) -> Finding:
    """A script that did not come to its end."""
    told = gates.verdict(attempt)
    execution = attempt.execution
    return Finding(
        gate="contract",
        kind=told["failure"],
        rule="did-not-run",
        message=told["summary"],
        remedy="Repair it first: what it would have computed is not known.",
        line=execution.line if execution else None,
    )


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first; of findings of one rule about the same thing, the one that says most."""
    kept: dict[tuple[str, str, str], Finding] = {}
    for finding in sorted(findings, key=lambda one: (ORDER[one.severity], one.line is None, one.line or 0)):
        about = str(finding.line or "") or ("" if finding.key else finding.message)
        kept.setdefault((finding.rule, finding.key, about), finding)
    lines = {(one.rule, one.key) for one in kept.values() if one.line is not None}
    return [
        one
        for one in kept.values()
        if one.line is not None or (one.rule, one.key) not in lines or one.severity == "error"
    ]
