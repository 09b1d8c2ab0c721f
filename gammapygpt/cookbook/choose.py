"""Chooses the recipe that answers a request as it was read, or says plainly why none does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import log10
from typing import Any

from pydantic import BaseModel, Field

from gammapygpt.cookbook.book import Recipe, recipes
from gammapygpt.cookbook.demands import beyond, demanded, perhaps, uncovered
from gammapygpt.cookbook.observations import select_observations
from gammapygpt.cookbook.reader import read_request
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.results import UNITS, wanted_results
from gammapygpt.state import Request, ResultSpec, ResultType, StoreInfo


class Choice(BaseModel):
    """A recipe with values for its constants, and what of the request it leaves unanswered."""

    recipe: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    results: list[ResultSpec] = Field(default_factory=list)
    assumptions: list[str] = Field(default_factory=list)
    uncovered: list[str] = Field(default_factory=list)
    """Parts of the request that the recipe does not do, in the request's own words."""
    refusal: str = ""
    """Why no recipe answers the whole request, and what the cookbook can do; empty where one does."""


def choose(request: Request, stores: list[StoreInfo]) -> Choice:
    """The recipe that answers a request, with values for its constants; a refusal where none answers all of it."""
    proposals = propose(request, stores)
    if not proposals:
        return refuse(beyond(read_request(request), []) or ["what is asked for"])
    best = proposals[0]
    return refuse(best.uncovered) if best.uncovered else best


def propose(request: Request, stores: list[StoreInfo]) -> list[Choice]:
    """What each recipe that a request may mean makes of it; first the one that leaves least unanswered.

    Parameters
    ----------
    request
        What the user asks.
    stores
        The data stores that are there; without them, the request has to name one and its run ids are taken as they are.
    """
    tried = [attempt(request, stores, recipe) for recipe in candidates(read_request(request))]
    return sorted(tried, key=lambda choice: len(choice.uncovered))


def candidates(reading: Reading) -> list[Recipe]:
    """The recipes that a request may mean, by its prose, or else by its keys; then those that do all of it as well."""
    keys = " ".join(f"{one.key.replace('_', ' ')} {one.meaning}" for one in reading.wanted)
    for words_in, text in ((demanded, reading.prose), (perhaps, reading.prose), (demanded, keys), (perhaps, keys)):
        if found := words_in(text):
            also = [name for name in perhaps(text) if name not in found and not _beyond(recipes()[name], found)]
            return sorted(
                (recipes()[name] for name in found), key=lambda recipe: (_beyond(recipe, found), recipe.name)
            ) + [recipes()[name] for name in also]
    return []


def _beyond(recipe: Recipe, names: Iterable[str]) -> int:
    """How many of the analyses asked for are beyond a recipe."""
    return sum(name != recipe.name and name not in recipe.about.covers for name in names)


def attempt(request: Request, stores: list[StoreInfo], recipe: Recipe) -> Choice:
    """What one recipe makes of a request."""
    reading = read_request(request, recipe)
    assumptions = list(reading.assumptions)
    problems = uncovered(reading, recipe)
    parameters, wrong = select_observations(reading, stores, assumptions, recipe)
    parameters |= _constants(reading, recipe)
    problems += wrong + without_place(reading, recipe) + not_given(reading, recipe, parameters)
    entries, unknown = wanted_results(reading, recipe, parameters)
    parameters["RESULTS"] = {key: found.entry() for key, found in entries.items()}
    for one in reading.wanted:
        found = entries.get(one.key)
        if found and found.name in UNITS and not re.search(r"\d", one.key + one.meaning):
            low, high = found.arguments
            assumptions.append(f"“{one.key}” is integrated over {low:g}-{high:g} TeV.")
    _open_choices(recipe, parameters, assumptions)
    return Choice(
        recipe=recipe.name,
        parameters=parameters,
        results=[_spec(key, entry) for key, entry in parameters["RESULTS"].items()],
        assumptions=assumptions,
        uncovered=problems + unknown,
    )


def refuse(problems: list[str]) -> Choice:
    """A plain refusal that says which part it is about and what can be done: the recipes by their titles."""
    able = ", ".join(recipe.answers.partition(":")[0] for recipe in recipes().values())
    return Choice(refusal=f"The cookbook has no recipe for {'; '.join(problems)}. It can do: {able}.")


ELSEWHERE = {"FLUX_POINTS": "FLUX_POINT_EDGES", "ENERGY_BINS": "BINS_PER_DECADE", "BINS_PER_DECADE": "ENERGY_BINS"}
"""Constants that take a value of another name."""


def without_place(reading: Reading, recipe: Recipe) -> list[str]:
    """Values that a request gives and for which a recipe has no constant: it would do something else than asked.

    The name of a source is no value where a recipe knows neither positions nor data.
    """
    constants, fixed = recipe.constants, recipe.about.fixed
    only_named = reading.target and not {"TARGET_RA", "DATA_STORE"} & set(constants)
    stray = [
        name
        for name, value in reading.values.items()
        if name not in constants
        and ELSEWHERE.get(name) not in constants
        and fixed.get(name) not in (value, "any")
        and not (only_named and name in ("TARGET_RA", "TARGET_DEC") and _is_name(reading, name))
    ]
    return [f"“{' '.join(words.split())}”" for words in dict.fromkeys(reading.words[name] for name in stray)]


def _is_name(reading: Reading, constant: str) -> bool:
    return not re.search(r"\b(?:RA|Dec|deg|ICRS)\b|\d\s*h\b", reading.words[constant])


def not_given(reading: Reading, recipe: Recipe, parameters: dict[str, Any]) -> list[str]:
    """Values that a recipe cannot do without and that the request does not give: a default would be made up."""
    return [
        f"a request that does not give {recipe.constants[names[0]].comment.split('; ')[0] or names[0]}"
        for names in (required.split("|") for required in recipe.about.required)
        if not set(names) & (set(reading.values) | set(parameters))
    ]


def _constants(reading: Reading, recipe: Recipe) -> dict[str, Any]:
    """Values for the recipe's other constants, where the request gives them, and where the fit starts."""
    constants = recipe.constants
    place_fixed(reading, recipe)
    place_integrals(reading, recipe)
    values = dict(reading.values)
    if {"ENERGY_MIN", "ENERGY_MAX"} <= set(constants):
        limits = [values.get(name, constants[name].default) for name in ("ENERGY_MIN", "ENERGY_MAX")]
        decades = log10(limits[1] / limits[0]) if None not in limits and 0 < limits[0] < limits[1] else 1.0
        if "ENERGY_BINS" in values:
            values.setdefault("BINS_PER_DECADE", values["ENERGY_BINS"] / decades)
        elif "BINS_PER_DECADE" in values:
            values["ENERGY_BINS"] = max(1, round(values["BINS_PER_DECADE"] * decades))
    if "FLUX_POINTS" in values and {"ENERGY_MIN", "ENERGY_MAX"} <= set(values):
        ratio = (values["ENERGY_MAX"] / values["ENERGY_MIN"]) ** (1 / values["FLUX_POINTS"])
        edges = [values["ENERGY_MIN"] * ratio**i for i in range(values["FLUX_POINTS"])]
        values.setdefault("FLUX_POINT_EDGES", [*edges, values["ENERGY_MAX"]])
    parameters = {name: value for name, value in values.items() if name in constants and name != "DATA_STORE"}
    if "START" in constants:
        fixed = parameters.get("FIXED", {})
        start = {"amplitude": 1e-11} | _start_of_shape(parameters) | _start_of_curve(parameters)
        parameters["START"] = {name: value for name, value in start.items() if name not in fixed}
    return parameters


def place_fixed(reading: Reading, recipe: Recipe) -> None:
    """`Index fixed to 2` is the given index where the recipe fits none; the other way round an index is assumed."""
    fixed = dict(reading.values.get("FIXED", {}))
    if "FIXED" in recipe.constants:
        return
    for parameter, name in (("index", "INDEX"), ("beta", "BETA"), ("lambda_", "CUTOFF_ENERGY")):
        if parameter in fixed and name in recipe.constants:
            value = fixed.pop(parameter)
            reading.give(name, 1 / value if parameter == "lambda_" else value, reading.words["FIXED"])
    if fixed:
        reading.values["FIXED"] = fixed
    else:
        reading.values.pop("FIXED", None)


def place_integrals(reading: Reading, recipe: Recipe) -> None:
    """The energies of a flux are those of the analysis where a recipe has no others, and the other way round."""
    ranges = list(dict.fromkeys(reading.integrals))
    takes_own = "spectrum" in recipe.about.vocabulary or any(key.takes == "range" for key in recipe.about.keys.values())
    has = {"ENERGY_MIN", "ENERGY_MAX"} <= set(recipe.constants)
    analysis = (reading.values.get("ENERGY_MIN"), reading.values.get("ENERGY_MAX"))
    agree = all(given in (None, own) for pair in ranges for given, own in zip(analysis, pair, strict=True))
    if has and ranges and (not takes_own or (recipe.about.band and agree)):
        for low, high in ranges:
            for name, value in (("ENERGY_MIN", low), ("ENERGY_MAX", high)):
                reading.give(name, value, f"{low:g} to {high:g} TeV")
    elif not has and takes_own and None not in analysis:
        reading.integrals.append((reading.values.pop("ENERGY_MIN"), reading.values.pop("ENERGY_MAX")))


def _start_of_shape(parameters: dict[str, Any]) -> dict[str, float]:
    """An extended source fills part of the circle that is kept out of the background."""
    exclusion = parameters.get("EXCLUSION_RADIUS") or 0.4
    shape = parameters.get("SPATIAL_MODEL", "point")
    return {"point": {}, "gauss": {"sigma": exclusion / 4}, "disk": {"r_0": exclusion * 0.6}}[shape]


def _start_of_curve(parameters: dict[str, Any]) -> dict[str, float]:
    """A cut-off at 10 TeV, a slight curvature: Gammapy's own start values are far from any source."""
    curve = parameters.get("SPECTRAL_MODEL", "pl")
    return {"pl": {}, "ecpl": {"lambda_": 0.1}, "lp": {"alpha": 2.3, "beta": 0.1}}[curve]


def _spec(key: str, entry: list[Any]) -> ResultSpec:
    """What the plan promises about one key."""
    types: dict[str, ResultType] = {"obs_ids": "list", "first_date": "str", "last_date": "str"}
    return ResultSpec(
        key=key, type=types.get(entry[0]), unit=str(entry[-1]), meaning=" ".join(str(part) for part in entry[:-1])
    )


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
    "OFFSET": "{} deg from the pointing",
    "OFFSET_MAX": "events within {} deg of the pointing",
    "STACKED": "fit to the sum of all observations: {}",
}


def _open_choices(recipe: Recipe, parameters: dict[str, Any], assumptions: list[str]) -> None:
    """Say which defaults of the recipe stand because the request left them open."""
    constants = recipe.constants
    for name, text in SAID.items():
        if name in constants and name not in parameters and constants[name].default is not None:
            assumptions.append(text.format(constants[name].default) + " (default)")
