"""Statements in the order in which they run: what each name stands for when it is used."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from gammapygpt.checks.api.arguments import Arguments
from gammapygpt.checks.api.calls import UNFIT, check_class
from gammapygpt.checks.api.config import check_field
from gammapygpt.checks.api.infer import Inference, narrowed
from gammapygpt.checks.api.kinds import Kind, Local, Module, Object, Quantity, Several, Value, merged, same
from gammapygpt.checks.api.report import Report, instead
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
        self.depth += 1
        self.block(node.body)
        self.depth -= 1
        found, self.returns = self.returns, outer_returns
        self.infer.names = outer
        if node.decorator_list or not found:
            return None
        result = found[0]
        for one in found[1:]:
            result = merged(result, one)
        return result

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

    def assign(self, target: ast.expr, kind: Kind, value: ast.expr | None = None) -> None:
        """`target = value`."""
        if isinstance(target, ast.Name):
            self.bind(target.id, kind)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = kind.parts if isinstance(kind, Several) and len(kind.parts) == len(target.elts) else ()
            starred = any(isinstance(one, ast.Starred) for one in target.elts)
            self.unpack(target, kind)
            for number, one in enumerate(target.elts):
                known = parts[number] if parts and not starred else None
                self.assign(one.value if isinstance(one, ast.Starred) else one, known)
        elif isinstance(target, ast.Attribute):
            self.set_attribute(target, self.infer.of(target.value), kind, value)
        elif isinstance(target, ast.Subscript):
            self.infer.of(target.value)
            self.infer.of(target.slice)

    def unpack(self, target: ast.Tuple | ast.List, kind: Kind) -> None:
        """`figure, axes = ...` of what is one thing: plots give their axes alone."""
        if isinstance(kind, Object) and all(self.facts.name(cls).endswith("Axes") for cls in kind.classes):
            special = {name for cls in kind.classes for name in self.facts.classes[cls].get("special", ())}
            if not special & {"__iter__", "__getitem__"}:
                message = f"One `{self.infer.name(kind)}` is returned, and cannot be unpacked into {len(target.elts)}."
                self.report.add(target, "no-unpacking", message, "Write `ax = ...`; the figure is `ax.figure`.")

    def set_attribute(self, target: ast.Attribute, base: Kind, kind: Kind, value: ast.expr | None) -> None:
        """`object.name = value`: a setting of the configuration, or a name that has no effect."""
        if not isinstance(base, Object):
            self.infer.members.given.add((target.attr, ""))
            return
        self.check_value(target, base, kind)
        if all(self.facts.classes[cls].get("fields") for cls in base.classes):
            check_field(self.facts, self.report, target, target.attr, min(base.classes), kind)
        elif not any(self.infer.members.has(cls, target.attr, base.exact) for cls in base.classes):
            self.infer.members.given.update((target.attr, cls) for cls in base.classes)
            self.no_effect(target, base)
        elif all(self.is_readonly(cls, target.attr) for cls in base.classes):
            message = f"`{target.attr}` of `{self.infer.name(base)}` cannot be set."
            self.report.add(
                target, "readonly", message, "Give it when the object is made, or use a method that sets it."
            )

    def check_value(self, target: ast.Attribute, base: Object, kind: Kind) -> None:
        """A value that the attribute cannot take: a quantity for the number of a parameter, a map for data."""
        name = self.infer.name(base)
        if target.attr == "value" and name == "Parameter" and isinstance(kind, Quantity) and kind.dimension:
            message = "`Parameter.value` is a number in the parameter's own unit, and not a quantity."
            self.report.add(target, "units", message, "Set `.quantity`.")
        if target.attr in UNFIT and all(self.facts.member(cls, target.attr) for cls in base.classes):
            check_class(self.facts, self.report, target, f"{name}.{target.attr}", target.attr, kind)

    def is_readonly(self, cls: str, name: str) -> bool:
        """Whether every class that has the attribute has it as a property without a setter."""
        found = [self.facts.member(one, name) for one in self.facts.below(cls) if self.facts.knows(one)]
        return all(member is not None and member.kind == "readonly" for member in found) and bool(found)

    def no_effect(self, target: ast.Attribute, base: Object) -> None:
        """Python lets any name be set; only one that is known to be an old or misspelt one is worth a word."""
        if target.attr.startswith("_"):
            return
        read = any(is_read(node, target.attr) for node in ast.walk(self.tree))
        owners = self.infer.members.owners(base)
        names = {name for cls in base.classes for one in self.facts.below(cls) for name in self.facts.members(one)}
        remedy = instead("attribute", owners, target.attr, names, "")
        if remedy and not read:
            message = f"`{self.infer.name(base)}` has no attribute `{target.attr}`: setting it has no effect."
            self.report.add(target, "no-effect", message, remedy)

    def on_assign(self, node: ast.Assign) -> None:
        """`a = b = value`."""
        kind = self.infer.of(node.value)
        for target in node.targets:
            self.assign(target, kind, node.value)

    def on_annassign(self, node: ast.AnnAssign) -> None:
        """`a: b = value`."""
        self.assign(node.target, self.infer.of(node.value) if node.value else None, node.value)

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


def is_read(node: ast.AST, name: str) -> bool:
    """`x.name` in an expression."""
    return isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr == name


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
