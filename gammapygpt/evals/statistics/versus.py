"""Two campaigns against each other: the same configuration on the same form of the same tasks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gammapygpt.errors import UserError
from gammapygpt.evals.record import Record, Scoring
from gammapygpt.evals.statistics.campaign import Arm, arm
from gammapygpt.evals.statistics.cells import by_configuration, by_scoring, once
from gammapygpt.evals.statistics.pairs import Comparison, compared, corrected
from gammapygpt.evals.statistics.remarks import remarks
from gammapygpt.evals.statistics.sensitivity import ALPHA, Sensitivity, sensitivity


@dataclass(frozen=True)
class Versus:
    """The configurations that both campaigns have, of one scoring."""

    scoring: Scoring
    configurations: list[str]
    comparisons: list[Comparison]
    """One for each configuration, the first campaign minus the second."""
    arms: list[tuple[Arm, Arm]]
    """The same configurations, each campaign over all its own cells."""
    sensitivity: Sensitivity
    sensitivity_corrected: Sensitivity
    only_first: list[str]
    """Configurations that the other campaign does not have."""
    only_second: list[str]
    remarks: list[str]


def versus(first: Sequence[Record], second: Sequence[Record], names: tuple[str, str]) -> list[Versus]:
    """Compare two campaigns; one entry for each scoring that both have.

    Raises
    ------
    UserError
        They have nothing in common that could be compared.
    """
    ones, others = by_scoring(once(first)), by_scoring(once(second))
    if not {record.task for record in first} & {record.task for record in second}:
        raise UserError("the two campaigns have no task in common.", "Compare campaigns over the same tasks.")
    common = [scoring for scoring in ones if scoring in others]
    if not common:
        told = f"{names[0]} is scored {', '.join(ones)} and {names[1]} {', '.join(others)}"
        raise UserError(f"{told}, and the two are never mixed.", "Compare campaigns of one scoring.")
    found = [of_scoring(ones[scoring], others[scoring], scoring, names) for scoring in common]
    if not any(one.configurations for one in found):
        raise UserError("the two campaigns have no configuration in common.", "Run one of them with the other's.")
    if not any(pair.tasks for one in found for pair in one.comparisons):
        forms = sorted({task for one in found for pair in one.comparisons for task in pair.other_form})
        why = f"all answered in different forms ({', '.join(forms)})" if forms else "not judged in both yet"
        raise UserError(f"the tasks of the two campaigns are {why}.", "Run one of them again.")
    return found


def of_scoring(first: Sequence[Record], second: Sequence[Record], scoring: Scoring, names: tuple[str, str]) -> Versus:
    """Compare the cells of one scoring."""
    ones, others = by_configuration(first), by_configuration(second)
    both = [name for name in ones if name in others]
    comparisons = corrected([compared(ones[name], others[name], names) for name in both])
    arms = [(arm(name, ones[name]), arm(name, others[name])) for name in both]
    tasks = Counter(one.tasks for one in comparisons).most_common(1)
    number = tasks[0][0] if tasks else 0
    tests = sum(one.p is not None for one in comparisons)
    epochs = math.lcm(*(one.epochs for pair in arms for one in pair if one.epochs))
    told = [(name, sentence) for name, cells in zip(names, (first, second), strict=True) for sentence in remarks(cells)]
    return Versus(
        scoring=scoring,
        configurations=both,
        comparisons=comparisons,
        arms=arms,
        sensitivity=sensitivity(number, epochs),
        sensitivity_corrected=sensitivity(number, epochs, ALPHA / max(1, tests)),
        only_first=[name for name in ones if name not in others],
        only_second=[name for name in others if name not in ones],
        remarks=[f"{name}: {sentence}" for name, sentence in told],
    )
