"""What can be looked up: recipes, the API of the installed Gammapy, API drift. Never a task's expected values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from gammapygpt.knowledge.drift import applies, changes, drift_snippet
from gammapygpt.state import Snippet

LENGTH = {"signature": 350, "parameters": 350, "methods": 450, "attributes": 150}
"""Largest number of characters of each part of an API snippet: several must fit the prompt of a small model."""

CALLED_FIRST = ("run", "create", "read", "from_dir", "get_observations")
CALLED_SELDOM = {"copy", "from_dict", "to_dict", "from_hdulist", "to_hdulist", "from_parameters", "freeze", "unfreeze"}


class Document(NamedTuple):
    """A snippet and the words by which it is found."""

    snippet: Snippet
    heading: str
    """What it is about."""
    body: str
    """What it mentions."""

    @property
    def kind(self) -> str:
        """`recipe`, `api` or `drift`."""
        return self.snippet.source.partition(":")[0]


def documents(entries: Iterable[dict[str, Any]], versions: dict[str, str]) -> Iterator[Document]:
    """The whole corpus for one analysis environment: its API (`environment.api_entries`), its packages' versions."""
    yield from recipe_documents()
    for entry in entries:
        yield api_document(entry)
    for change in filter(lambda change: applies(change, versions), changes()):
        yield Document(drift_snippet(change), change.old, f"{change.new} {change.how_it_fails}")


def recipe_documents() -> Iterator[Document]:
    """Recipes, found by their title and by the docstring that says what they answer; shown as whole scripts."""
    from gammapygpt.cookbook import recipes

    for name, recipe in recipes().items():
        answers = ast.get_docstring(ast.parse(recipe.source)) or ""
        snippet = Snippet(source=f"recipe:{name}", title=recipe.title, text=recipe.source)
        yield Document(snippet, f"{name} {recipe.title}", answers)


def api_document(entry: dict[str, Any]) -> Document:
    """One class or function: how to import it, its signature, what it is for, what it can do."""
    module, _, name = entry["path"].rpartition(".")
    methods = [f"{item['name']}{item['signature']}" for item in sorted(entry["methods"], key=usefulness)]
    attributes = [item["name"] for item in entry["attributes"]]
    named = [f"{item['name']}: {plain(item['type']).removesuffix(', optional')}" for item in entry["parameters"]]
    parts = [
        f"from {module} import {name}",
        shorten([f"{name}{entry['signature']}"], LENGTH["signature"]),
        plain(entry["doc"])[:300],
        labelled("Parameters", named, LENGTH["parameters"]),
        labelled("Methods", methods, LENGTH["methods"]),
        labelled("Attributes", attributes, LENGTH["attributes"]),
    ]
    snippet = Snippet(
        source=f"api:{entry['path']}", title=plain(entry["doc"])[:100], text="\n".join(filter(None, parts))
    )
    mentions = [f"{item['name']} {item['doc']}" for item in (*entry["methods"], *entry["attributes"])]
    mentions += [f"{item['name']} {item['text']}" for item in entry["parameters"]]
    return Document(snippet, f"{name} {entry['doc']}", " ".join([module, *mentions]))


def usefulness(method: dict[str, str]) -> int:
    """Rank of a method where not all can be shown; a stable sort keeps a class's own before the inherited ones."""
    if method["name"] in CALLED_FIRST:
        return 0
    return 2 if method["name"] in CALLED_SELDOM or method["name"].startswith("evaluate_") else 1


def labelled(label: str, items: list[str], length: int) -> str:
    """`Label: item; item; ...`, or nothing for no items."""
    return f"{label}: {shorten(items, length)}" if items else ""


def shorten(items: list[str], length: int) -> str:
    """As many whole items as fit, and a sign that there are more."""
    text = ""
    for item in items:
        longer = f"{text}; {item}" if text else item
        if len(longer) > length:
            return f"{text}; ..." if text else f"{item[: length - 4]} ..."
        text = longer
    return text


def plain(text: str) -> str:
    """Docstring markup as plain words: `~gammapy.maps.MapAxis` is MapAxis."""
    return re.sub(r"`+(?:~[\w.]*\.)?([^`]*)`+", r"\1", text)
