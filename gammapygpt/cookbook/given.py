"""Reads what a request gives rather than asks for: numbers of a source, an exposure, a simulation; names of files.

Which number is meant for which constant is told by its unit and by the words that stand nearest to it. The words of
shared constants are here, those of a recipe's own stand in the block at its end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gammapygpt.cookbook.book import Constant, Recipe
from gammapygpt.cookbook.keys import COMPOUND, spell
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.runs import MONTHS, YEAR
from gammapygpt.cookbook.words import NUMBER, Page, around, nearest, number

SHARED = {
    "INDEX": r"\b(?:photon|spectral)?[\s-]*index\b|\bgamma\b(?![\s-]*rays?)|\bslope\b",
    "ALPHA": r"\balpha\b",
    "BETA": r"\bbeta\b|\bcurvature\b",
    "CUTOFF_ENERGY": r"\bcut-?\s?off\b|\bE_?c(?:ut)?\b",
    "AMPLITUDE": r"\bamplitude\b|\bnorm(?:alisation|alization)?\b|\bflux\b|\bdN/?dE\b|\bN_?0\b|\bPhi_?0\b",
    "AMPLITUDE_ERROR": r"\bamplitude (?:error|uncertainty)\b|\b(?:error|uncertainty) (?:of|on) the amplitude\b",
    "INDEX_ERROR": r"\bindex (?:error|uncertainty)\b|\b(?:error|uncertainty) (?:of|on) the index\b",
    "REDSHIFT": r"\bredshift\b|(?<![\w.])z\b",
    "EBL_NORM": r"\b(?:EBL|absorption)\b[^.;]{0,20}\bnorm\w*|\bnormali[sz]ation of the EBL",
    "LIVETIME": r"\blive ?time\b|\bexposures?\b|\bobserv\w+\b|\bobserving time\b|\bhours\b|\bin\b|\bfor\b",
    "OFFSET": r"\boff-?set\b|\boff[\s-]?axis\b|\bfrom the (?:pointing|centre|center|camera)|\bFoV offset\b",
    "SEED": r"\bseed(?:ed)?\b|\brandom[\s_-]state\b",
    "CONFIDENCE_LEVEL": r"\bconfidence\b|\bC\.?L\.?\b|\bupper[\s-]limits?\b|\bUL\b",
    "RING_RADIUS": r"\b(?:inner|ring)\b[^,;.]{0,15}\bradi(?:us|i)\b|\bradi(?:us|i)\b",
    "RING_WIDTH": r"\bwidth\b|\bwide\b|\bthick\w*",
    "CORRELATION_RADIUS": r"\bcorrelat\w+|\btop[\s-]?hat\b|\boversampl\w+|\bintegration radius\b",
    "SEARCH_RADIUS": r"\bwithin\b|\bsearch\b|\bcone\b|\baround\b|\bof (?:that|the|this) position\b",
    "ALPHA_ON_OFF": r"\bacceptance ratio\b|\bON/?OFF ratio\b|\balpha\b",
}
"""Words beside a number that make it the value of a shared constant, where a recipe has it."""

MOMENT = re.compile(r"\b(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(?:\s*UTC\b)?")
TIMES = {"h": 1.0, "hr": 1.0, "hour": 1.0, "min": 1 / 60, "minute": 1 / 60, "s": 1 / 3600, "sec": 1 / 3600}
TIME = re.compile(
    rf"(?<![A-Za-z^])({NUMBER})[\s-]*(h|hrs?|[Hh]ours?|min|[Mm]inutes?|s|sec|[Ss]econds?|d|[Dd]ays?)\b(?!-?\d)"
)
PLAIN = re.compile(rf"(?<![\w.$/^+-])(-?{NUMBER})(\s*(?:%|per ?cent))?(?![\w.]*\w|\s*(?:deg|arc|[kMGTP]eV\b))")
PATH = re.compile(
    r"(?<![\w./-])(?:[$][{]?(?:GAMMAPY_DATA|PHOTON_STORAGE)[}]?/)?([\w+-][\w./+-]*"
    r"\.(?:fits?(?:\.gz)?|ecsv|csv|ya?ml|dat|txt|asdf))(?![\w/])",
    re.I,
)
WRITING = re.compile(r"\b(?:writ\w*|sav\w*|stor\w*|output|export\w*)\b[^.;]*$", re.I)
NO_QUANTITY = re.compile(
    rf"(?:\d{{1,2}}\s*[/-]\s*)?\d{{1,2}}(?:st|nd|rd|th)?\.?\s+(?:{MONTHS})(?:\s+{YEAR})?|(?:{MONTHS})\s+\d{{1,2}},?\s+{YEAR}"
    rf"|(?:{MONTHS})\s+{YEAR}|\b{YEAR}-\d\d-\d\d\b|\({YEAR}\)|\b(?:et al\.?,?|year|in|of|from|since)\s+{YEAR}\b"
    r"|\bsteps?\s+\d+\b|\b1(?=[\s-]*sigma\b)|\b(?:\d[A-Z]+|[A-Z]{2,})\w*\s?[A-Z]?\d[\w.+-]*"
    rf"|\b[A-Z][a-z\u00e0-\u00ff]+(?:[\s-][A-Z][a-z\u00e0-\u00ff]+)?\s+{YEAR}(?=\s+(?:model|EBL|template|paper)\b|\s*[,;)])"
    r"|\beq(?:uation|n)?s?\.?\s*\(?\d+\b"
    r"|\b(?:Abell|Arp|Markarian|Messier|Mkn|Mrk|Ton)\s?\d+\b",
)
"""Numbers that give no value: dates that select nothing, years of papers, names."""


def words_of(recipe: Recipe | None, unit: tuple[str, ...] = ()) -> dict[str, str]:
    """By constant of a recipe, the words beside its values: constants of a unit, or of none."""
    if recipe is None:
        return {}
    words = {**SHARED, **recipe.about.said}
    return {
        name: words[name]
        for name, constant in recipe.constants.items()
        if name in words and constant.unit in (unit or ("",)) and not constant.is_file
    }


def read_files(page: Page, reading: Reading, recipe: Recipe | None) -> None:
    """Paths with an extension: files to be read, several where a constant is a list; and files to be written."""
    constants = {name: one for name, one in (recipe.constants if recipe else {}).items() if one.is_file}
    for match in list(page.find(PATH.pattern)):
        writes = "/" not in match.group() and WRITING.search(page.text[max(0, match.start() - 80) : match.start()])
        fitting = [name for name, one in constants.items() if written(one) == bool(writes)]
        name = _nearest_file(page, match, fitting, recipe)
        if match.group() == "result.json":
            continue
        several = name and isinstance(constants[name].default, list)
        if several:
            reading.values[name] = [*reading.values.get(name, []), match.group(1)]
            reading.words[name] = page.take(*match.span())
        elif name and name not in reading.values:
            reading.give(name, match.group(1), page.take(*match.span()))
        elif recipe is not None:
            reading.unread.append(page.take(*match.span()))


def written(constant: Constant) -> bool:
    """Whether a file is one that the script writes."""
    return "GAMMAPY_DATA" not in constant.comment


def _nearest_file(page: Page, match: re.Match[str], fitting: list[str], recipe: Recipe | None) -> str:
    """Of several constants, the one whose words stand nearest; else the first whose file has that extension."""
    said = {name: recipe.about.said[name] for name in fitting if recipe and name in recipe.about.said}
    if len(fitting) > 1 and said and (name := nearest(page, *match.span(), said)):
        return name
    suffix = match.group(1).lower().removesuffix(".gz").rpartition(".")[2]
    same = [name for name in fitting if recipe and str(recipe.constants[name].default or "").find(f".{suffix}") >= 0]
    return (same or fitting or [""])[0]


def read_moments(page: Page, reading: Reading, recipe: Recipe | None) -> None:
    """Dates with a time of day, where a recipe has constants for a start and a stop; else they stay."""
    names = [name for name, one in (recipe.constants if recipe else {}).items() if one.comment.startswith("UTC")]
    for match in list(page.find(MOMENT.pattern)) if len(names) == 2 else []:
        ends = re.search(r"\b(?:to|until|till|and|before|-)\s*$", page.text[: match.start()], re.I)
        reading.give(names[bool(ends)], f"{match.group(1)}T{match.group(2)}", page.take(*match.span()))


def read_given(page: Page, reading: Reading, recipe: Recipe | None) -> None:
    """Flux densities, times, and numbers without a unit, in that order."""
    if recipe is None:
        return
    _read_errors(page, reading, recipe)
    _read_compound(page, reading, recipe)
    _read_times(page, reading, recipe)
    _read_choices(page, reading, recipe)


def _read_compound(page: Page, reading: Reading, recipe: Recipe) -> None:
    """`1e-12 cm-2 s-1 TeV-1`, `3e-26 cm3 s-1`: by dimension, then by words."""
    from astropy import units as u

    for match in list(page.find(rf"({NUMBER})\s*({COMPOUND.pattern})", 0)):
        unit = u.Unit(spell(match.group(2)))
        fitting = {
            name: words
            for name, words in {**SHARED, **recipe.about.said}.items()
            if name in recipe.constants and _same(unit, recipe.constants[name].unit)
        }
        name = next(iter(fitting), "") if len(fitting) == 1 else nearest(page, *match.span(), fitting)
        if not name:
            reading.unread.append(around(page, *match.span()))
        else:
            value = float((float(match.group(1)) * unit).to_value(recipe.constants[name].unit))
            reading.give(name, float(f"{value:.12g}"), match.group())
        page.take(*match.span())


def _read_errors(page: Page, reading: Reading, recipe: Recipe) -> None:
    """`index 2.3 +/- 0.1`, `1.2e-12 +/- 1e-13 cm-2 s-1 TeV-1`: a value with the error that belongs to it."""
    from astropy import units as u

    said = {**SHARED, **recipe.about.said}
    bases = [name.removesuffix("_ERROR") for name in recipe.constants if name.endswith("_ERROR")]
    unit_words = rf"(?:\s*({COMPOUND.pattern}|[kMGTP]eV\b))?"
    for match in list(page.find(rf"({NUMBER})\s*\+/-\s*({NUMBER}){unit_words}", 0)):
        unit = u.Unit(spell(match.group(3))) if match.group(3) else u.Unit("")
        fitting = {
            name: said[name]
            for name in bases
            if name in said and name in recipe.constants and u.Unit(recipe.constants[name].unit).is_equivalent(unit)
        }
        name = nearest(page, *match.span(), fitting)
        words = page.take(*match.span())
        if not name:
            reading.unread.append(words)
            continue
        for constant, value in ((name, match.group(1)), (f"{name}_ERROR", match.group(2))):
            scaled = (float(value) * unit).to_value(recipe.constants[name].unit)
            reading.give(constant, float(f"{scaled:.12g}"), words)


def _same(unit: object, other: str) -> bool:
    from astropy import units as u

    return bool(other) and u.Unit(other).is_equivalent(unit)


def _read_times(page: Page, reading: Reading, recipe: Recipe) -> None:
    words = words_of(recipe, ("h", "min", "s", "d"))
    for match in list(page.find(TIME.pattern, 0)):
        name = next(iter(words), "") if len(words) == 1 else nearest(page, *match.span(), words)
        if not name:
            reading.unread.append(around(page, *match.span()))
        else:
            given = match.group(2).lower()
            hours = number(match.group(1)) * (24 if given[0] == "d" else TIMES[given.rstrip("s") or "s"])
            per = {"h": 1.0, "min": 60.0, "s": 3600.0, "d": 1 / 24}[recipe.constants[name].unit]
            reading.give(name, round(hours * per, 9), match.group())
        page.take(*match.span())


def _read_choices(page: Page, reading: Reading, recipe: Recipe) -> None:
    """Constants whose value is told by words alone."""
    for name, values in recipe.about.choices.items():
        for value, words in values.items():
            if name not in reading.values and (match := next(page.find(words), None)):
                default = recipe.constants[name].default
                reading.give(
                    name, value == "true" if isinstance(default, bool) else _typed(value, default), match.group()
                )


def _typed(value: str, default: object) -> object:
    """A value of a choice, as a number where the constant is one."""
    if value == "none":
        return None
    if default is None and re.fullmatch(NUMBER, value):
        return float(value)
    return type(default)(value) if isinstance(default, int | float) else value


def read_plain(page: Page, reading: Reading, recipe: Recipe | None) -> None:
    """Numbers without a unit, last of all: one that no words explain is not understood."""
    words = words_of(recipe) | _limits_of(recipe)
    for match in list(page.find(PLAIN.pattern)):
        if recipe is not None and _names_a_quantity(page, match, recipe):
            page.take(*match.span())
    for match in list(page.find(NO_QUANTITY.pattern, 0)):
        page.take(*match.span())
    for match in list(page.find(PLAIN.pattern)):
        about = around(page, *match.span(), 25)
        name = _nearest_plain(page, match, words)
        if not name or recipe is None:
            reading.unread.append(about)
        else:
            default = recipe.constants[name].default
            fraction = name == "CONFIDENCE_LEVEL" or name.endswith("_FRACTION")
            value = number(match.group(1)) / (100 if match.group(2) and fraction else 1)
            whole = isinstance(default, int) and not isinstance(default, bool) and value == int(value)
            reading.give(name, int(value) if whole else value, about)
        page.take(*match.span())


def _names_a_quantity(page: Page, match: re.Match[str], recipe: Recipe) -> bool:
    """The `68 %` of a containment radius is no value: it says which quantity is asked for."""
    return any(
        found.start() <= match.start() and match.end() <= found.end() <= match.end() + 3
        for key in recipe.about.keys.values()
        for found in re.finditer(key.words, page.text[: match.end() + 3], re.I)
    )


def _limits_of(recipe: Recipe | None) -> dict[str, str]:
    has = recipe is not None and "CONFIDENCE_LEVEL" in recipe.constants
    return {"CONFIDENCE_LEVEL": SHARED["CONFIDENCE_LEVEL"]} if has else {}


def _nearest_plain(page: Page, match: re.Match[str], words: Mapping[str, str]) -> str:
    """The constant whose words stand right before a number, else the nearest one in its clause."""
    before = page.text[page.sentence(match.start())[0] : match.start()]
    for name, pattern in words.items():
        if re.search(rf"(?:{pattern})\s*(?:is|of|=|:|at|to|with|set to|fixed (?:to|at))*\s*$", before, re.I):
            return name
    return nearest(page, *match.span(), dict(words), within="clause")
