"""Which tutorials a script follows, as it says itself, and what was looked up for it; with links to their pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

PAGES = "https://docs.gammapy.org/{version}/{name}.html"
SOURCE = re.compile(r"\b(?:recipe|tutorial|howto|guide|model):[\w./#-]*\w")
SAYS = re.compile(r"^\s*#\s*after\s+(.*)$", re.MULTILINE | re.IGNORECASE)
FOLLOWS = re.compile(r"^Follows: (.+?)(?:\n\s*\n|\n?\"\"\"|\Z)", re.MULTILINE | re.DOTALL)


class Reference(NamedTuple):
    """One piece of reference material."""

    source: str
    """`KIND:NAME`."""
    url: str
    """Its page in the documentation of Gammapy, or empty."""


def follows(script: str, version: str) -> tuple[str, list[Reference]]:
    """What a script says that it follows: the sentence of a recipe, and the sources in comments `# after KIND:NAME`."""
    sentence = FOLLOWS.search(script)
    found = [source for line in SAYS.findall(script) for source in SOURCE.findall(line)]
    return " ".join(sentence[1].split()).rstrip(".") if sentence else "", references(found, version)


def looked_up(events: Iterable[dict[str, Any]], version: str) -> list[Reference]:
    """What the retriever found in a run, best first."""
    return references(
        [str(source) for event in events if event.get("event") == "retrieved" for source in event.get("sources", [])],
        version,
    )


def troubles(events: Iterable[dict[str, Any]]) -> list[str]:
    """What did not work when material was looked up in a run, each once; the run went on without it."""
    told = (str(line) for event in events if event.get("event") == "retrieved" for line in event.get("troubles", []))
    return list(dict.fromkeys(told))


def references(found: Iterable[str], version: str) -> list[Reference]:
    """Each source once, with its page."""
    return [Reference(source, page(source, version)) for source in dict.fromkeys(found)]


def page(source: str, version: str) -> str:
    """Address of a tutorial or guide in the documentation of that version of Gammapy; empty for everything else."""
    kind, _, name = source.partition(":")
    name, _, anchor = name.partition("#")
    name = f"tutorials/{name}" if kind == "tutorial" and not name.startswith("models/") else name
    if not re.fullmatch(r"(tutorials|user-guide)(/[\w-]+)+", name) or not re.fullmatch(r"\d+(\.\d+)*", version):
        return ""
    return PAGES.format(version=version, name=name) + (f"#{anchor}" if re.fullmatch(r"[\w-]+", anchor) else "")
