"""Expressions: what each one is, as far as that can be told without running the script."""

from __future__ import annotations

import ast
from collections.abc import Callable

from gammapygpt.checks.api.arguments import Arguments
from gammapygpt.checks.api.arithmetic import product, quantity
from gammapygpt.checks.api.calls import Calls
from gammapygpt.checks.api.dimensions import multiplied, of_unit, readable
from gammapygpt.checks.api.kinds import (
    Call,
    Class,
    Kind,
    Local,
    Many,
    Mapping,
    Module,
    Object,
    Quantity,
    Several,
    Unit,
    Value,
    element,
    is_bare,
    literal,
    merged,
    same,
)
from gammapygpt.checks.api.members import Members
from gammapygpt.checks.api.report import Report, close, instead, listed
from gammapygpt.knowledge.facts import Facts
from gammapygpt.state import Environment

PLAIN_ARRAYS = {"numpy.logspace", "numpy.linspace", "numpy.geomspace", "numpy.arange", "numpy.array"}
"""Functions that give arrays without a unit when they are given constants."""
SEQUENCES = {"list", "tuple", "sorted", "reversed", "set"}
LONGEST = 64
"""Parts of a list that are followed one by one."""


def narrowed(test: ast.expr) -> set[str]:
    """Names in a condition about what an object is: behind it, they may be something more special."""
    names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    return names if names & {"isinstance", "issubclass", "type", "callable"} else set()


class Inference:
    """What expressions are, given what the names stand for."""

    def __init__(
        self,
        facts: Facts,
        environment: Environment,
        report: Report,
        run: Callable[[Local, Arguments], Kind],
        loop: Callable[[ast.expr, ast.expr, Kind], None],
    ) -> None:
        self.facts = facts
        self.report = report
        self.members = Members(facts, environment, report)
        self.calls = Calls(facts, report, self.members)
        self.run = run
        """Follows a call into a function of the script."""
        self.loop = loop
        """Binds the target of a loop, given what is looped over."""
        self.names: dict[str, Kind] = {}
        """What each name stands for here."""

    def of(self, node: ast.expr | None) -> Kind:
        """What an expression is; everything inside it is checked on the way."""
        if node is None:
            return None
        method = getattr(self, f"of_{type(node).__name__.lower()}", None)
        if method is not None:
            found: Kind = method(node)
            return found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.of(child)
        return None

    def quietly(self, node: ast.expr) -> Kind:
        """The same, without findings: for what has been checked or will be."""
        self.report.muted += 1
        try:
            return self.of(node)
        finally:
            self.report.muted -= 1

    def of_name(self, node: ast.Name) -> Kind:
        """A variable."""
        return self.names.get(node.id)

    def of_constant(self, node: ast.Constant) -> Kind:
        """A number, a text, None."""
        return Value(node.value) if isinstance(node.value, str | int | float | bool | None) else None

    def of_lambda(self, node: ast.Lambda) -> Kind:
        """Runs later, with arguments that are not known here."""
        return None

    def of_list(self, node: ast.List | ast.Tuple) -> Kind:
        """A list or tuple that is written out."""
        parts = [self.of(one.value if isinstance(one, ast.Starred) else one) for one in node.elts]
        if any(isinstance(one, ast.Starred) for one in node.elts) or len(parts) > LONGEST:
            return Many(None)
        return Several(tuple(parts))

    of_tuple = of_list

    def of_dict(self, node: ast.Dict) -> Kind:
        """A dictionary that is written out, if its keys are."""
        values = [self.of(one) for one in node.values]
        keys = [literal(self.of(one)) if one is not None else ... for one in node.keys]
        if not all(isinstance(key, str) for key in keys):
            return None
        return Mapping(tuple((str(key), value) for key, value in zip(keys, values, strict=True)), written=True)

    def of_unaryop(self, node: ast.UnaryOp) -> Kind:
        """`-x` is as `x`."""
        kind = self.of(node.operand)
        if isinstance(kind, Value) and isinstance(node.op, ast.USub) and is_bare(kind):
            return Value(-kind.value)
        return kind if isinstance(kind, Quantity) and not isinstance(node.op, ast.Not) else None

    def of_ifexp(self, node: ast.IfExp) -> Kind:
        """One or the other."""
        self.of(node.test)
        return merged(self.of(node.body), self.of(node.orelse))

    def of_namedexpr(self, node: ast.NamedExpr) -> Kind:
        """`(name := value)`."""
        kind = self.of(node.value)
        self.names[node.target.id] = kind
        return kind

    def of_joinedstr(self, node: ast.JoinedStr) -> Kind:
        """An f-string: objects of Gammapy have no format of their own, but for a few."""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                kind = self.of(part.value)
                if part.format_spec is not None and part.conversion == -1 and self.members.lacks(kind, "__format__"):
                    name = self.name(kind)
                    remedy = "Format a number: `.value` of a Parameter, `.data` of a map."
                    self.report.add(part.value, "no-format", f"A `{name}` object takes no number format.", remedy)
        return None

    def name(self, kind: Kind) -> str:
        """What to call an object in a message."""
        return self.members.name(kind) if isinstance(kind, Object) else ""

    def of_attribute(self, node: ast.Attribute) -> Kind:
        """`base.name`."""
        base = self.of(node.value)
        if isinstance(base, Quantity):
            return base if node.attr in ("quantity", "T") else None
        return self.members.of(node, base) if isinstance(node.ctx, ast.Load) else None

    def of_subscript(self, node: ast.Subscript) -> Kind:
        """`base[index]`."""
        base, index = self.of(node.value), self.of(node.slice)
        if isinstance(base, Several) and isinstance(index, Value) and isinstance(index.value, int):
            return base.parts[index.value] if -len(base.parts) <= index.value < len(base.parts) else None
        if isinstance(base, Several | Many):
            return base if isinstance(node.slice, ast.Slice) else element(base)
        if isinstance(base, Quantity):
            return base
        if isinstance(base, Mapping):
            return self.entry(node, base, literal(index))
        if isinstance(base, Object):
            return self.item(node, base, index)
        return None

    def entry(self, node: ast.Subscript, base: Mapping, key: object) -> Kind:
        """A value of a dictionary; of one that the library gives, the keys are known."""
        items = dict(base.items)
        if isinstance(key, str) and key not in items and isinstance(node.ctx, ast.Load) and not base.written:
            near = close(key, items)
            remedy = f"There is: {', '.join(near)}." if near else f"It has: {listed(items, 30)}."
            self.report.add(node, "no-key", f"There is no key {key!r} in what is returned here.", remedy)
        return items.get(key) if isinstance(key, str) and not base.written else None

    def item(self, node: ast.Subscript, base: Object, index: Kind) -> Kind:
        """An element of a container of Gammapy; the maps of a `FluxMaps` are found by name."""
        key = literal(index)
        if self.members.lacks(base, "__getitem__") and isinstance(node.ctx, ast.Load):
            name = self.name(base)
            near = instead("attribute", self.members.owners(base), str(key), (), "Use its attributes.")
            self.report.add(node, "no-items", f"A `{name}` object takes no square brackets.", near)
        if isinstance(key, str) and all(self.facts.is_a(cls, "FluxMaps") for cls in base.classes):
            return self.flux_map(node, base, key)
        if isinstance(node.slice, ast.Slice | ast.List | ast.Tuple) or isinstance(index, Several | Many):
            return base if all(self.facts.element(cls) for cls in base.classes) else None
        return self.element_of(base) if isinstance(key, int | str) else None

    def flux_map(self, node: ast.Subscript, base: Object, key: str) -> Kind:
        """`maps["sqrt_ts"]`: a quantity that flux maps can have."""
        if any(self.members.has(cls, key, base.exact) for cls in base.classes):
            return self.element_of(base)
        names = self.facts.members(min(base.classes))
        remedy = instead("attribute", self.members.owners(base), key, names, "Look at `available_quantities`.")
        message = f"`{self.name(base)}` has no quantity {key!r} in {self.report.version}."
        self.report.add(node, "no-quantity", message, remedy)
        return None

    def element_of(self, base: Object) -> Kind:
        """What iterating over an object of Gammapy gives."""
        kinds = [self.members.kind_of(self.facts.element(cls)) for cls in base.classes]
        return kinds[0] if kinds and all(kind == kinds[0] for kind in kinds) else None

    def iterated(self, kind: Kind, node: ast.expr) -> Kind:
        """What a loop over this gives; a finding where it cannot be looped over."""
        if isinstance(kind, Object):
            if self.members.lacks(kind, "__iter__", "__getitem__"):
                name = self.name(kind)
                self.report.add(
                    node, "not-iterable", f"A `{name}` object cannot be looped over.", "Loop over its parts."
                )
            return self.element_of(kind)
        return kind if isinstance(kind, Quantity) else element(kind)

    def of_binop(self, node: ast.BinOp) -> Kind:
        """Arithmetic with units."""
        left, right = self.of(node.left), self.of(node.right)
        power = right.value if isinstance(right, Value) and isinstance(right.value, int | float) else None
        if isinstance(node.op, ast.Pow) and isinstance(left, Unit | Quantity) and power is not None:
            return type(left)(multiplied("", left.dimension, power))
        if isinstance(node.op, ast.Mult | ast.Div):
            return product(left, right, -1.0 if isinstance(node.op, ast.Div) else 1.0)
        if isinstance(node.op, ast.Add | ast.Sub) and isinstance(left, Quantity) and isinstance(right, Quantity):
            if left.dimension != right.dimension and "" not in (left.dimension, right.dimension):
                message = f"{readable(left.dimension)} and {readable(right.dimension)} cannot be added."
                self.report.add(node, "units", message.capitalize(), "Check the units.")
            return left if left.dimension == right.dimension else None
        return None

    def of_listcomp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Kind:
        """A comprehension, with names of its own."""
        outer = dict(self.names)
        self.bind_generators(node.generators)
        kind = self.of(node.elt)
        self.names = outer
        return Many(kind)

    of_setcomp = of_generatorexp = of_listcomp

    def of_dictcomp(self, node: ast.DictComp) -> Kind:
        """What a dictionary holds is not followed."""
        outer = dict(self.names)
        self.bind_generators(node.generators)
        self.of(node.key)
        self.of(node.value)
        self.names = outer
        return None

    def bind_generators(self, generators: list[ast.comprehension]) -> None:
        """The `for` and `if` parts of a comprehension."""
        for one in generators:
            self.loop(one.target, one.iter, self.of(one.iter))
            for condition in one.ifs:
                self.of(condition)
                self.names.update(dict.fromkeys(narrowed(condition)))

    def of_call(self, node: ast.Call) -> Kind:
        """A call: its arguments are checked first, then the call itself, then it gives what it gives."""
        called = self.of(node.func)
        positional = [self.of(one.value if isinstance(one, ast.Starred) else one) for one in node.args]
        keywords = {one.arg or "": self.of(one.value) for one in node.keywords}
        keywords.pop("", None)
        given = Arguments(node, positional, keywords)
        if isinstance(called, Class):
            return self.constructed(called, given)
        if isinstance(called, Call):
            self.calls.call(called, given)
            return self.returned(called, given)
        if isinstance(called, Local):
            return self.run(called, given)
        if isinstance(called, Object):
            self.calls.on_object(called, given)
            return None
        return self.elsewhere(node, given)

    def constructed(self, cls: Class, given: Arguments) -> Kind:
        """An object of a class."""
        entry = self.facts.classes[cls.id]
        self.calls.construct(cls, given)
        if entry["name"] in ("Quantity", "Angle", "Longitude", "Latitude"):
            return quantity(entry["name"], given, self.facts.units)
        if entry["name"] == "Unit" and given.positional:
            text = literal(given.positional[0])
            dimension = of_unit(text, self.facts.units) if isinstance(text, str) else None
            return Unit(dimension) if dimension is not None else None
        return Object(frozenset({cls.id}), bool(entry.get("exact")))

    def returned(self, called: Call, given: Arguments) -> Kind:
        """What a call of the library gives."""
        facts = self.facts
        if called.owner and called.name.endswith(".run") and ".makers" in called.owner and given.positional:
            return self.passed_on(called, given.positional[0])
        numbers = [called.number] if called.exact else self.members.variants(called)
        kinds = [
            self.members.kind_of(facts.calls[one].get("returns"), called.owner, called.of_exactly) for one in numbers
        ]
        if any(isinstance(kind, Value) for kind in kinds):
            return Value(None, given_by=called.name) if all(kind == Value(None) for kind in kinds) else None
        return same(kinds) if kinds else None

    def passed_on(self, called: Call, dataset: Kind) -> Kind:
        """A maker gives back the kind of data set that it was given, but for those that add an OFF part."""
        special = self.facts.passing_on.get(self.facts.name(called.owner))
        if special == "OnOff":
            return None
        return self.members.kind_of(special) if special else dataset

    def elsewhere(self, node: ast.Call, given: Arguments) -> Kind:
        """Builtins, and functions of other libraries of which little is known."""
        if isinstance(node.func, ast.Name) and node.func.id not in self.names:
            return self.builtin(node.func.id, node, given)
        if isinstance(node.func, ast.Attribute):
            base = self.quietly(node.func.value)
            if isinstance(base, Quantity) and node.func.attr in ("to", "copy", "flatten", "squeeze"):
                return base
            if isinstance(base, Module):
                name = f"{base.name}.{node.func.attr}"
                if name == "matplotlib.pyplot.style.use" or name == "matplotlib.style.use":
                    self.calls.style(given)
                if name in PLAIN_ARRAYS and all(is_bare(one) for one in given.positional):
                    return Several((Value(1.0), Value(2.0)))
        return None

    def builtin(self, name: str, node: ast.Call, given: Arguments) -> Kind:
        """`list(x)` and the like; numbers and lengths of what has none."""
        first = given.positional[0] if given.positional else None
        self.calls.builtin(name, first, node)
        return Many(self.iterated(first, node)) if name in SEQUENCES and first is not None else None
