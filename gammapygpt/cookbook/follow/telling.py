"""The changes of a follow-up in lines that a person reads: `model: power law -> log parabola`."""

from __future__ import annotations

from typing import Any

from gammapygpt.cookbook.follow.edits import INSTEAD, energies_in_words
from gammapygpt.cookbook.follow.goal import Goal
from gammapygpt.cookbook.follow.hearing import Heard
from gammapygpt.cookbook.follow.phrases import MODELS, SHAPES, energy_range, plain
from gammapygpt.cookbook.follow.places import old_place
from gammapygpt.cookbook.follow.reading import Read
from gammapygpt.cookbook.follow.spans import LIMITS, PLACE

NAMES = {
    "SPECTRAL_MODEL": "model",
    "ON_RADIUS": "ON radius",
    "SELECTION_RADIUS": "observations within",
    "OFFSET_MAX": "largest offset of events",
    "AEFF_MAX_PERCENT": "safe energies from effective area",
    "FIXED": "fixed",
}


def changes(before: Read, heard: Heard, goal: Goal, became: dict[str, list[str]], left_out: list[str]) -> list[str]:
    """One line for each change, the source first."""
    lines = []
    if heard.place:
        lines.append(f"source: {old_place(before) or 'none'} -> {heard.place}")
    if heard.product:
        was = before.recipe.title if before.recipe else "another one"
        from gammapygpt.cookbook.book import recipes

        lines.append(f"analysis: {was} -> {recipes()[heard.product].title}")
    old, new = before.reading.values, goal.values
    if any(old.get(name) != new.get(name) for name in LIMITS):
        lines.append(f"energies: {_limits(old)} -> {_limits(new)}")
    elif goal.energies:
        lines.append("energies: " + " -> ".join(energies_in_words(one) for one in goal.energies))
    for name in dict.fromkeys([*heard.reading.values, *old]):
        if name in (*LIMITS, *PLACE) or name in left_out or (name not in new and _replaced(name, heard)):
            continue
        was, now = _worth(name, old.get(name), before), _worth(name, new.get(name), before)
        if old.get(name) != new.get(name):
            lines.append(f"{_name(name)}: {was} -> {now}")
        elif name in heard.reading.values and name != "DATA_STORE":
            lines.append(f"{_name(name)}: {now}, as before")
    lines += [f"left out: {_name(name)} {_worth(name, old.get(name), before)}" for name in left_out]
    if goal.forgets_runs and before.reading.runs:
        lines.append(f"observations: {before.reading.runs.words} -> those of {heard.place}")
    if heard.reading.runs:
        lines.append(
            f"observations: {before.reading.runs.words if before.reading.runs else 'all'} -> {heard.reading.runs.words}"
        )
    if heard.reading.left_out:
        lines.append(f"observations left out: {heard.reading.left_out.words}")
    lines += [f"result: {key} -> {', '.join(to) or 'none'}" for key, to in became.items()]
    lines += [f"further result: {key}" for key in heard.added]
    return lines


def _replaced(name: str, heard: Heard) -> bool:
    """Whether another constant that was said takes the place of one."""
    return any(name in INSTEAD.get(other, ()) for other in heard.reading.values)


def _name(constant: str) -> str:
    return NAMES.get(constant, constant.lower().replace("_", " "))


def _limits(values: dict[str, Any]) -> str:
    limits = [values.get(name) for name in LIMITS]
    return "not said" if limits == [None, None] else energy_range(*limits)


def _worth(name: str, value: Any, before: Read) -> str:
    """A value with its unit, or what stands where a request gives none."""
    if value is None:
        default = before.recipe.constants[name].default if before.recipe and name in before.recipe.constants else None
        return f"{_worth(name, default, before)} (default)" if default not in (None, {}, []) else "not said"
    if name in ("SPECTRAL_MODEL", "SPATIAL_MODEL"):
        return {**MODELS, **SHAPES}[value]
    if isinstance(value, dict):
        return ", ".join(f"{one} {plain(at)}" for one, at in value.items())
    if isinstance(value, list):
        return ", ".join(plain(one) for one in value)
    unit = before.recipe.constants[name].unit if before.recipe and name in before.recipe.constants else ""
    return f"{plain(value)} {unit}".strip()
