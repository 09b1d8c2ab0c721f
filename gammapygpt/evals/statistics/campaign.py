"""All that is said of a campaign: one table for each scoring, one arm for each configuration."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from gammapygpt.evals.record import Record, Scoring
from gammapygpt.evals.statistics.cells import (
    REFERENCE,
    by_configuration,
    by_scoring,
    by_task,
    called_passed,
    failed_infrastructure,
    judged,
    once,
    right,
    wrong,
)
from gammapygpt.evals.statistics.failures import Failures, failures
from gammapygpt.evals.statistics.pairs import Comparison, compared, corrected
from gammapygpt.evals.statistics.passes import PassK, attempts_to_pass, passes_over_epochs
from gammapygpt.evals.statistics.rates import Rate, rate
from gammapygpt.evals.statistics.remarks import remarks
from gammapygpt.evals.statistics.sensitivity import ALPHA, Sensitivity, sensitivity
from gammapygpt.evals.statistics.spending import Spending, spending


@dataclass(frozen=True)
class Arm:
    """One configuration."""

    name: str
    models: list[str]
    """That answered in it."""
    cells: int
    """That were judged; infrastructure failures are not among them."""
    tasks: int
    epochs: int
    """The most of any task."""
    infrastructure: int
    """Cells to be run again; in no rate."""
    verdicts: dict[str, int]
    passed: Rate
    """pass@1."""
    wrong: Rate
    """Called passed and wrong, of all cells."""
    wrong_of_called: Rate
    """The same, of the cells that were called passed: what a user who believes the answer is in for."""
    over_epochs: list[PassK]
    attempts_to_pass: dict[int, int]
    failures: Failures
    spending: Spending
    families: dict[str, Rate]


@dataclass(frozen=True)
class Table:
    """All configurations of one scoring."""

    scoring: Scoring
    tasks: list[str]
    arms: list[Arm]
    comparisons: list[Comparison]
    """The reference against every other configuration; empty without it."""
    sensitivity: Sensitivity
    """Of one comparison alone, over the tasks of most comparisons."""
    sensitivity_corrected: Sensitivity
    """Of the same with the first, strictest level of Holm's correction."""
    infrastructure: list[Record]
    remarks: list[str] = field(default_factory=list)


def statistics(records: Sequence[Record]) -> list[Table]:
    """One table for each scoring, the blind one first; none for a campaign without cells."""
    return [table(cells, scoring) for scoring, cells in by_scoring(records).items()]


def table(records: Sequence[Record], scoring: Scoring) -> Table:
    """The statistics of cells of one scoring."""
    cells = once(records)
    arms = by_configuration(cells)
    reference = arms.get(REFERENCE, [])
    others = [name for name in arms if name != REFERENCE] if reference else []
    comparisons = corrected([compared(reference, arms[name], (REFERENCE, name)) for name in others])
    tasks = Counter(one.tasks for one in comparisons).most_common(1)
    common = tasks[0][0] if tasks else 0
    found = [arm(name, cells) for name, cells in arms.items()]
    tests = sum(one.p is not None for one in comparisons)
    epochs = math.lcm(*(one.epochs for one in found if one.epochs))
    return Table(
        scoring=scoring,
        tasks=sorted(by_task(cells)),
        arms=found,
        comparisons=comparisons,
        sensitivity=sensitivity(common, epochs),
        sensitivity_corrected=sensitivity(common, epochs, ALPHA / max(1, tests)),
        infrastructure=failed_infrastructure(cells),
        remarks=remarks(records),
    )


def arm(name: str, records: Sequence[Record]) -> Arm:
    """The statistics of one configuration."""
    cells = judged(records)
    tasks = by_task(cells)
    families = sorted({record.family for record in cells}, key=lambda family: (family == "other", family))
    return Arm(
        name=name,
        models=list(dict.fromkeys(filter(None, (record.model for record in cells)))),
        cells=len(cells),
        tasks=len(tasks),
        epochs=max(map(len, tasks.values()), default=0),
        infrastructure=len(records) - len(cells),
        verdicts=dict(Counter(record.verdict for record in cells)),
        passed=rate(cells, right),
        wrong=rate(cells, wrong),
        wrong_of_called=rate([record for record in cells if called_passed(record)], wrong),
        over_epochs=passes_over_epochs(cells),
        attempts_to_pass=attempts_to_pass(cells),
        failures=failures(cells),
        spending=spending(cells),
        families={family: rate([one for one in cells if one.family == family], right) for family in families},
    )
