"""Reads energies, bins and angles, each by the words that stand nearest to it."""

from __future__ import annotations

import re

from gammapygpt.cookbook.book import Recipe
from gammapygpt.cookbook.energies import Energies, find_energies
from gammapygpt.cookbook.given import words_of
from gammapygpt.cookbook.keys import ABOVE_TO
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.words import NUMBER, Page, around, nearest

ENERGY_MEANINGS = {
    "fit": r"\bfit(?:ted|ting)?\b",
    "analysis": (
        r"\breco(?:nstructed)?\b|energy (?:range|interval|window)|\benergies\b|\bevents\b"
        r"|\baxis\b|\bbins?\b|\bcounts\b|\bover\b|\brestrict\w*|\blimit\w*|\bonly\b"
        r"|\bthreshold\b|\banalys\w+|\bspectrum\b|\brange\b"
    ),
    "true": r"\btrue\b|\be_?true\b|energy_true",
    "integral": r"\bflux(?:es)?\b(?![\s-]*points?)|\bintegra\w+|\bluminosity\b",
}
SINGLE_MEANINGS = {
    "reference": (
        r"\breference\b|\bref\b|\bpivot\b|\bnormalis\w+|\bnormaliz\w+|\bdecorrelation\b"
        r"|\bE_?0\b|\bamplitude\b|\bscale\b"
    ),
    "cutoff": r"\bcut-?\s?off\b",
    "dnde": r"\bdifferential\b|\bdnde\b|\bflux\b",
}


def read_energies(page: Page, reading: Reading, recipe: Recipe | None = None) -> None:
    """Ranges, limits, lists and single energies, each by the words nearest to it."""
    own = words_of(recipe, ("TeV",))
    for found in find_energies(page):
        words = page.text[found.start : found.end]
        if found.form == "list":
            _read_edges(page, reading, found, words)
        elif found.form in ("range", "above", "below"):
            _read_range(page, reading, found, words)
        else:
            meaning = nearest(page, found.start, found.end, own | SINGLE_MEANINGS if own else SINGLE_MEANINGS)
            if meaning in own:
                reading.give(meaning, found.values[0], words)
            elif meaning == "reference":
                reading.give("REFERENCE_ENERGY", found.values[0], words)
            elif meaning == "dnde" or takes_energies(recipe):
                reading.differentials.append(found.values[0])
            else:
                reading.unread.append(around(page, found.start, found.end))
        page.take(found.start, found.end)


def takes_energies(recipe: Recipe | None) -> bool:
    """Whether a recipe reports quantities at an energy, which the prose may name."""
    return recipe is not None and any(key.takes == "energy" for key in recipe.about.keys.values())


def _read_edges(page: Page, reading: Reading, found: Energies, words: str) -> None:
    rising = list(found.values) == sorted(set(found.values))
    if rising and re.search(
        r"\bedges?\b|\bbands?\b|\bbins?\b|\bintervals?\b|\bboundar\w+", around(page, found.start, found.end, 90), re.I
    ):
        reading.give("FLUX_POINT_EDGES", list(found.values), words)
    else:
        reading.unread.append(around(page, found.start, found.end))


LEFT_OUT = re.compile(
    r"\b(?:nothing|no|none|not|never|without|exclud\w+|discard\w*|reject\w*|ignor\w+|cut\w*|remov\w+|drop\w*|mask\w*)\b"
    r"(?:\s+(?:any|all|the|everything|anything|events?|counts?|photons?|data|energ(?:y|ies)|bins?|points?|use|included?|out|away))*"
    r"\s*$",
    re.I,
)
"""What stands before a limit of what is left out: `nothing below 0.5 TeV` means above 0.5 TeV."""


def _read_range(page: Page, reading: Reading, found: Energies, words: str) -> None:
    meaning = nearest(page, found.start, found.end, ENERGY_MEANINGS) or "analysis"
    if found.form in ("above", "below") and LEFT_OUT.search(page.text[: found.start]):
        found = found._replace(form="below" if found.form == "above" else "above")
        meaning = "analysis"
    if meaning == "true":
        reading.unread.append(around(page, found.start, found.end))
    elif meaning == "integral" and found.form != "below":
        reading.integrals.append((found.values[0], found.values[1] if len(found.values) > 1 else ABOVE_TO))
    elif found.form == "range" and found.values[0] < found.values[1]:
        reading.give("ENERGY_MIN", found.values[0], words)
        reading.give("ENERGY_MAX", found.values[1], words)
    elif found.form == "above":
        reading.give("ENERGY_MIN", found.values[0], words)
    elif found.form == "below":
        reading.give("ENERGY_MAX", found.values[0], words)
    else:
        reading.unread.append(around(page, found.start, found.end))


def read_bins(page: Page, reading: Reading, recipe: Recipe | None = None) -> None:
    """`8 logarithmic bins`, `10 bins per decade`, `6 flux points`; bins of its own where a recipe has no others."""
    own = [name for name in words_of(recipe) if name.endswith("_BINS")]
    kind = own[0] if own and recipe and "ENERGY_BINS" not in recipe.constants else "ENERGY_BINS"
    if match := next(page.find(r"(?<![\w.])(\d{1,3})\s+(?:logarithmic\s+)?(?:flux|spectral|SED)[\s-]points?\b"), None):
        reading.give("FLUX_POINTS", int(match.group(1)), page.take(*match.span()))
    bins = r"(?<![\w.^-])(\d{1,3})\s+(?:[A-Za-z-]+\s+){0,3}?bins?\b(\s*(?:per|a|each|/)\s*(?:energy\s*)?decade)?"
    for match in list(page.find(bins)) + list(page.find(r"\bbins per decade\s*[:=]?\s*(\d{1,3})()")):
        if re.match(r"\d+\s+(?:deg|arcmin|arcsec)\b", match.group()):
            continue  # an angle, and bins later on
        if re.search(r"\btime\b", match.group(), re.I) or re.search(
            r"flux[\s-]point|SED", around(page, *match.span(), 40), re.I
        ):
            reading.unread.append(around(page, *match.span()))
        else:
            reading.give("BINS_PER_DECADE" if "decade" in match.group() else kind, int(match.group(1)), match.group())
        page.take(*match.span())


ANGLE_MEANINGS = {
    "OFFSET_MAX": (
        r"\bevents?\b(?:[^,;.]|\.\d)*\b(?:pointing|centre|center|camera|axis|offset)\b"
        r"|\b(?:max(?:imum)?|largest|event) offset\b|\boffset(?:[\s-]*(?:max|cut|limit))?\b"
        r"|\bfield of view radius\b|\boff-?axis\b"
    ),
    "SELECTION_RADIUS": (
        r"\bpoint(?:s|ed|ing) (?:at most|no more than)\b|\bpoint(?:s|ed|ings?)?\b(?![\s-]*(?:source|like|spread))"
        r"|\bcone\b|\bsearch\b|\bselect\w*\b"
        r"|\b(?:runs?|observations?|data)\b(?:(?!outside\b)[^,;.]|\.\d){0,40}\b(?:within|closer|around|near)\b"
        r"|\bno farther\b|\bclosest\b"
    ),
    "EXCLUSION_RADIUS": (
        r"\bexclu\w+|\bmask\w*\b|\boutside\b|\bapart from\b|\bexcis\w+|\bavoid\w*\b|\bblank\w*\b"
        r"|\b(?:keep|kept|leave|left)\b(?:[^,;.]|\.\d){0,80}\bout of\b"
    ),
    "ON_RADIUS": (
        r"(?-i:\bON\b)|\bon[\s-](?:radius|source)|\bextract\w*|\baperture\b"
        r"|\b(?:source|integration|on-source) region\b|\btheta\b|\bsignal (?:region|radius|dis[ck]|circle|aperture)\b"
        r"|\b(?:events|counts|photons)\b(?:[^,;.]|\.\d)*\b(?:source|target)\b"
    ),
    "PIXEL_SIZE": r"\bpixels?\b|\bbins? of\b|\bbin ?si?ze?\b|\bbinsz\b|\bspatial bin\w*|\bresolution\b",
    "MAP_WIDTH": (
        r"\bmaps?\b|\bwide\b|\bfield\b(?![\s-]of[\s-]view)|\broi\b|\bregion of interest\b|\bside\b|\bcutout\b"
        r"|\bgeometry\b"
    ),
    "EXTENSION": r"\bsigma\b|\bwidth of the (?:source|gaussian)\b|\binitial\b|\bstart\w*\b|\bdisk\b",
    "OTHER": r"\bring\b|\bcorrelation\b|\bsmooth\w*|\bkernel\b|\bzenith\b|\bminimum offset\b|\bat least\b|\bat most\b",
}
WEAK_ANGLES = {"ON_RADIUS": r"\bcircle\b|\bcircular\b|\bregion\b", "MAP_WIDTH": r"\bwidth\b"}
SQUARE = rf"(?<![\w.^])({NUMBER})\s*(?:(?:square|sq\.?)\s*deg\w*|deg\s*(?:\^|\*\*)?\s*2)\b"
FULL_WIDTH = rf"({NUMBER})\s*(?:deg)?\s*(?:x|by|\*)\s*({NUMBER})\s*deg\b"


def read_angles(page: Page, reading: Reading, recipe: Recipe | None = None) -> None:
    """Every angle or solid angle in the prose, by the words nearest to it; one without such words is not understood."""
    for match in list(page.find(FULL_WIDTH)):
        sides = {float(match.group(1)), float(match.group(2))}
        if len(sides) == 1:
            reading.give("MAP_WIDTH", sides.pop(), match.group())
        else:
            reading.unread.append(around(page, *match.span()))
        page.take(*match.span())
    for match in list(page.find(SQUARE)):
        meaning = nearest(page, *match.span(), words_of(recipe, ("deg2",)))
        if meaning:
            reading.give(meaning, float(match.group(1)), around(page, *match.span()))
        else:
            reading.unread.append(around(page, *match.span()))
        page.take(*match.span())
    angles = words_of(recipe, ("deg",))
    meanings = angles | {name: words for name, words in ANGLE_MEANINGS.items() if name not in angles}
    for own, other in (("OFFSET", "OFFSET_MAX"), ("SEARCH_RADIUS", "SELECTION_RADIUS")):
        if recipe is not None and own in recipe.constants and other not in recipe.constants:
            meanings.pop(other)
    for match in list(page.find(rf"(?<![\w.^])(-?{NUMBER})\s*(deg|arcmin|arcsec)\b")):
        value = round(float(match.group(1)) / {"arcmin": 60, "arcsec": 3600}.get(match.group(2).lower(), 1), 9)
        meaning = nearest(page, *match.span(), meanings, WEAK_ANGLES)
        if "OFFSET" in meanings and re.match(r" (?:off-?set|off-?axis)\b", page.text[match.end() :], re.I):
            meaning = "OFFSET"
        words = around(page, *match.span())
        if meaning in ("", "OTHER", "EXTENSION"):
            reading.unread.append(words)
        else:
            reading.give(meaning, value, words)
        page.take(*match.span())
