"""What users can no longer write in the newest of several releases, and what to write instead."""

from __future__ import annotations

import functools
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from likeness import argument_likeness, class_likeness, likeness, same_use, the_best
from public_api import Release, is_public
from read_source import Class, Function

REMOVED = "removed"
"""In place of a replacement, where there is none that we can be sure of."""

MOST_PLACES = 4
"""Modules named in place of one that was split up."""

WARNS = "GammapyDeprecationWarning: "


class Row(NamedTuple):
    """One row of the table."""

    old: str
    new: str
    since_version: str
    how_it_fails: str
    category: str
    origin: str = "generated"


def rows(releases: list[Release]) -> list[Row]:
    """All changes, oldest release first in `releases`; in the order of the table."""
    found = [
        *gone_modules(releases),
        *gone_names(releases),
        *gone_members(releases),
        *gone_arguments(releases),
        *still_deprecated(releases[-1]),
    ]
    return sorted(dict.fromkeys(found), key=lambda row: (row.category, row.old))


def gone_modules(releases: list[Release]) -> Iterator[Row]:
    """Modules that cannot be imported any more, unless the package above is gone as well."""
    newest = releases[-1]
    for module in sorted({name for release in releases for name in release.modules if is_public(name)}):
        if module in newest.modules or missing_part(newest, module) != module:
            continue
        last = last_with(releases, lambda release, name=module: name in release.modules)
        places = Counter(
            newest.public_classes.get(name) or function_place(newest, name)
            for name in releases[last].exports(module)
            if releases[last].origin(module, name)
        )
        ranked = sorted(places.items(), key=lambda pair: (-pair[1], str(pair[0])))
        new = " / ".join([name for name, _ in ranked if name][:MOST_PLACES])
        fails = f"ModuleNotFoundError: No module named '{module}'"
        yield Row(f"import {module}", new or REMOVED, releases[last + 1].feature, fails, "module")


def gone_names(releases: list[Release]) -> Iterator[Row]:
    """Public classes, functions and constants that are not where they were."""
    newest = releases[-1]
    for module, name in sorted({place for release in releases for place in release.places}):
        if name in newest.bound(module):
            continue
        last = last_with(releases, lambda release, place=(module, name): place in release.places)
        missing = missing_part(newest, module)
        fails = f"ImportError: cannot import name '{name}' from '{module}'"
        if missing:
            fails = f"ModuleNotFoundError: No module named '{missing}'"
        new = new_import(releases, last, module, name)
        since = releases[last + 1].feature
        yield Row(f"from {module} import {name}", new, since, fails, "import")


def new_import(releases: list[Release], last: int, module: str, name: str) -> str:
    """Where a name went: another module, another name, or nowhere."""
    newest, current = releases[-1], name
    for position in range(last, len(releases)):
        place = newest.public_classes.get(current) or function_place(newest, current)
        if place:
            return f"from {place} import {current}"
        if position + 1 < len(releases):
            current = renamed_object(releases[position], releases[position + 1], module, current) or current
    return REMOVED


def renamed_object(before: Release, after: Release, module: str, name: str) -> str:
    """The new name of a class or function that vanishes between two releases."""
    if name in before.classes:
        own = before.classes[name]
        if own.deprecated and own.deprecated.instead in after.public_classes:
            return own.deprecated.instead
        if name in after.classes:
            return ""
        added = [other for other in after.public_classes if other not in before.classes]
        return the_best({other: class_likeness(own, after.classes[other]) for other in added})
    function = find_function(before, name)
    if function is None or find_function(after, name):
        return ""
    if function.deprecated and function_place(after, function.deprecated.instead):
        return function.deprecated.instead
    known = {other for _, other in before.places}
    candidates = {other: find_function(after, other) for _, other in after.places if other not in known}
    return the_best({other: likeness(function, each) for other, each in candidates.items() if each})


def gone_members(releases: list[Release]) -> Iterator[Row]:
    """Methods and attributes of classes that still exist."""
    newest = releases[-1]
    seen: set[tuple[str, str]] = set()
    for name in sorted(newest.public_classes):
        if is_open(newest, name):
            continue
        for member in sorted({each for release in releases for each in members(release, name)}):
            if has_member(newest, name, member):
                continue
            last = last_with(releases, lambda release, name=name, member=member: member in members(release, name))
            owner = members(releases[last], name)[member].name
            if owner not in newest.public_classes or has_member(newest, owner, member):
                owner = name
            if (owner, member) not in seen:
                seen.add((owner, member))
                new, method = new_member(releases, last, owner, member), releases[last].method(name, member)
                if new == REMOVED and not method:
                    continue
                fails = f"AttributeError: '{owner}' object has no attribute '{member}'"
                yield Row(f"{owner}.{member}", new, releases[last + 1].feature, fails, "attribute")


def new_member(releases: list[Release], last: int, name: str, member: str) -> str:
    """The new name of a method or attribute, followed through later releases."""
    current, steps = member, range(last, len(releases) - 1)
    for position in steps:
        announced = announcement(releases[: position + 1], name, current)
        if announced:
            return announced_name(releases[-1], name, announced)
        if current not in members(releases[position + 1], name):
            current = renamed_member(releases[position], releases[position + 1], name, current)
        if not current:
            return REMOVED
    return f"{name}.{current}" if current != member and has_member(releases[-1], name, current) else REMOVED


def announced_name(newest: Release, name: str, announced: str) -> str:
    """What a decorator says to use instead of a member, if that still exists."""
    known = re.findall(r"\w+", announced)
    if not known or not is_known(newest, name, known[-1]):
        return REMOVED
    return f"{name}.{announced}" if newest.members(name).get(announced) else announced


def renamed_member(before: Release, after: Release, name: str, member: str) -> str:
    """The one new member of a class that is much like the one that vanished."""
    added = [other for other in members(after, name) if other not in members(before, name)]
    old = before.method(name, member) or Function(f"{name}.{member}")
    return the_best({other: likeness(old, after.method(name, other) or Function(f"{name}.{other}")) for other in added})


def announcement(releases: list[Release], name: str, member: str) -> str:
    """What deprecation decorators said to use instead of a member."""
    for release in reversed(releases):
        for own in release.lineage(name):
            function = own.functions.get(member)
            said = own.deprecated_attributes.get(member) or (function.deprecated if function else None)
            if said and said.instead:
                return said.instead
    return ""


def gone_arguments(releases: list[Release]) -> Iterator[Row]:
    """Arguments of functions and methods that still exist; of those that share a message the owner's."""
    seen: set[str] = set()
    for label, versions in sorted(callables(releases).items(), key=owner_first):
        newest = versions[-1]
        if newest is None or newest.open or newest.is_property:
            continue
        old = {name for each in versions if each for name in (*each.parameters, *each.renamed)}
        for argument in sorted(old - set(newest.parameters) - newest.renamed.keys()):
            last = max(i for i, each in enumerate(versions) if each and takes(each, argument))
            new = new_argument(versions, last, argument)
            fails = f"TypeError: {newest.qualname}() got an unexpected keyword argument '{argument}'"
            since = releases[last + 1].feature
            shown = f"{label}({new}=)" if new else REMOVED
            if fails not in seen:
                yield Row(f"{label}({argument}=)", shown, since, fails, "argument")
            seen.add(fails)


def owner_first(item: tuple[str, list[Function | None]]) -> tuple[bool, str]:
    """Order of callables: those first that are called by their own name, not by a subclass's."""
    label, versions = item
    newest = versions[-1]
    return (newest is None or newest.qualname.removesuffix(".__init__") != label, label)


def callables(releases: list[Release]) -> dict[str, list[Function | None]]:
    """Functions, constructors and methods of the newest release as they are called -> themselves in each release."""
    found: dict[str, list[Function | None]] = {}
    newest = releases[-1]
    for _, name in newest.places:
        if find_function(newest, name):
            found[name] = [find_function(release, name) for release in releases]
    for name in newest.public_classes:
        for member in [*(each for each in newest.members(name) if newest.method(name, each)), "__init__"]:
            function = newest.method(name, member)
            owner = function.qualname.partition(".")[0] if function else ""
            if owner == name or owner not in newest.public_classes or member == "__init__":
                label = name if member == "__init__" else f"{name}.{member}"
                found[label] = [release.method(name, member) for release in releases]
    return found


def takes(function: Function, argument: str) -> bool:
    """Whether the argument can be given, be it with a warning."""
    return argument in function.parameters or argument in function.renamed


def new_argument(versions: list[Function | None], last: int, argument: str) -> str:
    """The new name of an argument, followed through later releases; '' for none."""
    newest, current = versions[-1], argument
    for position in range(last, len(versions) - 1):
        before, after = versions[position], versions[position + 1]
        if before is None or after is None:
            return ""
        if current in before.renamed:
            current = before.renamed[current].instead
        elif current not in after.parameters:
            announced = after.renamed.get(current)
            current = announced.instead if announced else renamed_argument(before, after, current)
        if not current:
            return ""
    return current if newest and current != argument and current in newest.parameters else ""


def renamed_argument(before: Function, after: Function, argument: str) -> str:
    """The new argument at the same place, all others being as before; else the one much like it."""
    added = [name for name in after.parameters if name not in before.parameters]
    if argument in before.parameters and len(before.parameters) == len(after.parameters):
        pairs = [(a, b) for a, b in zip(before.parameters, after.parameters, strict=True) if a != b]
        if len(pairs) == 1 and pairs[0][0] == argument and same_use(before, after, *pairs[0]):
            return pairs[0][1]
    return the_best({name: argument_likeness(argument, name) for name in added})


def still_deprecated(newest: Release) -> Iterator[Row]:
    """What the newest release still accepts, with a warning."""
    for place, name in newest.places:
        function = newest.modules[newest.places[place, name][0]].functions.get(newest.places[place, name][1])
        if function and function.deprecated:
            since, instead = function.deprecated
            fails = f"{WARNS}The {name} function is deprecated and may be removed in a future version."
            yield Row(f"{name}()", instead or REMOVED, since, fails, "deprecated")
    for label, (function,) in callables([newest]).items():
        for argument, (since, new) in function.renamed.items() if function else ():
            fails = f'{WARNS}"{argument}" was deprecated in version {since} and will be removed in a future version.'
            yield Row(f"{label}({argument}=)", f"{label}({new}=)" if new else REMOVED, since, fails, "deprecated")
    for name in newest.public_classes:
        for member in newest.members(name):
            said = announcement([newest], name, member)
            if said:
                fails = f"{WARNS}The {member} function is deprecated and may be removed in a future version."
                yield Row(f"{name}.{member}", said, newest.feature, fails, "deprecated")


def last_with(releases: list[Release], has) -> int:  # type: ignore[no-untyped-def]
    """Position of the last release for which `has(release)` holds."""
    return max(position for position, release in enumerate(releases) if has(release))


def missing_part(newest: Release, module: str) -> str:
    """The first part of a dotted module that is gone, as Python's message names it; '' where none is."""
    parts = module.split(".")
    heads = [".".join(parts[: length + 1]) for length in range(len(parts))]
    return next((head for head in heads if head not in newest.modules), "")


def members(release: Release, name: str) -> dict[str, Class]:
    """Public members of a class -> the class that defines them; none where the class is not public."""
    return release.members(name) if name in release.public_classes else {}


def has_member(release: Release, name: str, member: str) -> bool:
    """Whether a class, or a base class from another package, has a member."""
    return member in release.members(name) or any(hasattr(base, member) for base in foreign(release, name))


def is_open(release: Release, name: str) -> bool:
    """Whether attributes are made up at run time, or come from a class that cannot be looked at."""
    made_up = {"__getattr__", "__getattribute__"} & {each for own in release.lineage(name) for each in own.members}
    return bool(made_up) or None in foreign(release, name)


def foreign(release: Release, name: str) -> list[type | None]:
    """Base classes from other packages; None for those that are not installed."""
    return [imported(base) for base in sorted(release.foreign_bases(name))]


@functools.cache
def imported(path: str) -> type | None:
    """A class by its full path; builtins by their bare name."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module or "builtins"), name, None)
    except ImportError:
        return None


def is_known(release: Release, name: str, word: str) -> bool:
    """Whether an announced name exists: in the class itself, or as a public name or member of any other."""
    public = {other for _, other in release.places} | release.public_classes.keys()
    return word in public or any(word in release.members(each) for each in [name, *release.public_classes])


def find_function(release: Release, name: str) -> Function | None:
    """A public function by its bare name."""
    place = function_place(release, name)
    module, own = release.places[place, name] if place else ("", "")
    return release.modules[module].functions.get(own) if place else None


def function_place(release: Release, name: str) -> str:
    """The module to import a public function or constant from; '' for none, or for several."""
    places = [module for module, other in release.places if other == name]
    return places[0] if len(places) == 1 else ""
