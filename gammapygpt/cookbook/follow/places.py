"""Another source in a request: its name wherever that of the old one stood, and no coordinates of the old one left."""

from __future__ import annotations

import re

from gammapygpt.cookbook.follow.edits import Edit
from gammapygpt.cookbook.follow.reading import Read
from gammapygpt.cookbook.sky import take_positions, take_sources
from gammapygpt.cookbook.words import Page

KIND = (
    r"(?:supernova remnant|SNR|blazar|pulsar wind nebula|PWN|gamma-ray binary|binary|microquasar|active galaxy|AGN"
    r"|radio galaxy|BL Lac(?: object)?|pulsar|starburst galaxy|galaxy|quasar|source)"
)
"""What a source is said to be, which need not be true of another one."""
FRAME = r"\s*(?:\(\s*(?:ICRS|J2000|FK5)\s*\)|,?\s*\b(?:ICRS|J2000)\b)"
UNKNOWN = re.compile(r"(?<![\w-])((?:[A-Z0-9][\w.+-]*\s){0,2}[A-Z0-9][\w.+-]*)\s*\(\s*$")
"""A name that no table knows, with its coordinates behind it."""
WITH_ARTICLE = ("Crab", "Galactic")


def old_place(read: Read) -> str:
    """The source of a request in its own words."""
    return read.reading.target or read.reading.words.get("TARGET_RA", "")


def put_place(read: Read, place: str) -> list[Edit]:
    """What to replace so that a request is about another source; nothing where it names none."""
    page = Page(read.text)
    spots = [page.text.index(one.words) for one in take_positions(page)]
    lengths = [len(re.match(r"\0+", page.left[start:]).group()) for start in spots]  # type: ignore[union-attr]
    named = [
        (page.text.find(words), words) for source, words in take_sources(page) if source.name == read.reading.target
    ]
    name = re.sub(r" \(RA .*\)$", "", place)
    if not named and spots and (unknown := UNKNOWN.search(page.text[: spots[0]])):
        named = [(unknown.start(1), unknown.group(1))]
    edits: list[Edit] = []
    for start, words in _every(read.text, named):
        edits.append((*_with_kind(read.text, start, start + len(words)), name))
    for start, length in zip(spots, lengths, strict=True):
        edits.append(_coordinates(read.text, start, start + length, name, beside=_ends(edits)))
    if edits and name != place:
        first = min(range(len(edits)), key=lambda i: (edits[i][2] != name, edits[i][0]))
        edits[first] = (*edits[first][:2], edits[first][2].replace(name, place, 1))
    return [(start, end, _article(read.text, start, text)) for start, end, text in edits]


def _every(text: str, named: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """All places where the words of a name stand."""
    words = {word for _, word in named}
    found = [(match.start(), word) for word in words for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)]
    return sorted(found)


def _with_kind(text: str, start: int, end: int) -> tuple[int, int]:
    """A name with the kind of source before it."""
    before = re.search(rf"(?:\bthe\s+)?\b{KIND}\s+$", text[:start], re.I) or re.search(r"\bthe\s+$", text[:start])
    return (before.start() if before else start), end


def _ends(edits: list[Edit]) -> list[int]:
    return [end for _, end, _ in edits]


def _coordinates(text: str, start: int, end: int, name: str, beside: list[int]) -> Edit:
    """Old coordinates: gone where they explain a name that is replaced, else the new name takes their place."""
    if frame := re.match(FRAME, text[end:]):
        end += frame.end()
    before = re.search(r"\s*(?:\(|,|\bat\b|:|=|\blocated at\b)\s*(?:the position\s+)?\(?\s*$", text[:start])
    if before and before.start() in beside:
        closing = re.match(r"\s*\)", text[end:]) if "(" in before.group() else None
        return before.start(), end + (closing.end() if closing else 0), ""
    return start, end, name


def _article(text: str, start: int, new: str) -> str:
    """`the` before names that have it, after a preposition."""
    return with_article(new) if re.search(r"\b(?:of|for|from|around|on|in|at|with|to)\s+$", text[:start]) else new


def with_article(name: str) -> str:
    """`the Crab Nebula`, but `MSH 15-52`."""
    return f"the {name}" if name.startswith(WITH_ARTICLE) else name
