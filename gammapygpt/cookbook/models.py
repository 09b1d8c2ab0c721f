"""Reads models, fixed parameters and choices that are made in words."""

from __future__ import annotations

import re
from typing import Any

from gammapygpt.cookbook.book import Recipe
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.words import NUMBER, Page

CUTOFF = (
    r"exponential(?:ly)?[\s-]*(?:high-energy\s*)?cut-?\s?off|exp\w*[\s-]*cut-?\s?off"
    r"|cut-?\s?off[\s-]+power[\s-]*law|power[\s-]*law with (?:an? )?cut-?\s?off|\bECPL\b"
    r"|\bPLEC\b|ExpCutoff\w*"
)
PARABOLA = r"log(?:arithmic)?[\s-]*parabol\w*|curved power[\s-]*law|\bLogParabola\w*"
POWER_LAW = r"power[\s-]*laws?\b|\bPL\b|PowerLaw\w*"
SHAPES = {
    "point": r"point[\s-]*(?:like)?[\s-]*(?:source|model|spatial)|\bpoint-?like\b|PointSpatialModel",
    "gauss": r"\bgauss(?:ian)?\w*",
    "disk": r"\bdis[kc]s?\b|DiskSpatialModel|top-?hat\b(?=\s+(?:source|model|shape|profile|morpholog))",
}


def read_models(page: Page, reading: Reading, recipe: Recipe | None = None) -> None:
    """Spectral and spatial model; asking for two of a sort is not understood, but where a recipe compares two."""
    rest = page.left
    compares = recipe is not None and "COMPARED_MODEL" in recipe.constants
    reading_of = ("SPECTRAL_MODEL", "COMPARED_MODEL") if compares else ("SPECTRAL_MODEL", "SPECTRAL_MODEL")
    for tag, pattern in (("ecpl", CUTOFF), ("lp", PARABOLA)):
        if match := re.search(pattern, rest, re.IGNORECASE):
            reading.give(reading_of["SPECTRAL_MODEL" in reading.values], tag, match.group())
            rest = re.sub(
                rf"(?:(?:{POWER_LAW})\s*(?:with\s+)?(?:an?\s+)?)?(?:{pattern})(?:\s*{POWER_LAW})?",
                " ",
                rest,
                flags=re.IGNORECASE,
            )
    if match := re.search(POWER_LAW, rest, re.IGNORECASE):
        reading.give(reading_of["SPECTRAL_MODEL" in reading.values], "pl", match.group())
    for tag, pattern in SHAPES.items():
        if match := next(page.find(pattern), None):
            reading.give("SPATIAL_MODEL", tag, match.group())
    if recipe is not None and "INDEX" in recipe.constants:
        for match in list(page.find(PROPORTIONAL)):
            reading.give("INDEX", float(match.group(1)), page.take(*match.span()))


PROPORTIONAL = rf"\bE\s?(?:\^|\*\*)\s?[({{]?\s?-\s?({NUMBER})\b"
"""A power law written as such: E^-2.5."""
PARAMETERS = {
    "index": r"(?:(?:photon|spectral)[\s-]*)?index|gamma",
    "sigma": r"sigma|(?:gaussian )?width|extension",
    "r_0": r"(?:disk )?radius",
    "lambda_": r"cut-?\s?off(?: energy)?",
    "beta": r"beta|curvature",
}
FIX = r"(?:fix(?:ed|ing)?|frozen|freez(?:e|ing)|held|kept|keep(?:ing)?|hold(?:ing)?)(?: (?:fixed|constant|frozen))?"


def read_fixed(page: Page, reading: Reading) -> None:
    """Parameters not fitted: `index fixed to 2`, `fix the index at 2`, `index = 2 (fixed)`, `position fixed`."""
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
    for match in list(page.find(rf"\b{FIX}\s+(?:to|at|the)\b[^,.;]*")):
        reading.unread.append(page.take(*match.span()))


SWITCHES: list[tuple[str, str, Any]] = [
    (
        (
            r"\bno (?:additional |further |other |extra )?(?:energy |safe |safe-energy )?"
            r"(?:threshold|mask(?= range)|safe[\s-]?mask)(?: other than)?"
            r"|\bwithout (?:an? |any |the )?(?:safe[\s-]?mask|(?:further |additional )?(?:energy )?threshold)"
            r"|\bno safe[\s-]?(?:energy[\s-]?)?(?:mask|range|cut)"
        ),
        "AEFF_MAX_PERCENT",
        0.0,
    ),
    (
        (
            r"\b(?:no|without(?: an?| any| the)?) exclusion(?: region| mask)?|\bdo not exclude\b"
            r"|\bno (?:region is )?exclu\w+"
        ),
        "EXCLUSION_RADIUS",
        0.0,
    ),
    (
        r"\b(?:no|without(?: any| the)?|ignor\w+(?: the)?) (?:PSF[\s-])?containment(?: correction)?",
        "CONTAINMENT_CORRECTION",
        False,
    ),
    (
        (
            r"\bcontainment[\s-]correct\w*"
            r"|\bcorrect\w* for (?:the )?(?:fraction|containment|leakage|PSF)"
        ),
        "CONTAINMENT_CORRECTION",
        True,
    ),
    (r"\bnot stacked\b|\bjoint(?:ly)?\b|\bsimultaneous(?:ly)?\b|\bwithout stacking\b", "STACKED", False),
    (r"\bstack(?:ed|ing)?\b", "STACKED", True),
    (r"\b(?:norm(?:alisation)? and tilt|tilt)\b", "BACKGROUND_METHOD", "fit"),
]


def read_switches(page: Page, reading: Reading) -> None:
    """Choices that are made in words; the first form that is found decides."""
    percent = (
        rf"(?:aeff|effective area)[^.;]{{0,60}}?({NUMBER})\s*(?:%|per ?cent)"
        rf"|({NUMBER})\s*(?:%|per ?cent)[^.;]{{0,40}}?(?:aeff|effective area)"
    )
    match = next(page.find(percent), None)
    if match and re.search(r"max|above|below|threshold|exceed|larger|greater", match.group()):
        reading.give("AEFF_MAX_PERCENT", float(match.group(1) or match.group(2)), page.take(*match.span()))
    for pattern, name, value in SWITCHES:
        match = next(page.find(pattern), None)
        if match and name not in reading.words:
            reading.give(name, value, match.group())
    if match := next(page.find(r"\b([\w-]+\.(?:ecsv|fits))\b"), None):
        reading.give("SED_TABLE", match.group(1), match.group())
