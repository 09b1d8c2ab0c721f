"""The constant RESULTS: which quantity each wanted key stands for, and sensible keys where the request names none."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from gammapygpt.cookbook.book import recipes
from gammapygpt.cookbook.keys import ABOVE_TO, DNDE, FLUX_LIKE, Kind, Quantity, quantity, rules
from gammapygpt.cookbook.reading import Reading, Wanted

UNITS = {"flux": "cm-2 s-1", "energy_flux": "erg cm-2 s-1"}
FITTED = {"parameter", "cutoff", "dnde", "e2dnde", "flux", "energy_flux"}
WITH_ERROR: dict[Kind, set[str]] = {
    "observation_list": set(),
    "reflected_significance": {"excess", "background", "excess_rate"},
    "reflected_spectrum": FITTED | {"excess", "background"},
    "stacked_3d": FITTED | {"ra", "dec", "background_norm"},
}
"""Quantities that the recipes give with an error."""


def wanted_results(reading: Reading, kind: Kind, parameters: dict[str, Any]) -> tuple[dict[str, Quantity], list[str]]:
    """What each wanted key stands for, and the keys that are not understood."""
    entries: dict[str, Quantity] = {}
    problems = _points_outside(reading, kind, parameters)
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


def _points_outside(reading: Reading, kind: Kind, parameters: dict[str, Any]) -> list[str]:
    """Flux points have to lie inside the energies of the fit."""
    edges = parameters.get("FLUX_POINT_EDGES") or []
    if not edges and "FLUX_POINTS" in reading.values:
        return [f"“{reading.words['FLUX_POINTS']}” without the energy range that they divide"]
    constants = recipes()[kind].constants
    limits = [parameters.get(n, constants[n].default) for n in ("ENERGY_MIN", "ENERGY_MAX") if edges]
    if edges and (edges[0] < limits[0] or edges[-1] > limits[1]):
        return [
            f"flux points from {edges[0]:g} to {edges[-1]:g} TeV beyond a fit from {limits[0]:g} to {limits[1]:g} TeV"
        ]
    return []


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
            if found and (found.name, found.arguments) not in there and found.name not in (*FLUX_LIKE, "e2dnde"):
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
    if found.name.endswith("_error") and stem not in WITH_ERROR[kind]:
        return None
    edges = value("FLUX_POINT_EDGES") or []
    if stem == "flux" and found.arguments in list(pairwise(edges)):
        return found._replace(name=found.name.replace("flux", "flux_point"))
    if stem in UNITS and not found.arguments:
        return found._replace(arguments=(value("ENERGY_MIN"), value("ENERGY_MAX")))
    if stem in UNITS and len(found.arguments) == 1:
        return found._replace(arguments=(found.arguments[0], ABOVE_TO)) if "above" in one.meaning else None
    if stem in ("dnde", "e2dnde") and not found.arguments:
        return found._replace(arguments=(value("REFERENCE_ENERGY"),))
    needs = {"cutoff": "ecpl", "lambda_": "ecpl", "beta": "lp"}.get(
        str(found.arguments[0]) if found.arguments else stem
    )
    if needs and value("SPECTRAL_MODEL") != needs:
        return None
    if value("SPECTRAL_MODEL") == "lp" and found.arguments == ("index",):
        return None
    return found


def _flux_key(low: float, high: float) -> str:
    return f"flux_above_{low:g}TeV" if high >= ABOVE_TO else f"flux_{low:g}_{high:g}TeV"


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
