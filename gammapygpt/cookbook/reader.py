"""Reads a request by rules: which numbers it gives, for which constants of a recipe, and from which words. No language model.

Nothing is invented: what the request leaves open stays out of `Reading.values`, and a quantity that no rule understands is
kept in `Reading.unread`.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, Field

from gammapygpt.cookbook.energies import Energies, find_energies
from gammapygpt.cookbook.runs import Runs, take_dates, take_runs, take_store
from gammapygpt.cookbook.sky import take_positions, take_sources
from gammapygpt.cookbook.words import NUMBER, Page, nearest, tidy
from gammapygpt.state import Request


class Wanted(BaseModel):
    """One key that must stand in `result.json`."""

    key: str
    meaning: str = ""
    unit: str = ""


class Reading(BaseModel):
    """What the rules made of a request."""

    text: str
    """Tidy, as the rules saw it."""
    prose: str
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


def read_request(request: Request) -> Reading:
    """Read a request.

    Parameters
    ----------
    request
        Its text, and the data stores that are there: ranges of ids are resolved against them later, in `choose`.

    Returns
    -------
    Reading
    """
    text = tidy(request.text)
    page = Page(text)
    store = take_store(page, request.stores)
    wanted = _take_keys(page)
    reading = Reading(text=text, prose=page.left.replace("\0", " "), wanted=_with_specs(wanted, request))
    if store:
        reading.give("DATA_STORE", *store)
    _read_target(page, reading)
    if dates := take_dates(page):
        reading.give("DATES", *dates)
    reading.runs, reading.left_out = take_runs(page)
    _read_models(page, reading)
    _read_fixed(page, reading)
    _read_energies(page, reading)
    _read_bins(page, reading)
    _read_angles(page, reading)
    _read_switches(page, reading)
    return reading


# Keys

QUOTED = r"(?<![\w$/])[\"'`]([A-Za-z]\w*)[\"'`](?!\w)"
PLAIN_KEY = r"(?<![\w$/.{])([a-zA-Z]+\d*(?:_\w+)+)(?![\w./(])"
REPORTING = r"keys?|report|return|write|give|store|save|compute|calculate|determine|measure|output|provide|derive|find|get|quote"
END_OF_MEANING = re.compile(r"\s*(?:(?:in|as)\s+[^\s,;]+(?:\s+[a-zA-Z]+-?\d)*(?:\s+TeV-1)?)?\s*(?:\([^)]*\))?")


def _take_keys(page: Page) -> list[Wanted]:
    """Take quoted keys and what is said about each; a sentence about `result.json` belongs to its keys as a whole."""
    wanted: list[Wanted] = []
    for first, last in page.sentences():
        sentence = page.text[first:last]
        of_file = "result.json" in sentence
        if not of_file and not re.search(rf"\b(?:{REPORTING})\b", sentence, re.I):
            continue
        matches = list(re.finditer(QUOTED, sentence)) or list(re.finditer(PLAIN_KEY, sentence))
        before = sentence[: matches[0].start()] if matches else sentence
        found = []
        for match, following in zip(matches, [*matches[1:], None], strict=False):
            end = following.start() if following else len(sentence)
            if not of_file and (stop := END_OF_MEANING.match(sentence, match.end(), end)):
                end = stop.end()
            page.take(first + match.start(), first + end)
            found.append(Wanted(key=match.group(1), meaning=sentence[match.end() : end].strip(" ,.;:{}\n")))
        _share_meanings(found, before)
        wanted += found
        if of_file and (file := re.search(r"[^,;.]*result\.json.*", before, re.S)):
            page.take(first + file.start(), first + file.end())
    return wanted


def _share_meanings(wanted: list[Wanted], before: str) -> None:
    """`"a" and "b" (both in m2)` explains both; `in cm-2 s-1: "a", "b"` gives all of them that unit."""
    from gammapygpt.cookbook.keys import unit_in

    for one, following in zip(reversed(wanted[:-1]), reversed(wanted[1:]), strict=True):
        if re.fullmatch(r"\W*(and|or|&)\W*", one.meaning) or (
            not one.meaning and re.match(r"\W*(both|all|each)\b", following.meaning)
        ):
            one.meaning = following.meaning
    common = unit_in(before.rpartition("result.json")[2])
    for one in wanted:
        if common and not unit_in(one.meaning):
            one.unit = common


def _with_specs(wanted: list[Wanted], request: Request) -> list[Wanted]:
    """The keys that must come out whatever the text says, with the text's words about them; then the text's own."""
    by_key = {one.key: one for one in wanted}
    for spec in request.results:
        one = by_key.setdefault(spec.key, Wanted(key=spec.key))
        one.unit = spec.unit or one.unit
        one.meaning = one.meaning or spec.meaning
    first = [spec.key for spec in request.results]
    return [by_key[key] for key in dict.fromkeys([*first, *by_key])]


# Target and models


def _read_target(page: Page, reading: Reading) -> None:
    """Given coordinates win over the position of a named source."""
    positions = take_positions(page)
    named = take_sources(page)
    if named:
        reading.target = named[0][0].name
    if positions:
        reading.give("TARGET_RA", positions[0].ra, positions[0].words)
        reading.give("TARGET_DEC", positions[0].dec, positions[0].words)
        for other in positions[1:]:
            if abs(other.dec - positions[0].dec) > 0.02 or abs(other.ra - positions[0].ra) > 0.02:
                reading.unread.append(f"a second position, {other.words}")
    elif named:
        source, words = named[0]
        reading.give("TARGET_RA", source.ra, words)
        reading.give("TARGET_DEC", source.dec, words)
        reading.assumptions.append(
            f"{source.name} is at RA {source.ra}, Dec {source.dec} deg (ICRS), from {source.catalogue}."
        )
        others = {other.name for other, _ in named[1:]} - {source.name}
        reading.unread += [f"a second source, {name}" for name in sorted(others)]


CUTOFF = r"exponential(?:ly)?[\s-]*(?:high-energy\s*)?cut-?\s?off|exp\w*[\s-]*cut-?\s?off|cut-?off[\s-]+power[\s-]*law|power[\s-]*law with (?:an? )?cut-?\s?off|\bECPL\b|\bPLEC\b|ExpCutoff\w*"
PARABOLA = r"log(?:arithmic)?[\s-]*parabol\w*|curved power[\s-]*law|\bLogParabola\w*"
POWER_LAW = r"power[\s-]*laws?\b|\bPL\b|PowerLaw\w*"
SHAPES = {
    "point": r"point[\s-]*(?:like)?[\s-]*(?:source|model|spatial)|\bpoint-?like\b|PointSpatialModel",
    "gauss": r"\bgauss(?:ian)?\w*",
    "disk": r"\bdis[kc]s?\b|DiskSpatialModel|top-?hat",
}


def _read_models(page: Page, reading: Reading) -> None:
    """Spectral and spatial model; asking for two of a sort is not understood."""
    rest = page.left
    for tag, pattern in (("ecpl", CUTOFF), ("lp", PARABOLA)):
        if match := re.search(pattern, rest, re.IGNORECASE):
            reading.give("SPECTRAL_MODEL", tag, match.group())
            rest = re.sub(
                rf"(?:(?:{POWER_LAW})\s*(?:with\s+)?(?:an?\s+)?)?(?:{pattern})(?:\s*{POWER_LAW})?",
                " ",
                rest,
                flags=re.IGNORECASE,
            )
    if match := re.search(POWER_LAW, rest, re.IGNORECASE):
        reading.give("SPECTRAL_MODEL", "pl", match.group())
    for tag, pattern in SHAPES.items():
        if match := next(page.find(pattern), None):
            reading.give("SPATIAL_MODEL", tag, match.group())


PARAMETERS = {
    "index": r"(?:(?:photon|spectral)[\s-]*)?index|gamma",
    "sigma": r"sigma|(?:gaussian )?width|extension",
    "r_0": r"(?:disk )?radius",
    "lambda_": r"cut-?\s?off(?: energy)?",
    "beta": r"beta|curvature",
}
FIX = r"(?:fix(?:ed|ing)?|frozen|freez(?:e|ing)|held|kept|keep(?:ing)?|hold(?:ing)?)(?: (?:fixed|constant|frozen))?"


def _read_fixed(page: Page, reading: Reading) -> None:
    """Parameters that are not fitted: `index fixed to 2`, `fix the index at 2`, `index = 2 (fixed)`, `position fixed`."""
    value = rf"\s*(?:to|at|=|of|:)?\s*({NUMBER})\s*(deg|arcmin|[kMGT]eV)?"
    for name, words in PARAMETERS.items():
        patterns = (
            rf"\b(?:{words})\b\s*(?:is\s+|be\s+)?{FIX}{value}",
            rf"\b{FIX}\s+(?:the\s+|a\s+)?(?:{words})\b{value}",
            rf"\bfixed\s+(?:{words})\b{value}",
            rf"\b(?:{words})\b{value}\s*\(?,?\s*(?:{FIX})",
        )
        for pattern in patterns:
            if match := next(page.find(pattern), None):
                number = float(match.group(1)) / (60 if match.group(2) == "arcmin" else 1)
                if name == "lambda_":
                    number = 1 / (number * {"GeV": 1e-3}.get(match.group(2) or "", 1.0))
                reading.values["FIXED"] = {**reading.values.get("FIXED", {}), name: number}
                reading.words["FIXED"] = page.take(*match.span())
    place = r"(?:position|centre|center|location|coordinates)"
    if match := next(
        page.find(
            rf"\b{FIX}\s+(?:the\s+)?(?:source\s+)?{place}|\b{place}\s+(?:is\s+|are\s+)?{FIX}[^,.;]*|\bfixed {place}"
        ),
        None,
    ):
        reading.give("POSITION_RANGE", 0.0, page.take(*match.span()))
    elif match := next(page.find(rf"\bfree\b[^,.;]*\b{place}|\b{place}[^.;]*\bfree\b"), None):
        reading.words["POSITION_RANGE"] = match.group()
    for match in list(page.find(rf"\b{FIX}\s+(?:to|at|the)\b[^,.;]*")):
        reading.unread.append(page.take(*match.span()))


# Energies and angles

ENERGY_MEANINGS = {
    "fit": r"\bfit(?:ted|ting)?\b",
    "analysis": r"\breco(?:nstructed)?\b|energy (?:range|interval|window)|\benergies\b|\bevents\b|\baxis\b|\bbins?\b|\bcounts\b|\bover\b|\brestrict\w*|\blimit\w*|\bonly\b|\bthreshold\b|\banalys\w+|\bspectrum\b|\brange\b",
    "true": r"\btrue\b|\be_?true\b|energy_true",
    "integral": r"\bflux(?:es)?\b|\bintegra\w+|\bluminosity\b",
}
SINGLE_MEANINGS = {
    "reference": r"\breference\b|\bref\b|\bpivot\b|\bnormalis\w+|\bnormaliz\w+|\bdecorrelation\b|\bE_?0\b|\bamplitude\b|\bscale\b",
    "cutoff": r"\bcut-?\s?off\b",
    "dnde": r"\bdifferential\b|\bdnde\b|\bflux\b",
}


def _read_energies(page: Page, reading: Reading) -> None:
    for found in find_energies(page):
        words = page.text[found.start : found.end]
        if found.form == "list":
            _read_edges(page, reading, found, words)
        elif found.form in ("range", "above", "below"):
            _read_range(page, reading, found, words)
        else:
            meaning = nearest(page, found.start, found.end, SINGLE_MEANINGS)
            if meaning == "reference":
                reading.give("REFERENCE_ENERGY", found.values[0], words)
            elif meaning == "dnde":
                reading.differentials.append(found.values[0])
            else:
                reading.unread.append(_around(page, found.start, found.end))
        page.take(found.start, found.end)


def _read_edges(page: Page, reading: Reading, found: Energies, words: str) -> None:
    rising = list(found.values) == sorted(set(found.values))
    if rising and re.search(
        r"\bedges?\b|\bbands?\b|\bbins?\b|\bintervals?\b|\bboundar\w+", _around(page, found.start, found.end, 90), re.I
    ):
        reading.give("FLUX_POINT_EDGES", list(found.values), words)
    else:
        reading.unread.append(_around(page, found.start, found.end))


def _read_range(page: Page, reading: Reading, found: Energies, words: str) -> None:
    from gammapygpt.cookbook.keys import ABOVE_TO

    meaning = nearest(page, found.start, found.end, ENERGY_MEANINGS) or "analysis"
    if meaning == "true":
        reading.unread.append(_around(page, found.start, found.end))
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
        reading.unread.append(_around(page, found.start, found.end))


def _read_bins(page: Page, reading: Reading) -> None:
    """`8 logarithmic bins`, `10 bins per decade`, `flux points in 6 bins`."""
    bins = r"(?<![\w.])(\d{1,3})\s+(?:[\w-]+\s+){0,3}?bins?\b(\s*(?:per|a|each|/)\s*(?:energy\s*)?decade)?"
    for match in list(page.find(bins)) + list(page.find(r"\bbins per decade\s*[:=]?\s*(\d{1,3})()")):
        if re.search(r"flux point|SED", _around(page, *match.span(), 40), re.I):
            reading.unread.append(_around(page, *match.span()))
        else:
            reading.give(
                "BINS_PER_DECADE" if "decade" in match.group() else "ENERGY_BINS", int(match.group(1)), match.group()
            )
        page.take(*match.span())


ANGLE_MEANINGS = {
    "OFFSET_MAX": r"\bevents?\b[^,;.]*\b(?:pointing|centre|center|camera|axis|offset)\b|\b(?:max(?:imum)?|largest|event) offset\b|\boffset(?:[\s-]*(?:max|cut|limit))?\b|\bfield of view radius\b|\boff-?axis\b",
    "SELECTION_RADIUS": r"\bpoint(?:ed|ings?)\b|\bcone\b|\bsearch\b|\bselect\w*\b|\b(?:runs?|observations?|data)\b[^,;.]{0,40}\b(?:within|closer|around|near|no farther)\b|\bclosest\b",
    "EXCLUSION_RADIUS": r"\bexclu\w+|\bmask\w*\b|\boutside\b|\bapart from\b|\bexcis\w+|\bavoid\w*\b|\bblank\w*\b",
    "ON_RADIUS": r"(?-i:\bON\b)|\bon[\s-](?:radius|source)|\bextract\w*|\baperture\b|\b(?:source|integration|on-source) region\b|\btheta\b|\b(?:events|counts|photons)\b[^,;.]*\b(?:source|target)\b",
    "PIXEL_SIZE": r"\bpixels?\b|\bbin ?si?ze?\b|\bbinsz\b|\bspatial bin\w*|\bresolution\b",
    "MAP_WIDTH": r"\bmap\b|\bwide\b|\broi\b|\bregion of interest\b|\bside\b|\bcutout\b|\bgeometry\b",
    "EXTENSION": r"\bsigma\b|\bwidth of the (?:source|gaussian)\b|\binitial\b|\bstart\w*\b|\bdisk\b",
    "OTHER": r"\bring\b|\bcorrelation\b|\bsmooth\w*|\bkernel\b|\bzenith\b|\bminimum offset\b|\bat least\b|\bat most\b",
}
WEAK_ANGLES = {"ON_RADIUS": r"\bcircle\b|\bcircular\b"}
FULL_WIDTH = rf"({NUMBER})\s*(?:deg)?\s*(?:x|by|\*)\s*({NUMBER})\s*deg\b"


def _read_angles(page: Page, reading: Reading) -> None:
    """Every angle in the prose, by the words nearest to it; one that no words explain is not understood."""
    for match in list(page.find(FULL_WIDTH)):
        sides = {float(match.group(1)), float(match.group(2))}
        if len(sides) == 1:
            reading.give("MAP_WIDTH", sides.pop(), match.group())
        else:
            reading.unread.append(_around(page, *match.span()))
        page.take(*match.span())
    for match in list(page.find(rf"(?<![\w.^-])({NUMBER})\s*(deg2?|arcmin|arcsec)\b")):
        value = round(float(match.group(1)) / {"arcmin": 60, "arcsec": 3600}.get(match.group(2).lower(), 1), 9)
        meaning = nearest(page, *match.span(), ANGLE_MEANINGS, WEAK_ANGLES)
        words = _around(page, *match.span())
        if meaning in ("", "OTHER", "EXTENSION") or match.group(2) == "deg2":
            reading.unread.append(words)
        else:
            reading.give(meaning, value, words)
        page.take(*match.span())


def _around(page: Page, start: int, end: int, width: int = 40) -> str:
    """A quantity with the words beside it, within its sentence."""
    first, last = page.sentence(start)
    words = page.text[max(first, start - width) : min(last, end + width)]
    return re.sub(r"^\S*\s|\s\S*$", "", words) if len(words) > width else words


# Switches

SWITCHES: list[tuple[str, str, Any]] = [
    (r"\bno (?:additional |further |other |extra )?(?:energy |safe |safe-energy )?(?:threshold|mask(?= range)|safe[\s-]?mask)(?: other than)?|\bwithout (?:an? |any )?(?:safe[\s-]?mask|(?:further |additional )?(?:energy )?threshold)|\bno safe[\s-]?(?:energy[\s-]?)?(?:mask|range|cut)", "AEFF_MAX_PERCENT", 0.0),
    (r"\b(?:no|without(?: an?| any)?) exclusion(?: region| mask)?|\bdo not exclude\b|\bno (?:region is )?exclu\w+", "EXCLUSION_RADIUS", 0.0),
    (r"\b(?:no|without(?: any| the)?|ignor\w+(?: the)?) (?:PSF[\s-])?containment(?: correction)?", "CONTAINMENT_CORRECTION", False),
    (r"\bcontainment[\s-]correct\w*|\bcorrect\w* for (?:the )?(?:fraction|containment|leakage|PSF)", "CONTAINMENT_CORRECTION", True),
    (r"\bnot stacked\b|\bjoint(?:ly)?\b|\bsimultaneous(?:ly)?\b|\bwithout stacking\b", "STACKED", False),
    (r"\bstack(?:ed|ing)?\b", "STACKED", True),
    (r"\b(?:norm(?:alisation)? and tilt|tilt)\b", "BACKGROUND_METHOD", "fit"),
]  # fmt: skip


def _read_switches(page: Page, reading: Reading) -> None:
    """Choices that are made in words; the first form that is found decides."""
    percent = rf"(?:aeff|effective area)[^.;]{{0,60}}?({NUMBER})\s*(?:%|per ?cent)|({NUMBER})\s*(?:%|per ?cent)[^.;]{{0,40}}?(?:aeff|effective area)"
    match = next(page.find(percent), None)
    if match and re.search(r"max|above|below|threshold|exceed|larger|greater", match.group()):
        reading.give("AEFF_MAX_PERCENT", float(match.group(1) or match.group(2)), page.take(*match.span()))
    for pattern, name, value in SWITCHES:
        match = next(page.find(pattern), None)
        if match and name not in reading.words:
            reading.give(name, value, match.group())
    if match := next(page.find(r"\b([\w-]+\.(?:ecsv|fits))\b"), None):
        reading.give("SED_TABLE", match.group(1), match.group())
