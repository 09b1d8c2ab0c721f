"""Words of follow-ups: those that only connect, those that stand for a value, and slips of people who write in haste."""

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
        r"\b(?:extend\w*|out|go(?:ing)?)(?:\s+(?:it|this|(?:the )?(?:fit|energies|spectrum|(?:energy )?range)))?\s+(?:up\s+)?to\s+(?="
        + ENERGY
        + r"(?!\s*-))",
        "up to ",
    ),
    (r"\b(?:go(?:ing)?\s+)?down to\s+(?=" + ENERGY + ")", "above "),
    (r"\b(?:without|no|drop|remove)\s+(?:the |an? |any )?(?:exponential )?cut-?\s?off\b", "power law"),
]
"""Decimal commas, and limits that are said by `to` alone."""
CONNECTING = (
    "now then and but also again once please same the a an this that it these those its their to with for of in on at by from"
    " as is be are do does did redo redone repeat repeated rerun run make made use uses using take taking try change set"
    " put let lets me us my i we you can could would should like want wanted need show give get what what's how about if"
    " instead rather only just so ok okay well hmm hm hey more-over here there time think let's i'd like-wise likewise"
    " too additionally compute calculate next after all-the analysis result results everything thing"
    " when where was were will have has go ahead same-again one's too switch replace replaced by assume assuming"
)
HARMLESS = [
    r"\b(?:once more|one more time|this time|of course|as well|as before|as above|the same way|like before|in addition)\b",
    r"\b(?:the |all |with |keep(?:ing)? |using |leave |leaving )*(?:everything|all) (?:else|other)\b(?: (?:settings?|parameters?|cuts?))?"
    r"(?: (?:the same|unchanged|as (?:it )?is|as before|equal|identical))?",
    r"\b(?:the |with |keep(?:ing)? |using )*(?:other(?:wise)?|rest|remaining)(?: of (?:it|the (?:analysis|request|settings)))?"
    r"(?: (?:settings?|parameters?|cuts?|things))?(?: (?:is|are|stays?|remains?))?(?: (?:the )?(?:same|unchanged|identical|as before))",
    r"\b(?:the |with (?:the )?|keep(?:ing)? (?:the )?|using (?:the )?)*same (?:cuts?|settings?|selection|parameters|configuration|set-?up|everything|procedure|steps|recipe|analysis|way|thing|request|again)\b",
]
PLEASANT = re.compile(
    r"\b(?:thanks?(?: (?:you|a lot|so much|very much))?|thank you|thx|great|nice|good|perfect|cool|wonderful|excellent|very|danke|super|sorry)\b",
    re.I,
)
LEADS = {
    "SELECTION_RADIUS": r"\b(?:within|closer than|around|near|of the (?:source|target)|only|less than|radius|cone)\b",
    "ON_RADIUS": r"\b(?:region|radius|circle|around|within|size|of|inside|cut|extraction|aperture)\b",
    "EXCLUSION_RADIUS": r"\b(?:region|radius|circle|around|mask|background|source|target|out|any|the)\b",
    "OFFSET_MAX": r"\b(?:within|up to|maximum|max|largest|events|offset|pointing|camera|centre|center)\b",
    "ENERGY_MIN": r"\b(?:energy|energies|range|fit|fitted|events|between|above|over|from|beyond|interval|limit|threshold|starting|start|at|other|than|higher|greater|larger|on)\b",
    "ENERGY_MAX": r"\b(?:energy|energies|range|fit|fitted|events|between|to|up|below|until|under|interval|limit|less|lower|smaller|than)\b",
    "ENERGY_BINS": r"\b(?:energy|logarithmic|bins?|of|reconstructed)\b",
    "BINS_PER_DECADE": r"\b(?:energy|logarithmic|bins?|per|a|each|decade|of|reconstructed)\b",
    "FLUX_POINTS": r"\b(?:flux|spectral|sed|points?)\b",
    "FLUX_POINT_EDGES": r"\b(?:flux|spectral|sed|points?|edges?|bins?|bands?|in)\b",
    "MAP_WIDTH": r"\b(?:map|wide|width|side|field|size|large|x|square)\b",
    "PIXEL_SIZE": r"\b(?:pixels?|size|bins?|of)\b",
    "SPECTRAL_MODEL": r"\b(?:spectral|spectrum|model|shape|fit|fitted|fitting|as|energy|parameters|exponential)\b",
    "SPATIAL_MODEL": r"\b(?:spatial|model|source|shape|morphology|symmetric|radially|fit|fitted|extended|symmetrical)\b",
    "FIXED": rf"\b(?:{FIX}|{'|'.join(PARAMETERS.values())}|position|photon|spectral|value)\b",
    "POSITION_RANGE": rf"\b(?:{FIX}|position|source|keep)\b",
    "CONFIDENCE_LEVEL": r"\b(?:confidence|level|CL|at)\b|%",
    "LIVETIME": r"\b(?:hours?|observation|observing|observed|time|livetime|exposure|of)\b",
    "CUTOFF_ENERGY": rf"{CUTOFF}|\bcut-?\s?off\b(?: energy)?|\bat\b",
    "DATES": rf"\b(?:runs?|observations?|data|taken|recorded|nights?|before|after|since|between|until|year|{MONTHS})\b|\d",
    "RUNS": rf"{NOUN}|\b(?:observations?|numbers?|those)\b",
    "LEFT_OUT": rf"{NOUN}|{EXCLUDED}|\b(?:out|bad)\b",
    "TIME_BINS": r"\b(?:per|by|each|run|night|nightly|wise|binned|bins?|point|one)\b",
    "TIME_BIN_WIDTH": r"\b(?:time|minutes?|min|hours?|bins?|binned|binning|wide|width|intervals?|of)\b",
    "RING_METHOD": r"\bring\b|\bmethod\b",
    "EBL_MODEL": r"\b(?:model|EBL|absorption)\b",
    "STACKED": rf"{NOUN}|\b(?:them|data|spectra|fit)\b",
    "RING_RADIUS": r"\b(?:inner|ring|radius)\b",
    "RING_WIDTH": r"\b(?:ring|width|wide)\b",
    "CORRELATION_RADIUS": r"\b(?:radius)\b",
    "REDSHIFT": r"\bredshift\b|(?<!\w)z(?!\w)|=",
    "PLACE": r"\b(?:source|target|position|region|supernova remnant|blazar|pulsar|nebula|snr|pwn|ICRS|coordinates|located)\b",
    "INDEX": r"\b(?:spectral|photon|source)\b",
    "OFFSET": r"\b(?:offset|off-?axis|from|pointing|centre|center)\b",
}
"""Words beside a value that say what it is and no more; they count only where that value is given."""


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
    found = [LEADS.get(name, ""), ANGLE_MEANINGS.get(name, ""), WEAK_ANGLES.get(name, ""), SHARED.get(name, "")]
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
    for match in re.finditer(
        r"\b(?:the |with |keep(?:ing)? |using )*same ((?:[\w-]+ ?){1,3})(?=[,;.!?]|$)", text, re.I
    ):
        if not blanked(match.group(1), about).strip():
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
