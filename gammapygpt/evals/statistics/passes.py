"""pass@k and pass^k over epochs, and the attempts that a pass took.

k counts epochs, which know nothing of each other; the attempts within a cell are counted in `attempts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gammapygpt.evals.record import Record
from gammapygpt.evals.statistics.cells import by_task, right
from gammapygpt.evals.statistics.rates import Interval, over_tasks


@dataclass(frozen=True)
class PassK:
    """Of k answers to a task: at least one is right, or all of them are; means over tasks."""

    k: int
    tasks: int
    """Those with at least k judged cells; the others say nothing about k."""
    any_right: float
    any_interval: Interval
    all_right: float
    all_interval: Interval


def pass_at(n: int, c: int, k: int) -> float:
    """Unbiased estimate of pass@k from n answers of which c are right (Chen et al. 2021, arXiv:2107.03374, eq. 1).

    1 - C(n-c, k) / C(n, k): the chance that k answers drawn from the n without putting back hold a right one.
    """
    from scipy.stats import hypergeom

    return float(hypergeom.sf(0, n, c, k))


def pass_all(n: int, c: int, k: int) -> float:
    """Unbiased estimate of pass^k, the chance that k answers are all right (Yao et al. 2024, arXiv:2406.12045)."""
    from scipy.stats import hypergeom

    return float(hypergeom.pmf(k, n, c, k))


def passes_over_epochs(records: Sequence[Record]) -> list[PassK]:
    """pass@k and pass^k for every k up to the largest number of judged cells of a task."""
    counts = [(len(cells), sum(map(right, cells))) for cells in by_task(records).values()]
    found = []
    for k in range(1, max((n for n, _ in counts), default=0) + 1):
        enough = [(n, c) for n, c in counts if n >= k]
        some = [pass_at(n, c, k) for n, c in enough]
        every = [pass_all(n, c, k) for n, c in enough]
        tasks = len(enough)
        found.append(PassK(k, tasks, sum(some) / tasks, over_tasks(some), sum(every) / tasks, over_tasks(every)))
    return found


def attempts_to_pass(records: Sequence[Record]) -> dict[int, int]:
    """How many cells were right at their first attempt, at their second and so on: the paper's histogram."""
    return dict(sorted(Counter(one.passed_at for one in records if right(one) and one.passed_at).items()))
