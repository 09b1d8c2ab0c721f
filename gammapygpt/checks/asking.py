"""What a request says, for the checks that compare it with a run: values by name of a recipe's constant, and keys.

The rules of the cookbook read it; a few quantities that only some recipes know are read here for all, from words that
leave no doubt.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from gammapygpt.cookbook.reader import read_request
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.words import NUMBER, tidy
from gammapygpt.state import Request

NO_REQUEST = re.compile(r"exec \S[^\n]*|\s*")
"""What `gammapygpt exec` calls its run: the name of a file asks for nothing."""
WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
PLAINLY: dict[str, str] = {
    "REDSHIFT": rf"\bredshift\s*(?:of|is|=|:|at)?\s*(?:about\s+)?(?:z\s*=\s*)?({NUMBER})|(?<![\w.])z\s*=\s*({NUMBER})",
    "OFFSET": (
        rf"({NUMBER})\s*deg\s*(?:off-?axis|off-?set\b|(?:away )?from (?:the )?(?:pointing|camera cent|centre of the f))"
        rf"|\boff-?set\s*(?:angle\s*)?(?:of|is|=|:)?\s*({NUMBER})\s*deg"
    ),
    "INDEX": rf"\b(?:photon |spectral )?index\s*(?:of|is|=|:)?\s*({NUMBER})",
    "AMPLITUDE": rf"\bamplitude\s*(?:of|is|=|:)?\s*({NUMBER})\s*(?:cm-2|/|TeV-1)",
    "LIVETIME": rf"({NUMBER})\s*(?:h|hours?)\s*(?:of\s*)?(?:live ?time|observ\w+|exposure)"
    rf"|\b(?:live ?time|exposure|observing time)\s*(?:of|is|=|:)?\s*({NUMBER})\s*(?:h\b|hours?)",
    "CORRELATION_RADIUS": (
        rf"({NUMBER})\s*deg\s*(?:top[\s-]?hat\s*)?correlation|correlation radius\s*(?:of|=|:)?\s*({NUMBER})\s*deg"
    ),
}
"""Words around one number; in the unit of the constant."""
OFF_COUNT = re.compile(
    rf"\b({'|'.join(WORDS)}|\d{{1,2}})\s+(?:reflected\s+)?OFF[\s-]regions?"
    rf"|(?:at most|exactly)\s+({'|'.join(WORDS)}|\d{{1,2}})\s+(?:reflected|background|OFF)\s*regions?",
    re.I,
)
SIGNED = r"[+-]?\s?\d+(?:\.\d+)?"
GALACTIC = re.compile(
    rf"\b(?:l|GLON)\s*=?\s*({SIGNED})\s*(?:deg)?\s*(?:,|;|and|\s)\s*(?:galactic\s+)?(?:latitude\s+)?(?:b|GLAT)\s*=?\s*({SIGNED})",
    re.I,
)
AT_LEAST = re.compile(r"(?i)\b(?:at least|minimum)\W*(?:of\W*)?$")
ALL_OFF = re.compile(r"(?i)as many OFF regions as|all (?:the )?(?:OFF |reflected )?regions that fit|default reflected")


def reading(request: Request | None) -> Reading:
    """The request as it is read by rules; an empty reading where there is none."""
    if request is None or NO_REQUEST.fullmatch(request.text):
        return Reading(text="")
    return _reading(request.model_dump_json(include={"text", "stores", "results"}))


@lru_cache(maxsize=8)
def _reading(request: str) -> Reading:
    asked = Request.model_validate_json(request)
    try:
        found = read_request(asked)
    except (ValueError, KeyError, IndexError, ZeroDivisionError):
        found = Reading(text=tidy(asked.text))
    for name, pattern in PLAINLY.items():
        matches = list(re.finditer(pattern, found.text, re.I))
        numbers = {float(next(filter(None, match.groups()))) for match in matches}
        if len(numbers) == 1 and name not in found.values:
            found.values[name] = numbers.pop()
            found.words[name] = matches[0].group()
    if match := GALACTIC.search(found.text):
        found.values["GALACTIC"] = (float(match[1].replace(" ", "")), float(match[2].replace(" ", "")))
        found.words["GALACTIC"] = match.group()
    if "OFFSET" in found.values and found.values.get("OFFSET_MAX") == found.values["OFFSET"]:
        found.values.pop("OFFSET" if re.search(r"(?i)\bevents?\b", found.words["OFFSET_MAX"]) else "OFFSET_MAX")
    if "REDSHIFT" in found.values and not concerns_ebl(found.text):
        found.values["OBSERVED_REDSHIFT"] = found.values.pop("REDSHIFT")
    match = OFF_COUNT.search(found.text)
    if match and not ALL_OFF.search(found.text) and not AT_LEAST.search(found.text[: match.start()]):
        count = next(filter(None, match.groups())).lower()
        found.values["OFF_REGIONS"] = WORDS.get(count) or int(count)
        found.words["OFF_REGIONS"] = match.group()
    return found


def concerns_ebl(text: str) -> bool:
    """Whether a redshift is there to be used: an observed spectrum is asked for without what the EBL takes."""
    if re.search(r"(?i)\b(?:not|no|without)\b[^.;]{0,25}(?:EBL|absor|correct)", text):
        return False
    about_it = re.search(r"(?i)\bEBL\b|extragalactic|absor|intrinsic|transmission", text)
    return bool(about_it) or not re.search(r"(?i)\bobserved (?:spectr|flux|power)", text)


def given(request: Request | None) -> dict[str, Any]:
    """Values that a request gives."""
    return reading(request).values
