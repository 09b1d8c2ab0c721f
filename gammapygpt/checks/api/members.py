"""Attributes: does an object (or a class) have it, and what is it then."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from gammapygpt.checks.api.imports import missing_attribute
from gammapygpt.checks.api.kinds import (
    Call,
    Class,
    Kind,
    Many,
    Mapping,
    Module,
    Object,
    Several,
    Unit,
    Value,
    same,
)
from gammapygpt.checks.api.report import Report, instead, listed
from gammapygpt.knowledge.facts import Facts, Member
from gammapygpt.state import Environment

FAMILIES = ("Map", "Geom", "Dataset", "IRF", "IRFMap", "ModelBase", "Estimator", "Maker", "FluxMaps")
"""A declared return of one of their members is taken for any of them: docstrings name the commonest."""
AXES = frozenset({"MapAxis", "TimeMapAxis", "LabelMapAxis"})


FINAL = {"Time", "SkyCoord"}
"""Classes of Astropy from which Gammapy derives none."""


class Members:
    """Look-ups of attributes in the facts about the installed libraries."""

    def __init__(self, facts: Facts, environment: Environment, report: Report) -> None:
        self.facts = facts
        self.environment = environment
        self.report = report
        self.given: set[tuple[str, str]] = set()
        """Attributes that the script itself has set, and on objects of which class (empty: not known)."""

    def kind_of(self, written: Any, owner: str = "", exact: bool = True) -> Kind:
        """A type as the facts write it (see `inside/api_types.py`), as a kind."""
        if written == "self":
            return Object(frozenset({owner}), exact) if owner else None
        if written == "none":
            return Value(None)
        if isinstance(written, list):
            return self.object_of(written)
        if isinstance(written, dict):
            if "exactly" in written:
                return Object(frozenset({written["exactly"]}), exact=True)
            if "said" in written:
                return self.object_of(written["said"], sure=False)
            if "made" in written:
                return Object(frozenset(written["made"]))
            if "keys" in written:
                return Mapping(tuple((key, self.kind_of(one)) for key, one in written["keys"].items()))
            if "list" in written:
                return Many(self.kind_of(written["list"]))
            if "tuple" in written:
                return Several(tuple(self.kind_of(part) for part in written["tuple"]))
        return None

    def object_of(self, classes: Collection[str], sure: bool = True) -> Kind:
        """An object of declared classes; those that only a docstring names are widened to their families."""
        wide: set[str] = set()
        for cls in classes:
            if self.facts.name(cls) == "Quantity":
                return None
            wide.update([cls] if sure else self.family(cls))
        return Object(frozenset(wide), sure=sure, called=frozenset(classes)) if wide else None

    def family(self, cls: str) -> list[str]:
        """The class, or the most general one of its kind."""
        if self.facts.name(cls) in AXES:
            return [one for one, entry in self.facts.classes.items() if entry["name"] in AXES]
        lineage = [cls, *self.facts.classes[cls].get("bases", ())]
        general = [one for one in lineage if one in self.facts.classes and self.facts.name(one) in FAMILIES]
        return general[-1:] or [cls]

    def of(self, node: ast.Attribute, base: Kind) -> Kind:
        """The attribute of whatever `base` is; a finding where there can be none."""
        if isinstance(base, Object):
            return self.of_object(node, base)
        if isinstance(base, Class):
            return self.of_class(node, base)
        if isinstance(base, Module):
            if (node.attr, "") not in self.given:
                self.report.take(node, missing_attribute(base.name, node.attr, node.lineno, self.environment))
            return self.of_module(base.name, node.attr)
        if isinstance(base, Value) and base.value is None and base.given_by:
            self.report.add(
                node,
                "nothing-returned",
                f"`{base.given_by}()` returns None, which has no attribute `{node.attr}`.",
                "It changes the object in place: go on with that object.",
            )
        return None

    def of_module(self, module: str, name: str) -> Kind:
        """What a name of a module is."""
        if module == "astropy.units" and name in self.facts.units:
            return Unit(self.facts.units[name])
        entry = self.facts.objects.get(f"{module}.{name}")
        if entry is None:
            return None
        kind, what = entry
        if kind == "module":
            return Module(what)
        if kind == "class":
            return Class(what)
        if kind == "function":
            return Call(what, name=name)
        return Object(frozenset({what}))

    def of_class(self, node: ast.Attribute, base: Class) -> Kind:
        """An attribute of a class itself."""
        facts, name = self.facts, node.attr
        entry = facts.classes[base.id]
        if entry.get("opaque") or name.startswith("_") or (name, "") in self.given:
            return None
        member = facts.member(base.id, name)
        if member is None:
            if name not in entry.get("metaclass", ()):
                self.missing(node, f"The class `{entry['name']}`", facts.names(base.id), facts.members(base.id))
            return None
        if member.kind in ("classmethod", "staticmethod"):
            return Call(member.what, base.id, f"{entry['name']}.{name}", of_exactly=bool(entry.get("exact")))
        if member.kind == "method":
            return Call(member.what, base.id, f"{entry['name']}.{name}", unbound=True)
        return None

    def of_object(self, node: ast.Attribute, base: Object) -> Kind:
        """An attribute of an object: missing only if no class that it may be of has it."""
        name = node.attr
        if name.startswith("_") or any((name, cls) in self.given for cls in ("", *base.classes)):
            return None
        kinds = [self.of_one(cls, name, base) for cls in sorted(base.classes) if self.has(cls, name, base.exact)]
        if not kinds:
            self.no_such_attribute(node, base)
            return None
        calls = [kind for kind in kinds if isinstance(kind, Call)]
        if len(calls) == len(kinds) > 1:
            others = tuple(number for call in calls[1:] for number in self.variants(call))
            return replace(calls[0], name=f"{self.name(base)}.{name}", exact=False, others=others)
        return same(kinds)

    def of_one(self, cls: str, name: str, base: Object) -> Kind:
        """An attribute that objects of a class have, or of some class that is derived from it."""
        member = self.facts.member(cls, name)
        if member is not None:
            return self.kind_of_member(cls, name, member, base)
        for one in self.facts.below(cls)[1:] if self.facts.knows(cls) else ():
            member = self.facts.member(one, name)
            if member is not None:
                label = f"{self.facts.name(cls)}.{name}"
                if name in (self.facts.classes[one].get("parameters") or ()):
                    return self.named("gammapy.modeling.Parameter")
                return Call(member.what, cls, label, exact=False) if member.kind == "method" else None
        return None

    def variants(self, called: Call) -> list[int]:
        """The call, and those that classes below have in its place; an abstract one is there for those only."""
        found = [called.number] if called.exact or not self.facts.calls[called.number].get("abstract") else []
        found += called.others
        name = called.name.rpartition(".")[2]
        for cls in self.facts.classes[called.owner].get("subclasses", ()) if called.owner and not called.exact else ():
            member = self.facts.classes[cls].get("members", {}).get(name)
            if member is not None and member[0] in ("method", "classmethod", "staticmethod"):
                found.append(member[1])
        return list(dict.fromkeys(found))

    def has(self, cls: str, name: str, exact: bool) -> bool:
        """Whether objects of the class, or of one below it, may have the attribute."""
        below = [cls] if exact else self.facts.below(cls)
        return any(not self.facts.knows(one) or self.facts.member(one, name) is not None for one in below)

    def kind_of_member(self, cls: str, name: str, member: Member, base: Object) -> Kind:
        """A method as a call, any other attribute by its type."""
        if member.kind in ("method", "classmethod", "staticmethod"):
            exact = base.exact or not any(
                name in self.facts.classes[one].get("members", {})
                for one in self.facts.classes[cls].get("subclasses", ())
            )
            return Call(member.what, cls, f"{self.facts.name(cls)}.{name}", exact, of_exactly=base.exact)
        entry = self.facts.classes[cls]
        if name in (entry.get("parameters") or ()) and member.kind == "field":
            return self.named("gammapy.modeling.Parameter")
        fields = (entry.get("fields") or {}).get("of", {})
        if "class" in fields.get(name, {}):
            return Object(frozenset({fields[name]["class"]}), exact=True)
        return self.kind_of(member.what, cls, base.exact)

    def named(self, path: str) -> Kind:
        """An object of the class under this path, if there is one."""
        entry = self.facts.objects.get(path)
        return Object(frozenset({entry[1]})) if entry and entry[0] == "class" else None

    def no_such_attribute(self, node: ast.Attribute, base: Object) -> None:
        """Nothing of the kind has it: say so."""
        facts = self.facts
        shown = self.name(base)
        names = {name for cls in base.classes for one in facts.below(cls) for name in facts.members(one)}
        article = "An" if shown[0] in "AEIOU" else "A"
        self.missing(node, f"{article} `{shown}` object", self.owners(base), names)

    def name(self, base: Object) -> str:
        """What to call an object in a message."""
        return " or ".join(sorted({self.facts.name(cls) for cls in base.called or base.classes}))

    def owners(self, base: Object) -> list[str]:
        """Names of the classes that an object may be of, of their bases and of those below, for the drift table."""
        classes = [*sorted(base.called), *sorted(base.classes)]
        names = [name for cls in classes for name in self.facts.names(cls)]
        below = [self.facts.name(one) for cls in classes for one in self.facts.below(cls)]
        return list(dict.fromkeys([*names, *below]))

    def lacks(self, kind: Kind, *special: str) -> bool:
        """Whether an object is known to have none of these special methods."""
        if not (isinstance(kind, Object) and kind.sure):
            return False
        if len(kind.classes) == 1 and self.facts.name(min(kind.classes)) in FINAL:
            return not set(special) & set(self.facts.classes[min(kind.classes)].get("special", ()))
        return self.facts.lack(kind.classes, kind.exact, set(special))

    def missing(self, node: ast.Attribute, what: str, owners: list[str], names: set[str]) -> None:
        """A finding about an attribute that is not there."""
        remedy = instead("attribute", owners, node.attr, names, f"It has: {listed(names)}.")
        self.report.add(
            node, "no-attribute", f"{what} has no attribute `{node.attr}` in {self.report.version}.", remedy
        )
