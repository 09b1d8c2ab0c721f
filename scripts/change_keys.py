"""What is missing in the old form of a change, read from its text and from the message with which it fails."""

from __future__ import annotations

import re

from gammapygpt.knowledge.changes import Key, bare, clues_in, is_module

OWNED = ("import", "attribute", "argument", "missing")
"""Kinds of clues that name an owner."""


def keys(old: str, fails: str) -> list[Key]:
    """Kind, owner and name, as `replacement` asks for them; what the message says comes first."""
    clue = next(iter(clues_in(fails)), None)
    if fails.startswith("SILENT"):
        return []
    if clue is None:
        return sorted(keys_without_clue(old, fails))
    first: list[Key] = []
    owner = clue.owner if is_module(clue.owner) or clue.kind == "import" else bare(clue.owner)
    if clue.kind in OWNED and owner:
        first = [(clue.kind, owner, clue.name)]
    elif clue.kind == "module" and not names_more(old, clue.name):
        first = [("module", "", clue.name)]
    shown = OF_KIND.get(clue.kind, nothing)(old, fails)
    return first + sorted(shown - set(first))


def nothing(old: str, fails: str) -> set[Key]:
    """No more than the message says."""
    return set()


def names_more(old: str, module: str) -> bool:
    """Whether an import is of something in a module, not of the module itself."""
    return bool(imported(old, "")) and old != f"import {module}"


def imported(old: str, fails: str) -> set[Key]:
    """`import m`, `from m import n` and `m.Name`."""
    if module := re.match(r"import ([\w.]+)$", old):
        return {("module", "", module[1])}
    names = re.match(r"from ([\w.]+) import (\w+)$", old) or re.match(r"([a-z_.\d]+)\.([A-Za-z]\w+)$", old)
    return {("import", names[1], names[2])} if names else set()


def arguments(old: str, fails: str) -> set[Key]:
    """`Class(n=)`, `Class.method(n=)`, `function(n=)`, each argument that the message names."""
    named = set(re.findall(r"['\"](\w+)['\"]", fails))
    calls = re.findall(r"((?:\b[A-Z]\w*\.)?\b\w+)\(([^()]*)", old)
    given = [(bare(call), name) for call, inside in calls for name in re.findall(r"(\w+)=", inside)]
    return {("argument", owner, name) for owner, name in given if name in named}


def attributes(old: str, fails: str) -> set[Key]:
    """`Class.member`, where the message names the member: it may do so of a subclass."""
    member = re.match(r"([A-Z]\w*)\.(\w+)", old)
    return {("attribute", member[1], member[2])} if member and f"'{member[2]}'" in fails else set()


def keys_without_clue(old: str, fails: str) -> set[Key]:
    """Messages of Gammapy, NumPy and Astropy with a form of their own."""
    if "Unknown Parameter name" in fails:
        return {("argument", call, name) for call, inside in calls_in(old) for name in re.findall(r"(\w+)=", inside)}
    if "was deprecated in version" in fails:
        return arguments(old, fails)
    if function := re.search(r"The (\w+) function is deprecated", fails):
        return {("import", "", function[1])}
    return {("enum", "", value) for value in re.findall(r"\{'([^']+)'\} is not a valid method", fails)}


def calls_in(old: str) -> list[tuple[str, str]]:
    """Calls with what is between their brackets."""
    return re.findall(r"\b([A-Z]\w*)\(([^()]*)", old)


def removed(old: str, fails: str) -> set[Key]:
    """NumPy's own words: `` `np.Inf` was removed ``."""
    return {("attribute", "numpy", name) for name in re.findall(r"`np\.(\w+)` was removed", fails)}


OF_KIND = {"module": imported, "import": imported, "argument": arguments, "attribute": attributes, "removed": removed}
