"""A script cut into the cells of a notebook where a person would cut it, with a heading wherever a new step begins."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import chain, islice, pairwise
from typing import NamedTuple

LONGEST = 30
"""Lines of a cell that is put together from several pieces."""
HEADING = re.compile(r"\s*# ?([A-Z][^\n:.;]{2,70})(?=[:.;\n])")
"""A comment that begins a piece, up to its first stop."""
FEW = 4
"""Lines that are never worth a cell of their own."""
SHORT_ENOUGH = 15
"""Lines of a piece that stays together, although it does several things."""
GIVES_NOTHING = frozenset(["print", "dump", "savefig", "close", "append", "extend", "sort", "update", "use"])
"""Functions whose value IPython does not show."""
RESULT = "result.json"
STEPS = (
    ("Figures", re.compile(r"savefig$")),
    ("Fit", re.compile(r"Fit$")),
    ("Estimates", re.compile(r"\w+Estimator$|\w+Profile$")),
    ("Data sets", re.compile(r"\w+Maker$|\w*Datasets?\w*$|stack_reduce$|\w+Evaluator$")),
    ("Model", re.compile(r"(?:Sky|FoVBackground|\w+(?:Spectral|Spatial|Temporal)|)Models?$")),
    ("Observations", re.compile(r"DataStore$|get_observations$|obs_table$|Observations?$|select_sky_circle$")),
)
"""A piece of a script is the first of these of which it names something."""
ORDER = ("Observations", "Data sets", "Model", "Fit", "Estimates", "Figures", "Result")
"""In which an analysis goes on."""


class Part(NamedTuple):
    """One step of a script."""

    heading: str
    """In words; empty for what goes on with the step before."""
    cells: list[str]


def parts(script: str) -> list[Part]:
    """The steps of a script: its imports, its constants, then what its comments or its calls say."""
    found: list[Part] = []
    step = ""
    for piece in chain.from_iterable(map(by_step, split(script))):
        heading, kind = heading_of(piece, step)
        if heading and (kind != step or heading != kind):
            found.append(Part(heading, [piece]))
        elif not found:
            found.append(Part("", [piece]))
        elif fits(found[-1].cells[-1], piece):
            found[-1].cells[-1] += piece
        else:
            found[-1].cells.append(piece)
        step = kind or step
    return [Part(heading, [tidy(cell) for cell in cells if cell.strip()]) for heading, cells in found]


def heading_of(piece: str, step: str) -> tuple[str, str]:
    """What a piece is called, in its author's words if it begins with a comment, and which step it is."""
    kind = step_of(piece)
    said = HEADING.match(piece)
    if said and kind not in ("Imports", "Configuration"):
        return said[1].strip(), kind or step
    return kind, kind


def step_of(piece: str) -> str:
    """Which step of an analysis a piece is, by what it names; empty where nothing tells."""
    try:
        body = ast.parse(piece).body
    except (SyntaxError, ValueError):
        return ""
    if any(isinstance(statement, ast.Import | ast.ImportFrom) for statement in body):
        return "Imports"
    if body and all(map(is_constant, body)):
        return "Configuration"
    if body and all(isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for one in body):
        return "Functions"
    names = [name for statement in body for name in names_in(statement)]
    if RESULT in names:
        return "Result"
    return next((step for step, words in STEPS if any(words.match(name) for name in names)), "")


def is_constant(statement: ast.stmt) -> bool:
    """Whether a statement sets constants: names in capitals."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return bool(targets) and all(isinstance(target, ast.Name) and target.id.isupper() for target in targets)


def names_in(statement: ast.stmt) -> Iterator[str]:
    """The names, attributes and strings of a statement."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def fits(cell: str, piece: str) -> bool:
    """Whether a cell that goes on with a piece can still be read at once."""
    return piece.count("\n") <= FEW or (cell + piece).count("\n") <= LONGEST


def by_step(piece: str) -> list[str]:
    """A long piece without blank lines, cut where a later step of the analysis begins."""
    text = piece.splitlines(keepends=True)
    if len(text) <= SHORT_ENOUGH:
        return [piece]
    try:
        body = ast.parse(piece).body
    except (SyntaxError, ValueError):
        return [piece]
    cuts, reached = [0], -1
    for before, after in zip([None, *body[:-1]], body, strict=True):
        kind = step_of(ast.unparse(after))
        end = before.end_lineno or before.lineno if before else 0
        if kind in ORDER and ORDER.index(kind) > reached:
            if before and reached >= 0 and end < _first_line(after) and re.match(r"\S", text[end]):
                cuts.append(end)
            reached = ORDER.index(kind)
    return ["".join(text[start:end]) for start, end in pairwise([*cuts, len(text)])]


def tidy(cell: str) -> str:
    """A cell without blank lines around it, and with a `;` where IPython would show a value that nobody asked for."""
    cell = cell.strip("\r\n")
    try:
        body = ast.parse(cell).body
    except (SyntaxError, ValueError):
        return cell
    last = body[-1] if body else None
    if not isinstance(last, ast.Expr) or cell.endswith(";") or "#" in cell.splitlines()[-1]:
        return cell
    called = last.value.func if isinstance(last.value, ast.Call) else None
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    return cell if name in GIVES_NOTHING else f"{cell};"


def split(script: str) -> list[str]:
    """A script cut before top-level statements that follow a blank line; imports stay together.

    Joined without anything between them, the pieces are the script.
    """
    text = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", script)
    try:
        body = ast.parse(script).body
    except (SyntaxError, ValueError):
        return [script]
    cuts = [0]
    for before, after in _neighbours(body):
        gap = range((before.end_lineno or before.lineno) + 1, _first_line(after))
        # Not before an indented comment: IPython would dedent the cell that it heads
        fit = (index for index in gap if not text[index - 1].strip() and re.match(r"\S", text[index]))
        cuts += islice(fit, 1)
    cuts.append(len(text))
    return ["".join(text[start:end]) for start, end in pairwise(cuts) if end > start]


def _neighbours(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, ast.stmt]]:
    """Statements that follow each other, without those among the imports at the top."""
    imports = 0
    for number, statement in enumerate(body, 1):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            imports = number
        elif not isinstance(statement, ast.Expr):  # a docstring, `matplotlib.use("Agg")`
            break
    rest = body[max(imports - 1, 0) :]
    yield from pairwise(rest)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])
