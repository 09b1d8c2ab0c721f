"""Chooses the recipe that answers a request as it was read, or says plainly why none does."""

from __future__ import annotations

import re
from math import log10
from typing import Any

from pydantic import BaseModel, Field

from gammapygpt.cookbook.book import recipes
from gammapygpt.cookbook.demands import demands, kind_of
from gammapygpt.cookbook.keys import Kind
from gammapygpt.cookbook.observations import select_observations
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.results import UNITS, wanted_results
from gammapygpt.state import ResultSpec, ResultType, StoreInfo


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
    parameters, problems = select_observations(reading, stores, assumptions)
    if not problems:
        parameters |= _constants(reading, kind)
        entries, problems = wanted_results(reading, kind, parameters)
        parameters["RESULTS"] = {key: found.entry() for key, found in entries.items()}
    if problems:
        return refuse(problems)
    for one in reading.wanted:
        if parameters["RESULTS"][one.key][0] in UNITS and not re.search(r"\d", one.key + one.meaning):
            low, high = parameters["RESULTS"][one.key][1:3]
            assumptions.append(f"“{one.key}” is integrated over {low:g}-{high:g} TeV, the energies of the fit.")
    _open_choices(kind, parameters, assumptions)
    results = [_spec(key, entry) for key, entry in parameters["RESULTS"].items()]
    return Choice(recipe=kind, parameters=parameters, results=results, assumptions=assumptions)


def refuse(problems: list[str]) -> Choice:
    """A plain refusal that says which part it is about and what can be done."""
    able = "; ".join(recipe.answers.split("\n")[0].rstrip(".") for recipe in recipes().values())
    return Choice(refusal=f"The cookbook has no recipe for {'; '.join(problems)}. It can do: {able}.")


def _constants(reading: Reading, kind: Kind) -> dict[str, Any]:
    """Values for the recipe's other constants, where the request gives them, and where the fit starts."""
    constants = recipes()[kind].constants
    values = dict(reading.values)
    if "ENERGY_MIN" in constants:
        limits = [values.get(name, constants[name].default) for name in ("ENERGY_MIN", "ENERGY_MAX")]
        decades = log10(limits[1] / limits[0])
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
    "OFFSET_MAX": "events within {} deg of the pointing",
    "STACKED": "fit to the sum of all observations: {}",
}


def _open_choices(kind: Kind, parameters: dict[str, Any], assumptions: list[str]) -> None:
    """Say which defaults of the recipe stand because the request left them open."""
    constants = recipes()[kind].constants
    for name, text in SAID.items():
        if name in constants and name not in parameters:
            assumptions.append(text.format(constants[name].default) + " (default)")
