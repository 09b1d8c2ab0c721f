"""Words of follow-ups: those that only connect, those that go with a value, and slips of people who write in haste."""

from __future__ import annotations

import re
from collections.abc import Collection

from gammapygpt.cookbook.book import Recipe
from gammapygpt.cookbook.given import SHARED
from gammapygpt.cookbook.measures import ANGLE_MEANINGS, ENERGY_MEANINGS, SINGLE_MEANINGS, WEAK_ANGLES
from gammapygpt.cookbook.models import CUTOFF, FIX, PARABOLA, PARAMETERS, POWER_LAW, SHAPES, SWITCHES
from gammapygpt.cookbook.runs import EXCLUDED, MONTHS, NOUN
from gammapygpt.cookbook.words import NUMBER, tidy

ENERGY = rf"{NUMBER}\s*[kMGTP]eV"
GERMAN = re.compile(
    r"\b(?:und|jetzt|nun|bitte|mit|ohne|nur|statt|für|fuer|von|bis|auch|nochmal|dasselbe|zwischen|innerhalb|ab"
    r"|als|lichtkurven?|spektrum|nach)\b",
    re.I,
)
IN_ENGLISH = [
    (r"noch\s?(?:ein)?mal", "again"),
    (r"(?:das (?:gleiche|selbe)|dasselbe)", "the same"),
    (r"anstatt|statt", "instead of"),
    (r"innerhalb(?: von)?", "within"),
    (r"(?:ab|oberhalb(?: von)?)(?=\s*\d)", "above"),
    (r"unterhalb(?: von)?", "below"),
    (r"(?<=\d)(\s*(?:[kMGTP]eV)?\s*)bis", r"\1to"),
    (r"bis", "up to"),
    (r"und", "and"),
    (r"jetzt|nun", "now"),
    (r"bitte", "please"),
    (r"mit", "with"),
    (r"ohne", "without"),
    (r"nur", "only"),
    (r"f(?:ü|ue)r", "for"),
    (r"zwischen", "between"),
    (r"von", "from"),
    (r"auch", "also"),
    (r"als", "as"),
    (r"pro", "per"),
    (r"nach", "after"),
    (r"die|der|das|dem|den|des", "the"),
    (r"ein(?:e[mnr]?)?", "a"),
    (r"krebs-?nebels?", "Crab Nebula"),
    (r"lichtkurven?", "light curve"),
    (r"spektrum", "spectrum"),
    (r"potenzgesetz", "power law"),
    (r"obergrenze", "upper limit"),
    (r"l(?:ä|ae)ufen?", "runs"),
    (r"grad", "deg"),
    (r"stunden?", "hours"),
    (r"minuten?", "minutes"),
    (r"dekade", "decade"),
    (r"energien", "energies"),
]
"""German words between English ones."""
SLIPS = [
    (
        (
            r"(?<![\w.,\[(])(\d{1,3}),(\d{1,3})"
            r"(?=\s*(?:(?:-|to|and|bis|und)\s*\d+(?:[.,]\d+)?\s*)?(?:[kMGTP]eV|deg|grad|arcmin|h|hours?|stunden?)\b)"
        ),
        r"\1.\2",
    ),
    (r"((?:-|to|and|bis|und)\s*\d{1,3}),(\d{1,3})(?=\s*(?:[kMGTP]eV|deg|grad|arcmin)\b)", r"\1.\2"),
    (
        r"\b(?:extend\w*|out|go(?:ing)?)(?:\s+(?:it|this|(?:the )?(?:fit|energies|spectrum|(?:energy )?range)))?"
        rf"\s+(?:up\s+)?to\s+(?={ENERGY}(?!\s*-))",
        "up to ",
    ),
    (rf"\b(?:start|begin)(?:s|ing|ning)?\s+(?:at|from|with)\s+(?={ENERGY})", "above "),
    (rf"({ENERGY})\s+(?:upwards?|onwards?|and (?:above|higher|beyond))\b", r"\1"),
    (r"\b(?:go(?:ing)?\s+)?down to\s+(?=" + ENERGY + ")", "above "),
]
"""Decimal commas, and limits that are said by `to` alone."""
NO_CUTOFF = re.compile(r"\b(?:without|no|drop|remove)\s+(?:the |an? |any )?(?:exponential )?cut-?\s?off\b", re.I)
CONNECTING = (
    "now then and but also again once please same the a an this that it these those its their to with for of in on at"
    " by from as is be are do does did redo redone repeat repeated rerun run make made use uses using take taking try"
    " change set put let lets let's me us my i i'd we you can could would should like want wanted need show give get"
    " what what's how about if instead rather only just so ok okay well hmm hm hey here there time think likewise"
    " too additionally compute calculate analysis result results everything thing"
    " see look looks version when where was were had will have has go ahead switch replace replaced assume assuming"
)
KEPT = r"(?:settings?|parameters?|cuts?|things?)"
HARMLESS = [
    r"\b(?:keep(?:ing)?|leav(?:e|ing)) (?:everything|all|it|the rest)(?: as (?:it )?is)?"
    r"(?= (?:but|and|except)\b|[,;.]|$)",
    r"\b(?:once more|one more time|this time|of course|as well|as before|as above|the same way|like before"
    r"|in addition)\b",
    rf"\b(?:the |all |with |keep(?:ing)? |using |leav(?:e|ing) )*(?:everything|all) (?:else|other)\b(?: {KEPT})?"
    r"(?: (?:the same|unchanged|as (?:it )?is|as before|equal|identical))?",
    r"\b(?:the |with |keep(?:ing)? |using )*(?:other(?:wise)?|rest|remaining)"
    rf"(?: of (?:it|the (?:analysis|request|settings)))?(?: {KEPT})?(?: (?:is|are|stays?|remains?))?"
    r"(?: (?:the )?(?:same|unchanged|identical|as before))",
    rf"\b(?:the |with (?:the )?|keep(?:ing)? (?:the )?|using (?:the )?)*same (?:{KEPT}|selection|configuration|set-?up"
    r"|everything|procedure|steps|recipe|analysis|way|request|again)\b",
]
"""What is said of that which stays."""
PLEASANT = re.compile(
    r"\b(?:thanks?(?: (?:you|a lot|so much|very much))?|thank you|thx|danke|sorry)\b"
    r"|^\W*(?:very )?(?:great|nice|good|perfect|cool|wonderful|excellent|super)(?=\s*[,.!;:])",
    re.I,
)
"""Beside a change; alone they are none."""
BESIDE = {
    "SELECTION_RADIUS": "within closer than around near of source target only less radius cone",
    "ON_RADIUS": "region radius circle around within size of inside cut extraction aperture",
    "EXCLUSION_RADIUS": "region radius circle around mask background source target out any anything",
    "OFFSET_MAX": "within up to maximum max largest events offset pointing camera centre center",
    "ENERGY_MIN": "energy energies range fit fitted events between above over from beyond interval limit threshold"
    " starting start at other than higher greater larger on",
    "ENERGY_MAX": "energy energies range fit fitted events between to up below until under interval limit less lower"
    " smaller than",
    "ENERGY_BINS": "energy logarithmic bin bins of reconstructed",
    "BINS_PER_DECADE": "energy logarithmic bin bins per a each decade of reconstructed",
    "FLUX_POINTS": "flux spectral sed point points",
    "FLUX_POINT_EDGES": "flux spectral sed point points edge edges bin bins band bands in",
    "MAP_WIDTH": "map wide width side field size large x square",
    "PIXEL_SIZE": "pixel pixels size bin bins of",
    "THETA2_CUT": "theta2 theta squared cut",
    "SPECTRAL_MODEL": "curved spectral spectrum model shape fit fitted fitting as energy parameters exponential",
    "SPATIAL_MODEL": "spatial model source shape morphology symmetric symmetrical radially fit fitted extended",
    "FIXED": "position photon spectral value",
    "POSITION_RANGE": "position source keep",
    "CONFIDENCE_LEVEL": "confidence level CL at %",
    "LIVETIME": "hour hours observation observing observed time livetime exposure of",
    "CUTOFF_ENERGY": "at energy",
    "DATES": "run runs observation observations data taken recorded night nights before after since between until year",
    "RUNS": "observation observations number numbers those",
    "LEFT_OUT": "out bad",
    "TIME_BINS": "per by each run night nightly wise binned bin bins point one",
    "TIME_BIN_WIDTH": "time minute minutes min hour hours bin bins binned binning wide width interval intervals of",
    "RING_RADIUS": "inner ring radius",
    "RING_WIDTH": "ring width wide",
    "RING_METHOD": "ring method",
    "CORRELATION_RADIUS": "radius",
    "EBL_MODEL": "model EBL absorption",
    "EBL_ABSORPTION": "model EBL absorption",
    "STACKED": "them data spectra fit",
    "REDSHIFT": "redshift z",
    "INDEX": "spectral photon source",
    "OFFSET": "offset off-axis from pointing centre center",
}
"""Words beside a value that say what it is and no more; they count only where that value is given."""
ALSO_BESIDE = {
    "FIXED": rf"\b(?:{FIX}|{'|'.join(PARAMETERS.values())})\b",
    "POSITION_RANGE": rf"\b{FIX}\b",
    "CUTOFF_ENERGY": rf"{CUTOFF}|\bcut-?\s?off\b",
    "DATES": rf"\b(?:{MONTHS})\b|\d",
    "RUNS": NOUN,
    "LEFT_OUT": rf"{NOUN}|{EXCLUDED}",
    "STACKED": NOUN,
    "REDSHIFT": "=",
}


def clean(said: str) -> str:
    """What was said, tidy, in English, with decimal points."""
    text = said
    if GERMAN.search(text):
        for slip, plain in SLIPS[:2]:
            text = re.sub(slip, plain, text, flags=re.I)
        for german, english in IN_ENGLISH:
            text = re.sub(rf"(?<!\w)(?:{german})(?!\w)", english, text, flags=re.I)
    text = tidy(text)
    for slip, plain in SLIPS:
        text = re.sub(slip, plain, text, flags=re.I)
    return text


def words_about(name: str, recipe: Recipe | None) -> list[str]:
    """Patterns of the words that go with the value of a constant."""
    plain = "|".join(BESIDE.get(name, "").split())
    found = [rf"(?<!\w)(?:{plain})(?!\w)" if plain else "", ALSO_BESIDE.get(name, "")]
    found += [ANGLE_MEANINGS.get(name, ""), WEAK_ANGLES.get(name, ""), SHARED.get(name, "")]
    found += [pattern for pattern, constant, _ in SWITCHES if constant == name]
    if recipe is not None:
        found += [recipe.about.said.get(name, ""), *recipe.about.choices.get(name, {}).values()]
    if name in ("ENERGY_MIN", "ENERGY_MAX"):
        found += [ENERGY_MEANINGS["fit"], ENERGY_MEANINGS["analysis"]]
    if name == "REFERENCE_ENERGY":
        found += [SINGLE_MEANINGS["reference"], r"\benergy\b"]
    if name == "SPECTRAL_MODEL":
        found += [CUTOFF, PARABOLA, POWER_LAW]
    if name == "SPATIAL_MODEL":
        found += list(SHAPES.values())
    return [pattern for pattern in found if pattern]


def same_things(text: str, recipe: Recipe | None, given: Collection[str]) -> list[str]:
    """Patterns for what a text says is to stay: `same width`, where no other value is given for it."""
    if recipe is None:
        return []
    found = []
    about = [words for name in recipe.constants if name not in given for words in words_about(name, recipe)]
    about += [rf"\b{word}\b" for word in re.findall(r"[A-Za-z]{3,}", recipe.title)]
    for match in re.finditer(
        r"\b(?:the |with |keep(?:ing)? |using )*same ((?:[\w-]+ ?){1,3}?)(?= for\b|\s*[,;.!?]|$)", text, re.I
    ):
        if not left_over(blanked(match.group(1), about)):
            found.append(re.escape(match.group()))
    return found


LONGEST = 40
"""Characters of a match that says what a value is; longer ones reach over words that may mean something else."""


def blanked(text: str, patterns: list[str]) -> str:
    """A text without the words that patterns find, each of them in the whole text."""
    found = [match.span() for pattern in patterns for match in re.finditer(pattern, text, re.I)]
    for start, end in found:
        if end - start <= LONGEST:
            text = text[:start] + " " * (end - start) + text[end:]
    return text


def left_over(text: str) -> list[str]:
    """The words of a text that neither connect nor were understood; those that stand together as one."""
    text = blanked(text, HARMLESS)
    connecting = set(CONNECTING.split())
    groups: list[list[str]] = [[]]
    for token in re.findall(r"[^\W_][\w'./+-]*[\w'+]|[^\W_]|[%+=<>]", text):
        if token.lower().strip("'") in connecting:
            groups.append([])
        else:
            groups[-1].append(token)
    return [" ".join(group) for group in groups if group]
