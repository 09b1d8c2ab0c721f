"""Words by which reference material is found: English without its endings, identifiers whole and in parts, units."""

from __future__ import annotations

import functools
import itertools
import re
from pathlib import Path

THESAURUS = Path(__file__).with_name("thesaurus.tsv")
"""What users say, and what Gammapy's documentation calls it: phrases between commas, a tab, words."""
EVERYDAY = Path(__file__).with_name("everyday.txt")
"""Common words of English that are found anywhere."""

TOKEN = re.compile(
    r"(?P<unit>(?<![\w.])(?:cm|km|m|s|h|sr|deg|[TGMk]?eV|erg)(?:\*\*|\^)?[({]?-\d(?!\d))"
    r"|(?P<name>\d{0,2}[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
)
"""A unit with a negative power, or a (dotted) name; plain numbers are neither, `3D` and `4FGL` are names."""
WORD = re.compile(r"\b[a-z0-9_]{2,}\b")
PHRASE = re.compile(r"[.;:,()\n\[\]{}=>]+|\s-\s")
"""Between two phrases; a dotted name falls apart as well."""
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
LONGEST = 5
"""Words of a phrase of the thesaurus."""
ENDINGS = ("ations", "ation", "ings", "ing", "ions", "ion", "ies", "ed", "es", "er", "s", "y", "e")

_COMMON = """
a about after all also an and any are as at be been before by can could do does for from given gammapy get give has have
help how i if in instead into is it its just like me my need no not of off old on or our please should so some that the
their them then there these this to up use used uses using want was way we were what when where which will with would
write you your
class def false import none object return self true type
"""
STOP_WORDS = frozenset(_COMMON.split())
WHOLE = frozenset({"tev", "gev", "mev", "kev", "ev", "numpy", "astropy"})
"""Written in mixed case or not, these have no parts."""
FIELD_TERMS = {
    "lightcurve": "light curve",
    "lightcurves": "light curve",
    "livetime": "live time",
    "sed": "flux point spectral",
    "spectrum": "spectral spectrum",
    "spectra": "spectral spectrum",
    "run": "observation run",
    "runs": "observation run",
    "aeff": "effective area aeff",
    "edisp": "energy dispersion edisp",
    "bkg": "background bkg",
    "fov": "field view fov",
    "psf": "point spread psf",
    "skymap": "sky map",
    "ts": "test statistic ts",
    "upper": "upper ul",
    "pointing": "observation",
    "pointings": "observation",
    "sigma": "significance sigma",
    "gaussian": "gauss",
    "cube": "cube map",
    "blazar": "source",
    "nebula": "source",
}
"""Words of the field that are written in more than one way."""


def terms(text: str) -> list[str]:
    """Searchable terms of plain English, code or an error message, in their order.

    `gammapy.makers.SafeMaskMaker` gives itself, `maker`, `safemaskmaker`, `safe`, `mask` and `maker`, all in lower
    case; `cm^-2` gives `cm-2`.
    """
    found: list[str] = []
    for token in TOKEN.finditer(text):
        found.extend(unit_terms(token[0]) if token["unit"] else name_terms(token[0]))
    return found


def pairs(text: str) -> list[str]:
    """Words that stand side by side, as terms with a blank between them: `flux points` and `FluxPoints` give one."""
    found: list[str] = []
    for phrase in PHRASE.split(text):
        words = [term for token in TOKEN.finditer(phrase) if token["name"] for term in name_words(token["name"])]
        found.extend(f"{one} {other}" for one, other in itertools.pairwise(words) if one != other)
    return found


def forms(text: str) -> list[str]:
    """Words as they are written, but for capitals, with a sign that keeps them apart from terms."""
    return [f"={word}" for word in WORD.findall(text.lower()) if word not in STOP_WORDS]


@functools.lru_cache(maxsize=65536)
def name_words(name: str) -> tuple[str, ...]:
    """The parts of a dotted name."""
    return tuple(part for identifier in name.split(".") for part in part_terms(identifier))


def unit_terms(text: str) -> tuple[str, ...]:
    """One way of writing for all: `cm**-2`, `cm^{-2}` and `cm-2` are the same."""
    return (re.sub(r"[*^({]", "", text).lower(),)


@functools.lru_cache(maxsize=65536)
def name_terms(name: str) -> tuple[str, ...]:
    """A dotted name as a whole, then each of its identifiers, then their parts."""
    found: list[str] = [name.lower()] if "." in name else []
    for identifier in name.split("."):
        found.extend(identifier_terms(identifier))
    return tuple(found)


@functools.lru_cache(maxsize=65536)
def identifier_terms(identifier: str) -> tuple[str, ...]:
    """An identifier as a whole where it has parts, then its parts."""
    lower = identifier.lower().strip("_")
    whole = len(PART.findall(identifier)) > 1 or any(map(str.isdigit, lower))
    return (
        (lower, *part_terms(identifier)) if whole and len(lower) > 1 and lower not in WHOLE else part_terms(identifier)
    )


@functools.lru_cache(maxsize=65536)
def part_terms(identifier: str) -> tuple[str, ...]:
    """The parts of an identifier as words of the field, without their endings."""
    if (lower := identifier.lower().strip("_")) in WHOLE:
        return (lower,)
    words = [word for part in PART.findall(identifier) for word in FIELD_TERMS.get(part.lower(), part.lower()).split()]
    return tuple(stem(word) for word in words if word not in STOP_WORDS and len(word) > 1)


@functools.lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """The word without the commonest English endings: enough to bring `reflected` and `reflections` together."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return root(word[: -len(ending)])
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def root(cut: str) -> str:
    """What is left without an ending, as it is in other words: `fitt` is `fit`, `normalis` is `normaliz`."""
    return re.sub(r"(?<=....)is$", "iz", re.sub(r"([bdgmnprt])\1$", r"\1", cut))


def related(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Phrases of a text that Gammapy's documentation has other words for, and the terms of those."""
    words, known = said(text), thesaurus()
    found: list[tuple[str, tuple[str, ...]]] = []
    for place in range(len(words)):
        for length in range(LONGEST, 0, -1):
            if meant := known.get(phrase := words[place : place + length]):
                found.append((" ".join(phrase), meant))
                break
    return found


@functools.cache
def everyday() -> frozenset[str]:
    """Terms of words that say nothing of a subject."""
    return frozenset(part for word in EVERYDAY.read_text(encoding="utf-8").split() for part in part_terms(word))


@functools.cache
def thesaurus() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Phrases, and the terms that they stand for."""
    meanings: dict[tuple[str, ...], tuple[str, ...]] = {}
    for line in THESAURUS.read_text(encoding="utf-8").splitlines()[1:]:
        phrases, tab, meaning = line.partition("\t")
        for phrase in phrases.split(",") if tab else ():
            key = said(phrase)
            meanings[key] = tuple(dict.fromkeys([*meanings.get(key, ()), *terms(meaning)]))
    return meanings


def said(text: str) -> tuple[str, ...]:
    """All words of a text without their endings, the commonest too: phrases are made of them."""
    return tuple(stem(word.lower()) for word in re.findall(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*", text))


def plain_words(text: str) -> set[str]:
    """The terms of a text that are words of their own: neither units nor names as a whole."""
    names = (token["name"] for token in TOKEN.finditer(text) if token["name"])
    return {term for name in names for term in name_words(name)}
