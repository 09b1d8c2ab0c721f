"""Where a text gives which value: change a number, read again, and see what has become another value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from gammapygpt.cookbook.energies import Energies, find_energies
from gammapygpt.cookbook.follow.reading import Read
from gammapygpt.cookbook.reader import read_request
from gammapygpt.cookbook.sky import take_positions, take_sources
from gammapygpt.cookbook.words import NUMBER, Page
from gammapygpt.state import Request

UNIT = r"deg|arcmin|arcsec|[kMGTP]eV|per ?cent|hours?|hrs?|h|minutes?|min|seconds?|sec|s|days?|d"
TOKEN = re.compile(rf"(?<![\w.$/^+-])({NUMBER})(\s*(?:%|(?:{UNIT})\b))?(?![\w]*\w)")
PLACE = ("TARGET_RA", "TARGET_DEC", "SOURCE_NAME")
LIMITS = ("ENERGY_MIN", "ENERGY_MAX")
INTEGRAL, DIFFERENTIAL = "INTEGRAL", "DIFFERENTIAL"
"""Names for energies of fluxes, which are no constants."""


class Span(NamedTuple):
    """A stretch of a text, and the constants that it gives."""

    names: frozenset[str]
    start: int
    end: int
    energies: Energies | None = None


def spans(read: Read) -> list[Span]:
    """The numbers and words of a request that give values, in order; a place in the sky and keys of results apart."""
    page = Page(read.text)
    take_positions(page)
    take_sources(page)
    found = [*_of_energies(page, read), *_of_numbers(page, read)]
    by_number = {name for span in found for name in span.names}
    words = [_of_words(name, read) for name in read.reading.values if name not in by_number and name not in PLACE]
    return sorted([*found, *(span for span in words if span)], key=lambda span: span.start)


def _of_energies(page: Page, read: Read) -> list[Span]:
    """Ranges, limits and single energies, each as a whole."""
    found = []
    for energies in find_energies(page):
        stretch = page.take(energies.start, energies.end)
        tokens = list(re.finditer(NUMBER, stretch))
        names = [
            _changed(read, energies.start + match.start(), energies.start + match.end(), match.group())
            for match in tokens
        ]
        if any(names):
            found.append(Span(frozenset().union(*names), energies.start, energies.end, energies))
    return found


def _of_numbers(page: Page, read: Read) -> list[Span]:
    found = []
    for match in list(page.find(TOKEN.pattern, 0)):
        names = _changed(read, *match.span(1), match.group(1))
        if names:
            found.append(Span(names, *match.span()))
    return found


def _of_words(name: str, read: Read) -> Span | None:
    """A value that is told by words alone."""
    words = read.reading.words.get(name, "")
    start = read.text.find(words) if words else -1
    return Span(frozenset({name}), start, start + len(words)) if start >= 0 else None


def _changed(read: Read, start: int, end: int, number: str) -> frozenset[str]:
    """The constants whose values change with a number of the text."""
    other = f"{number}3" if "." in number else str(int(float(number)) + 1)
    text = read.text[:start] + other + read.text[end:]
    new = read_request(Request(text=text, stores=list(read.stores)), read.recipe)
    old = read.reading
    names = {name for name, value in old.values.items() if new.values.get(name, value) != value}
    if "FIXED" in names and set(old.values["FIXED"]) != set(new.values["FIXED"]):
        names.discard("FIXED")
    if _others(new.integrals, old.integrals):
        names.add(INTEGRAL)
    if _others(new.differentials, old.differentials):
        names.add(DIFFERENTIAL)
    return frozenset(names - set(PLACE))


def _others(new: Sequence[object], old: Sequence[object]) -> bool:
    return len(new) == len(old) and new != old


def close(one: object, other: object) -> bool:
    """Whether two values are the same to nine digits."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other))
    return one == other
