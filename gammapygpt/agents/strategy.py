"""How to go on after a failure: never the same way twice on the same error."""

from __future__ import annotations

import ast
import re
from typing import Literal

from gammapygpt.state import Attempt

Strategy = Literal["repair", "fresh", "replan"]
STRATEGIES: tuple[Strategy, ...] = ("repair", "fresh", "replan")


def strategy(attempts: list[Attempt]) -> Strategy:
    """Repair at first; the same error signature twice means a fresh draft, thrice a new plan."""
    if not attempts:
        return "fresh"
    seen = sum(attempt.signature == attempts[-1].signature for attempt in attempts)
    return STRATEGIES[min(seen, len(STRATEGIES)) - 1]


def signature(kind: str, *parts: str) -> str:
    """One name for an error, whatever the numbers, quotes and addresses in its message."""
    words = re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?", "#", " ".join(parts))
    return f"{kind}: {' '.join(words.split())[:200]}"


def same_script(one: str, other: str) -> bool:
    """Whether two scripts do the same: equal but for comments, the module's docstring, blank lines and layout."""
    return _essence(one) == _essence(other)


def without_docstring(script: str) -> str:
    """A script from its first statement on.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        It cannot be parsed.
    """
    tree = ast.parse(script)
    if ast.get_docstring(tree) is None:
        return script
    return "\n".join(script.split("\n")[tree.body[0].end_lineno or 0 :]).lstrip("\n")


def _essence(script: str) -> str:
    try:
        return ast.dump(ast.parse(without_docstring(script)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return script.strip()
