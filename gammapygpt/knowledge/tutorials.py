"""Tutorials and the model gallery as documents: one for each step, each a script of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from gammapygpt.knowledge import gallery, rst
from gammapygpt.knowledge.document import Document, code_of_others, pieces, sentences, slug
from gammapygpt.knowledge.steps import Tutorial, parts, script, taken_apart
from gammapygpt.state import Snippet

ABOUT_THE_TUTORIAL = re.compile(
    r"(prerequisites?|what next\??|what.s next\??|next steps|exercises?"
    r"|going further|references?|setup|summary|see also)$",
    re.I,
)
"""Headings whose prose does not help with an analysis."""
SHORTEST = 200
"""Characters of prose that are worth a document of their own."""
GALLERY = "models/"
"""Where each script is about one model, and too short to be cut."""


@code_of_others()
def tutorial_documents(tree: Path, version: str) -> tuple[list[Document], list[str]]:
    """Steps of all tutorials and of the model gallery below a source tree, and what could not be read.

    Parameters
    ----------
    tree
        Holds `examples`.
    version
        Of Gammapy, to be cited.
    """
    found: list[Document] = []
    notes: list[str] = []
    for path in sorted((tree / "examples").rglob("*.py")):
        name = path.relative_to(tree / "examples").with_suffix("").as_posix().removeprefix("tutorials/")
        try:
            found += steps(taken_apart(path.read_text(encoding="utf-8"), name, version))
        except (OSError, ValueError, SyntaxError, RecursionError) as error:
            notes.append(f"tutorial {name} was left out: {error}")
    return found, notes


def steps(tutorial: Tutorial) -> Iterator[Document]:
    """A document for each part of each section with code, and for prose that stands by itself."""
    sections = tutorial.sections
    if tutorial.name.startswith(GALLERY) and sections:
        sections = [gallery.Section(sections[0].titles, [cell for section in sections for cell in section.cells])]
    taken: dict[str, int] = {}
    for section in sections:
        found = list(parts(tutorial, section))
        for part in found:
            cells = section.cells[: section.cells.index(part[0].cell) + 1] if part is found[0] else [part[0].cell]
            prose = told(line for cell in cells for line in (*cell.prose, ""))
            here = ": ".join([f'tutorial "{section.titles[0]}"', " > ".join(section.titles[1:])]).removesuffix(": ")
            text = script(tutorial, part, [f"Gammapy {tutorial.version}, {here}", *sentences(prose, 3).splitlines()])
            words = [tutorial.name, told(line for piece in part for line in (*piece.cell.prose, "")), prose, text]
            yield document(f"tutorial:{tutorial.name}", section.titles, text, "\n".join(words), taken)
        if not found:
            yield from prose_alone(tutorial, section, taken)


def told(lines: Iterable[str]) -> str:
    """The sentences of a text, without code and formulae."""
    return "\n\n".join(block.text for block in rst.blocks(list(lines)) if not block.code and "\\" not in block.text)


def prose_alone(tutorial: Tutorial, section: gallery.Section, taken: dict[str, int]) -> Iterator[Document]:
    """A section without code, where it says something about an analysis."""
    paragraphs = [block.text for block in rst.blocks(section.prose)]
    if sum(map(len, paragraphs)) < SHORTEST or ABOUT_THE_TUTORIAL.match(section.titles[-1]):
        return
    for text in pieces([f'Gammapy {tutorial.version}, tutorial "{section.titles[0]}"', *paragraphs]):
        yield document(f"guide:tutorials/{tutorial.name}", section.titles, text, text, taken)


def document(page: str, titles: tuple[str, ...], text: str, body: str, taken: dict[str, int]) -> Document:
    """A document named after its heading: `PAGE#anchor`, `PAGE#anchor-2` for the second one of that name."""
    anchor, title = slug(titles[-1]), " > ".join(titles)
    taken[anchor] = taken.get(anchor, 0) + 1
    source = f"{page}#{anchor}" if taken[anchor] == 1 else f"{page}#{anchor}-{taken[anchor]}"
    return Document(Snippet(source=source, title=title, text=text), title, body)
