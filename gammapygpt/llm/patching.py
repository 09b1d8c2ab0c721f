"""Replacement lines in a reply: told from a whole script, and put where they belong. Pure functions of text."""

from __future__ import annotations

import re
import textwrap
from difflib import SequenceMatcher

from gammapygpt.llm.reading import is_python

_LINES_MARKER = re.compile(r"\A\s*#\s*lines?\s+(\d+)(?:\s*(?:-|–|to)\s*(\d+))?\s*:?[ \t]*(?:\n|\Z)", re.IGNORECASE)  # noqa: RUF001
_IMPORT = re.compile(r"^\s*(?:import\s+\w|from\s+[\w.]+\s+import\b)", re.MULTILINE)
_NUMBERED = re.compile(r"^ {0,4}(\d+)(?:[:|] ?|  ?)(.*)$")

_SLACK_WITH_IMPORT = 3
_SLACK_WITHOUT_IMPORT = 10
_ALIKE = 0.6


def marker(lines: tuple[int, int]) -> str:
    """The comment that stands above replacement lines."""
    return f"# lines {lines[0]}-{lines[1]}\n"


def replaced_lines(code: str, offered: tuple[int, int] | None) -> tuple[str, tuple[int, int] | None]:
    """Tell a replacement of some lines from a whole script.

    A comment `# lines A-B` on top decides, unless a whole script is below it, and is taken off. Without it, and only
    where lines were offered, a block counts as their replacement when it is short and imports nothing, or is about as
    long as the lines offered (an import may be just what was wrong) and does not write `result.json`, as every whole
    script must.

    Parameters
    ----------
    code : str
        What the model wrote.
    offered : tuple of int or None
        First and last line offered for replacement, from 1.

    Returns
    -------
    code : str
        Without the marker.
    lines : tuple of int or None
        The lines it replaces; None for a whole script.
    """
    found = _LINES_MARKER.match(code)
    if found:
        first, last = int(found[1]), int(found[2] or found[1])
        below = code[found.end() :]
        if 1 <= first <= last and not (_is_whole(below) and _length(below) > last - first + 1 + _SLACK_WITH_IMPORT):
            return below, (first, last)
        code = below
    if offered is None:
        return code, None
    n_offered = offered[1] - offered[0] + 1
    if _IMPORT.search(code):
        patch = _length(code) <= n_offered + _SLACK_WITH_IMPORT and not _is_whole(code)
    else:
        patch = _length(code) <= 2 * n_offered + _SLACK_WITHOUT_IMPORT
    return code, (offered if patch else None)


def _length(code: str) -> int:
    # in lines, without empty ones at the ends
    return len(code.strip("\n").splitlines())


def _is_whole(code: str) -> bool:
    return "result.json" in code and bool(_IMPORT.search(code))


def fitted(code: str, lines: tuple[int, int], script: str) -> tuple[str, tuple[int, int]]:
    """Put replacement lines where they belong, whatever numbers came with them.

    Small models return the one line that they changed for a range of seven, repeat the line before the range, forget
    the indentation, or copy the line numbers. Of the places and indentations that suggest themselves, the first with
    which the whole script is valid Python is taken; where none is, the lines stay as they came.

    Parameters
    ----------
    code : str
        Replacement lines.
    lines : tuple of int
        First and last line that they are to replace, from 1.
    script : str
        The script they go into.

    Returns
    -------
    code, lines
        The same, corrected.
    """
    old = script.splitlines()
    if not 1 <= lines[0] <= lines[1] <= len(old):
        return code, lines
    new = _unnumbered(code.strip("\n").splitlines(), lines[0])
    for first, last in dict.fromkeys([_widened(new, _narrowed(new, lines, old), old), lines]):
        for shifted in (new, _indented(new, old[first - 1 : last])):
            if is_python("\n".join([*old[: first - 1], *shifted, *old[last:]]) + "\n"):
                return "\n".join(shifted) + "\n", (first, last)
    return code, lines


def _narrowed(new: list[str], lines: tuple[int, int], old: list[str]) -> tuple[int, int]:
    """The part of the range that fewer lines resemble most, unless they begin and end as the range does."""
    first, last = lines
    spare = last - first + 1 - len(new)
    if not new or spare <= 0 or (_alike(new[0], old[first - 1]) > _ALIKE and _alike(new[-1], old[last - 1]) > _ALIKE):
        return lines
    text = "\n".join(line.strip() for line in new)

    def resemblance(start: int) -> float:
        return _alike(text, "\n".join(line.strip() for line in old[start - 1 : start - 1 + len(new)]))

    start = max(range(first, first + spare + 1), key=resemblance)
    return (start, start + len(new) - 1) if resemblance(start) > _ALIKE else lines


def _widened(new: list[str], lines: tuple[int, int], old: list[str]) -> tuple[int, int]:
    """The range and the lines around it that the replacement repeats."""
    first, last = lines
    before = next(
        (n for n in range(min(len(new) - 1, first - 1), 0, -1) if _same(new[:n], old[first - 1 - n : first - 1])), 0
    )
    after = next(
        (n for n in range(min(len(new) - 1, len(old) - last), 0, -1) if _same(new[-n:], old[last : last + n])), 0
    )
    return first - before, last + after


def _same(new: list[str], old: list[str]) -> bool:
    # a lone bracket or `else:` repeats itself in any script
    return [line.strip() for line in new] == [line.strip() for line in old] and max(len(line) for line in new) > 6


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one.strip(), other.strip(), autojunk=False).ratio()


def _indented(new: list[str], old: list[str]) -> list[str]:
    wanted = next((line[: len(line) - len(line.lstrip())] for line in old if line.strip()), "")
    return textwrap.indent(textwrap.dedent("\n".join(new)), wanted).splitlines()


def _unnumbered(new: list[str], first: int) -> list[str]:
    found = [_NUMBERED.match(line) for line in new]
    numbers = [int(match[1]) for match in found if match]
    if not numbers or len(numbers) < len(new) or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return new
    return [match[2] for match in found if match]
