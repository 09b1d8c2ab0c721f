"""What a key of `result.json` stands for, from its name, its unit and the words beside it: a recipe's quantity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from gammapygpt.cookbook.energies import TEV, find_energies, in_tev
from gammapygpt.cookbook.words import Page, number

if TYPE_CHECKING:
    from gammapygpt.cookbook.about import About


class Quantity(NamedTuple):
    """What a recipe's `known` calls it, with the arguments that it takes and the unit it is written in."""

    name: str
    arguments: tuple[object, ...] = ()
    unit: str = ""

    def entry(self) -> list[object]:
        """As it stands in the constant RESULTS."""
        return [self.name, *self.arguments, self.unit]


FLUX, ENERGY_FLUX, DNDE = "cm-2 s-1", "erg cm-2 s-1", "cm-2 s-1 TeV-1"

# Words of a key or its meaning, quantity, default unit. The first that fits wins: the special before the general.
COUNTS = [
    (
        (
            r"\bn ?(obs|runs?)\b|\bnum(ber)?( of)?( \w+)? (obs|observations|runs)\b"
            r"|\bhow many (observations|runs)\b|\bcount of (observations|runs)\b"
            r"|^(obs|runs?) (count|number)$|^n observations$|^n$"
        ),
        "n_obs",
        "",
    ),
    (r"\bmean live ?time\b|\baverage live ?time\b", "mean_livetime", "h"),
    (r"\bdead ?time( fraction)?\b", "dead_time_fraction", ""),
    (r"\blive ?time\b|\bt live\b|\bexposure( time)?\b", "livetime", "h"),
    (r"\bon ?time\b|\b(total )?observ(ation|ing) time\b", "ontime", "h"),
]
LISTS = [
    (r"\b(mean|average|avg)( \w+)? zen(ith)?\b|\bzen(ith)?( \w+)? (mean|average|avg)\b", "mean_zenith", "deg"),
    (r"\b(min(imum)?|smallest|lowest|best)( \w+)? zen(ith)?\b|\bzen(ith)?( \w+)? min(imum)?\b", "min_zenith", "deg"),
    (r"\b(max(imum)?|largest|highest|worst)( \w+)? zen(ith)?\b|\bzen(ith)?( \w+)? max(imum)?\b", "max_zenith", "deg"),
    (r"\b(mean|average|avg)( \w+)? (offset|separation|distance)\b", "mean_offset", "deg"),
    (r"\b(min(imum)?|smallest|closest)( \w+)? (offset|separation|distance)\b", "min_offset", "deg"),
    (r"\b(max(imum)?|largest|farthest)( \w+)? (offset|separation|distance)\b", "max_offset", "deg"),
    (
        r"\b(first|smallest|lowest|min(imum)?|earliest)( \w+)? (run|obs|observation|id)\b|\b(run|id) (min|first)\b",
        "first_obs_id",
        "",
    ),
    (
        r"\b(last|largest|highest|max(imum)?|latest)( \w+)? (run|obs|observation|id)\b|\b(run|id) (max|last)\b",
        "last_obs_id",
        "",
    ),
    (r"\b(first|earliest|start)( \w+)? (date|time)\b", "first_date", ""),
    (r"\b(last|latest)( \w+)? (date|time)\b", "last_date", ""),
    (
        (
            r"\b(obs(ervation)?|run) ?(id|number)?s\b|\bids\b|\b(obs|observation|run) (list|ids)\b"
            r"|\blist of (ids|runs|observations)"
        ),
        "obs_ids",
        "",
    ),
]
IN_TIME = re.compile(r"(?:s|min|h)-1|m?Hz")
"""Units of a number of events in a time; the number alone is another quantity."""
REGIONS = [
    (r"\bn ?on\b|\bon counts\b|\bcounts on\b|^on$", "n_on", ""),
    (r"\bn ?off\b|\boff counts\b|\bcounts off\b|^off$", "n_off", ""),
    (r"\bsignal (to|over) (background|noise)\b|\bs ?(to|over) ?b\b|\bs b ratio\b", "signal_to_background", ""),
    (r"\bsignificance\b|\bsignif\b|\bsqrt ?ts\b|\bli ?(and )?ma\b|\b(n ?)?sigmas?\b|\bsnr\b", "significance", ""),
    (r"\bexcess rate\b|\bgamma(-ray)? rate\b|\brate\b", "excess_rate", "min-1"),
    (r"\b(bkg|background|on off)? ?(norm(alisation)?|ratio)? ?\balpha\b", "alpha", ""),
    (r"\bexcess\b|\bn ?(gamma|signal|excess)\b|\bsignal counts\b", "excess", ""),
    (r"\bbackground\b|\bbkg\b|\bn ?b(kg)?\b", "background", ""),
]
SPECTRUM = [
    (r"\b(number of|n) ?(flux )?points\b", "n_flux_points", ""),
    (r"\bpivot\b|\bdecorrelation\b", "pivot_energy", "TeV"),
    (r"\b(e|energy)? ?cut ?-?off( energy)?\b|\be ?c(ut)?\b", "cutoff", "TeV"),
    (r"\blambda\b|\binverse cut", "parameter lambda_", "TeV-1"),
    (r"\bbeta\b|\bcurvature\b", "parameter beta", ""),
    (r"\b(fit|total) ?stat(istic)?\b|^stat(istic)?$|\blikelihood\b|\bw ?stat\b|\bcash\b", "fit_statistic", ""),
    (r"\bindex\b|\bgamma\b|\bslope\b", "parameter index", ""),
    (r"\be ?2 ?dn ?de\b|\bnu ?f ?nu\b|\be\^2 ?dn/?de\b", "e2dnde", ENERGY_FLUX),
    (r"\b(e ?flux|energy ?flux|integral energy)\b", "energy_flux", ENERGY_FLUX),
    (r"\bdn ?de\b|\bdiff(erential)?( \w+)? flux\b|\bflux density\b|\bdiff flux\b", "dnde", DNDE),
    (
        r"\bamplitude\b|\bampl?\b|\bnorm(alisation|alization)?\b|\b(phi|n|f) ?0\b|\bprefactor\b",
        "parameter amplitude",
        DNDE,
    ),
    (
        (
            r"^(?!.*\b(max(imum)?|min(imum)?|peak|largest|smallest|highest|lowest|brightest|faintest|ratio)\b)"
            r".*\b(flux|phi|f)\b"
        ),
        "flux",
        FLUX,
    ),
    (r"\bconverge\w*\b|\bfit ok\b|\bsuccess\b", "fit_success", ""),
]
SAFE = [
    (r"\b(energy )?threshold\b|\bsafe energy( min(imum)?)?\b|\be ?(min|thr)\b", "safe_energy_min", "TeV"),
    (r"\be ?max\b|\bsafe energy max(imum)?\b", "safe_energy_max", "TeV"),
]
CUBE = [
    (r"\b(bkg|background) (norm(alisation|alization)?|scale)\b|\bnorm (bkg|background)\b", "background_norm", ""),
    (r"\bpos(ition)? ?(err(or)?|unc(ertainty)?)\b", "position_uncertainty", "deg"),
    (r"\bseparation\b|\boffset\b|\bdistance\b", "separation", "deg"),
    (r"\bglon\b|\bgalactic longitude\b|^l$", "glon", "deg"),
    (r"\bglat\b|\bgalactic latitude\b|^b$", "glat", "deg"),
    (r"\br\.?a\b|\bright ascension\b|\blon ?0", "ra", "deg"),
    (r"\bdec(lination)?\b|\blat ?0", "dec", "deg"),
    (r"\bsqrt ?ts\b|\bsignificance\b", "significance", ""),
    (r"\bts\b|\btest statistic\b", "test_statistic", ""),
    (r"\bexcess\b|\bn ?(gamma|signal|excess)\b|\bsignal counts\b", "excess", ""),
    (r"\b(predicted )?background\b|\bbkg\b", "background", ""),
    (r"\bcounts\b|\bn events\b", "counts", ""),
]
SHAPES = {
    "gauss": [(r"\bsigma\b|\bwidth\b|\bextension\b|\bextent\b|\bsize\b", "parameter sigma", "deg")],
    "disk": [(r"\bradius\b|\br ?0\b|\br disk\b|\bextension\b|\bextent\b|\bsize\b", "parameter r_0", "deg")],
    "point": [],
}

ERROR = r"(?<!pos)(?<!position)(?:_| )(?:stat_)?(?:err(?:or)?|unc(?:ertainty)?|std|sigma_?err)$"
LOG_PARABOLA = [(r"\balpha\b|\bindex\b", "parameter alpha", "")]
FLUX_LIKE = ("flux", "energy_flux", "dnde")
KEY_UNITS = {
    "m2": "m2",
    "cm2": "cm2",
    "km2": "km2",
    "deg": "deg",
    "arcmin": "arcmin",
    "arcsec": "arcsec",
    "h": "h",
    "hr": "h",
    "hours": "h",
    "hour": "h",
    "s": "s",
    "sec": "s",
    "seconds": "s",
    "min": "min",
    "minutes": "min",
    "erg": "erg cm-2 s-1",
    "percent": "percent",
}
ONE = rf"(?:{'|'.join(TEV)})"
KEY_RANGE = re.compile(
    rf"(?<![A-Za-z\d])(\d+(?:[p.]\d+)?)(?:_?({ONE})_?(?:to_?)?|_+(?:to_+)?|-|to)(\d+(?:[p.]\d+)?)_?({ONE})(?![a-z])",
    re.I,
)
KEY_BARE = re.compile(r"_(\d+(?:[p.]\d+)?)_(\d+(?:[p.]\d+)?)$")
KEY_ABOVE = re.compile(rf"_?(?:above|over|gt|ge)_?(\d+(?:[p.]\d+)?)_?({ONE})(?![a-z])", re.I)
KEY_ANGLE = re.compile(r"(?<![\d.p])(\d+(?:[p.]\d+)?)_?\s?(deg|arcmin|arcsec)(?![a-z])", re.I)
KEY_SINGLE = re.compile(rf"_?(?:at_?)?(?<![\d.p])(\d+(?:[p.]\d+)?)_?({ONE})(?![a-z])", re.I)

UNIT_WORDS = {
    "hours": "h",
    "hour": "h",
    "hr": "h",
    "minutes": "min",
    "minute": "min",
    "seconds": "s",
    "second": "s",
    "sec": "s",
}
TIME_WORDS = ("s", "sec", "second", "min", "minute", "h", "hr", "hour")
RATE = re.compile(
    rf"(?:\bper|(?<![\w.])1?/)\s?({'|'.join(TIME_WORDS)})s?\b|\b(min|s|h)\s?(?:\^|\*\*)?-1\b|\b(m?Hz)\b", re.I
)
UNIT_WORD = (
    r"(?:(?:ph|photons|erg|TeV|GeV|MeV|keV|cm|m|km|sr|s|sec|h|min|deg)"
    r"(?:\s*(?:\^|\*\*)\s*\(?[-+]?\d+\)?|\s?-\d|\+?\d)?)"
)
COMPOUND = re.compile(rf"(?<![\w.-])(?:1\s*/\s*)?\(?{UNIT_WORD}(?:\s*[*/\s]\s*{UNIT_WORD})+(?!\w)")
SIMPLE = re.compile(
    r"(?<![\d.]\s)(?<![\d.])\b([ck]?m\^?2|deg|arcmin|arcsec|hours?|hr|h|minutes?|seconds?|TeV-1|1/TeV|TeV|GeV|MeV)\b(?!\s*[\w-]*\d)"
)


def quantity(
    key: str, meaning: str, unit: str, about: About, shape: str = "point", spectrum: str = "pl"
) -> Quantity | None:
    """What one key stands for in the results of one recipe.

    Parameters
    ----------
    key
        As it will stand in `result.json`.
    meaning
        What the request says about it.
    unit
        Where known; else it is looked for in `meaning` and in the key's last part.
    about
        What the recipe says about itself: `alpha` is one thing in a log parabola, another beside ON and OFF counts.
    shape, spectrum
        Tags of the spatial and the spectral model.

    Returns
    -------
    Quantity or None
        None where it is nothing that the recipe computes. A flux without energies has no arguments.
    """
    stem, energies = energies_of(key, meaning)
    stem, of_key = _unit_of_key(stem)
    known = rules(about, shape, spectrum)
    error = re.search(ERROR, stem)
    if error and _to_the_end(known, _words(stem)):
        error = None
    words = _words(re.sub(ERROR, "", stem) if error else stem)
    unit = unit or unit_in(meaning) or of_key
    explained = re.sub(r"[\"_]", " ", meaning).lower()
    name, default = (
        _first(known, words) or _first(known, explained) or _first(known, f"{words} {explained}") or ("", "")
    )
    if IN_TIME.fullmatch(unit) and not default:
        rates = (rule for rule in known if rule[1] == f"{name}_rate")
        _, name, default = next(rates, ("", name, default))
    relative = re.search(r"\bcrab( nebula)?\b.{0,10}\bunits?\b|\bcrab$|% of", f"{words} {explained}")
    if relative and name and not name.startswith("crab"):
        name, default = (f"crab_{name}", "") if f"crab_{name}" in about.keys else ("", "")
    if not name:
        return None
    if name.startswith("crab") and re.search(r"%|\bper ?cent\b", f"{words} {explained}"):
        unit = "percent"
    if not error and re.search(
        r"\b(1 ?-?sigma|statistical|its|fit) ?(error|uncertainty)\b|\b(error|uncertainty) (of|on)\b", explained
    ):
        error = re.search(r"err|unc|delta|sig", words)
    takes = about.keys[name].takes if name in about.keys else ""
    name, *parameter = name.split()
    name = name if takes else _by_unit(name, unit)
    if takes == "angle":
        energies = _angle_of(key, meaning)
    elif takes:
        energies = energies[: 1 if takes == "energy" else 2]
    elif name in FLUX_LIKE and default in (FLUX, ENERGY_FLUX, DNDE):
        default = {"flux": FLUX, "energy_flux": ENERGY_FLUX, "dnde": DNDE}[name]
        if name == "dnde":
            energies = energies[:1]
    elif name == "e2dnde":
        energies = energies[:1]
    else:
        energies = ()
    if len(energies) == 2 and energies[0] >= energies[1]:
        return None
    if not _fits(unit, default):
        if default and unit != of_key:
            return None
        unit = ""
    return Quantity(name + ("_error" if error else ""), (*parameter, *energies), unit or default)


def rules(about: About, shape: str, spectrum: str) -> list[tuple[str, str, str]]:
    """Words, quantity and unit of all that a recipe reports; its own before what recipes share."""
    own = [(key.words, name, key.unit) for name, key in about.keys.items()]
    groups = {
        "counts": COUNTS,
        "lists": LISTS,
        "regions": REGIONS,
        "spectrum": SPECTRUM,
        "safe": SAFE,
        "cube": CUBE + SHAPES[shape],
    }
    fitted = "spectrum" in about.vocabulary or "parameter index" in about.keys
    curved = LOG_PARABOLA if spectrum == "lp" and fitted else []
    return curved + own + [rule for group in about.vocabulary for rule in groups[group]]


def _words(stem: str) -> str:
    """`n_on`, `nOn` and `chi2` as `n on` and `chi 2`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_|(?<=[a-zA-Z])(?=\d)", " ", stem).strip().lower()


def _to_the_end(rules: list[tuple[str, str, str]], words: str) -> bool:
    """Whether a rule is about all words, so that a last `std` is part of the quantity and not its error."""
    return any(match.end() == len(words) for pattern, _, _ in rules for match in re.finditer(pattern, words))


def _first(rules: list[tuple[str, str, str]], words: str) -> tuple[str, str] | None:
    return next(((name, unit) for pattern, name, unit in rules if re.search(pattern, words)), None)


def energies_of(key: str, meaning: str) -> tuple[str, tuple[float, ...]]:
    """The key without its energies, and the energies in TeV; the meaning's where the key has none."""
    if match := KEY_RANGE.search(key):
        low, unit, high, last = match.groups()
        return key[: match.start()] + "_" + key[match.end() :], (in_tev(low, unit or last), in_tev(high, last))
    if match := KEY_ABOVE.search(key):
        return key[: match.start()] + "_" + key[match.end() :], (in_tev(*match.groups()), ABOVE_TO)
    energies: tuple[float, ...] = ()
    if (match := KEY_BARE.search(key)) and not re.search(r"[kMGTP]eV", meaning):
        return key[: match.start()], (in_tev(match.group(1), "TeV"), in_tev(match.group(2), "TeV"))
    for found in find_energies(Page(meaning)):
        if found.form == "range":
            energies = found.values
        elif found.form == "above":
            energies = (found.values[0], ABOVE_TO)
        elif found.form == "single" and not energies:
            energies = found.values
    if match := KEY_SINGLE.search(key):
        alone = (in_tev(*match.groups()),)
        return key[: match.start()] + "_" + key[match.end() :], energies if len(energies) == 2 else alone
    return key, energies


def _angle_of(key: str, meaning: str) -> tuple[float, ...]:
    """The angle in deg that a key or what is said about it names: `n_within_10deg`."""
    match = KEY_ANGLE.search(key) or KEY_ANGLE.search(meaning)
    if match is None:
        return ()
    return (round(number(match.group(1)) / {"arcmin": 60, "arcsec": 3600}.get(match.group(2).lower(), 1), 9),)


ABOVE_TO = 1000.0
"""TeV: where an integral `above` an energy ends; nothing is left beyond for any spectrum softer than index 1.5."""


def _unit_of_key(stem: str) -> tuple[str, str]:
    """The key without a unit at its end (`_deg`, `_h`, `_erg`), and that unit."""
    if match := re.search(r"_(?:per_(min|minute|s|sec|second|h|hr|hour)|(m?hz))$", stem, re.I):
        return stem[: match.start()], _per(match.group(1) or match.group(2))
    first, _, last = stem.strip("_").rpartition("_")
    minimum = last == "min" and not re.search(r"time|exposure|duration", first)
    if first and last in KEY_UNITS and not minimum:
        return first, KEY_UNITS[last]
    if first and last in ("TeV", "GeV"):
        return first, last
    return stem.strip("_"), ""


def unit_in(text: str) -> str:
    """The unit that a phrase names, in the spelling of astropy; empty where it names none."""
    if match := COMPOUND.search(text):
        return spell(match.group())
    if match := RATE.search(text):
        return _per(next(part for part in match.groups() if part))
    if match := SIMPLE.search(text):
        unit = match.group(1)
        return "TeV-1" if unit == "1/TeV" else UNIT_WORDS.get(unit, unit.replace("^", ""))
    return ""


def _per(time: str) -> str:
    """The unit of a rate per `minute`, in `Hz` and their like."""
    times = {"hz": "s-1", "mhz": "mHz"} | {name: f"{name[0] if name[0] in 'sh' else 'min'}-1" for name in TIME_WORDS}
    return times[time.lower()]


def spell(text: str) -> str:
    """`TeV^-1 cm^-2/s`, `1/(cm2 s)` and their like as `TeV-1 cm-2 s-1`."""
    parts, sign = [], 1
    inverse = bool(re.match(r"\s*1?\s*/\s*\(", text))
    for token in re.findall(
        r"/|(?:ph(?:otons)?|erg|[kMGT]eV|km|cm|m|sec|sr|s|h|min|deg)(?:\^|\*\*)?\(?[-+]?\d*\)?", text
    ):
        if token == "/":
            sign = -1
            continue
        base, power = re.fullmatch(r"([A-Za-z]+)\D*?(-?\d*)\)?", token.replace("+", "")).groups()  # type: ignore[union-attr]
        if not base.startswith("ph"):
            exponent = int(power or 1) * sign
            parts.append(base.replace("sec", "s") + ("" if exponent == 1 else str(exponent)))
        sign = -1 if inverse else 1
    return " ".join(parts)


def _dimension(unit: str) -> str:
    """What a unit measures, coarsely: enough to tell fluxes apart."""
    from astropy import units as u

    return str(u.Unit(unit).physical_type) + str(u.Unit(unit).decompose().bases) if unit else ""


def _fits(unit: str, default: str) -> bool:
    from astropy import units as u

    try:
        return not unit or u.Unit(unit).is_equivalent(u.Unit(default))
    except ValueError:
        return False


def _by_unit(name: str, unit: str) -> str:
    """The kind of flux that the unit says, whatever it is called."""
    if name in FLUX_LIKE and unit:
        for kind, default in (("flux", FLUX), ("energy_flux", ENERGY_FLUX), ("dnde", DNDE)):
            if _fits(unit, default):
                return kind
    return name
