"""How the cookbook reads a request, kept with the recipe that comes closest: what a follow-up is a change of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gammapygpt.cookbook.book import Recipe, recipes
from gammapygpt.cookbook.choose import Choice, attempt, candidates
from gammapygpt.cookbook.reader import read_request
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.words import tidy
from gammapygpt.state import Request, StoreInfo

NO_DATA = ("data that cannot be found", "a target without data", "observations [")
"""Problems of the data that are there, not of how a request is read."""


class Read(NamedTuple):
    """A request, the recipe that comes closest, and what that makes of it."""

    text: str
    """Tidy: positions in it are those of the words of `reading`."""
    recipe: Recipe | None
    reading: Reading
    choice: Choice
    stores: Sequence[StoreInfo]

    @property
    def problems(self) -> list[str]:
        """What the recipe does not do of the request, the data apart."""
        return [one for one in self.choice.uncovered if not one.startswith(NO_DATA)]

    def value(self, name: str) -> object:
        """Of a constant: what the request gives, else the recipe's default."""
        constants = self.recipe.constants if self.recipe else {}
        return self.reading.values.get(name, constants[name].default if name in constants else None)


def read(text: str, stores: Sequence[StoreInfo] = (), name: str = "") -> Read:
    """Read a request by the recipe of a name, or by the one that leaves least of it unanswered."""
    request = Request(text=tidy(text), stores=list(stores))
    tried = [recipes()[name]] if name else candidates(read_request(request))
    reads = [_by(request, recipe) for recipe in tried]
    return min(reads, key=lambda one: len(one.problems)) if reads else _by(request, None)


def _by(request: Request, recipe: Recipe | None) -> Read:
    choice = attempt(request, request.stores, recipe) if recipe else Choice()
    return Read(request.text, recipe, read_request(request, recipe), choice, request.stores)
