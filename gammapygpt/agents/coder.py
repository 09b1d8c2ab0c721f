"""The coder: exactly one script, a filled recipe, new, repaired in a few lines, or written afresh."""

from __future__ import annotations

from typing import Any, NamedTuple

from langgraph.runtime import Runtime

from gammapygpt import cookbook
from gammapygpt.agents import material
from gammapygpt.agents.reading import wanted_results
from gammapygpt.agents.repairing import afresh, lines_to_offer, repair_turn, unsaid
from gammapygpt.agents.shortening import ALL, Room, ask_in_room, rooms
from gammapygpt.agents.strategy import same_script, strategy, without_docstring
from gammapygpt.agents.workshop import backend, conversation, folder, gammapy_version, rules_alone, told
from gammapygpt.context import Context
from gammapygpt.cookbook import Recipe
from gammapygpt.errors import UserError
from gammapygpt.llm.base import Message, Reply
from gammapygpt.sandbox import waiting
from gammapygpt.state import Draft, Earlier, How, Plan, Request, RunState, Snippet, StoreInfo

CONVERSATION = {True: 24_000, False: 6_000}
"""Tokens up to which earlier repairs stay in a conversation, by whether the model can call tools."""


class Asking(NamedTuple):
    """What the model is asked."""

    messages: list[Message]
    base: str
    """The script that the messages end with, or the example."""
    patch_lines: tuple[int, int] | None
    """Its lines that may be replaced, first and last."""


def write(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Ask for a script; a sandbox starts while the model writes."""
    attempts, context = state.get("attempts", []), runtime.context
    number, how = len(attempts) + 1, next_step(state, context)
    waiting.prepare(context.run_folder, context.settings, state["request"].data_path)
    if how == "recipe":
        draft = Draft(author="coder", number=number, how=how, script=filled(state.get("plan")))
        return handed_on(draft, [], runtime)
    able, turns = "tools" in backend("coder", context).abilities, to_repair if how == "repair" else to_draft
    asked: list[Asking] = []

    def put(room: Room) -> dict[str, Any]:
        asked.append(turns(state, context, able=able, room=room))
        asked[-1].messages[-1].patch_lines = asked[-1].patch_lines
        return asked[-1]._asdict()

    reply, messages = ask_in_room(
        "coder",
        state,
        runtime,
        step=f"coder-{number}",
        put=put,
        within=rooms(max(len(attempts) - 1, 0)),
        form="script",
        fresh=how == "fresh" and bool(attempts),
    )
    draft = draft_of(reply, asked[-1].base, number, how)
    plan = state.get("plan")
    if draft.script and (said := given_back(draft.script, plan, state["request"].earlier)):
        draft = untouched(draft, said)
    refused = draft.fault == "refused" and rules_alone(context)
    record = [message.model_dump(include={"role", "content"}) for message in messages]
    return {
        **handed_on(draft, [*record, {"role": "assistant", "content": reply.text}], runtime),
        "conversation": [message.model_dump() for message in messages],
        "found": [],
        "refusal": draft.fault_message if refused else "",
        "usage": reply.usage,
    }


def handed_on(draft: Draft, record: list[dict[str, Any]], runtime: Runtime[Context]) -> dict[str, Any]:
    """Keep the draft with the messages that led to it, tell of it, and pass it on."""
    folder(runtime.context).keep_draft(draft, record)
    runtime.stream_writer({"event": "drafted", "attempt": draft.number, "how": draft.how, "fault": draft.fault})
    return {"draft": draft}


def given_back(script: str, plan: Plan | None, earlier: Earlier | None) -> str:
    """What came back as it was, and what that leaves out; empty where a script is another one."""
    if plan and plan.uncovered and same_script(script, filled(plan)):
        return f"the recipe came back unchanged, which leaves out {'; '.join(plan.uncovered)}"
    if earlier and earlier.script and same_script(script, earlier.script):
        return f"the script of the run before came back unchanged, which leaves out {earlier.asked}"
    return ""


def untouched(draft: Draft, said: str) -> Draft:
    """A script given back as it was, although it does not do all that was asked: no answer to the request."""
    return draft.model_copy(update={"script": "", "fault": "malformed", "fault_message": said})


def to_draft(state: RunState, context: Context, *, able: bool, room: Room = ALL) -> Asking:
    """A conversation begun anew: the first draft, or another one after others failed."""
    plan, snippets, attempts = state.get("plan"), state.get("snippets", []), state.get("attempts", [])
    recipe = closest(plan, snippets) if context.retrieval else None
    earlier = state["request"].earlier
    kept = earlier.script if earlier and earlier.result and context.drafts else ""
    shown = (kept or example(recipe, plan if context.drafts else None)) if room.example else ""
    # a small model that begins with the example's docstring goes on with the words of its prompt
    shown = shown if able else without_docstring(shown)
    others = [one for one in recipes_last(snippets) if not recipe or one.text != recipe.source]
    reference = room.best(material.chosen(others, material.REFERENCE[able], shown=[shown]))
    version = gammapy_version(context.settings)
    missing = plan.uncovered if plan and context.drafts and plan.recipe else []
    missing = list(dict.fromkeys([earlier.asked, *missing])) if earlier and kept else missing
    messages = conversation("coder", context, gammapy=version, **task(state, shown, reference, missing))
    if attempts:
        messages[-1].content += "\n" + afresh(state, room.best(looked_up(state, messages, able=able)), room)
    return Asking(messages, shown, None)


def to_repair(state: RunState, context: Context, *, able: bool, room: Room = ALL) -> Asking:
    """The last conversation and one more turn: what a server has read of it, it need not read again.

    One that has grown too long goes on from its task.
    """
    last = state["attempts"][-1]
    patch = lines_to_offer(last)
    begun = [Message.model_validate(turn) for turn in state.get("conversation", [])]
    if not begun or room.pieces < 1:
        begun = [*anew(state, context, able=able, room=room if begun else Room(example=False)), *begun[2:]]
    task, earlier = begun[:2], room.newest(begun[2:], each=2)
    turn = repair_turn(state, patch, room.best(looked_up(state, begun, able=able)))
    if sum(material.tokens(message.content) for message in [*task, *earlier, *turn]) > CONVERSATION[able]:
        earlier = []
    return Asking([*task, *earlier, *turn], last.script, patch)


def anew(state: RunState, context: Context, *, able: bool, room: Room) -> list[Message]:
    """The task of a conversation as it would be put before the first attempt; a script that failed is to follow."""
    begun: RunState = {"request": state["request"], "plan": state.get("plan")}
    if state.get("conversation"):
        begun["snippets"] = state.get("snippets", [])
    return to_draft(begun, context, able=able, room=room).messages


def looked_up(state: RunState, begun: list[Message], *, able: bool) -> list[Snippet]:
    """What was found for the failing names and is said neither earlier in the conversation nor in this turn."""
    found = unsaid(state.get("found", []), state["attempts"][-1])
    return material.chosen(found, material.FOUND[able], shown=[message.content for message in begun])


def recipes_last(snippets: list[Snippet]) -> list[Snippet]:
    """The pieces with other recipes behind them: one whole script is shown anyway, as the example."""
    return sorted(snippets, key=lambda snippet: snippet.source.startswith("recipe:"))


def next_step(state: RunState, context: Context) -> How:
    """`recipe` where one answers the whole request, else `first`; then as the critic says, never the same again."""
    attempts, critique, plan = state.get("attempts", []), state.get("critique"), state.get("plan")
    if not attempts:
        return "recipe" if context.drafts and plan and plan.covers else "first"
    if not attempts[-1].script or strategy(attempts) != "repair":
        return "fresh"
    return "repair" if critique is None or critique.action == "repair" else "fresh"


def task(state: RunState, shown: str, reference: list[Snippet], missing: list[str]) -> dict[str, Any]:
    """What the task turn of the prompt is filled with; `missing` is what the script shown does not do."""
    request, plan = state["request"], state.get("plan")
    return {
        "request": request.text,
        "stores": told(chosen_stores(request, plan)),
        "results": wanted_results(request, plan),
        "steps": plan.steps if plan else [],
        "assumptions": plan.assumptions if plan else [],
        "reference": material.cited(reference),
        "cite": material.to_cite(reference),
        "example": shown.rstrip("\n"),
        "missing": missing,
        "lessons": request.earlier.lessons if request.earlier else [],
    }


def chosen_stores(request: Request, plan: Plan | None) -> list[StoreInfo]:
    """The data store that the plan names, or all there are: a small model takes any name that it sees."""
    named = plan.parameters.get("DATA_STORE") if plan else None
    return [store for store in request.stores if store.path == named] or request.stores


def closest(plan: Plan | None, snippets: list[Snippet]) -> Recipe | None:
    """The closest recipe: the plan's, or the best that retrieval found."""
    found = [snippet.source.removeprefix("recipe:") for snippet in snippets if snippet.source.startswith("recipe:")]
    return cookbook.recipes().get(plan.recipe if plan and plan.recipe else (found or [""])[0])


def example(recipe: Recipe | None, plan: Plan | None) -> str:
    """A recipe's script, with the constants that the plan gives it."""
    if recipe is None:
        return ""
    try:
        return cookbook.fill(recipe, plan.parameters if plan and plan.recipe else {})
    except UserError:
        return recipe.source


def filled(plan: Plan | None) -> str:
    """The script of the plan's recipe with the plan's parameters; empty without one."""
    recipe = cookbook.recipes().get(plan.recipe) if plan else None
    return example(recipe, plan)


def draft_of(reply: Reply, base: str, number: int, how: How) -> Draft:
    """The reply as a draft; replacement lines are put into the script that the prompt showed."""
    if reply.fault:
        said = reply.fault_message or reply.fault
        return Draft(author="coder", number=number, how=how, fault=reply.fault, fault_message=said)
    if reply.lines is None:
        return Draft(author="coder", number=number, how=how, script=reply.script)
    script = patched(base, reply.lines, reply.script)
    if script is None:
        said = "lines {}-{} are not in the script".format(*reply.lines)
        return Draft(author="coder", number=number, how=how, fault="malformed", fault_message=said)
    return Draft(author="coder", number=number, how="patch", script=script)


def patched(script: str, lines: tuple[int, int], replacement: str) -> str | None:
    """The script with some lines replaced, or None when it has no such lines."""
    old, (first, last) = script.splitlines(), lines
    if not 1 <= first <= last <= len(old):
        return None
    return "\n".join([*old[: first - 1], *replacement.rstrip("\n").splitlines(), *old[last:]]) + "\n"
