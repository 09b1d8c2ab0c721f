"""Which observations a request asks for: ids, ranges of ids, years and dates, data stores."""

from __future__ import annotations

import re
from calendar import month_abbr, monthrange
from datetime import date, timedelta
from typing import NamedTuple

from gammapygpt.cookbook.words import Page
from gammapygpt.state import StoreInfo

NOUN = r"\b(?:runs?|observations?|obs)\b(?:[ _]*(?:ids?|numbers?|nos?)\b\.?)?|\b(?:OBS_?)?IDs?\b"
UNIT = r"(?:deg|arcmin|[kMGTP]eV|h|hours?|x|%)\b"
ID = rf"\d{{1,8}}(?!\d|\.\d|\s*{UNIT}|\s*(?:-|to|and)\s*[\d.]+\s*{UNIT})"
RANGE = rf"(?:{ID})\s*(?:-|to|through|until|\.\.\.?|up to)\s*(?:{ID})"
ITEM = rf"(?:{RANGE}|{ID})"
LISTED = rf"{ITEM}(?:\s*(?:,\s*and|,\s*&|,|and|&|\+|;)\s*{ITEM})*"
EXCLUDED = (
    r"(?:except|excluding|without|apart from|leaving out|leave out|leave|omit(?:ting)?|skip(?:ping)?|but not"
    r"|other than|exclude|drop|ignore)"
)
MONTHS = "|".join(f"[{name[0]}{name[0].lower()}]{name[1:]}[a-z]*" for name in month_abbr[1:])
YEAR = r"(?:19|20)\d\d"


class Runs(NamedTuple):
    """Ids as written: single ones, and ranges still to be resolved against a data store."""

    ids: list[int]
    ranges: list[tuple[int, int]]
    words: str

    def resolve(self, known: list[int]) -> list[int]:
        """All ids, ascending; a range means the known ids in it, or every number where none are known."""
        inside = {i for low, high in self.ranges for i in (known or range(low, high + 1)) if low <= i <= high}
        return sorted({*self.ids, *inside})


def take_runs(page: Page) -> tuple[Runs | None, Runs | None]:
    """Take the ids to use and the ids to leave out."""
    left_out = _take(
        page, rf"{EXCLUDED}\s+(?:for\s+)?(?:the\s+)?(?:{NOUN})?\s*[:=#]?\s*[\[(]?\s*({LISTED})", need_noun=True
    )
    used = _take(page, rf"(?:{NOUN})\s*(?:are|is|in|from|between|:|=|#|of)?\s*[\[(]?\s*({LISTED})")
    if used is None:
        # `the four runs in hess-dl3-dr1 (23523, 23526)`: ids alone between brackets, in a sentence that speaks of runs
        used = _take(page, rf"(?:{NOUN})[^.;()\[\]]{{0,60}}[\[(]\s*({ITEM}(?:\s*,\s*(?:and\s+)?{ITEM})+)\s*[\])]")
    return used, left_out


def _take(page: Page, pattern: str, need_noun: bool = False) -> Runs | None:
    ids: list[int] = []
    ranges: list[tuple[int, int]] = []
    words = []
    for match in list(page.find(pattern)):
        listed = match.group(1)
        if need_noun and not re.search(NOUN, match.group()) and not re.fullmatch(r"\D*\d{4,}.*", listed, re.S):
            continue
        if re.search(r"between", match.group(), re.I) and (pair := re.fullmatch(rf"({ID})\s+and\s+({ID})", listed)):
            ranges.append((int(pair.group(1)), int(pair.group(2))))
        else:
            rest = listed
            for part in re.finditer(rf"({ID})\s*(?:-|to|through|until|\.\.\.?|up to)\s*({ID})", listed):
                ranges.append((int(part.group(1)), int(part.group(2))))
                rest = rest.replace(part.group(), " ")
            ids += [int(i) for i in re.findall(r"\d+", rest)]
        words.append(page.take(*match.span()))
    return Runs(ids, ranges, "; ".join(words)) if words else None


def take_dates(page: Page) -> tuple[list[str], str] | None:
    """Take the dates that select observations: `[start, stop]` in UTC and the words; None where there are none.

    A date counts only in a sentence about observations; a stop is the start of the day after.
    """
    for first, last in page.sentences():
        sentence = page.left[first:last]
        if not re.search(
            r"\b(runs?|observations?|observed|data|taken|recorded|nights?|flare|light[\s-]?curves?)\b", sentence, re.I
        ):
            continue
        for pattern, meaning in FORMS:
            if match := re.search(pattern, sentence, re.I):
                start, stop = meaning(match)
                words = page.take(first + match.start(), first + match.end())
                return [start.isoformat(), stop.isoformat()], words
    return None


def _day(text: str) -> date:
    """`2006-07-29`, `29 July 2006`, `July 29, 2006`, `July 2006` or `2006`: the first day of it."""
    if match := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text.strip()):
        return date(*(int(part) for part in match.groups()))
    year = int(re.search(YEAR, text).group())  # type: ignore[union-attr]
    month = re.search(MONTHS, text, re.I)
    day = re.search(r"\b(\d{1,2})\b", re.sub(YEAR, " ", text))
    number = [name.lower() for name in month_abbr].index(month.group()[:3].lower()) if month else 1
    return date(year, number, int(day.group(1)) if day and month else 1)


def _end(text: str) -> date:
    """The day after the last one of a date, a month or a year."""
    start = _day(text)
    if re.fullmatch(r"\s*\d{4}-\d\d-\d\d\s*", text) or re.search(r"\b\d{1,2}\b", re.sub(YEAR, " ", text)):
        return start + timedelta(days=1)
    if re.search(MONTHS, text, re.I):
        return start + timedelta(days=monthrange(start.year, start.month)[1])
    return date(start.year + 1, 1, 1)


DATE = (
    rf"(?:\d{{4}}-\d\d-\d\d|\d{{1,2}}\.?\s+(?:{MONTHS})\s+{YEAR}|(?:{MONTHS})\s+\d{{1,2}},?\s+{YEAR}"
    rf"|(?:{MONTHS}),?\s+{YEAR}|{YEAR})"
)
FAR_PAST, FAR_FUTURE = date(1980, 1, 1), date(2100, 1, 1)
FORMS = [
    (rf"\b(?:between|from)\s+({DATE})\s+(?:and|to|until)\s+({DATE})", lambda m: (_day(m[1]), _end(m[2]))),
    (rf"(?<![\w$/.-])({DATE})\s*(?:to|until|through)\s*({DATE})(?![\w-])", lambda m: (_day(m[1]), _end(m[2]))),
    (
        rf"\bnights?\s+(?:of\s+)?(\d{{1,2}})\s*[/-]\s*\d{{1,2}}\s+((?:{MONTHS})\s+{YEAR})",
        lambda m: (_day(f"{m[1]} {m[2]}"), _day(f"{m[1]} {m[2]}") + timedelta(days=2)),
    ),
    (rf"\b(?:before|until|prior to)\s+({DATE})", lambda m: (FAR_PAST, _day(m[1]))),
    (rf"\b(?:since)\s+({DATE})", lambda m: (_day(m[1]), FAR_FUTURE)),
    (rf"\b(?:after)\s+({DATE})", lambda m: (_end(m[1]), FAR_FUTURE)),
    (
        rf"\b(?:in|on|of|from|during|year|for|taken|season|campaign|the)\s+(?:the\s+)?(?:years?\s+|month\s+of\s+|season\s+)?({DATE})(?![\w-])",
        lambda m: (_day(m[1]), _end(m[1])),
    ),
    (rf"(?<![\w$/.-])({DATE})\s+(?:runs?|observations?|data|season|campaign)\b", lambda m: (_day(m[1]), _end(m[1]))),
]


def take_stores(page: Page, stores: list[StoreInfo]) -> list[tuple[str, str]]:
    """Take the folders of data that a request names, with the words: paths below the data folder, a release's name."""
    pattern = r"[$][{]?(?:GAMMAPY_DATA|PHOTON_STORAGE)[}]?/?([\w./+-]*)"
    named = [
        (match.group(1).rstrip("./ ").lstrip("/") or ".", page.take(*match.span()))
        for match in list(page.find(pattern))
        if not re.search(r"\.ya?ml\.?$", match.group(1))
    ]
    for store in stores:
        folder = re.escape(store.path)
        if store.path != "." and (match := next(page.find(rf"(?<![\w/-]){folder}(?![\w/-])"), None)):
            named.append((store.path, page.take(*match.span())))
    if match := next(
        page.find(r"\bHESS\s+(?:public\s+)?(?:DL3[ -]?)?(?:DR1|data release 1|public data release)\b"), None
    ):
        release = next((store.path for store in stores if "hess-dl3-dr1" in store.path), "hess-dl3-dr1")
        if not named or "hess-dl3-dr1" in release:
            named.append((release, page.take(*match.span())))
    first = {path: words for path, words in reversed(named) if path != "." or len(named) == 1}
    return [(path, words) for path, words in reversed(first.items())]


def near(store: StoreInfo, ra: float, dec: float, radius: float) -> list[int]:
    """Ids of the observations of a store that point within `radius` (deg) of a position (deg, ICRS)."""
    from math import asin, cos, degrees, radians, sin, sqrt

    def separation(ra_2: float, dec_2: float) -> float:
        a, b = radians(dec), radians(dec_2)
        haversine = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(ra_2 - ra) / 2) ** 2
        return degrees(2 * asin(sqrt(min(1.0, haversine))))

    return [
        obs_id
        for obs_id, ra_2, dec_2 in zip(store.obs_ids, store.ra_deg, store.dec_deg, strict=True)
        if ra_2 == ra_2 and separation(ra_2, dec_2) <= radius
    ]
