"""What is known of a value without running the script. `None` in the place of a kind: nothing."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Module:
    """A module under its full name."""

    name: str


@dataclass(frozen=True)
class Class:
    """A class itself."""

    id: str


@dataclass(frozen=True)
class Object:
    """An object of one of these classes or, unless `exact`, of a class derived from one of them."""

    classes: frozenset[str]
    exact: bool = False
    sure: bool = True
    """Not by the word of a docstring alone."""
    called: frozenset[str] = field(default=frozenset(), compare=False)
    """The classes that the library names, where `classes` are their families."""


@dataclass(frozen=True)
class Call:
    """A function or method of the library."""

    number: int
    owner: str = ""
    """Class through which it was reached."""
    name: str = ""
    exact: bool = True
    """No class derived from `owner` can have another one in its place."""
    of_exactly: bool = False
    """It was reached through `owner` itself or an object of just that class."""
    unbound: bool = False
    """A method reached through the class: the first argument is the object."""
    others: tuple[int, ...] = ()
    """Calls of other classes that the object may be of."""


@dataclass(frozen=True)
class Local:
    """A function of the script."""

    node: ast.FunctionDef


@dataclass(frozen=True)
class Value:
    """A constant: number, text, True, False or None."""

    value: Any
    given_by: str = ""
    """For None: the call that returns nothing."""


@dataclass(frozen=True)
class Several:
    """A list or tuple whose parts are known."""

    parts: tuple[Kind, ...]


@dataclass(frozen=True)
class Many:
    """Any number of things of one kind."""

    of: Kind


@dataclass(frozen=True)
class Mapping:
    """A dictionary with these keys."""

    items: tuple[tuple[str, Kind], ...]
    written: bool = False
    """It stands in the script as such; others come from the library."""


@dataclass(frozen=True)
class Unit:
    """A unit with its dimension."""

    dimension: str


@dataclass(frozen=True)
class Quantity:
    """A number or an array with a dimension."""

    dimension: str


Kind = Mapping | Module | Class | Object | Call | Local | Value | Several | Many | Unit | Quantity | None


def merged(one: Kind, other: Kind) -> Kind:
    """What is known of a value that is one thing or the other; a None that may have been replaced is left out."""
    if one == other:
        return one
    if isinstance(one, Value) and one.value is None:
        return other
    if isinstance(other, Value) and other.value is None:
        return one
    if isinstance(one, Object) and isinstance(other, Object):
        called = (one.called or one.classes) | (other.called or other.classes)
        return Object(one.classes | other.classes, one.exact and other.exact, one.sure and other.sure, called)
    if isinstance(one, Several | Many) and isinstance(other, Several | Many):
        return Many(element(Several((element(one), element(other)))))
    return None


def same(kinds: list[Kind]) -> Kind:
    """What is known of a value that is any of these things."""
    found = kinds[0]
    for kind in kinds[1:]:
        found = merged(found, kind)
    return found


def element(kind: Kind) -> Kind:
    """What every part of a sequence has in common."""
    if isinstance(kind, Many):
        return kind.of
    if isinstance(kind, Several) and kind.parts:
        return None if None in kind.parts else same(list(kind.parts))
    return None


def literal(kind: Kind) -> Any:
    """The constant, or list of constants, that a kind stands for; `...` where it is none."""
    if isinstance(kind, Value):
        return kind.value
    if isinstance(kind, Several):
        parts = [literal(part) for part in kind.parts]
        return ... if ... in parts else parts
    return ...


def is_bare(kind: Kind) -> bool:
    """A number, or a sequence of numbers, without a unit."""
    value = literal(kind)
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def dimension_of(kind: Kind) -> str | None:
    """Dimension of a quantity or unit; None where there is none that is known."""
    return kind.dimension if isinstance(kind, Quantity | Unit) else None
