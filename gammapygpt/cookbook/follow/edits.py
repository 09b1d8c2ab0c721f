"""Puts values into a request: in place of those of the same kind, or in a sentence of their own at its end."""

from __future__ import annotations

import re
from typing import Any

from gammapygpt.cookbook.follow.phrases import MODELS, SHAPES, energy_range, fixed_value, phrase, plain
from gammapygpt.cookbook.follow.reading import Read
from gammapygpt.cookbook.follow.spans import DIFFERENTIAL, INTEGRAL, LIMITS, Span
from gammapygpt.cookbook.keys import ABOVE_TO, COMPOUND, KEY_ABOVE, KEY_RANGE, KEY_SINGLE, energies_of
from gammapygpt.cookbook.models import CUTOFF, PARABOLA, POWER_LAW

Edit = tuple[int, int, str]
"""Start, end, and what stands there from then on."""
INSTEAD = {
    "ENERGY_BINS": ("BINS_PER_DECADE",),
    "BINS_PER_DECADE": ("ENERGY_BINS",),
    "FLUX_POINTS": ("FLUX_POINT_EDGES",),
    "FLUX_POINT_EDGES": ("FLUX_POINTS",),
    "TIME_BINS": ("TIME_BIN_WIDTH",),
    "TIME_BIN_WIDTH": ("TIME_BINS",),
    "ALPHA": ("INDEX",),
}
"""Constants that another one makes meaningless."""
SPECTRAL = rf"(?:{CUTOFF})(?:[\s-]*(?:{POWER_LAW}))?|(?:{POWER_LAW})(?:\s+(?:with\s+)?an?\s+(?:{CUTOFF}))?|{PARABOLA}"
UNIT = {"deg": " deg", "TeV": " TeV", "h": " h", "min": " min", "percent": " %"}


def edited(text: str, edits: list[Edit]) -> str:
    """A text with stretches replaced; of two that overlap the longer one is made."""
    done: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: edit[0] - edit[1]):
        if all(edit[1] <= start or end <= edit[0] for start, end, _ in done):
            done.append(edit)
    for start, end, new in sorted(done, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def with_sentence(text: str, sentence: str) -> str:
    """A text with one more sentence."""
    text, sentence = text.rstrip(), sentence.strip().rstrip(".")
    sentence = f"use {sentence}" if sentence[:1].isdigit() else sentence
    stop = "" if text.endswith((".", "!", "?", ":")) else "."
    return f"{text}{stop} {sentence[:1].upper()}{sentence[1:]}."


def put_values(
    read: Read, there: list[Span], values: dict[str, Any], gone: list[str], words: dict[str, str]
) -> tuple[list[Edit], list[str]]:
    """What to replace, and which sentences to add, so that a request gives other values.

    Parameters
    ----------
    read, there
        The request, and where it gives its values.
    values, words
        By constant; the words serve where a value has no phrase of its own.
    gone
        Constants that the request must no longer give, unless another takes their place.
    """
    edits, sentences = _put_limits(read, there, values)
    for name, value in values.items():
        if name in LIMITS:
            continue
        old = [span for span in there if {name, *INSTEAD.get(name, ())} & span.names]
        if name == "FIXED":
            value = {one: at for one, at in value.items() if read.reading.values.get("FIXED", {}).get(one) != at}
            kept = set(read.reading.values.get("FIXED", {})) - set(value)
            old = [] if kept else old
        new = [_instead(read, span, name, value, words.get(name, "")) for span in old]
        edits += [(*place, text) for place, text in new[:1]]
        edits += [(*_with_article(read.text, *place), "") for place, _ in new[1:]]
        if not old:
            sentences.append(in_words(name, value, words))
    replaced = {other for name in values for other in INSTEAD.get(name, ())}
    edits += [(*_with_label(read.text, span), "") for span in there if span.names & (set(gone) - replaced)]
    return edits, sentences


def _with_label(text: str, span: Span) -> tuple[int, int]:
    """A number that goes, with the words before it that say what it is."""
    label = r"(?:\s*,)?\s*(?:\b(?:and|with|at|of|a|an|the|beta|alpha|curvature|cut-?\s?off|energy|E_?c)\b\s*|=\s*)+$"
    before = re.search(label, text[: span.start], re.I)
    return (before.start() if before else span.start), span.end


def in_words(name: str, value: Any, words: dict[str, str]) -> str:
    """A value in a phrase, or as it was said."""
    said = words.get(name, "")
    label = "use data " if name == "DATES" else f"{name.lower().replace('_', ' ')}: "
    return phrase(name, value) or (label + said if said else "")


def _instead(read: Read, span: Span, name: str, value: Any, words: str) -> tuple[tuple[int, int], str]:
    """The stretch that gives the old value, and its new text."""
    place = (span.start, span.end)
    unit = read.recipe.constants[name].unit if read.recipe and name in read.recipe.constants else ""
    if name == "SPECTRAL_MODEL":
        return _whole_model(read.text, *place), MODELS[value]
    if name == "SPATIAL_MODEL":
        return place, SHAPES[value]
    if name == "FIXED" and len(value) == 1 and re.match(r"[\d.]", read.text[span.start]):
        return place, fixed_value(*next(iter(value.items())))
    numeric = re.match(r"[\d.]", read.text[span.start]) and isinstance(value, int | float)
    if numeric and name == "CONFIDENCE_LEVEL" and re.search(r"%|cent", read.text[span.start : span.end]):
        return place, f"{plain(100 * value)} %"
    if numeric and " " in unit and (old := re.compile(rf"[\d.e+-]+\s*{COMPOUND.pattern}").match(read.text, span.start)):
        return old.span(), f"{plain(value)} {unit}"
    if numeric and name in span.names and name != "MAP_WIDTH":
        return place, plain(value) + (UNIT.get(unit, f" {unit}") if unit else "")
    if name in INSTEAD and name not in span.names:
        place = _whole_bins(read, *place)
    return place, phrase(name, value) or words


def _whole_model(text: str, start: int, end: int) -> tuple[int, int]:
    """The words of a spectral model around a part of them: `power law with exponential cut-off`."""
    for match in re.finditer(SPECTRAL, text, re.I):
        if match.start() < end and start < match.end():
            return match.span()
    return start, end


def _whole_bins(read: Read, start: int, end: int) -> tuple[int, int]:
    """`8 logarithmic bins`, of which the number alone was found."""
    match = re.compile(r"\d+\s+(?:[A-Za-z-]+\s+){0,3}?(?:bins?|points?)\b(?:\s*(?:per|a|each|/)\s*decade)?").match(
        read.text, start
    )
    return (match.start(), match.end()) if match else (start, end)


def _with_article(text: str, start: int, end: int) -> tuple[int, int]:
    """A stretch with the comma or `and` before it."""
    before = re.search(r"(?:\s*,|\s+and|\s+with)\s*(?:an?\s+|the\s+)?$", text[:start])
    return (before.start() if before else start), end


def _put_limits(read: Read, there: list[Span], values: dict[str, Any]) -> tuple[list[Edit], list[str]]:
    """Energy limits: both together, where the old ones stood."""
    given = {name: value for name, value in values.items() if name in LIMITS}
    if not given:
        return [], []
    limits = {name: read.reading.values.get(name) for name in LIMITS} | given
    text = energy_range(*limits.values())
    old = [span for span in there if set(LIMITS) & span.names and span.energies]
    if not old:
        return [], [f"energies {text}"]
    threshold = re.match(r"(.*?(?:other than|threshold)\D*)", read.text[old[0].start : old[0].end], re.I)
    if threshold and old[0].energies and old[0].energies.form == "above":
        low, high = limits["ENERGY_MIN"], given.get("ENERGY_MAX")
        sentence = [f"energies {energy_range(None, high)}"] if high is not None else []
        return [(old[0].start + threshold.end(), old[0].end, f"{plain(low)} TeV")], sentence
    edits = [(old[0].start, old[0].end, _in_form(read.text, old[0], text))]
    edits += [
        (span.start, span.end, _in_form(read.text, span, text))
        for span in old[1:]
        if span.energies and span.energies.form == "range"
    ]
    edits += [
        (*_with_article(read.text, span.start, span.end), "")
        for span in old[1:]
        if not (span.energies and span.energies.form == "range")
    ]
    return edits, []


def _in_form(text: str, span: Span, new: str) -> str:
    """A range in the words that were there: `from 1 to 10 TeV`, or `between 1 and 10 TeV`."""
    before = re.search(r"\b(?:from|between)\s+$", text[: span.start], re.I)
    within = re.match(r"between\s+", text[span.start : span.end], re.I)
    limits = re.fullmatch(r"([\d.]+)-([\d.]+) TeV", new)
    lead = before or within
    if lead is None or limits is None:
        return new
    link = "and" if "etween" in lead.group() else "to"
    return f"{within.group() if within else ''}{limits[1]} {link} {limits[2]} TeV"


def put_energies(
    read: Read, there: list[Span], old: tuple[float, ...], new: tuple[float, ...]
) -> tuple[list[Edit], list[tuple[str, str]]]:
    """Energies of fluxes and of keys that were `old` (one, or a range in TeV) become `new`; with the keys renamed."""
    edits: list[Edit] = []
    for span in there:
        if {INTEGRAL, DIFFERENTIAL} & span.names and span.energies and _same(span.energies.values, old):
            edits.append((span.start, span.end, _in_form(read.text, span, energies_in_words(new))))
    renamed = []
    for one in read.reading.wanted:
        key = rename_energies(one.key, old, new)
        if key != one.key:
            renamed.append((one.key, key))
    return edits, renamed


def rename_energies(key: str, old: tuple[float, ...], new: tuple[float, ...]) -> str:
    """`flux_1_10TeV` for other energies; the same key where its own are not the old ones."""
    _, energies = energies_of(key, "")
    match = KEY_RANGE.search(key) or KEY_ABOVE.search(key) or KEY_SINGLE.search(key)
    if match is None or not _same(energies, old):
        return key
    before = "_" if match.group().startswith("_") or (match.start() and key[match.start() - 1] != "_") else ""
    return key[: match.start()] + before + key_energies(new) + key[match.end() :]


def key_energies(energies: tuple[float, ...]) -> str:
    """Energies in TeV as they stand in a key: `2_20TeV`, `above_0p5TeV`, `10TeV`."""
    digits = [plain(energy).replace(".", "p") for energy in energies]
    if len(energies) == 2 and energies[1] >= ABOVE_TO:
        return f"above_{digits[0]}TeV"
    return "_".join(digits) + "TeV"


def energies_in_words(energies: tuple[float, ...]) -> str:
    """One energy or a range of them, in TeV."""
    return energy_range(*energies) if len(energies) == 2 else f"{plain(energies[0])} TeV"


def _same(found: tuple[float, ...], old: tuple[float, ...]) -> bool:
    """Whether energies of a text are those of a range; `above 1 TeV` is one from 1 TeV."""
    if len(found) == 1 and len(old) == 2:
        return found[0] == old[0]
    return len(found) == len(old) and all(abs(a - b) < 1e-9 * b for a, b in zip(found, old, strict=True))
