"""Files through gate 1: scripts, notebooks, folders; many of them in parallel. Not how the findings are shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gammapygpt.commands.notebook_cells import CellScript, script_of
from gammapygpt.errors import UserError

if TYPE_CHECKING:
    from gammapygpt.settings import Settings
    from gammapygpt.state import Finding

IN_ONE_PROCESS = 8
"""So many files are checked before a second process would have begun."""
NOT_OURS = ("__pycache__", "site-packages", "node_modules")
CHUNK = 8
"""Files that a process is given at a time: enough that reading the facts does not count."""


class Located(NamedTuple):
    """A finding and the cell of the notebook that its line is in."""

    finding: Finding
    cell: int | None = None


class Checked(NamedTuple):
    """One file and what the gate found in it."""

    path: Path
    found: list[Located]
    fault: UserError | None = None
    """Why it could not be read."""


def named_files(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, each once; of a folder its `*.py`, however deep, or itself where it has none."""
    named = (sorted(scripts_below(path)) or [path] if path.is_dir() else [path] for path in paths)
    return list(dict.fromkeys(path for below in named for path in below))


def scripts_below(folder: Path) -> Iterator[Path]:
    """The scripts of a folder, but for hidden folders and those of installed packages."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in NOT_OURS]
        yield from (Path(place, name) for name in files if name.endswith(".py") and not name.startswith("."))


def check_all(files: Sequence[Path], settings: Settings, *, api: bool) -> Iterator[Checked]:
    """Every file in its turn, by several processes where that pays.

    Parameters
    ----------
    files
        Scripts and notebooks.
    settings
        Say which analysis environment they are for.
    api
        Judge imports, names and the API alone, not the contract.
    """
    workers = min(os.cpu_count() or 1, -(-len(files) // CHUNK))
    if len(files) <= IN_ONE_PROCESS or workers < 2:
        yield from check_some(files, settings, api=api)
        return
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    check_some(files[:0], settings, api=api)  # whoever asks the environment first asks alone, and forks inherit it
    chunks = [files[start : start + CHUNK] for start in range(0, len(files), CHUNK)]
    with ProcessPoolExecutor(workers) as pool:
        for checked in pool.map(partial(check_some, settings=settings, api=api), chunks):
            yield from checked


def check_some(files: Sequence[Path], settings: Settings, *, api: bool) -> list[Checked]:
    """Some files, one after the other."""
    from gammapygpt import knowledge
    from gammapygpt.checks.api import check_api
    from gammapygpt.checks.contract import check_contract
    from gammapygpt.knowledge.facts import facts

    known, offered = knowledge.environment(settings), facts(settings)

    def judged(source: str, *, alone: bool) -> list[Finding]:
        return check_api(source, known, offered) if alone else check_contract(source, known, facts=offered)

    found = []
    for path in files:
        try:
            text = read_script(path)
            if path.suffix == ".ipynb":
                # nobody's notebook is written for the contract of a script
                cells = notebook(path, text)
                located = in_cells(judged(cells.source, alone=True), cells)
            else:
                located = [Located(finding) for finding in judged(text, alone=api)]
            found.append(Checked(path, located))
        except UserError as fault:
            found.append(Checked(path, [], fault))
    return found


def notebook(path: Path, text: str) -> CellScript:
    """The code of a notebook.

    Raises
    ------
    UserError
        It is none.
    """
    try:
        return script_of(text)
    except ValueError as error:
        raise UserError(f"{path} is no Python notebook: {error}.", "Name a notebook that Jupyter can open.") from error


def in_cells(findings: Sequence[Finding], cells: CellScript) -> list[Located]:
    """Findings with the cell, and the line within it; not what every notebook has, nor what a magic may bind."""
    found = []
    for finding in findings:
        of_jupyter = finding.rule == "missing-module" and "`IPython" in finding.message
        if of_jupyter or (finding.rule == "undefined-name" and cells.binds_unseen):
            continue
        if finding.line and finding.line <= len(cells.places):
            place = cells.places[finding.line - 1]
            found.append(Located(finding.model_copy(update={"line": place.line}), place.cell))
        else:
            found.append(Located(finding))
    return found


def read_script(path: Path) -> str:
    """The text of a script.

    Raises
    ------
    UserError
        It cannot be read, or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a text file in UTF-8.", "Name a Python script.") from error
    except IsADirectoryError as error:
        raise UserError(f"there is no *.py in {path}.", "Name a Python script.") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.", "Name a Python script.") from error
