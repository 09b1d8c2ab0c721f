"""Where a value may come from: a constant that stands in the script, or something that was computed.

What is not understood counts as computed: nothing is said about it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

MOST = 24
"""Constants that one value may be; beyond that it counts as computed."""
LONGEST_PATH = 11
"""Names of a path that are kept, but for the last."""


class Unknown:
    """A number made of constants that nobody worked out."""

    def __repr__(self) -> str:
        return "?"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Hand:
    """A constant written by hand."""

    value: Any
    line: int
    instead: str = ""
    """Where it stands in for what could not be computed: `an except branch`; empty where it does not."""
    made_of: frozenset[float] = frozenset()
    """Numbers of the script that it was calculated from; empty for one that stands there itself."""

    @property
    def numbers(self) -> frozenset[float]:
        """Numbers of the script that are behind it."""
        plain = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        return self.made_of or (frozenset({float(self.value)}) if plain else frozenset())


@dataclass(frozen=True)
class Origin:
    """A plain value: computed, or one of these constants, or either."""

    computed: bool = False
    hands: frozenset[Hand] = frozenset()
    path: tuple[str, ...] = ()
    """The last names that led to it: `spectral_model`, `integral`; empty after arithmetic."""
    unit: str = ""
    """That it was last converted to, as the script writes it."""
    given: tuple[float, ...] = ()
    """Constants that the last method of the path which took any was given, such as energies in TeV."""
    parts: frozenset[str] = frozenset()
    """All names that led to what it was calculated from; empty without arithmetic."""

    @property
    def by_hand(self) -> bool:
        """It can be nothing but a constant."""
        return not self.computed and bool(self.hands)


@dataclass(frozen=True)
class Table:
    """A dictionary."""

    items: Mapping[Any, Where] = field(default_factory=dict)
    rest: Where | None = None
    """What may stand under keys that only a run can tell."""


@dataclass(frozen=True)
class Row:
    """A list or tuple."""

    parts: tuple[Where, ...] = ()
    more: bool = False
    """It may hold any number of such parts."""


@dataclass(frozen=True)
class Function:
    """A function of the script."""

    node: ast.FunctionDef | ast.Lambda
    depth: int
    """Scopes that it can see."""


@dataclass(frozen=True)
class Text:
    """A value as JSON text."""

    of: Where


@dataclass(frozen=True)
class File:
    """What was opened for writing."""

    result: bool
    """It is `result.json`."""


Where = Origin | Table | Row | Function | Text | File
COMPUTED = Origin(computed=True)
NOTHING = Origin()
"""Of a value that is never there."""


class Ways(NamedTuple):
    """How several ways come to meet."""

    instead: str = ""
    """What to call a constant of one way where another way computes the value."""
    by_data: bool = False
    """Data decide which way is taken: different constants on all ways are a computed answer."""
    loop: bool = False
    """Before a loop, and after it: what the loop computes anew was only a beginning."""


def constant(value: Any, line: int, instead: str = "") -> Origin:
    """A constant of the script."""
    return Origin(hands=frozenset({Hand(value, line, instead)}))


def known(where: Where) -> Any:
    """The one constant that a value is; UNKNOWN where it is none, or not worked out."""
    if isinstance(where, Origin) and not where.computed and len(where.hands) == 1:
        return next(iter(where.hands)).value
    if isinstance(where, Row) and not where.more:
        parts = [known(part) for part in where.parts]
        return UNKNOWN if UNKNOWN in parts else tuple(parts)
    return UNKNOWN


PLAIN = Ways()


def either(values: Iterable[Where], ways: Ways = PLAIN) -> Where:
    """What a value is where several ways meet."""
    found = different(values)
    if len(found) < 2:
        return found[0] if found else NOTHING
    tables = [one for one in found if isinstance(one, Table)]
    rows = [one for one in found if isinstance(one, Row)]
    plain = [one for one in found if isinstance(one, Origin)]
    empty = all(known(one) is None for one in plain)
    if len(plain) == len(found):
        return _plain(plain, ways)
    if tables and empty and len(tables) + len(plain) == len(found):
        return _table(tables, ways)
    if rows and empty and len(rows) + len(plain) == len(found):
        return _row(rows, ways)
    return COMPUTED


def different(values: Iterable[Where]) -> list[Where]:
    """Each value once."""
    found: list[Where] = []
    for value in values:
        if value is not NOTHING and value not in found:
            found.append(value)
    return found


def _plain(values: Sequence[Origin], ways: Ways) -> Origin:
    computed = any(value.computed for value in values)
    hands: set[Hand] = set()
    for value in values:
        if value.by_hand and computed:
            hands |= (
                set() if ways.loop else {replace(hand, instead=hand.instead or ways.instead) for hand in value.hands}
            )
        else:
            hands |= value.hands
    if not computed and ways.by_data and len({str(hand.value) for hand in hands}) > 1:
        return COMPUTED
    told = [value for value in values if value.computed]
    same = bool(told) and len({(value.path, value.unit, value.given, value.parts) for value in told}) == 1
    whole = replace(told[0] if same else NOTHING, computed=computed, hands=frozenset(hands))
    return whole if len(hands) <= MOST else COMPUTED


def _table(tables: Sequence[Table], ways: Ways) -> Table:
    keys = dict.fromkeys(key for table in tables for key in table.items)
    items = {key: either([table.items[key] for table in tables if key in table.items], ways) for key in keys}
    rest = [table.rest for table in tables if table.rest is not None]
    return Table(items, either(rest, ways) if rest else None)


def _row(rows: Sequence[Row], ways: Ways) -> Row:
    if len({len(row.parts) for row in rows}) == 1:
        columns = zip(*(row.parts for row in rows), strict=True)
        return Row(tuple(either(column, ways) for column in columns), any(row.more for row in rows))
    parts = [part for row in rows for part in row.parts]
    return Row((either(parts, Ways(loop=True)),), more=True)


def behind(where: Where, name: str, unit: str = "", given: tuple[float, ...] = ()) -> Origin:
    """What an attribute, a method, an entry or a function of a computed value gives."""
    before = where if isinstance(where, Origin) else NOTHING
    path = (*before.path[-LONGEST_PATH:], name)
    return Origin(computed=True, path=path, unit=unit, given=given or before.given)


def element(where: Where) -> Where:
    """What any part of a list, or any value of a dictionary, is."""
    if isinstance(where, Row):
        return either(where.parts) if where.parts else COMPUTED
    if isinstance(where, Table):
        values = [*where.items.values(), *([where.rest] if where.rest is not None else [])]
        return either(values) if values else COMPUTED
    return replace(where, hands=frozenset()) if isinstance(where, Origin) and where.computed else COMPUTED


def combined(values: Sequence[Where], fold: Callable[..., Any], line: int) -> Where:
    """What is worked out of several values at once: a constant only where each of them may be one.

    Parameters
    ----------
    values
        That it is made of.
    fold
        Gives the result where all are known constants.
    line
        Where it is worked out.
    """
    calculated = Origin(computed=True, parts=names_in(values))
    if not values or not all(may_be_by_hand(value) for value in values):
        return calculated
    plain = [replace(value, hands=there(value.hands)) for value in values if isinstance(value, Origin)]
    if not all(value.hands for value in plain):
        return calculated
    hands = [hand for value in plain for hand in value.hands]
    said = next((hand.instead for hand in hands if hand.instead), "")
    computed = any(value.computed for value in plain)
    if computed and not said:
        return calculated
    single = len(plain) == len(values) and all(len(value.hands) == 1 for value in plain)
    result = _tried(fold, *(hand.value for hand in hands)) if single else UNKNOWN
    where = min((hand.line for hand in hands if hand.instead or not said), default=line)
    numbers = frozenset(number for hand in hands for number in hand.numbers)
    return Origin(computed, frozenset({Hand(result, where, said, numbers)}))


def names_in(values: Iterable[Where]) -> frozenset[str]:
    """Names that led to any of these values."""
    return frozenset(
        name for value in values if isinstance(value, Origin) for name in (*value.path, *value.parts) if name
    )


def _tried(fold: Callable[..., Any], *values: Any) -> Any:
    """What a function makes of known constants; UNKNOWN where one is not, or it fails."""
    if any(isinstance(value, Unknown) for value in values):
        return UNKNOWN
    try:
        result = fold(*values)
    except Exception:
        return UNKNOWN
    return result if isinstance(result, bool | int | float | str | None) else UNKNOWN


def there(hands: frozenset[Hand]) -> frozenset[Hand]:
    """The constants that one can calculate with."""
    return frozenset(hand for hand in hands if hand.value is not None)


def may_be_by_hand(where: Where) -> bool:
    """Whether a value may be a constant; a list or dictionary, whether it holds nothing else."""
    if isinstance(where, Row):
        return bool(where.parts) and all(map(_by_hand, where.parts))
    if isinstance(where, Table):
        return where.rest is None and bool(where.items) and all(map(_by_hand, where.items.values()))
    return isinstance(where, Origin) and bool(where.hands)


def _by_hand(where: Where) -> bool:
    return where.by_hand if isinstance(where, Origin) else may_be_by_hand(where)


def converted(where: Where, convert: Callable[..., Any] | None = None) -> Where:
    """A value in another type or unit: as much by hand as it was.

    Parameters
    ----------
    where
        The value.
    convert
        Function of a constant; without one, what comes out of constants is not worked out.
    """
    if isinstance(where, Row):
        return replace(where, parts=tuple(converted(part, convert) for part in where.parts))
    if not isinstance(where, Origin):
        return COMPUTED
    worked_out = {hand: _tried(convert, hand.value) if convert else UNKNOWN for hand in there(where.hands)}
    if not (where.computed or worked_out):
        return COMPUTED
    hands = (replace(hand, value=value, made_of=hand.numbers) for hand, value in worked_out.items())
    return replace(where, hands=frozenset(hands))
