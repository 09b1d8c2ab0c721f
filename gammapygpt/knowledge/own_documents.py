"""A folder of the user's own documents, cut into sections: material to look things up in, never instructions."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from gammapygpt.knowledge import rst
from gammapygpt.knowledge.document import Document, code_of_others, pieces, slug
from gammapygpt.state import Snippet

SUFFIXES = (".md", ".rst", ".txt", ".py", ".ipynb")
LARGEST_FILE = 2_000_000
"""Bytes of a file that is read; notebooks with figures in them are large."""
MOST_FILES = 2000
MOST_DOCUMENTS = 5000

Section = tuple[str, list[str]]
"""Heading (empty for what stands before the first one), paragraphs."""


@code_of_others()
def own_documents(folder: Path) -> tuple[list[Document], list[str]]:
    """Sections of the files below a folder, and which files were left out, and why.

    Links that lead out of the folder are not followed; hidden files and folders are not read.

    Parameters
    ----------
    folder
        With `.md`, `.rst`, `.txt`, `.py` and `.ipynb` files.
    """
    if not folder.is_dir():
        return [], [f"retrieval.documents: there is no folder {folder}."]
    found: list[Document] = []
    notes: list[str] = []
    for number, path in enumerate(files(folder)):
        name = path.relative_to(folder).as_posix()
        if number >= MOST_FILES or len(found) >= MOST_DOCUMENTS:
            notes.append(f"{name} and what follows was left out: retrieval.documents holds too much.")
            break
        try:
            found += file_documents(text_of(path, folder), name)
        except (OSError, ValueError, SyntaxError, RecursionError, KeyError, TypeError, AttributeError) as error:
            notes.append(f"{name} was left out: {str(error) or type(error).__name__}")
    return found, notes


def files(folder: Path) -> Iterator[Path]:
    """Files of the known kinds below a folder, in the order of their names; never the script that answers a task."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            path = Path(root) / name
            if name.lower().endswith(SUFFIXES) and not name.startswith(".") and not answers_a_task(path):
                yield path


def answers_a_task(path: Path) -> bool:
    """A reference script, as task sets have them: `reference/ID.py` beside `ID.toml`; see `evals.task`."""
    return path.parent.name == "reference" and (path.parent.parent / f"{path.stem}.toml").is_file()


def text_of(path: Path, folder: Path) -> str:
    """The text of a file.

    Raises
    ------
    OSError, ValueError
        It cannot be read, is too large, leads elsewhere or is no text.
    """
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError("it is a link that leads out of the folder")
    if not path.is_file() or path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"it is no file of less than {LARGEST_FILE // 1_000_000} MB")
    text = path.read_text(encoding="utf-8-sig")
    if "\0" in text:
        raise ValueError("it is no text")
    return text


def file_documents(text: str, name: str) -> list[Document]:
    """The sections of one file as documents."""
    reader = {".py": python, ".ipynb": notebook, ".rst": restructured}.get(Path(name).suffix.lower(), markdown)
    taken: dict[str, int] = {}
    found = []
    for heading, paragraphs in reader(text):
        title, anchor = " > ".join(filter(None, [name, heading])), slug(heading) or "text"
        for piece in pieces([paragraph.strip("\n") for paragraph in paragraphs if paragraph.strip()]):
            taken[anchor] = taken.get(anchor, 0) + 1
            source = f"own:{name}#{anchor}" + (f"-{taken[anchor]}" if taken[anchor] > 1 else "")
            found.append(Document(Snippet(source=source, title=title, text=piece), title, piece))
    return found


def markdown(text: str) -> Iterator[Section]:
    """Sections below `#` headings; a fenced block is one paragraph, whatever stands in it."""
    heading, paragraphs, fence = "", [list[str]()], ""
    for line in text.splitlines():
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        found = re.match(r"#{1,6}\s+(.+?)\s*#*$", line)
        if found and not fence:
            yield heading, ["\n".join(lines) for lines in paragraphs]
            heading, paragraphs = found[1], [[]]
        elif line.strip() or fence:
            paragraphs[-1].append(line)
        else:
            paragraphs.append([])
    yield heading, ["\n".join(lines) for lines in paragraphs]


def restructured(text: str) -> Iterator[Section]:
    """Sections below underlined headings."""
    for part in rst.parts(text.splitlines()):
        yield " > ".join(part.titles), re.split(r"\n\s*\n", "\n".join(part.lines))


def notebook(text: str) -> Iterator[Section]:
    """Cells of a notebook below the headings of its Markdown; no outputs, no magics."""
    written = []
    for cell in json.loads(text)["cells"]:
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        if cell["cell_type"] == "code":
            code = "\n".join(line for line in source.splitlines() if not re.match(r"\s*[%!]", line))
            written.append(f"```python\n{code}\n```" if code.strip() else "")
        elif cell["cell_type"] == "markdown":
            written.append(source)
    yield from markdown("\n\n".join(written))


def python(text: str) -> Iterator[Section]:
    """A script: its docstring is the heading; functions and classes of long ones stand for themselves.

    Raises
    ------
    SyntaxError
        It does not parse.
    """
    tree, lines = ast.parse(text), text.splitlines()
    title = (ast.get_docstring(tree) or "").partition("\n")[0]
    starts = [min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))]) for node in tree.body]
    ends = [*starts[1:], len(lines) + 1]
    first = ["\n".join(lines[: starts[0] - 1])] if starts else ["\n".join(lines)]
    yield title, [*first, *("\n".join(lines[a - 1 : b - 1]).rstrip() for a, b in zip(starts, ends, strict=True))]


def state(folder: Path) -> str:
    """Names, sizes and times of the files: changes when they do."""
    if not folder.is_dir():
        return f"{folder} is not there"
    told = []
    for path in files(folder):
        try:
            about = path.stat()
        except OSError:
            continue
        told.append(f"{path.relative_to(folder)} {about.st_size} {about.st_mtime_ns}")
    return "\n".join(told)
