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
    parameters: dict[str, Any] = {name: values[name] for name in ("TARGET_RA", "TARGET_DEC", "DATES") if name in values}
    if "TARGET_RA" not in values and "TARGET_RA" in constants and constants["TARGET_RA"].default is not None:
        return parameters, ["a target without coordinates and without a name that the table of sources knows"]
    if "DATA_STORE" not in constants or (
        constants["DATA_STORE"].default is None and "DATA_STORE" not in values and reading.runs is None
    ):
        return parameters, []
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
