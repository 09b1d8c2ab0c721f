"""A notebook as one script that the gates can read: its code cells in order, what only IPython knows put aside."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

PYTHON_CELLS = frozenset(["%%time", "%%timeit", "%%capture", "%%prun", "%%memit", "%%mprun", "%%px"])
"""Cell magics below which there is Python."""
PRELUDE = "for In, Out, _, __, ___, display, get_ipython in (): pass"
"""What every notebook has without an import; of what kind it is, nothing is known."""
MAGIC = re.compile(r"\s*(?:%{1,2}[A-Za-z]|!|\?{1,2}[A-Za-z]|[A-Za-z_][\w.]*\?{1,2}\s*$)")
CAPTURED = re.compile(r"(\s*[A-Za-z_][\w\s,]*=)\s*(?:%[A-Za-z]|!)")
BINDS_NAMES = re.compile(r"^\s*%{1,2}(?:pylab|run|store|load|macro|capture|(?:bash|sh|script)\b.*--out)", re.MULTILINE)


class Place(NamedTuple):
    """Where a line of the script stands in the notebook."""

    cell: int
    """From 1, text cells counted too."""
    line: int


class CellScript(NamedTuple):
    """The code of a notebook."""

    source: str
    places: list[Place]
    """Of each line of the source."""
    binds_unseen: bool
    """A magic binds names that nobody can see, as `%pylab` and `%run` do."""


def script_of(text: str) -> CellScript:
    """The code cells of a notebook file, as one script.

    Raises
    ------
    ValueError
        It is no notebook, or none in Python.
    """
    lines, places, code = [PRELUDE], [Place(1, 1)], []
    for number, cell in code_cells(json.loads(text)):
        code.append(cell)
        for line_number, line in enumerate(plain_python(cell), 1):
            lines.append(line)
            places.append(Place(number, line_number))
    return CellScript("\n".join(lines) + "\n", places, bool(BINDS_NAMES.search("\n".join(code))))


def code_cells(notebook: Any) -> Iterator[tuple[int, str]]:
    """Number and text of each code cell; of notebooks of format 3 too.

    Raises
    ------
    ValueError
        It is no notebook, or none in Python.
    """
    try:
        kernel = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        found = [
            (number, "".join(cell.get("source", cell.get("input", ""))))
            for number, cell in enumerate(cells, 1)
            if cell["cell_type"] == "code"
        ]
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise ValueError("it has no cells") from error
    if str(kernel).lower() != "python":
        raise ValueError(f"its language is {kernel}")
    yield from found


def plain_python(cell: str) -> list[str]:
    """The lines of a cell, as many as before, with what is not Python put aside."""
    lines = cell.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        if lines[first].split()[0] not in PYTHON_CELLS:
            return [f"# {line}" for line in lines]
        lines[first] = f"# {lines[first]}"
    if is_python("\n".join(lines)):
        return lines
    found, goes_on = [], False
    for line in lines:
        captured = CAPTURED.match(line)
        if goes_on:
            found.append("")
        elif MAGIC.match(line):
            found.append(put_aside(line))
        else:
            found.append(f"{captured[1]} [][0]" if captured else line)
        goes_on = found[-1] is not line and line.rstrip().endswith("\\")
    return found


def put_aside(line: str) -> str:
    """A line that does nothing, where one that does something may be needed (below an `if`)."""
    text = line.lstrip()
    return f"{line[: len(line) - len(text)]}pass"


def is_python(text: str) -> bool:
    """Whether a text can be parsed as it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
