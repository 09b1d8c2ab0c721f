"""One fault, tried once."""

from __future__ import annotations

from typing import NamedTuple


class Trial(NamedTuple):
    """What became of a run that met a fault."""

    fault: str
    """What was done to it, as a line of the matrix: `kill -9 while a script runs (SQLite, fresh)`."""
    survived: bool
    """Nothing was lost, doubled or left behind, and what it said was to the point."""
    detail: str = ""
    """What was lost; empty where nothing was."""
