"""Calls: which give their argument in another form, which write it down, and which compute something new."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from gammapygpt.checks.provenance.by_name import (
    LONGEST,
    OF_NUMBERS,
    SAME_NUMBER,
    SAME_NUMBER_METHODS,
    SAME_VALUE,
    TEXT_METHODS,
    is_key,
    same,
    unfolded,
)
from gammapygpt.checks.provenance.expressions import Expressions, merged, with_item
from gammapygpt.checks.provenance.origins import (
    COMPUTED,
    UNKNOWN,
    File,
    Function,
    Origin,
    Row,
    Table,
    Text,
    Ways,
    Where,
    behind,
    combined,
    constant,
    converted,
    either,
    element,
    known,
)
from gammapygpt.checks.selection import last_part

CHANGES = {"update", "setdefault", "append", "extend", "insert", "add"}
"""Methods that change a dictionary or list in its place."""


class Calls(Expressions):
    """What calls give, and what they write."""

    def of_call(self, node: ast.Call) -> Where:
        """A call: its arguments first, then what it gives."""
        function = self.of(node.func) if isinstance(node.func, ast.Name | ast.Lambda | ast.Subscript) else COMPUTED
        positional = [self.of(one.value if isinstance(one, ast.Starred) else one) for one in node.args]
        named = {one.arg or "": self.of(one.value) for one in node.keywords}
        if isinstance(function, Function):
            return self.call_function(function, node, positional, named)
        found = self.writes(node, positional, named)
        if found is None:
            found = self.builtin(node, positional, named)
        if found is None:
            found = self.numbers(node, positional, named)
        if found is None and isinstance(node.func, ast.Attribute):
            found = self.method(node, node.func, positional, named)
        if found is None:
            self.note_used([*positional, *named.values()])
            name, last = self.name_of(node)
            first = positional[0] if positional and name.startswith("numpy.") else COMPUTED
            if isinstance(first, Origin) and first.path:
                return behind(first, last, first.unit)
            base = self.of(node.func.value) if isinstance(node.func, ast.Attribute) else COMPUTED
            given = [known(value) for value in positional]
            given = [] if not all(isinstance(one, int | float) for one in given) else given
            return behind(base, last, given=tuple(map(float, given)))
        return found

    def note_used(self, values: list[Where]) -> None:
        """Constants that something computes with are choices of the analysis."""
        for value in values:
            if isinstance(value, Row):
                self.note_used(list(value.parts))
            elif isinstance(value, Table):
                self.note_used(list(value.items.values()))
            elif isinstance(value, Origin):
                numbers = (hand.value for hand in value.hands)
                self.used |= {float(one) for one in numbers if isinstance(one, int | float)}

    def writes(self, node: ast.Call, positional: list[Where], named: dict[str, Where]) -> Where | None:
        """`json.dump(value, file)`, `file.write(json.dumps(value))`, `Path(...).write_text(...)`, `open(...)`."""
        name, last = self.name_of(node)
        if name == "json.dumps" and positional:
            return Text(positional[0])
        if name == "json.dump" and positional:
            file = positional[1] if len(positional) > 1 else named.get("fp")
            self.note(positional[0], file if isinstance(file, File) else None)
            return COMPUTED
        if last == "write" and isinstance(node.func, ast.Attribute) and positional and isinstance(positional[0], Text):
            receiver = self.of(node.func.value)
            self.note(positional[0], receiver if isinstance(receiver, File) else None)
            return COMPUTED
        if last in ("write_text", "write_bytes") and positional and isinstance(positional[0], Text):
            self.note(positional[0], self.file(node))
            return COMPUTED
        return self.file(node) if last == "open" else None

    def builtin(self, node: ast.Call, positional: list[Where], named: dict[str, Where]) -> Where | None:
        """Functions of Python itself."""
        name, _ = self.name_of(node)
        last = name.removeprefix("builtins.")
        first = positional[0] if positional else None
        if not name.startswith("builtins.") and name != "itertools.chain":
            return None
        if last in SAME_VALUE and first is not None:
            digits = [known(value) for value in positional[1:]]
            return converted(first, lambda value: SAME_VALUE[last](value, *digits))
        if last == "dict":
            table = merged(Table(), first) if first is not None else Table()
            return merged(table, Table({key: value for key, value in named.items() if key}))
        if last in ("list", "tuple", "sorted", "reversed", "set"):
            return Row() if first is None else first if isinstance(first, Row) else Row((element(first),), more=True)
        if last == "zip" and positional:
            return zipped(positional)
        if last == "enumerate" and first is not None:
            parts = first.parts if isinstance(first, Row) else (element(first),)
            numbered = tuple(Row((constant(place, node.lineno), part)) for place, part in enumerate(parts))
            return Row(numbered, more=not isinstance(first, Row) or first.more)
        if last == "range" and positional and UNKNOWN not in map(known, positional):
            return ranged([known(one) for one in positional], node.lineno)
        if (last == "getattr" and len(positional) > 2) or (last == "next" and len(positional) > 1):
            return either([COMPUTED, positional[-1]], Ways(f"the default of `{last}`"))
        if last in ("sum", "min", "max", "pow", "divmod") and positional:
            inner = positional[0].parts if len(positional) == 1 and isinstance(positional[0], Row) else positional
            whole = either(inner, Ways(loop=True))
            if isinstance(whole, Origin) and whole.computed:
                return behind(whole, last, whole.unit if last in ("sum", "min", "max") else "")
            return combined(list(inner), unfolded, node.lineno)
        return None

    def numbers(self, node: ast.Call, positional: list[Where], named: dict[str, Where]) -> Where | None:
        """Functions of numpy, math and astropy.units that only convert, and those that replace what is missing."""
        name, last = self.name_of(node)
        if not name.startswith(OF_NUMBERS) or not positional:
            return None
        if last in UNFOLDED and isinstance(positional[0], Origin) and positional[0].computed:
            return behind(positional[0], last)
        if last in SAME_NUMBER:
            return converted(positional[0], same if last not in UNFOLDED else None)
        if last == "nan_to_num":
            filled = [named[key] for key in ("nan", "posinf", "neginf") if key in named]
            filled = filled or [constant(0.0, node.lineno)]
            return either([positional[0], *filled], Ways("in the place of NaN"))
        if last == "where" and len(positional) == 3:
            return either(positional[1:], Ways("in the place of what `where` leaves out"))
        if name == "astropy.units.Unit":
            return constant(1, node.lineno)
        return None

    def method(
        self, node: ast.Call, called: ast.Attribute, positional: list[Where], named: dict[str, Where]
    ) -> Where | None:
        """Methods of values that are followed."""
        base = self.of(called.value)
        last = called.attr
        if last in CHANGES and isinstance(base, Table | Row):
            self.bind_to(called.value, changed(base, last, positional, named))
            return COMPUTED
        if isinstance(base, Table):
            return self.table_method(node, base, last, positional)
        if isinstance(base, Function):
            return None
        if last == "get" and len(positional) > 1:
            return either([COMPUTED, positional[1]], Ways("the default of `get`"))
        if last in ("filled", "fillna") and positional:
            return either([COMPUTED, positional[0]], Ways(f"the filling of `{last}`"))
        if isinstance(base, Origin) and last in TEXT_METHODS and isinstance(known(base), str):
            texts = [known(value) for value in positional]
            return COMPUTED if UNKNOWN in texts else converted(base, lambda text: getattr(text, last)(*texts))
        if isinstance(base, Origin | Row) and last in SAME_NUMBER_METHODS:
            found = converted(base, None if last in ("to", "to_value", "decompose") else same)
            return in_unit(found, self.unit_of(node.args[0])) if last in ("to", "to_value") and node.args else found
        return None

    def unit_of(self, node: ast.expr) -> str:
        """A unit as the script writes it: `"cm-2 s-1"`, `u.TeV`, `u.Unit("m2")`; empty where that is not known."""
        if isinstance(node, ast.Call) and last_part(node.func) == "Unit" and node.args:
            return self.unit_of(node.args[0])
        text = known(self.of(node))
        if isinstance(text, str):
            return text
        name = self.module(node)
        return name.removeprefix("astropy.units.") if name.startswith("astropy.units.") else ""

    def table_method(self, node: ast.Call, base: Table, last: str, positional: list[Where]) -> Where | None:
        """Methods of a dictionary."""
        if last == "get" and positional:
            key = known(positional[0])
            if key is UNKNOWN or not is_key(key):
                return element(base)
            default = positional[1] if len(positional) > 1 else constant(None, node.lineno)
            return base.items.get(key, default if base.rest is None else COMPUTED)
        if last == "items":
            rows = [Row((constant(key, node.lineno), value)) for key, value in base.items.items()]
            rows += [Row((COMPUTED, base.rest))] if base.rest is not None else []
            return Row(tuple(rows[:LONGEST]), more=base.rest is not None or len(rows) > LONGEST)
        if last in ("values", "keys"):
            parts = [value if last == "values" else constant(key, node.lineno) for key, value in base.items.items()]
            return Row(tuple(parts), more=base.rest is not None)
        return base if last == "copy" else COMPUTED

    def bind_to(self, target: ast.expr, value: Where) -> None:
        """A dictionary or list was changed in its place; where that is no name, it is lost from sight."""
        if isinstance(target, ast.Name | ast.Subscript):
            self.bind(target, value)


UNFOLDED = {"sqrt", "log", "log10", "exp", "power", "degrees", "radians", "deg2rad", "rad2deg", "negative", "full"}


def in_unit(where: Where, unit: str) -> Where:
    """A value after a conversion."""
    return replace(where, unit=unit) if isinstance(where, Origin) else where


def zipped(columns: list[Where]) -> Row:
    """`zip` of lists."""
    rows = [column if isinstance(column, Row) else Row((element(column),), more=True) for column in columns]
    if all(not row.more for row in rows):
        return Row(tuple(Row(parts) for parts in zip(*(row.parts for row in rows), strict=False)))
    known_length = [row for row in rows if not row.more]
    if known_length:
        length = min(len(row.parts) for row in known_length)
        lined = [row.parts[:length] if not row.more else (element(row),) * length for row in rows]
        return Row(tuple(Row(parts) for parts in zip(*lined, strict=True)))
    return Row((Row(tuple(element(row) for row in rows)),), more=True)


def ranged(bounds: list[Any], line: int) -> Where:
    """`range` of constants."""
    try:
        numbers = range(*bounds)
    except (TypeError, ValueError):
        return COMPUTED
    if len(numbers) > LONGEST:
        return Row((COMPUTED,), more=True)
    return Row(tuple(constant(number, line) for number in numbers))


def changed(base: Table | Row, method: str, positional: list[Where], named: dict[str, Where]) -> Where:
    """A dictionary after `update` or `setdefault`, a list after `append` and the like."""
    if isinstance(base, Table):
        if method == "setdefault" and positional:
            key = known(positional[0])
            missing = key is UNKNOWN or key not in base.items
            return with_item(base, key, positional[1] if len(positional) > 1 else COMPUTED) if missing else base
        table = merged(base, positional[0]) if positional else base
        return merged(table, Table({key: value for key, value in named.items() if key}))
    if method == "extend" and positional:
        other = positional[0]
        inner = other if isinstance(other, Row) else Row((element(other),), more=True)
        return Row((*base.parts, *inner.parts)[:LONGEST], base.more or inner.more)
    return Row((*base.parts, *positional[-1:])[:LONGEST], base.more)
