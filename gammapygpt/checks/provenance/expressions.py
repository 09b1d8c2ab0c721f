"""Expressions: where the value of each comes from, given where those of the names do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from gammapygpt.checks.output import is_result, written
from gammapygpt.checks.provenance.by_name import (
    LONGEST,
    OPERATORS,
    SAME_NUMBER_ATTRIBUTES,
    UNITS,
    is_key,
    same,
    unfolded,
)
from gammapygpt.checks.provenance.origins import (
    COMPUTED,
    LONGEST_PATH,
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
from gammapygpt.checks.source import Source
from gammapygpt.checks.strings import strings


class Written(NamedTuple):
    """Something that was written as JSON."""

    value: Where
    result: bool
    """It certainly went into `result.json`."""
    branch: Ways
    """In which branch."""


class Expressions:
    """What expressions are made of. Names live in `scopes`, the innermost last."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.scopes: list[dict[str, Where]] = [{"__name__": constant("__main__", 0)}]
        self.used: set[float] = set()
        """Numbers of the script that were given to something that computes."""
        self.results: list[Written] = []
        self.inside: list[Ways] = []
        """The branches that the walk is in."""

    def call_function(
        self, function: Function, node: ast.Call, positional: list[Where], named: dict[str, Where]
    ) -> Where:
        """What a function of the script gives."""
        raise NotImplementedError

    def bind(self, target: ast.expr, value: Where) -> None:
        """`target = value`."""
        raise NotImplementedError

    def of(self, node: ast.AST | None) -> Where:
        """Where the value of an expression comes from."""
        if node is None:
            return constant(None, 0)
        method = getattr(self, f"of_{type(node).__name__.lower()}", None)
        if method is not None:
            found: Where = method(node)
            return found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.of(child)
        return COMPUTED

    def of_constant(self, node: ast.Constant) -> Where:
        """A number, a text, None."""
        return constant(node.value, node.lineno) if not isinstance(node.value, bytes | complex) else COMPUTED

    def of_name(self, node: ast.Name) -> Where:
        """A variable; names of modules and builtins are no values."""
        return next((scope[node.id] for scope in reversed(self.scopes) if node.id in scope), COMPUTED)

    def module(self, node: ast.AST) -> str:
        """Dotted name of something that was imported, or of a builtin; empty for what the script made."""
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or any(root.id in scope for scope in self.scopes):
            return ""
        return self.source.dotted(node)

    def of_attribute(self, node: ast.Attribute) -> Where:
        """`base.name`; a unit counts as a number: energies in TeV, angles in deg, times in h, others 1."""
        name = self.module(node)
        if name.startswith("astropy.units."):
            return constant(UNITS.get(node.attr, 1), node.lineno)
        if name in ("numpy.pi", "math.pi", "numpy.e", "math.e"):
            return constant(UNKNOWN, node.lineno)
        base = self.of(node.value)
        found = converted(base, same) if node.attr in SAME_NUMBER_ATTRIBUTES else behind(base, node.attr)
        if isinstance(found, Origin) and found.computed and node.attr in SAME_NUMBER_ATTRIBUTES:
            return replace(found, path=(*found.path[-LONGEST_PATH:], node.attr))
        return found

    def of_list(self, node: ast.List | ast.Tuple | ast.Set) -> Where:
        """A list that is written out."""
        parts: list[Where] = []
        more = len(node.elts) > LONGEST
        for one in node.elts[:LONGEST]:
            value = self.of(one.value if isinstance(one, ast.Starred) else one)
            if isinstance(one, ast.Starred):
                inner = value if isinstance(value, Row) else Row((COMPUTED,), more=True)
                parts += inner.parts
                more = more or inner.more
            else:
                parts.append(value)
        return Row(tuple(parts), more)

    of_tuple = of_set = of_list

    def of_dict(self, node: ast.Dict) -> Where:
        """A dictionary that is written out."""
        table = Table()
        for key, value in zip(node.keys, node.values, strict=True):
            inner = self.of(value)
            table = merged(table, inner) if key is None else with_item(table, known(self.of(key)), inner)
        return table

    def of_binop(self, node: ast.BinOp) -> Where:
        """Arithmetic; `a | b` of dictionaries."""
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(node.op, ast.BitOr) and isinstance(left, Table):
            return merged(left, right)
        if isinstance(node.op, ast.Add) and isinstance(left, Row) and isinstance(right, Row):
            return Row((*left.parts, *right.parts), left.more or right.more)
        if isinstance(node.op, ast.Div) and isinstance(right, Origin) and right.path[-1:] == ("sqrt",):
            return Origin(computed=True, path=("divided by sqrt",))
        return combined([left, right], OPERATORS.get(type(node.op), unfolded), node.lineno)

    def of_unaryop(self, node: ast.UnaryOp) -> Where:
        """`-x`."""
        return converted(self.of(node.operand), OPERATORS.get(type(node.op)))

    def of_compare(self, node: ast.Compare) -> Where:
        """A question; answered only where both sides are known constants."""
        left, *others = [self.of(part) for part in (node.left, *node.comparators)]
        if len(others) == 1 and UNKNOWN not in (known(left), known(others[0])):
            sides = [constant(known(left), node.lineno), constant(known(others[0]), node.lineno)]
            answer = combined(sides, OPERATORS[type(node.ops[0])], node.lineno)
            return answer if known(answer) is not UNKNOWN else COMPUTED
        return COMPUTED

    def of_boolop(self, node: ast.BoolOp) -> Where:
        """`x or 1.0`: the constant stands in for what was not there."""
        values = [self.of(value) for value in node.values]
        if isinstance(node.op, ast.And):
            return either(values[-1:]) if len(values) == 2 else COMPUTED
        return either(values, Ways("behind an `or`"))

    def of_ifexp(self, node: ast.IfExp) -> Where:
        """One or the other."""
        test = known(self.of(node.test))
        if test is not UNKNOWN:
            return self.of(node.body if test else node.orelse)
        return either([self.of(node.body), self.of(node.orelse)], self.branching(node.test))

    def branching(self, test: ast.expr) -> Ways:
        """How the ways behind a condition meet: what constants alone decide is a choice, no fallback."""
        by_data = not self.is_choice(test)
        return Ways("in one branch of an `if`" if by_data else "", by_data=by_data)

    def is_choice(self, test: ast.expr) -> bool:
        """Whether a condition asks nothing but constants of the script."""
        names = [part for part in ast.walk(test) if isinstance(part, ast.Name)]
        calls = any(isinstance(part, ast.Call) for part in ast.walk(test))
        values = [self.of_name(name) for name in names]
        return not calls and all(not isinstance(value, Origin) or value.by_hand for value in values) and bool(names)

    def of_namedexpr(self, node: ast.NamedExpr) -> Where:
        """`(name := value)`."""
        value = self.of(node.value)
        self.bind(node.target, value)
        return value

    def of_lambda(self, node: ast.Lambda) -> Where:
        """Looked into where it is called."""
        return Function(node, len(self.scopes))

    def of_joinedstr(self, node: ast.JoinedStr) -> Where:
        """An f-string, where its parts are known."""
        texts = [known(self.of(part.value if isinstance(part, ast.FormattedValue) else part)) for part in node.values]
        plain = all(not isinstance(part, ast.FormattedValue) or part.format_spec is None for part in node.values)
        return constant("".join(map(str, texts)), node.lineno) if plain and UNKNOWN not in texts else COMPUTED

    def of_subscript(self, node: ast.Subscript) -> Where:
        """`base[index]`."""
        base, index = self.of(node.value), known(self.of(node.slice))
        if isinstance(base, Table):
            if index is UNKNOWN or not is_key(index):
                return element(base)
            return base.items.get(index, base.rest or COMPUTED)
        if isinstance(base, Row) and isinstance(index, int) and not base.more:
            return base.parts[index] if -len(base.parts) <= index < len(base.parts) else COMPUTED
        if isinstance(base, Row):
            return base if isinstance(node.slice, ast.Slice) else element(base)
        if isinstance(base, Origin) and base.computed and isinstance(index, str):
            return behind(base, index)
        return converted(base) if isinstance(base, Origin) else COMPUTED

    def of_listcomp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Where:
        """A comprehension; followed one by one where what it runs over is known."""
        parts, more = [], False
        for sure in self.rounds(node.generators):
            parts.append(self.of(node.elt))
            more = more or not sure
        return Row(tuple(parts[:LONGEST]), more or len(parts) > LONGEST)

    of_setcomp = of_generatorexp = of_listcomp

    def of_dictcomp(self, node: ast.DictComp) -> Where:
        """The same for a dictionary."""
        table = Table()
        for _ in self.rounds(node.generators):
            table = with_item(table, known(self.of(node.key)), self.of(node.value))
        return table

    def rounds(self, generators: list[ast.comprehension]) -> Iterator[bool]:
        """Each round of a comprehension with its names bound; whether it is certain to be one round of its own."""
        self.scopes.append({})
        first, *others = generators
        conditions = bool(first.ifs) or bool(others)
        for part, sure in self.parts_of(first.iter):
            self.bind(first.target, part)
            for other in others:
                self.bind(other.target, element(self.of(other.iter)))
            yield sure and not conditions
        self.scopes.pop()

    def parts_of(self, node: ast.expr) -> list[tuple[Where, bool]]:
        """What a loop runs over, one by one where that is known; else any part, once."""
        value = self.of(node)
        if isinstance(value, Row) and not value.more and len(value.parts) <= LONGEST:
            return [(part, True) for part in value.parts]
        if isinstance(value, Table) and value.rest is None and len(value.items) <= LONGEST:
            return [(constant(key, node.lineno), True) for key in value.items]
        return [(element(value), False)]

    def file(self, node: ast.Call) -> File | None:
        """What a call opens for writing; None where it opens nothing."""
        targets = written(self.source, node)
        texts = [text for target in targets for text in strings(self.source, target)]
        return File(any(map(is_result, texts))) if texts else None

    def note(self, value: Where, file: File | None) -> None:
        """Something was written as JSON."""
        branch = self.inside[-1] if self.inside else Ways()
        self.results.append(Written(value.of if isinstance(value, Text) else value, bool(file and file.result), branch))

    def name_of(self, node: ast.Call) -> tuple[str, str]:
        """Full name of what is called where it was imported, and its last part."""
        return self.module(node.func), last_part(node.func)


def with_item(table: Table, key: Any, value: Where) -> Table:
    """The dictionary after `table[key] = value`."""
    if key is UNKNOWN or not is_key(key):
        return Table(table.items, value if table.rest is None else either([table.rest, value]))
    return Table({**table.items, key: value}, table.rest)


def merged(table: Table, other: Where) -> Table:
    """The dictionary after `table.update(other)`."""
    if not isinstance(other, Table):
        return Table(table.items, COMPUTED if table.rest is None else either([table.rest, COMPUTED]))
    for key, value in other.items.items():
        table = with_item(table, key, value)
    return table if other.rest is None else with_item(table, UNKNOWN, other.rest)
