"""Rules about fits. Only the last fit of the same data sets counts; a failure that was mended is none."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gammapygpt.checks.physics.facts import Fit, Parameter
from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.seen import datasets_of, last_fits, named, standing
from gammapygpt.state import Finding, Severity

SERIES = 5
"""Fits of the same data sets from which on they are a series, such as of simulated counts."""
TIGHTEST = 0.99
"""Correlation from which on two parameters are one."""
INDICES = ("index", "index1", "index2")
TEV_INDEX = (1.0, 5.0)
AMPLITUDES = ("amplitude", "norm")
SIGNIFICANT = 9.0
"""TS of one more parameter."""
WORST_STAT, SPREAD = 2.0, 5.0
"""Of the W statistic: per degree of freedom, and in standard deviations of it."""


def converged(evidence: Evidence) -> Iterator[Finding]:
    """Fits that ended without a minimum."""
    for fit, severity in judged(evidence):
        if fit.optimized is False or (fit.optimized is None and fit.success is False):
            said = f" ({fit.message})" if fit.message else ""
            yield found("fit-not-converged", f"{of(evidence, fit)} did not converge{said}.", severity=severity)


def judged(evidence: Evidence) -> list[tuple[Fit, Severity]]:
    """The fits that count, each with how bad its failure is: among many others that went well it is a warning."""
    groups = last_fits(evidence.facts)
    bad = [fits for fits in groups if failed(fits[-1])]
    found_bad: list[tuple[Fit, Severity]] = []
    for fits in groups:
        series = len(fits) > SERIES and sum(failed(one) for one in fits) < 0.2 * len(fits)
        last = fits is groups[-1]
        mild = series or (len(groups) > 2 and not last and len(bad) * 2 < len(groups))
        found_bad.append((fits[-1], "warning" if mild else "error"))
    return found_bad


def failed(fit: Fit) -> bool:
    """No minimum, no covariance, or errors that are none."""
    return fit.success is False or fit.covariance is False or any(bad_error(one) for one in fit.free)


def bad_error(parameter: Parameter) -> bool:
    """NaN, infinite or negative; zero says that it was not computed."""
    return parameter.error is not None and (not math.isfinite(parameter.error) or parameter.error < 0)


def of(evidence: Evidence, fit: Fit) -> str:
    """A fit as the subject of a sentence."""
    datasets = datasets_of(evidence.facts, fit.datasets)
    return f"The fit of {named((one.name for one in datasets), 3)}" if datasets else "The fit"


def covariance(evidence: Evidence) -> Iterator[Finding]:
    """Covariances that could not be computed, errors that are no numbers, parameters that are one."""
    for fit, severity in judged(evidence):
        if fit.optimized is False:
            continue
        if fit.covariance is False:
            text = f"{of(evidence, fit)} has no valid covariance."
            yield found("covariance-failed", text, severity=severity)
        elif nameless := [one.name for one in fit.free if bad_error(one)]:
            text = f"{of(evidence, fit)} has no finite error for {named(nameless)}."
            yield found("covariance-failed", text, severity=severity)
        elif fit.covariance and (stuck := [one.name for one in fit.free if one.error == 0]):
            text = f"{of(evidence, fit)} has an error of 0 for {named(stuck)}."
            yield found("covariance-failed", text, severity=severity)
        elif abs(fit.largest_correlation or 0) > TIGHTEST:
            text = f"{' and '.join(fit.correlated)} have a correlation of {fit.largest_correlation:.3f}."
            yield found("covariance-failed", text, severity="warning")


def limits(evidence: Evidence) -> Iterator[Finding]:
    """Parameters that stopped at a limit."""
    for fit in standing(evidence.facts):
        stopped = [f"{one.model}.{one.name} = {one.value:.4g}" for one in fit.free if at_limit(one)]
        if stopped:
            yield found("parameter-at-limit", f"At a limit: {named(stopped)}.")


def at_limit(one: Parameter) -> bool:
    """Within a thousandth of the range, or of the limit where there is no range."""
    if one.value is None:
        return False
    low, high = one.min, one.max
    if low is not None and high is not None and high > low:
        return min(one.value - low, high - one.value) <= 1e-3 * (high - low)
    limit = low if low is not None else high
    return limit is not None and abs(one.value - limit) <= 1e-6 * max(abs(limit), one.error or 0.0)


def values(evidence: Evidence) -> Iterator[Finding]:
    """Errors larger than the value, and indices that are rarely right."""
    for fit in standing(evidence.facts):
        for one in (one for one in fit.free if one.model in fit.models and not is_background(one)):
            if one.value is None or one.error is None:
                continue
            if one.name in AMPLITUDES and one.error > abs(one.value):
                yield found(
                    "error-too-large", f"{one.model}.{one.name} is {one.value:.3g} with an error of {one.error:.3g}."
                )
            if one.name in INDICES and not TEV_INDEX[0] <= one.value <= TEV_INDEX[1]:
                yield found("index-unusual", f"{one.model}.{one.name} is {one.value:.3g}.")


def is_background(one: Parameter) -> bool:
    """A parameter of a norm model, which scales a background or a template."""
    return "Norm" in one.kind


def cutoffs(evidence: Evidence) -> Iterator[Finding]:
    """Cut-offs outside of the energies, or hardly seen."""
    facts = evidence.facts
    for fit in standing(facts):
        datasets = datasets_of(facts, fit.datasets)
        highest = max((one.used_energy[1] for one in datasets if one.used_energy), default=None)
        for one in fit.free:
            if one.name != "lambda_" or not one.value:
                continue
            energy = 1 / one.value
            if one.error is not None and one.error > abs(one.value) / 2:
                text = f"The cut-off at {energy:.3g} TeV is {abs(one.value) / one.error:.1f} sigma from none."
                yield found("cutoff-unusual", text)
            elif highest is not None and not 0 < energy < highest:
                yield found(
                    "cutoff-unusual", f"The cut-off at {energy:.3g} TeV is beyond the data ({highest:.3g} TeV)."
                )
    for nested in facts.nested:
        if nested.ts is not None and nested.ts < SIGNIFICANT:
            yield found(
                "cutoff-unusual", f"{named(nested.parameters)} improves the fit by a TS of {nested.ts:.1f} only."
            )


def pivot(evidence: Evidence) -> Iterator[Finding]:
    """Index and amplitude that are correlated by the choice of a reference energy."""
    for fit in standing(evidence.facts):
        ends = {name.rpartition(".")[2] for name in fit.correlated}
        size = abs(fit.largest_correlation or 0)
        if ends == {"index", "amplitude"} and size > 0.85:
            yield found("reference-energy", f"Index and amplitude have a correlation of {size:.2f}.")


def goodness(evidence: Evidence) -> Iterator[Finding]:
    """Statistics that are far above the degrees of freedom, where they can be compared."""
    for fit in standing(evidence.facts):
        datasets = datasets_of(evidence.facts, fit.datasets)
        bins = sum(one.bins or 0 for one in datasets)
        degrees = bins - len(fit.free)
        if fit.total_stat is None or degrees < 5 or any(one.stat != "wstat" for one in datasets):
            continue
        if fit.total_stat > max(WORST_STAT * degrees, degrees + SPREAD * math.sqrt(2 * degrees)):
            yield found("poor-fit", f"The statistic is {fit.total_stat:.0f} for {degrees} degrees of freedom.")


RULES = (converged, covariance, limits, values, cutoffs, pivot, goodness)
