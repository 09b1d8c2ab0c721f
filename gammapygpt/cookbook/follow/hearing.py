"""What a follow-up says: other values, another source or product, further results; and the words not understood."""

from __future__ import annotations

import re
from typing import NamedTuple

from gammapygpt.cookbook.book import Recipe, recipes
from gammapygpt.cookbook.choose import candidates
from gammapygpt.cookbook.demands import beyond, demanded, uncovered
from gammapygpt.cookbook.energies import find_energies
from gammapygpt.cookbook.follow.alike import alike
from gammapygpt.cookbook.follow.further import FLUX_WORDS, take_results
from gammapygpt.cookbook.follow.phrases import phrase
from gammapygpt.cookbook.follow.reading import Read, read
from gammapygpt.cookbook.follow.spans import LIMITS, PLACE, UNIT, Span
from gammapygpt.cookbook.follow.wording import (
    HARMLESS,
    NO_CUTOFF,
    PLEASANT,
    blanked,
    clean,
    left_over,
    same_things,
    words_about,
)
from gammapygpt.cookbook.given import NO_QUANTITY
from gammapygpt.cookbook.keys import COMPOUND
from gammapygpt.cookbook.reader import read_request
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.runs import MONTHS, YEAR, take_dates
from gammapygpt.cookbook.sky import Position, take_positions, take_sources
from gammapygpt.cookbook.words import NUMBER, Page
from gammapygpt.state import Request

REFERS = re.compile(
    r"\b(?:same|instead|now|again|also|too|as well|as before|once more|this time|previous|earlier|likewise|that|it"
    r"|those|what about|how about|redo|repeat|rerun|then|otherwise|unchanged)\b|^\W*and\b",
    re.I,
)
"""Words that lean on what was asked before."""
HANGS = re.compile(
    r"^\W*(?:with|without|for|at|in|on|from|of|above|below|between|within|using|only|as|but|or|plus)\b", re.I
)
"""Words with which no whole request begins."""
AGAIN = re.compile(
    r"\W*(?:(?:please|now|do|run|try|the|same|it|that|this|thing|again|once|one|more|time|repeat|redo|rerun)\W*)+", re.I
)
CIRCLES = {"SELECTION_RADIUS": "observations that point", "OFFSET_MAX": "events of offset"}
REPLACED = re.compile(
    r"\b(?:instead of|rather than|in place of)\s+([^,;]*?)(?=\s+(?:for|with|in|on|at|and|please)\b|[,;.?!](?!\d)|$)",
    re.I,
)


class Heard(NamedTuple):
    """A follow-up, understood as far as the rules go."""

    text: str
    alone: bool = False
    """A request of its own that leans on nothing."""
    reading: Reading = Reading(text="")
    place: str = ""
    """Words for another source: its name, its coordinates, or both."""
    product: str = ""
    """Recipe of another analysis than before."""
    product_words: str = ""
    added: tuple[str, ...] = ()
    """Further keys of results, in quotes and explained."""
    unread: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing was said that the rules could make a change of."""
        return not (
            self.reading.values
            or self.reading.runs
            or self.reading.left_out
            or self.place
            or self.product
            or self.added
            or self.reading.integrals
            or self.reading.differentials
        )


def hear(said: str, before: Read, there: list[Span]) -> Heard:
    """Understand a follow-up to a request, which gives its values `there`."""
    text = clean(said)
    if before.value("SPECTRAL_MODEL") == "ecpl":
        text = NO_CUTOFF.sub("power law", text)
    if is_alone(text, before):
        return Heard(text, alone=True)
    rest, unknown = _without_replaced(text, before)
    rest, added = take_results(rest, before)
    product, product_words = _product(rest, before)
    recipe = recipes()[product] if product else before.recipe
    rest = _dated(_in_context(rest, before, there), before)
    reading = read_request(Request(text=rest, stores=list(before.stores)), recipe)
    place, rest = _take_place(rest, reading)
    odd = uncovered(reading, recipe)[: -len(reading.unread) or None] if recipe else beyond(reading, [])
    unread = [*unknown, *odd, *reading.unread, *_unexplained(rest, reading, recipe, product)]
    heard = Heard(text, False, reading, place, product, product_words, tuple(added), tuple(dict.fromkeys(unread)))
    if heard.empty and not AGAIN.fullmatch(text):
        return heard._replace(unread=heard.unread or (text or "nothing at all",))
    return heard._replace(unread=()) if heard.empty else heard


def is_alone(text: str, before: Read) -> bool:
    """Whether a follow-up is a whole request: it names an analysis and all that this needs, and refers to nothing."""
    if REFERS.search(text) or HANGS.search(text) or not demanded(text):
        return False
    own = read(text, before.stores)
    if own.recipe is None or own.problems:
        return False
    values = own.reading.values
    others = set(values) - {"TARGET_RA", "TARGET_DEC", "SOURCE_NAME"}
    if own.recipe.constants.get("TARGET_RA") and "TARGET_RA" not in values:
        return False
    elsewhere = values.get("TARGET_RA") != before.reading.values.get("TARGET_RA")
    another = before.recipe is None or own.recipe.name != before.recipe.name
    return (elsewhere and another) or (len(others) > 2 and ("TARGET_RA" in values or another))


def _without_replaced(text: str, before: Read) -> tuple[str, list[str]]:
    """The text without `instead of ...`; those words are unknown where the request says nothing like it."""
    unknown = []
    for match in list(REPLACED.finditer(text)):
        words = left_over(match.group(1))
        if not all(word.lower() in before.text.lower() for one in words for word in one.split()):
            unknown.append(match.group())
        text = text[: match.start()] + " " * len(match.group()) + text[match.end() :]
    return text, unknown


def _in_context(text: str, before: Read, there: list[Span]) -> str:
    """A bare angle in the words of the request, where that gives one alone, or one alone that is `within` something."""
    angles = [span for span in there if re.search(r"\d\s*(?:deg|arcmin)$", before.text[span.start : span.end])]
    named = {name for span in angles for name in span.names}
    said = re.findall(rf"(?<![\w.])({NUMBER}) deg\b", text)
    if len(angles) == len(named) == len(said) == 1 and f"{said[0]} deg" in " ".join(_unread(text, before)):
        return text.replace(f"{said[0]} deg", phrase(named.pop(), float(said[0])) or f"{said[0]} deg")
    within = [span for span in angles if re.search(r"\bwithin\s*$", before.text[: span.start])]
    named = {name for span in within for name in span.names}
    if len(within) != 1 or len(named) != 1 or not named <= set(CIRCLES):
        return text
    bare = rf"(?:(?<=^)|(?<=, )|(?<=and )|(?<=but )|(?<=only ))within (?={NUMBER} (?:deg|arcmin)\W*(?:$|,|and\b))"
    return re.sub(bare, f"{CIRCLES[named.pop()]} within ", text)


def _dated(text: str, before: Read) -> str:
    """`in 2006` is said of the observations, where a request takes dates."""
    if before.recipe is None or "DATES" not in before.recipe.constants or take_dates(Page(text)):
        return text
    return re.sub(rf"\b(?=(?:in|from|of|since|during) (?:(?:{MONTHS}) )?{YEAR}\b)", "data taken ", text, count=1)


def _unread(text: str, before: Read) -> list[str]:
    return read_request(Request(text=text, stores=list(before.stores)), before.recipe).unread


def _product(text: str, before: Read) -> tuple[str, str]:
    """Another analysis than that of the request, and the words that demand it."""
    names = demanded(text)
    if not names or (before.recipe and before.recipe.name in names):
        return "", ""
    if before.recipe and set(names) <= set(before.recipe.about.covers) and _gives(text, before):
        return "", ""
    if before.recipe and re.search(r"\bmap\b", before.recipe.title):
        maps = demanded(f"{text} significance map").items()
        names |= {name: words for name, words in maps if re.search(r"\bmap\b", recipes()[name].title)}
        names.pop(before.recipe.name, None)
    reading = read_request(Request(text=text))
    reading = read_request(Request(text=text))
    sorts = list(dict.fromkeys([*(one.name for one in candidates(reading) if one.name in names), *names]))
    if before.recipe is not None:
        old = before.recipe
        sorts.sort(key=lambda name: not alike(recipes()[name], old))
    return sorts[0], names[sorts[0]]


def _gives(text: str, before: Read) -> bool:
    """Whether a text gives values for constants that the recipe of the request has, energies apart."""
    reading = read_request(Request(text=text, stores=list(before.stores)), before.recipe)
    own = set(reading.values) - {*LIMITS, *PLACE}
    return bool(before.recipe and own and own <= set(before.recipe.constants))


def _take_place(text: str, reading: Reading) -> tuple[str, str]:
    """Words for the source that a follow-up names, and the text without them."""
    page = Page(text)
    spots: list[Position] = take_positions(page)
    named = take_sources(page)
    name = named[0][0].name if named else ""
    if spots and not name:
        before = re.search(
            r"\b(?:for|of|on|at|to|with)\s+((?:[A-Z0-9][\w.+-]*\s?){1,4}?)\s*\(?\s*(?:at|,|:)?\s*$",
            page.text[: page.text.index(spots[0].words)],
        )
        if before:
            name = before.group(1).strip()
            page.take(*before.span(1))
    where = f"RA {spots[0].ra:g} deg, Dec {spots[0].dec:g} deg" if spots else ""
    place = f"{name} ({where})" if name and where else name or where
    rest = page.left.replace("\0", " ")
    if place:
        rest = blanked(
            rest,
            [
                r"\((?:ICRS|J2000)\)|\bICRS\b|\bJ2000\b",
                r"\b(?:source|target|position|coordinates|supernova remnant|blazar|pulsar|nebula)\b",
            ],
        )
    return place, rest


def _unexplained(text: str, reading: Reading, recipe: Recipe | None, product: str) -> list[str]:
    """Words that belong to nothing that was understood."""
    page = Page(text)
    for energies in find_energies(page):
        page.take(energies.start, energies.end)
    rest = page.left.replace("\0", " ")
    for runs in (reading.runs, reading.left_out):
        for words in runs.words.split("; ") if runs else []:
            rest = rest.replace(words, " " * len(words))
    for name in ("DATES", "DATA_STORE", "IRF_FILE", "DATA_FILE", "TIME_BINS"):
        if words := reading.words.get(name, ""):
            rest = rest.replace(words, " " * len(words))
    about = [pattern for name in reading.values for pattern in words_about(name, recipe)]
    about += words_about("RUNS", None) if reading.runs else []
    about += words_about("LEFT_OUT", None) if reading.left_out else []
    about += [FLUX_WORDS] if reading.integrals or reading.differentials else []
    if product and recipe is not None:
        about += [recipes()[name].about.asked for name in (product, *recipe.about.covers) if name in recipes()]
        about += [
            *re.findall(r"[A-Za-z]{3,}", recipe.title),
            r"\b(?:method|plot|map|image|analysis|fit|background|regions?|distribution)\b",
        ]
    values = rf"{NUMBER}\s*{COMPOUND.pattern}"
    numbers = rf"(?<![\w.])-?\d[\d.]*(?:e-?\d+)?\s*(?:%|deg2|{UNIT})?(?!\w)"
    about += same_things(rest, recipe, reading.values)
    strays = [] if "DATES" in reading.values else [match.group() for match in NO_QUANTITY.finditer(rest)]
    rest = blanked(rest, [*HARMLESS, *about, *([values, numbers] if not reading.unread else [])])
    if reading.values or product:
        rest = blanked(rest, [PLEASANT.pattern])
    return [*strays, *left_over(rest)]
