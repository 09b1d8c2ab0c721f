"""Positions and sizes: the target, the ON region, the exclusion, OFF regions, the map."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import asin, cos, degrees, radians, sin, sqrt

from gammapygpt.checks.asked.case import Case, any_same, asked_finding, differs, listed, same
from gammapygpt.checks.asking import ALL_OFF
from gammapygpt.checks.physics.facts import Making, Region
from gammapygpt.checks.physics.static_calls import ANGLES, argument
from gammapygpt.state import Finding

OFF_TARGET = 0.03
"""deg: a centre farther from coordinates that were given is another position."""
OFF_NAME = 0.3
"""deg: the same for a position that a table of sources gives for a name."""
EVERY_REGION = 1000
"""Gammapy's default for the number of OFF regions is larger."""
SPECTRA = "SpectrumDatasetMaker"
BACKGROUNDS = re.compile(r"(Reflected|Ring|FoV)\w*BackgroundMaker")


def separation(ra: float, dec: float, ra_2: float, dec_2: float) -> float:
    """Angle between two positions, in deg."""
    a, b = radians(dec), radians(dec_2)
    haversine = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(ra_2 - ra) / 2) ** 2
    return degrees(2 * asin(sqrt(min(1.0, haversine))))


def on_regions(case: Case) -> list[Region]:
    """ON regions of the run."""
    made = [making.region for making in case.facts.makings if making.maker == SPECTRA]
    kept = [dataset.region for dataset in case.facts.datasets]
    return [one for one in (made if any(made) else kept) if one is not None and one.shape != "map"]


def maps(case: Case) -> list[Region]:
    """Maps of the run."""
    regions = [dataset.region for dataset in case.facts.datasets]
    return [one for one in regions if one is not None and one.shape == "map"]


def position(case: Case) -> Iterator[Finding]:
    """The ON region, or the map, stands where the target was said to be."""
    ra, dec = case.asked("TARGET_RA"), case.asked("TARGET_DEC")
    seen = [one for one in (on_regions(case) or maps(case)) if one.ra_deg is not None and one.dec_deg is not None]
    if ra is None or dec is None or not seen:
        return
    words = case.read.words.get("TARGET_RA", "")
    named = not re.search(r"\d\.\d|\d{1,2}[hd:]", words)
    allowed = OFF_NAME if named else OFF_TARGET
    far = [(separation(ra, dec, one.ra_deg or 0.0, one.dec_deg or 0.0), one) for one in seen]
    distance, one = min(far, key=lambda pair: pair[0] - reach(pair[1], allowed))
    if distance <= reach(one, allowed):
        return
    centre = f"RA {one.ra_deg:.4f}, Dec {one.dec_deg:.4f} deg"
    text = f"The run looks at {centre}, {distance:.2g} deg from the target at RA {ra:g}, Dec {dec:g} deg"
    exact = case.occurs(ra, relative=1e-4) and case.occurs(dec, relative=1e-4)
    remedy = "Compare each coordinate, and the frame, with the request."
    yield differs(case, "asked-position", "TARGET_RA", text, remedy, fact=centre, certain=not exact)


def reach(region: Region, allowed: float) -> float:
    """How far from its centre the target may be, in deg: anywhere on a map."""
    return max([allowed, *(side / 2 for side in region.width_deg)]) if region.shape == "map" else allowed


def galactic(case: Case) -> Iterator[Finding]:
    """Galactic longitude and latitude are no right ascension and declination."""
    pair = case.values.get("GALACTIC")
    if not isinstance(pair, tuple):
        return
    for call in case.script.made("SkyCoord"):
        frame = case.script.constant(argument(call, "frame")) if argument(call, "frame") is not None else "icrs"
        if argument(call, "frame") is None and any(case.script.constant(one) == "galactic" for one in call.args):
            frame = "galactic"
        given = [argument(call, "ra", 0), argument(call, "dec", 1)]
        numbers = [case.script.quantity(one, ANGLES, 1.0) for one in given]
        alike = all(one is not None and same(one, asked, 1e-4) for one, asked in zip(numbers, pair, strict=True))
        if alike and frame in ("icrs", "fk5", "fk4"):
            text = f"l = {pair[0]:g}, b = {pair[1]:g} deg are galactic, and are read as right ascension and declination"
            finding = asked_finding("asked-position", text, "Write SkyCoord(l, b, unit='deg', frame='galactic').")
            yield finding.model_copy(update={"line": call.lineno})


def on_radius(case: Case) -> Iterator[Finding]:
    """The circle has the radius that was asked for."""
    radius = case.asked("ON_RADIUS")
    seen = [one.radius_deg for one in on_regions(case) if one.radius_deg is not None]
    if radius is not None and seen and not any_same(radius, seen):
        text = f"The ON region has a radius of {listed(seen, 'deg')}, asked was {radius:g} deg"
        fact = f"ON region of {listed(seen, 'deg')}"
        yield differs(case, "asked-on-radius", "ON_RADIUS", text, "Use the radius of the request.", fact=fact)


def exclusion(case: Case) -> Iterator[Finding]:
    """Something around the source was to be kept out of the background."""
    radius = case.asked("EXCLUSION_RADIUS")
    makers = [one for one in case.facts.makings if BACKGROUNDS.fullmatch(one.maker)]
    if not radius or not makers:
        return
    if all(one.exclusion is None for one in makers):
        text = f"A circle of {radius:g} deg was to be excluded from the background, and no exclusion mask is used"
        remedy = "Give the background maker exclusion_mask=~geom.region_mask([...])."
        yield differs(case, "asked-exclusion", "EXCLUSION_RADIUS", text, remedy, certain=not case.occurs(radius))
    elif not case.occurs(radius):
        text = f"A circle of {radius:g} deg was to be excluded; no such number stands in the script"
        yield asked_finding("asked-exclusion", text, "Use the radius of the request.", "warning")


def containment(case: Case) -> Iterator[Finding]:
    """The containment correction was asked for, or asked not to be made."""
    wanted = case.values.get("CONTAINMENT_CORRECTION")
    made = [one.settings.get("containment_correction") for one in case.facts.makings if one.maker == SPECTRA]
    if wanted is True and made and not any(made) and case.script.makes_fluxes():
        text = "The containment correction was asked for, and was not made"
        remedy = "Use SpectrumDatasetMaker(containment_correction=True)."
        yield differs(case, "asked-containment", "CONTAINMENT_CORRECTION", text, remedy)
    elif wanted is False and made and all(made):
        text = "No containment correction was asked for, and one was made"
        remedy = "Use SpectrumDatasetMaker(containment_correction=False)."
        yield differs(case, "asked-containment", "CONTAINMENT_CORRECTION", text, remedy, certain=False)


def off_regions(case: Case) -> Iterator[Finding]:
    """As many OFF regions as were asked for; all that fit, where nobody said how many."""
    makers = [one for one in case.facts.makings if one.maker.startswith("Reflected") and one.n_off]
    limits = [limit for one in makers if (limit := limited(one)) is not None]
    wanted = case.asked("OFF_REGIONS")
    if wanted is None and limits:
        all_wanted = bool(ALL_OFF.search(case.read.text))
        why = "and all that fit were asked for" if all_wanted else "which nobody asked for"
        text = f"At most {min(limits)} OFF regions are used in each run, {why}"
        remedy = "Leave max_region_number out: with fewer OFF regions the significance drops."
        yield differs(case, "asked-off-regions", "OFF_REGIONS", text, remedy, certain=all_wanted)
    elif wanted is not None and makers:
        most = max(count for one in makers for count in one.n_off)
        if most > wanted or (limits and min(limits) != wanted):
            text = f"{most} OFF regions are used, asked were {wanted:g}"
            yield differs(case, "asked-off-regions", "OFF_REGIONS", text, "Set max_region_number.")


def limited(making: Making) -> int | None:
    """The largest number of OFF regions that a maker was allowed; None where it took all that fit."""
    limit = making.settings.get("max_region_number")
    wobble = making.settings.get("finder") == "WobbleRegionsFinder"
    return int(limit) if isinstance(limit, int | float) and limit < EVERY_REGION and not wobble else None


def map_geometry(case: Case) -> Iterator[Finding]:
    """Width and pixels of the map."""
    for name, rule, what, seen in (
        ("MAP_WIDTH", "asked-map", "a width", [side for one in maps(case) for side in one.width_deg]),
        ("PIXEL_SIZE", "asked-map", "pixels", [one.pixel_deg for one in maps(case) if one.pixel_deg]),
    ):
        wanted = case.asked(name)
        if wanted is not None and seen and not any_same(wanted, seen, 0.02):
            text = f"The map has {what} of {listed(sorted(set(seen)), 'deg')}, asked was {wanted:g} deg"
            yield differs(case, rule, name, text, "Make the map as the request says.")


RULES = (position, galactic, on_radius, exclusion, containment, off_regions, map_geometry)
