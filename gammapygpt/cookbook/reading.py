"""What the rules made of a request: values for constants, wanted keys, and what they did not understand."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from gammapygpt.cookbook.runs import Runs


class Wanted(BaseModel):
    """One key that must stand in `result.json`."""

    key: str
    meaning: str = ""
    unit: str = ""


class Reading(BaseModel):
    """What the rules made of a request."""

    text: str
    """Tidy, as the rules saw it."""
    prose: str = ""
    """The text without keys and their meanings."""
    target: str = ""
    values: dict[str, Any] = Field(default_factory=dict)
    """By name of a recipe's constant, in its unit."""
    words: dict[str, str] = Field(default_factory=dict)
    """Where each value came from."""
    wanted: list[Wanted] = Field(default_factory=list)
    integrals: list[tuple[float, float]] = Field(default_factory=list)
    """Energy ranges (TeV) of fluxes that the prose asks for."""
    differentials: list[float] = Field(default_factory=list)
    """Energies (TeV) of differential fluxes that the prose asks for."""
    unread: list[str] = Field(default_factory=list)
    """Quantities that no rule understands, with the words around them."""
    assumptions: list[str] = Field(default_factory=list)
    runs: Runs | None = None
    left_out: Runs | None = None

    def give(self, name: str, value: Any, words: str) -> None:
        """Keep a value; a second, different one for the same constant is not understood."""
        if name in self.values and self.values[name] != value:
            self.unread.append(words)
        else:
            self.values[name] = value
            self.words[name] = words.strip()
