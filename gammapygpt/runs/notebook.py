"""The answer of a run as a notebook: how it was made, the same statements in order, figures where they arise."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gammapygpt.runs import provenance
from gammapygpt.runs.acknowledge import acknowledged
from gammapygpt.runs.cells import parts
from gammapygpt.runs.figures import Embedded, embedded
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.remarks import remarks
from gammapygpt.runs.results import clean, lines, specs, units_of
from gammapygpt.state import Attempt, RunState

if TYPE_CHECKING:
    from nbformat import NotebookNode

RESULT_CELL = 'from pathlib import Path\n\nprint(Path("result.json").read_text())'
GAMMAPY = "Donath et al. 2023, A&A 678, A157, <https://doi.org/10.1051/0004-6361/202346488>"
LONGEST_TITLE = 120


def notebook(folder: RunFolder, best: Attempt, state: RunState) -> str:
    """The attempt that stands as notebook (nbformat 4), with the figures and numbers of the run in it.

    The code cells tagged `script`, joined by line breaks, are the statements of the script and its comments.
    """
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    manifest = folder.manifest()
    data = manifest.get("data", {})
    cells = [new_markdown_cell(_introduction(folder, manifest, best, state))]
    cells.append(new_code_cell(_setup(best.script, data.get("path", "")), metadata={"tags": ["setup"]}))
    cells += _script_cells(best.script, embedded(folder.final))
    cells.append(new_markdown_cell("## The numbers"))
    cells.append(new_code_cell(RESULT_CELL, metadata={"tags": ["result"]}, outputs=_printed(best)))
    cells.append(new_markdown_cell(_acknowledgement(best, data)))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:02d}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    nbformat.validate(book)
    return str(nbformat.writes(book)) + "\n"


def _script_cells(script: str, figures: list[Embedded]) -> Iterator[NotebookNode]:
    """The script with its headings, each figure behind the cell that saves it; those that no cell names at the end."""
    from nbformat.v4 import new_code_cell, new_markdown_cell

    waiting = {figure.name: figure for figure in figures if figure.base64}
    for heading, cells in parts(script):
        if heading:
            yield new_markdown_cell(f"## {markdown(heading)}")
        for cell in cells:
            yield new_code_cell(cell, metadata={"tags": ["script"]})
            for name in [name for name in waiting if name in _saved(cell)]:
                yield _figure_cell(waiting.pop(name))
    if waiting:
        yield new_markdown_cell("## Figures")
        yield from map(_figure_cell, waiting.values())


def _saved(cell: str) -> set[str]:
    """The strings of a cell that saves figures."""
    if "savefig" not in cell:
        return set()
    try:
        tree = ast.parse(cell)
    except (SyntaxError, ValueError):
        return set()
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _figure_cell(figure: Embedded) -> NotebookNode:
    from nbformat.v4 import new_code_cell, new_output

    shown = {"image/png": figure.base64, "text/plain": "<IPython.core.display.Image object>"}
    source = f"display(Image({json.dumps(figure.name)}))"
    return new_code_cell(source, metadata={"tags": ["figure"]}, outputs=[new_output("display_data", data=shown)])


def _printed(best: Attempt) -> list[NotebookNode]:
    from nbformat.v4 import new_output

    result = best.validation.result if best.validation else {}
    text = json.dumps(result, indent=2, ensure_ascii=True, default=str)
    return [new_output("stream", name="stdout", text=f"{text}\n")]


def markdown(value: str) -> str:
    """Text that Markdown shows as it is: no markup, no links, no formulae."""
    line = " ".join(clean(value).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_{}\[\]()#!|$~:@^])", r"\\\1", line)
    line = re.sub(r"^([-+=](?=[-=\s]|$))", r"\\\1", line)
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", line)


def _introduction(folder: RunFolder, manifest: Mapping[str, Any], best: Attempt, state: RunState) -> str:
    request, plan = state.get("request"), state.get("plan")
    text = " ".join((request.text if request else manifest.get("request", {}).get("text", "")).split())
    title = text if text and len(text) <= LONGEST_TITLE else folder.name
    result = best.validation.result if best.validation else {}
    rows = [line[:4] for line in lines(result, units_of(result, specs(manifest, state)))]
    table = [("result", "value", "error", "unit"), ("---", "---:", "---:", "---")]
    body = [f"| {' | '.join(cells)} |" for cells in [*table, *(tuple(map(markdown, row)) for row in rows)]]
    spoke = provenance.voices(manifest, folder.events())
    author = provenance.authorship(spoke, plan.recipe if plan else "", written=True)
    known = ", ".join(f"{name} {version}" for name, version in provenance.versions(manifest))
    made = [
        f"Made by gammapygpt from this request: attempt {best.number} of run {folder.name} passed its checks.",
        author,
        f"It was run with {known}." if known else "",
        "The cells are the script of that attempt, cut where its steps begin; run from top to bottom they give the "
        "same numbers. Figures and numbers below are those of the run.",
    ]
    look, _ = remarks(best, state.get("critique"))
    warned = "\n".join(f"- {markdown(' '.join(remark))}" for remark in look)
    paragraphs = ["# " + markdown(title), *([] if title == text else [f"> {markdown(text)}"])]
    told = ["Look at this before you believe the numbers:", warned] if look else []
    return "\n\n".join(
        [*paragraphs, " ".join(markdown(sentence) for sentence in made if sentence), "\n".join(body), *told]
    )


def _acknowledgement(best: Attempt, data: Mapping[str, Any]) -> str:
    told = [
        f"- **{markdown(one.name)}.** {markdown(' '.join((one.text, one.terms)))}" for one in acknowledged(best, data)
    ]
    return "\n".join(["## To acknowledge", "", f"- **Gammapy.** {GAMMAPY}", *told])


def _setup(script: str, data_path: str) -> str:
    """What the sandbox gave the script and a kernel does not."""
    setup = [
        "# Not part of the script: what it found around it when it was run",
        "import os",
        "",
        "from IPython.display import Image, display",
        "",
        f"run_data = {json.dumps(data_path)}  # where that is not here, set GAMMAPY_DATA",
        "if os.path.isdir(run_data):",
        '    os.environ["GAMMAPY_DATA"] = os.environ["PHOTON_STORAGE"] = run_data',
        'os.environ.setdefault("PHOTON_STORAGE", os.environ.get("GAMMAPY_DATA", ""))',
        'os.environ["MPLBACKEND"] = "agg"  # figures go to files, from where they are shown',
    ]
    if "argparse" in script or "argv" in script:
        setup += ["import sys", "", 'sys.argv = ["script.py"]']
    if "__file__" in script:
        setup.append('__file__ = os.path.abspath("script.py")')
    return "\n".join(setup)
