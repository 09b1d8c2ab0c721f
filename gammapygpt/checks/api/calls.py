"""Calls: keywords, missing and surplus arguments, and what their values may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gammapygpt.checks.api.dimensions import of_quantity, readable
from gammapygpt.checks.api.kinds import Call, Class, Kind, Object, Quantity, Value, is_bare, literal
from gammapygpt.checks.api.report import Report, chosen, instead, listed
from gammapygpt.knowledge.facts import Facts, Parameter

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


@dataclass
class Arguments:
    """A call as it is written, with what is known of each argument."""

    node: ast.Call
    positional: list[Kind]
    keywords: dict[str, Kind]

    @property
    def spread(self) -> bool:
        """Whether `*args` or `**kwargs` hide what is given."""
        starred = any(isinstance(one, ast.Starred) for one in self.node.args)
        return starred or any(one.arg is None for one in self.node.keywords)


class Calls:
    """The rules about calls of the installed libraries."""

    def __init__(self, facts: Facts, report: Report) -> None:
        self.facts = facts
        self.report = report

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
        variants = list(self.variants(called))
        for keyword, kind in given.keywords.items():
            self.keyword(called, variants, keyword, given)
            self.value(called, keyword, kind, given.node)
        for parameter, kind in zip(self.facts.parameters(called.number) or (), given.positional, strict=False):
            if parameter.kind == "":
                self.value(called, parameter.name, kind, given.node)
        self.energies(called, given)
        if not given.spread and len(variants) == 1 and not called.below:
            self.count(called, given)

    def variants(self, called: Call) -> Iterator[int]:
        """The call, and those that classes below have in its place; an abstract one is there for those only."""
        if called.exact or not self.facts.calls[called.number].get("abstract"):
            yield called.number
        if not called.exact and called.owner:
            name = called.name.rpartition(".")[2]
            for cls in self.facts.classes[called.owner].get("subclasses", ()):
                member = self.facts.classes[cls].get("members", {}).get(name)
                if member is not None and member[0] in ("method", "classmethod", "staticmethod"):
                    yield member[1]

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

    def count(self, called: Call, given: Arguments) -> None:
        """Missing arguments, too many, and those given twice."""
        parameters = self.facts.parameters(called.number)
        if parameters is None:
            return
        places = [one for one in parameters if one.kind in ("", "p")]
        if called.unbound:
            places.insert(0, Parameter("self", "p", required=True))
        if len(given.positional) > len(places) and not any(one.kind == "*" for one in parameters):
            names = listed((one.name for one in places), 20) or "none"
            message = (
                f"`{called.name}()` takes {len(places)} positional arguments, and {len(given.positional)} are given."
            )
            remedy = f"Its arguments are: {names}."
            self.report.add(given.node, "too-many-arguments", message, remedy)
        twice = [one.name for one in places[: len(given.positional)] if one.kind == "" and one.name in given.keywords]
        for name in twice:
            message = f"`{called.name}()` is given `{name}` twice: by its place and by its name."
            self.report.add(given.node, "argument-twice", message, "Give it once.")
        renamed = self.facts.calls[called.number].get("renamed", {})
        under_old_names = {renamed.get(keyword) for keyword in given.keywords}
        missing = [one.name for one in self.missing(parameters, places, given) if one.name not in under_old_names]
        if missing:
            message = f"`{called.name}()` lacks the argument{'s' if len(missing) > 1 else ''} {listed(missing)}."
            remedy = instead("missing", self.owners(called), missing[0], (), f"Give {listed(missing)}.")
            self.report.add(given.node, "missing-argument", message, remedy)

    @staticmethod
    def missing(parameters: tuple[Parameter, ...], places: list[Parameter], given: Arguments) -> Iterator[Parameter]:
        """Required parameters that get nothing."""
        later = places[len(given.positional) :] + [one for one in parameters if one.kind == "k"]
        return (one for one in later if one.required and one.name not in given.keywords)

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
        if name in SHARED and name in self.facts.choices:
            owner = SHARED[name]
            takes = name in self.facts.keywords(called.number)
            if takes and (not owner or (called.owner and self.facts.is_a(called.owner, owner))):
                self.choice(node, called.name, name, kind, self.facts.choices[name])
        if name in ENERGIES and name in self.facts.keywords(called.number) and called.name not in UNIT_BESIDE:
            self.quantity(node, f"{called.name}({name}=)", kind, "kg1 m2 s-2", sequences=True)

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

    def on_object(self, base: Object, given: Arguments) -> None:
        """An object that is called: a spectral model wants an energy with its unit; others may not be callable."""
        facts = self.facts
        if base.sure and facts.lack(base.classes, base.exact, {"__call__"}):
            message = f"A `{facts.name(min(base.classes))}` object cannot be called."
            self.report.add(given.node, "not-callable", message, "Call one of its methods.")
        if given.positional and all(self.wants_energy(cls) for cls in base.classes):
            label = f"{facts.name(min(base.classes))}.__call__(energy=)"
            self.quantity(given.node, label, given.positional[0], "kg1 m2 s-2", sequences=True)
