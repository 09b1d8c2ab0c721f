"""What the cells cost: model calls, tokens, minutes, money; in each cell, and for each right answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gammapygpt.evals.record import Record
from gammapygpt.evals.statistics.cells import right
from gammapygpt.state import Usage


@dataclass(frozen=True)
class Spending:
    """The sum over some cells."""

    cells: int
    passes: int
    asked: int = 0
    """Cells in which a model was asked at all; recipes answer without one."""
    usage: Usage = field(default_factory=Usage)
    minutes: float = 0.0
    """Wall time of the cells."""
    cost: float | None = 0.0
    """None: unpriced, because at least one cell is."""
    by_role: dict[str, Usage] = field(default_factory=dict)
    minutes_by_node: dict[str, float] = field(default_factory=dict)

    def each(self, total: float | None) -> float | None:
        """A sum's share of each cell."""
        return total / self.cells if self.cells and total is not None else None

    def per_pass(self, total: float | None) -> float | None:
        """What one right answer took: the sum over all cells, also those that failed, over the right ones."""
        return total / self.passes if self.passes and total is not None else None


def spending(records: Sequence[Record]) -> Spending:
    """What some cells cost together."""
    by_role: dict[str, Usage] = {}
    seconds: dict[str, float] = {}
    for record in records:
        for role, usage in record.usage.items():
            by_role[role] = by_role.get(role, Usage()) + usage
        for node, spent in record.seconds_by_node.items():
            seconds[node] = seconds.get(node, 0.0) + spent
    costs = [record.cost for record in records]
    return Spending(
        cells=len(records),
        passes=sum(map(right, records)),
        asked=sum(record.spent.calls > 0 for record in records),
        usage=sum(by_role.values(), Usage()),
        minutes=sum(record.seconds for record in records) / 60,
        cost=None if None in costs else sum(cost for cost in costs if cost is not None),
        by_role=by_role,
        minutes_by_node={node: spent / 60 for node, spent in seconds.items()},
    )
