"""The critic: names the kind of a failure and says what to do next; after a success, what to look at first."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args

from langgraph.runtime import Runtime
from pydantic import ValidationError

from gammapygpt.agents.repairing import failure
from gammapygpt.agents.shortening import Room, ask_in_room, rooms
from gammapygpt.agents.strategy import strategy
from gammapygpt.agents.workshop import ask, backend, conversation, system_turn
from gammapygpt.checks.choices import analysis_choices, open_warnings
from gammapygpt.context import Context
from gammapygpt.llm.base import Message, Reply
from gammapygpt.prompts import render
from gammapygpt.state import Attempt, Critique, FailureKind, RunState, Usage

KINDS = [kind for kind in get_args(FailureKind) if kind not in ("infrastructure", "budget")]
ACTIONS = ["repair", "fresh", "replan", "give_up"]
VERDICTS: dict[str, Literal["accept", "repair", "replan", "give_up"]] = {
    "accept": "accept",
    "repair": "repair",
    "replan": "replan",
    "impossible": "give_up",
}
"""What a model may say of a result, and the action that it stands for."""
MOST_RESULT = 6000
"""Characters of result.json that the critic reads."""
PATIENCE = 2
"""Failed attempts before a model's word is taken that it cannot be done."""


def criticise(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Judge the last attempt."""
    attempts = state["attempts"]
    last = attempts[-1]
    objections = state.get("objections", {})
    if not last.passed:
        reply = asked(state, runtime)
        critique, usage = on_failure(attempts, reply), reply.usage
    elif worth_asking(state, runtime.context):
        reply = looked_at(state, runtime)
        critique, usage = with_verdict(on_success(last), reply, known=bool(state["request"].expect_file)), reply.usage
    else:
        critique, usage = on_success(last), Usage()
    if last.passed and (plan := state.get("plan")) and plan.uncovered and last.how != "recipe":
        critique.concerns += [f"Nobody has checked that the script does this: {part}" for part in plan.uncovered]
    if last.passed and critique.action != "accept":
        objections = {**objections, last.number: critique.diagnosis}
    runtime.stream_writer({"event": "criticised", "attempt": last.number, **critique.model_dump()})
    return {"critique": critique, "objections": objections, "usage": usage}


def worth_asking(state: RunState, context: Context) -> bool:
    """Whether a model should look at a result that passed: a model wrote the script, and this one can judge.

    A recipe that covers the request was written and tested by people; a model that cannot call tools sees ghosts.
    """
    speaker = backend("critic", context)
    return state["attempts"][-1].how != "recipe" and speaker.kind != "cookbook" and "tools" in speaker.abilities


def looked_at(state: RunState, runtime: Runtime[Context]) -> Reply:
    """Ask whether the numbers are those that were asked for."""
    last, plan = state["attempts"][-1], state.get("plan")
    result = last.validation.result if last.validation else {}
    messages = [
        system_turn("critic", runtime.context),
        Message(
            role="user",
            content=render(
                "critic",
                "success",
                request=state["request"].text,
                numbered=numbered(last.script),
                result=json.dumps(result, indent=1)[:MOST_RESULT],
                seen=analysis_choices(last.execution.facts) if last.execution else [],
                concerns=on_success(last).concerns,
                uncovered=plan.uncovered if plan else [],
            ),
        ),
    ]
    return ask(
        "critic",
        state,
        runtime,
        step=f"critic-{last.number}",
        form="json",
        messages=messages,
        json_schema=verdict_schema(list(result)),
    )


def verdict_schema(keys: list[str]) -> dict[str, Any]:
    """JSON schema of the verdict on a result: a question for each number, then what to do."""
    text = {"type": "string"}
    number = {
        "type": "object",
        "properties": {
            "key": {"type": "string", "enum": [key for key in keys if not key.startswith("_")] or [""]},
            "computed_from": text,
            "is_what_was_asked": {"type": "boolean"},
        },
        "required": ["key", "computed_from", "is_what_was_asked"],
        "additionalProperties": False,
    }
    properties = {
        "numbers": {"type": "array", "items": number},
        "choices_as_asked": {"type": "boolean"},
        "verdict": {"type": "string", "enum": list(VERDICTS)},
        "why": text,
        "advice": text,
    }
    return {
        "title": "Verdict",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def with_verdict(critique: Critique, reply: Reply, *, known: bool) -> Critique:
    """The rules' critique with the model's verdict; against a known answer a verdict is a concern and no more."""
    value = reply.value or {}
    action, why = VERDICTS.get(str(value.get("verdict", "")), "accept"), str(value.get("why", "")).strip()
    if action == "accept" or not why:
        return critique
    if known:
        return critique.model_copy(update={"concerns": [*critique.concerns, why]})
    return critique.model_copy(
        update={"action": action, "diagnosis": why, "advice": str(value.get("advice", "")), "kind": "physics"}
    )


def numbered(script: str) -> str:
    """A script with the numbers of its lines."""
    lines = script.splitlines()
    return "\n".join(f"{number:4d}  {line}" for number, line in enumerate(lines, 1)) or "(no script)"


def on_success(attempt: Attempt) -> Critique:
    """What the rules found, the worst first: a user should see it beside the numbers, and no model talks it away."""
    concerns = [str(warning["message"]) for warning in open_warnings(attempt)]
    concerns += attempt.execution.warnings if attempt.execution else []
    return Critique(action="accept", diagnosis="The results passed all gates.", concerns=concerns)


def asked(state: RunState, runtime: Runtime[Context]) -> Reply:
    """Ask the critic's backend to read the failure."""
    *earlier, last = state["attempts"]
    told = failure(last)

    def put(room: Room) -> dict[str, Any]:
        messages = conversation(
            "critic",
            runtime.context,
            request=state["request"].text,
            numbered=numbered(last.script),
            **{**told, "hints": room.best(told["hints"])},
            earlier=[{"number": attempt.number, "summary": attempt.summary} for attempt in room.newest(earlier)],
        )
        return {"messages": messages}

    reply, _ = ask_in_room(
        "critic",
        state,
        runtime,
        step=f"critic-{last.number}",
        put=put,
        within=rooms(len(earlier)),
        form="json",
        json_schema=critique_schema(),
    )
    return reply


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
