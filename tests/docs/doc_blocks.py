"""The fenced blocks of README.md and docs/, each with the comments before it that say how it is tried.

A reader does not see the comments:

    <!-- file: NAME -->         the block is kept as this file, and not run; what follows may use it
    <!-- exit: 1 -->            the last command leaves with this code
    <!-- served: NAME -->       a scripted server on loopback stands in for the one of this backend
    <!-- instead: COMMAND -->   this is run in its place, to the same end
    <!-- slow -->               left to `make test-slow`
    <!-- not run: REASON -->    cannot be tried here; its commands are looked up all the same
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sybil import Document, Region
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, FencedCodeBlockLexer

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARKS = ("file", "exit", "served", "instead", "slow", "not run")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    language: str
    source: str
    marks: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    return list(_blocks(page, Document(page.read_text(encoding="utf-8"), str(page))))


def _blocks(page: Path, document: Document) -> Iterator[Block]:
    marks: dict[str, str] = {}
    end = 0
    for region in sorted(_regions(document), key=lambda region: region.start):
        alone = document.text[end : region.start].strip(" \n->")  # the end of a comment is not part of its region
        assert not (marks and alone), f"{page}: the comment {marks} is not before a block"
        if "directive" in region.lexemes:
            marks[region.lexemes["directive"]] = region.lexemes["arguments"]
        else:
            line = document.text.count("\n", 0, region.start) + 1
            yield Block(page, line, region.lexemes["language"], region.lexemes["source"], marks)
            marks = {}
        end = region.end
    assert not marks, f"{page}: the comment {marks} is not before a block"


def _regions(document: Document) -> Iterator[Region]:
    yield from FencedCodeBlockLexer(r"\w*", mapping={"language": "language", "source": "source"})(document)
    yield from DirectiveInHTMLCommentLexer("|".join(MARKS))(document)
