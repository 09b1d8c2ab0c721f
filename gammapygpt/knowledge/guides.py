"""The guides and their How-Tos as documents: prose with its code, by section; links followed to tutorial steps."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gammapygpt.knowledge import headless, rst
from gammapygpt.knowledge.document import LENGTH, LINES, Document, code_of_others, pieces, slug
from gammapygpt.state import Snippet

GUIDES = ("user-guide", "getting-started")
HOWTO, OVERVIEW = "user-guide/howto.rst", "getting-started/index.rst"
"""Pages that are read as questions; of the second one nothing but those that fold out."""
LEFT_OUT = {"user-guide/index.rst", HOWTO, OVERVIEW}
LONGEST_CODE, MOST_LINES = 2000, LINES - 10
"""Characters and lines of a piece of code that is shown: longer ones are programs that draw the guide's figures."""
SHORTEST = 150
"""Characters of a section without code that are worth a document."""
LINK = re.compile(r"tutorials/([\w/-]+?)(?:\.html)?(?:#([\w-]+))?(?=[\s>`]|$)")
NAME = re.compile(r"`~?(gammapy\.[\w.]+)(?:\(\))?`")


class Question(NamedTuple):
    """An entry of the How-To page."""

    title: str
    lines: list[str]


@code_of_others()
def guide_documents(tree: Path, version: str) -> tuple[list[Document], list[str]]:
    """Sections of the guides below a source tree, and what could not be read.

    Parameters
    ----------
    tree
        Holds `docs`.
    version
        Of Gammapy, to be cited.
    """
    docs, found, notes = tree / "docs", list[Document](), list[str]()
    for path in sorted(path for guide in GUIDES for path in (docs / guide).rglob("*.rst")):
        name = path.relative_to(docs).as_posix()
        try:
            found += [] if name in LEFT_OUT else sections(path.read_text(encoding="utf-8"), name, version, docs)
        except (OSError, ValueError) as error:
            notes.append(f"page {name} was left out: {error}")
    return found, notes


def sections(text: str, name: str, version: str, docs: Path) -> Iterator[Document]:
    """The documents of one page; `name` is its path below `docs`."""
    taken: dict[str, int] = {}
    guide = Path(name).parts[0].replace("-", " ")
    for part in rst.parts(text.splitlines()):
        paragraphs = written(part.lines, docs, f"{Path(name).stem}_{slug(part.titles[-1])}" if part.titles else "")
        if not part.titles or (sum(map(len, paragraphs)) < SHORTEST and not any("```" in one for one in paragraphs)):
            continue
        title, anchor = " > ".join(part.titles), slug(part.titles[-1])
        for piece in pieces([f'Gammapy {version}, {guide}, "{title}"', *paragraphs]):
            taken[anchor] = taken.get(anchor, 0) + 1
            number = f"-{taken[anchor]}" if taken[anchor] > 1 else ""
            source = f"guide:{name.removesuffix('.rst')}#{anchor}{number}"
            yield Document(Snippet(source=source, title=title, text=piece), title, piece)


def written(lines: Sequence[str], docs: Path, figures: str) -> list[str]:
    """Paragraphs, and code between fences."""
    found = []
    for block in rst.blocks(lines, docs):
        if not block.code:
            found.append(block.text)
        elif len(block.text) <= LONGEST_CODE and block.text.count("\n") < MOST_LINES:
            found.append(f"```python\n{headless.code(block.text, figures)}\n```")
    return found


@code_of_others()
def howto_documents(tree: Path, version: str, steps: Iterable[Document]) -> list[Document]:
    """The How-To entries below a source tree, each with the code of the first tutorial step that it links to.

    Parameters
    ----------
    tree
        Holds `docs`.
    version
        Of Gammapy, to be cited.
    steps
        Documents of the tutorials.
    """
    by_source = {step.snippet.source: step for step in steps if step.kind == "tutorial"}
    found: dict[str, Document] = {}
    for page in (HOWTO, OVERVIEW):
        path = tree / "docs" / page
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        for question in questions(lines) or (titled(lines) if page == HOWTO else []):
            document = answered(question, version, linked(question, by_source), tree / "docs")
            found.setdefault(document.snippet.source, document)
    return list(found.values())


def titled(lines: list[str]) -> list[Question]:
    """The sections of a page (Gammapy 0.x)."""
    return [Question(part.titles[-1], part.lines) for part in rst.parts(lines) if len(part.titles) > 1]


def questions(lines: list[str]) -> list[Question]:
    """Entries of a page that fold out: dropdowns (Gammapy 2) or accordions (1.x)."""
    starts = [n for n, line in enumerate(lines) if re.match(r"\.\. (dropdown|accordion-header)::", line)]
    found = []
    for start, end in itertools.pairwise([*starts, len(lines)]):
        here = lines[start + 1 : end]
        title = lines[start].partition("::")[2].strip()
        named = [line.partition(":title:")[2].strip() for line in here if line.strip().startswith(":title:")]
        own = textwrap.dedent("\n".join(line for line in here if "accordion-footer::" not in line)).splitlines()
        asked = re.sub("^How to (.)", lambda how: how[1].upper(), title or "".join(named[:1]))
        found.append(Question(asked, [re.sub(r"^ *:(\w+):", r".. :\1:", line) for line in own]))
    return [question for question in found if question.title]


def linked(question: Question, steps: dict[str, Document]) -> list[Document]:
    """Steps of tutorials that an entry links to, in its order; of a whole tutorial the first that is no setup."""
    found: dict[str, Document] = {}
    for tutorial, anchor in LINK.findall("\n".join(question.lines)):
        page = f"tutorial:{tutorial}#"
        inside = [(source.removeprefix(page), step) for source, step in steps.items() if source.startswith(page)]
        inside = [(name, step) for name, step in inside if anchor or name != "setup"] or inside
        near = [step for name, step in inside if not anchor or name.startswith(anchor) or anchor.startswith(name)]
        exact = [step for name, step in inside if name == anchor]
        found |= {step.snippet.source: step for step in (exact or near)[:1]}
    return list(found.values())


def answered(question: Question, version: str, steps: list[Document], docs: Path) -> Document:
    """An entry as a document: question, answer, the API that it names, the step that it links to."""
    names = dict.fromkeys(NAME.findall("\n".join(question.lines)))
    paragraphs = [f"How to: {question.title} (Gammapy {version})"]
    paragraphs += [text for text in written(question.lines, docs, slug(question.title)) if text != "To the tutorial..."]
    paragraphs += [f"API: {', '.join(names)}"] if names else []
    paragraphs += [f"See {', '.join(step.snippet.source for step in steps)}"] if steps else []
    text = "\n\n".join(paragraphs)
    for step in steps[:1]:
        longer = f"{text}\n\n```python\n{step.snippet.text.strip()}\n```"
        text = longer if len(longer) <= LENGTH and longer.count("\n") <= LINES + 10 else text
    snippet = Snippet(source=f"howto:{slug(question.title)}", title=f"How to: {question.title}", text=text)
    titles = [step.heading for step in steps]
    return Document(snippet, question.title, "\n".join([*paragraphs, *titles]))


def with_questions(steps: Iterable[Document], howtos: Iterable[Document]) -> list[Document]:
    """The steps, found also by the questions that link to them."""
    asked: dict[str, list[str]] = {}
    for howto in howtos:
        for source in re.findall(r"tutorial:\S+[^\s,]", howto.body):
            asked.setdefault(source, []).append(howto.heading)
    return [step._replace(body="\n".join([step.body, *asked.get(step.snippet.source, [])])) for step in steps]
