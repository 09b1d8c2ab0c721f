"""Rules about detections, flux points and light curves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from gammapygpt.checks.physics.facts import Points
from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.seen import answered_from, datasets_of, names, significance
from gammapygpt.state import Finding

DETECTED, SEEN = 5.0, 2.0
"""Significances."""
FAR = 3.0
"""Errors between a flux point and the model."""
LIMIT_WORDS = ("ul", "limit", "upper")


def detection(evidence: Evidence) -> Iterator[Finding]:
    """Fluxes of what was hardly detected, and limits that are missing then."""
    facts = evidence.facts
    sigma = significance(answered_from(facts)) if facts.fits or facts.points else None
    if sigma is None or facts.simulations:
        return
    if sigma < DETECTED and not has_limits(evidence):
        yield found("detection-not-significant", f"The excess of all data sets together has {sigma:.1f} sigma.")
        if sigma < SEEN:
            yield found("no-upper-limit", "There is no upper limit.")


def has_limits(evidence: Evidence) -> bool:
    """Whether there are upper limits among points, values or results."""
    told = [word for points in evidence.facts.points for word in (*points.selection, *points.values)]
    told += list(evidence.result)
    return any(part in LIMIT_WORDS for name in told for part in name.lower().split("_"))


def succeeded(evidence: Evidence) -> Iterator[Finding]:
    """Points that failed, or are NaN, or are no measurement and have no limit."""
    for points in evidence.facts.points:
        what = in_words(points)
        if points.map or not points.n:
            continue
        if points.failed or points.nan_values:
            bad = max(points.failed, points.nan_values)
            yield found("flux-points-failed", f"{bad} of {points.n} {what} could not be computed.")
        elif points.nan_limits:
            yield found("flux-points-failed", f"{points.nan_limits} of {points.n} upper limits are NaN.")
        if points.insignificant and points.nan_limits is None:
            text = f"{points.insignificant} of {points.n} {what} are below 2 sigma and have no upper limit."
            # many a spectrum ends with such a point
            yield found("no-upper-limit", text, severity="warning" if asks_for_limits(evidence) else "info")


def asks_for_limits(evidence: Evidence) -> bool:
    """Whether the request speaks of upper limits."""
    return evidence.request is not None and "limit" in evidence.request.text.lower()


def in_words(points: Points) -> str:
    """Points in a sentence."""
    return "points of the light curve" if points.times else "flux points"


def scatter(evidence: Evidence) -> Iterator[Finding]:
    """Flux points that are off the model from which they were computed."""
    for points in evidence.facts.points:
        pulls = [pull for pull in points.pulls if pull is not None and pull == pull]
        far = sum(abs(pull) > FAR for pull in pulls)
        if not points.times and len(pulls) >= 3 and 3 * far > len(pulls):
            yield found("points-off-model", f"{far} of {len(pulls)} flux points are beyond 3 sigma.")


def time_bins(evidence: Evidence) -> Iterator[Finding]:
    """Bins of a light curve that overlap, and data sets that lie in none of them."""
    facts = evidence.facts
    for points in facts.points:
        # to the second: bins that touch may be told with a last digit apart
        bins = sorted((start[:19], stop[:19]) for start, stop in points.times)
        if any(later[0] < earlier[1] for earlier, later in pairwise(bins)):
            yield found("light-curve-bins", "Bins of the light curve overlap.")
        outside = [
            one
            for one in datasets_of(facts, points.datasets)
            if one.start and not any(start <= one.stop[:19] and one.start[:19] <= stop for start, stop in bins)
        ]
        if bins and outside:
            yield found("light-curve-bins", f"No bin of the light curve holds {names(outside)}.")


RULES = (detection, succeeded, scatter, time_bins)
