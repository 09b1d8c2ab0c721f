"""Values of constants that stand beside a key: `"n_on" (counts within 0.2 deg, 1-10 TeV)` says how to count."""

from __future__ import annotations

import re
from typing import Any

from gammapygpt.cookbook.book import Recipe
from gammapygpt.cookbook.energies import find_energies
from gammapygpt.cookbook.given import read_plain
from gammapygpt.cookbook.keys import FLUX_LIKE, Quantity
from gammapygpt.cookbook.measures import read_angles
from gammapygpt.cookbook.reading import Reading, Wanted
from gammapygpt.cookbook.sky import Position, take_positions
from gammapygpt.cookbook.words import Page

OF_THEMSELVES = {*FLUX_LIKE, "e2dnde", "flux_point", "safe_energy_min", "safe_energy_max", "pivot_energy", "cutoff"}
"""Quantities whose words speak of energies that are no limits of the analysis."""

SAME_PLACE = 0.001
"""deg: positions that differ by less are the same, written with more or fewer digits."""


def keep_to_explanation(
    one: Wanted, found: Quantity, recipe: Recipe, reading: Reading, parameters: dict[str, Any]
) -> bool:
    """Give the constants of a recipe the values that stand beside a key; False where they contradict the request.

    Parameters
    ----------
    one, found
        The key with what is said about it, and the quantity that it stands for.
    recipe, reading
        Whose constants take the values, and what the rest of the request says.
    parameters
        Of the recipe; values that the request gives nowhere else are added.
    """
    key = recipe.about.keys.get(found.name.removesuffix("_error"))
    takes = key.takes if key else ""
    beside = Reading(text=one.meaning, prose=one.meaning)
    if takes != "angle":
        read_angles(Page(one.meaning), beside, recipe)
    if not takes and found.name.removesuffix("_error") not in OF_THEMSELVES:
        _read_limits(one.meaning, beside)
    _read_own(one.meaning, beside, recipe)
    if not all(_at_target(position, parameters) for position in take_positions(Page(one.meaning))):
        return False
    for name, value in beside.values.items():
        if name not in recipe.constants or reading.values.get(name, value) != value:
            return False
        parameters[name] = reading.values[name] = value
    return not beside.unread


def _read_limits(meaning: str, beside: Reading) -> None:
    """Lower and upper limits of energies; a single energy is none."""
    for energies in find_energies(Page(meaning)):
        if energies.form in ("range", "above"):
            beside.give("ENERGY_MIN", energies.values[0], meaning)
        if energies.form in ("range", "below"):
            beside.give("ENERGY_MAX", energies.values[-1], meaning)


def _read_own(meaning: str, beside: Reading, recipe: Recipe) -> None:
    """Plain numbers by a recipe's own words (`peaks above 6 sigma`), and the time scale of a date."""
    own = Reading(text=meaning, prose=meaning)
    read_plain(Page(meaning), own, recipe)
    for name, value in own.values.items():
        if name in recipe.about.said or name == "CONFIDENCE_LEVEL":
            beside.give(name, value, meaning)
    for scale, words in recipe.about.choices.get("TIME_SCALE", {}).items():
        if re.search(words, meaning):
            beside.give("TIME_SCALE", scale, meaning)
            return


def _at_target(position: Position, parameters: dict[str, Any]) -> bool:
    ra, dec = (parameters.get(name, 1e3) for name in ("TARGET_RA", "TARGET_DEC"))
    return bool(max(abs(position.ra - ra), abs(position.dec - dec)) < SAME_PLACE)
