"""Dimensions of units, by a table of names: enough to see that a flux was given without a unit, or in a wrong one.

`astropy.units` knows more and takes half a second to import, which is longer than the whole check. What is not
understood here has no dimension that is known, and nothing is said about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
TOKEN = re.compile(r"\s*(?:([()/])|[*.](?!\*)|([A-Za-z%]+)(\s*(?:\*\*|\^)\s*\(?[-+]?\d+\.?\d*\)?|[-+]?\d(?!\d))?)")
"""A bracket or slash; a sign of multiplication; or a name with its power."""
READABLE = {
    "rad1": "an angle",
    "kg1 m2 s-2": "an energy",
    "s1": "a time",
    "m1": "a length",
    "m2": "an area",
    "kg-1 m-4 s1": "a differential flux such as cm-2 s-1 TeV-1",
    "m-2 s-1": "an integral flux such as cm-2 s-1",
    "kg1 s-3": "an energy flux such as erg cm-2 s-1",
    "": "a pure number",
}


def multiplied(one: str, other: str, power: float = 1.0) -> str:
    """Dimension of `one * other**power`."""
    powers = _powers(one)
    for base, value in _powers(other).items():
        powers[base] = powers.get(base, 0.0) + power * value
    return " ".join(sorted(f"{base}{value:g}" for base, value in powers.items() if value))


def _powers(dimension: str) -> dict[str, float]:
    found = (re.fullmatch(r"([A-Za-z]+)(.+)", part) for part in dimension.split())
    return {part[1]: float(part[2]) for part in found if part}


def of_unit(text: str, units: dict[str, str]) -> str | None:
    """Dimension of a unit as people write it: `cm-2 s-1 TeV-1`, `1 / (cm2 s TeV)`; None if it is not understood."""
    tokens = list(_tokens(re.sub(r"^\s*1\s*(?=/)", "", text)))
    if None in tokens or not tokens:
        return "" if not text.strip() else None
    result, sign, signs = "", 1.0, [1.0]
    for token in tokens:
        if token == "/":
            sign = -1.0
        elif token == "(":
            signs.append(signs[-1] * sign)
            sign = 1.0
        elif token == ")":
            if len(signs) == 1:
                return None
            signs.pop()
        elif isinstance(token, tuple):
            name, power = token
            if name not in units:
                return None
            result = multiplied(result, units[name], power * sign * signs[-1])
            sign = 1.0
    return result if len(signs) == 1 else None


def _tokens(text: str) -> Iterable[str | tuple[str, float] | None]:
    """Brackets, `/`, and names with their powers; None for what is none of these."""
    while text.strip():
        found = TOKEN.match(text)
        if found is None or not found.end():
            yield None
            return
        text = text[found.end() :]
        if found[1]:
            yield found[1]
        elif found[2]:
            yield found[2], float(re.sub(r"[*^()\s]", "", found[3]) if found[3] else 1)


def of_quantity(text: str, units: dict[str, str]) -> str | None:
    """Dimension of a quantity given as text: `0.11 deg`; that of a bare number is empty; None if not understood."""
    number = NUMBER.match(text)
    return of_unit(text[number.end() :], units) if number else None


def readable(dimension: str) -> str:
    """A dimension in words."""
    return READABLE.get(dimension, f"a quantity of dimension {dimension}")
