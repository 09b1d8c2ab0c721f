"""How astronomers write positions, energies and what they want in result.json.

What is written is what counts: a position is rounded first, and then used as it stands.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.random import Generator

    from gammapygpt.evals.draw.draft import Asked


REQUESTS = Path(__file__).parent / "requests.toml"


@dataclass(frozen=True)
class Position:
    """A position as written, and what that means."""

    words: str
    ra_deg: float
    """ICRS."""
    dec_deg: float


def pick(rng: Generator, options: Sequence[Any]) -> Any:
    """One of a few things, all alike; numpy's `choice` would turn them into arrays."""
    return options[int(rng.integers(len(options)))]


def prompt(rng: Generator, kind: str, words: Mapping[str, Any], asked: Sequence[Asked]) -> str:
    """A request: one of the wordings of its kind, filled in, and what belongs into result.json."""
    worded: str = pick(rng, tomllib.loads(REQUESTS.read_text(encoding="utf-8"))[kind]).format(**words)
    return f"{worded[0].upper()}{worded[1:]}\n{closing(rng, [one for one in asked if one.shown])}"


def position(rng: Generator, ra_deg: float, dec_deg: float) -> Position:
    """In degrees, sexagesimal, or Galactic."""
    from astropy.coordinates import SkyCoord

    place = SkyCoord(ra_deg, dec_deg, unit="deg")
    form = pick(rng, ["degrees", "degrees", "sexagesimal", "galactic"])
    if form == "degrees":
        written = pick(
            rng, ["RA {ra:.4f} deg, Dec {dec:.4f} deg (ICRS)", "(RA, Dec) = ({ra:.4f}, {dec:.4f}) deg (ICRS)"]
        )
        return Position(written.format(ra=ra_deg, dec=dec_deg), round(ra_deg, 4), round(dec_deg, 4))
    if form == "sexagesimal":
        right_ascension = place.ra.to_string(unit="hour", sep="hms", precision=1, pad=True)
        declination = place.dec.to_string(unit="deg", sep="dms", precision=0, pad=True, alwayssign=True)
        read = SkyCoord(right_ascension, declination)
        return Position(f"RA {right_ascension}, Dec {declination} (J2000)", *rounded(read))
    longitude, latitude = round(float(place.galactic.l.deg), 4), round(float(place.galactic.b.deg), 4)
    read = SkyCoord(longitude, latitude, unit="deg", frame="galactic").icrs
    written = pick(
        rng, ["Galactic coordinates l = {l:.4f} deg, b = {b:.4f} deg", "(l, b) = ({l:.4f}, {b:.4f}) deg (Galactic)"]
    )
    return Position(written.format(l=longitude, b=latitude), *rounded(read))


def rounded(place: Any) -> tuple[float, float]:
    """Right ascension and declination in deg, to a hundredth of an arcsecond."""
    return round(float(place.ra.deg), 6), round(float(place.dec.deg), 6)


def energies(rng: Generator, low_tev: float, high_tev: float) -> str:
    """A range of energies, in TeV or GeV."""
    low, high = f"{low_tev:g}", f"{high_tev:g}"
    options = [f"{low}-{high} TeV", f"{low} TeV to {high} TeV", f"{low} to {high} TeV"]
    options += [f"{low_tev * 1e3:g} GeV to {high} TeV"] if low_tev < 1 else []
    written: str = pick(rng, options)
    return written


def energy(rng: Generator, tev: float) -> str:
    """One energy, in TeV or GeV."""
    written: str = pick(rng, [f"{tev:g} TeV", f"{tev:g} TeV", f"{tev * 1e3:g} GeV"])
    return written


def list_of(items: Sequence[Any]) -> str:
    """`a, b and c`."""
    *others, last = map(str, items)
    return f"{', '.join(others)} and {last}" if others else last


def closing(rng: Generator, asked: Sequence[Asked]) -> str:
    """The last sentence: keys, what they mean, and their units."""
    listed = [f'"{one.key}" ({one.words}{", in " + one.unit if one.unit else ""})' for one in asked]
    opening = pick(
        rng,
        [
            "Write result.json in the current directory with {keys}.",
            "Save the numbers to result.json (current directory): {keys}.",
            "Put into result.json, in the current directory: {keys}.",
        ],
    )
    sentence: str = opening.format(keys=list_of(listed))
    return sentence
