"""The drift table: what older Gammapy had and the installed one has not; made by `scripts/drift_table.py`."""

from __future__ import annotations

import csv
import functools
import re
from pathlib import Path
from typing import Literal, NamedTuple

TABLE = Path(__file__).with_name("drift.tsv")

REMOVED = "removed"
"""In place of a replacement, where there is none that we can be sure of."""

CLUES = {
    "module": r"No module named '(?P<owner>)(?P<name>[\w.]+)'",
    "import": r"cannot import name '(?P<name>\w+)' from (?:partially initialized module )?'(?P<owner>[\w.]+)'",
    "attribute": r"(?:type object |module )?'(?P<owner>[\w.]+)'(?: object)? has no attribute '(?P<name>\w+)'",
    "argument": r"(?P<owner>[\w.]*)(?:\(\))? ?got an unexpected keyword argument '(?P<name>\w+)'",
    "missing": r"(?P<owner>[\w.]+)\(\) missing \d+ required [\w-]+ arguments?: '(?P<name>\w+)'",
    "name": r"(?P<owner>)name '(?P<name>\w+)' is not defined",
    "removed": r"(?P<owner>)`(?P<name>[\w.]+)` (?:was|has been) removed",
}
"""The parts of Python's own messages that say what is wrong: kind -> pattern with `owner` and `name`."""

Kind = Literal["module", "import", "attribute", "argument", "missing", "enum"]
"""What is missing: see `replacement`."""

Key = tuple[str, str, str]
"""Kind, owner and name of what is missing; an owner is a bare class, `Class.method`, function or dotted module."""


class Change(NamedTuple):
    """One row of the table."""

    old: str
    new: str
    """What to write; `REMOVED` where nothing takes its place."""
    since_version: str
    """The first release without the old form; of Gammapy, unless another package is named."""
    how_it_fails: str
    category: str = ""
    origin: str = "measured"
    """`measured`: both forms were run; `hand`: from release notes; `generated`: from the sources of the releases."""
    missing: str = ""
    """Keys by which it is looked up, each as `kind|owner|name`."""


class Clue(NamedTuple):
    """What an error message says is missing, and of what."""

    kind: str
    owner: str
    name: str


@functools.cache
def changes() -> tuple[Change, ...]:
    """All rows of the drift table, the measured ones first."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return tuple(Change(*row) for row in rows)


def applies(change: Change, versions: dict[str, str]) -> bool:
    """The installed version (by package) is one in which the old form no longer works; also where that is not known."""
    found = re.match(r"(?:(?P<package>[a-z]+) )?(?P<version>\d[\d.]*)", change.since_version)
    installed = versions.get((found["package"] or "gammapy") if found else "", "")
    return not (found and installed) or numbers(installed) >= numbers(found["version"])


def numbers(version: str) -> list[int]:
    """`2.1rc1` as [2, 1, 1]."""
    return [int(number) for number in re.findall(r"\d+", version)]


@functools.lru_cache(maxsize=4096)
def clues_in(text: str) -> tuple[Clue, ...]:
    """Clues of a traceback or message, the last one first."""
    return tuple(
        Clue(kind, found["owner"], found["name"])
        for line in reversed(text.splitlines())
        for kind, pattern in CLUES.items()
        for found in re.finditer(pattern, line)
    )


def replacement(kind: Kind, owners: list[str], name: str) -> Change | None:
    """The change that explains why something is missing; None where the table does not say so for sure.

    Parameters
    ----------
    kind
        `module`, `import`, `attribute`, `argument`, `missing` (a required argument) or `enum` (a value that is not
        among those allowed).
    owners
        What may own it, the likeliest first. Attributes: the class and its base classes. Arguments: the class, its
        base classes, the function or `Class.method`. Imports: the module. Enumerations: the class or the argument.
        Modules: none.
    name
        What is missing.
    """
    table = index()
    if kind == "enum":
        found = table.get(("enum", "", name))
        return found if found and (not owners or any(bare(owner) in found.old for owner in owners)) else None
    asked = [key for owner in owners or [""] for key in keys_of(kind, owner, name)]
    exact = next((table[key] for key in asked if key in table), None)
    return exact or (of_subclass(owners, name) if kind == "attribute" else None)


def of_subclass(owners: list[str], name: str) -> Change | None:
    """The change of the attribute in classes that are by name subclasses of an owner, if they agree."""
    bases = tuple(bare(owner) for owner in owners if len(re.findall("[A-Z][a-z]+", owner)) > 1)
    found = [change for owner, change in attributes().get(name, []) if bases and owner.endswith(bases)]
    return found[0] if len({change.new for change in found}) == 1 else None


def keys_of(kind: str, owner: str, name: str) -> list[Key]:
    """Keys under which the change may be found, the most exact first."""
    if kind == "module":
        return [("module", "", head) for head in heads(name)]
    if kind == "attribute" and not is_module(owner):
        return [("attribute", bare(owner), name)]
    if kind in ("import", "attribute"):
        own = [(each, owner, name) for each in ("import", "attribute")]
        return [*own, *(("module", "", head) for head in heads(f"{owner}.{name}"))]
    return [(kind, bare(owner), name)]


def heads(module: str) -> list[str]:
    """`a.b.c` as ['a.b.c', 'a.b']: without a package as a whole."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 1, -1)] or [module]


def is_module(owner: str) -> bool:
    """Whether a dotted name is written like a module's."""
    return owner == owner.lower()


def bare(owner: str) -> str:
    """`gammapy.modeling.Fit.run` as `Fit.run`, `Fit.__init__` as `Fit`; modules and functions as they are."""
    found = re.search(r"\b[A-Z]\w*(\.\w+)*$", owner.removesuffix(".__init__"))
    return found[0] if found else owner.rpartition(".")[2]


@functools.cache
def index() -> dict[Key, Change]:
    """The table by what is missing: first by what the messages say, then by what the old forms show besides."""
    found: dict[Key, Change] = {}
    keyed = [(change, keys(change)) for change in changes()]
    for part in (slice(1), slice(1, None)):
        for change, own in keyed:
            for key in own[part]:
                found.setdefault(key, change)
    return found


@functools.cache
def attributes() -> dict[str, list[tuple[str, Change]]]:
    """Attributes with the classes that lost them."""
    found: dict[str, list[tuple[str, Change]]] = {}
    for (kind, owner, name), change in index().items():
        if kind == "attribute":
            found.setdefault(name, []).append((owner, change))
    return found


def keys(change: Change) -> list[Key]:
    """What is missing in the old form."""
    split = (key.split("|") for key in change.missing.split())
    return [(kind, owner, name) for kind, owner, name in split]
