"""A draft of a task: the request, the script that answers it, other ways to do it right, and ways to do it wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent / "scripts"
SIGMA = "sigma"
"""A unit for people; scripts give a number without one."""


@dataclass(frozen=True)
class Asked:
    """One key of result.json."""

    key: str
    quantity: tuple[Any, ...]
    """Name of the quantity in the script, and its arguments."""
    words: str
    """What the request says of it."""
    unit: str = ""
    truth: float | None = None
    """In that unit, where it is known."""
    exact: bool = False
    """Counts and ids: no way to do it right may differ."""
    rel_tol: float = 0.0
    """At least this fraction of the value is tolerated."""
    abs_tol: float = 0.0
    """At least this much is tolerated, in the unit."""
    shown: bool = True
    """Whether the request asks for it; else the reference alone is judged by it."""

    def entry(self, unit: str | None = None) -> list[Any]:
        """The entry in the script's RESULTS, in its unit or in another one."""
        wanted = self.unit if unit is None else unit
        return [*self.quantity, "" if wanted == SIGMA else wanted]


@dataclass(frozen=True)
class Way:
    """The reference script with something changed: another choice, or a mistake."""

    label: str
    constants: dict[str, Any] = field(default_factory=dict)
    """Values of the block of constants."""
    lines: dict[str, str] = field(default_factory=dict)
    """Pieces of the script, and what stands there instead."""
    results: dict[str, list[Any]] = field(default_factory=dict)
    """Entries of RESULTS; where nothing else is changed, the reference can give them as it runs."""

    @property
    def elsewhere(self) -> bool:
        """Whether the analysis itself is another one."""
        return bool(self.constants or self.lines)


@dataclass(frozen=True)
class Draft:
    """A task before its numbers are known."""

    title: str
    family: str
    difficulty: str
    prompt: str
    script: str
    """Name of the reference script in `scripts/`."""
    constants: dict[str, Any]
    asked: list[Asked]
    accepted: list[Way]
    wrong: list[Way]
    """Mistakes that the tolerances must reject; one that they do not means that the task is drawn again."""
    harmless: list[Way] = field(default_factory=list)
    """Mistakes that may happen to change nothing; listed among the wrong ones where they do."""

    def source(self, way: Way | None = None) -> str:
        """The script, filled in."""
        from gammapygpt.cookbook.book import fill, read_recipe

        way = way or Way("")
        results = {one.key: one.entry() for one in self.asked}
        constants = {**self.constants, **way.constants, "RESULTS": results | way.results}
        text = fill(read_recipe(SCRIPTS / f"{self.script}.py"), constants)
        for old, new in way.lines.items():
            if text.count(old) != 1:
                raise ValueError(f"{self.script}.py has {old!r} {text.count(old)} times")
            text = text.replace(old, new)
        return text
