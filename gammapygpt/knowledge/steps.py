"""One step of a tutorial as a script that can be run: its imports, what it needs of earlier steps, its own code."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gammapygpt.knowledge import gallery, headless, rst
from gammapygpt.knowledge.document import LENGTH, LINES, sentences
from gammapygpt.knowledge.slicing import Slices
from gammapygpt.knowledge.statements import Statement

OWN_LENGTH, OWN_LINES = 1400, 34
"""Largest size of a step's own code where it can be cut; the rest of the room is for what it needs."""
DEFINITION_LENGTH = 90
"""Characters shown of the statement that made a name which a step does not make itself."""
WIDTH = 116
DEPTH = 2
"""How far names are followed whose whole making has no room."""


class Tutorial(NamedTuple):
    """One script of the gallery, taken apart."""

    name: str
    """Path below `examples/tutorials` or `examples`, without its ending."""
    version: str
    lines: list[str]
    sections: list[gallery.Section]
    slices: Slices
    imports: dict[str, str]
    """Name -> the statement that imports it alone."""


class Piece(NamedTuple):
    """Statements of one cell."""

    cell: gallery.Cell
    numbers: list[int]


Part = list[Piece]
"""What one step shows of a section."""


def taken_apart(source: str, name: str, version: str) -> Tutorial:
    """A script of the gallery as sections and statements.

    Raises
    ------
    SyntaxError
        It is not Python.
    """
    statements = headless.statements(source, name.rpartition("/")[2])
    imports: dict[str, str] = {}
    for one in statements:
        imports |= imported(one.source)
    return Tutorial(name, version, source.splitlines(), gallery.sections(source), Slices(statements, imports), imports)


def imported(source: str) -> dict[str, str]:
    """Name -> statement, for each name that top-level imports of a source bind; not for display."""
    found = {}
    for node in ast.parse(source).body if source.startswith(("import ", "from ")) else []:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                module = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
                text = f"{module}import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
                if not text.startswith("from IPython"):
                    found[alias.asname or alias.name.partition(".")[0]] = text
    return found


def parts(tutorial: Tutorial, section: gallery.Section) -> Iterator[Part]:
    """The statements below a heading, cut between cells (or, in a long cell, statements) where they are too many."""
    statements = tutorial.slices.statements
    part: Part = []
    for cell in section.cells:
        inside = [n for n, one in enumerate(statements) if cell.first <= one.first <= cell.last and _shown(one)]
        if part and _too_long(statements, [*_numbers(part), *inside]):
            yield part
            part = []
        for number in inside:
            if part and _too_long(statements, [*_numbers(part), number]):
                yield part
                part = []
            if not part or part[-1].cell is not cell:
                part.append(Piece(cell, []))
            part[-1].numbers.append(number)
    if part:
        yield part


def _numbers(part: Part) -> list[int]:
    return [number for piece in part for number in piece.numbers]


def _shown(one: Statement) -> bool:
    return bool(one.source.strip()) and not one.source.startswith(("import ", "from "))


def _too_long(statements: Sequence[Statement], numbers: Iterable[int]) -> bool:
    text = "\n".join(statements[number].source for number in numbers)
    return len(text) > OWN_LENGTH or text.count("\n") >= OWN_LINES


def script(tutorial: Tutorial, part: Part, head: Sequence[str]) -> str:
    """A step as shown, with as much of what it needs as there is room for.

    Parameters
    ----------
    tutorial
        That it is part of.
    part
        Its own statements.
    head
        What it is: lines of comment.
    """
    slices, own, own_code = tutorial.slices, frozenset(_numbers(part)), _code(tutorial, part)
    told = "\n".join(map(_comment, head))

    def written(before: Iterable[int]) -> str:
        earlier = [number for number in sorted(before) if _shown(slices.statements[number])]
        chosen = sorted({*earlier, *own})
        sources = "\n".join(slices.statements[number].source for number in earlier)
        told_of = "\n".join(_given(tutorial, chosen))
        return "\n\n".join(filter(None, [told, told_of, _imports(tutorial, chosen), sources, own_code])) + "\n"

    def settled(groups: Iterable[frozenset[int]], chosen: frozenset[int], depth: int) -> tuple[frozenset[int], int]:
        """Statements chosen, and how many names are left to be explained."""
        missing = 0
        for group in sorted(groups, key=lambda group: (len(slices.closure(group)), sorted(group))):
            whole = (chosen | slices.closure(group)) - own
            if _fits(written(whole)):
                chosen = whole
                continue
            alone = (chosen | group) - own
            if depth < DEPTH and _fits(written(alone)):
                deeper = {need for number in group for need in slices.needs(number)}
                trial, lost = settled({need for need in deeper if not need <= alone | own}, alone, depth + 1)
                if lost <= 1:
                    chosen, missing = trial, missing + lost
                    continue
            missing += 1
        return chosen, missing

    needed = {need for number in own for need in slices.needs(number) if not need <= own}
    return written(settled(needed, frozenset(), 0)[0])


def _fits(text: str) -> bool:
    return len(text) <= LENGTH and text.count("\n") <= LINES


def _code(tutorial: Tutorial, part: Part) -> str:
    """Statements with the comments between them; above those of a later cell, what the tutorial says of it."""
    text, last = "", 0
    for piece in part:
        told = [block.text for block in rst.blocks(piece.cell.prose) if not block.code]
        if last and told:
            text += f"\n{_comment(sentences(told[0], 1, 200))}\n"
        elif last:
            text += "\n"
        start = piece.cell.first - 1
        for number in piece.numbers:
            one = tutorial.slices.statements[number]
            earlier = tutorial.slices.statements[number - 1].last if number else 0
            between = tutorial.lines[max(start, last, earlier) : one.first - 1]
            comments = [line for line in between if re.match(r"# \w", line) and not headless.FURNITURE.match(line)]
            gap = ["\n"] if last > piece.cell.first and any(not line.strip() for line in between) else []
            text += "".join([*gap, *(f"{line}\n" for line in comments), one.source.strip("\n"), "\n"])
            last = one.last
    return text.strip("\n")


def _comment(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ")


def _imports(tutorial: Tutorial, numbers: Iterable[int]) -> str:
    """Imports of the names that statements use; those from one module in one statement."""
    used = {name for n in numbers for name in tutorial.slices.statements[n].reads}
    lines: dict[str, None] = {}
    members: dict[str, list[str]] = {}
    for name in (name for name in tutorial.imports if name in used):
        module, _, member = tutorial.imports[name].partition(" import ")
        if module.startswith("from "):
            members.setdefault(module, []).append(member)
        else:
            lines[tutorial.imports[name]] = None
    for module, names in members.items():
        rows = textwrap.wrap(", ".join(names), WIDTH - len(module))
        lines |= {f"{module} import {row.rstrip(',')}": None for row in rows}
    return "\n".join(lines)


def _given(tutorial: Tutorial, numbers: Sequence[int]) -> Iterator[str]:
    """Comments that say what names stand for which these statements read and do not make, or not in full."""
    slices, told = tutorial.slices, set[str]()
    for number in numbers:
        one = slices.statements[number]
        for name in sorted(one.reads - told):
            makers = slices.makers(name, number)
            if makers <= set(numbers):
                continue
            told.add(name)
            binding = max(n for n in makers if name in slices.statements[n].binds)
            made = " ".join(slices.statements[binding].source.split())
            made = made if len(made) <= DEFINITION_LENGTH else f"{made[:DEFINITION_LENGTH]} ..."
            steps = dict.fromkeys(_title(tutorial, n) for n in sorted(makers))
            yield f"# `{name}` comes from an earlier step ({', '.join(steps)}): {made}"


def _title(tutorial: Tutorial, number: int) -> str:
    line = tutorial.slices.statements[number].first
    inside = (s for s in tutorial.sections if any(cell.first <= line <= cell.last for cell in s.cells))
    return next((section.titles[-1] for section in inside), "the beginning")
