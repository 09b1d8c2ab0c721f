"""The smallest effect that a campaign could have seen."""

from __future__ import annotations

from dataclasses import dataclass

ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True)
class Sensitivity:
    """Of the exact sign test between two configurations that answered the same tasks."""

    tasks: int
    epochs: int
    alpha: float
    discordant: int | None
    """Fewest tasks that tell a difference, all one way, with p < alpha; None: more than there are."""
    smallest: float | None
    """The same as a difference in pass rate, where each turns in one epoch only: a smaller one is never seen."""
    difference: float | None
    """And where each of them turns in all epochs."""
    detectable: float | None
    """True share of tasks that one configuration wins, and the other never, at which p < alpha comes out in 80 % of
    campaigns like this one; where the other wins some as well, it must be larger."""


def sensitivity(tasks: int, epochs: int = 1, alpha: float = ALPHA) -> Sensitivity:
    """What an exact two-sided sign test over so many tasks can see at best.

    Parameters
    ----------
    tasks : int
        Common to both configurations.
    epochs : int
        Steps in which the pass rate of a task can differ.
    alpha : float
        p values below it count.

    Notes
    -----
    The number of tasks that differ is binomial; the share at which at least `discordant` of them do with 80 %
    probability is the quantile of a beta distribution (scipy), as in Clopper and Pearson's interval.
    """
    from scipy.stats import beta, binomtest

    fewest = next((m for m in range(1, tasks + 1) if binomtest(m, m).pvalue < alpha), None)
    if fewest is None:
        return Sensitivity(tasks, epochs, alpha, None, None, None, None)
    detectable = float(beta.ppf(POWER, fewest, tasks - fewest + 1))
    return Sensitivity(tasks, epochs, alpha, fewest, fewest / (tasks * epochs), fewest / tasks, detectable)
