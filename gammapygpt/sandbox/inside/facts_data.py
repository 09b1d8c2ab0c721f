"""What is told of observations, regions, masks and data sets: plain facts, read without loading or computing much.

Runs inside the sandbox, in the script's own process: standard library only, Python 3.9 and newer; the objects of
Gammapy, astropy and numpy come from the script. Angles are in deg (ICRS), energies in TeV, times in s.
"""

from __future__ import annotations

import math
from typing import Any

LONGEST_AXIS = 60
LONGEST_LIST = 400
LONGEST_NAME = 80


def number(value: Any) -> Any:
    """A float that JSON can hold: what is not finite as a word, what is no number as None."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else str(value)


def total(array: Any) -> Any:
    """The sum of an array, as a float."""
    return number(array.sum())


def in_unit(quantity: Any, unit: str) -> Any:
    """A scalar quantity in a unit."""
    return number(quantity.to_value(unit)) if quantity is not None else None


def name_of(value: Any) -> str:
    """A name, never endless."""
    return str(value)[:LONGEST_NAME]


def stored(thing: Any, name: str) -> Any:
    """What an object holds in memory under a name; None for what it would have to load first."""
    return vars(thing).get(name)


def position(coordinates: Any) -> dict[str, Any]:
    """A sky position."""
    icrs = coordinates.icrs
    return {"ra_deg": number(icrs.ra.deg), "dec_deg": number(icrs.dec.deg)}


def separation(one: dict[str, Any], other: dict[str, Any]) -> Any:
    """Angle between two positions, in deg (haversine formula)."""
    if None in (one.get("ra_deg"), one.get("dec_deg"), other.get("ra_deg"), other.get("dec_deg")):
        return None
    ra, dec, other_ra, other_dec = (
        math.radians(place[name]) for place in (one, other) for name in ("ra_deg", "dec_deg")
    )
    half = math.sin((dec - other_dec) / 2) ** 2
    half += math.cos(dec) * math.cos(other_dec) * math.sin((ra - other_ra) / 2) ** 2
    return number(f"{math.degrees(2 * math.asin(min(1.0, half**0.5))):.6g}")


def observation_facts(observation: Any) -> dict[str, Any]:
    """One observation that a maker has reduced, so that what is asked for here is loaded already."""
    facts: dict[str, Any] = {"irfs": list(observation.available_irfs), "rad_max": has_rad_max(observation)}
    pointing = getattr(observation.pointing, "fixed_icrs", None)
    facts.update(position(pointing if pointing is not None else observation.get_pointing_icrs(observation.tmid)))
    facts["ontime_s"] = in_unit(observation.observation_time_duration, "s")
    facts["livetime_s"] = in_unit(observation.observation_live_time_duration, "s")
    facts["dead_time_fraction"] = number(observation.observation_dead_time_fraction)
    return facts


def has_rad_max(observation: Any) -> bool:
    """Whether there is a theta cut for point-like IRFs, loaded or not."""
    held = vars(observation)
    return held.get("_rad_max") is not None or held.get("__rad_max_hdu") is not None


def rows_of(table: Any, obs_ids: list[Any]) -> dict[Any, dict[str, Any]]:
    """What an observation index table says of some observations, by id."""
    names = {
        "RA_PNT": "ra_deg",
        "DEC_PNT": "dec_deg",
        "ZEN_PNT": "zenith_deg",
        "ONTIME": "ontime_s",
        "LIVETIME": "livetime_s",
    }
    kept = {column: name for column, name in names.items() if column in table.colnames}
    numbers = {plain(obs_id): row for row, obs_id in enumerate(table["OBS_ID"])}
    found = {}
    for obs_id in obs_ids[:LONGEST_LIST]:
        if obs_id in numbers:
            row = numbers[obs_id]
            found[obs_id] = {name: number(table[column][row]) for column, name in kept.items()}
    return found


def plain(obs_id: Any) -> Any:
    """An observation id as JSON can hold it."""
    try:
        return int(obs_id)
    except (TypeError, ValueError):
        return name_of(obs_id)


def region_facts(geom: Any) -> dict[str, Any] | None:
    """The region or the map of a geometry."""
    if geom.is_region:
        region = geom.region
        if region is None:
            return None
        facts: dict[str, Any] = {"shape": type(region).__name__}
        centre = geom.center_skydir
        if getattr(region, "radius", None) is not None:
            facts["radius_deg"] = in_unit(region.radius, "deg")
    else:
        facts = {"shape": "map", "pixel_deg": number(geom.pixel_scales[0].to_value("deg"))}
        facts["width_deg"] = [number(side) for side in geom.width.to_value("deg").ravel()[:2]]
        centre = geom.center_skydir
    facts.update(position(centre))
    facts["frame"] = name_of(geom.frame)
    return facts


def axis_facts(axis: Any) -> dict[str, Any]:
    """An energy axis."""
    edges = [number(f"{edge:.8g}") for edge in axis.edges.to_value("TeV")]
    facts = {"min": edges[0], "max": edges[-1], "n": len(edges) - 1}
    return {**facts, "edges": edges} if len(edges) <= LONGEST_AXIS else facts


def mask_facts(mask: Any, centre: Any) -> dict[str, Any] | None:
    """An exclusion mask, and whether it keeps the centre of a region or map."""
    if mask is None:
        return None
    kept = mask.get_by_coord({**middle(mask), "skycoord": centre}) if centre is not None else [math.nan]
    value = number(kept[0])
    facts = {"dtype": name_of(mask.data.dtype), "kept": number(mask.data.astype(bool).mean())}
    return {**facts, "on_kept": bool(value) if isinstance(value, float) else None}


def middle(mask: Any) -> dict[str, Any]:
    """The middle of each axis that is not spatial."""
    return {axis.name: axis.center[:1] for axis in mask.geom.axes}


def array_of(mask: Any) -> Any:
    """The booleans of a mask, which may be a map or a bare array."""
    array = getattr(mask, "data", mask)
    return array.astype(bool) if hasattr(array, "astype") else None


def dataset_facts(dataset: Any) -> dict[str, Any]:
    """One data set as it is now; maps that were not loaded stay so."""
    facts: dict[str, Any] = {"type": type(dataset).__name__, "name": name_of(dataset.name)}
    facts["stat"] = name_of(getattr(dataset, "stat_type", ""))
    models = dataset.models
    if models is not None:
        kinds = [(name_of(model.name), type(model).__name__) for model in list(models)[:50]]
        facts["models"] = [name for name, kind in kinds if kind not in ("FoVBackgroundModel", "TemplateNPredModel")]
        background = getattr(dataset, "background_model", None)
        facts["background_model"] = name_of(background.name) if background is not None else ""
    counts = stored(dataset, "counts")
    if counts is not None:
        facts.update(counted(dataset, counts))
    return facts


def counted(dataset: Any, counts: Any) -> dict[str, Any]:
    """Counts, masks and axes of a binned data set."""
    geom = counts.geom
    energy = geom.axes["energy"]
    facts: dict[str, Any] = {"region": region_facts(geom), "energy": axis_facts(energy)}
    safe, fit = (array_of(stored(dataset, name)) for name in ("mask_safe", "mask_fit"))
    facts["safe_fraction"] = number(safe.mean()) if safe is not None else None
    facts["fit_fraction"] = number(fit.mean()) if fit is not None else None
    if safe is not None:
        facts["safe_energy"] = range_of(safe, energy)
    used = safe & fit if safe is not None and fit is not None else safe if safe is not None else fit
    if used is not None:
        facts["used_fraction"], facts["used_energy"] = number(used.mean()), range_of(used, energy)
    where = used if used is not None else slice(None)
    facts["bins"] = int(counts.data[where].size)
    facts["counts"] = total(counts.data[where])
    if "acceptance_off" in vars(dataset):
        facts.update(off_counts(dataset, counts, where))
    else:
        background = stored(dataset, "background")
        facts["has_background"] = background is not None
        if background is not None:
            facts["background"] = total(background.data[where])
    exposure = stored(dataset, "exposure")
    if exposure is not None:
        facts["energy_true"] = axis_facts(exposure.geom.axes["energy_true"])
        meta = exposure.meta or {}
        facts["livetime_s"] = in_unit(meta.get("livetime"), "s")
        facts["point_like"] = bool(meta["is_pointlike"]) if "is_pointlike" in meta else None
    facts["obs_ids"] = ids_of(getattr(dataset, "meta_table", None))
    gti = stored(dataset, "gti")
    if gti is not None and len(gti.table):
        facts["start"], facts["stop"] = gti.time_start[0].tt.isot, gti.time_stop[-1].tt.isot
    return facts


def off_counts(dataset: Any, counts: Any, where: Any) -> dict[str, Any]:
    """OFF counts, acceptances and excess of an ON/OFF data set."""
    on, off = stored(dataset, "acceptance"), stored(dataset, "acceptance_off")
    facts: dict[str, Any] = {"acceptance_off": total(off.data[where]) if off is not None else None}
    counts_off = stored(dataset, "counts_off")
    if counts_off is None or on is None or off is None:
        return facts
    n_on, n_off = counts.data[where], counts_off.data[where]
    inside = off.data[where] > 0
    alpha = on.data[where][inside] / off.data[where][inside]
    background = (alpha * n_off[inside]).sum()
    facts["counts_off"], facts["background"] = total(n_off), number(background)
    facts["excess"] = number(n_on.sum() - background)
    facts["alpha"] = number(alpha.mean()) if alpha.size else None
    facts["bins_without_off"] = int(((n_off == 0) & (n_on > 0)).sum())
    return facts


def off_regions(dataset: Any) -> Any:
    """How many OFF regions were found; reflected regions count one acceptance each."""
    off = stored(dataset, "acceptance_off") if stored(dataset, "counts_off") is not None else None
    return int(off.data.max()) if off is not None else 0


def range_of(mask: Any, axis: Any) -> list[Any] | None:
    """Lowest and highest energy of a mask whose first axis is the energy."""
    bins = mask.reshape(mask.shape[0], -1).any(axis=1).nonzero()[0]
    if not len(bins):
        return None
    edges = axis.edges.to_value("TeV")
    return [number(f"{edges[bins[0]]:.8g}"), number(f"{edges[bins[-1] + 1]:.8g}")]


def ids_of(table: Any) -> list[Any]:
    """The observations of a data set, as its meta table tells; stacked ones hold several."""
    if table is None or "OBS_ID" not in table.colnames:
        return []
    found = []
    for entry in table["OBS_ID"]:
        for obs_id in entry if hasattr(entry, "__len__") and not isinstance(entry, str) else [entry]:
            found.append(plain(obs_id))
    return found[:LONGEST_LIST]


def degrees(angle: Any) -> Any:
    """An angle in deg; a bare number is taken as it is."""
    return number(angle.to_value("deg").ravel()[0] if hasattr(angle, "to_value") else angle)


def settings_of(thing: Any) -> dict[str, Any]:
    """What a maker or estimator was told, as far as it is plain; that of a finder within it as well."""
    found: dict[str, Any] = {}
    for name, value in list(vars(thing).items())[:40]:
        if name == "region_finder":
            found.update({"finder": type(value).__name__, **settings_of(value)})
        elif value is None or isinstance(value, (bool, int, float, str)):
            found[name.lstrip("_")] = name_of(value) if isinstance(value, str) else value
        elif isinstance(value, (set, frozenset, list, tuple)) and all(isinstance(one, str) for one in value):
            found[name.lstrip("_")] = sorted(value)
        elif hasattr(value, "to_value") and getattr(value, "size", 0) <= 20:
            found[name.lstrip("_")] = " ".join(f"{value.value} {value.unit}".split())[:200]
    return found
