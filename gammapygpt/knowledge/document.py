"""One piece of the corpus: what is shown of it, and the words by which it is found."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from gammapygpt.state import Snippet

LENGTH = 2500
"""Largest number of characters of a document that is cut out of something longer."""
LINES = 60
"""Largest number of lines of such a document."""


class Document(NamedTuple):
    """A snippet and the words by which it is found."""

    snippet: Snippet
    heading: str
    """What it is about."""
    body: str
    """What it mentions."""

    @property
    def kind(self) -> str:
        """`recipe`, `api`, `drift`, `tutorial`, `howto`, `guide`, `success` or `own`."""
        return self.snippet.source.partition(":")[0]


@contextmanager
def code_of_others() -> Iterator[None]:
    """Parse without the warnings that Python has for it: whoever looks something up cannot act on them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def slug(title: str) -> str:
    """A heading as the anchor that Sphinx makes of it: `Source statistic` is `source-statistic`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def sentences(text: str, number: int, length: int = 300) -> str:
    """The first sentences of a text, on one line, whole unless the first one alone is too long."""
    found = [
        sentence
        for paragraph in re.split(r"\n\s*\n", text)
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z`\"(])", " ".join(paragraph.split()))
    ]
    kept = ""
    for sentence in found[:number]:
        if len(kept) + len(sentence) > length:
            break
        kept = f"{kept} {sentence}".strip()
    return kept or " ".join(text.split())[:length].rpartition(" ")[0]


def pieces(paragraphs: list[str], length: int = LENGTH, lines: int = LINES) -> list[str]:
    """Paragraphs put together into texts that are no longer than this; a longer paragraph is cut at its lines."""
    texts: list[str] = []
    for paragraph in paragraphs:
        for part in _cut(paragraph, length, lines):
            longer = f"{texts[-1]}\n\n{part}" if texts else part
            if texts and len(longer) <= length and longer.count("\n") < lines:
                texts[-1] = longer
            else:
                texts.append(part)
    return texts


def _cut(paragraph: str, length: int, most: int) -> list[str]:
    if len(paragraph) <= length and paragraph.count("\n") < most:
        return [paragraph]
    parts: list[list[str]] = [[]]
    size = 0
    for line in paragraph.splitlines():
        for row in (line[start : start + length] for start in range(0, max(len(line), 1), length)):
            if parts[-1] and (size + len(row) > length or len(parts[-1]) >= most):
                parts.append([])
                size = 0
            parts[-1].append(row)
            size += len(row) + 1
    return ["\n".join(part) for part in parts]
