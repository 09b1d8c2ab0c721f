"""The three gates: is it allowed, did it run, is it right. The same for a model's script and a user's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gammapygpt import checks, sandbox
from gammapygpt.agents.reading import wanted_results
from gammapygpt.agents.strategy import signature
from gammapygpt.agents.workshop import environment
from gammapygpt.knowledge.facts import facts
from gammapygpt.sandbox.base import Limits, Sandbox
from gammapygpt.settings import Settings
from gammapygpt.state import Attempt, Execution, FailureKind, Finding, Plan, Request, ResultSpec
from gammapygpt.temporary import temporary_folder

STOPPED: dict[str, tuple[FailureKind, str]] = {
    "wall": ("timeout", "it ran longer than it may"),
    "cpu": ("timeout", "it used more CPU time than it may"),
    "memory": ("memory", "it used more memory than it may"),
    "processes": ("runtime", "it started more processes than it may"),
    "output": ("output", "it printed more than it may"),
    "disk": ("output", "it wrote more than it may"),
    "files": ("output", "it left more files than it may"),
}
RAISED: dict[str, FailureKind] = {
    "SyntaxError": "syntax",
    "IndentationError": "syntax",
    "TabError": "syntax",
    "ImportError": "import",
    "ModuleNotFoundError": "import",
    "AttributeError": "api",
    "TypeError": "api",
    "FileNotFoundError": "data",
    "OSError": "data",
    "MemoryError": "memory",
    "GammapyDeprecationWarning": "api",
}


def preflight(script: str, settings: Settings, wanted: list[ResultSpec], *, api: bool = True) -> list[Finding]:
    """Gate 1, static: milliseconds, nothing is run; what is installed was asked of the environment before."""
    keys = [spec.key for spec in wanted]
    if not api:
        return checks.check_contract(script, None, keys)
    return checks.check_contract(script, environment(settings), keys, facts(settings))


def run(place: Sandbox, script: str, limits: Limits, workspace: Path) -> Execution:
    """Gate 2: run it in a sandbox of its own and collect what it left."""
    workspace.mkdir(parents=True, exist_ok=True)
    return place.run(script, limits, workspace)


@contextmanager
def run_cold(
    script: str, data_path: str, settings: Settings, limits: Limits | None = None
) -> Iterator[tuple[Execution, Path]]:
    """A script in a sandbox where nothing was imported for it, and the folder, gone after the block, that it left.

    Raises
    ------
    InfrastructureError
        The sandbox broke.
    """
    place = sandbox.open_sandbox(settings, data_path, warm=False)
    with temporary_folder() as folder:
        workspace = folder / "workspace"
        yield run(place, script, limits or sandbox.limits(settings), workspace), workspace


def verified_cold(
    attempt: Attempt, request: Request, plan: Plan | None, settings: Settings, *, skeptic: bool = True
) -> Attempt:
    """The attempt as it ends in a sandbox where nothing was imported for it: an import that it lacks cannot hide.

    Raises
    ------
    InfrastructureError
        The sandbox broke.
    """
    with run_cold(attempt.script, request.data_path, settings) as (execution, workspace):
        again = attempt.model_copy(update={"execution": execution, "validation": None, "findings": []})
        wanted = wanted_results(request, plan)
        return judge(again, request, wanted, workspace, settings, plan, skeptic=skeptic)


def limits_for(settings: Settings, seconds_left: float | None) -> Limits:
    """The limits of one execution; never longer than what is left of the run's wall time."""
    limits = sandbox.limits(settings)
    if seconds_left is None or seconds_left >= limits.wall_s:
        return limits
    return limits.model_copy(update={"wall_s": max(1.0, seconds_left)})


def judge(
    attempt: Attempt,
    request: Request,
    wanted: list[ResultSpec],
    workspace: Path,
    settings: Settings,
    plan: Plan | None = None,
    *,
    skeptic: bool = True,
) -> Attempt:
    """Gate 3 on an attempt that ran, and the verdict: `failure`, `signature` and `summary` filled in."""
    if attempt.execution is not None and attempt.execution.completed:
        known = checks.read_expectations(Path(request.expect_file)) if request.expect_file else []
        validation = checks.validate(
            workspace,
            wanted,
            known,
            settings.validation.validators,
            plan,
            request,
            facts=attempt.execution.facts,
            script=attempt.script,
            skeptic=skeptic,
        )
        attempt = attempt.model_copy(update={"validation": validation})
    return attempt.model_copy(update=verdict(attempt))


def verdict(attempt: Attempt) -> dict[str, Any]:
    """What the gates say in one word, one signature and one line."""
    execution, validation = attempt.execution, attempt.validation
    if blamed := [finding for finding in attempt.findings if finding.severity == "error"]:
        return _found(blamed, "before the run")
    if execution is None:
        return {"failure": "format", "signature": signature("format", attempt.summary), "summary": attempt.summary}
    if execution.stopped_by:
        kind, what = STOPPED[execution.stopped_by]
        summary = f"The script was stopped: {what} ({execution.stopped_by})."
        return {"failure": kind, "signature": signature(kind, execution.stopped_by), "summary": summary}
    if not execution.completed:
        return _raised(execution)
    if validation is not None and not validation.passed:
        return _found([f for f in validation.findings if f.severity == "error"], "in the results")
    return {"failure": None, "signature": "", "summary": "The script ran and its results passed."}


def _found(findings: list[Finding], where: str) -> dict[str, Any]:
    first = findings[0]
    line = f"line {first.line}: " if first.line else ""
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return {
        "failure": first.kind,
        "signature": signature(
            first.kind, *(f"{finding.rule} {finding.key} {finding.message}" for finding in findings)
        ),
        "summary": f"Stopped {where}: {line}{first.message}{more}",
    }


def _raised(execution: Execution) -> dict[str, Any]:
    name = execution.exception.rsplit(".", 1)[-1]
    kind: FailureKind = RAISED.get(name, "runtime")
    if not name:
        summary = f"The script ended with exit code {execution.exit_code}."
    else:
        line = f" in line {execution.line}" if execution.line else ""
        summary = f"{name}{line}: {execution.message}".rstrip(": ")
    return {"failure": kind, "signature": signature(kind, name, execution.message), "summary": summary}
