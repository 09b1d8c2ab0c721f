"""What is told of models, fits and flux points: values, errors, limits, whether they succeeded.

Runs inside the sandbox, in the script's own process: standard library only, Python 3.9 and newer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import facts_data as data  # type: ignore[import-not-found]

MOST_PARAMETERS = 120
MOST_POINTS = 100
PARTS = ("spectral_model", "spatial_model", "temporal_model", "model1", "model2")


def leaves(model: Any) -> Iterator[Any]:
    """The simple models of which a model is made."""
    parts = [part for part in (getattr(model, name, None) for name in PARTS) if part is not None]
    if not parts:
        yield model
    for part in parts:
        yield from leaves(part)


def parameters_of(models: Any) -> list[dict[str, Any]]:
    """All parameters of some models; one that several models share is told once."""
    found: dict[int, dict[str, Any]] = {}
    for model in models:
        for leaf in leaves(model):
            for parameter in leaf.parameters:
                if len(found) < MOST_PARAMETERS and id(parameter) not in found:
                    found[id(parameter)] = parameter_facts(model, leaf, parameter)
    return list(found.values())


def parameter_facts(model: Any, leaf: Any, parameter: Any) -> dict[str, Any]:
    """One parameter; limits only where there are any."""
    facts = {
        "model": data.name_of(getattr(model, "name", "")),
        "kind": type(leaf).__name__,
        "name": data.name_of(parameter.name),
        "value": data.number(parameter.value),
        "unit": data.name_of(parameter.unit),
        "error": data.number(parameter.error),
        "frozen": bool(parameter.frozen),
    }
    for side in ("min", "max"):
        if isinstance(limit := data.number(getattr(parameter, side)), float):
            facts[side] = limit
    for name in ("frame", "filename"):
        if getattr(leaf, name, None) is not None:
            facts[name] = data.name_of(getattr(leaf, name)).rpartition("/")[2]
    return facts


def fit_facts(result: Any, models: Any) -> dict[str, Any]:
    """What a fit says of itself, and where it left the parameters.

    Parameters
    ----------
    result : FitResult or OptimizeResult
        As Gammapy returned it.
    models : Models
        Those of the data sets.
    """
    optimised = getattr(result, "optimize_result", None) or result
    covariance = getattr(result, "covariance_result", None)
    return {
        "success": bool(result.success),
        "optimized": bool(optimised.success),
        "covariance": bool(covariance.success) if covariance is not None else None,
        "message": str(optimised.message)[:300],
        "backend": data.name_of(optimised.backend),
        "total_stat": data.number(optimised.total_stat),
        "models": [data.name_of(model.name) for model in models][:50],
        "parameters": parameters_of(models),
        **(correlation(covariance.matrix, models) if covariance is not None else {}),
    }


def correlation(matrix: Any, models: Any) -> dict[str, Any]:
    """The two free parameters that are correlated most, by size."""
    free = [
        (row, model.name, parameter)
        for row, (model, parameter) in enumerate((model, one) for model in models for one in model.parameters)
        if not parameter.frozen
    ]
    if len(matrix) <= max((row for row, _, _ in free), default=-1):
        return {}
    largest, pair = 0.0, []
    for place, (row, name, one) in enumerate(free[:60]):
        for column, other_name, other in free[place + 1 : 60]:
            size = matrix[row][row] * matrix[column][column]
            value = float(matrix[row][column]) / float(size) ** 0.5 if size > 0 and one is not other else 0.0
            if abs(value) > abs(largest):
                largest, pair = value, [f"{name}.{one.name}", f"{other_name}.{other.name}"]
    return {"largest_correlation": data.number(largest), "correlated": pair}


def points_facts(points: Any) -> dict[str, Any]:
    """Flux points, light curves and flux maps; of maps no values."""
    facts: dict[str, Any] = {"n_sigma": data.number(points.n_sigma)}
    facts["n_sigma_ul"] = data.number(points.meta.get("n_sigma_ul")) if points.meta else None
    facts["selection"] = [data.name_of(name) for name in points.available_quantities][:40]
    axes = points.geom.axes
    facts["edges"] = data.axis_facts(axes["energy"]).get("edges", [])
    if "time" in axes.names:
        facts.update(times_of(axes["time"]))
    size = points.geom.data_shape
    facts["n"] = 1
    for length in size:
        facts["n"] *= int(length)
    if facts["n"] > MOST_POINTS and size[-1] > 1:
        return {**facts, "map": True, "largest_sqrt_ts": largest(points, "sqrt_ts")}
    return {**facts, **values_of(points)}


def times_of(axis: Any) -> dict[str, Any]:
    """The bins of a time axis, in TT, and the scale in which the script has them."""
    bins = zip(axis.time_min.tt.isot, axis.time_max.tt.isot)
    return {"times": [list(pair) for pair in bins][:MOST_POINTS], "time_scale": data.name_of(axis.time_min.scale)}


def values_of(points: Any) -> dict[str, Any]:
    """Success, significance and value of each point."""
    there = set(points.available_quantities)
    norm, error = flat(points, "norm"), flat(points, "norm_err") if "norm_err" in there else None
    facts: dict[str, Any] = {"nan_values": int((norm != norm).sum())}
    if "success" in there:
        facts["failed"] = int((flat(points, "success") == 0).sum())
    if "norm_ul" in there:
        limits = flat(points, "norm_ul")
        facts["nan_limits"] = int((limits != limits).sum())
    if "ts" in there or "sqrt_ts" in there:
        roots = flat(points, "sqrt_ts")
        facts["sqrt_ts"] = listed(roots)
        facts["insignificant"] = int((roots < 2).sum())
    if error is not None:
        facts["pulls"] = listed((norm - 1) / error)
    for name, unit in (("dnde", "cm-2 s-1 TeV-1"), ("flux", "cm-2 s-1")):
        facts[name] = listed(getattr(points, name).quantity.to_value(unit).ravel())
    return facts


def flat(points: Any, name: str) -> Any:
    """One quantity of all points as a flat array."""
    return getattr(points, name).data.ravel()


def listed(values: Any) -> list[Any]:
    """The first values of an array."""
    return [data.number(value) for value in values[:MOST_POINTS]]


def largest(points: Any, name: str) -> Any:
    """The largest value on a map that is not NaN."""
    if name not in points.available_quantities and name != "sqrt_ts":
        return None
    values = flat(points, name)
    values = values[values == values]
    return data.number(values.max()) if len(values) else None
