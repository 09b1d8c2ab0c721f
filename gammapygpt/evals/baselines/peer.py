"""A public agent as published: mini-swe-agent."""

from __future__ import annotations

from gammapygpt.errors import UserError
from gammapygpt.run import Run


def solve(run: Run) -> None:
    """Answer a run.

    Raises
    ------
    UserError
        Not there yet.
    """
    raise UserError(f"run {run.folder.name} cannot be answered by the peer yet.", "Leave it out.")
