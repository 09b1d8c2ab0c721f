"""What of the found material is worth a place: the nearest of each kind, nothing twice. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gammapygpt.state import Snippet

WEIGHT = {"howto": 1.2, "drift": 0.8}
"""An answer to a question is worth more than a signature; a change of the API matters most when something failed."""
OFF_PATH = ("catalog", "astro", "utils", "visualization")
OFF_PATH_WEIGHT = 0.8
"""Of API that few analyses call by itself: catalogues, populations, plots, utilities."""
NEARLY, FAR = 0.8, 0.35
"""A second recipe is shown from this part of the first one's score; none below this part of the best score of all, and
from there on the first has a place of its own: an agent begins with it where no recipe answers the whole request."""
MOST = {"recipe": 2, "drift": 2, "success": 1}
"""Pieces of a kind in a mixture."""
MOST_AT_FIRST = {"api": 2}
"""Of these, and of one page, no more than this many (one) while there is anything else: models and geometries have many
cards that say nearly the same."""
ALIKE = 0.8
"""Part of the words in common from which two pieces are the same thing."""


def chosen(found: Sequence[Snippet], limit: int, mixed: bool) -> list[Snippet]:
    """The best pieces, the best first.

    Parameters
    ----------
    found
        The nearest first, more than wanted.
    limit
        Largest number of pieces.
    mixed
        Weigh the kinds against one another instead of taking what is nearest.
    """
    ranked = sorted(found, key=worth, reverse=True) if mixed else list(found)
    if mixed:
        ranked = [snippet for snippet in ranked if is_near(snippet, ranked)]
    taken: list[Snippet] = []
    for crowded in (False, True) if mixed else (True,):
        for snippet in ranked:
            if len(taken) < limit and not is_over(snippet, taken, mixed, crowded) and not is_told(snippet, taken):
                taken.append(snippet)
    return with_recipe(taken, ranked, limit) if mixed and limit > 1 else taken


def with_recipe(taken: list[Snippet], ranked: Sequence[Snippet], limit: int) -> list[Snippet]:
    """The closest recipe is among the pieces, if in the place of the last one."""
    closest = [snippet for snippet in ranked if kind_of(snippet) == "recipe"][:1]
    return taken if all(snippet in taken for snippet in closest) else taken[: limit - 1] + closest


def is_over(snippet: Snippet, taken: Sequence[Snippet], mixed: bool, crowded: bool) -> bool:
    """There is enough of its kind, or (unless there is nothing else) of its page or of API."""
    kind, page = kind_of(snippet), page_of(snippet)
    n_kind = sum(kind_of(other) == kind for other in taken)
    if crowded:
        return mixed and n_kind >= MOST.get(kind, len(taken) + 1)
    n_page = sum(page_of(other) == page for other in taken)
    return n_page >= 1 or n_kind >= {**MOST, **MOST_AT_FIRST}.get(kind, len(taken) + 1)


def is_told(snippet: Snippet, taken: Sequence[Snippet]) -> bool:
    """The same thing is among those taken."""
    return any(is_same(snippet, other) for other in taken)


def kind_of(snippet: Snippet) -> str:
    """`recipe`, `tutorial`, `howto`, `guide`, `api`, `drift`, `success` or `own`."""
    return snippet.source.partition(":")[0]


def page_of(snippet: Snippet) -> str:
    """What a piece is a part of."""
    return snippet.source.partition("#")[0]


def worth(snippet: Snippet) -> float:
    """Score, weighted by how much material of this kind helps to write a script."""
    kind, _, name = snippet.source.partition(":")
    off_path = kind == "api" and any(f".{module}." in name for module in OFF_PATH)
    return snippet.score * WEIGHT.get(kind, 1.0) * (OFF_PATH_WEIGHT if off_path else 1.0)


def is_near(snippet: Snippet, ranked: Sequence[Snippet]) -> bool:
    """No recipe that is much further than the best one, or than the best piece of all."""
    if kind_of(snippet) != "recipe":
        return True
    best_recipe = next(other for other in ranked if kind_of(other) == "recipe")
    return snippet.score >= NEARLY * best_recipe.score and best_recipe.score >= FAR * ranked[0].score


def is_same(one: Snippet, other: Snippet) -> bool:
    """Two pieces with nearly the same words: a step that occurs in two tutorials, the same code below two titles."""
    if kind_of(one) in ("drift", "api") or kind_of(other) in ("drift", "api"):
        return one.source == other.source
    first, second = set(one.text.split()), set(other.text.split())
    return len(first & second) >= ALIKE * len(first | second)
