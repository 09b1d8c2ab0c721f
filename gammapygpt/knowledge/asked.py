"""What users ask for in words that the documents do not have: a table of documents and questions, written by hand."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path

from gammapygpt.knowledge.document import Document

TABLE = Path(__file__).with_name("asked.tsv")
"""Beginnings of sources, a tab, phrases between semicolons. What another version does not have is of no harm."""


def with_asked(documents: Iterable[Document]) -> list[Document]:
    """The documents, found also by what is asked of them: their headings say it too."""
    return [document._replace(heading="; ".join([document.heading, *asked_of(document)])) for document in documents]


def asked_of(document: Document) -> list[str]:
    """The phrases of all rows that a document belongs to."""
    return [phrases for source, phrases in asked() if belongs(document.snippet.source, source)]


def belongs(source: str, beginning: str) -> bool:
    """Whether a source is what a row names, or a part of it: `howto:group` is one of `howto:group-runs`, not of
    `howto:grouping`."""
    return source.startswith(beginning) and not re.match(r"\w", source[len(beginning) :])


@functools.cache
def asked() -> tuple[tuple[str, str], ...]:
    """The rows of the table."""
    rows = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    return tuple((source, phrases) for source, _, phrases in (row.partition("\t") for row in rows))
