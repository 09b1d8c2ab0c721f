"""Statements in the order in which they run: what each name stands for when it is used."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from gammapygpt.checks.api.arguments import Arguments
from gammapygpt.checks.api.assignments import Assignments
from gammapygpt.checks.api.infer import Inference, narrowed
from gammapygpt.checks.api.kinds import Kind, Local, Module, Object, Several, Value, same
from gammapygpt.checks.api.report import Report
from gammapygpt.knowledge.facts import Facts
from gammapygpt.state import Environment

DEEPEST = 4
"""Calls of the script's own functions inside one another that are followed."""
MOST_STEPS = 20_000
"""Statements looked at, repetitions included; then nothing more is said."""


class Flow:
    """A walk through a script."""

    def __init__(self, tree: ast.Module, facts: Facts, environment: Environment, report: Report) -> None:
        self.tree = tree
        self.facts = facts
        self.modules = set(environment.modules)
        self.listed = environment.names
        self.report = report
        self.infer = Inference(facts, environment, report, self.run, self.loop_over)
        self.assignments = Assignments(tree, facts, report, self.infer.members)
        self.steps = 0
        self.depth = 0
        self.returns: list[Kind] = []
        self.followed: set[int] = set()
        """Functions of the script that a call was followed into."""
        self.ever: dict[str, list[Kind]] = {}
        """All that a name of the module was ever bound to."""
        self.elsewhere = bound_from_inside(tree)

    def walk(self) -> None:
        """The module from top to bottom, then the functions that nobody called with anything known."""
        self.block(self.tree.body)
        lasting = {name: same(kinds) for name, kinds in self.ever.items()}
        waiting: list[ast.AST] = list(self.tree.body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and id(node) not in self.followed:
                self.infer.names = {**lasting, **dict.fromkeys(argument_names(node.args))}
                self.depth, self.returns = 1, []
                self.block(node.body)
            waiting.extend(ast.iter_child_nodes(node))

    def run(self, local: Local, given: Arguments) -> Kind:
        """Follow a call into a function of the script, with what is known of its arguments."""
        node, outer = local.node, self.infer.names
        if self.depth >= DEEPEST or self.steps > MOST_STEPS or is_generator(node):
            return None
        self.followed.add(id(node))
        outer_returns, self.returns = self.returns, []
        self.infer.names = {**outer, **self.arguments(node.args, given)}
        replaced = id(given.node) in self.report.replaced
        self.depth += 1
        self.report.muted += replaced
        self.block(node.body)
        self.report.muted -= replaced
        self.depth -= 1
        found, self.returns = self.returns, outer_returns
        self.infer.names = outer
        if node.decorator_list or not found:
            return None
        return same(found)

    def arguments(self, spec: ast.arguments, given: Arguments) -> dict[str, Kind]:
        """What each parameter of a function stands for in one call."""
        names = argument_names(spec)
        found: dict[str, Kind] = dict.fromkeys(names)
        if given.spread:
            return found
        places = [one.arg for one in [*spec.posonlyargs, *spec.args]]
        for name, default in zip(reversed(places), reversed(spec.defaults), strict=False):
            found[name] = self.infer.quietly(default)
        found.update(zip(places, given.positional, strict=False))
        found.update({name: kind for name, kind in given.keywords.items() if name in names})
        return found

    def block(self, body: Iterable[ast.stmt]) -> None:
        """One statement after the other, up to one that always leaves."""
        for statement in body:
            self.steps += 1
            if self.steps > MOST_STEPS:
                return
            self.statement(statement)
            if isinstance(statement, ast.Return | ast.Raise | ast.Continue | ast.Break):
                return

    def statement(self, node: ast.stmt) -> None:
        """One statement, by its kind; of others the expressions are checked."""
        method = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if method is not None:
            method(node)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.infer.of(child)

    def on_import(self, node: ast.Import) -> None:
        """`import a.b as c`."""
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            self.bind(alias.asname or name, Module(name))

    def on_importfrom(self, node: ast.ImportFrom) -> None:
        """`from a import b`."""
        module = "" if node.level else node.module or ""
        for alias in node.names:
            if alias.name == "*":
                for name in self.listed.get(module, []):
                    self.bind(name, self.imported(module, name))
            else:
                self.bind(alias.asname or alias.name, self.imported(module, alias.name))

    def imported(self, module: str, name: str) -> Kind:
        """What a name of a module is."""
        kind = self.infer.members.of_module(module, name)
        return Module(f"{module}.{name}") if kind is None and f"{module}.{name}" in self.modules else kind

    def bind(self, name: str, kind: Kind) -> None:
        """A name stands for something from here on."""
        kind = None if name in self.elsewhere else kind
        self.infer.names[name] = kind
        if self.depth == 0:
            self.ever.setdefault(name, []).append(kind)

    def assign(self, target: ast.expr, kind: Kind) -> None:
        """`target = value`."""
        if isinstance(target, ast.Name):
            self.bind(target.id, kind)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = kind.parts if isinstance(kind, Several) and len(kind.parts) == len(target.elts) else ()
            starred = any(isinstance(one, ast.Starred) for one in target.elts)
            self.assignments.unpack(target, kind)
            for number, one in enumerate(target.elts):
                known = parts[number] if parts and not starred else None
                self.assign(one.value if isinstance(one, ast.Starred) else one, known)
        elif isinstance(target, ast.Attribute):
            self.assignments.attribute(target, self.infer.of(target.value), kind)
        elif isinstance(target, ast.Subscript):
            self.infer.of(target.value)
            self.infer.of(target.slice)

    def on_assign(self, node: ast.Assign) -> None:
        """`a = b = value`."""
        kind = self.infer.of(node.value)
        for target in node.targets:
            self.assign(target, kind)

    def on_annassign(self, node: ast.AnnAssign) -> None:
        """`a: b = value`."""
        self.assign(node.target, self.infer.of(node.value) if node.value else None)

    def on_augassign(self, node: ast.AugAssign) -> None:
        """`a += value`: what comes out is not followed."""
        self.infer.of(node.value)
        if isinstance(node.target, ast.Name):
            kept = self.infer.names.get(node.target.id)
            self.bind(node.target.id, kept if isinstance(kept, Object) else None)
        else:
            self.infer.of(node.target.value)

    def on_delete(self, node: ast.Delete) -> None:
        """`del a`."""
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.bind(target.id, None)

    def on_if(self, node: ast.If) -> None:
        """Both ways, each from where the condition leaves off."""
        self.infer.of(node.test)
        before = {**self.infer.names, **dict.fromkeys(narrowed(node.test))}
        ends = []
        for body in (node.body, node.orelse):
            self.infer.names = dict(before)
            self.block(body)
            if not leaves(body):
                ends.append(self.infer.names)
        self.infer.names = together(ends) if ends else dict(before)

    def on_for(self, node: ast.For | ast.AsyncFor) -> None:
        """The body twice: names that it binds anew may stand for something else the second time."""
        kind = self.infer.of(node.iter)
        self.repeat(node, lambda: self.loop_over(node.target, node.iter, kind))

    on_asyncfor = on_for

    def on_while(self, node: ast.While) -> None:
        """As a loop over nothing known."""
        self.repeat(node, lambda: self.infer.of(node.test))

    def repeat(self, node: ast.For | ast.AsyncFor | ast.While, begin: object) -> None:
        """A loop's body, first without findings, then from what is true before and after it."""
        before = dict(self.infer.names)
        self.report.muted += 1
        begin()  # type: ignore[operator]
        self.block(node.body)
        self.report.muted -= 1
        self.infer.names = together([before, self.infer.names])
        begin()  # type: ignore[operator]
        self.block(node.body)
        self.infer.names = together([before, self.infer.names])
        self.block(node.orelse)

    def loop_over(self, target: ast.expr, iterable: ast.expr, kind: Kind) -> None:
        """Bind the loop's variables; `zip` and `enumerate` are looked through."""
        if isinstance(iterable, ast.Call) and isinstance(iterable.func, ast.Name) and isinstance(target, ast.Tuple):
            inner = [self.infer.quietly(one) for one in iterable.args]
            parts = [self.infer.iterated(one, iterable) for one in inner]
            if iterable.func.id == "enumerate" and len(target.elts) == 2:
                self.assign(target, Several((Value(0), parts[0] if parts else None)))
                return
            if iterable.func.id == "zip" and len(parts) == len(target.elts):
                self.assign(target, Several(tuple(parts)))
                return
        found = self.infer.iterated(kind, iterable) if kind is not None else None
        self.assign(target, None if isinstance(found, Value) else found)

    def on_with(self, node: ast.With | ast.AsyncWith) -> None:
        """The body, with names bound to what cannot be known."""
        for item in node.items:
            self.infer.of(item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, None)
        self.block(node.body)

    on_asyncwith = on_with

    def on_try(self, node: ast.Try) -> None:
        """Any part of the body may have run when a handler begins."""
        before = dict(self.infer.names)
        self.block(node.body)
        self.block(node.orelse)
        ends = [self.infer.names] if not leaves(node.body) else []
        for handler in node.handlers:
            self.infer.names = together([before, self.infer.names])
            self.block(handler.body)
            if not leaves(handler.body):
                ends.append(self.infer.names)
        self.infer.names = together(ends) if ends else before
        self.block(node.finalbody)

    def on_match(self, node: ast.Match) -> None:
        """Each case from the same beginning; what patterns bind is not known."""
        self.infer.of(node.subject)
        bound = {one.name for one in ast.walk(node) if isinstance(one, ast.MatchAs | ast.MatchStar) and one.name}
        before, ends = {**self.infer.names, **dict.fromkeys(bound)}, []
        for case in node.cases:
            self.infer.names = dict(before)
            self.block(case.body)
            ends.append(self.infer.names)
        self.infer.names = together([before, *ends])

    def on_functiondef(self, node: ast.FunctionDef) -> None:
        """A function of the script: followed where it is called."""
        for default in [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]:
            self.infer.of(default)
        for decorator in node.decorator_list:
            self.infer.of(decorator)
        self.bind(node.name, None if node.decorator_list else Local(node))

    def on_asyncfunctiondef(self, node: ast.AsyncFunctionDef) -> None:
        """Not followed into."""
        self.bind(node.name, None)

    def on_classdef(self, node: ast.ClassDef) -> None:
        """A class of the script: its objects are not known, its methods are looked at later."""
        for base in node.bases:
            self.infer.of(base)
        outer = dict(self.infer.names)
        self.depth += 1
        self.block([one for one in node.body if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)])
        self.depth -= 1
        self.infer.names = outer
        self.bind(node.name, None)

    def on_return(self, node: ast.Return) -> None:
        """What the function gives."""
        self.returns.append(self.infer.of(node.value) if node.value else Value(None))


def bound_from_inside(tree: ast.Module) -> set[str]:
    """Names that functions bind outside themselves: nothing is known of them."""
    return {name for node in ast.walk(tree) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}


def is_generator(node: ast.FunctionDef) -> bool:
    """Whether a call gives an iterator instead of running the body."""
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(node))


def argument_names(spec: ast.arguments) -> list[str]:
    """All parameters of a function."""
    every = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
    return [one.arg for one in every if one is not None]


def leaves(body: list[ast.stmt]) -> bool:
    """Whether a block ends by leaving."""
    return bool(body) and isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def together(ends: list[dict[str, Kind]]) -> dict[str, Kind]:
    """What names stand for where several ways meet; one that is bound on some ways only is as on those."""
    names = set().union(*ends)
    return {name: same([end[name] for end in ends if name in end]) for name in names}
