"""A whole request written anew from values: the same source, data and cuts for another analysis."""

from __future__ import annotations

from typing import Any

from gammapygpt.cookbook.book import Recipe
from gammapygpt.cookbook.choose import ELSEWHERE
from gammapygpt.cookbook.demands import demanded
from gammapygpt.cookbook.follow.alike import alike
from gammapygpt.cookbook.follow.edits import in_words
from gammapygpt.cookbook.follow.goal import Goal
from gammapygpt.cookbook.follow.hearing import Heard
from gammapygpt.cookbook.follow.phrases import energy_range
from gammapygpt.cookbook.follow.places import old_place, with_article
from gammapygpt.cookbook.follow.reading import Read
from gammapygpt.cookbook.follow.results import find_key
from gammapygpt.cookbook.follow.spans import LIMITS, PLACE
from gammapygpt.cookbook.keys import quantity


def restated(before: Read, recipe: Recipe, heard: Heard, goal: Goal, words: dict[str, str]) -> tuple[str, list[str]]:
    """The request for another analysis, and the names of the values that this has no use for."""
    place, values = heard.place or _place(before), goal.values
    title = recipe.title if recipe.name in demanded(recipe.title) else f"{recipe.title} ({words['']})"
    sentences = [f"{title} of {with_article(place)}" if place else title]
    left_out = []
    if store := words.get("DATA_STORE"):
        sentences.append(f"data in {store}")
    sentences += _observations(before, heard, goal)
    if set(LIMITS) & set(values) and set(LIMITS) <= set(recipe.constants):
        sentences.append(f"energies {energy_range(*(values.get(name) for name in LIMITS))}")
    for name, value in values.items():
        if name in (*LIMITS, *PLACE, "DATA_STORE"):
            continue
        if name in recipe.constants or ELSEWHERE.get(name) in recipe.constants:
            sentences.append(in_words(name, value, words))
        else:
            left_out.append(name)
    if keys := kept_keys(before, recipe, values):
        sentences.append(f"write result.json with {', '.join(keys)}")
    return " ".join(f"{one[:1].upper()}{one[1:]}." for one in sentences if one), left_out


def _observations(before: Read, heard: Heard, goal: Goal) -> list[str]:
    """Which observations, by their numbers."""
    runs = heard.reading.runs or (None if goal.forgets_runs else before.reading.runs)
    left_out = heard.reading.left_out or before.reading.left_out
    used = [f"use {words} only" for words in (runs.words.split("; ") if runs else [])]
    return [*used, *(left_out.words.split("; ") if left_out else [])]


def _place(before: Read) -> str:
    """The source of the request, with the coordinates that it gives."""
    name, where = before.reading.target, before.reading.words.get("TARGET_RA", "")
    given = "TARGET_RA" in before.reading.values and any(char.isdigit() for char in where) and where != name
    if name and given and where not in (name, old_place(before)) and "deg" in where:
        return f"{name} ({where})"
    return name or where


def kept_keys(before: Read, recipe: Recipe, values: dict[str, Any]) -> list[str]:
    """The keys that another recipe reports as well, where it answers the same kind of question; else none."""
    if before.recipe is None or not alike(before.recipe, recipe):
        return []
    shape, spectrum = str(values.get("SPATIAL_MODEL") or "point"), str(values.get("SPECTRAL_MODEL") or "pl")
    kept = []
    for one in before.reading.wanted:
        was = before.choice.parameters.get("RESULTS", {}).get(one.key, [""])[0]
        found, key = quantity(one.key, "", "", recipe.about, shape, spectrum), find_key(before.text, one.key)
        if found and key and found.name == was:
            kept.append(before.text[key.start : key.end_of_meaning])
    return kept
