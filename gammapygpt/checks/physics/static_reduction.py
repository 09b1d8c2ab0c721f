"""Rules on how a script reduces observations to data sets: containment, exclusion and safe masks, axes, stacking."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from gammapygpt.checks.asking import given
from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.static_calls import ENERGIES, Script, argument, read_script, spread
from gammapygpt.checks.selection import last_part
from gammapygpt.state import Finding

POINT_LIKE = {"PointSkyRegion", "WobbleRegionsFinder", "point-like", "rad_max", "RadMax2D", "containment"}
"""Words of an analysis with point-like IRFs, or that corrects the exposure itself."""
WIDEST_POINT = 0.25
"""deg: a larger ON circle is that of an extended source, or contains almost all of the PSF."""
EXTENDED = re.compile(r"(?i)\bextended\b|\bremnant\b|\bshell\b|\bdiffuse\b|\bmorpholog|\bSNR\b")
"""Words of a request about a source that may fill the region."""
NO_MASK_NEEDED = {"WobbleRegionsFinder", "PhaseBackgroundMaker"}
BACKGROUNDS = {"RingBackgroundMaker": 2, "AdaptiveRingBackgroundMaker": 4, "FoVBackgroundMaker": 1}
"""Makers of a background from the whole field of view, and the place of `exclusion_mask` among their arguments."""
DATASET_MAKERS = ("SpectrumDatasetMaker", "MapDatasetMaker")


def containment(evidence: Evidence) -> Iterator[Finding]:
    """Rule 1: fluxes from a circle, without the correction for the PSF outside of it."""
    script = read_script(evidence.script)
    if script is None or not script.makes_fluxes() or script.names() & POINT_LIKE:
        return
    kinds = {one.point_like for one in evidence.facts.observations if one.point_like is not None}
    if True in kinds or given(evidence.request).get("CONTAINMENT_CORRECTION") is False or wide_circle(script, evidence):
        return
    said = evidence.request.text if evidence.request is not None else ""
    for call in script.made("SpectrumDatasetMaker"):
        corrected = argument(call, "containment_correction", 1)
        if spread(call) or (corrected is not None and script.constant(corrected) is not False):
            continue
        if script.constant(argument(call, "use_region_center", 3)) is False or not has_exposure(script, call):
            continue
        yield found(
            "no-containment-correction",
            "Fluxes come from an ON region without containment_correction=True.",
            severity="error" if kinds == {False} and not EXTENDED.search(said) else None,
            line=call.lineno,
        )


def wide_circle(script: Script, evidence: Evidence) -> bool:
    """Whether the ON region is as wide as an extended source; that of the run, else that of the script."""
    seen = [making.region.radius_deg for making in evidence.facts.makings if making.region is not None]
    radii = [radius for radius in seen if radius is not None]
    if not radii:
        regions = [argument(call, "region", 0) for call in script.made("RegionGeom", "create")]
        radii = [radius for region in regions if (radius := script.circle_deg(region)) is not None]
    return bool(radii) and max(radii) > WIDEST_POINT


def has_exposure(script: Script, call: ast.Call) -> bool:
    """Whether a maker makes the exposure at all."""
    selection = argument(call, "selection", 0)
    return selection is None or "exposure" in script.texts(selection) or not script.texts(selection)


def exclusion(evidence: Evidence) -> Iterator[Finding]:
    """Rule 11: a background from all of the field of view, sources included."""
    script = read_script(evidence.script)
    if script is None or given(evidence.request).get("EXCLUSION_RADIUS") == 0:
        return
    for name, place in BACKGROUNDS.items():
        for call in script.made(name):
            mask = argument(call, "exclusion_mask", place)
            if not spread(call) and (mask is None or script.constant(mask) is None):
                yield found("no-exclusion-mask", f"{name} gets no exclusion mask.", line=call.lineno)
    for call in script.made("ReflectedRegionsBackgroundMaker"):
        if not spread(call) and argument(call, "exclusion_mask", 1) is None and not script.names() & NO_MASK_NEEDED:
            text = "ReflectedRegionsBackgroundMaker gets no exclusion mask; it only keeps out of the ON region itself."
            yield found("no-exclusion-mask", text, severity="info", line=call.lineno)


def safe_mask(evidence: Evidence) -> Iterator[Finding]:
    """Rules 13 and 15: no safe mask, or one that comes after stacking."""
    script = read_script(evidence.script)
    if script is None or not script.reads_data():
        return
    makers = script.made(*DATASET_MAKERS)
    if not script.made("SafeMaskMaker"):
        masked = {"mask_safe", "mask_fit"} & script.names()
        by_request = given(evidence.request).get("AEFF_MAX_PERCENT") == 0
        if makers and script.makes_fluxes() and not masked and not by_request:
            text = "Data sets are made and fitted without a SafeMaskMaker."
            yield found("no-safe-mask", text, line=makers[0].lineno)
        return
    applied = [call.lineno for call in script.methods("run") if is_of(script, call, "SafeMaskMaker")]
    stacked = [call.lineno for call in script.methods("stack", "stack_reduce")]
    if applied and stacked and min(applied) > max(stacked):
        text = "The safe mask is made after the data sets were stacked."
        yield found("stacked-before-mask", text, line=min(applied))


def is_of(script: Script, call: ast.Call, name: str) -> bool:
    """Whether a method is called on an object of a class."""
    base = script.value(call.func.value) if isinstance(call.func, ast.Attribute) else None
    return isinstance(base, ast.Call) and last_part(base.func) == name


def stacked_into(evidence: Evidence) -> Iterator[Finding]:
    """Rule 15: stacking into the first data set, whose own mask is then lost."""
    script = read_script(evidence.script)
    for call in script.methods("stack") if script else ():
        assert script is not None
        base = script.value(call.func.value) if isinstance(call.func, ast.Attribute) else None
        inner = script.value(base.func.value) if is_copy(base) else base  # type: ignore[union-attr]
        if isinstance(inner, ast.Subscript) and "dataset" in ast.unparse(inner).lower():
            text = f"The data sets are stacked into `{ast.unparse(inner)[:40]}`, not into an empty one."
            yield found("stacked-before-mask", text, line=call.lineno)


def is_copy(node: ast.expr | None) -> bool:
    """`x.copy(...)`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "copy"


def true_energies(evidence: Evidence) -> Iterator[Finding]:
    """Rule 18, before the run has told its axes: true energies that end where the reconstructed ones do."""
    script = read_script(evidence.script)
    if script is None or evidence.facts.datasets:
        return
    axes = {"energy": [], "energy_true": []}  # type: dict[str, list[tuple[float, float, int]]]
    for call in script.made("from_energy_bounds"):
        name = script.constant(argument(call, "name", 5)) if argument(call, "name", 5) is not None else "energy"
        unit = script.constant(argument(call, "unit", 3))
        scale = ENERGIES.get(unit) if isinstance(unit, str) else None
        low = script.quantity(argument(call, "energy_min", 0), ENERGIES, scale)
        high = script.quantity(argument(call, "energy_max", 1), ENERGIES, scale)
        if name in axes and low and high:
            axes[str(name)].append((low, high, call.lineno))
    if len(axes["energy"]) == len(axes["energy_true"]) == 1:
        (low, high, _), (true_low, true_high, line) = axes["energy"][0], axes["energy_true"][0]
        if true_low >= low or true_high <= high:
            text = f"energy_true covers {true_low:g}-{true_high:g} TeV, energy {low:g}-{high:g} TeV."
            yield found("true-energy-axis", text, line=line)


def given_twice(evidence: Evidence) -> Iterator[Finding]:
    """Rule 48: a run that stands twice in one selection."""
    script = read_script(evidence.script)
    seen = [[str(one) for one in selection.asked or []] for selection in evidence.facts.selections]
    line = None
    for call in script.methods("get_observations") if script else ():
        assert script is not None
        ids = script.value(argument(call, "obs_id", 0))
        if isinstance(ids, ast.List | ast.Tuple):
            seen.append([ast.unparse(one) for one in ids.elts])
            line = line or call.lineno
    twice = {one for ids in seen for one, count in Counter(ids).items() if count > 1}
    if twice:
        text = f"Given twice to get_observations: {', '.join(sorted(twice)[:8])}; the events count twice."
        yield found("runs-dropped", text, remedy="Give each run once.", severity="error", line=line)


RULES = (given_twice, containment, exclusion, safe_mask, stacked_into, true_energies)
