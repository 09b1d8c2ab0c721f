"""The reStructuredText of Gammapy's documentation, as far as it goes: headings, paragraphs, code, plain words."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

UNDERLINE = re.compile(r"([=\-~^\"'*+#.`_])\1{2,}\s*$")
DIRECTIVE = re.compile(r"\.\. +(?P<name>[\w-]+):: *(?P<argument>.*)$")
CODE = {"code-block", "code", "testcode", "plot", "sourcecode"}
SHELL = ("bash", "console", "shell")
"""Commands, which are told as they stand."""
TOLD = {"note", "warning", "tip", "important", "hint", "caution", "dropdown", "admonition", "glossary"}
"""Directives whose content is prose."""


class Part(NamedTuple):
    """What stands below one heading, before the next."""

    titles: tuple[str, ...]
    """From the page's title down to this heading."""
    lines: list[str]


class Block(NamedTuple):
    """A paragraph or a piece of code."""

    text: str
    code: bool = False


def parts(
    lines: Sequence[str], above: tuple[str, ...] = (), styles: list[tuple[str, bool]] | None = None
) -> list[Part]:
    """A page (or a comment of a tutorial) cut at its headings.

    Parameters
    ----------
    lines
        Of the text.
    above
        Titles that hold where it begins: those of the first part.
    styles
        Underlines met so far, the higher level first; what is new is added.
    """
    styles = [] if styles is None else styles
    found, skip = [Part(above, [])], 0
    for number, line in enumerate(lines):
        if skip:
            skip -= 1
            continue
        over = bool(UNDERLINE.match(line)) and _is_heading(lines, number + 1)
        title = number + over
        if not _is_heading(lines, title):
            found[-1].lines.append(line)
            continue
        style = (lines[title + 1][0], over)
        if style not in styles:
            styles.append(style)
        level = styles.index(style)
        above = (*above[:level], plain(lines[title].strip()))
        found.append(Part(above, []))
        skip = 1 + over
    return found


def _is_heading(lines: Sequence[str], number: int) -> bool:
    if number + 1 >= len(lines):
        return False
    title, below = lines[number].rstrip(), lines[number + 1].rstrip()
    told = bool(title) and not title[0].isspace() and not UNDERLINE.match(title) and not title.startswith("..")
    return told and bool(UNDERLINE.match(below)) and len(below) >= min(len(title) - 2, 60)


def blocks(lines: Sequence[str], root: Path | None = None) -> Iterator[Block]:
    """Paragraphs and code of a page, in order; figures, tables of contents and other furniture are left out.

    Parameters
    ----------
    lines
        Without a common indent.
    root
        Folder of the page's documentation, from which `.. plot:: file.py` takes its code.
    """
    rest = list(lines)
    while rest:
        line = rest.pop(0)
        if not line.strip():
            continue
        if line[0].isspace():
            yield from blocks(_indented(rest := [line, *rest]), root)
        elif found := DIRECTIVE.match(line):
            yield from _directive(found["name"], found["argument"], _indented(rest), root)
        elif line.startswith(".. "):
            _indented(rest)
        else:
            paragraph = [line]
            while rest and rest[0].strip() and not rest[0].startswith(".. "):
                paragraph.append(rest.pop(0))
            text = plain("\n".join(paragraph)).strip()
            if line.startswith(">>> "):
                yield Block(_session(paragraph), code=True)
            elif text.strip(":"):
                yield Block(text.removesuffix("::") + ":" if text.endswith("::") else text)
            if text.endswith("::") and (literal := _indented(rest)):
                yield Block("\n".join(literal), code=True)


def _directive(name: str, argument: str, content: list[str], root: Path | None) -> Iterator[Block]:
    options = [line for line in content if re.match(r":[\w-]+:", line)]
    content = content[content.index(options[-1]) + 1 :] if options else content
    if name in TOLD:
        yield from blocks(content, root)
    elif name in CODE and (argument in ("", "python", "ipython") or name == "plot"):
        code = "\n".join(content).strip("\n") if ">>> " not in "".join(content[:2]) else _session(content)
        if argument.endswith(".py"):
            code = included(root, argument)
        if code:
            yield Block(code, code=True)
    elif name in CODE and argument in SHELL and any(content):
        yield Block("\n".join(content).strip("\n"))


def _session(lines: Sequence[str]) -> str:
    """The input of an interactive session."""
    return "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... ")))


def included(root: Path | None, name: str) -> str:
    """Source of a script of the documentation; nothing for one that is not there or lies outside of it."""
    path = (root / name.lstrip("/")).resolve() if root else None
    if path is None or root is None or not path.is_relative_to(root.resolve()) or not path.is_file():
        return ""
    return path.read_text(encoding="utf-8", errors="replace").strip("\n")


def _indented(rest: list[str]) -> list[str]:
    """Take the indented lines (and blank ones between them) off the front, without their indent."""
    taken = []
    while rest and (not rest[0].strip() or rest[0][0].isspace()):
        taken.append(rest.pop(0))
    while taken and not taken[-1].strip():
        taken.pop()
    return textwrap.dedent("\n".join(taken)).splitlines() if taken else []


def plain(text: str) -> str:
    """Markup as plain words: `~gammapy.data.DataStore.obs` is DataStore.obs, a link is its text."""
    text = re.sub(r"(?::[\w:-]+:)?`([^`<]+?)\s*<[^`>]*>`_{0,2}", r"\1", text)
    text = re.sub(r":[\w:-]+:`([^`<]*)`", r"`\1`", text)
    text = re.sub(r"`+~(?:[a-z_]\w*\.)*([^`]*)`+", r"\1", text)
    text = re.sub(r"`+([^`]*)`+_{0,2}", r"\1", text)
    return re.sub(r"\*\*([^*\n]+)\*\*", r"\1", text)
