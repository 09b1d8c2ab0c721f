"""Differences between two configurations on the tasks that both answered, task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gammapygpt.errors import UserError
from gammapygpt.evals.record import Record
from gammapygpt.evals.statistics.cells import judged, right, task_hashes, task_means
from gammapygpt.evals.statistics.rates import Interval, bootstrapped, proportion


@dataclass(frozen=True)
class Comparison:
    """The first configuration minus the second, over the tasks that both have."""

    first: str
    second: str
    tasks: int
    mean_first: float | None = None
    """Mean over those tasks of the share of right cells."""
    mean_second: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    wins: int = 0
    """Tasks where the first was right more often."""
    losses: int = 0
    ties: int = 0
    p: float | None = None
    """Of the exact two-sided sign test on the tasks that differ."""
    p_corrected: float | None = None
    """After Holm, over all comparisons of the table."""
    other_form: list[str] = field(default_factory=list)
    """Tasks left out because the two answered different forms of them."""


def compared(first: Sequence[Record], second: Sequence[Record], names: tuple[str, str]) -> Comparison:
    """Compare two configurations; cells where the infrastructure failed are left out."""
    ones, others = judged(first), judged(second)
    hashes, other_hashes = task_hashes(ones), task_hashes(others)
    common = [task for task in hashes if task in other_hashes]
    other_form = [task for task in common if hashes[task] != other_hashes[task]]
    tasks = [task for task in common if task not in other_form]
    if not tasks:
        return Comparison(*names, tasks=0, other_form=other_form)
    means, other_means = task_means(ones, right), task_means(others, right)
    differences = [means[task] - other_means[task] for task in tasks]
    wins, losses = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    return Comparison(
        *names,
        tasks=len(tasks),
        mean_first=sum(means[task] for task in tasks) / len(tasks),
        mean_second=sum(other_means[task] for task in tasks) / len(tasks),
        difference=sum(differences) / len(tasks),
        interval=interval_of_difference(differences),
        wins=wins,
        losses=losses,
        ties=len(tasks) - wins - losses,
        p=sign_test(wins, losses),
        other_form=other_form,
    )


def sign_test(wins: int, losses: int) -> float:
    """Probability of a split at least as uneven if both were as good; 1 where no task differs."""
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def interval_of_difference(differences: Sequence[float]) -> Interval:
    """Interval of the mean of differences between -1 and 1, one for each task; by bootstrap over tasks.

    Where all tasks show the same difference c, resampling says nothing. But with 95 % confidence at most a share u of
    all tasks shows another one (Clopper and Pearson), anywhere between -1 and 1: the mean is within c (1-u) -+ u.
    """
    tasks = len(differences)
    if limits := bootstrapped(differences):
        return Interval(*limits, f"bootstrap over {tasks} tasks")
    same = differences[0]
    others = proportion(0, tasks, "beta").high
    low, high = same * (1 - others) - others, same * (1 - others) + others
    return Interval(max(-1.0, low), min(1.0, high), f"Clopper-Pearson over {tasks} tasks, no bootstrap: all agree")


def corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons with p values corrected for their number (Holm)."""
    tested = [one for one in comparisons if one.p is not None]
    if not tested:
        return list(comparisons)
    try:
        from statsmodels.stats.multitest import multipletests
    except ImportError as error:
        raise UserError("statistics need statsmodels.", "Install it with: pip install 'gammapygpt[bench]'") from error
    values = dict(zip(map(id, tested), multipletests([one.p for one in tested], method="holm")[1], strict=True))
    return [replace(one, p_corrected=float(values[id(one)])) if id(one) in values else one for one in comparisons]
