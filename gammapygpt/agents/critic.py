"""The critic: names the kind of a failure and says what to do next; after a success, what to look at first."""

from __future__ import annotations

from typing import Any, get_args

from langgraph.runtime import Runtime
from pydantic import ValidationError

from gammapygpt.agents.repairing import failure
from gammapygpt.agents.strategy import strategy
from gammapygpt.agents.workshop import ask, conversation
from gammapygpt.context import Context
from gammapygpt.llm.base import Reply
from gammapygpt.state import Attempt, Critique, FailureKind, RunState, Usage

KINDS = [kind for kind in get_args(FailureKind) if kind not in ("infrastructure", "budget")]
ACTIONS = ["repair", "fresh", "replan", "give_up"]
PATIENCE = 2
"""Failed attempts before a model's word is taken that it cannot be done."""


def criticise(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Judge the last attempt."""
    attempts = state["attempts"]
    last = attempts[-1]
    if last.passed:
        critique, usage = on_success(last), Usage()
    else:
        reply = asked(state, runtime)
        critique, usage = on_failure(attempts, reply), reply.usage
    runtime.stream_writer({"event": "criticised", "attempt": last.number, **critique.model_dump()})
    return {"critique": critique, "usage": usage}


def on_success(attempt: Attempt) -> Critique:
    """The warnings of all gates, which a user should see beside the numbers. Rules cannot be talked round."""
    validation, execution = attempt.validation, attempt.execution
    found = [*attempt.findings, *(validation.findings if validation else [])]
    concerns = [finding.message for finding in found if finding.severity != "error"]
    concerns += execution.warnings if execution else []
    return Critique(action="accept", diagnosis="The results passed all gates.", concerns=concerns)


def asked(state: RunState, runtime: Runtime[Context]) -> Reply:
    """Ask the critic's backend to read the failure."""
    attempts = state["attempts"]
    last = attempts[-1]
    lines = last.script.splitlines()
    messages = conversation(
        "critic",
        runtime.context,
        request=state["request"].text,
        numbered="\n".join(f"{number:4d}  {line}" for number, line in enumerate(lines, 1)) or "(no script)",
        **failure(last),
        earlier=[{"number": attempt.number, "summary": attempt.summary} for attempt in attempts[:-1]],
    )
    return ask(
        "critic",
        state,
        runtime,
        step=f"critic-{last.number}",
        form="json",
        messages=messages,
        json_schema=critique_schema(),
    )


def critique_schema() -> dict[str, Any]:
    """JSON schema of the critic's reply."""
    text = {"type": "string"}
    properties = {
        "kind": {"type": "string", "enum": KINDS},
        "diagnosis": text,
        "action": {"type": "string", "enum": ACTIONS},
        "advice": text,
    }
    return {
        "title": "Critique",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def on_failure(attempts: list[Attempt], reply: Reply) -> Critique:
    """The model's critique, or one by rules; a repeated error changes the strategy whatever the model says."""
    last, how = attempts[-1], strategy(attempts)
    by_rules = Critique(kind=last.failure, diagnosis=last.summary, action=how)
    try:
        critique = Critique.model_validate(reply.value) if reply.value else by_rules
    except ValidationError:
        critique = by_rules
    if critique.action == "give_up" and len(attempts) < PATIENCE:
        critique = critique.model_copy(update={"action": how})
    if how != "repair" and critique.action not in ("give_up", "replan"):
        critique = critique.model_copy(update={"action": how})
    return critique
