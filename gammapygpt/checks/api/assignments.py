"""Assignments: to attributes that are not there or cannot be set, of values that do not fit, to several names."""

from __future__ import annotations

import ast

from gammapygpt.checks.api.calls import UNFIT, check_class
from gammapygpt.checks.api.config import check_field
from gammapygpt.checks.api.kinds import Kind, Object, Quantity
from gammapygpt.checks.api.members import Members
from gammapygpt.checks.api.report import Report, instead
from gammapygpt.knowledge.facts import Facts


class Assignments:
    """The rules about what stands left of an equals sign."""

    def __init__(self, tree: ast.Module, facts: Facts, report: Report, members: Members) -> None:
        self.tree = tree
        self.facts = facts
        self.report = report
        self.members = members

    def unpack(self, target: ast.Tuple | ast.List, kind: Kind) -> None:
        """`figure, axes = ...` of what is one thing: plots give their axes alone."""
        if isinstance(kind, Object) and all(self.facts.name(cls).endswith("Axes") for cls in kind.classes):
            special = {name for cls in kind.classes for name in self.facts.classes[cls].get("special", ())}
            if not special & {"__iter__", "__getitem__"}:
                message = f"One `{self.members.name(kind)}` is returned, and does not unpack into {len(target.elts)}."
                self.report.add(target, "no-unpacking", message, "Write `ax = ...`; the figure is `ax.figure`.")

    def attribute(self, target: ast.Attribute, base: Kind, kind: Kind) -> None:
        """`object.name = value`: a setting of the configuration, or a name that has no effect."""
        if not isinstance(base, Object):
            self.members.given.add((target.attr, ""))
            return
        self.check_value(target, base, kind)
        if all(self.facts.classes[cls].get("fields") for cls in base.classes):
            check_field(self.facts, self.report, target, target.attr, min(base.classes), kind)
        elif not any(self.members.has(cls, target.attr, base.exact) for cls in base.classes):
            self.members.given.update((target.attr, cls) for cls in base.classes)
            self.no_effect(target, base)
        elif all(self.is_readonly(cls, target.attr) for cls in base.classes):
            message = f"`{target.attr}` of `{self.members.name(base)}` cannot be set."
            self.report.add(
                target, "readonly", message, "Give it when the object is made, or use a method that sets it."
            )

    def check_value(self, target: ast.Attribute, base: Object, kind: Kind) -> None:
        """A value that the attribute cannot take: a quantity for the number of a parameter, a map for data."""
        name = self.members.name(base)
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
        owners = self.members.owners(base)
        names = {name for cls in base.classes for one in self.facts.below(cls) for name in self.facts.members(one)}
        remedy = instead("attribute", owners, target.attr, names, "")
        if remedy and not read:
            message = f"`{self.members.name(base)}` has no attribute `{target.attr}`: setting it has no effect."
            self.report.add(target, "no-effect", message, remedy)


def is_read(node: ast.AST, name: str) -> bool:
    """`x.name` in an expression."""
    return isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr == name
