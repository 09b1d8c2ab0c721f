"""A small model that goes round in circles: seen while it writes, so that it need not write to the limit."""

from __future__ import annotations

TAIL = 2000
"""Characters that must be one piece over and over."""
LONGEST = 400
"""Of such a piece, in characters: some lines of code."""
STEP = 200
"""Characters between two looks."""


class Circles:
    """Looks at a text that grows."""

    def __init__(self) -> None:
        self._looked_at = 0

    def seen_in(self, text: str) -> bool:
        """Whether the text has come to repeat one piece and nothing else."""
        if len(text) < TAIL or len(text) - self._looked_at < STEP:
            return False
        self._looked_at = len(text)
        return goes_round(text[-TAIL:])


def goes_round(tail: str) -> bool:
    """Whether a text is one piece, repeated at least five times."""
    longest = min(LONGEST, len(tail) // 5)
    return bool(tail.strip()) and any(tail[piece:] == tail[:-piece] for piece in range(1, longest + 1))
