"""API cards: what a prompt shows of one class or function of the installed Gammapy."""

from __future__ import annotations

import re
from typing import Any

from gammapygpt.knowledge.document import Document, sentences
from gammapygpt.knowledge.rst import plain
from gammapygpt.state import Snippet

LENGTH = {"signature": 350, "parameters": 600, "methods": 450, "attributes": 150}
"""Largest number of characters of each part of an API snippet: several must fit the prompt of a small model."""

CALLED_FIRST = ("run", "create", "read", "from_dir", "get_observations")
CALLED_SELDOM = {"copy", "from_dict", "to_dict", "from_hdulist", "to_hdulist", "from_parameters", "freeze", "unfreeze"}


def api_document(entry: dict[str, Any]) -> Document:
    """One class or function: how to import it, its signature, what it is for, what it can do."""
    module, _, name = entry["path"].rpartition(".")
    methods = [f"{item['name']}{item['signature']}" for item in sorted(entry["methods"], key=usefulness)]
    attributes = [item["name"] for item in entry["attributes"]]
    parts = [
        f"from {module} import {name}",
        shorten([f"{name}{entry['signature']}"], LENGTH["signature"]),
        plain(entry["doc"])[:300],
        labelled("Parameters", parameters(entry), LENGTH["parameters"]),
        labelled("Methods", methods, LENGTH["methods"]),
        labelled("Attributes", attributes, LENGTH["attributes"]),
    ]
    snippet = Snippet(
        source=f"api:{entry['path']}", title=plain(entry["doc"])[:100], text="\n".join(filter(None, parts))
    )
    mentions = [f"{item['name']} {item['doc']}" for item in (*entry["methods"], *entry["attributes"])]
    mentions += [f"{item['name']} {item['text']}" for item in entry["parameters"]]
    return Document(snippet, f"{name} {entry['doc']}", " ".join([module, plain(entry["about"]), *mentions]))


def parameters(entry: dict[str, Any]) -> list[str]:
    """Name and type of each parameter, and what it is where there is room for all; none that the signature explains."""
    in_signature = (
        re.findall(r"(\w+)=(?:\"[^\"]*\"|[-+.\d]+)", entry["signature"]) if entry["signature"].count('"') else []
    )
    shown = [item for item in entry["parameters"] if item["name"] not in in_signature]
    types = [f"{item['name']}: {plain(item['type']).removesuffix(', optional')}" for item in shown]
    told = [
        f"{type_} ({sentences(plain(item['text']), 1, 90).rstrip('.,')})"
        for type_, item in zip(types, shown, strict=True)
    ]
    return told if len("; ".join(told)) <= LENGTH["parameters"] else types


def usefulness(method: dict[str, str]) -> int:
    """Rank of a method where not all can be shown; a stable sort keeps a class's own before the inherited ones."""
    name = method["name"]
    if name in CALLED_SELDOM or name.startswith("evaluate_"):
        return 2
    return 0 if name in CALLED_FIRST or name.startswith("from_") else 1


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
