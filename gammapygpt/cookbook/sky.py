"""Positions in a request: coordinates as people write them, and names of well-known sources."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from gammapygpt.cookbook.words import Page

SOURCES = Path(__file__).parent / "sources.toml"
SIGNED = r"[+-]?\s?\d+(?:\.\d+)?"
DEG = r"\s*(?:deg|d)?\b\s*"
HMS = r"\d{1,2}\s*(?:h|:|\s)\s*\d{1,2}\s*(?:m|:|\s)\s*\d{1,2}(?:\.\d+)?\s*s?"
DMS = r"[+-]?\d{1,2}\s*(?:deg|d|:|\s)\s*\d{1,2}\s*(?:m|'|:|\s)\s*\d{1,2}(?:\.\d+)?\s*(?:s|\"|'')?"
RA = r"(?:\bR\.?A\.?|\bright[ -]ascension|\balpha)\b(?:\s*\(?J2000\)?)?\s*(?:of|is|=|:)?\s*"
DEC = r"(?:\bDec\.?(?:lination)?|\bdelta|\bDE)\b(?:\s*\(?J2000\)?)?\s*(?:of|is|=|:)?\s*"
BETWEEN = r"\s*(?:,|;|/|and|\s)\s*"
GLON = r"(?:\b(?:GLON|galactic longitude|l)\b)\s*(?:of|is|=|:)?\s*"
GLAT = r"(?:\b(?:GLAT|(?:galactic )?latitude|b)\b)\s*(?:of|is|=|:)?\s*"

PAIR = rf"({SIGNED}){DEG},?\s*({SIGNED})(?:\s*deg\b)?"
HMS_BARE = r"\d{1,2}(?:h|:)\s?\d{1,2}(?:m|:)\s?\d{1,2}(?:\.\d+)?s?"
DMS_BARE = r"[+-]\d{1,2}(?:d|:)\s?\d{1,2}(?:m|'|:)\s?\d{1,2}(?:\.\d+)?s?"

FORMS = {
    "icrs hms": rf"{RA}({HMS}){BETWEEN}{DEC}({DMS})",
    "icrs": rf"{RA}({SIGNED}){DEG}{BETWEEN}{DEC}({SIGNED})(?:\s*deg\b)?",
    "galactic": rf"{GLON}({SIGNED}){DEG}{BETWEEN}{GLAT}({SIGNED})(?:\s*deg\b)?",
    "galactic pair": rf"galactic(?: coordinates| position)?[^0-9+\-(]{{0,20}}\(?\s*{PAIR}",
    "galactic pair named": rf"\(?\bl\s*,\s*b\b\s*\)?\s*=\s*\(?\s*{PAIR}",
    "icrs pair named": rf"\(?\bRA\b\s*,\s*\bDec\b\.?\s*\)?\s*(?:of|is|=|:)?\s*\(?\s*{PAIR}",
    "icrs hms bare": rf"\b({HMS_BARE})\s*,?\s*({DMS_BARE})",
    "icrs pair at": rf"(?:\bat|position|coordinates?|centred on)\s*:?\s*({SIGNED})\s*deg{BETWEEN}({SIGNED})\s*deg\b",
    "icrs pair": rf"\(\s*({SIGNED}){DEG},\s*({SIGNED})(?:\s*deg)?\s*(?:,?\s*(?:ICRS|J2000|FK5))?\s*\)",
}
"""Ways to write a position: two numbers, the first of the longitude."""


class Position(NamedTuple):
    """A place in the sky, and the words it came from."""

    ra: float
    """deg, ICRS."""
    dec: float
    """deg, ICRS."""
    words: str


def take_positions(page: Page) -> list[Position]:
    """Take every pair of coordinates from a page; the parts of a pair that is no position stay."""
    positions = []
    for form, pattern in FORMS.items():
        for match in list(page.find(pattern)):
            place = _place(form, match.group(1), match.group(2))
            if place is not None:
                positions.append(Position(*place, words=page.take(*match.span())))
    return positions


def _place(form: str, first: str, second: str) -> tuple[float, float] | None:
    """Right ascension and declination in deg, ICRS; None where the numbers cannot be that."""
    if form == "icrs" or form.startswith("icrs pair"):
        ra, dec = float(first.replace(" ", "")), float(second.replace(" ", ""))
        return (ra, dec) if 0 <= ra < 360 and -90 <= dec <= 90 else None
    from astropy.coordinates import SkyCoord

    try:
        if form.startswith("galactic"):
            where = SkyCoord(
                float(first.replace(" ", "")), float(second.replace(" ", "")), unit="deg", frame="galactic"
            )
        else:
            where = SkyCoord(
                re.sub(r"[hms:]", " ", first), re.sub(r"deg|[dms:'\"]", " ", second), unit=("hourangle", "deg")
            )
    except ValueError:
        return None
    return round(float(where.icrs.ra.deg), 6), round(float(where.icrs.dec.deg), 6)


class Source(NamedTuple):
    """One entry of the table of sources."""

    name: str
    ra: float
    dec: float
    catalogue: str


@cache
def sources() -> dict[str, Source]:
    """The table by name and alias, letters and digits only."""
    entries = tomllib.loads(SOURCES.read_text(encoding="utf-8"))["source"]
    return {
        bare(name): Source(entry["name"], entry["ra"], entry["dec"], entry["catalogue"])
        for entry in entries
        for name in (entry["name"], *entry.get("aliases", ()))
    }


def bare(name: str) -> str:
    """A name without what people write differently: case, blanks, dashes."""
    return re.sub(r"[\s_-]", "", name).lower()


@cache
def _names() -> str:
    entries = tomllib.loads(SOURCES.read_text(encoding="utf-8"))["source"]
    names = {name for entry in entries for name in (entry["name"], *entry.get("aliases", ()))}

    def pattern(name: str) -> str:
        letters = [char for char in name if not re.match(r"[\s_-]", char)]
        return r"[\s_-]*".join(re.escape(char) for char in letters)

    return "|".join(pattern(name) for name in sorted(names, key=len, reverse=True))


def take_sources(page: Page) -> list[tuple[Source, str]]:
    """Take the names of sources of the table, with the words found; longer names first."""
    found = []
    for match in list(page.find(rf"(?<![\w.+])(?:{_names()})(?![\w+]|\.\d)(?:\s+(?:Nebula|pulsar|SNR)\b)?")):
        name = re.sub(r"\s+(?:Nebula|pulsar|SNR)$", "", match.group(), flags=re.I)
        source = sources().get(bare(match.group())) or sources()[bare(name)]
        found.append((source, page.take(*match.span())))
    return found


def same_field(source: Source, position: Position) -> bool:
    """Whether a position is that of a source; catalogues differ by up to 0.3 deg for extended ones."""
    from math import cos, radians

    across = (position.ra - source.ra + 180) % 360 - 180
    return abs(position.dec - source.dec) < 0.3 and abs(across) * cos(radians(source.dec)) < 0.3
