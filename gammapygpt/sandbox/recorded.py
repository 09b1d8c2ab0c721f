"""A sandbox in which nothing runs: what became of a script is read from the record of the run that ran it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from gammapygpt.errors import Difference
from gammapygpt.sandbox.base import Limits, SelfCheck
from gammapygpt.state import Attempt, Execution


class RecordedSandbox:
    """The executions of a run.

    Parameters
    ----------
    attempts : sequence of Attempt
        Of the run, with their executions.
    folder : Path
        Where each attempt has its own: `01/workspace`.
    """

    name = "recorded"

    def __init__(self, attempts: Sequence[Attempt], folder: Path) -> None:
        self._attempts = [attempt for attempt in attempts if attempt.execution]
        self._folder = folder

    def prepare(self) -> None:
        """Nothing to do."""

    def run(self, script: str, limits: Limits, workspace: Path) -> Execution:
        """What became of this script in the run, with the files that it left.

        Raises
        ------
        Difference
            It was not run there.
        """
        found = next((attempt for attempt in self._attempts if attempt.script == script), None)
        if found is None or found.execution is None:
            raise Difference("a script", "it was not run in the run", now=script)
        left = self._folder / f"{found.number:02d}" / "workspace"
        if left.is_dir():  # one that left nothing does not survive in a repository
            shutil.copytree(left, workspace, dirs_exist_ok=True, symlinks=True)
        return found.execution.model_copy(deep=True)

    def self_check(self) -> list[SelfCheck]:
        """It promises nothing."""
        return []

    def over(self, data: str) -> RecordedSandbox:
        """The same: it has no data."""
        return self

    def discard(self) -> None:
        """Nothing to do."""
