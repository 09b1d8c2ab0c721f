"""A follow-up rewritten into a request that stands alone, by rules: what was asked before, with what is to change.

Everything downstream reads one text. What the rules do not understand is never dropped: it is in `Rewriting.unread`,
and whatever they change is read again and compared with what it should have become.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from gammapygpt.cookbook.book import recipes
from gammapygpt.cookbook.follow.checking import differences, keys_then
from gammapygpt.cookbook.follow.edits import Edit, edited, put_energies, put_values, with_sentence
from gammapygpt.cookbook.follow.goal import Goal, goal_of
from gammapygpt.cookbook.follow.hearing import Heard, hear
from gammapygpt.cookbook.follow.places import put_place
from gammapygpt.cookbook.follow.reading import Read, read
from gammapygpt.cookbook.follow.restating import restated
from gammapygpt.cookbook.follow.results import find_key, for_model, with_keys
from gammapygpt.cookbook.follow.spans import PLACE, Span, spans
from gammapygpt.cookbook.follow.telling import changes
from gammapygpt.state import StoreInfo

ALONE = "a request of its own: nothing of the earlier one is kept"


class Rewriting(BaseModel):
    """A follow-up and what it follows as one request."""

    text: str
    """The whole request in plain English; the earlier one and what was said where something is unread."""
    changes: list[str] = Field(default_factory=list)
    """What is another now, one line each."""
    unread: list[str] = Field(default_factory=list)
    """Words of the follow-up that the rules could not turn into a change; empty when all is understood."""
    alone: bool = False
    """It is a request of its own, of which nothing hangs on the earlier one."""


def rewrite(earlier: str, said: str, stores: Sequence[StoreInfo] = ()) -> Rewriting:
    """Rewrite a follow-up into a whole request.

    Parameters
    ----------
    earlier
        The request that it follows, whole itself: a follow-up of a follow-up goes on from the rewritten text.
    said
        The follow-up, as people say it: `now with a log-parabola`, `same for MSH 15-52`, `and from 2 to 20 TeV`.
    stores
        The data stores that are there.
    """
    before = read(earlier, stores)
    there = spans(before)
    heard = hear(said, before, there)
    if heard.alone:
        return Rewriting(text=said.strip(), changes=[ALONE], alone=True)
    goal = goal_of(before, heard)
    text, lines, wrong = _anew(before, heard, goal) if heard.product else _in_place(before, there, heard, goal)
    unread = [*heard.unread, *goal.problems] or wrong
    if unread:
        return Rewriting(text=f"{earlier.rstrip()}\nThen: {said.strip()}", unread=unread)
    return Rewriting(text=text, changes=lines or ["the same once more"])


def _in_place(before: Read, there: list[Span], heard: Heard, goal: Goal) -> tuple[str, list[str], list[str]]:
    """The earlier text with what changes, the lines that say so, and what came out otherwise than meant."""
    old = before.reading.values
    gone = [name for name in old if name not in goal.values and name not in PLACE]
    fresh = {name: value for name, value in goal.values.items() if old.get(name) != value}
    edits, sentences = put_values(before, there, fresh, gone, heard.reading.words)
    if heard.place:
        edits += put_place(before, heard.place)
    became: dict[str, list[str]] = {}
    for kind in ("SPECTRAL_MODEL", "SPATIAL_MODEL"):
        if kind in fresh and before.value(kind) != fresh[kind]:
            more, renamed = for_model(before, str(before.value(kind)), str(fresh[kind]))
            edits, became = [*edits, *more], {**became, **renamed}
    if goal.energies:
        more, keys = put_energies(before, there, *goal.energies)
        edits += [*more, *_renamed(before, keys)]
        became |= {key: [to] for key, to in keys}
    edits += _runs(before, heard, goal)
    sentences += _of_observations(before, heard)
    text = edited(before.text, edits)
    for sentence in sentences:
        text = with_sentence(text, sentence)
    wanted = keys_then(before, goal, became, [])
    if heard.added:
        named = read(text, before.stores, goal.recipe)
        known = wanted or [one.key for one in named.choice.results]
        if more_keys := [one for one in heard.added if one.split('"')[1] not in known]:
            text = with_sentence(text, with_keys(named, more_keys))
            wanted = [*known, *(one.split('"')[1] for one in more_keys)]
    return text, changes(before, heard, goal, became, []), differences(text, before, heard, goal, wanted)


def _anew(before: Read, heard: Heard, goal: Goal) -> tuple[str, list[str], list[str]]:
    """A text for another analysis."""
    recipe = recipes()[heard.product]
    words = {**before.reading.words, **heard.reading.words, "": heard.product_words}
    text, left_out = restated(before, recipe, heard, goal, words)
    goal.values = {name: value for name, value in goal.values.items() if name not in left_out}
    if heard.added:
        text = with_sentence(text, with_keys(read(text, before.stores, goal.recipe), list(heard.added)))
    return text, changes(before, heard, goal, {}, left_out), differences(text, before, heard, goal, [])


def _renamed(before: Read, keys: list[tuple[str, str]]) -> list[Edit]:
    """Keys with other energies in their names."""
    edits = []
    for key, to in keys:
        if found := find_key(before.text, key):
            start = found.start + len(found.quote)
            edits.append((start, start + len(key), to))
    return edits


def _runs(before: Read, heard: Heard, goal: Goal) -> list[Edit]:
    """Numbers of observations that give way to others, or to all."""
    runs = before.reading.runs
    if runs is None or not (goal.forgets_runs or heard.reading.runs):
        return []
    edits = []
    for place, words in enumerate(runs.words.split("; ")):
        start = before.text.index(words)
        new = heard.reading.runs.words if heard.reading.runs else "the observations"
        edits.append((start, start + len(words), "" if place else new))
    return edits


def _of_observations(before: Read, heard: Heard) -> list[str]:
    """Sentences about observations that the earlier text does not speak of."""
    sentences = []
    if heard.reading.runs and before.reading.runs is None:
        sentences.append(f"use {heard.reading.runs.words} only")
    if heard.reading.left_out:
        sentences.append(heard.reading.left_out.words)
    return sentences
