"""Whether a rewritten request reads as it should: nothing lost, nothing changed that was not to change."""

from __future__ import annotations

from gammapygpt.cookbook.follow.edits import rename_energies
from gammapygpt.cookbook.follow.goal import Goal
from gammapygpt.cookbook.follow.hearing import Heard
from gammapygpt.cookbook.follow.reading import Read, read
from gammapygpt.cookbook.follow.spans import PLACE, close


def differences(text: str, before: Read, heard: Heard, goal: Goal, keys: list[str]) -> list[str]:
    """What the cookbook reads otherwise than it should; empty where the text says what it is to say.

    Parameters
    ----------
    text
        The rewritten request.
    before, heard, goal
        What it was made of.
    keys
        Keys of `result.json` that it must name; empty where none need to be.
    """
    after = read(text, before.stores)
    if goal.recipe and (after.recipe is None or after.recipe.name != goal.recipe):
        return [f"which analysis: {after.recipe.name if after.recipe else 'none'} instead of {goal.recipe}"]
    found = [
        name.lower().replace("_", " ")
        for name in {*after.reading.values, *goal.values} - set(PLACE)
        if not close(after.reading.values.get(name), goal.values.get(name))
    ]
    place = heard.reading if heard.place else before.reading
    if any(after.reading.values.get(name) != place.values.get(name) for name in PLACE[:2]):
        found.append("source")
    found += _observations(after, before, heard, goal)
    if keys and {one.key for one in after.reading.wanted} != set(keys):
        found.append("results")
    found += _results(after, before, heard, goal)
    allowed = len(before.problems) if not heard.product else 0
    if len(after.problems) > allowed:
        found += after.problems[allowed:]
    return sorted(found)


def _results(after: Read, before: Read, heard: Heard, goal: Goal) -> list[str]:
    """Keys that stand for another quantity than before, though nobody said so."""
    was, now = (one.choice.parameters.get("RESULTS", {}) for one in (before, after))
    if heard.product or not before.reading.wanted:
        return []
    whole = goal.energies is None and goal.values.get("REFERENCE_ENERGY") == before.reading.values.get(
        "REFERENCE_ENERGY"
    )
    return [
        f"what the result “{key}” is then"
        for key, entry in was.items()
        if key in now and (entry != now[key] if whole else entry[0] != now[key][0])
    ]


def _observations(after: Read, before: Read, heard: Heard, goal: Goal) -> list[str]:
    """Numbers of observations: those said last, unless they went with the old source."""
    found = []
    for what in ("runs", "left_out"):
        kept = None if goal.forgets_runs and what == "runs" else getattr(before.reading, what)
        wanted = getattr(heard.reading, what) or kept
        got = getattr(after.reading, what)
        if (wanted and wanted[:2]) != (got and got[:2]):
            found.append("observations")
    return found


def keys_then(before: Read, goal: Goal, became: dict[str, list[str]], added: list[str]) -> list[str]:
    """The keys that a request must name after a change of model, of energies, and with further ones."""
    keys: list[str] = []
    for one in before.reading.wanted:
        keys += became.get(one.key, [one.key])
    if goal.energies:
        keys = [rename_energies(key, *goal.energies) for key in keys]
    return list(dict.fromkeys([*keys, *added]))
