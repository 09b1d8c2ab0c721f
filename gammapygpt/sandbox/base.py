"""What every sandbox offers, whatever it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from gammapygpt.state import Execution


class Limits(BaseModel):
    """Bounds of one execution; see `settings.SandboxSettings` for the meaning of each."""

    wall_s: float = 600.0
    cpu_s: float = 1200.0
    memory_mb: int = 4096
    processes: int = 64
    file_mb: int = 256
    workspace_mb: int = 1024
    files: int = 2000
    output_kb: int = 256


class SelfCheck(BaseModel):
    """One property of a sandbox, tried for real."""

    name: str
    passed: bool
    detail: str = ""


class Sandbox(Protocol):
    """A place for one script: prepared, used once, thrown away."""

    name: str

    def prepare(self) -> None:
        """Start the interpreter inside; return at once. `run` does it if nobody has."""

    def run(self, script: str, limits: Limits, workspace: Path) -> Execution:
        """Run a script and collect what it left into `workspace`, a folder of the host that exists.

        Raises
        ------
        InfrastructureError
            The sandbox itself broke; the script may be as good as ever.
        """

    def self_check(self) -> list[SelfCheck]:
        """Try for real, in a few seconds, what this sandbox promises."""

    def over(self, data: str) -> Sandbox:
        """The same kind of sandbox, cold, over another data folder."""

    def discard(self) -> None:
        """Throw away a prepared interpreter that nobody needs any more; harmless when there is none."""
