"""Reads names that a request gives: of a model in a file, of a source in a catalogue."""

from __future__ import annotations

import re

from gammapygpt.cookbook.book import Recipe
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.words import Page

IN_QUOTES = r"(?: (?:is|are))?(?: (?:named|called))?:? ([\"'`])([A-Za-z][^\"'`\n]{0,40})\1"
BEFORE = {"MODEL_NAME": r"\b(?:models?|components?)", "SOURCE_NAME": r"\bsources?"}
DESIGNATION = (
    r"(?<![\w-])(?:HESS|VER|MAGIC|3FHL|4FGL(?:-DR\d)?|[23]HWC|1LHAASO) ?J\d{4}(?:\.\d)?[+-]\d{2,4}(?:\.\d)?[a-z]?\b[*]?"
)


def take_names(page: Page, reading: Reading, recipe: Recipe | None) -> None:
    """Take names in quotes behind `model` or `source`, which are no keys of results, and catalogue designations."""
    for constant, words in BEFORE.items():
        if recipe is None or constant in recipe.constants:
            for match in list(page.find(words + IN_QUOTES)):
                reading.give(constant, match.group(2), page.take(*match.span()))
    if recipe is not None and "SOURCE_NAME" in recipe.constants and "SOURCE_NAME" not in reading.values:
        for match in list(page.find(DESIGNATION, 0)):
            reading.give("SOURCE_NAME", re.sub(r" ?J", " J", match.group(), count=1), page.take(*match.span()))
