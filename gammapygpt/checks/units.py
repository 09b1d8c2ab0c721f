"""Whether a wrong number is the right one in another unit: a hint that is worth more than `wrong`."""

from __future__ import annotations

from typing import Any

ALTERNATIVES = (
    ("erg", "TeV", "GeV", "MeV", "keV", "eV", "J"),
    ("cm", "m", "km"),
    ("s", "min", "h", "d"),
    ("deg", "rad", "arcmin", "arcsec", "hourangle"),
)
"""Units that are taken for each other."""
WIDEST = 0.02
"""Relative; a hint is only given when the number fits this well, however wide the tolerance of the answer."""
NARROWEST = 1e-6
"""Relative; for answers that are asked exactly."""


def in_another_unit(value: float, reference: Any, unit: str, relative: float) -> bool:
    """Whether a value is the reference in another unit of the same dimension, or with the other sign.

    Parameters
    ----------
    value, reference
        Result and expected value.
    unit
        Unit asked for; empty for a pure number, which can only have the wrong sign.
    relative
        Relative tolerance of the expected value; the margin of the hint is never wider than `WIDEST`.
    """
    if not isinstance(reference, int | float) or not reference or not value:
        return False
    margin = min(max(relative, NARROWEST), WIDEST)
    return any(abs(value / (reference * factor) - 1) <= margin for factor in factors(unit))


def factors(unit: str) -> list[float]:
    """By what a number changes when one unit in it is exchanged for another of its kind; -1 is the other sign."""
    found = [-1.0]
    if not unit:
        return found
    import astropy.units as u

    try:
        asked = u.Unit(unit)
    except (ValueError, TypeError):
        return found
    for base, power in zip(getattr(asked, "bases", []), getattr(asked, "powers", []), strict=True):
        group = next((names for names in ALTERNATIVES if base.to_string() in names), ())
        found += [float(base.to(u.Unit(name)) ** power) for name in group if name != base.to_string()]
    return found
