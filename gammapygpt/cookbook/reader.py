"""Reads a request by rules: which numbers it gives, for which constants of a recipe, and from which words.

No language model, and nothing is invented: what the request leaves open stays out of `Reading.values`, and a quantity
that no rule understands is kept in `Reading.unread`.
"""

from __future__ import annotations

import re

from gammapygpt.cookbook.book import Recipe
from gammapygpt.cookbook.given import read_files, read_given, read_moments, read_plain
from gammapygpt.cookbook.keys import unit_in
from gammapygpt.cookbook.measures import read_angles, read_bins, read_energies
from gammapygpt.cookbook.models import read_fixed, read_models, read_switches
from gammapygpt.cookbook.names import take_names
from gammapygpt.cookbook.reading import Reading, Wanted
from gammapygpt.cookbook.runs import take_dates, take_runs, take_stores
from gammapygpt.cookbook.sky import same_field, take_positions, take_sources
from gammapygpt.cookbook.words import Page, tidy
from gammapygpt.state import Request


def read_request(request: Request, recipe: Recipe | None = None) -> Reading:
    """Read a request.

    Parameters
    ----------
    request
        Its text, and the data stores that are there: ranges of ids are resolved against them later, in `choose`.
    recipe
        Whose constants the numbers are for; without one, only what all recipes have in common is read.

    Returns
    -------
    Reading
    """
    text = tidy(request.text)
    page = Page(text)
    reading = Reading(text=text)
    read_files(page, reading, recipe)
    take_names(page, reading, recipe)
    named = take_stores(page, request.stores)
    reading.wanted = _with_specs(_take_keys(page), request)
    reading.prose = page.left.replace("\0", " ")
    _place_stores(reading, named, request, recipe)
    _read_target(page, reading, recipe)
    read_moments(page, reading, recipe)
    if dates := take_dates(page):
        reading.give("DATES", *dates)
    reading.runs, reading.left_out = take_runs(page)
    read_models(page, reading, recipe)
    read_fixed(page, reading)
    read_given(page, reading, recipe)
    read_energies(page, reading, recipe)
    read_bins(page, reading, recipe)
    read_angles(page, reading, recipe)
    read_switches(page, reading)
    read_plain(page, reading, recipe)
    return reading


def _place_stores(reading: Reading, named: list[tuple[str, str]], request: Request, recipe: Recipe | None) -> None:
    """Folders of data for the constants that take them: one data store, several, or folders of reduced data."""
    constants = recipe.constants if recipe else {}
    known = {store.path for store in request.stores}
    for path, words in named:
        if "DATA_STORE" in constants or not {"DATA_STORES", "DATA_FILES"} & set(constants):
            reading.give("DATA_STORE", path, words)
            continue
        several = "DATA_STORES" if "DATA_STORES" in constants and (path in known or not known) else "DATA_FILES"
        reading.values[several] = [*reading.values.get(several, []), path]
        reading.words[several] = words


QUOTED = r"(?<![\w$/])[\"'`]([A-Za-z]\w*(?:\.\d\w*)*)[\"'`](?!\w)"
PLAIN_KEY = r"(?<![\w$/.{])([a-zA-Z]+\d*(?:_\w+)+)(?![\w./(])"
REPORTING = (
    r"keys?|report|return|write|give|store|save|compute|calculate|determine|measure|output"
    r"|provide|derive|find|get|quote"
)
WRITING = r"and write|writ(?:e|es|ing)|store|save|output|report|give|return|provide|put|produce|create"
END_OF_MEANING = re.compile(r"\s*(?:(?:in|as)\s+[^\s,;]+(?:\s+[a-zA-Z]+-?\d)*(?:\s+TeV-1)?)?\s*(?:\([^)]*\))?")


def _take_keys(page: Page) -> list[Wanted]:
    """Take quoted keys and what is said about each; a sentence about `result.json` belongs to its keys as a whole."""
    wanted: list[Wanted] = []
    for first, last in page.sentences():
        sentence = page.text[first:last]
        of_file = "result.json" in sentence
        matches = list(re.finditer(QUOTED, page.left[first:last]))
        reports = of_file or re.search(rf"\b(?:{REPORTING})(?:s|d|ed|ing)?\b", sentence, re.I)
        if reports and not matches:
            matches = list(re.finditer(PLAIN_KEY, sentence))
        if not reports and len(matches) < 2 and not any("_" in match.group(1) for match in matches):
            continue
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
            place = before.index("result.json")
            verb = re.search(rf"\b(?:{WRITING})\b[^.;,]{{0,40}}$", before[:place], re.I)
            page.take(first + (verb.start() if verb else place), first + file.end())
    return wanted


def _share_meanings(wanted: list[Wanted], before: str) -> None:
    """`"a" and "b" (both in m2)` explains both; `in cm-2 s-1: "a", "b"` gives all of them that unit."""
    for one, following in zip(reversed(wanted[:-1]), reversed(wanted[1:]), strict=True):
        if re.fullmatch(r"\W*(and|or|&)\W*", one.meaning) or (
            not one.meaning and re.match(r"\W*(both|all|each)\b", following.meaning)
        ):
            one.meaning = following.meaning
    common = unit_in(re.split(r"result\.json|[,;]", before)[-1])
    for one in wanted[:1] if before.rstrip().endswith("(") else wanted:
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


def _read_target(page: Page, reading: Reading, recipe: Recipe | None) -> None:
    """Given coordinates win over the position of a named source; a catalogue may know the name itself."""
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
        if named and not same_field(named[0][0], positions[0]):
            reading.unread.append(f"a position away from {named[0][0].name}, {positions[0].words}")
    elif named:
        source, words = named[0]
        if recipe is not None and "SOURCE_NAME" in recipe.constants:
            reading.values.setdefault("SOURCE_NAME", source.name)
            reading.words.setdefault("SOURCE_NAME", words)
        reading.give("TARGET_RA", source.ra, words)
        reading.give("TARGET_DEC", source.dec, words)
        reading.assumptions.append(
            f"{source.name} is at RA {source.ra}, Dec {source.dec} deg (ICRS), from {source.catalogue}."
        )
        others = {other.name for other, _ in named[1:]} - {source.name}
        reading.unread += [f"a second source, {name}" for name in sorted(others)]
