"""What a request must give once a follow-up has changed it; and what of that cannot be had."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, Field

from gammapygpt.cookbook.book import recipes
from gammapygpt.cookbook.follow.edits import INSTEAD
from gammapygpt.cookbook.follow.hearing import Heard
from gammapygpt.cookbook.follow.phrases import MODELS
from gammapygpt.cookbook.follow.places import old_place
from gammapygpt.cookbook.follow.reading import Read
from gammapygpt.cookbook.follow.spans import LIMITS, PLACE
from gammapygpt.cookbook.keys import ABOVE_TO

PARAMETERS = {
    "pl": {"index", "amplitude"},
    "ecpl": {"index", "amplitude", "lambda_"},
    "lp": {"alpha", "beta", "amplitude"},
    "point": set(),
    "gauss": {"sigma"},
    "disk": {"r_0"},
}
"""Of each model, by its tag."""
OF_ONE_MODEL = {"CUTOFF_ENERGY": ("ecpl",), "BETA": ("lp",), "ALPHA": ("lp",)}
"""Constants of models that are given, and the models that have them."""
OF_A_SOURCE = (
    "REDSHIFT",
    "DATA_FILE",
    "DATA_FILES",
    "SOURCE_NAME",
    "MODEL_FILE",
    "DATASETS_FILE",
    "EXCLUDED_CIRCLES",
    "DATES",
)
"""Values that belong to a source: they cannot stay when it changes."""


OF_THE_ANALYSIS = re.compile(r"\b(?:fit\w*|energies|energy range|reconstructed|events)\b", re.I)
"""Words that make energies those of the analysis, whatever a request says of fluxes."""


class Goal(BaseModel):
    """What comes out of the request and the follow-up together."""

    values: dict[str, Any]
    """By constant; a place in the sky apart."""
    recipe: str = ""
    energies: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """Energies of fluxes and keys that go with those of the analysis: old and new."""
    forgets_runs: bool = False
    """The numbers of observations were those of the old source."""
    problems: list[str] = Field(default_factory=list)
    """What is not to be had without asking back."""


def goal_of(before: Read, heard: Heard) -> Goal:
    """The values of the request with those of the follow-up in their place."""
    old = {name: value for name, value in before.reading.values.items() if name not in PLACE}
    new = {name: value for name, value in heard.reading.values.items() if name not in PLACE}
    recipe = heard.product or (before.recipe.name if before.recipe else "")
    goal = Goal(values=dict(old), recipe=recipe)
    _energies(before, heard, new, goal)
    _index(old, new, before)
    for name, value in new.items():
        for other in INSTEAD.get(name, ()):
            goal.values.pop(other, None)
        goal.values[name] = {**goal.values.get(name, {}), **value} if name == "FIXED" else value
    if heard.product and before.reading.unread:
        goal.problems.append(f"what “{'; '.join(before.reading.unread)}” becomes")
    if unclear := [name for name in new if name not in old and before.reading.unread and not heard.product]:
        words = "; ".join(before.reading.unread)
        goal.problems.append(f"whether {unclear[0].lower().replace('_', ' ')} replaces “{words}”")
    _models(before, new, goal)
    if heard.place:
        _source(before, heard, new, goal)
    return goal


def _index(old: dict[str, Any], new: dict[str, Any], before: Read) -> None:
    """`Index 3` is the fixed index of a request that fixes one, and the given one of a request that gives one."""
    if "INDEX" in new and "index" in old.get("FIXED", {}) and "INDEX" not in old:
        new["FIXED"] = {**new.get("FIXED", {}), "index": new.pop("INDEX")}
    elif (
        "INDEX" in old and "index" in new.get("FIXED", {}) and before.recipe and "FIXED" not in before.recipe.constants
    ):
        new["INDEX"] = new.pop("FIXED")["index"]


def _energies(before: Read, heard: Heard, new: dict[str, Any], goal: Goal) -> None:
    """Energies of fluxes follow those of the analysis where they were the same, or where there are no others."""
    limits = {name: new[name] for name in LIMITS if name in new}
    there = _flux_energies(before)
    ranges = [one for one in there if len(one) == 2]
    bare = limits and not set(LIMITS) & set(before.reading.values) and not OF_THE_ANALYSIS.search(heard.text)
    if bare and len(ranges) > 1:
        goal.problems.append("which of the energy ranges")
    if bare and len(ranges) == 1:
        (old,) = ranges
        for name in limits:
            new.pop(name)
        goal.energies = (old, (limits.get("ENERGY_MIN", old[0]), limits.get("ENERGY_MAX", old[1])))
    elif limits and before.recipe and before.recipe.about.band and before.reading.integrals:
        (old, *others) = set(before.reading.integrals)
        goal.energies = (old, (limits.get("ENERGY_MIN", old[0]), limits.get("ENERGY_MAX", old[1])))
        if others:
            goal.problems.append("which of the energy ranges")
    elif limits:
        old_limits = tuple(before.reading.values.get(name) for name in LIMITS)
        new_limits = tuple(limits.get(name, was) for name, was in zip(LIMITS, old_limits, strict=True))
        if old_limits != (None, None):
            goal.energies = (_filled(old_limits), _filled(new_limits))
    for given in [*heard.reading.integrals, *((energy,) for energy in heard.reading.differentials)]:
        alike = [one for one in there if len(one) == len(given)]
        if len(alike) == 1 and goal.energies is None:
            goal.energies = (alike[0], given)
        else:
            goal.problems.append("what the energies are for")


def _filled(limits: tuple[float | None, ...]) -> tuple[float, ...]:
    """Limits of energies where one may be open."""
    return (limits[0] or 0.0, ABOVE_TO if limits[1] is None else limits[1])


def _flux_energies(before: Read) -> set[tuple[float, ...]]:
    """Energies of fluxes and of other results that the request names."""
    found: set[tuple[float, ...]] = {*before.reading.integrals, *((one,) for one in before.reading.differentials)}
    if before.reading.wanted:
        for entry in before.choice.parameters.get("RESULTS", {}).values():
            energies = tuple(float(one) for one in entry[1:-1] if isinstance(one, int | float))
            if energies:
                found.add(energies)
    return found


def _models(before: Read, new: dict[str, Any], goal: Goal) -> None:
    """What another model has not cannot stay; what it needs must be given."""
    for kind in ("SPECTRAL_MODEL", "SPATIAL_MODEL"):
        if kind not in new or new[kind] == before.value(kind):
            continue
        model, was = str(new[kind]), str(before.value(kind))
        name = MODELS.get(model, model)
        fixed = goal.values.get("FIXED", {})
        for parameter in sorted(PARAMETERS.get(was, set()) - PARAMETERS[model]):
            if parameter in fixed:
                goal.problems.append(f"{parameter} of {fixed[parameter]:g}, which a {name} has not")
        for constant, models in OF_ONE_MODEL.items():
            if constant in goal.values and constant not in new and model not in models:
                goal.values.pop(constant)
        constants = recipes()[goal.recipe].constants if goal.recipe else {}
        for constant, models in (("CUTOFF_ENERGY", ("ecpl",)), ("BETA", ("lp",))):
            if kind == "SPECTRAL_MODEL" and model in models and constant in constants and constant not in new:
                goal.problems.append(f"the {'cut-off energy' if model == 'ecpl' else 'curvature'} of the {name}")
        if (
            kind == "SPECTRAL_MODEL"
            and "INDEX" in constants
            and not {"INDEX", "ALPHA"} & set(goal.values)
            and was == "lp"
        ):
            goal.problems.append(f"the index of the {name}")


def _source(before: Read, heard: Heard, new: dict[str, Any], goal: Goal) -> None:
    """What was said of the old source cannot be said of the new one."""
    for name in OF_A_SOURCE:
        if name in goal.values and name not in new:
            what, was = name.lower().replace("_", " "), goal.values[name]
            goal.problems.append(f"the {what} of {heard.place} ({was} was that of {old_place(before)})")
    if flare := re.search(r"\b(?:flar(?:e|es|ing)|outburst)\b", before.reading.prose, re.I):
        goal.problems.append(f"the {flare.group()} of {heard.place}")
    goal.forgets_runs = before.reading.runs is not None and heard.reading.runs is None
