"""The planner: which analysis, after which recipe, with which numbers in and out."""

from __future__ import annotations

import json
import re
from typing import Any

from langgraph.runtime import Runtime
from pydantic import ValidationError

from gammapygpt import cookbook
from gammapygpt.agents.reading import plan_by_rules, wanted_results
from gammapygpt.agents.workshop import ask, conversation, rules_alone, told
from gammapygpt.context import Context
from gammapygpt.cookbook import Recipe
from gammapygpt.state import Plan, Request, ResultSpec, RunState


def plan(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Turn the request into a plan; what a model adds is kept only where the request or a recipe bears it out."""
    request, attempts = state["request"], state.get("attempts", [])
    by_rules = plan_by_rules(request)
    known = cookbook.recipes() if runtime.context.retrieval else {}
    messages = conversation(
        "planner",
        runtime.context,
        request=request.text,
        stores=told(request.stores),
        recipes=listed(known, close={by_rules.recipe, *recipes_found(state)}),
        draft=json.dumps(by_rules.model_dump(exclude={"assumptions"})) if by_rules.recipe and known else "",
        failures=[{"summary": attempt.summary} for attempt in attempts],
    )
    reply = ask(
        "planner",
        state,
        runtime,
        step=f"planner-{len(attempts)}",
        form="json",
        messages=messages,
        json_schema=plan_schema(list(known)),
        fresh=bool(attempts),
    )
    if reply.fault == "refused" and rules_alone(runtime.context):
        return {"refusal": reply.fault_message, "usage": reply.usage}
    chosen = settle(proposed(reply.value), by_rules, request)
    runtime.stream_writer({"event": "planned", **chosen.model_dump(include={"recipe", "parameters", "steps"})})
    return {"plan": chosen, "refusal": "", "usage": reply.usage}


def recipes_found(state: RunState) -> list[str]:
    """Names of the recipes that retrieval brought."""
    sources = [snippet.source for snippet in state.get("snippets", [])]
    return [source.removeprefix("recipe:") for source in sources if source.startswith("recipe:")]


def listed(known: dict[str, Recipe], close: set[str]) -> list[dict[str, Any]]:
    """All recipes by name and title; the close ones with their constants, which is what a prompt pays for."""
    return [
        {"name": one.name, "title": one.title, "constants": constants(one) if one.name in close else []}
        for one in known.values()
    ]


def constants(recipe: Recipe) -> list[str]:
    """A recipe's constants, one line each: name, value, unit and meaning."""
    return [f"{one.name} = {one.default!r}  # {one.comment}" for one in recipe.constants.values()]


def plan_schema(recipe_names: list[str]) -> dict[str, Any]:
    """JSON schema of the planner's reply; recipes are an enumeration, so that none is invented."""
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    spec = {
        "type": "object",
        "properties": {"key": text, "unit": text, "meaning": text},
        "required": ["key", "unit", "meaning"],
        "additionalProperties": False,
    }
    properties = {
        "steps": texts,
        "recipe": {"type": "string", "enum": [*recipe_names, ""]},
        "parameters": {"type": "object"},
        "results": {"type": "array", "items": spec},
        "assumptions": texts,
    }
    return {"title": "Plan", "type": "object", "properties": properties, "required": ["steps", "recipe", "results"]}


def proposed(value: dict[str, Any] | None) -> Plan:
    """The model's plan, or an empty one when its reply was unusable."""
    try:
        return Plan.model_validate(value or {})
    except ValidationError:
        return Plan()


def settle(model: Plan, rules: Plan, request: Request) -> Plan:
    """One plan out of the model's and the one read by rules.

    Keys that the request or `--expect` names stand; a model may copy numbers, never make them.
    """
    recipe = model.recipe if model.recipe in cookbook.recipes() else rules.recipe
    known = cookbook.recipes()[recipe].constants if recipe else {}
    parameters = {name: value for name, value in model.parameters.items() if name in known and copied(value, request)}
    if recipe == rules.recipe:
        parameters = {**parameters, **rules.parameters}
    return Plan(
        steps=model.steps or rules.steps,
        recipe=recipe,
        parameters=parameters,
        results=wanted_results(request, rules) or known_keys(model.results),
        assumptions=[*rules.assumptions, *(a for a in model.assumptions if a not in rules.assumptions)],
    )


def copied(value: Any, request: Request) -> bool:
    """Whether every number in a value stands in the request."""
    given = {float(number) for number in re.findall(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", request.text)}
    return all(number in given or -number in given for number in numbers(value))


def numbers(value: Any) -> list[float]:
    """The numbers in a plain value, however deep."""
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, int | float):
        return [float(value)]
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers(part)]
    if isinstance(value, list | tuple):
        return [number for part in value for number in numbers(part)]
    return []


def known_keys(specs: list[ResultSpec]) -> list[ResultSpec]:
    """Keys that can be keys: identifiers, each once."""
    return list({spec.key: spec for spec in specs if spec.key.isidentifier()}.values())
