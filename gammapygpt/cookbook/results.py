"""The constant RESULTS: which quantity each wanted key stands for, and sensible keys where the request names none."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from gammapygpt.cookbook.book import Recipe
from gammapygpt.cookbook.explained import keep_to_explanation
from gammapygpt.cookbook.keys import (
    ABOVE_TO,
    DNDE,
    FLUX_LIKE,
    IN_TIME,
    KEY_ABOVE,
    KEY_RANGE,
    Quantity,
    energies_of,
    quantity,
    rules,
)
from gammapygpt.cookbook.reading import Reading, Wanted

UNITS = {"flux": "cm-2 s-1", "energy_flux": "erg cm-2 s-1"}
MODELS = {"cutoff": "ecpl", "lambda_": "ecpl", "beta": "lp"}
"""Parameters that one spectral model alone has."""


INTRINSIC = re.compile(r"\bintrinsic\b|intrinsic_|\bde-?absorbed\b|\bunabsorbed\b|\bEBL[\s-]corrected\b", re.I)
"""Words for a spectrum before its absorption, which a model without absorption has not."""
PER_TIME = re.compile(
    r"_per_(?:s|sec|second|min|minute|h|hr|hour)(?:_|$)|(?:^|_)rate(?:_|$)"
    r"|\b(?:counts?|events?|photons?|gammas?|excess)\s+(?:per|a)\s+(?:s|second|min|minute|h|hour)\b",
    re.I,
)
"""A number of events in a time; the number alone is another one."""


def wanted_results(
    reading: Reading, recipe: Recipe, parameters: dict[str, Any]
) -> tuple[dict[str, Quantity], list[str]]:
    """What each wanted key stands for, and the keys that are not understood."""
    entries: dict[str, Quantity] = {}
    problems = _points_outside(reading, recipe, parameters)
    for one in reading.wanted:
        found = _quantity(one, reading, recipe, parameters)
        if found is None or not keep_to_explanation(one, found, recipe, reading, parameters):
            about = f" ({' '.join(one.meaning.split())})" if one.meaning else ""
            problems.append(f"the result “{one.key}”{about}")
        elif same := [key for key, other in entries.items() if other == found]:
            problems.append(f"what tells the result “{one.key}” from “{same[0]}”")
        else:
            entries[one.key] = found
    if not reading.wanted:
        entries = _wishes(reading, recipe, parameters)
    return entries, problems


def _points_outside(reading: Reading, recipe: Recipe, parameters: dict[str, Any]) -> list[str]:
    """Flux points have to lie inside the energies of the fit."""
    edges = parameters.get("FLUX_POINT_EDGES") or []
    if not edges and "FLUX_POINTS" in reading.values:
        return [f"“{reading.words['FLUX_POINTS']}” without the energy range that they divide"]
    constants = recipe.constants
    limits = [parameters.get(n, constants[n].default) for n in ("ENERGY_MIN", "ENERGY_MAX") if edges and n in constants]
    if limits and (edges[0] < limits[0] or edges[-1] > limits[1]):
        return [
            f"flux points from {edges[0]:g} to {edges[-1]:g} TeV beyond a fit from {limits[0]:g} to {limits[1]:g} TeV"
        ]
    return []


def _wishes(reading: Reading, recipe: Recipe, parameters: dict[str, Any]) -> dict[str, Quantity]:
    """Where the request names no keys: the recipe's own results, and what else the prose speaks of."""
    shape, spectrum = str(parameters.get("SPATIAL_MODEL", "point")), str(parameters.get("SPECTRAL_MODEL", "pl"))
    entries = {
        key: Quantity(e[0], tuple(e[1:-1]), e[-1]) for key, e in _default_results(recipe, shape, spectrum).items()
    }
    if "spectrum" in recipe.about.vocabulary or "flux" in recipe.about.keys:
        for low, high in reading.integrals:
            entries[_flux_key(low, high)] = Quantity("flux", (low, high), UNITS["flux"])
        for energy in reading.differentials:
            entries[f"dnde_{energy:g}TeV"] = Quantity("dnde", (energy,), DNDE)
    there = {(found.name, found.arguments) for found in entries.values()}
    for pattern, name, unit in rules(recipe.about, shape, spectrum):
        if match := re.search(pattern, reading.prose.lower()):
            key = "_".join(
                [*re.findall(r"\w+", name.replace("parameter ", "").strip("_")), *re.findall(r"^\w+$", unit)]
            )
            found = _quantity(Wanted(key=key, meaning=match.group(), unit=unit), reading, recipe, parameters)
            if found and (found.name, found.arguments) not in there and found.name not in (*FLUX_LIKE, "e2dnde"):
                entries[key] = found
    return entries


def _quantity(one: Wanted, reading: Reading, recipe: Recipe, parameters: dict[str, Any]) -> Quantity | None:
    """One key, with the energies that it leaves open taken from the analysis."""
    constants = recipe.constants

    def value(name: str) -> Any:
        return parameters.get(name, constants[name].default if name in constants else None)

    found = quantity(
        one.key, one.meaning, one.unit, recipe.about, value("SPATIAL_MODEL") or "point", value("SPECTRAL_MODEL") or "pl"
    )
    if found is None or (value("EBL_ABSORPTION") is False and INTRINSIC.search(f"{one.key} {one.meaning}")):
        return None
    stem = found.name.removesuffix("_error")
    if found.name.endswith("_error") and stem not in recipe.about.errors:
        return None
    own = recipe.about.keys.get(" ".join([stem, *map(str, found.arguments)])) or recipe.about.keys.get(stem)
    if PER_TIME.search(f"{one.key} {one.meaning}") and not IN_TIME.search(f"{found.unit} {own.unit if own else ''}"):
        return None
    if own and own.takes == "angle":
        return found if found.arguments or "SEARCH_RADIUS" in parameters else None
    if own and own.takes:
        return _with_energies(found, own.takes, reading, value)
    if stem in UNITS or stem in ("dnde", "e2dnde"):
        return _flux_with_energies(found, stem, one.meaning, reading, value)
    fitted = str(found.arguments[0]) if found.arguments else stem
    if "SPECTRAL_MODEL" in constants and MODELS.get(fitted, value("SPECTRAL_MODEL")) != value("SPECTRAL_MODEL"):
        return None
    if value("SPECTRAL_MODEL") == "lp" and found.arguments == ("index",):
        return None
    return found if "ENERGY_MIN" not in constants or _of_the_analysis(one.key, value) else None


def _of_the_analysis(key: str, value: Callable[[str], Any]) -> bool:
    """Whether a range of energies in a key is that of the analysis: `n_on_1_10TeV` is no result of one from 0.5 TeV."""
    energies = energies_of(key, "")[1] if KEY_RANGE.search(key) or KEY_ABOVE.search(key) else ()
    return not energies or (energies[0] == value("ENERGY_MIN") and energies[1] in (value("ENERGY_MAX"), ABOVE_TO))


def _flux_with_energies(
    found: Quantity, stem: str, meaning: str, reading: Reading, value: Callable[[str], Any]
) -> Quantity | None:
    """A flux between the energies that its key names; else those of the request, of the fit, of the reference."""
    edges = value("FLUX_POINT_EDGES") or []
    if stem == "flux" and found.arguments in list(pairwise(edges)):
        return found._replace(name=found.name.replace("flux", "flux_point"))
    if stem in UNITS and len(found.arguments) == 1:
        return found._replace(arguments=(found.arguments[0], ABOVE_TO)) if "above" in meaning else None
    return found if found.arguments else _with_energies(found, "range" if stem in UNITS else "energy", reading, value)


def _with_energies(found: Quantity, takes: str, reading: Reading, value: Callable[[str], Any]) -> Quantity | None:
    """The energies that a key leaves open; None where nothing tells them."""
    if len(found.arguments) == (2 if takes == "range" else 1):
        return found
    if found.arguments:
        return None
    if takes == "range":
        ranges = [*dict.fromkeys(reading.integrals)] or [(value("ENERGY_MIN"), value("ENERGY_MAX"))]
        return found._replace(arguments=ranges[0]) if len(ranges) == 1 and None not in ranges[0] else None
    energies = [*dict.fromkeys(reading.differentials)] or [value("REFERENCE_ENERGY")]
    return found._replace(arguments=(energies[0],)) if len(energies) == 1 and energies[0] is not None else None


def _flux_key(low: float, high: float) -> str:
    return f"flux_above_{low:g}TeV" if high >= ABOVE_TO else f"flux_{low:g}_{high:g}TeV"


def _default_results(recipe: Recipe, shape: str, spectrum: str) -> dict[str, list[Any]]:
    """The recipe's own RESULTS, for the parameters that the models have."""
    results = dict(recipe.constants["RESULTS"].default)
    if spectrum == "lp" and "index" in results:
        results.pop("index")
        results = {"alpha": ["parameter", "alpha", ""], "beta": ["parameter", "beta", ""], **results}
    if spectrum == "ecpl" and "index" in results:
        results["cutoff_TeV"] = ["cutoff", "TeV"]
    if "cube" in recipe.about.vocabulary and shape != "point":
        key, name = {"gauss": ("sigma_deg", "sigma"), "disk": ("radius_deg", "r_0")}[shape]
        results[key] = ["parameter", name, "deg"]
    return results
