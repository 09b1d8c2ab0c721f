"""Energies in a request: ranges, lists of edges, lower limits, single energies. All in TeV."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from gammapygpt.cookbook.words import NUMBER, Page, number

UNIT = r"(?:[kMGTP]eV)"
TEV = {"keV": 1e-9, "MeV": 1e-6, "GeV": 1e-3, "TeV": 1.0, "PeV": 1e3}
ABOVE = (
    r"(?:above|over|beyond|exceeding|greater than|larger than|higher than|more than|at least|other than|from"
    r"|starting at|threshold (?:of|at|is)?|>=?)"
)
BELOW = r"(?:below|under|less than|lower than|smaller than|at most|up to|<=?)"

ONE = rf"{NUMBER}(?:\s*{UNIT})?"
LIST = re.compile(rf"({ONE}(?:\s*,\s*(?:and\s+)?{ONE})+(?:\s+and\s+{ONE})?)\s*({UNIT})?", re.I)
RANGE = re.compile(
    rf"(?:\b(?P<between>between)\s+)?\[?({NUMBER})\s*({UNIT})?\s*"
    rf"(?:-|to|(?(between)and|(?!))|through|until|up to|\.\.\.?|,)\s*({NUMBER})\]?\s*({UNIT})\b",
    re.I,
)
"""`1 TeV and 10 TeV` are two energies where no `between` stands before."""
ONE_SIDED = re.compile(rf"({ABOVE}|{BELOW})\s*({NUMBER})\s*({UNIT})\b", re.I)
SINGLE = re.compile(rf"({NUMBER})\s*({UNIT})\b", re.I)


class Energies(NamedTuple):
    """One mention of energies."""

    form: Literal["list", "range", "above", "below", "single"]
    values: tuple[float, ...]
    """TeV."""
    start: int
    end: int


def find_energies(page: Page) -> list[Energies]:
    """Every mention of energies that is left on a page, longest forms first; they are not taken."""
    found: list[Energies] = []
    text = page.left

    def add(
        form: Literal["list", "range", "above", "below", "single"], values: list[float], match: re.Match[str]
    ) -> None:
        nonlocal text
        found.append(Energies(form, tuple(round(value, 12) for value in values), *match.span()))
        text = text[: match.start()] + "\0" * len(match.group()) + text[match.end() :]

    for match in LIST.finditer(text):
        values = re.findall(rf"({NUMBER})\s*({UNIT})?", match.group(), re.I)
        units = [unit for _, unit in values if unit]
        if len(values) >= 3 and units:
            add("list", [in_tev(value, unit or units[-1]) for value, unit in values], match)
    for match in RANGE.finditer(text):
        low, unit, high, last = match.groups()[1:]
        add("range", [in_tev(low, unit or last), in_tev(high, last)], match)
    for match in ONE_SIDED.finditer(text):
        side: Literal["above", "below"] = "above" if re.fullmatch(ABOVE, match.group(1), re.I) else "below"
        add(side, [in_tev(match.group(2), match.group(3))], match)
    for match in SINGLE.finditer(text):
        add("single", [in_tev(*match.groups())], match)
    return sorted(found, key=lambda energies: energies.start)


def in_tev(value: str, unit: str) -> float:
    """An energy in TeV."""
    names = {name.lower(): scale for name, scale in TEV.items()}
    scale = TEV.get(unit) or names[unit.lower()]
    return number(value) * scale
