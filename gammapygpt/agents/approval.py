"""The user's say: before a plan is coded, before a script is run. What a node does before it asks can be done twice."""

from __future__ import annotations

import json
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import ValidationError

from gammapygpt import cookbook
from gammapygpt.agents import executor
from gammapygpt.agents.workshop import folder
from gammapygpt.context import Context
from gammapygpt.errors import UserError
from gammapygpt.state import Answer, Plan, Question, RunState


def approve_plan(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Show the plan; go on with it, with the user's own, or not at all."""
    plan = state.get("plan") or Plan()
    answer = asked(Question(about="plan", plan=plan), runtime)
    if answer.decision == "reject":
        return {"refusal": declined("the plan", answer)}
    if answer.decision == "edit" and answer.plan is not None:
        return {"plan": edited(plan, answer.plan)}
    return {}


def approve_script(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Show the script that is about to run; a draft that no gate would let through is no matter for the user."""
    draft = state["draft"]
    assert draft is not None, "the graph leads here with a draft only"
    attempt = executor.begun(draft, state, runtime.context)
    if executor.settled(attempt):
        return {}
    question = Question(about="script", number=draft.number, script=draft.script, findings=attempt.findings)
    answer = asked(question, runtime)
    if answer.decision == "reject":
        return {"refusal": declined(f"draft {draft.number}", answer)}
    if answer.decision == "edit":
        changed = draft.model_copy(update={"script": answer.script, "how": "edited"})
        folder(runtime.context).keep_script(changed)
        plan = (state.get("plan") or Plan()).model_copy(update={"edited": True})
        return {"draft": changed, "plan": plan}
    return {}


def asked(question: Question, runtime: Runtime[Context]) -> Answer:
    """Put a question until the answer to it makes sense."""
    while True:
        given = interrupt(question.model_dump())
        try:
            answer = read(given, question)
        except UserError as error:
            question = question.model_copy(update={"problem": str(error)})
            continue
        said = {"event": "decided", "about": question.about, "number": question.number}
        runtime.stream_writer({**said, **answer.model_dump(exclude_none=True)})
        return answer


def read(given: Any, question: Question) -> Answer:
    """An answer as it came through whatever face: true, false, a decision, or an object with one, as JSON or as text.

    Raises
    ------
    UserError
        It is neither, or edits nothing that can be run.
    """
    if isinstance(given, str):
        given = _of_text(given.strip())
    if isinstance(given, bool):
        return Answer(decision="accept" if given else "reject")
    try:
        answer = Answer.model_validate(given)
    except ValidationError as error:
        form = '{"decision": "accept"}, "edit" with a "plan" or "script", or "reject" with a "reason"'
        raise UserError(f"the answer cannot be read: {error.errors()[0]['msg']}.", f"Answer with {form}.") from error
    if answer.decision == "edit":
        check_edit(answer, question)
    return answer


def _of_text(text: str) -> Any:
    """What somebody typed: one word, or JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return {"decision": text.lower()}


def check_edit(answer: Answer, question: Question) -> None:
    """Whether an edited plan names a recipe and constants that there are; whether an edited script holds something.

    Raises
    ------
    UserError
        It does not.
    """
    if question.about == "script":
        if not answer.script.strip():
            raise UserError("the edited script is empty.", "Give the whole script.")
        return
    if answer.plan is None:
        raise UserError("there is no plan in the answer.", "Give the whole plan as it was shown, with your changes.")
    check_plan(answer.plan)


def check_plan(plan: Plan) -> None:
    """Whether the recipe and the constants that a plan names are there.

    Raises
    ------
    UserError
        They are not.
    """
    if not plan.recipe:
        return
    known = cookbook.recipes()
    if plan.recipe not in known:
        raise UserError(f"there is no recipe {plan.recipe!r}.", f"There are: {', '.join(sorted(known))}.")
    cookbook.fill(known[plan.recipe], plan.parameters)


def edited(plan: Plan, given: Plan) -> Plan:
    """The user's plan; a step that no recipe knows of is left for the coder to write."""
    added = [step for step in given.steps if step not in plan.steps]
    left = list(dict.fromkeys([*given.uncovered, *(added if given.recipe == plan.recipe else [])]))
    return given.model_copy(update={"uncovered": left, "edited": True})


def declined(what: str, answer: Answer) -> str:
    """Why the run ends here."""
    return f"the user declined {what}{': ' + answer.reason if answer.reason else ''}"
