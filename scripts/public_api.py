"""The public API of one release of a package: what is exported where, what classes inherit."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from read_source import Class, Function, read_modules

PRIVATE = {"conftest", "docs", "extern", "setup_package", "tests", "testing", "version"}
"""Modules, with all below them, that nobody is meant to import."""

FOR_DEVELOPERS = r"\w+\.scripts\..*|.*_(test|links|process|version)"
"""More of them: the command line of a package, the machinery of its documentation."""


class Release:
    """All modules of one release."""

    def __init__(self, version: str, source: Path) -> None:
        self.version = version
        self.modules = {module.name: module for module in read_modules(source)}

    @property
    def feature(self) -> str:
        """`1.0.2` as `1.0`: names change in feature releases."""
        return ".".join(self.version.split(".")[:2])

    @cached_property
    def classes(self) -> dict[str, Class]:
        """Classes by bare name; of those with the same name the public one."""
        found: dict[str, Class] = {}
        for name in sorted(self.modules, reverse=True):
            found.update(self.modules[name].classes)
        for module, name in self.places.values():
            if name in self.modules[module].classes:
                found[name] = self.modules[module].classes[name]
        return found

    @cached_property
    def places(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Public objects: (module, name) to import them from -> where they are defined. The shortest place wins."""
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for place in sorted(self.modules, key=lambda name: (name.count("."), name)):
            if is_public(place):
                for name in sorted(self.exports(place)):
                    origin = self.origin(place, name)
                    if not name.startswith("_") and origin and origin not in found:
                        found[origin] = (place, name)
        return {place: origin for origin, place in found.items()}

    @cached_property
    def public_classes(self) -> dict[str, str]:
        """Bare names of public classes -> the module to import them from."""
        found = ((place, name, self.modules[module], own) for (place, name), (module, own) in self.places.items())
        return {name: place for place, name, module, own in found if own in module.classes}

    def exports(self, module: str) -> set[str]:
        """Names meant for users: `__all__`; else what a package binds or a plain module defines."""
        own = self.modules[module]
        if own.exported is not None:
            return set(own.exported)
        return self.bound(module) if own.is_package else {*own.classes, *own.functions}

    def bound(self, module: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """All names that `from module import name` finds."""
        if module not in self.modules or module in seen:
            return set()
        own = self.modules[module]
        names = {*own.classes, *own.functions, *own.constants, *own.imported}
        for star in own.stars:
            exported = self.modules[star].exported if star in self.modules else []
            names.update(self.bound(star, seen | {module}) if exported is None else exported)
        children = {name.rpartition(".")[2] for name in self.modules if name.rpartition(".")[0] == module}
        return names | children

    def origin(self, module: str, name: str, depth: int = 0) -> tuple[str, str] | None:
        """Where a name is defined; None for what comes from another package, or is a module."""
        if module not in self.modules or depth > 8:
            return None
        own = self.modules[module]
        if name in own.classes or name in own.functions or name in own.constants:
            return module, name
        if name in own.imported:
            return self.origin(*own.imported[name], depth + 1)
        found = (self.origin(star, name, depth + 1) for star in own.stars)
        return next((place for place in found if place), None)

    def lineage(self, name: str, seen: frozenset[str] = frozenset()) -> list[Class]:
        """A class and its base classes of this package, nearest first."""
        if name not in self.classes or name in seen:
            return []
        own = self.classes[name]
        bases = [base.rpartition(".")[2] for base in own.bases]
        return [own, *(found for base in bases for found in self.lineage(base, seen | {name}))]

    def foreign_bases(self, name: str) -> set[str]:
        """Base classes from elsewhere, by full path as far as known."""
        bases = {base for own in self.lineage(name) for base in own.bases}
        return {base for base in bases if base.rpartition(".")[2] not in self.classes}

    def members(self, name: str) -> dict[str, Class]:
        """Public members of a class -> the class that defines them."""
        found: dict[str, Class] = {}
        for own in reversed(self.lineage(name)):
            found.update({member: own for member in own.members if not member.startswith("_")})
        return found

    def method(self, name: str, method: str) -> Function | None:
        """A method as the class `name` has it, with the parameters that it hands on to base classes."""
        found = [own.functions[method] for own in self.lineage(name) if method in own.functions]
        if not found:
            return None
        last, parameters, renamed = found[0], list(found[0].parameters), dict(found[0].renamed)
        for base in found[1:]:
            if not last.forwards:
                break
            parameters += [parameter for parameter in base.parameters if parameter not in parameters]
            renamed |= base.renamed
            last = base
        is_open = last.open and not (last.forwards and last is not found[0] and not last.open)
        return replace(found[0], qualname=last.qualname, parameters=parameters, open=is_open, renamed=renamed)


def is_public(module: str) -> bool:
    """Whether no part of a dotted name is private."""
    private = any(part.startswith("_") or part in PRIVATE for part in module.split("."))
    return not private and not re.match(rf"({FOR_DEVELOPERS})$", module)
