"""Rules about the way from events to data sets: IRFs, ON and OFF regions, exclusion masks."""

from __future__ import annotations

from collections.abc import Iterator

from gammapygpt.checks.asking import given
from gammapygpt.checks.physics.facts import Facts, Making
from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.seen import answered_from, modelled, named, names, reductions, with_members
from gammapygpt.state import Finding, Severity

CONTAINED = 0.95
"""Fraction of the PSF from which on a correction changes little."""
SMALLEST, LARGEST = 0.4, 0.985
"""Of the PSF at 1 TeV in the ON region, beyond which the radius is unusual."""
WIDE = 0.3
"""deg; an ON region in which the response varies."""
UNLIMITED = 100
"""OFF regions; a finder that may place as many takes all that fit."""
LARGEST_ALPHA = 0.5


def corrected(evidence: Evidence) -> Iterator[Finding]:
    """Point sources in a circle, with IRFs of full enclosure."""
    facts = evidence.facts
    if given(evidence.request).get("CONTAINMENT_CORRECTION") is False:
        return
    for making in spectra(facts):
        region, settings = making.region, making.settings
        if region is None or region.shape != "CircleSkyRegion" or settings.get("containment_correction"):
            continue
        whole = making.containment is not None and making.containment > CONTAINED
        if whole or settings.get("use_region_center") is False or point_like(facts, making):
            continue
        share = f", which holds {100 * making.containment:.0f} % of the PSF at 1 TeV" if making.containment else ""
        yield found("no-containment-correction", f"The ON radius is {region.radius_deg:.3g} deg{share}.")


def spectra(facts: Facts) -> list[Making]:
    """Makers of spectra from which fluxes came, with an exposure."""
    if not modelled(facts):
        return []
    made = [making for making in reductions(facts) if making.maker == "SpectrumDatasetMaker"]
    return [making for making in made if "exposure" in making.settings.get("selection", ["exposure"])]


def point_like(facts: Facts, making: Making) -> bool:
    """Whether the observations that a maker reduced have point-like IRFs."""
    ids = {str(obs_id) for obs_id in making.obs_ids}
    return any(one.point_like for one in facts.observations if str(one.obs_id) in ids)


def theta_cut(evidence: Evidence) -> Iterator[Finding]:
    """Point-like IRFs in a region of another size than theirs."""
    facts = evidence.facts
    # the maker of reflected regions compares a circle with rad_max itself
    compared = any(making.maker == "ReflectedRegionsBackgroundMaker" for making in facts.makings)
    for making in spectra(facts):
        shape = making.region.shape if making.region else ""
        if point_like(facts, making) and shape not in ("", "PointSkyRegion") and not compared:
            yield found("point-like-irf", f"The IRFs are point-like, and the ON region is a {shape}.")


def extended(evidence: Evidence) -> Iterator[Finding]:
    """Wide regions that are treated as a point."""
    for making in spectra(evidence.facts):
        region = making.region
        if region is None or making.settings.get("use_region_center") is False or region.shape == "PointSkyRegion":
            continue
        if region.shape != "CircleSkyRegion" or ((region.radius_deg or 0) > WIDE and is_corrected(making)):
            yield found("extended-source-corrected", f"The ON region is a {described(making)}.")


def is_corrected(making: Making) -> bool:
    """With the containment of a point source."""
    return bool(making.settings.get("containment_correction"))


def described(making: Making) -> str:
    """An ON region in words."""
    region = making.region
    if region is None:
        return "region"
    return region.shape + (f" of {region.radius_deg:.3g} deg" if region.radius_deg else "")


def radius(evidence: Evidence) -> Iterator[Finding]:
    """ON radius against PSF."""
    for making in spectra(evidence.facts):
        share = making.containment
        if share is not None and not SMALLEST <= share <= LARGEST and making.settings.get("use_region_center", True):
            yield found(
                "on-radius-unusual", f"The ON {described(making)} holds {100 * share:.0f} % of the PSF at 1 TeV."
            )


def off_regions(evidence: Evidence) -> Iterator[Finding]:
    """Observations for which no OFF region was found, and which stayed in the analysis."""
    facts = evidence.facts
    searched_in_vain = {
        str(obs_id)
        for making in facts.makings
        for obs_id, n_off in zip(making.obs_ids, making.n_off, strict=False)
        if n_off == 0
    }
    lacking = [
        one
        for one in with_members(facts, answered_from(facts))
        if one.on_off and one.counts_off is None and searched_in_vain & {str(obs_id) for obs_id in one.obs_ids}
    ]
    if lacking:
        yield found("no-off-region", f"No OFF region was found for {names(lacking)}.")


def inside_pointing(evidence: Evidence) -> Iterator[Finding]:
    """Pointings within the ON region, where nothing can be reflected."""
    for making in evidence.facts.makings:
        size = making.region.radius_deg if making.region else None
        if making.maker != "ReflectedRegionsBackgroundMaker" or size is None:
            continue
        pairs = zip(making.obs_ids, making.offsets_deg, strict=False)
        near = [obs_id for obs_id, offset in pairs if offset is not None and offset <= size]
        if near:
            yield found("pointing-in-on-region", f"The pointing is inside of the ON region in {named(near)}.")


def exposure_ratio(evidence: Evidence) -> Iterator[Finding]:
    """Few OFF regions, by chance or by a limit that nobody asked for."""
    facts, asked = evidence.facts, "OFF_REGIONS" in given(evidence.request)
    for making in facts.makings:
        most, counts = making.settings.get("max_region_number"), [n for n in making.n_off if n]
        if isinstance(most, int) and most < UNLIMITED and counts and max(counts) >= most and not asked:
            remedy = "Leave max_region_number at its default, unless the request names a number of OFF regions."
            yield found("alpha-unusual", f"The number of OFF regions was limited to {most}.", remedy=remedy)
            return
    wide = [one for one in answered_from(facts) if one.on_off and one.region and one.region.shape != "map"]
    wide = [one for one in wide if one.alpha is not None and one.alpha > LARGEST_ALPHA]
    if wide:
        yield found("alpha-unusual", f"alpha is {max(one.alpha or 0 for one in wide):.2g} for {names(wide)}.")


def exclusion(evidence: Evidence) -> Iterator[Finding]:
    """Background makers without a mask, or with one that cannot be meant."""
    for making in evidence.facts.makings:
        if "BackgroundMaker" not in making.maker or making.maker == "PhaseBackgroundMaker":
            continue
        mask = making.exclusion
        if mask is None:
            # the ON region itself is never an OFF region: only neighbours can do harm
            severity: Severity = "info" if making.maker == "ReflectedRegionsBackgroundMaker" else "warning"
            yield found("no-exclusion-mask", f"{making.maker} got no exclusion mask.", severity=severity)
        elif mask.kept == 0:
            yield found("exclusion-mask-wrong", f"The exclusion mask of {making.maker} keeps nothing.")
        elif mask.kept == 1:
            yield found("exclusion-mask-wrong", f"The exclusion mask of {making.maker} excludes nothing.")
        elif mask.on_kept and mask.kept is not None and mask.kept < 0.5:
            share = f"{100 * mask.kept:.0f} % of the sky, and the source"
            yield found("exclusion-mask-wrong", f"The exclusion mask of {making.maker} keeps {share}.")
        elif mask.dtype != "bool":
            yield found("exclusion-mask-wrong", f"The exclusion mask of {making.maker} is of type {mask.dtype}.")


RULES = (corrected, theta_cut, extended, radius, off_regions, inside_pointing, exposure_ratio, exclusion)
