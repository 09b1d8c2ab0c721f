"""What is noted of a call that a script makes: functions of a record, the result, the object and its arguments.

Runs inside the sandbox, in the script's own process: standard library only, Python 3.9 and newer.
"""

from __future__ import annotations

import json
from typing import Any

import facts_data as data  # type: ignore[import-not-found]
import facts_fit as fit  # type: ignore[import-not-found]
from record import Record  # type: ignore[import-not-found]

MOST_DATASETS = 300

_dumps = json.dumps


def got_observations(seen: Record, result: Any, store: Any, given: dict[str, Any]) -> None:
    """Observations that were got from a store, one or several."""
    asked = given.get("obs_id")
    several = hasattr(result, "ids")
    got = [data.plain(one.obs_id) for one in (result if several else [result])][: data.LONGEST_LIST]
    required = given.get("required_irf", "full-enclosure")
    place = str(getattr(store.hdu_table, "meta", {}).get("BASE_DIR", ""))
    selection = {"store": data.name_of(place.rpartition("/")[2]), "got": got}
    selection["required_irf"] = [data.name_of(one) for one in ([required] if isinstance(required, str) else required)]
    if asked is not None:
        selection["asked"] = [data.plain(one) for one in (asked if several else [asked])][: data.LONGEST_LIST]
    seen.append("selections", selection)
    rows = data.rows_of(store.obs_table, got) if store.obs_table is not None else {}
    for obs_id in got:
        seen.observation(obs_id).update(rows.get(obs_id, {}))


def selected_in_cone(seen: Record, result: Any, table: Any, given: dict[str, Any]) -> None:
    """Observations that were selected by position."""
    centre = given.get("center", given.get("skydir"))
    cone = {**data.position(centre), "radius_deg": data.degrees(given.get("radius")), "n": len(result)}
    seen.append("cones", cone)


def made(seen: Record, result: Any, maker: Any, given: dict[str, Any]) -> None:
    """One step of data reduction for one observation."""
    if not hasattr(result, "counts"):
        found_regions(seen, result, maker, given)
        return
    seen.use(seen.number_of(result), "made")
    geom = getattr(data.stored(result, "counts"), "geom", None)
    region = data.region_facts(geom) if geom is not None and geom.is_region else None
    facts = {"maker": kind(maker), "region": region, "settings": seen.settings_of(maker)}
    key = _dumps(facts)
    making = seen.row("makings", key, **facts, obs_ids=[], offsets_deg=[], n_off=[])
    if "exclusion" not in making and getattr(maker, "exclusion_mask", None) is not None:
        centre = geom.center_skydir if geom is not None else None
        making["exclusion"] = data.mask_facts(maker.exclusion_mask, centre)
    if "Background" in facts["maker"] and "acceptance_off" in vars(result) and region is not None:
        making["n_off"].append(data.off_regions(result))
    observation = given.get("observation")
    if observation is not None and len(making["obs_ids"]) < data.LONGEST_LIST:
        making["obs_ids"].append(data.plain(observation.obs_id))
        row = reduced(seen, result, observation)
        if region is not None:
            making["offsets_deg"].append(data.separation(row, region))
            seen.first.setdefault(key, observation)


def found_regions(seen: Record, result: Any, finder: Any, given: dict[str, Any]) -> None:
    """OFF regions that the script itself asked a finder for."""
    facts = {"maker": kind(finder), "region": None, "settings": seen.settings_of(finder)}
    making = seen.row("makings", _dumps(facts), **facts, obs_ids=[], offsets_deg=[], n_off=[])
    making["n_off"].append(len(result[0]))
    region = given["region"]
    if hasattr(region, "center"):
        making["region"] = {"shape": type(region).__name__, **data.position(region.center)}
        if hasattr(region, "radius"):
            making["region"]["radius_deg"] = data.degrees(region.radius)
        making["offsets_deg"].append(data.separation(data.position(given["center"]), making["region"]))


def reduced(seen: Record, dataset: Any, observation: Any) -> dict[str, Any]:
    """An observation that a maker has read."""
    row = seen.observation(data.plain(observation.obs_id))
    if not row.get("used") and seen.budget.left():
        row.update(data.observation_facts(observation))
    row["used"] = True
    meta = getattr(data.stored(dataset, "exposure"), "meta", None) or {}
    if "is_pointlike" in meta:
        row["point_like"] = bool(meta["is_pointlike"])
    return row


def fitted(seen: Record, result: Any, fitter: Any, given: dict[str, Any]) -> None:
    """A fit, or one of its two halves."""
    sets = as_list(given.get("datasets"))
    models = unique(model for one in sets for model in (one.models or []))
    if hasattr(result, "matrix"):  # the covariance alone, which belongs to the optimisation before
        last = seen.lists["fits"][-1] if seen.lists["fits"] else {}
        last.update(covariance=bool(result.success), parameters=fit.parameters_of(models))
        return
    seen.count["fits"] += 1
    seen.count["failed_fits"] += not result.success
    facts = fit.fit_facts(result, models) if seen.budget.left() else {"success": bool(result.success)}
    seen.append("fits", {**facts, "datasets": [seen.see(one, "fit") for one in sets[:MOST_DATASETS]]})


def compared(seen: Record, result: Any, test: Any, given: dict[str, Any]) -> None:
    """A comparison of two nested models."""
    names = [data.name_of(one.name) for one in test.parameters]
    seen.append("nested", {"parameters": names, "ts": data.number(result["ts"])})


def estimated(seen: Record, result: Any, estimator: Any, given: dict[str, Any]) -> None:
    """Flux points and their kin."""
    sets = as_list(given.get("datasets", given.get("dataset")))
    facts: dict[str, Any] = {"type": kind(estimator), "settings": data.settings_of(estimator)}
    facts["datasets"] = [seen.see(one, "points") for one in sets[:MOST_DATASETS]]
    if hasattr(result, "available_quantities") and seen.budget.left():
        facts.update(fit.points_facts(result))
    elif isinstance(result, dict):
        numbers = {data.name_of(name): data.number(value) for name, value in list(result.items())[:40]}
        facts["values"] = {name: value for name, value in numbers.items() if value is not None}
    seen.append("points", facts)


def put_together(seen: Record, result: Any, datasets: Any, given: dict[str, Any]) -> None:
    """The stack of several data sets, or a table over them."""
    stacked = hasattr(result, "counts")
    numbers = [seen.see(one, "stack" if stacked else "info") for one in list(datasets)[:MOST_DATASETS]]
    if stacked:
        seen.use(seen.number_of(result), "stacked", numbers)


def stacked(seen: Record, result: Any, dataset: Any, given: dict[str, Any]) -> None:
    """A data set that was added to another one."""
    seen.use(seen.number_of(dataset), "stacked", [seen.see(given["other"], "stack")])


def informed(seen: Record, result: Any, dataset: Any, given: dict[str, Any]) -> None:
    """The numbers of one data set, with its significance."""
    number = seen.see(dataset, "info")
    seen.use(number, "info")["sqrt_ts"] = data.number(result.get("sqrt_ts"))


def simulated(seen: Record, result: Any, simulator: Any, given: dict[str, Any]) -> None:
    """A simulation, and what its random numbers came from."""
    state = given.get("random_state", getattr(simulator, "random_state", "random-seed"))
    dataset = given.get("dataset", simulator)
    facts = {"random_state": data.name_of(state) if isinstance(state, (int, str)) else type(state).__name__}
    if hasattr(dataset, "models"):
        facts["dataset"] = seen.see(dataset, "fake")
    seen.append("simulations", facts)


def made_background_model(seen: Record, result: Any, model: Any, given: dict[str, Any]) -> None:
    """A background model of the script's own, and the data set that it names."""
    seen.append("background_models", data.name_of(model.datasets_names[0]))


def evaluated(name: str) -> Any:
    """Notes one method of spectral models, at single energies."""

    def note(seen: Record, result: Any, model: Any, given: dict[str, Any]) -> None:
        energies = [given[one] for one in ("energy", "energy_min", "energy_max") if one in given]
        if not energies or not all(single(one) for one in energies):
            return
        values = [data.number(one.to_value("TeV")) for one in energies]
        value = result[0] if isinstance(result, tuple) else result
        facts = {"kind": type(model).__name__, "what": name.strip("_"), "energies": values}
        row = seen.row("evaluations", f"{facts}")
        row.update(**facts, value=data.number(value.value), unit=data.name_of(value.unit))

    return note


def looked_up(name: str) -> Any:
    """Notes one method of instrument responses, at a few places."""

    def note(seen: Record, result: Any, response: Any, given: dict[str, Any]) -> None:
        told = {key: " ".join(str(value).split()) for key, value in given.items() if getattr(value, "size", 1) <= 8}
        seen.append("lookups", {"irf": type(response).__name__, "what": name, **told})

    return note


def took_source(seen: Record, result: Any, catalogue: Any, given: dict[str, Any]) -> None:
    """A source of a catalogue."""
    seen.append(
        "catalogue", {"catalogue": data.name_of(getattr(catalogue, "tag", "")), "source": str(result.name)[:80]}
    )


def saved_figure(seen: Record, result: Any, figure: Any, given: dict[str, Any]) -> None:
    """A figure that was saved."""
    axes = figure.axes
    labels = [label for one in axes[:6] for label in (one.get_xlabel(), one.get_ylabel()) if label]
    facts = {"name": data.name_of(given.get("fname", "")).rpartition("/")[2], "axes": len(axes)}
    facts["empty"] = not any(one.has_data() for one in axes)
    seen.append("figures", {**facts, "labels": [data.name_of(label) for label in labels]})


def kind(thing: Any) -> str:
    """The class of Gammapy that an object is of, also where the script has made one of its own from it."""
    classes = type(thing).__mro__
    return next((one.__name__ for one in classes if one.__module__.startswith("gammapy.")), classes[0].__name__)


def as_list(datasets: Any) -> list[Any]:
    """One data set or several, as a list."""
    if datasets is None:
        return []
    one = hasattr(datasets, "stat_type") or hasattr(datasets, "counts")
    return [datasets] if one else list(datasets)


def unique(things: Any) -> list[Any]:
    """Each object once."""
    return list({id(thing): thing for thing in things}.values())


def single(value: Any) -> bool:
    """One value, not an array of them."""
    return getattr(value, "size", 1) == 1
