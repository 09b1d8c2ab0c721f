"""What a script may do with the objects of the installed Gammapy: read access to what `inside/api_types.py` found."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from gammapygpt.knowledge.environment import introspection
from gammapygpt.settings import Settings

OF_PLOTS = "<matplotlib>"
"""Stands, among the keywords of a call, for every keyword that anything in Matplotlib takes."""


class Member(NamedTuple):
    """An attribute of a class, and the class that describes it."""

    kind: str
    """`method`, `classmethod`, `staticmethod`, `property`, `readonly` (a property that cannot be set) or `field`."""
    what: Any
    """Number of the call for the first three, else the type."""
    owner: str


class Parameter(NamedTuple):
    """One parameter of a call."""

    name: str
    kind: str
    """Empty for an ordinary one, `p` positional only, `k` keyword only, `*` and `**` for the rest of them."""
    required: bool


def facts(settings: Settings) -> Facts:
    """The facts about this analysis environment; asked of it once, then read from the cache.

    Raises
    ------
    UserError, InfrastructureError
        The analysis environment cannot be asked; see `environment.environment`.
    """
    return Facts(introspection(settings)["facts"])


class Facts:
    """Classes, calls, units and enumerations of the analysis environment."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.objects: dict[str, list[Any]] = found["objects"]
        """What a dotted name stands for: `["class", id]`, `["function", number]`, `["instance", class id]`,
        `["module", name]`."""
        self.classes: dict[str, dict[str, Any]] = found["classes"]
        self.calls: list[dict[str, Any]] = found["functions"]
        self.units: dict[str, str] = found["units"]
        """Dimension of each unit by name."""
        self.choices: dict[str, list[str]] = found["choices"]
        """Strings that keywords of many calls take: `sed_type`, `required_irf`, `backend`, `frame`, `style`."""
        self.passing_on: dict[str, Any] = found["passing_on"]
        self.of_plots: set[str] = {*self.choices.get(OF_PLOTS, ()), OF_PLOTS}
        self.alone: dict[str, list[str]] = found["alone"]
        """Package -> names that it has after `import package` alone."""
        self.unread: dict[str, str] = found["unread"]
        """Classes that could not be described, and why: nothing is said about them."""
        self.together: frozenset[str] = frozenset(found["together"])
        """Submodules that are loaded once all of Gammapy is."""

    @classmethod
    def none(cls) -> Facts:
        """Nothing is known of any library."""
        empty: dict[str, Any] = {"functions": [], "together": []}
        keys = ("objects", "classes", "units", "choices", "passing_on", "alone", "unread")
        return cls({**empty, **{key: {} for key in keys}})

    def name(self, cls: str) -> str:
        """The bare name of a class."""
        return str(self.classes[cls]["name"])

    def lineage(self, cls: str) -> Iterator[dict[str, Any]]:
        """The class and its bases, in the order in which Python looks."""
        for one in (cls, *self.classes[cls].get("bases", ())):
            if one in self.classes:
                yield self.classes[one]

    def names(self, cls: str) -> list[str]:
        """Bare names of the class and its bases, for tables that know them by those."""
        return [str(one["name"]) for one in self.lineage(cls)]

    def is_a(self, cls: str, name: str) -> bool:
        """Whether the class or a base of it is called so."""
        return any(one["name"] == name for one in self.lineage(cls))

    def below(self, cls: str) -> list[str]:
        """The class and all those derived from it."""
        return [cls, *self.classes[cls].get("subclasses", ())]

    def knows(self, cls: str) -> bool:
        """Whether everything that an object of the class answers for is listed."""
        entry = self.classes[cls]
        return not (entry.get("opaque") or entry.get("open"))

    def member(self, cls: str, name: str) -> Member | None:
        """An attribute of a class or its objects, inherited ones included."""
        for one in (cls, *self.classes[cls].get("bases", ())):
            found = self.classes.get(one, {}).get("members", {}).get(name)
            if found is not None:
                return Member(str(found[0]), found[1], one)
        return None

    def members(self, cls: str) -> set[str]:
        """Names of all attributes of a class and its objects."""
        return {name for one in self.lineage(cls) for name in one.get("members", ())}

    def lack(self, classes: Iterable[str], exact: bool, special: set[str]) -> bool:
        """Whether no class that an object may be of has any of these special methods."""
        below = {one for cls in classes for one in ([cls] if exact else self.below(cls))}
        return all(self.knows(one) and not special & set(self.classes[one].get("special", ())) for one in below)

    def element(self, cls: str) -> Any:
        """Type of what iterating over (or indexing) an object of the class gives; None if not known."""
        return self.classes[cls].get("element")

    @functools.lru_cache(maxsize=4096)  # noqa: B019  (one object for each environment, as long-lived as the process)
    def parameters(self, number: int) -> tuple[Parameter, ...] | None:
        """Parameters of a call, without `self`; None where Python itself does not tell them."""
        found = self.calls[number].get("parameters")
        return None if found is None else tuple(Parameter(*one) for one in found)

    def keywords(self, number: int) -> set[str]:
        """Names of the keywords that a call takes, those that `**kwargs` hands on included."""
        own = {one.name for one in self.parameters(number) or () if one.kind in ("", "k")}
        more = set(self.calls[number].get("more", ()))
        return own | more | (self.of_plots if OF_PLOTS in more else set())

    def is_open(self, number: int) -> bool:
        """Whether a call takes keywords that nobody can list."""
        return bool(self.calls[number].get("open"))
