"""Statements in the order in which they run: where the value of each name comes from at each of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from gammapygpt.checks.api.guards import is_suppress
from gammapygpt.checks.provenance.by_name import OPERATORS, is_key, unfolded
from gammapygpt.checks.provenance.calls import Calls
from gammapygpt.checks.provenance.expressions import merged, with_item
from gammapygpt.checks.provenance.origins import (
    COMPUTED,
    UNKNOWN,
    Function,
    Origin,
    Row,
    Table,
    Ways,
    Where,
    combined,
    constant,
    either,
    element,
    known,
)
from gammapygpt.checks.source import Source

DEEPEST = 6
"""Calls of the script's own functions inside one another that are followed."""
MOST_STEPS = 20_000
"""Statements looked at, repetitions included; then nothing more is followed."""
EXCEPT = "in an `except` branch"
Scopes = list[dict[str, Where]]


class Trace(Calls):
    """A walk through a script."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.steps = 0
        self.depth = 0
        self.rounds_unknown = 0
        """Loops around here of which nobody knows how often they run."""
        self.returns: list[tuple[Where, Ways | None]] = []
        self.outer_names: list[set[str]] = [set()]

    def walk(self) -> None:
        """The module from top to bottom."""
        self.block(self.source.tree.body)

    def block(self, body: Iterable[ast.stmt]) -> bool:
        """One statement after the other; whether the block always leaves."""
        for statement in body:
            self.steps += 1
            if self.steps > MOST_STEPS or self.statement(statement):
                return True
        return False

    def statement(self, node: ast.stmt) -> bool:
        """One statement, by its kind; whether it always leaves."""
        method = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if method is not None:
            return bool(method(node))
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.of(child)
        return isinstance(node, ast.Raise | ast.Continue | ast.Break)

    def bind(self, target: ast.expr, value: Where) -> None:
        """`target = value`, `target[key] = value`."""
        if isinstance(target, ast.Name):
            scope = self.scopes[0] if target.id in self.outer_names[-1] else self.scopes[-1]
            scope[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for one, part in zip(target.elts, unpacked(target, value), strict=True):
                self.bind(one.value if isinstance(one, ast.Starred) else one, part)
        elif isinstance(target, ast.Subscript):
            self.bind_item(target, value)
        elif isinstance(target, ast.Attribute):
            self.note_used([value])

    def bind_item(self, target: ast.Subscript, value: Where) -> None:
        """An entry of a dictionary that is followed; whoever holds it holds the changed one from here on."""
        base, key = self.of(target.value), known(self.of(target.slice))
        if isinstance(base, Table):
            self.rebind(target.value, with_item(base, key, value))
        elif isinstance(base, Row) and isinstance(key, int) and is_key(key) and not base.more:
            parts = list(base.parts)
            if -len(parts) <= key < len(parts):
                parts[key] = value
                self.rebind(target.value, Row(tuple(parts)))
        elif isinstance(base, Row):
            self.rebind(target.value, Row((either([*base.parts, value], Ways(loop=True)),), more=True))

    def rebind(self, holder: ast.expr, value: Where) -> None:
        """A container has changed: the name that holds it, in whatever scope, or the entry of another container."""
        if isinstance(holder, ast.Name):
            scope = next((scope for scope in reversed(self.scopes) if holder.id in scope), self.scopes[-1])
            scope[holder.id] = value
        elif isinstance(holder, ast.Subscript):
            self.bind_item(holder, value)

    def bind_to(self, target: ast.expr, value: Where) -> None:
        """As `rebind`."""
        self.rebind(target, value)

    def on_assign(self, node: ast.Assign) -> None:
        """`a = b = value`."""
        value = self.of(node.value)
        for target in node.targets:
            self.bind(target, value)

    def on_annassign(self, node: ast.AnnAssign) -> None:
        """`a: b = value`."""
        if node.value is not None:
            self.bind(node.target, self.of(node.value))

    def on_augassign(self, node: ast.AugAssign) -> None:
        """`a += value`: a sum that begins with a constant is no constant once something computed was added."""
        before, added = self.of(node.target), self.of(node.value)
        if isinstance(before, Row) and isinstance(added, Row):
            self.rebind(node.target, Row((*before.parts, *added.parts), before.more or added.more))
        elif isinstance(before, Table):
            self.rebind(node.target, merged(before, added))
        else:
            fold = unfolded if self.rounds_unknown else OPERATORS.get(type(node.op), unfolded)
            self.bind(node.target, combined([before, added], fold, node.lineno))

    def on_if(self, node: ast.If) -> bool:
        """Both ways, each from where the condition leaves off; one way where constants decide."""
        test = known(self.of(node.test))
        if test is not UNKNOWN:
            return self.block(node.body if test else node.orelse)
        ways = self.branching(node.test)
        return self.branches([node.body, node.orelse], [ways, ways], ways)

    def branches(self, bodies: list[list[ast.stmt]], each: list[Ways], meeting: Ways) -> bool:
        """Several ways from here, and what the names stand for where they meet."""
        before = copied(self.scopes)
        ends: list[Scopes] = []
        for body, ways in zip(bodies, each, strict=True):
            self.scopes = copied(before)
            self.inside.append(ways)
            if not self.block(body):
                ends.append(self.scopes)
            self.inside.pop()
        self.scopes = together(ends, meeting) if ends else before
        return not ends

    def on_for(self, node: ast.For | ast.AsyncFor) -> bool:
        """One round for each part that is known; else two rounds over any part."""
        parts = self.parts_of(node.iter)
        if parts and all(sure for _, sure in parts):
            for part, _ in parts:
                self.bind(node.target, part)
                self.block(node.body)
            return self.block(node.orelse)
        part = parts[0][0] if parts else COMPUTED
        self.twice(node.body, lambda: self.bind(node.target, part))
        return self.block(node.orelse)

    on_asyncfor = on_for

    def on_while(self, node: ast.While) -> bool:
        """Two rounds."""
        self.twice(node.body, lambda: self.of(node.test))
        return self.block(node.orelse)

    def twice(self, body: list[ast.stmt], begin: object) -> None:
        """A loop's body from before it, then from what is true before and after it."""
        before = copied(self.scopes)
        self.rounds_unknown += 1
        for _ in range(2):
            begin()  # type: ignore[operator]
            self.block(body)
            self.scopes = together([copied(before), self.scopes], Ways(loop=True))
        self.rounds_unknown -= 1

    def on_with(self, node: ast.With | ast.AsyncWith) -> bool:
        """The body, with what was opened; under `suppress` perhaps none of it."""
        for item in node.items:
            value = self.of(item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value)
        if not any(is_suppress(item.context_expr) for item in node.items):
            return self.block(node.body)
        ways = Ways("where `suppress` hides a failure")
        self.branches([node.body, []], [ways, ways], ways)
        return False

    on_asyncwith = on_with

    def on_try(self, node: ast.Try) -> bool:
        """The body, or what stood before it with a handler: a constant there stands in for what failed."""
        before = copied(self.scopes)
        leaves = self.block(node.body) or self.block(node.orelse)
        ends = [] if leaves else [self.scopes]
        after = copied(self.scopes)
        for handler in node.handlers:
            self.scopes = together([copied(before), copied(after)], Ways()) if leaves else copied(before)
            self.inside.append(Ways(EXCEPT))
            if not self.block(handler.body):
                ends.append(self.scopes)
            self.inside.pop()
        self.scopes = together(ends, Ways(EXCEPT)) if ends else before
        return self.block(node.finalbody) or not ends

    on_trystar = on_try

    def on_match(self, node: ast.Match) -> bool:
        """Each case from the same beginning."""
        ways = self.branching(node.subject)
        bodies = [case.body for case in node.cases]
        self.branches([*bodies, []], [ways] * (len(bodies) + 1), ways)
        return False

    def on_functiondef(self, node: ast.FunctionDef) -> None:
        """Looked into where it is called."""
        self.bind(ast.Name(node.name, ast.Store()), Function(node, len(self.scopes)))

    def on_asyncfunctiondef(self, node: ast.AsyncFunctionDef) -> None:
        """Not looked into."""

    def on_classdef(self, node: ast.ClassDef) -> None:
        """Not looked into."""
        self.bind(ast.Name(node.name, ast.Store()), COMPUTED)

    def on_global(self, node: ast.Global | ast.Nonlocal) -> None:
        """Names of the module."""
        self.outer_names[-1].update(node.names)

    on_nonlocal = on_global

    def on_return(self, node: ast.Return) -> bool:
        """What the function gives, and by which branch."""
        self.returns.append((self.of(node.value), self.inside[-1] if self.inside else None))
        return True

    def on_expr(self, node: ast.Expr) -> bool:
        """A call that stands alone; `sys.exit()` leaves."""
        self.of(node.value)
        name = self.module(node.value.func) if isinstance(node.value, ast.Call) else ""
        return name in ("sys.exit", "builtins.exit", "builtins.quit", "os._exit")

    def call_function(
        self, function: Function, node: ast.Call, positional: list[Where], named: dict[str, Where]
    ) -> Where:
        """What a function of the script gives; what it changes in the dictionaries that it was given is kept."""
        if self.depth >= DEEPEST or self.steps > MOST_STEPS or any(isinstance(one, ast.Starred) for one in node.args):
            return COMPUTED
        local = self.arguments(function, positional, named)
        outer, self.scopes = self.scopes, [*self.scopes[: function.depth], local]
        inside, self.inside = self.inside, []
        returns, self.returns = self.returns, []
        self.outer_names.append(set())
        self.depth += 1
        if isinstance(function.node, ast.Lambda):
            self.returns.append((self.of(function.node.body), None))
        elif not self.block(function.node.body):
            self.returns.append((constant(None, node.lineno), None))
        ended = self.scopes
        self.depth -= 1
        self.outer_names.pop()
        given, self.returns, self.inside = self.returns, returns, inside
        self.scopes = [*ended[:-1], *outer[function.depth :]] if len(ended) > function.depth else outer
        self.hand_back(function, node, ended[-1])
        return meeting(given)

    def arguments(self, function: Function, positional: list[Where], named: dict[str, Where]) -> dict[str, Where]:
        """What each parameter stands for."""
        spec = function.node.args
        names = [one.arg for one in (*spec.posonlyargs, *spec.args)]
        every = [*names, *(one.arg for one in spec.kwonlyargs)]
        local: dict[str, Where] = dict.fromkeys(every, COMPUTED)
        local |= {one.arg: COMPUTED for one in (spec.vararg, spec.kwarg) if one is not None}
        for name, default in zip(reversed(names), reversed(spec.defaults), strict=False):
            local[name] = self.of(default)
        for one, kw_default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            if kw_default is not None:
                local[one.arg] = self.of(kw_default)
        local |= dict(zip(names, positional, strict=False))
        if spec.vararg is not None:
            local[spec.vararg.arg] = Row(tuple(positional[len(names) :]))
        return local | {name: value for name, value in named.items() if name in every}

    def hand_back(self, function: Function, node: ast.Call, local: dict[str, Where]) -> None:
        """Containers that the caller gave by name, as the function left them."""
        spec = function.node.args
        names = [one.arg for one in (*spec.posonlyargs, *spec.args)]
        pairs = [*zip(names, node.args, strict=False), *((one.arg, one.value) for one in node.keywords if one.arg)]
        for name, given in pairs:
            left = local.get(name)
            if (
                isinstance(given, ast.Name)
                and isinstance(left, Table | Row)
                and isinstance(self.of(given), Table | Row)
            ):
                self.rebind(given, left)


def unpacked(target: ast.Tuple | ast.List, value: Where) -> list[Where]:
    """What each part of a target is given, the rest of a list to the one with a star."""
    count = len(target.elts)
    star = next((place for place, one in enumerate(target.elts) if isinstance(one, ast.Starred)), None)
    if not isinstance(value, Row) or value.more or len(value.parts) < count - (star is not None):
        return [COMPUTED if isinstance(one, ast.Starred) else element(value) for one in target.elts]
    parts: list[Where] = list(value.parts)
    if star is not None:
        end = len(parts) - (count - star - 1)
        parts = [*parts[:star], Row(tuple(parts[star:end])), *parts[end:]]
    return parts if len(parts) == count else [element(value)] * count


def meeting(returns: list[tuple[Where, Ways | None]]) -> Where:
    """What a function gives that returns at several places: a constant of a branch stands in for what is computed."""
    values = [value for value, _ in returns]
    branch = next((ways for value, ways in returns if ways and holds_constants(value)), None)
    return either(values, branch or Ways())


def copied(scopes: Scopes) -> Scopes:
    """Scopes that can change without the others."""
    return [dict(scope) for scope in scopes]


def holds_constants(where: Where) -> bool:
    """Whether a value, or anything in it, can be nothing but a constant."""
    if isinstance(where, Table | Row):
        return any(map(holds_constants, where.items.values() if isinstance(where, Table) else where.parts))
    return isinstance(where, Origin) and where.by_hand


def together(ends: list[Scopes], ways: Ways) -> Scopes:
    """What names stand for where several ways meet."""
    merged: Scopes = []
    for level in zip(*ends, strict=False):
        names = dict.fromkeys(name for scope in level for name in scope)
        merged.append({name: either([scope[name] for scope in level if name in scope], ways) for name in names})
    return merged
