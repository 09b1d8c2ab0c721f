"""Parameters of a recipe as a planner's model gives them: a schema in which it can only copy, and what is kept."""

from __future__ import annotations

import re
from typing import Any

from gammapygpt import cookbook
from gammapygpt.cookbook import Constant, Recipe
from gammapygpt.state import Plan, Request

NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
SCALES = {
    "TeV": {"GeV": 1e-3, "MeV": 1e-6, "TeV": 1.0, "PeV": 1e3},
    "deg": {"arcmin": 1 / 60, "arcsec": 1 / 3600, "deg": 1.0},
    "h": {"min": 1 / 60, "s": 1 / 3600, "h": 1.0},
    "min": {"h": 60.0, "s": 1 / 60, "min": 1.0},
}
"""Units that a number may be given in, by the unit of the constant that takes it."""


def schema(plan: Plan, request: Request, *, able: bool) -> dict[str, Any]:
    """JSON schema of the parameters that a plan's recipe has and its rules left open.

    A number can only be one that stands in the request, or null: where a field is free, small models invent.

    Parameters
    ----------
    plan
        The rules' own reading.
    able
        The model can call tools: it may also give lists and texts.
    """
    recipe = cookbook.recipes().get(plan.recipe)
    if recipe is None:
        return {"type": "object"}
    settled = set(numbers(plan.parameters))
    fields = {one.name: _field(one, recipe, request, settled, able=able) for one in unsettled(recipe, plan)}
    fields = {name: field for name, field in fields.items() if field}
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def unsettled(recipe: Recipe, plan: Plan) -> list[Constant]:
    """Constants that the rules gave no value."""
    return [one for one in recipe.constants.values() if one.name not in plan.parameters and one.name != "RESULTS"]


def _field(constant: Constant, recipe: Recipe, request: Request, settled: set[float], *, able: bool) -> dict[str, Any]:
    """What a model may say for one constant; empty where there is nothing to choose from."""
    if choices := recipe.about.choices.get(constant.name):
        return {"enum": [*choices, None]} if able else {}
    if isinstance(constant.default, bool):
        return {"enum": [True, False, None]} if able else {}
    if isinstance(constant.default, int | float) or constant.unit:
        open_numbers = [number for number in given(request.text, constant.unit) if number not in settled]
        return {"enum": [*open_numbers, None]} if open_numbers else {}
    return {"type": ["string", "null"]} if able and isinstance(constant.default, str) else {}


def given(text: str, unit: str) -> list[float]:
    """The numbers of a request that may be in a unit, in that unit: with one that converts, or with none at all.

    Examples
    --------
    >>> given("0.2 deg, 700 GeV", "TeV")
    [0.7]
    """
    scales = SCALES.get(unit, {unit: 1.0} if unit else {"": 1.0})
    every = {name for known in SCALES.values() for name in known}
    found: dict[float, None] = {}
    for match in re.finditer(rf"(?<![\w.])({NUMBER})\s*([A-Za-z]+)?", text):
        word = (match.group(2) or "").removesuffix("s") if match.group(2) != "s" else "s"
        if word in scales and unit:
            found[round(float(match.group(1)) * scales[word], 12)] = None
        elif word not in every:
            found[float(match.group(1))] = None
    return list(found)


def borne_out(model: Plan, base: Plan, request: Request) -> dict[str, Any]:
    """Of the model's parameters those that the recipe has, that the rules left open, and that the request bears out."""
    recipe = cookbook.recipes().get(base.recipe)
    if recipe is None:
        return {}
    constants = {one.name: one for one in unsettled(recipe, base)}
    return {
        name: value
        for name, value in model.parameters.items()
        if name in constants and value is not None and fits(value, constants[name], recipe) and copied(value, request)
    }


def fits(value: Any, constant: Constant, recipe: Recipe) -> bool:
    """Whether a value is of the type that a constant has; a choice is one of the choices."""
    if choices := recipe.about.choices.get(constant.name):
        return value in choices
    default = constant.default
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    return default is None or isinstance(value, type(default))


def copied(value: Any, request: Request) -> bool:
    """Whether every number in a value stands in the request, be it in another unit."""
    there = {number for unit in (*SCALES, "") for number in given(request.text, unit)}
    return all(number in there or -number in there for number in numbers(value))


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


def still_open(uncovered: list[str], settled: dict[str, Any], added: dict[str, Any]) -> list[str]:
    """What the rules did not understand, without the quantities that a model found a constant for.

    The words of a quantity may hold others beside it; those have to be settled as well.
    """
    new, every = set(numbers(added)), set(numbers([settled, added]))

    def explained(words: str) -> bool:
        quantities = re.findall(rf"(?<![\w.]){NUMBER}(?:\s*[A-Za-z]+)?", words)
        values = [{value for unit in (*SCALES, "") for value in given(one, unit)} for one in quantities]
        placed = all(one & every for one in values) and any(one & new for one in values)
        return words.startswith("“") and placed

    return [words for words in uncovered if not explained(words)]
