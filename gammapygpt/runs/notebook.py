"""The script as a notebook: the same statements in the same order, cut where its author left a blank line."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any

from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.results import clean, lines, specs, units_of
from gammapygpt.state import Attempt, RunState

RESULT_CELL = 'from pathlib import Path\n\nprint(Path("result.json").read_text())'


def notebook(folder: RunFolder, best: Attempt, state: RunState) -> str:
    """The attempt that stands as notebook (nbformat 4): request, numbers, script, figures.

    The code cells tagged `script` joined without anything between them are the script, letter by letter.
    """
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    manifest = folder.manifest()
    data_path = manifest.get("data", {}).get("path", "")
    cells = [new_markdown_cell(_introduction(folder, manifest, best, state))]
    cells.append(new_code_cell(_setup(best.script, data_path), metadata={"tags": ["setup"]}))
    cells += [new_code_cell(source, metadata={"tags": ["script"]}) for source in split(best.script)]
    if figures := sorted(path.name for path in folder.final.glob("*.png")):
        shown = "\n\n".join(f"![{markdown(name)}](<{name}>)" for name in figures if re.fullmatch(r"[\w. +-]+", name))
        cells.append(new_markdown_cell(f"## Figures\n\n{shown}"))
    cells.append(new_code_cell(RESULT_CELL, metadata={"tags": ["result"]}))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:02d}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    nbformat.validate(book)
    return str(nbformat.writes(book)) + "\n"


def split(script: str) -> list[str]:
    """A script cut into cells before top-level statements that follow a blank line; imports stay together.

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


def markdown(value: str) -> str:
    """Text that Markdown shows as it is: no markup, no links, no formulae."""
    line = " ".join(clean(value).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_{}\[\]()#!|$~:@^])", r"\\\1", line)
    line = re.sub(r"^([-+=](?=[-=\s]|$))", r"\\\1", line)
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", line)


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


def _introduction(folder: RunFolder, manifest: dict[str, Any], best: Attempt, state: RunState) -> str:
    request = state.get("request")
    text = request.text if request else manifest.get("request", {}).get("text", "")
    result = best.validation.result if best.validation else {}
    rows = [line[:4] for line in lines(result, units_of(result, specs(manifest, state)))]
    table = [("result", "value", "error", "unit"), ("---", "---:", "---:", "---")]
    body = [f"| {' | '.join(cells)} |" for cells in [*table, *(tuple(map(markdown, row)) for row in rows)]]
    return "\n".join(
        [
            f"# {markdown(folder.name)}",
            "",
            f"> {markdown(text)}",
            "",
            f"Made by gammapygpt: attempt {best.number} of the run passed its checks with these numbers.",
            "",
            *body,
        ]
    )


def _setup(script: str, data_path: str) -> str:
    """What the sandbox gave the script and a kernel does not."""
    setup = [
        "# Not part of the script: what it found around it when it was run",
        "import os",
        "",
        *([f'os.environ.setdefault("GAMMAPY_DATA", {json.dumps(data_path)})'] if data_path else []),
        'os.environ.setdefault("PHOTON_STORAGE", os.environ.get("GAMMAPY_DATA", ""))',
        'os.environ["MPLBACKEND"] = "agg"  # figures go to files; the inline backend would close them after each cell',
    ]
    if "argparse" in script or "argv" in script:
        setup += ["import sys", "", 'sys.argv = ["script.py"]']
    if "__file__" in script:
        setup.append('__file__ = os.path.abspath("script.py")')
    return "\n".join(setup)
