"""What a recipe says about itself in the block at its end: by which words requests ask for it, what it reports.

The block is TOML in comments, framed by `# /// recipe` and `# ///` as inline script metadata are; scripts that are
shown or run come without it.
"""

from __future__ import annotations

import re
import tomllib
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

BLOCK = re.compile(r"\n*^# /// recipe\n((?:^#(?: .*)?\n)+?)^# ///\n?", re.MULTILINE)
Group = Literal["counts", "lists", "regions", "spectrum", "safe", "cube"]
Takes = Literal["", "energy", "range", "angle"]


class Key(NamedTuple):
    """One quantity that a recipe reports, by the words of keys that mean it."""

    words: str
    """Regular expression over the words of a key or of what is said about it."""
    unit: str = ""
    takes: Takes = ""
    """Arguments: none, one energy or two, in TeV; an angle in deg, where the key names one."""


class About(BaseModel):
    """The block at the end of a recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asked: str = ""
    """Words that demand this analysis: a request with them is given to no recipe that does not cover it."""
    perhaps: str = ""
    """Words that may mean this analysis, where no other is demanded."""
    never: str = ""
    """Words of requests that this recipe does not answer, whatever else it covers."""
    covers: list[str] = Field(default_factory=list)
    """Other recipes whose questions this one answers along the way."""
    vocabulary: list[Group] = Field(default_factory=list)
    """Groups of keys that recipes share, in order: the first that fits wins."""
    errors: list[str] = Field(default_factory=list)
    """Quantities that come with an error."""
    keys: dict[str, Key] = Field(default_factory=dict)
    """Quantities of its own; they go before the vocabulary's."""
    said: dict[str, str] = Field(default_factory=dict)
    """Words beside a number that make it the value of a constant."""
    choices: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Words that choose a value of a constant."""
    required: list[str] = Field(default_factory=list)
    """Constants that a request must give, for a default would be made up; `INDEX|ALPHA` for one of several."""
    does: list[str] = Field(default_factory=list)
    """What few recipes do and this one does along the way: names in `demands.BEYOND`."""
    band: bool = False
    """Its fluxes are of the energies of the analysis, unless a request gives energies for both."""
    fixed: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Shared constants that it has not, but whose values it keeps to."""

    @field_validator("asked", "perhaps", "never")
    @classmethod
    def _compiles(cls, words: str) -> str:
        re.compile(words)
        return words


def split(source: str) -> tuple[str, About]:
    """A recipe's script without the block, and what the block says.

    Raises
    ------
    ValueError
        The block is no TOML, or says something that no block says.
    """
    match = BLOCK.search(source)
    if match is None:
        return source, About()
    lines = [line.removeprefix("#").removeprefix(" ") for line in match.group(1).splitlines()]
    return source[: match.start()] + "\n", About.model_validate(tomllib.loads("\n".join(lines)))
