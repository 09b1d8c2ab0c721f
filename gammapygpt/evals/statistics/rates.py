"""Rates with two intervals: Wilson's over cells, and the bootstrap over tasks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gammapygpt.errors import UserError
from gammapygpt.evals.record import Record
from gammapygpt.evals.statistics.cells import task_means

LEVEL = 0.95
"""Of every interval."""
RESAMPLES = 9999
DEPENDENT = (
    "With several epochs the cells of one task are not independent: Wilson's interval over cells is then too narrow, "
    "and the interval over tasks is the one to quote."
)
FEW = 10
"""Tasks below which the bootstrap over them is too narrow: see `bootstrapped`."""


@dataclass(frozen=True)
class Interval:
    """Limits at 95 % confidence, and how they were found."""

    low: float
    high: float
    method: str


@dataclass(frozen=True)
class Rate:
    """How often something happened."""

    successes: int
    trials: int
    """Cells."""
    tasks: int
    task_mean: float | None = None
    """Mean over tasks of the share of each task's cells; `value` where all tasks have as many cells."""
    wilson: Interval | None = None
    """Over cells, as if they were independent."""
    clustered: Interval | None = None
    """Of `task_mean`, over tasks: how it would go with other tasks like these."""

    @property
    def value(self) -> float | None:
        """Share of the cells; None where there is no cell."""
        return self.successes / self.trials if self.trials else None


def rate(records: Sequence[Record], event: Callable[[Record], bool]) -> Rate:
    """How often something happened in some cells; the caller leaves out those that do not count."""
    successes = sum(map(event, records))
    means = list(task_means(records, event).values())
    if not means:
        return Rate(0, 0, 0)
    return Rate(
        successes=successes,
        trials=len(records),
        tasks=len(means),
        task_mean=math.fsum(means) / len(means),
        wilson=proportion(successes, len(records)),
        clustered=over_tasks(means),
    )


def proportion(successes: float, trials: int, method: str = "wilson") -> Interval:
    """Interval of a proportion; `method` as in statsmodels, where `beta` is Clopper and Pearson's."""
    try:
        from statsmodels.stats.proportion import proportion_confint
    except ImportError as error:
        raise UserError("statistics need statsmodels.", "Install it with: pip install 'gammapygpt[bench]'") from error
    low, high = proportion_confint(successes, trials, alpha=1 - LEVEL, method=method)
    name = {"wilson": "Wilson", "beta": "Clopper-Pearson"}[method]
    return Interval(max(0.0, float(low)), min(1.0, float(high)), f"{name} over {trials}")


def over_tasks(means: Sequence[float]) -> Interval:
    """Interval of the mean over tasks of numbers between 0 and 1, one for each task.

    By bootstrap over tasks. It says nothing where all tasks agree, as it does of an event that never or always
    happened: then by Wilson with the tasks as trials.
    """
    if limits := bootstrapped(means):
        return Interval(*limits, f"bootstrap over {len(means)} tasks")
    fallback = proportion(math.fsum(means), len(means))
    why = "one task alone" if len(means) == 1 else "all tasks agree"
    return Interval(fallback.low, fallback.high, f"Wilson over {len(means)} tasks, no bootstrap: {why}")


def bootstrapped(values: Sequence[float]) -> tuple[float, float] | None:
    """Limits of the mean by resampling the values (bias-corrected and accelerated); None where they are all one.

    The random numbers are always the same, and so are the limits. Measured on made-up campaigns of 3 epochs, whose
    tasks differ in difficulty: nominal 95 % limits held the truth in 94 % of the cases with 18 tasks (percentile
    bootstrap 92 %, Wilson over cells 85 %), in 93 % with 10 and in 90 % with 6.
    """
    import numpy as np
    from scipy.stats import bootstrap

    if len(set(values)) < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of degenerate resamples; the limits tell
        found = bootstrap(
            (np.asarray(values, dtype=float),),
            np.mean,
            n_resamples=RESAMPLES,
            confidence_level=LEVEL,
            method="BCa",
            rng=np.random.default_rng(20251124),
        ).confidence_interval
    limits = float(found.low), float(found.high)
    return limits if all(map(math.isfinite, limits)) else None
