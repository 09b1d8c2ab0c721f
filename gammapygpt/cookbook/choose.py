"""Chooses the recipe that answers a request as it was read, or says plainly why none does."""

from __future__ import annotations

import re
from math import log10
from typing import Any

from pydantic import BaseModel, Field

from gammapygpt.cookbook.book import recipes
from gammapygpt.cookbook.keys import DNDE, FLUX_LIKE, Kind, Quantity, quantity, rules
from gammapygpt.cookbook.reader import Reading, Wanted
from gammapygpt.cookbook.runs import near
from gammapygpt.state import ResultSpec, ResultType, StoreInfo

# What people ask of Gammapy and no recipe does; a word is no demand where `no`, `not` or `without` stands before it.
BEYOND = {
    "a light curve": r"\blight[\s-]?curves?\b|\brun-?wise flux|\bnight(?:ly|-?wise)\b|\bvariab\w+|\bflux versus time|\btime series\b",
    "a ring background": r"\bring\b|\bRingBackground",
    "a significance or excess map": r"\b(?:significance|excess|TS|flux|sky|counts?|residual) (?:map|image)s?\b|\bcorrelat(?:ed|ion) (?:radius|map|excess)",
    "a catalogue": r"\bcatalog(?:ue)?s?\b|\b[234]FGL\b|\b[123]FHL\b|\bHGPS\b|\bgamma-?cat\b|\b[23]HWC\b",
    "a simulation": r"\bsimulat\w+|\bfak(?:e|ing)\b|\bpredict(?:ed|ion)?\b|\bwould be (?:seen|detected)|\bMonte[\s-]Carlo\b|\btoy\b",
    "the absorption by the extragalactic background light": r"\bEBL\b|\bextragalactic[\s-]background|\babsor(?:bed|ption)\b|\bde-?absorb\w*|\bintrinsic\b|\bredshift\b",
    "an instrument response": r"\beffective areas? (?:at|of|curve|for|versus)\b|\binstrument response|\benergy (?:dispersion|resolution)\b|\bcontainment radi(?:us|i)\b|\bPSF (?:size|radius|at|width)\b|\bevaluate the (?:IRF|PSF)|\bangular resolution\b|\bbackground rate\b",
    "a pulsar phase": r"\bphas(?:e|es|ogram|e-?resolved)\b|\bpulsed\b|\bperiodic\w*|\bperiodogram\b",
    "a theta-squared plot": r"\btheta[\s-]*(?:squared|square|2|\^2|\*\*2)\b",
    "a sensitivity or an upper limit": r"\bsensitivit(?:y|ies)\b|\bupper[\s-]limits?\b|\bUL\b",
    "other instruments": r"\bFermi\b|\bLAT\b|\bHAWC\b|\bLHAASO\b|\bjoint (?:fit |analysis )?with\b|\bmulti-?(?:instrument|wavelength)\b",
    "a model file": r"\b(?:model|YAML) file\b|\.ya?ml\b|\bserialis\w+|\bserializ\w+",
    "another spectral model": r"\b(?:smoothly )?broken power|\bsuper-?exponential|\btemplate\b|\bnaima\b|\bdark matter\b|\bhadronic\b|\bleptonic\b|\btwo[\s-]component|\bpiece-?wise\b",
    "another spatial model": r"\bshells?\b|\bellip\w+|\belongat\w+|\basymmetric\b|\bgenerali[sz]ed gauss\w*|\btwo (?:sources|gaussians|components)|\bsecond (?:source|component)|\bmorpholog\w+ template|\benergy[\s-]dependent morph\w*",
    "a comparison of models": r"\bcompar(?:e|ing|ison)\b|\blikelihood[\s-]ratio\b|\bF-test\b|\bAIC\b|\bBIC\b|\bpreferred over\b|\bnested\b",
    "another statistical method": r"\bBayesian\b|\bMCMC\b|\bposterior\b|\bunfold\w*|\bbootstrap\w*|\bprofile likelihood\b|\bcontours?\b|\bstat(?:istic)? profiles?\b",
    "a fixed number of OFF regions": r"\b(?:\d+|one|two|three|four|five|six|exactly \w+|at most \w+) (?:OFF|reflected|background)[\s-]*regions?\b|\bwobble[\s-]regions?\b|\bOn-?Off (?:runs|observations)\b",
    "another background method": r"\btemplate background|\badaptive\b|\bphase background\b|\boff-?runs?\b|\bOFF observations\b",
    "a selection by zenith angle, time of day or quality": r"\bzenith(?: angles?)? (?:below|above|less|smaller|larger|under|between|up to|<|>|of at most)|\bquality\b|\b(?:four|three|\d) telescopes\b|\blivetime (?:above|longer|of at least|>)",
    "another safe mask": r"\baeff-?default\b|\bedisp-?bias\b|\bbkg-?peak\b|\benergy[\s-]bias\b",
    "a distribution or histogram": r"\bhistogram\w*|\bdistributions?\b",
    "spectra in several time bins or regions": r"\b(?:time|spatially)[\s-]resolved|\bper (?:night|run|month|year) spectr\w+|\bspectr\w+ (?:for|of|in) each\b|\bfor each (?:run|night|source|observation)\b|\beach run separately\b",
    "an array of sources": r"\ball (?:sources|targets|blazars)\b|\bsurvey\b|\bblind search\b",
}  # fmt: skip
NEGATION = re.compile(r"\b(?:no|not|without|never|instead of|rather than|avoid|don't|do not|nor)\b[^,.;]{0,25}$", re.I)

KINDS: list[tuple[Kind, str]] = [
    ("stacked_3d", r"(?<!\w)3-?D\b|\bthree[\s-]dimensional|\bcubes?\b|\bmap ?datasets?\b|\b(?:FoV|field[\s-]of[\s-]view)[\s-]background|\bspatial(?:ly)?\b|\bmorpholog\w+|\bextension\b|\bfree position\b|\bposition,? (?:and )?(?:width|radius|size)"),
    ("reflected_spectrum", r"\bspectr(?:um|a|al)\b|\bpower[\s-]*law\b|\bSEDs?\b|\bflux(?:es)?\b|\blog[\s-]*parabol\w*|\bphoton index\b|\bspectral\b"),
    ("reflected_significance", r"\bsignifican\w+|\bexcess\b|\bdetect\w*|(?-i:\bON) counts|\bn_on\b|\bLi ?(?:&|and) ?Ma\b|\bsigmas?\b|\bsignal[\s-]to"),
    ("observation_list", r"\b(?:runs?|observations?|pointings?)\b"),
]  # fmt: skip
DEFAULT_RADIUS = 2.0
"""deg: how far from the target observations may point where the request does not say."""
FIELD_OF_VIEW = 3.0
"""deg: observations in a range of ids that point farther from the target cannot see it."""
UNITS = {"flux": "cm-2 s-1", "energy_flux": "erg cm-2 s-1"}


class Choice(BaseModel):
    """A recipe with values for its constants, or a refusal."""

    recipe: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    results: list[ResultSpec] = Field(default_factory=list)
    assumptions: list[str] = Field(default_factory=list)
    refusal: str = ""
    """Why no recipe answers, and what the cookbook can do; empty where one does."""


def choose(reading: Reading, stores: list[StoreInfo]) -> Choice:
    """The recipe and its parameters for a request as it was read.

    Parameters
    ----------
    reading
        From `read_request`.
    stores
        The data stores that are there; without them, the request has to name one and its run ids are taken as they are.
    """
    kind = kind_of(reading)
    problems = demands(reading)
    if kind is None:
        problems = problems or ["what is asked for"]
    if problems or kind is None:
        return refuse(problems)
    if kind == "stacked_3d" and re.search(r"\breflected\b", reading.prose, re.I):
        return refuse(["a 3D fit with reflected regions: reflected regions belong to a spectrum or a significance"])
    assumptions = list(reading.assumptions)
    parameters, problems = _observations(reading, stores, assumptions)
    if not problems:
        parameters |= _constants(reading, kind, assumptions)
        entries, problems = _results(reading, kind, parameters)
        parameters["RESULTS"] = {key: found.entry() for key, found in entries.items()}
    if problems:
        return refuse(problems)
    _open_choices(kind, parameters, assumptions)
    results = [_spec(key, entry) for key, entry in parameters["RESULTS"].items()]
    return Choice(recipe=kind, parameters=parameters, results=results, assumptions=assumptions)


def kind_of(reading: Reading) -> Kind | None:
    """The analysis that a request asks for: the most demanding one that it names."""
    words = f"{reading.prose} {' '.join(one.key + ' ' + one.meaning for one in reading.wanted)}"
    for kind, pattern in KINDS:
        if re.search(pattern, reading.prose, re.IGNORECASE):
            return kind
    return next((kind for kind, pattern in KINDS if re.search(pattern, words, re.IGNORECASE)), None)


def demands(reading: Reading) -> list[str]:
    """What the request wants and no recipe does, and the quantities that no rule understood."""
    found = []
    for name, pattern in BEYOND.items():
        for match in re.finditer(pattern, reading.prose, re.IGNORECASE):
            if not NEGATION.search(reading.prose[: match.start()]):
                found.append(f"{name} (“{match.group()}”)")
                break
    return found + [f"“{' '.join(words.split())}”" for words in reading.unread]


def refuse(problems: list[str]) -> Choice:
    """A plain refusal that says which part it is about and what can be done."""
    able = "; ".join(recipe.answers.split("\n")[0].rstrip(".") for recipe in recipes().values())
    return Choice(refusal=f"The cookbook has no recipe for {'; '.join(problems)}. It can do: {able}.")


def _observations(
    reading: Reading, stores: list[StoreInfo], assumptions: list[str]
) -> tuple[dict[str, Any], list[str]]:
    """Target, data store and selection of observations; and what is wrong with them."""
    values = reading.values
    parameters = {name: values[name] for name in ("TARGET_RA", "TARGET_DEC", "DATES") if name in values}
    if "TARGET_RA" not in values:
        return parameters, ["a target without coordinates and without a name that the table of sources knows"]
    radius = values.get("SELECTION_RADIUS")
    if radius is None and reading.runs is None:
        radius = DEFAULT_RADIUS
        assumptions.append(f"Observations that point within {DEFAULT_RADIUS:g} deg of the target.")
    parameters["SELECTION_RADIUS"] = radius
    store, problem = _store(reading, stores, radius or FIELD_OF_VIEW, assumptions)
    if problem:
        return parameters, [problem]
    parameters["DATA_STORE"] = store.path if isinstance(store, StoreInfo) else store
    known = store.obs_ids if isinstance(store, StoreInfo) else []
    if reading.runs is not None:
        around = near(store, values["TARGET_RA"], values["TARGET_DEC"], radius or FIELD_OF_VIEW) if known else []
        parameters["OBS_IDS"] = reading.runs.resolve(around)
        if skipped := sorted(set(reading.runs.resolve(known)) - set(parameters["OBS_IDS"])):
            assumptions.append(f"Observations {skipped} lie in the range of ids but do not point near the target.")
        missing = [i for i in parameters["OBS_IDS"] if known and i not in known]
        if missing or not parameters["OBS_IDS"]:
            return parameters, [
                f"observations {missing or reading.runs.words}, which {parameters['DATA_STORE']} does not hold"
            ]
    if reading.left_out is not None:
        if not isinstance(store, StoreInfo):
            return parameters, ["leaving out observations of a data store that cannot be looked into"]
        candidates = parameters.get("OBS_IDS") or near(
            store, values["TARGET_RA"], values["TARGET_DEC"], radius or 180.0
        )
        parameters["OBS_IDS"] = [i for i in candidates if i not in reading.left_out.resolve(known)]
    return parameters, []


def _store(
    reading: Reading, stores: list[StoreInfo], radius: float, assumptions: list[str]
) -> tuple[StoreInfo | str, str]:
    """The data store that the request names, or the one with most observations of the target; and what is wrong."""
    ra, dec = reading.values["TARGET_RA"], reading.values["TARGET_DEC"]
    name = reading.values.get("DATA_STORE")
    if name and name != ".":
        store = next((store for store in stores if store.path.strip("/") == name), None)
        if store is None and (stores or re.search(r"\.\w{2,5}(?:\.gz)?$", name)):
            there = ", ".join(store.path for store in stores) or "not known"
            return "", f"{name}, which is no data store here (data stores: {there})"
        return store or name, ""
    counts = {store.path: len(near(store, ra, dec, radius)) for store in stores}
    best = max(stores, key=lambda store: counts[store.path], default=None)
    if best is None:
        return "", "data that cannot be found: the request names no data store, and none is known"
    if counts[best.path] == 0:
        return (
            "",
            f"a target without data: no data store has observations within {radius:g} deg of RA {ra:g}, Dec {dec:g} deg",
        )
    assumptions.append(
        f"Data store {best.path}, with {counts[best.path]} observations within {radius:g} deg of the target."
    )
    return best, ""


def _constants(reading: Reading, kind: Kind, assumptions: list[str]) -> dict[str, Any]:
    """Values for the recipe's other constants, where the request gives them."""
    constants = recipes()[kind].constants
    values = dict(reading.values)
    if kind == "stacked_3d":
        _bins_in_total(values, constants)
    elif "ENERGY_BINS" in values:
        low = values.get("ENERGY_MIN", constants["ENERGY_MIN"].default if "ENERGY_MIN" in constants else 1.0)
        high = values.get("ENERGY_MAX", constants["ENERGY_MAX"].default if "ENERGY_MAX" in constants else 10.0)
        values["BINS_PER_DECADE"] = values["ENERGY_BINS"] / log10(high / low)
    parameters = {name: value for name, value in values.items() if name in constants and name != "DATA_STORE"}
    fixed = parameters.get("FIXED", {})
    if "START" in constants:
        shape = values.get("SPATIAL_MODEL", "point") if kind == "stacked_3d" else "point"
        start = {"gauss": {"sigma": 0.1}, "disk": {"r_0": 0.3}}.get(shape, {})
        curve = {"ecpl": {"lambda_": 0.1}, "lp": {"beta": 0.1}}.get(values.get("SPECTRAL_MODEL", "pl"), {})
        start = {"amplitude": 1e-11, **start, **curve}
        parameters["START"] = {name: value for name, value in start.items() if name not in fixed}
    return parameters


def _bins_in_total(values: dict[str, Any], constants: dict[str, Any]) -> None:
    """The 3D recipe counts its bins over the whole range."""
    if "BINS_PER_DECADE" in values:
        low = values.get("ENERGY_MIN", constants["ENERGY_MIN"].default)
        high = values.get("ENERGY_MAX", constants["ENERGY_MAX"].default)
        values["ENERGY_BINS"] = max(1, round(values.pop("BINS_PER_DECADE") * log10(high / low)))


def _results(reading: Reading, kind: Kind, parameters: dict[str, Any]) -> tuple[dict[str, Quantity], list[str]]:
    """What each wanted key stands for, and the keys that are not understood."""
    entries: dict[str, Quantity] = {}
    problems = []
    for one in reading.wanted:
        found = _quantity(one, kind, parameters)
        if found is None:
            about = f" ({' '.join(one.meaning.split())})" if one.meaning else ""
            problems.append(f"the result “{one.key}”{about}")
        else:
            entries[one.key] = found
    if not reading.wanted:
        entries = _wishes(reading, kind, parameters)
    return entries, problems


def _wishes(reading: Reading, kind: Kind, parameters: dict[str, Any]) -> dict[str, Quantity]:
    """Where the request names no keys: the recipe's own results, and what else the prose speaks of."""
    shape, spectrum = str(parameters.get("SPATIAL_MODEL", "point")), str(parameters.get("SPECTRAL_MODEL", "pl"))
    entries = {key: Quantity(e[0], tuple(e[1:-1]), e[-1]) for key, e in _default_results(kind, shape, spectrum).items()}
    if kind in ("reflected_spectrum", "stacked_3d"):
        for low, high in reading.integrals:
            entries[_flux_key(low, high)] = Quantity("flux", (low, high), UNITS["flux"])
        for energy in reading.differentials:
            entries[f"dnde_{energy:g}TeV"] = Quantity("dnde", (energy,), DNDE)
    there = {(found.name, found.arguments) for found in entries.values()}
    for pattern, name, unit in rules(kind, shape, spectrum):
        if match := re.search(pattern, reading.prose.lower()):
            key = "_".join(
                [*re.findall(r"\w+", name.replace("parameter ", "").strip("_")), *re.findall(r"^\w+$", unit)]
            )
            found = _quantity(Wanted(key=key, meaning=match.group(), unit=unit), kind, parameters)
            if found and (found.name, found.arguments) not in there and found.name not in FLUX_LIKE:
                entries[key] = found
    return entries


def _quantity(one: Wanted, kind: Kind, parameters: dict[str, Any]) -> Quantity | None:
    """One key, with the energies that it leaves open taken from the analysis."""
    constants = recipes()[kind].constants

    def value(name: str) -> Any:
        return parameters.get(name, constants[name].default if name in constants else None)

    found = quantity(
        one.key, one.meaning, one.unit, kind, value("SPATIAL_MODEL") or "point", value("SPECTRAL_MODEL") or "pl"
    )
    if found is None:
        return None
    stem = found.name.removesuffix("_error")
    edges = value("FLUX_POINT_EDGES") or []
    if stem == "flux" and found.arguments in list(zip(edges[:-1], edges[1:], strict=True)):
        return found._replace(name=found.name.replace("flux", "flux_point"))
    if stem in UNITS and not found.arguments:
        return found._replace(arguments=(value("ENERGY_MIN"), value("ENERGY_MAX")))
    if stem in UNITS and len(found.arguments) == 1:
        return found._replace(arguments=(found.arguments[0], 1000.0)) if "above" in one.meaning else None
    if stem == "dnde" and not found.arguments:
        return found._replace(arguments=(value("REFERENCE_ENERGY"),))
    needs = {"cutoff": "ecpl", "lambda_": "ecpl", "beta": "lp"}.get(
        str(found.arguments[0]) if found.arguments else stem
    )
    if needs and value("SPECTRAL_MODEL") != needs:
        return None
    if value("SPECTRAL_MODEL") == "lp" and found.arguments == ("index",):
        return None
    return found


def _spec(key: str, entry: list[Any]) -> ResultSpec:
    """What the plan promises about one key."""
    types: dict[str, ResultType] = {"obs_ids": "list", "first_date": "str", "last_date": "str"}
    return ResultSpec(
        key=key, type=types.get(entry[0]), unit=str(entry[-1]), meaning=" ".join(str(part) for part in entry[:-1])
    )


def _flux_key(low: float, high: float) -> str:
    return f"flux_above_{low:g}TeV" if high >= 1000 else f"flux_{low:g}_{high:g}TeV"


def _default_results(kind: Kind, shape: str, spectrum: str) -> dict[str, list[Any]]:
    """The recipe's own RESULTS, for the parameters that the models have."""
    results = dict(recipes()[kind].constants["RESULTS"].default)
    if spectrum == "lp" and "index" in results:
        results.pop("index")
        results = {"alpha": ["parameter", "alpha", ""], "beta": ["parameter", "beta", ""], **results}
    if spectrum == "ecpl" and "index" in results:
        results["cutoff_TeV"] = ["cutoff", "TeV"]
    if kind == "stacked_3d" and shape != "point":
        key, name = {"gauss": ("sigma_deg", "sigma"), "disk": ("radius_deg", "r_0")}[shape]
        results[key] = ["parameter", name, "deg"]
    return results


SAID = {
    "ON_RADIUS": "ON region of {} deg radius",
    "EXCLUSION_RADIUS": "{} deg around the target kept out of the background estimate",
    "ENERGY_MIN": "reconstructed energies from {} TeV",
    "ENERGY_MAX": "reconstructed energies up to {} TeV",
    "AEFF_MAX_PERCENT": "safe energies where the effective area is above {} % of its maximum",
    "CONTAINMENT_CORRECTION": "correction for the PSF outside the ON region: {}",
    "SPECTRAL_MODEL": "spectral model {}",
    "REFERENCE_ENERGY": "reference energy {} TeV",
    "SPATIAL_MODEL": "spatial model {}",
    "MAP_WIDTH": "map of {} deg width",
    "PIXEL_SIZE": "pixels of {} deg",
    "ENERGY_BINS": "{} energy bins",
    "OFFSET_MAX": "events within {} deg of the pointing",
    "STACKED": "fit to the sum of all observations: {}",
}


def _open_choices(kind: Kind, parameters: dict[str, Any], assumptions: list[str]) -> None:
    """Say which defaults of the recipe stand because the request left them open."""
    constants = recipes()[kind].constants
    for name, text in SAID.items():
        if name in constants and name not in parameters:
            assumptions.append(text.format(constants[name].default) + " (default)")
