"""Target, data store and selection of observations for a request as it was read."""

from __future__ import annotations

import re
from typing import Any

from gammapygpt.cookbook.book import Recipe
from gammapygpt.cookbook.reading import Reading
from gammapygpt.cookbook.runs import near
from gammapygpt.state import StoreInfo

DEFAULT_RADIUS = 2.0
"""deg: how far from the target observations may point where the request does not say."""
FIELD_OF_VIEW = 3.0
"""deg: observations in a range of ids that point farther from the target cannot see it."""


def select_observations(
    reading: Reading, stores: list[StoreInfo], assumptions: list[str], recipe: Recipe
) -> tuple[dict[str, Any], list[str]]:
    """Target, data store and selection of observations, as far as a recipe has them; and what is wrong with them."""
    values, constants = reading.values, recipe.constants
    own = {"TARGET_RA", "TARGET_DEC", "DATES"} & set(constants)
    parameters: dict[str, Any] = {name: value for name, value in values.items() if name in own}
    needs_target = {"TARGET_RA", "DATA_STORE"} <= set(constants) and constants["TARGET_RA"].default is not None
    if "TARGET_RA" not in values and needs_target:
        return parameters, ["a target without coordinates and without a name that the table of sources knows"]
    if "DATA_STORES" in constants:
        return _several_stores(reading, stores, parameters, assumptions)
    if "DATA_STORE" not in constants or (
        constants["DATA_STORE"].default is None and "DATA_STORE" not in values and reading.runs is None
    ):
        if reading.runs is None:
            return parameters, []
        if "OBS_IDS" not in constants:
            return parameters, [f"“{reading.runs.words}”"]
        return parameters | {"OBS_IDS": reading.runs.resolve([])}, []
    if "TARGET_RA" not in values:
        return _by_runs_alone(reading, stores, parameters)
    radius = values.get("SELECTION_RADIUS")
    if radius is None and reading.runs is None:
        radius = DEFAULT_RADIUS
        assumptions.append(f"Observations that point within {DEFAULT_RADIUS:g} deg of the target.")
    if "SELECTION_RADIUS" in constants:
        parameters["SELECTION_RADIUS"] = radius
    store, problem = _store(reading, stores, radius or FIELD_OF_VIEW, assumptions)
    if problem:
        return parameters, [problem]
    parameters["DATA_STORE"] = store.path if isinstance(store, StoreInfo) else store
    known = store.obs_ids if isinstance(store, StoreInfo) else []
    if reading.runs is not None:
        around = (
            near(store, values["TARGET_RA"], values["TARGET_DEC"], radius or FIELD_OF_VIEW)
            if isinstance(store, StoreInfo)
            else []
        )
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


def _several_stores(
    reading: Reading, stores: list[StoreInfo], parameters: dict[str, Any], assumptions: list[str]
) -> tuple[dict[str, Any], list[str]]:
    """Data stores that the request names; for each other instrument that it names, the one with most observations."""
    values = reading.values
    paths = list(values.get("DATA_STORES", []))
    if reading.left_out is not None:
        return parameters, [f"“{reading.left_out.words}”"]
    radius = values.get("SELECTION_RADIUS", DEFAULT_RADIUS)
    for name in dict.fromkeys(re.findall(INSTRUMENT, reading.prose)):
        if any(name.lower() in path.lower() for path in [*paths, *values.get("DATA_FILES", [])]):
            continue
        bearing = [store for store in of_instrument(name, stores) if name.lower() in store.path.lower()]
        counts = {one.path: len(near(one, values["TARGET_RA"], values["TARGET_DEC"], radius)) for one in bearing}
        if not any(counts.values()):
            return parameters, [f"{name}, of which no data store points within {radius:g} deg of the target"]
        paths.append(max(counts, key=lambda path: counts[path]))
        assumptions.append(f"Data store {paths[-1]} of {name}.")
    if len(paths) + len(values.get("DATA_FILES", [])) + ("FERMI_DATASETS" in values) < 2:
        return parameters, ["a joint fit without the data of a second instrument"]
    values["DATA_STORES"] = parameters["DATA_STORES"] = paths
    parameters["SELECTION_RADIUS"] = radius
    if reading.runs is not None:
        parameters["OBS_IDS"] = reading.runs.resolve([])
    return parameters, []


def _by_runs_alone(
    reading: Reading, stores: list[StoreInfo], parameters: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Data store and observations where no position matters: the store is named, or the only one with these runs."""
    ids = reading.runs.resolve([]) if reading.runs is not None else []
    named = reading.values.get("DATA_STORE")
    holding = [one for one in stores if set(ids) <= set(one.obs_ids) and named in (None, one.path.strip("/"), one.path)]
    if len(holding) != 1 and (stores or named is None):
        there = ", ".join(store.path for store in stores) or "not known"
        return parameters, [f"observations {ids or ''} of a data store that is not named (data stores: {there})"]
    parameters["DATA_STORE"] = holding[0].path if holding else named
    if ids:
        parameters["OBS_IDS"] = ids
    return parameters, []


def _store(
    reading: Reading, stores: list[StoreInfo], radius: float, assumptions: list[str]
) -> tuple[StoreInfo | str, str]:
    """The data store that the request names, or the one with most observations of the target; and what is wrong."""
    ra, dec = reading.values["TARGET_RA"], reading.values["TARGET_DEC"]
    name = reading.values.get("DATA_STORE")
    if name and name != ".":
        inside = [store for store in stores if store.path.startswith(f"{name}/")]
        store = next(
            (store for store in stores if store.path.strip("/") == name), inside[0] if len(inside) == 1 else None
        )
        if store is None and (stores or ".." in name or re.search(r"\.\w{2,5}(?:\.gz)?$", name)):
            there = ", ".join(store.path for store in stores) or "not known"
            return "", f"{name}, which is no data store here (data stores: {there})"
        return store or name, ""
    stores = of_instrument(reading.prose, stores)
    counts = {store.path: len(near(store, ra, dec, radius)) for store in stores}
    best = max(stores, key=lambda store: counts[store.path], default=None)
    if best is None:
        return "", "data that cannot be found: the request names no data store, and none is known"
    if counts[best.path] == 0:
        return (
            "",
            f"a target without data: no data store points within {radius:g} deg of RA {ra:g}, Dec {dec:g} deg",
        )
    assumptions.append(
        f"Data store {best.path}, with {counts[best.path]} observations within {radius:g} deg of the target."
    )
    return best, ""


def of_instrument(text: str, stores: list[StoreInfo]) -> list[StoreInfo]:
    """The data stores whose folders bear the name of an instrument that a text names; all where none does."""
    names = {name.lower().rstrip("o") for name in re.findall(INSTRUMENT, text)}
    bearing = [store for store in stores if any(name in store.path.lower() for name in names)]
    return sorted(bearing or stores, key=lambda store: not store.path.lower().startswith(tuple(names)))


INSTRUMENT = r"\b(?:HESS|MAGIC|VERITAS|CTAO?)\b"
