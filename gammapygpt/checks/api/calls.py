"""Calls: keywords, missing and surplus arguments, and what their values may be."""

from __future__ import annotations

import ast
from typing import Any

from gammapygpt.checks.api.arguments import Arguments, misfits
from gammapygpt.checks.api.dimensions import of_quantity, readable
from gammapygpt.checks.api.kinds import (
    Call,
    Class,
    Kind,
    Many,
    Object,
    Quantity,
    Several,
    Value,
    element,
    is_bare,
    literal,
)
from gammapygpt.checks.api.members import Members
from gammapygpt.checks.api.report import Report, chosen, instead, listed, replaced
from gammapygpt.knowledge.facts import Facts

ENERGIES = {"energy_edges", "energy_bounds"}
"""Parameters of Gammapy's calls that never take a bare number."""
UNIT_BESIDE = {
    "MapAxis.from_energy_bounds": ("energy_min", "energy_max"),
    "MapAxis.from_energy_edges": ("energy_edges",),
}
"""Calls that take bare numbers only with a `unit`, and the parameters that are meant."""
SPECTRAL = {
    "integral": ("energy_min", "energy_max"),
    "energy_flux": ("energy_min", "energy_max"),
    "evaluate_error": ("energy",),
}
"""Methods of spectral models, and their parameters that are energies."""
SHARED = {"sed_type": "", "required_irf": "", "backend": "Fit", "frame": ""}
"""Keywords with an enumeration of their own, and the class that they belong to where it is one only."""
ADDRESS_SIGNS = ("/", ".")
"""A style with one of these in its name is a file or an address."""
NUMBERS = {"float": ("__float__", "__index__"), "int": ("__int__", "__index__", "__float__")}
"""Builtins that make a number, and the special methods by which an object lets them."""
UNFIT = {
    "spectral_model": (("SpatialModel", "TemporalModel", "SkyModel"), "Give a spectral model."),
    "spatial_model": (("SpectralModel", "TemporalModel", "SkyModel"), "Give a spatial model."),
    "temporal_model": (("SpectralModel", "SpatialModel", "SkyModel"), "Give a temporal model."),
    "models": (("SpectralModel", "SpatialModel", "TemporalModel"), "Give a `SkyModel` that holds it."),
    "energy_edges": (("MapAxis",), "Give its `.edges`."),
    "data": (("Map",), "Give its `.data`, or use the map itself."),
    "exclusion_mask": (("Region", "Regions"), "Give a map of True (kept) and False: `~geom.region_mask(regions)`."),
}
"""Parameter -> classes that are taken for what it wants, and what to do; sequences of them too."""


class Calls:
    """The rules about calls of the installed libraries."""

    def __init__(self, facts: Facts, report: Report, members: Members) -> None:
        self.facts = facts
        self.report = report
        self.members = members

    def construct(self, cls: Class, given: Arguments) -> None:
        """Check `Class(...)`."""
        entry = self.facts.classes[cls.id]
        if entry.get("deprecated"):
            self.deprecated(given.node, entry["name"], entry["deprecated"])
        if entry["name"] == "SkyCoord":
            self.choice(given.node, "SkyCoord", "frame", given.keywords.get("frame"), self.facts.choices["frame"])
        if "init" in entry:
            self.call(Call(entry["init"], cls.id, entry["name"]), given)
            if entry.get("choices") or entry.get("parameters") or entry.get("measured"):
                self.values_of(cls.id, entry, given)

    def call(self, called: Call, given: Arguments) -> None:
        """Check the arguments of a call, and that it is not deprecated."""
        entry = self.facts.calls[called.number]
        if entry.get("deprecated"):
            self.deprecated(given.node, called.name, entry["deprecated"])
        variants = self.members.variants(called)
        for keyword, kind in given.keywords.items():
            self.keyword(called, variants, keyword, given)
            self.value(called, keyword, kind, given.node)
        for parameter, kind in zip(self.facts.parameters(called.number) or (), given.positional, strict=False):
            if parameter.kind == "":
                self.value(called, parameter.name, kind, given.node)
        self.energies(called, given)
        self.classes_of(called, given)
        if not given.spread:
            self.count(called, variants, given)

    def keyword(self, called: Call, variants: list[int], keyword: str, given: Arguments) -> None:
        """A keyword that the call does not take, or takes with a warning."""
        facts = self.facts
        renamed = {old: new for one in variants for old, new in facts.calls[one].get("renamed", {}).items()}
        if keyword in renamed:
            new = renamed[keyword]
            remedy = f"Write `{new}=`." if new else "Leave it out."
            self.report.add(
                given.node, "deprecated", f"`{called.name}({keyword}=)` is deprecated.", remedy, severity="warning"
            )
            return
        if not variants or any(facts.is_open(one) or keyword in facts.keywords(one) for one in variants):
            return
        allowed = {name for one in variants for name in facts.keywords(one)}
        otherwise = f"It takes: {listed(allowed)}." if allowed else "It takes no keywords."
        remedy = instead("argument", self.owners(called), keyword, allowed, otherwise)
        message = f"`{called.name}()` takes no keyword `{keyword}` in {self.report.version}."
        self.report.add(given.node, "no-keyword", message, remedy)

    def owners(self, called: Call) -> list[str]:
        """Names under which the drift table may know a call."""
        method = called.name.rpartition(".")[2]
        if not called.owner:
            return [called.name]
        classes = self.facts.names(called.owner)
        if "." not in called.name:
            return [*classes, *(f"{name}.__init__" for name in classes)]
        return [f"{name}.{method}" for name in classes]

    def count(self, called: Call, variants: list[int], given: Arguments) -> None:
        """Arguments that are missing, too many or given twice, whichever of the calls it may be."""
        found = [misfits(self.facts, one, given, called.unbound) for one in variants]
        rules = set.intersection(*({one.rule for one in each} for each in found)) if found else set()
        for one in found[0] if rules else ():
            if one.rule in rules:
                remedy = (one.names and replaced("missing", self.owners(called), one.names[0])) or one.remedy
                self.report.add(given.node, one.rule, f"`{called.name}()` {one.what}.", remedy)

    def deprecated(self, node: ast.AST, name: str, text: str) -> None:
        """Works still, and will not for long; the sandbox takes its warning for a defect too."""
        self.report.add(node, "deprecated", f"`{name}` is deprecated.", text, severity="warning")

    def values_of(self, cls: str, entry: dict[str, Any], given: Arguments) -> None:
        """Values of a constructor's keywords: enumerations, model parameters, angles of regions."""
        parameters = [one.name for one in self.facts.parameters(entry["init"]) or () if one.kind == ""]
        values = {**dict(zip(parameters, given.positional, strict=False)), **given.keywords}
        for name, kind in values.items():
            if name in entry.get("choices", {}):
                self.choice(given.node, entry["name"], name, kind, entry["choices"][name])
            if name in (entry.get("parameters") or {}):
                dimension, bare = entry["parameters"][name]
                self.quantity(given.node, f"{entry['name']}({name}=)", kind, dimension, bare=bare, text=True)
            if name in entry.get("measured", {}):
                self.quantity(given.node, f"{entry['name']}({name}=)", kind, entry["measured"][name])

    def value(self, called: Call, name: str, kind: Kind, node: ast.AST) -> None:
        """Enumerations that many calls share, and energies without a unit."""
        label = f"{called.name}({name})"
        if label in self.facts.choices:
            self.choice(node, called.name, name, kind, self.facts.choices[label])
        if name in SHARED and name in self.facts.choices:
            owner = SHARED[name]
            takes = name in self.facts.keywords(called.number)
            if takes and (not owner or (called.owner and self.facts.is_a(called.owner, owner))):
                self.choice(node, called.name, name, kind, self.facts.choices[name])
        if name in ENERGIES and name in self.facts.keywords(called.number) and called.name not in UNIT_BESIDE:
            self.quantity(node, f"{called.name}({name}=)", kind, "kg1 m2 s-2", sequences=True)

    def classes_of(self, called: Call, given: Arguments) -> None:
        """Arguments that are objects of a class that cannot be meant."""
        names = [one.name for one in self.facts.parameters(called.number) or ()]
        values = {**dict(zip(names, given.positional, strict=False)), **given.keywords}
        for name, kind in values.items():
            if name in UNFIT and name in self.facts.keywords(called.number):
                check_class(self.facts, self.report, given.node, f"{called.name}({name}=)", name, kind)

    def energies(self, called: Call, given: Arguments) -> None:
        """Energies of axes and spectral models, given as bare numbers."""
        method = called.name.rpartition(".")[2]
        wanted = UNIT_BESIDE.get(called.name, ())
        if called.owner and self.facts.is_a(called.owner, "SpectralModel") and self.wants_energy(called.owner):
            wanted = SPECTRAL.get(method, ())
        names = [one.name for one in self.facts.parameters(called.number) or ()]
        values = {**dict(zip(names, given.positional, strict=False)), **given.keywords}
        if not wanted or "unit" in values or given.spread:
            return
        for name in wanted:
            self.quantity(
                given.node, f"{called.name}({name}=)", values.get(name), "kg1 m2 s-2", text=True, sequences=True
            )

    def wants_energy(self, cls: str) -> bool:
        """A spectral model with a reference energy; tables may be of anything."""
        parameters = self.facts.classes[cls].get("parameters") or {}
        return self.facts.is_a(cls, "SpectralModel") and parameters.get("reference", [""])[0] == "kg1 m2 s-2"

    def choice(self, node: ast.AST, label: str, name: str, kind: Kind, allowed: list[str]) -> None:
        """One of the strings that a keyword takes, or a list of them."""
        value = literal(kind)
        given = value if isinstance(value, list) else [value]
        for one in given:
            if isinstance(one, str) and one not in allowed:
                remedy = chosen([label, label.partition(".")[0]], one, allowed)
                self.report.add(node, "no-choice", f"`{label}({name}=)` does not take {one!r}.", remedy)

    def quantity(
        self,
        node: ast.AST,
        label: str,
        kind: Kind,
        dimension: str,
        *,
        bare: bool = False,
        text: bool = False,
        sequences: bool = False,
    ) -> None:
        """A value that must have a dimension: without a unit, or with a wrong one.

        Parameters
        ----------
        bare
            A number without a unit is taken.
        text
            A string such as `0.1 deg` is taken.
        sequences
            Sequences of numbers are judged too.
        """
        found: str | None = None
        if isinstance(kind, Quantity):
            found = kind.dimension
        elif isinstance(kind, Value) and isinstance(kind.value, str):
            if not text:
                message = f"`{label}` takes no text, but {readable(dimension)} with its unit."
                self.report.add(node, "units", message, "Give a quantity, e.g. `0.1 * u.deg`.", kind="api")
                return
            found = of_quantity(kind.value, self.facts.units)
        elif is_bare(kind) and (sequences or isinstance(kind, Value)) and not bare:
            found = ""
        if found is not None and found != dimension:
            was = "a number without a unit" if found == "" else readable(found)
            message = f"`{label}` must be {readable(dimension)}, and is {was}."
            self.report.add(node, "units", message, "Give it with its unit.", kind="api")

    def style(self, given: Arguments) -> None:
        """`plt.style.use`: a style that exists."""
        value = literal(given.positional[0]) if given.positional else ...
        known = self.facts.choices.get("style")
        if isinstance(value, str) and known and not any(sign in value for sign in ADDRESS_SIGNS):
            self.choice(given.node, "plt.style.use", "style", Value(value), known)

    def builtin(self, name: str, first: Kind, node: ast.Call) -> None:
        """`float(x)` and `len(x)` of what is no number and has no length."""
        if not isinstance(first, Object):
            return
        kind = self.members.name(first)
        if name in NUMBERS and self.members.lacks(first, *NUMBERS[name]):
            remedy = "Take a number out of it: `.value` of a Parameter, `.data` of a map, `.mjd` of a Time."
            self.report.add(node, "no-number", f"`{name}()` cannot make a number of a `{kind}` object.", remedy)
        if name == "len" and self.members.lacks(first, "__len__"):
            names = listed(self.facts.members(min(first.classes)), 8)
            self.report.add(node, "no-length", f"A `{kind}` object has no `len()`.", f"It has: {names}.")

    def on_object(self, base: Object, given: Arguments) -> None:
        """An object that is called: a spectral model wants an energy with its unit; others may not be callable."""
        facts = self.facts
        if base.sure and facts.lack(base.classes, base.exact, {"__call__"}):
            message = f"A `{facts.name(min(base.classes))}` object cannot be called."
            self.report.add(given.node, "not-callable", message, "Call one of its methods.")
        if given.positional and all(self.wants_energy(cls) for cls in base.classes):
            label = f"{facts.name(min(base.classes))}.__call__(energy=)"
            self.quantity(given.node, label, given.positional[0], "kg1 m2 s-2", sequences=True)


def check_class(facts: Facts, report: Report, node: ast.AST, label: str, name: str, kind: Kind) -> None:
    """A value whose class cannot be meant where it is given."""
    unfit, remedy = UNFIT[name]
    if name == "exclusion_mask" and isinstance(kind, Several | Many):
        kind = element(kind)
    classes = kind.classes if isinstance(kind, Object) and (kind.sure or name == "data") else ()
    if classes and all(any(facts.is_a(cls, one) for one in unfit) for cls in classes):
        what = facts.name(min(kind.classes)) if isinstance(kind, Object) else ""
        report.add(node, "wrong-class", f"`{label}` does not take a `{what}`.", remedy)
