"""Energies: of the fit and the counts, of flux points and light curves, the number of bins."""

from __future__ import annotations

from collections.abc import Iterator

from gammapygpt.checks.asked.case import Case, any_same, asked_finding, differs, listed, same
from gammapygpt.checks.physics.facts import Dataset, Points
from gammapygpt.cookbook.keys import ABOVE_TO
from gammapygpt.state import Finding

COUNTED = {"fit", "points", "info", "stacked"}
"""Uses of a data set whose energies are those of the answer."""
EDGE = 0.03
"""Relative: edges of bins that are off by more are others."""
MORE, LESS = 1.15, 0.7
"""A range that reaches this much further than asked, or only so far, is another one."""


def analysed(case: Case) -> list[Dataset]:
    """Data sets that the numbers come from."""
    used = [one for one in case.facts.datasets if COUNTED & set(one.uses)]
    return [one for one in (used or case.facts.datasets) if one.energy is not None]


def energy_range(case: Case) -> Iterator[Finding]:
    """Reconstructed energies within the range that was asked for, and all of it, but for what the safe mask takes."""
    low, high = case.asked("ENERGY_MIN"), case.asked("ENERGY_MAX")
    edges = case.values.get("FLUX_POINT_EDGES") or []
    if any(same(one, edge) for edge in edges[1:-1] for one in (low, high) if one is not None):
        return  # these are bands of flux points, read as a range
    sets = analysed(case)
    used = [one.used_energy or (one.energy.min, one.energy.max) for one in sets if one.energy is not None]
    ranges = [(start, stop) for start, stop in used if start and stop]
    axes = [one.energy for one in sets if one.energy is not None]
    if not ranges or len({(round(start, 4), round(stop, 4)) for start, stop in ranges}) > 4:
        return
    start, stop = min(one[0] for one in ranges), max(one[1] for one in ranges)
    told = f"{start:.3g} to {stop:.3g} TeV"
    wide_low = low is not None and start * MORE < low
    wide_high = high is not None and stop > high * MORE
    axis_low, axis_high = min(one.min or 0.0 for one in axes), max(one.max or 0.0 for one in axes)
    short_low = low is not None and axis_low * LESS > low
    short_high = high is not None and axis_high < high * LESS
    if wide_low or wide_high or short_low or short_high:
        asked = " to ".join(f"{one:g}" for one in (low, high) if one is not None)
        kind = "more" if wide_low or wide_high else "less"
        text = f"Reconstructed energies of {told} are used, {kind} than the {asked} TeV that were asked for"
        wrong = [one for one, off in ((low, wide_low or short_low), (high, wide_high or short_high)) if off and one]
        certain = not (case.together(low, high) if low and high else case.occurs(wrong[0]))
        remedy = "Make the energy axis from the requested energies, or set mask_fit to them."
        yield differs(case, "asked-energies", "ENERGY_MIN", text, remedy, fact=told, certain=certain)


def estimates(case: Case, *kinds: str) -> list[Points]:
    """What estimators gave, with energies."""
    return [one for one in case.facts.points if one.type in kinds and one.edges and not one.map]


def bands(case: Case) -> Iterator[Finding]:
    """Flux points in the bands that were asked for: Gammapy moves edges to those of the energy axis."""
    wanted = [float(one) for one in case.values.get("FLUX_POINT_EDGES") or []]
    points = estimates(case, "FluxPointsEstimator")
    if len(wanted) < 2 or not points:
        return
    for one in points:
        there = [any_same(edge, one.edges, EDGE) for edge in wanted]
        if all(there):
            return
    got = listed([round(edge, 4) for edge in points[-1].edges], "TeV", 12)
    text = f"The bands of the flux points have edges at {got}, asked were {listed(wanted, 'TeV', 12)}"
    remedy = "Put the requested edges on edges of the energy axis: MapAxis.from_energy_edges."
    yield differs(case, "asked-bands", "FLUX_POINT_EDGES", text, remedy, fact=got, certain=True)


def flux_range(case: Case) -> Iterator[Finding]:
    """A flux of an estimator over the range that was asked for."""
    curves = estimates(case, "LightCurveEstimator")
    if not curves or len(case.read.integrals) != 1:
        return
    low, high = case.read.integrals[0]
    for one in curves:
        fits_high = high >= ABOVE_TO or any_same(high, one.edges, EDGE)
        if any_same(low, one.edges, EDGE) and fits_high:
            return
    got = listed([round(edge, 4) for edge in curves[-1].edges], "TeV")
    text = f"The fluxes of the light curve have energy edges at {got}, asked was {low:g} to {high:g} TeV"
    remedy = "Give the estimator energy_edges of the request, on edges of the energy axis."
    yield asked_finding("asked-energies", text, remedy, fact=got)


def number_of_bins(case: Case) -> Iterator[Finding]:
    """As many bins of energy, or flux points, as were asked for."""
    bins = case.asked("ENERGY_BINS")
    seen = [one.energy.n for one in analysed(case) if one.energy is not None]
    if bins is not None and seen and bins not in seen:
        text = f"The energy axis has {listed(sorted(set(seen)))} bins, asked were {bins:g}"
        yield asked_finding("asked-bins", text, "Make the axis with nbin of the request.", "warning")
    wanted = case.asked("FLUX_POINTS")
    points = [one.n for one in estimates(case, "FluxPointsEstimator")]
    if wanted is not None and points and wanted not in points:
        text = f"There are {listed(points)} flux points, asked were {wanted:g}"
        yield asked_finding("asked-bins", text, "Give the estimator one edge more than points.", "warning")


RULES = (energy_range, bands, flux_range, number_of_bins)
