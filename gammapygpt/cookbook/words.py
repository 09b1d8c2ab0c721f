"""The text of a request as a page, from which quantities are taken one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
ABBREVIATIONS = {
    "H.E.S.S.": "HESS",
    "e.g.": "eg",
    "i.e.": "ie",
    "et al.": "et al",
    "approx.": "approx",
    "incl.": "incl",
    "vs.": "vs",
    "Dec.": "Dec",
    "R.A.": "RA",
    "No.": "No",
    "nos.": "nos",
}
STARTS = "Write|Report|Give|Return|Save|Store|Use|Fit|Compute|Calculate|Determine|Measure|Then|The|What|How|Which|Find"
"""Words with which sentences begin after an abbreviation."""
SUPERSCRIPTS = str.maketrans("\u207a\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "+-0123456789")
SPELLINGS: list[tuple[str, Any]] = [
    (r"[\u2010-\u2015\u2212]", "-"),
    (r"\u00d7", "x"),
    (r"[\u201c\u201d]", '"'),
    (r"[\u2018\u2019]", "'"),
    (r"\u03c3", "sigma"),
    (r"\u03b8", "theta"),
    (r"\u2264", "<="),
    (r"\u2265", ">="),
    (r"\s*\u00b0(?!\d)|\s*\b(?:degrees?|degs)\b", " deg"),
    (r"\u00b0", "d"),
    (r"(?<=\d)-deg\b", " deg"),
    (r"\barc-?min(?:ute)?s?\b", "arcmin"),
    (r"\barc-?sec(?:ond)?s?\b", "arcsec"),
    (r"\bteraelectronvolts?\b", "TeV"),
    (r"\b(?<!-)(?:off|on)[ -](?=regions?\b)", lambda match: match.group().upper()),
    (r"[ \t\f\v]+", " "),
    (r"[\u207a\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+", lambda match: match.group().translate(SUPERSCRIPTS)),
    (r"(?<=\d)\s?(?:x|\*|\u00b7|\\times)\s?10\s?(?:\^|\*\*)?\s?\{?\(?([+-]?\d+)\)?\}?(?![\d.])", r"e\1"),
    (r"(?<![\w.])10\s?(?:\^|\*\*)\s?\{?\(?([+-]?\d+)\)?\}?", r"1e\1"),
    (
        rf"\(\s*({NUMBER})\s*(?:\+/?-|\u00b1|\\pm)\s*({NUMBER})\s*\)\s*(?:x|\*|\u00b7|\\times)?\s*1?e([+-]?\d+)",
        r"\1e\3 +/- \2e\3",
    ),
    (r"(?<=\d)\s*(?:\+-|\u00b1|\\pm)\s*(?=[\d.])", " +/- "),
]
COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty"
)
NUMBER_WORDS = {word: value for value, word in enumerate(COUNTED.split())} | {
    "half a": 0.5,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "ninety": 90,
    "a hundred": 100,
}
MEASURED = (
    r"(?:deg(?:ree)?s?|arc-?min\w*|arc-?sec\w*|hours?|minutes?|seconds?|days?|[kMGTP]eV|sigmas?|per ?cent|%|pixels?)\b"
)
WRITTEN_OUT = re.compile(rf"\b({'|'.join(NUMBER_WORDS)})[\s-]+(?={MEASURED})", re.I)
SENTENCE_END = re.compile(r"(?:[.!?](?=\s+[A-Z\"'(\[{`*-])|\n\s*\n|\n(?=\s*[-*]\s)|[.!?]\s*$)")
COORDINATE = re.compile(r"\b(?:RA|Dec)\.?\s*(?:=|of|is|:)?\s*[+-]?\s*$")
CLAUSE_END = re.compile(r"[,;:()\[\]]|\b(?:and|but|while|with)\b")


def tidy(text: str) -> str:
    """The request in plain characters: one kind of dash and quote, `deg` for degrees, no dots in abbreviations.

    Numbers that are written out stand in digits where they measure something: `twenty minutes`, `half a degree`.
    """
    text = WRITTEN_OUT.sub(lambda match: f"{NUMBER_WORDS[match.group(1).lower()]} ", text)
    text = re.sub(rf"\bH\.E\.S\.S\.(?=\s+(?:{STARTS})\b)", "HESS.", text)
    for short, plain in ABBREVIATIONS.items():
        text = text.replace(short, plain)
    for pattern, replacement in SPELLINGS:
        text = re.sub(pattern, replacement, text)
    return text.strip()


@dataclass
class Page:
    """A tidy text, and what of it has not been understood yet."""

    text: str
    left: str = field(default="")
    """The text with everything taken blanked out; positions are those of `text`."""

    def __post_init__(self) -> None:
        self.left = self.left or self.text

    def find(self, pattern: str, flags: int = re.IGNORECASE) -> Iterator[re.Match[str]]:
        """Matches in what is left."""
        return re.finditer(pattern, self.left, flags)

    def has(self, pattern: str) -> bool:
        """Whether a pattern is in what is left."""
        return re.search(pattern, self.left, re.IGNORECASE) is not None

    def take(self, start: int, end: int) -> str:
        """Blank a stretch, and give its words."""
        self.left = self.left[:start] + "\0" * (end - start) + self.left[end:]
        return self.text[start:end]

    def sentences(self) -> list[tuple[int, int]]:
        """Start and end of each sentence."""
        ends = [match.end() for match in SENTENCE_END.finditer(self.text)]
        bounds = [0, *ends, len(self.text)]
        return [(a, b) for a, b in pairwise(bounds) if self.text[a:b].strip()]

    def sentence(self, position: int) -> tuple[int, int]:
        """The sentence around a position."""
        return next(((a, b) for a, b in self.sentences() if a <= position < b), (0, len(self.text)))

    def clause(self, start: int, end: int) -> tuple[int, int]:
        """The clause around a stretch: to the next comma, parenthesis, `and`, `but` or `with`, within its sentence."""
        first, last = self.sentence(start)
        before = [match.end() for match in CLAUSE_END.finditer(self.text, first, start)]
        after = CLAUSE_END.search(self.text, end, last)
        return (before[-1] if before else first), (after.start() if after else last)


def around(page: Page, start: int, end: int, width: int = 40) -> str:
    """A quantity with the words beside it, within its sentence."""
    first, last = page.sentence(start)
    words = page.text[max(first, start - width) : min(last, end + width)]
    return re.sub(r"^\S*\s|\s\S*$", "", words) if len(words) > width else words


def nearest(
    page: Page,
    start: int,
    end: int,
    meanings: dict[str, str],
    weak: dict[str, str] | None = None,
    within: Literal["clause", "sentence"] = "sentence",
) -> str:
    """Which of several meanings a number has: the one whose words stand nearest to it.

    First within its clause, then by weaker words within its clause, then within its sentence. A comma, another number
    or a clause's end in between counts as distance.

    Parameters
    ----------
    page
        Where it stands.
    start, end
        Of the number and its unit.
    meanings
        Regular expression of the telling words by name of the meaning.
    weak
        The same for words that tell something only where no better ones stand.
    within
        How far to look.

    Returns
    -------
    str
        A key of `meanings`, or empty.
    """
    clause, sentence = page.clause(start, end), page.sentence(start)
    for (first, last), patterns in (
        (clause, meanings),
        (clause, weak or {}),
        *([(sentence, meanings), (sentence, weak or {})] if within == "sentence" else []),
    ):
        best: dict[str, float] = {}
        for name, pattern in patterns.items():
            for match in re.finditer(pattern, page.text[first:last], re.IGNORECASE):
                a, b = first + match.start(), first + match.end()
                if (first, last) != clause and _has_its_own(page, a, b, (start, end), clause):
                    continue
                between = page.text[b:start] if b <= start else page.text[end:a]
                if a < end and b > start:
                    between = ""
                far = len(between) + 25 * len(CLAUSE_END.findall(between)) + 40 * len(re.findall(NUMBER, between))
                best[name] = min(far, best.get(name, far))
        if best:
            return min(best, key=lambda name: best[name])
    return ""


def _has_its_own(page: Page, a: int, b: int, number: tuple[int, int], clause: tuple[int, int]) -> bool:
    """Whether words stand in another clause than a number, with a number of their own: they say nothing of this one."""
    first, last = page.clause(a, b)
    starts = [first + one.start() for one in re.finditer(rf"(?<![\w.]){NUMBER}\s*[a-zA-Z%]", page.text[first:last])]
    others = [one for one in starts if one != number[0] and not COORDINATE.search(page.text[first:one])]
    return (first, last) != clause and bool(others)


def number(text: str) -> float:
    """A number as people and keys write it: `0.3`, `.3`, `0p3`, `1e-11`."""
    return float(re.sub(r"(?<=\d)p(?=\d)", ".", text))
