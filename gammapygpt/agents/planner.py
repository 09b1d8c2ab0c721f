"""The planner: which recipe comes closest, with which numbers in and out, and what of the request it leaves open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from langgraph.runtime import Runtime
from pydantic import ValidationError

from gammapygpt import cookbook
from gammapygpt.agents import parameters
from gammapygpt.agents.reading import wanted_results
from gammapygpt.agents.shortening import Room, ask_in_room, rooms
from gammapygpt.agents.workshop import backend, conversation, rules_alone, told
from gammapygpt.context import Context
from gammapygpt.cookbook import Recipe
from gammapygpt.llm.base import Reply
from gammapygpt.llm.cookbook import plan_with, plans_of
from gammapygpt.state import Earlier, Plan, Request, ResultSpec, RunState

MOST = 3
"""Recipes that a model which cannot call tools chooses among: it takes the first of a long list."""


def plan(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Turn the request into a plan; what a model adds is kept only where the request bears it out.

    Rules propose recipes and read their parameters. A model confirms one, fills what the rules left open, and names
    what the recipe does not do; a small model is asked only where something is open.
    """
    request, context = state["request"], runtime.context
    speaker = backend("planner", context)
    by_rules = context.retrieval or speaker.kind == "cookbook"
    proposals = plans_of(request) if by_rules else []
    able = "tools" in speaker.abilities
    if speaker.kind != "cookbook" and not able and proposals and proposals[0].covers and not state.get("attempts"):
        chosen, usage = proposals[0], None
    else:
        reply = asked(state, runtime, proposals, able=able)
        if reply.fault == "refused" and rules_alone(context):
            return {"refusal": reply.fault_message, "usage": reply.usage}
        request = restated(request, reply.value)
        proposals = plans_of(request) if by_rules and request is not state["request"] else proposals
        chosen, usage = settle(proposed(reply.value), proposals, request, able=able), reply.usage
    told_of = chosen.model_dump(include={"recipe", "parameters", "steps", "uncovered"})
    anew = {} if request is state["request"] else {"request": request}
    runtime.stream_writer({"event": "planned", **told_of, **{name: one.text for name, one in anew.items()}})
    return {"plan": chosen, "refusal": "", **anew, **({"usage": usage} if usage else {})}


def asked(state: RunState, runtime: Runtime[Context], proposals: list[Plan], *, able: bool) -> Reply:
    """Put the request, the recipes and the first reading to the planner's backend."""
    request, attempts = state["request"], state.get("attempts", [])
    known = cookbook.recipes() if runtime.context.retrieval or proposals else {}
    close = [known[one.recipe] for one in proposals[:MOST]] or [known[n] for n in recipes_found(state) if n in known]
    offered = known if able else {one.name: one for one in close}
    best = proposals[0] if proposals else Plan()
    values = parameters.schema(best, request, able=able)
    restates = to_restate(request, able=able)

    def put(room: Room) -> dict[str, Any]:
        listing = offered if room.pieces else {name: one for name, one in offered.items() if one in close}
        # a small model reads 20 tokens a second: it is shown what is open, and nothing else
        shown: dict[str, Collection[str]] = {best.recipe: list(values.get("properties", {}))}
        if able:
            shown = {one.name: list(one.constants) for one in room.best(close[:MOST])}
        messages = conversation(
            "planner",
            runtime.context,
            request=request.text,
            earlier=restates if room.example or not restates else restates.model_copy(update={"script": ""}),
            stores=told(request.stores),
            recipes=listed(listing, shown),
            draft=best.model_dump_json(include={"recipe", "parameters", "uncovered"}) if best.recipe and able else "",
            failures=[{"summary": attempt.summary} for attempt in [*room.newest(attempts[:-1]), *attempts[-1:]]],
            able=able,
        )
        return {
            "messages": messages,
            "json_schema": plan_schema(list(listing), values, able=able, restates=bool(restates)),
        }

    reply, _ = ask_in_room(
        "planner",
        state,
        runtime,
        step=f"planner-{len(attempts)}",
        put=put,
        within=rooms(max(len(attempts) - 1, 0)),
        form="json",
        fresh=bool(attempts),
    )
    return reply


def to_restate(request: Request, *, able: bool) -> Earlier | None:
    """The run that a follow-up goes on from which the rules do not understand, where a model can."""
    return request.earlier if able and request.earlier and request.earlier.unread else None


def restated(request: Request, value: dict[str, Any] | None) -> Request:
    """The request with the text that a model gave to a follow-up which the rules do not understand; else as it was."""
    text = str((value or {}).get("request") or "").strip()
    if not text or request.earlier is None or not request.earlier.unread:
        return request
    understood = request.earlier.model_copy(update={"changes": [f"as the planner read it: {text}"], "unread": ""})
    return request.model_copy(update={"text": text, "earlier": understood})


def recipes_found(state: RunState) -> list[str]:
    """Names of the recipes that retrieval brought."""
    sources = [snippet.source for snippet in state.get("snippets", [])]
    return [source.removeprefix("recipe:") for source in sources if source.startswith("recipe:")]


def listed(known: dict[str, Recipe], names: Mapping[str, Collection[str]]) -> list[dict[str, Any]]:
    """Recipes by name and question, with the constants that a prompt pays for: their names by recipe."""
    return [
        {
            "name": one.name,
            "title": one.answers.split("\n")[0],
            "constants": [
                f"{constant.name} = {constant.default!r}  # {constant.comment}"
                for constant in one.constants.values()
                if constant.name in names.get(one.name, ())
            ],
        }
        for one in known.values()
    ]


def plan_schema(
    recipe_names: list[str], values: dict[str, Any], *, able: bool, restates: bool = False
) -> dict[str, Any]:
    """JSON schema of the planner's reply; recipes are an enumeration, so that none is invented.

    Of a follow-up that the rules do not understand it holds the whole request, `request`, before all else.

    A small model is asked for the recipe and its open parameters alone: what it adds beyond that is noise.
    """
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    spec = {
        "type": "object",
        "properties": {"key": text, "unit": text, "meaning": text},
        "required": ["key", "unit", "meaning"],
        "additionalProperties": False,
    }
    recipe = {"type": "string", "enum": [*recipe_names, ""]}
    properties = {"recipe": recipe, "parameters": values} if values.get("properties") or able else {"recipe": recipe}
    if able or not recipe_names:
        results = {"type": "array", "items": spec}
        properties = {"request": text, **properties} if restates else properties
        properties |= {"missing": texts, "steps": texts, "results": results, "assumptions": texts}
    return {"title": "Plan", "type": "object", "properties": properties, "required": list(properties)}


def proposed(value: dict[str, Any] | None) -> Plan:
    """The model's plan, or an empty one when its reply was unusable; what it misses in the recipe is uncovered."""
    given = dict(value or {})
    missing = given.pop("missing", [])
    try:
        return Plan.model_validate({**given, "uncovered": given.get("uncovered", missing)})
    except ValidationError:
        return Plan()


def settle(model: Plan, proposals: list[Plan], request: Request, *, able: bool) -> Plan:
    """One plan out of the model's and those read by rules.

    What the rules read stands, keys that the request or `--expect` names stand; a model may copy numbers, never make
    them. What the model misses in a recipe is missing whatever the rules say. A small model takes any recipe rather
    than none, so that its choice counts only among those that the rules think of.
    """
    base = next((one for one in proposals if one.recipe == model.recipe), None)
    if base is None and able and model.recipe in cookbook.recipes():
        base = plan_with(request, model.recipe)
    base = base or next(iter(proposals), Plan())
    added = parameters.borne_out(model, base, request)
    results = wanted_results(request, base) or known_keys(model.results)
    noted = [f"{name} = {value!r}, as the planner read the request." for name, value in added.items()]
    return Plan(
        steps=model.steps or base.steps,
        recipe=base.recipe,
        parameters={**added, **base.parameters},
        results=results,
        assumptions=list(dict.fromkeys([*base.assumptions, *noted, *model.assumptions])),
        uncovered=list(
            dict.fromkeys([*parameters.still_open(base.uncovered, base.parameters, added), *model.uncovered])
        ),
    )


def known_keys(specs: list[ResultSpec]) -> list[ResultSpec]:
    """Keys that can be keys: identifiers, each once."""
    return list({spec.key: spec for spec in specs if spec.key.isidentifier()}.values())
