"""What of the looked-up material a prompt holds: whole pieces, each once, with its source, within a budget."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from gammapygpt.state import Snippet

CHARACTERS_A_TOKEN = 3.5
"""Of Python and English, for the tokenisers of common models; on the safe side."""
REFERENCE = {True: 3000, False: 1000}
"""Tokens of reference in a task, for models that can call tools and for those that cannot (20 tokens read a second)."""
FOUND = {True: 1200, False: 450}
"""Tokens of what was looked up after a failure."""

SAY_IT_THEMSELVES = ("api:", "drift:", "message:")
"""Kinds whose text holds their title."""


def tokens(text: str) -> int:
    """About as many tokens as a text costs."""
    return math.ceil(len(text) / CHARACTERS_A_TOKEN)


def chosen(snippets: Iterable[Snippet], budget: int, shown: Sequence[str] = ()) -> list[Snippet]:
    """The first pieces that fit and that are nowhere else, whole.

    Parameters
    ----------
    snippets
        Best first.
    budget
        In tokens; a piece that does not fit gives way to a smaller one behind it.
    shown
        Texts that the prompt holds already: the example, earlier turns.
    """
    kept: list[Snippet] = []
    for snippet in snippets:
        cost = tokens(snippet.text)
        if cost > budget or any(holds(text, snippet.text) for text in shown):
            continue
        inside = [one for one in kept if holds(snippet.text, one.text)]
        if any(holds(one.text, snippet.text) for one in kept):
            continue
        kept = [one for one in kept if one not in inside] + [snippet]
        budget += sum(tokens(one.text) for one in inside) - cost
    return kept


def holds(text: str, part: str) -> bool:
    """Whether every line of a part stands in a text as well: a step within a longer one, whatever its imports."""
    return _lines(part) <= _lines(text)


def _lines(text: str) -> set[str]:
    return {line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")}


def cited(snippets: Iterable[Snippet]) -> list[dict[str, str]]:
    """Pieces as a prompt shows them: heading, text between fences, source."""
    return [
        {
            "heading": heading(one),
            "source": " ".join(one.source.split()),
            "fence": fence(one.text),
            "text": one.text.strip("\n"),
        }
        for one in snippets
    ]


def heading(snippet: Snippet) -> str:
    """Where a piece comes from and what it is, in one line."""
    title = "" if snippet.source.startswith(SAY_IT_THEMSELVES) else " ".join(snippet.title.split())[:100]
    source = " ".join(snippet.source.split())
    return f"{source}: {title}" if title else source


def to_cite(snippets: Iterable[Snippet]) -> str:
    """The first source that a script may follow, or nothing: a signature or a change of the API is none."""
    return next((one.source for one in snippets if not one.source.startswith(SAY_IT_THEMSELVES)), "")


def fence(text: str) -> str:
    """Backticks that nothing in the text can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)
