"""Rules about masks, energy axes and counts in bins."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from gammapygpt.checks.asking import given
from gammapygpt.checks.physics.facts import Axis, Dataset
from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.seen import answered_from, modelled, named, names, reductions, with_members
from gammapygpt.state import Finding

MARGIN = 1.15
"""Factor by which true energies reach beyond reconstructed ones at least."""
EMPTY_SHARE = 0.34
"""Of the bins of a data set, without OFF counts."""


def bins_left(evidence: Evidence) -> Iterator[Finding]:
    """Data sets of which the masks leave nothing."""
    facts = evidence.facts
    final = answered_from(facts)
    # without an OFF region the mask is empty as well; that is another rule's
    counted = [one for one in final if one.used_fraction is not None and not (one.on_off and one.counts_off is None)]
    empty = [one for one in counted if one.used_fraction == 0]
    if empty and len(empty) == len(counted):
        yield found("empty-safe-mask", f"No bin is left of {names(empty)}.")
    elif empty:
        text = f"No bin is left of {names(empty)}: these add nothing to the others."
        yield found("empty-safe-mask", text, severity="warning")


def safe_range(evidence: Evidence) -> Iterator[Finding]:
    """Fluxes from data sets on which no maker of safe masks was run, though nobody asked for that."""
    if given(evidence.request).get("AEFF_MAX_PERCENT") == 0 or not evidence.facts.selections:
        return
    facts = evidence.facts
    if not modelled(facts) or not reductions(facts):
        return
    masked = {str(obs_id) for one in facts.makings if one.maker == "SafeMaskMaker" for obs_id in one.obs_ids}
    final = [one for one in answered_from(facts) if one.obs_ids and one.type != "FluxPointsDataset"]
    bare = [one for one in final if not masked & {str(obs_id) for obs_id in one.obs_ids}]
    bare = [one for one in bare if one.safe_fraction in (None, 1.0) and one.fit_fraction in (None, 1.0)]
    if any(one.counts for one in bare) and not facts.simulations:
        lowest = min((one.energy.min for one in bare if one.energy and one.energy.min), default=math.nan)
        yield found("no-safe-mask", f"All energies from {lowest:.3g} TeV on were used, without a safe mask.")


def thresholds(evidence: Evidence) -> Iterator[Finding]:
    """Stacks of observations whose safe energies begin at different bins, and masks that came too late."""
    facts = evidence.facts
    for dataset in answered_from(facts):
        members = [one for one in with_members(facts, [dataset]) if one is not dataset and one.safe_energy]
        lows = sorted({one.safe_energy[0] for one in members if one.safe_energy})
        if len(lows) > 1 and steps_between(lows[0], lows[-1], dataset.energy) > 2:
            text = f"Thresholds in `{dataset.name}` range from {lows[0]:.3g} to {lows[-1]:.3g} TeV."
            yield found("different-thresholds", text)


def steps_between(low: float, high: float, axis: Axis | None) -> int:
    """Number of bins between two energies."""
    return sum(low <= edge < high * (1 - 1e-6) for edge in axis.edges) if axis else 0


def late_masks(evidence: Evidence) -> Iterator[Finding]:
    """A safe mask for the stack, where its members had none."""
    facts = evidence.facts
    safe = [making for making in facts.makings if making.maker == "SafeMaskMaker"]
    stacks = [one for one in answered_from(facts) if len(one.members) > 1]
    if stacks and safe and not any(making.obs_ids for making in safe):
        yield found("stacked-before-mask", f"The safe mask was made after stacking `{stacks[0].name}`.")


def edges(evidence: Evidence) -> Iterator[Finding]:
    """Flux points in other bins than those asked of the estimator, or outside of the safe range."""
    for points in evidence.facts.points:
        asked = energies(str(points.settings.get("energy_edges", "")))
        if not asked or not points.edges:
            continue
        moved = [edge for edge in asked if not any(math.isclose(edge, one, rel_tol=0.02) for one in points.edges)]
        if moved:
            text = f"Flux points were asked with edges at {named(f'{edge:.4g}' for edge in moved)} TeV, and made with "
            yield found("edges-outside-safe-range", f"{text}{named(f'{edge:.4g}' for edge in points.edges)} TeV.")


def energies(text: str) -> list[float]:
    """Energies in TeV out of a quantity as astropy prints it."""
    match = re.fullmatch(r"\[([-+.\deE\s]+)\] (TeV|GeV|MeV)", text.strip())
    scale = {"TeV": 1.0, "GeV": 1e-3, "MeV": 1e-6}
    return [float(one) * scale[match[2]] for one in match[1].split()] if match else []


def true_energies(evidence: Evidence) -> Iterator[Finding]:
    """Axes of true energy that end with the reconstructed one, or are coarser."""
    for dataset in answered_from(evidence.facts) if modelled(evidence.facts) else []:
        reco, true = dataset.energy, dataset.energy_true
        if reco is None or true is None or None in (reco.min, reco.max, true.min, true.max):
            continue
        low, high = used_range(dataset, reco)
        if true.min * MARGIN > low or true.max < high * MARGIN:  # type: ignore[operator]
            reach = f"{true.min:.3g} to {true.max:.3g} TeV, reconstructed ones from {low:.3g} to {high:.3g} TeV"
            yield found("true-energy-axis", f"True energies reach from {reach}.")
            return
        if reco.n > 1 and per_decade(true) < 0.6 * per_decade(reco):
            yield found("true-energy-axis", f"True energies are in {per_decade(true):.0f} bins per decade.")
            return


def used_range(dataset: Dataset, axis: Axis) -> tuple[float, float]:
    """Reconstructed energies that count."""
    return dataset.used_energy or (axis.min or 0.0, axis.max or 0.0)


def per_decade(axis: Axis) -> float:
    """Bins of an axis in a decade of energy."""
    decades = math.log10(axis.max / axis.min) if axis.min and axis.max and axis.max > axis.min else 0.0
    return axis.n / decades if decades else 0.0


def off_counts(evidence: Evidence) -> Iterator[Finding]:
    """W statistic with many bins that have no OFF counts."""
    fitted = [one for one in evidence.facts.datasets if "fit" in one.uses and one.on_off and one.bins]
    poor = [one for one in fitted if (one.bins_without_off or 0) > EMPTY_SHARE * (one.bins or 1)]
    if poor and len(poor) * 2 > len(fitted):
        yield found("few-counts", f"A good part of the bins with counts has no OFF counts in {names(poor)}.")


RULES = (bins_left, safe_range, thresholds, late_masks, edges, true_energies, off_counts)
