"""Whom to acknowledge: the data and models that a run was seen to use, in the words that stand beside them.

What is known is in `acknowledgements.toml`, one table a source. Of other data it is said that nothing is known.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from gammapygpt.checks.physics.facts import Facts, read_facts
from gammapygpt.checks.physics.seen import reductions
from gammapygpt.state import Attempt

KNOWN = Path(__file__).with_name("acknowledgements.toml")


class Source(BaseModel):
    """Data or a model of somebody, how a run shows that it used it, and what to write then."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    text: str
    terms: str = ""
    links: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    catalogues: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    reduced: tuple[str, ...] = ()


class Seen(NamedTuple):
    """What a run shows of what it used."""

    stores: set[str]
    """Paths of data stores, relative to the data folder."""
    strings: set[str]
    """Of the script."""
    models: set[str]
    catalogues: set[str]
    reduced: set[str]
    """Quantities that the makers reduced, such as `background`."""


@cache
def sources() -> tuple[Source, ...]:
    """All that is known."""
    tables = tomllib.loads(KNOWN.read_text(encoding="utf-8"))["source"]
    return tuple(Source.model_validate(table) for table in tables)


def acknowledged(attempt: Attempt | None, data: Mapping[str, Any]) -> list[Source]:
    """What a run used and whose words are known.

    Parameters
    ----------
    attempt
        The answer of the run, or its last attempt; None where no script was written.
    data
        The entry `data` of the manifest: path and index checksums by data store.
    """
    seen = seen_in(attempt, data)
    return [source for source in sources() if used(source, seen)]


def without_words(attempt: Attempt | None, data: Mapping[str, Any]) -> dict[str, list[str]]:
    """Data stores that a run used and of which nothing is known, each with the files that may hold its terms."""
    from gammapygpt.data.info import terms_of

    folder = Path(data.get("path", ""))
    stores = sorted(seen_in(attempt, data).stores)
    unknown = [store for store in stores if not any(lies_in(store, f) for source in sources() for f in source.folders)]
    places = {store: folder / store if (folder / store).is_dir() else folder for store in unknown}
    return {store: terms_of(folder, place) if folder.is_dir() else [] for store, place in places.items()}


def seen_in(attempt: Attempt | None, data: Mapping[str, Any]) -> Seen:
    """What a run shows of what it used, by what was seen in it and by the strings of its script."""
    if attempt is None:
        return Seen(set(), set(), set(), set(), set())
    facts = read_facts(attempt.execution.facts if attempt.execution else {})
    strings = set(strings_of(attempt.script))
    known = set(data.get("index_checksums", {}))
    stores = {one.store for one in facts.selections if one.store} & known or known & strings
    if "." in known and (stores or len(known) == 1):
        stores = stores - {"."} | {Path(data.get("path", "")).name}
    reduced = {str(one) for making in reductions(facts) for one in making.settings.get("selection", [])}
    return Seen(stores, strings, set(models_of(facts)), {one.catalogue for one in facts.catalogue}, reduced)


def used(source: Source, seen: Seen) -> bool:
    """Whether a run shows that it used a source."""
    there = (
        any(lies_in(text, folder) for folder in source.folders for text in seen.stores | seen.strings)
        or not seen.models.isdisjoint(source.models)
        or not seen.catalogues.isdisjoint(source.catalogues)
    )
    named = not source.names or not seen.strings.isdisjoint(source.names)
    reduced = not source.reduced or not seen.reduced.isdisjoint(source.reduced)
    return there and named and reduced and seen.strings.isdisjoint(source.unless)


def lies_in(path: str, folder: str) -> bool:
    """Whether a folder is part of a path, as `hess-dl3-dr1` is of `$GAMMAPY_DATA/hess-dl3-dr1/data`."""
    return f"/{folder}/" in f"/{path}/"


def strings_of(script: str) -> Iterator[str]:
    """The strings of a script, without those that are statements of their own, such as docstrings."""
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError):
        return
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def models_of(facts: Facts) -> Iterator[str]:
    """Class names of the models that were fitted, evaluated or alive at the end."""
    for fit in facts.fits:
        yield from (parameter.kind for parameter in fit.parameters)
    yield from (parameter.kind for parameter in facts.models)
    yield from (evaluation.kind for evaluation in facts.evaluations)
