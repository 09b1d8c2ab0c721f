"""Who speaks next: pure functions of the state and the context. Budgets are conditions here, checked before a call."""

from __future__ import annotations

from typing import Final, Literal

from langgraph.runtime import Runtime

from gammapygpt.agents.lookup import new_names
from gammapygpt.agents.strategy import Strategy, strategy
from gammapygpt.context import Context
from gammapygpt.state import Outcome, RunState, Usage

END: Final = "__end__"
"""`langgraph.graph.END`, with a type that the routers' return values can name."""


def first_agent(state: RunState, runtime: Runtime[Context]) -> Literal["retriever", "planner", "coder"]:
    """Look things up, plan, or write at once, as the switches say."""
    return "retriever" if runtime.context.retrieval else after_retrieval(state, runtime)


def after_retrieval(state: RunState, runtime: Runtime[Context]) -> Literal["planner", "coder"]:
    """Plan if there is a planner; write, if there was a plan and its script failed."""
    return "planner" if runtime.context.planner and not state.get("attempts") else "coder"


def after_planning(state: RunState, runtime: Runtime[Context]) -> Literal["approve_plan", "coder", "__end__"]:
    """Write, unless the planner said that it cannot be done; first the user is asked, if that is wanted."""
    if state.get("refusal") or over_budget(state, runtime.context):
        return END
    return "approve_plan" if "plan" in runtime.context.approve else "coder"


def after_plan_approval(state: RunState) -> Literal["coder", "__end__"]:
    """Write what the user let through."""
    return END if state.get("refusal") else "coder"


def after_writing(state: RunState, runtime: Runtime[Context]) -> Literal["approve_script", "executor", "__end__"]:
    """Try the draft, unless there will be none; first the user is asked, if that is wanted."""
    return END if state.get("refusal") else _to_the_sandbox(runtime.context)


def after_script_approval(state: RunState) -> Literal["executor", "__end__"]:
    """Try what the user let through."""
    return END if state.get("refusal") else "executor"


def after_execution(
    state: RunState, runtime: Runtime[Context]
) -> Literal["critic", "retriever", "coder", "planner", "optimiser", "__end__"]:
    """Passed: let the critic look at it, then the optimiser. Failed: try again while the budget lasts."""
    if state.get("refusal"):
        return END
    last = state["attempts"][-1]
    if last.author == "optimiser":
        return END
    if runtime.context.critic and (last.passed or not over_budget(state, runtime.context)):
        return "critic"
    if last.passed:
        return _after_success(state, runtime.context)
    return _next_draft(state, runtime.context, strategy(state["attempts"]))


def after_critique(
    state: RunState, runtime: Runtime[Context]
) -> Literal["retriever", "coder", "planner", "optimiser", "__end__"]:
    """Do what the critic says, in so far as the budget allows it."""
    if state["attempts"][-1].passed and state["attempts"][-1].number not in state.get("objections", {}):
        return _after_success(state, runtime.context)
    critique = state.get("critique")
    action = critique.action if critique else "repair"
    if action == "give_up":
        return END
    return _next_draft(state, runtime.context, "replan" if action == "replan" else "repair")


def after_optimising(state: RunState, runtime: Runtime[Context]) -> Literal["approve_script", "executor", "__end__"]:
    """Try the candidate if there is one."""
    draft = state.get("draft")
    return _to_the_sandbox(runtime.context) if draft and draft.author == "optimiser" and draft.script else END


def _to_the_sandbox(context: Context) -> Literal["approve_script", "executor"]:
    return "approve_script" if "script" in context.approve else "executor"


def _after_success(state: RunState, context: Context) -> Literal["optimiser", "__end__"]:
    return "optimiser" if context.optimiser and not over_budget(state, context, drafts=False) else END


def _next_draft(
    state: RunState, context: Context, how: Strategy
) -> Literal["retriever", "coder", "planner", "__end__"]:
    if over_budget(state, context):
        return END
    if how == "replan" and context.planner:
        return "planner"
    return "retriever" if context.retrieval and new_names(state) else "coder"


def over_budget(state: RunState, context: Context, *, drafts: bool = True) -> str:
    """Which budget is spent, in words, or an empty string.

    Parameters
    ----------
    drafts : bool
        Count the attempts too; the optimiser's candidate is not one of them.
    """
    usage = state.get("usage", Usage())
    made = sum(attempt.author == "coder" for attempt in state.get("attempts", []))
    spent: list[tuple[str, float, float | None]] = [
        ("attempts", made if drafts else 0, context.attempts),
        ("model calls", usage.calls, context.model_calls),
        ("tokens", usage.tokens, context.tokens),
        ("cost", usage.cost, context.cost),
        ("wall time in s", usage.wall_s, context.wall_s),
    ]
    for name, used, limit in spent:
        if limit is not None and used >= limit:
            return f"the budget of {limit:g} {name} is spent"
    return ""


def recursion_limit(context: Context) -> int:
    """Steps that a run can take at the most: each draft may meet retriever or planner, coder, executor and critic,
    and the user twice."""
    return 6 * context.attempts + 10


def outcome(state: RunState, context: Context) -> Outcome:
    """How a finished graph ended: the last attempt that passed stands."""
    attempts = state.get("attempts", [])
    usage = state.get("usage", Usage())
    objections = state.get("objections", {})
    passed = [attempt for attempt in attempts if attempt.passed and attempt.number not in objections]
    if passed:
        declined = next((f" (optimiser's candidate not kept: {a.declined})" for a in attempts if a.declined), "")
        number = passed[-1].number
        return Outcome(
            status="passed", reason=f"attempt {number} passed{declined}", best=number, attempts=attempts, usage=usage
        )
    if doubted := next((attempt for attempt in reversed(attempts) if attempt.passed), None):
        why = f"attempt {doubted.number} passed all gates, but the critic objects: {objections[doubted.number]}"
        return Outcome(status="failed", reason=why, attempts=attempts, usage=usage)
    refusal = state.get("refusal")
    if refusal and not attempts:
        return Outcome(status="refused", reason=refusal, usage=usage)
    last = attempts[-1].summary if attempts else "no script was written"
    if refusal:
        return Outcome(status="failed", reason=f"{last} {refusal}", attempts=attempts, usage=usage)
    if spent := over_budget(state, context):
        return Outcome(status="budget", reason=f"{spent}; last: {last}", attempts=attempts, usage=usage)
    critique = state.get("critique")
    said = f"; the critic: {critique.diagnosis}" if critique and critique.action == "give_up" else ""
    return Outcome(status="failed", reason=f"{last}{said}", attempts=attempts, usage=usage)
