"""What a report is made of: sections with sentences, tables and figures. Both templates show the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mark:
    """How one cell of the campaign ended: a sign, what it says in words, and where its run lies."""

    sign: str
    kind: str
    title: str
    link: str = ""


@dataclass(frozen=True)
class Shade:
    """A count, drawn the darker the larger its share is."""

    text: str
    share: float


Entry = str | Shade | list[Mark]
"""What stands in one place of a table."""


@dataclass(frozen=True)
class Table:
    """Rows under headers; the first column names the row."""

    headers: Sequence[str]
    rows: Sequence[Sequence[Entry]]
    words: frozenset[int] = frozenset({0})
    """Columns of words, which are aligned at their left; all others hold numbers."""
    caption: str = ""


@dataclass(frozen=True)
class Figure:
    """A drawing, and the same as bars of text where it is simple enough."""

    name: str
    svg: str
    says: str
    """For who cannot see it."""
    bars: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """Label and number by heading."""


@dataclass(frozen=True)
class Section:
    """A part of the report."""

    title: str
    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figure: Figure | None = None
    points: Sequence[str] = ()
    """A list, after the sentences."""
    notes: Sequence[str] = ()
    """In small print at the end."""
    folded: bool = False
    """Whether the tables are shown only on demand."""


@dataclass(frozen=True)
class Page:
    """The whole report."""

    title: str
    subtitle: str
    warnings: Sequence[str]
    """What a reader must see first."""
    findings: Sequence[str]
    """What the campaign shows, one sentence each."""
    sections: Sequence[Section]
    made: str
    """When and with what the report was made."""
