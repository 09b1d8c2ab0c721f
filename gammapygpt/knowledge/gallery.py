"""Sphinx-gallery scripts, which Gammapy's tutorials are: prose in comments and code in cells, below headings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from gammapygpt.knowledge import rst

CELL = re.compile(r"#{20,}\s*$|# ?%%(?P<title>.*)$")


class Cell(NamedTuple):
    """Code with the prose in front of it."""

    prose: tuple[str, ...]
    """Lines."""
    first: int
    last: int
    """Line numbers of the code in the script, from 1; `last` is before `first` where there is none."""


class Section(NamedTuple):
    """The cells below one heading."""

    titles: tuple[str, ...]
    cells: list[Cell]

    @property
    def prose(self) -> list[str]:
        """All lines of text, cell after cell."""
        return [line for cell in self.cells for line in (*cell.prose, "")]


def sections(source: str) -> list[Section]:
    """A tutorial cut at its headings.

    Raises
    ------
    SyntaxError
        It is not Python.
    """
    found = [Section((), [])]
    styles: list[tuple[str, bool]] = []
    for prose, first, last in _cells(source):
        here, *below = rst.parts(prose, found[-1].titles, styles)
        found[-1].cells.append(Cell(tuple(here.lines), first, 0 if below else last))
        for part in below:
            found.append(Section(part.titles, [Cell(tuple(part.lines), first, last if part is below[-1] else 0)]))
    return [section for section in found if section.titles]


def _cells(source: str) -> Iterator[tuple[list[str], int, int]]:
    """(lines of prose, first and last line number of the code behind them), over a whole script."""
    lines, tree = source.splitlines(), ast.parse(source)
    inside = {n for node in tree.body for n in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)}
    prose: list[str] = []
    start = 1
    if ast.get_docstring(tree) is not None:
        docstring = tree.body[0]
        prose = (ast.get_docstring(tree) or "").splitlines()
        start = (docstring.end_lineno or docstring.lineno) + 1
    number = start
    while number <= len(lines):
        mark = CELL.match(lines[number - 1]) if number not in inside else None
        if mark is None:
            number += 1
            continue
        yield prose, start, number - 1
        prose = [mark["title"].strip()] if mark["title"] else []
        number += 1
        while number <= len(lines) and lines[number - 1].startswith("#") and not CELL.match(lines[number - 1]):
            prose.append(re.sub(r"^# ?", "", lines[number - 1]))
            number += 1
        start = number
    yield prose, start, len(lines)
