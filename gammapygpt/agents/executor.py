"""The executor: puts a draft through the three gates, and never runs the same script twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from langgraph.runtime import Runtime

from gammapygpt.agents import gates
from gammapygpt.agents.reading import wanted_results
from gammapygpt.agents.strategy import same_script, signature
from gammapygpt.agents.workshop import folder
from gammapygpt.context import Context
from gammapygpt.sandbox import waiting
from gammapygpt.state import Attempt, Draft, Execution, RunState, Usage

LONGEST_KEPT = {"stdout": 1000, "stderr": 1000, "message": 4000, "traceback": 4000, "warnings": 400}
"""Characters of what a script says, in the state: no agent reads its output."""
MOST_KEPT = 100
"""Entries of a list that a script makes, in the state."""
SLOWER = 1.05
"""A candidate may take this much longer than the script that it replaces: below it, it is noise."""
AGREE = 1e-3
"""Relative difference that two runs of the same analysis may show where no tolerance is given."""


def execute(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Make an attempt of the draft."""
    draft = state["draft"]
    assert draft is not None, "the graph leads here with a draft only"
    attempt = tried(draft, state, runtime.context, runtime.stream_writer)
    folder(runtime.context).keep_attempt(attempt)
    runtime.stream_writer(attempted(attempt))
    return {"attempts": [in_short(attempt)]}


def in_short(attempt: Attempt) -> Attempt:
    """What the state keeps of an attempt, in every checkpoint from here on; the whole of it is in its folder."""
    run = attempt.execution
    if run is None:
        return attempt
    cut: dict[str, Any] = {
        name: shortened(getattr(run, name), LONGEST_KEPT[name]) for name in ("stdout", "stderr", "message", "traceback")
    }
    cut["warnings"] = [shortened(line, LONGEST_KEPT["warnings"]) for line in run.warnings[:MOST_KEPT]]
    cut["artefacts"] = run.artefacts[:MOST_KEPT]
    return attempt.model_copy(update={"execution": run.model_copy(update=cut)})


def shortened(text: str, longest: int) -> str:
    """Head and tail of a long text."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def attempted(attempt: Attempt) -> dict[str, Any]:
    """The event that tells of an attempt."""
    return {
        "event": "attempted",
        "attempt": attempt.number,
        "failure": attempt.failure,
        "summary": attempt.declined or attempt.summary,
        "seconds": attempt.execution.wall_s if attempt.execution else None,
    }


def tried(draft: Draft, state: RunState, context: Context, tell: Callable[[dict[str, Any]], Any]) -> Attempt:
    """The draft at the gates."""
    attempt = begun(draft, state, context)
    if settled(attempt):
        return attempt
    attempt.execution = executed(attempt, state, context, tell)
    workspace = folder(context).attempt(attempt.number) / "workspace"
    plan, doubt = state.get("plan"), context.skeptic
    wanted = wanted_results(state["request"], plan)
    attempt = gates.judge(attempt, state["request"], wanted, workspace, context.settings, plan, skeptic=doubt)
    return compared(attempt, state.get("attempts", [])) if draft.author == "optimiser" and attempt.passed else attempt


def begun(draft: Draft, state: RunState, context: Context) -> Attempt:
    """The attempt before anything is run: what is known of the draft, and what gate 1 says."""
    attempt = Attempt(number=draft.number, author=draft.author, how=draft.how, script=draft.script)
    if known := without_a_run(attempt, draft, state.get("attempts", [])):
        return known
    if context.preflight:
        wanted = wanted_results(state["request"], state.get("plan"))
        attempt.findings = gates.preflight(draft.script, context.settings, wanted, api=context.api_gate)
        if any(finding.severity == "error" for finding in attempt.findings):
            return attempt.model_copy(update=gates.verdict(attempt))
    return attempt


def settled(attempt: Attempt) -> bool:
    """Whether an attempt has its fate without a run."""
    return attempt.failure is not None or attempt.repeat_of is not None


def without_a_run(attempt: Attempt, draft: Draft, attempts: list[Attempt]) -> Attempt | None:
    """What becomes of a draft that holds no script, or one that was tried before; None for one that is to be tried."""
    if draft.fault:
        summary = f"No usable script came back ({draft.fault}): {draft.fault_message}"
        same = signature("format", draft.fault)
        return attempt.model_copy(update={"failure": "format", "signature": same, "summary": summary})
    for earlier in attempts:
        if earlier.script and same_script(earlier.script, draft.script):
            return repeated(attempt, earlier)
    return None


def repeated(attempt: Attempt, earlier: Attempt) -> Attempt:
    """A draft that was tried before: it has the same fate, without a run."""
    same = {"failure": earlier.failure, "signature": earlier.signature, "repeat_of": earlier.number}
    if earlier.passed:
        return attempt.model_copy(update={**same, "declined": f"the same as attempt {earlier.number}"})
    summary = f"The same script as attempt {earlier.number}, not run again. {earlier.summary}"
    return attempt.model_copy(update={**same, "summary": summary})


def executed(attempt: Attempt, state: RunState, context: Context, tell: Callable[[dict[str, Any]], Any]) -> Execution:
    """Run the script in the sandbox that waits for it."""
    left = None if context.wall_s is None else context.wall_s - state.get("usage", Usage()).wall_s
    workspace = folder(context).attempt(attempt.number) / "workspace"
    shutil.rmtree(workspace, ignore_errors=True)  # what a killed run left half collected
    place = waiting.take(context.run_folder, context.settings, state["request"].data_path)
    tell({"event": "running", "attempt": attempt.number, "sandbox": place.name})
    return gates.run(place, attempt.script, gates.limits_for(context.settings, left), workspace)


def compared(candidate: Attempt, attempts: list[Attempt]) -> Attempt:
    """The optimiser's candidate, declined unless the numbers agree with the best and it is not slower."""
    best = next(attempt for attempt in reversed(attempts) if attempt.passed)
    assert best.validation is not None
    assert candidate.validation is not None
    if differing := differences(best.validation.result, candidate.validation.result):
        return candidate.model_copy(
            update={"declined": f"other numbers than attempt {best.number}: {', '.join(differing)}"}
        )
    before, after = seconds(best.execution), seconds(candidate.execution)
    if after > SLOWER * before:
        return candidate.model_copy(update={"declined": f"slower: {after:.1f} s against {before:.1f} s"})
    return candidate


def seconds(execution: Execution | None) -> float:
    """CPU time where the sandbox knows it, else wall time; in s."""
    if execution is None:
        return 0.0
    return execution.wall_s if execution.cpu_s is None else execution.cpu_s


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Keys whose values differ by more than `AGREE`; companions (`_meta`, `KEY_err`) count only when both have them."""
    keys = [key for key in one if not key.startswith("_") and (key in other or not key.endswith("_err"))]
    return [key for key in keys if key not in other or not _agree(one[key], other[key])]


def _agree(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_agree(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, int | float) and isinstance(other, int | float):
        exact = isinstance(one, int) and isinstance(other, int)
        return one == other if exact else abs(one - other) <= AGREE * max(abs(one), abs(other))
    return bool(one == other)
