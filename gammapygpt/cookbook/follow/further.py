"""Further results that a follow-up asks for: `also the energy flux above 1 TeV`, `and n_on`."""

from __future__ import annotations

import re

from gammapygpt.cookbook.about import About
from gammapygpt.cookbook.energies import find_energies
from gammapygpt.cookbook.follow.reading import Read
from gammapygpt.cookbook.follow.results import explained, key_for
from gammapygpt.cookbook.follow.wording import CONNECTING, blanked, left_over
from gammapygpt.cookbook.keys import FLUX_LIKE, Quantity, quantity, rules, unit_in
from gammapygpt.cookbook.models import read_models
from gammapygpt.cookbook.reader import PLAIN_KEY, QUOTED
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.words import Page

REPORTING = (
    r"give|report|return|write|store|save|compute|calculate|determine|measure|output|provide|derive|find|get"
    r"|quote|add|include|show|tell|print|need|want|see|know|list"
)
CUT = re.compile(r"[;:?!]|,(?!\d)|\.(?!\d)|\b(?:and|plus)\b(?!\s*[\d.]+\s*[a-zA-Z]?)|$")
FLUX_WORDS = r"\b(?:photon|integral|integrated|differential|energy|flux|phi)\b"


def take_results(text: str, before: Read) -> tuple[str, list[str]]:
    """The text without the results that it asks for, and those as keys."""
    if before.recipe is None:
        return text, []
    added: list[str] = []
    start = 0
    models = Reading(text=text)
    read_models(Page(text), models)
    spectrum = str(models.values.get("SPECTRAL_MODEL") or before.value("SPECTRAL_MODEL") or "pl")
    closed = re.sub(r"\([^()]*\)", lambda match: "_" * len(match.group()), text)
    for cut in CUT.finditer(closed):
        first, last, start = start, cut.start(), cut.end()
        stretch = text[first:last]
        lead = _lead(stretch)
        core = _core(stretch[len(lead) :])
        key = _result(core, before, spectrum) if core else ""
        if key:
            added.append(key)
            text = text[:first] + " " * (last - first) + text[last:]
    return text, added


def _lead(stretch: str) -> str:
    """The words at the beginning that say nothing of what is wanted."""
    words = "|".join([*map(re.escape, CONNECTING.split()), REPORTING])
    match = re.match(rf"(?:[^\w\"'`]*\b(?:{words})\b)*[^\w\"'`]*", stretch, re.I)
    return match.group() if match else ""


def _core(stretch: str) -> str:
    """A stretch without the words at its end that only connect."""
    return re.sub(
        r"(?:\s*\b(?:too|as well|also|please|now|again|instead|of the (?:source|fit|spectrum)"
        r"|in (?:the )?result\.json)\b)+\W*$",
        "",
        stretch,
        flags=re.I,
    ).strip()


def _result(core: str, before: Read, spectrum: str) -> str:
    """A key for what a stretch of a follow-up asks for; empty where it is no quantity that the recipe reports."""
    assert before.recipe is not None
    about = before.recipe.about
    shape = str(before.value("SPATIAL_MODEL") or "point")
    quoted = re.match(QUOTED, core) or re.match(PLAIN_KEY, core)
    if quoted:
        meaning = core[quoted.end() :].strip(" ()")
        found = quantity(quoted.group(1), meaning, unit_in(meaning), about, shape, spectrum)
        return explained(quoted.group(1), meaning, "") if found else ""
    name = "value_err" if re.match(r"(?:error|uncertainty) (?:of|on)\b", core, re.I) else ""
    core = re.sub(r"^(?:error|uncertainty) (?:of|on) (?:the )?", "", core, flags=re.I)
    alone = Reading(text=core)
    read_models(Page(core), alone)
    found = None if alone.values else quantity(name, core, unit_in(core), about, shape, spectrum)
    if found is None or not _is_all(core, found, about, shape, spectrum):
        return ""
    return explained(key_for(found), core, found.unit)


def _is_all(core: str, found: Quantity, about: About, shape: str, spectrum: str) -> bool:
    """Whether the words of a stretch say this quantity, its energies and its unit, and nothing else."""
    name = " ".join([found.name.removesuffix("_error"), *(str(one) for one in found.arguments if isinstance(one, str))])
    patterns = [
        words for words, other, _ in rules(about, shape, spectrum) if other == name and not words.startswith("^(?!")
    ]
    rest = blanked(
        core, [*patterns, *([FLUX_WORDS] if found.name.removesuffix("_error") in (*FLUX_LIKE, "flux_ul") else [])]
    )
    page = Page(rest)
    for energies in find_energies(page):
        page.take(energies.start, energies.end)
    filling = r"\b(?:above|between|over|from|in|at|the|a|an|total|fitted|measured|number|of)\b|\((?:in )?[^()]*\)"
    unit = r"\bin [a-zA-Z0-9\s^/-]*\b(?:TeV|s|cm|erg)\S*$"
    kind = r"|\benergy\b" if found.unit == "TeV" else ""
    rest = re.sub(f"{filling}|{unit}{kind}", " ", page.left, flags=re.I)
    return not left_over(rest.replace("\0", " "))
