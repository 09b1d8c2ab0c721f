"""The analysis choices that every accepted result comes with: as seen in the run, not as the script tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from gammapygpt.checks.physics.facts import Dataset, Facts, Fit, Making, read_facts
from gammapygpt.checks.physics.observations import reduced_ids
from gammapygpt.checks.physics.seen import answered_from, datasets_of, named, names, reductions, standing
from gammapygpt.state import Attempt, Plan

MOST_IDS = 24
MOST_CHOICES = 60


class Choice(BaseModel):
    """One choice, in words with units."""

    name: str
    value: str


def analysis_choices(facts: Mapping[str, Any], plan: Plan | None = None) -> list[Choice]:
    """What a result depends on: observations, regions, background, masks, energies, models, statistic, fit.

    Parameters
    ----------
    facts
        What was seen inside the run (`Execution.facts`).
    plan
        Its assumptions are added.
    """
    known = read_facts(facts)
    found = dict.fromkeys((name, text) for tell in TOLD for name, text in tell(known))
    assumed = [("assumed", text) for text in (plan.assumptions if plan else [])]
    return [Choice(name=name, value=text) for name, text in [*list(found)[:MOST_CHOICES], *assumed]]


def open_warnings(attempt: Attempt) -> list[dict[str, Any]]:
    """What the gates found that did not fail an attempt: rule, severity, message, remedy, and where."""
    found = [*attempt.findings, *(attempt.validation.findings if attempt.validation else [])]
    kept = [one for one in found if one.severity != "error"]
    kept.sort(key=lambda one: one.severity != "warning")
    return [one.model_dump(include={"rule", "severity", "message", "remedy", "line", "key"}) for one in kept]


Told = Iterator[tuple[str, str]]


def observations(facts: Facts) -> Told:
    """How they were selected, which were used, and which were not."""
    for cone in facts.cones[-1:]:
        if cone.radius_deg is not None:
            place = f"RA {cone.ra_deg:.4f}, Dec {cone.dec_deg:.4f} deg (ICRS)"
            yield "selection", f"{cone.n} observations within {cone.radius_deg:.3g} deg of {place}"
    used = list(reduced_ids(facts))
    if used:
        store = next((f" of {one.store}" for one in facts.selections if one.store), "")
        yield "observations", f"{len(used)}{store}: {named(used, MOST_IDS)}"
    wanted = [str(one) for selection in facts.selections for one in (*(selection.asked or []), *selection.got)]
    left = [one for one in dict.fromkeys(wanted) if one not in used]
    if used and facts.selections:
        yield "observations not used", named(left, MOST_IDS) or "none"
    rows = [one for one in facts.observations if one.used]
    if lives := [one.livetime_s for one in rows if one.livetime_s is not None]:
        yield "livetime", f"{sum(lives) / 3600:.2f} h"
    if zeniths := [one.zenith_deg for one in rows if one.zenith_deg is not None]:
        yield "zenith angle", f"{span(zeniths, '.0f')} deg"
    kinds = {one.point_like for one in rows if one.point_like is not None}
    if kinds:
        yield "IRFs", " and ".join("point-like" if kind else "full-enclosure" for kind in sorted(kinds))


def span(values: Sequence[float], form: str) -> str:
    """A range, or the one value."""
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def regions(facts: Facts) -> Told:
    """ON region and map, and how much of the PSF they hold."""
    for making in reductions(facts):
        region = making.region
        if region is not None:
            size = f" of {region.radius_deg:.3g} deg" if region.radius_deg is not None else ""
            place = f"RA {region.ra_deg:.4f}, Dec {region.dec_deg:.4f} deg (ICRS)"
            yield "ON region", f"{region.shape}{size} at {place}"
            if offsets := [one for one in making.offsets_deg if one is not None]:
                yield "offset from the pointing", f"{span(offsets, '.2f')} deg"
        if making.maker == "SpectrumDatasetMaker" and "exposure" in making.settings.get("selection", []):
            held = f"; the ON region holds {100 * making.containment:.0f} % at 1 TeV" if making.containment else ""
            done = "applied" if making.settings.get("containment_correction") else "none"
            yield "containment correction", done + held
    for dataset in answered_from(facts)[:1]:
        region = dataset.region
        if region is not None and region.shape == "map" and region.width_deg:
            size = " x ".join(f"{side:.3g}" for side in region.width_deg)
            place = f"RA {region.ra_deg:.4f}, Dec {region.dec_deg:.4f} deg, frame {region.frame}"
            yield "map", f"{size} deg in pixels of {region.pixel_deg:.3g} deg around {place}"


def backgrounds(facts: Facts) -> Told:
    """How the background was measured, and what was kept out of it."""
    for making in facts.makings:
        if making.maker.endswith("Finder"):
            regions = named(dict.fromkeys(making.n_off))
            yield "OFF regions", f"{regions} by {making.maker}"
        if "BackgroundMaker" not in making.maker:
            continue
        yield "background", method(making)
        mask = making.exclusion
        if mask is not None and mask.kept is not None:
            source = {True: ", not the source", False: ", the source included", None: ""}[mask.on_kept]
            yield "exclusion mask", f"{100 * (1 - mask.kept):.2g} % of its map excluded{source}"
        elif making.maker != "PhaseBackgroundMaker":
            yield "exclusion mask", "none"
    alphas = [one.alpha for one in answered_from(facts) if one.alpha is not None and one.on_off]
    if alphas:
        yield "alpha", f"{span(alphas, '.3g')}"


def method(making: Making) -> str:
    """A way to measure the background, with its settings."""
    settings = making.settings
    finder = settings.get("finder", "")
    if finder:
        limit = settings.get("max_region_number", settings.get("n_off_regions"))
        limited = f", limited to {limit}" if isinstance(limit, int) and limit < 1000 else ""
        counts = f", {span(making.n_off, 'd')} OFF regions in an observation" if making.n_off else ""
        return f"{'wobble' if 'Wobble' in finder else 'reflected'} regions{counts}{limited}"
    if "r_in" in settings:
        return f"ring from {settings['r_in']}, {settings.get('width')} wide"
    if making.maker == "FoVBackgroundMaker":
        return f"field of view, method {settings.get('method')}"
    return making.maker


def energies(facts: Facts) -> Told:
    """Energy axes and masks."""
    final = [one for one in answered_from(facts) if one.energy and one.energy.min]
    for dataset in final[:1]:
        axis, true = dataset.energy, dataset.energy_true
        if axis is not None:
            yield "energies", f"{axis.min:.3g} to {axis.max:.3g} TeV in {axis.n} bins"
        if true is not None and true.min is not None:
            yield "true energies", f"{true.min:.3g} to {true.max:.3g} TeV in {true.n} bins"
    safe = [one for one in facts.makings if one.maker == "SafeMaskMaker"]
    for making in safe:
        yield "safe mask", safe_mask(making)
    if final and not safe:
        yield "safe mask", "none" if all(one.safe_fraction in (None, 1.0) for one in final) else "set by the script"
    if any(one.fit_fraction not in (None, 1.0) for one in final):
        yield (
            "fit mask",
            f"{span([one.fit_fraction for one in final if one.fit_fraction is not None], '.3g')} of the bins",
        )
    if ranges := [one.used_energy for one in final if one.used_energy]:
        lows, highs = span([low for low, _ in ranges], ".3g"), span([high for _, high in ranges], ".3g")
        yield "energies used", f"from {lows} TeV up to {highs} TeV"


def safe_mask(making: Making) -> str:
    """Methods of a safe mask, each with its number."""
    numbers = {"aeff-max": "aeff_percent", "edisp-bias": "bias_percent", "offset-max": "offset_max"}
    settings = making.settings
    told = []
    for one in settings.get("methods", []):
        value = settings.get(numbers.get(one, ""))
        unit = " %" if value is not None and numbers[one].endswith("percent") else ""
        told.append(f"{one} {value}{unit}" if value is not None else one)
    return ", ".join(told)


def fits(facts: Facts) -> Told:
    """What was fitted, with which models and statistic, and how it ended."""
    stand = standing(facts)
    for fit in stand[-1:]:
        datasets = datasets_of(facts, fit.datasets)
        yield "data sets", gathered(datasets)
        yield from models(fit)
        kinds = named(dict.fromkeys(one.stat for one in datasets if one.stat))
        bins = sum(one.bins or 0 for one in datasets)
        stat = f" = {fit.total_stat:.1f}" if fit.total_stat is not None else ""
        yield "statistic", f"{kinds}{stat}" + (f" in {bins} bins" if bins else "")
        yield "fit", ending(fit)
    final = answered_from(facts)
    if not stand and final:
        yield "data sets", gathered(final)
        yield "statistic", named(dict.fromkeys(one.stat for one in final if one.stat))
    if len(stand) > 1:
        yield "other fits", f"{len(stand) - 1} on other data sets"


def gathered(datasets: Sequence[Dataset]) -> str:
    """One stack, one data set, or several together."""
    if len(datasets) > 1:
        return f"{len(datasets)} jointly"
    if datasets and len(datasets[0].members) > 1:
        return f"stack of {len(datasets[0].members)}"
    return names(datasets) or "unknown"


def models(fit: Fit) -> Told:
    """Kinds of models, and which of their parameters were free."""
    for name in fit.models:
        own = [one for one in fit.parameters if one.model == name]
        kinds = named(dict.fromkeys(one.kind for one in own))
        free = named((one.name for one in own if not one.frozen), 8) or "none"
        held = [
            f"{one.name} = {one.value:.6g} {one.unit}".strip() for one in own if one.frozen and one.value is not None
        ]
        fixed = f"; fixed: {named(held, 6)}" if held else ""
        yield f"model {name}", f"{kinds}; free: {free}{fixed}"


def ending(fit: Fit) -> str:
    """Whether a fit converged, and whether there are errors."""
    end = "converged" if fit.optimized else "did not converge"
    covariance = {True: "covariance valid", False: "covariance not valid", None: "no covariance"}[fit.covariance]
    return f"{end}, {covariance}" + (f" ({fit.backend})" if fit.backend else "")


def estimates(facts: Facts) -> Told:
    """Flux points, light curves, maps."""
    for points in facts.points[-4:]:
        edges = f" between {points.edges[0]:.3g} and {points.edges[-1]:.3g} TeV" if points.edges else ""
        number = f"{points.n} points" if points.n and not points.map else "map" if points.map else "values"
        times = f", {len(points.times)} time bins ({points.time_scale.upper()})" if points.times else ""
        limits = (
            f", upper limits at {points.n_sigma_ul:g} sigma"
            if points.n_sigma_ul and points.nan_limits is not None
            else ""
        )
        yield points.type, f"{number}{edges}{times}{limits}"


def simulations(facts: Facts) -> Told:
    """Where random numbers came from."""
    if facts.simulations:
        yield "simulated with", f"random_state {named(dict.fromkeys(one.random_state for one in facts.simulations))}"


def lookups(facts: Facts) -> Told:
    """IRFs and catalogue sources that were looked up."""
    for lookup in facts.lookups[:6] if not facts.makings else []:
        where = ", ".join(f"{name} {value}" for name, value in lookup.items() if name not in ("irf", "what"))
        yield f"{lookup.get('irf', '')}.{lookup.get('what', '')}", where
    for source in dict.fromkeys((one.catalogue, one.source) for one in facts.catalogue):
        yield "catalogue", f"{source[1]} of {source[0]}"


TOLD: tuple[Callable[[Facts], Told], ...] = (
    observations,
    regions,
    backgrounds,
    energies,
    fits,
    estimates,
    simulations,
    lookups,
)
"""In the order of an analysis."""
