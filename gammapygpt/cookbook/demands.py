"""Which analysis a request asks for, and what it asks for that no recipe does."""

from __future__ import annotations

import re
from collections.abc import Collection

from gammapygpt.cookbook.book import Recipe, recipes
from gammapygpt.cookbook.given import SHARED
from gammapygpt.cookbook.reading import Reading

# What a recipe does only where it says so in words of its own; no demand where `no`, `not` or `without` stands before.
BEYOND = {
    "reflected regions": r"\breflected\b",
    "the background of the field of view": r"\b(?:FoV|field[\s-]of[\s-]view)[\s-]background\b",
    "a light curve": (
        r"\blight[\s-]?curves?\b|\brun-?wise flux|\bnight(?:ly|-?wise|[\s-]by[\s-]night)\b"
        r"|\brun[\s-]by[\s-]run\b|\bvariab\w+|\bflux versus time|\btime series\b"
    ),
    "a ring background": r"\bring\b|\bRingBackground",
    "a significance or excess map": (
        r"\b(?:significance|excess|TS|flux|sky|counts?|residual) (?:map|image)s?\b"
        r"|\bcorrelat(?:ed|ion) (?:radius|map|excess)"
    ),
    "a catalogue": r"\bcatalog(?:ue)?s?\b|\b[234]FGL\b|\b[123]FHL\b|\bHGPS\b|\bgamma-?cat\b|\b[23]HWC\b",
    "a simulation": (
        r"\bsimulat\w+(?!\s+(?:data|runs|observations|store|DL3|events))\b|\bfak(?:e|ing)\b|\bpredict(?:ed|ion)?\b"
        r"|\bwould be (?:seen|detected)|\bMonte[\s-]Carlo\b|\btoy\b"
    ),
    "the absorption by the extragalactic background light": (
        r"\bEBL\b|\bextragalactic[\s-]background|\babsor(?:bed|ption)\b|\bde-?absorb\w*"
        r"|\bintrinsic\b|\bredshift\b"
    ),
    "an instrument response": (
        r"\beffective areas? (?:at|of|curve|for|versus)\b|\binstrument response"
        r"|\benergy (?:dispersion|resolution)\b|\bcontainment radi(?:us|i)\b"
        r"|\bPSF (?:size|radius|at|width)\b|\bevaluate the (?:IRF|PSF)|\bangular resolution\b"
        r"|\bbackground rate\b"
    ),
    "a pulsar phase": r"\bphas(?:e|es|ogram|e-?resolved)\b|\bpulsed\b|\bperiodic\w*|\bperiodogram\b",
    "a theta-squared plot": r"\btheta[\s-]*(?:squared|square|2|\^2|\*\*2)\b",
    "a sensitivity or an upper limit": r"\bsensitivit(?:y|ies)\b|\bupper[\s-]limits?\b|\bUL\b",
    "other instruments": (
        r"\bFermi\b|\bLAT\b|\bHAWC\b|\bLHAASO\b|\bjoint (?:fit |analysis )?with\b"
        r"|\bmulti-?(?:instrument|wavelength)\b"
    ),
    "a model file": r"\b(?:model|YAML) file\b|\.ya?ml\b|\bserialis\w+|\bserializ\w+",
    "another spectral model": (
        r"\b(?:smoothly )?broken power|\bsuper-?exponential|\btemplate\b|\bnaima\b"
        r"|\bdark matter\b|\bhadronic\b|\bleptonic\b|\btwo[\s-]component|\bpiece-?wise\b"
    ),
    "another spatial model": (
        r"\bshells?\b|\bellip\w+|\belongat\w+|\basymmetric\b|\bgenerali[sz]ed gauss\w*"
        r"|\btwo (?:sources|gaussians|components)|\bsecond (?:source|component)"
        r"|\bmorpholog\w+ template|\benergy[\s-]dependent\b"
    ),
    "a comparison of models": (
        r"\bcompar(?:e|ing|ison)\b|\blikelihood[\s-]ratio\b|\bF-test\b|\bAIC\b|\bBIC\b"
        r"|\bpreferred over\b|\bnested\b"
    ),
    "another statistical method": (
        r"\bBayesian\b|\bMCMC\b|\bposterior\b|\bunfold\w*|\bbootstrap\w*|\bprofile likelihood\b"
        r"|\bcontours?\b|\bstat(?:istic)? profiles?\b"
    ),
    "a fixed number of OFF regions": (
        r"\b(?:\d+|one|two|three|four|five|six|exactly \w+|at most \w+) (?:OFF|reflected|background)[\s-]*regions?\b"
        r"|\bwobble[\s-]regions?\b|\bOn-?Off (?:runs|observations)\b"
    ),
    "another background method": (
        r"\btemplate background|\badaptive\b|\bphase background\b|\boff-?runs?\b"
        r"|\bOFF observations\b"
    ),
    "a selection by zenith angle, time of day or quality": (
        r"\bzenith(?: angles?)? (?:below|above|less|smaller|larger|under|between|up to|<|>|of at most)"
        r"|\bquality\b|\b(?:four|three|\d) telescopes\b"
        r"|\blivetime (?:above|longer|of at least|>)"
    ),
    "another safe mask": r"\baeff-?default\b|\bedisp-?bias\b|\bbkg-?peak\b|\benergy[\s-]bias\b",
    "a distribution, histogram or profile": (
        r"\bhistogram\w*|\bdistributions?\b|\bradial\b|\b(?:flux|excess|radial) profiles?\b|\bhardness\b"
    ),
    "an unbinned analysis or machine learning": r"\bunbinned\b|\bneural\b|\bmachine[\s-]learning\b|\bclassif\w+",
    "a figure or table under a name of your own": r"\b[\w-]+\.(?:png|pdf|svg|jpe?g|csv|txt|html)\b",
    "a file in another format": r"\bOGIP\b|\bPHA\b|\bexport\w*|\bconvert\w*|\bXSPEC\b|\bSherpa\b",
    "spectra in several time bins or regions": (
        r"\b(?:time|spatially)[\s-]resolved|\bper (?:night|run|month|year) spectr\w+"
        r"|\bspectr\w+ (?:for|of|in) each\b|(?<!\bpoint )(?<!\bflux )\bfor each (?:run|night|source|observation)\b"
        r"|\beach run separately\b"
    ),
    "an array of sources": r"\ball (?:sources|targets|blazars)\b|\bsurvey\b|\bblind search\b",
}
NEGATION = re.compile(r"\b(?:no|not|without|never|instead of|rather than|avoid|don't|do not|nor)\b[^,.;]{0,25}$", re.I)


def demanded(text: str) -> dict[str, str]:
    """The recipes whose analysis a text demands, by name, with the words that do."""
    return {name: words for name, recipe in recipes().items() if (words := said(recipe.about.asked, text))}


def perhaps(text: str) -> dict[str, str]:
    """The recipes that a text may mean, by name, with the words."""
    return {name: words for name, recipe in recipes().items() if (words := said(recipe.about.perhaps, text))}


def said(pattern: str, text: str) -> str:
    """The first words that a pattern finds and that are not denied; empty where there are none."""
    for match in re.finditer(pattern, text, re.IGNORECASE) if pattern else ():
        if not NEGATION.search(text[: match.start()]) and match.group():
            return match.group()
    return ""


def uncovered(reading: Reading, recipe: Recipe) -> list[str]:
    """What the request wants and this recipe does not do, and the quantities that no rule understood."""
    covered = {recipe.name, *recipe.about.covers}
    others = {name: words for name, words in demanded(reading.prose).items() if name not in covered}
    found = [
        f"{recipes()[name].title[:1].lower()}{recipes()[name].title[1:]} (“{words}”)" for name, words in others.items()
    ]
    if words := said(recipe.about.never, reading.prose):
        found.append(f"“{words}”")
    own = [recipes()[name].about.asked for name in covered if name in recipes()]
    found += beyond(reading, [*own, *(words for words in words_of_all(recipe) if words)], recipe.about.does)
    return found + [f"“{' '.join(words.split())}”" for words in reading.unread]


def beyond(reading: Reading, own: list[str], done: Collection[str] = ()) -> list[str]:
    """What the request wants and no recipe does, but where words of the recipe's own are about it, or it does it."""
    found = []
    for name, pattern in BEYOND.items():
        if name in done:
            continue
        for match in re.finditer(pattern, reading.prose, re.IGNORECASE):
            if not NEGATION.search(reading.prose[: match.start()]) and not _is_own(match, reading.prose, own):
                found.append(f"{name} (“{match.group()}”)")
                break
    return found


def _is_own(match: re.Match[str], text: str, own: list[str]) -> bool:
    """Whether words of the recipe say nearly all of a match: `significance` does not say `significance map`."""
    letters = set(range(*match.span()))
    longest = len(letters) + LOOSE
    left = letters - {
        place
        for pattern in own
        for other in re.finditer(pattern, text, re.IGNORECASE)
        for place in range(*other.span())
        if len(other.group()) <= longest
    }
    return len(left) <= len(letters) / 4


def words_of_all(recipe: Recipe) -> list[str]:
    """Every pattern by which a recipe is spoken of: analysis, constants, choices, keys."""
    about = recipe.about
    shared = [SHARED[name] for name in recipe.constants if name in SHARED and name not in WIDE]
    chosen = [words for values in about.choices.values() for words in values.values()]
    return [
        about.asked,
        about.perhaps,
        *about.said.values(),
        *chosen,
        *shared,
        *(key.words for key in about.keys.values()),
    ]


LOOSE = 12
"""Characters by which words may reach beyond what they are about."""
WIDE = ("LIVETIME", "SEARCH_RADIUS", "AMPLITUDE", "ALPHA")
"""Constants whose words say little by themselves."""
