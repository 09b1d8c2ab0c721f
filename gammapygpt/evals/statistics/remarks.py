"""What a reader must know before comparing numbers: forms, versions, prompts and counts that are not the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gammapygpt.evals.record import Record
from gammapygpt.evals.statistics.cells import by_configuration, by_task, judged, once, task_hashes
from gammapygpt.evals.statistics.rates import FEW
from gammapygpt.runs.results import counted


def remarks(records: Sequence[Record]) -> list[str]:
    """One sentence for everything that differs where one would expect it to be the same."""
    cells = once(records)
    arms = by_configuration(cells)
    found = []
    if twice := len(records) - len(cells):
        found.append(f"{counted(twice, 'cell')} are in the table more than once; the last line of each counts.")
    if forms := [task for task, hashes in task_hashes(cells).items() if len(hashes) > 1]:
        found.append(f"Not all cells answered the same form of these tasks: {', '.join(forms)}.")
    found += differing(arms, "versions", lambda one: one.versions, across=True)
    found += differing(arms, "prompts", lambda one: one.prompts)
    found += differing(arms, "models", lambda one: {"model": f"{one.model or 'none'} on {one.backend or 'none'}"})
    found += uneven(arms)
    if len(task_hashes(cells)) < FEW:
        found.append(f"With fewer than {FEW} tasks the intervals over tasks are somewhat too narrow.")
    return found


def differing(
    arms: Mapping[str, Sequence[Record]],
    what: str,
    told: Callable[[Record], Mapping[str, str]],
    *,
    across: bool = False,
) -> list[str]:
    """Which of some named values are not the same in all judged cells of a configuration, or across configurations."""
    found = []
    everywhere: dict[str, set[str]] = {}
    for arm, cells in arms.items():
        values: dict[str, set[str]] = {}
        for one in judged(cells):
            for key, value in told(one).items():
                values.setdefault(key, set()).add(value)
                everywhere.setdefault(key, set()).add(value)
        if changed := {key: seen for key, seen in values.items() if len(seen) > 1}:
            found.append(f"The cells of {arm} were made with different {what}: {said(changed)}.")
    if across and not found and (changed := {key: seen for key, seen in everywhere.items() if len(seen) > 1}):
        found.append(f"The configurations were run with different {what}: {said(changed)}.")
    return found


def said(changed: Mapping[str, set[str]]) -> str:
    """`gammapy (2.0, 2.1), coder.md (3f2a91bc, 77d0e2aa)`."""
    return ", ".join(f"{key} ({', '.join(sorted(map(shortened, seen)))})" for key, seen in sorted(changed.items()))


def shortened(value: str) -> str:
    """The first digits of a hash; anything else as it is."""
    return value[:8] if len(value) == 64 and " " not in value else value


def uneven(arms: Mapping[str, Sequence[Record]]) -> list[str]:
    """Configurations whose tasks have not been judged equally often, in one sentence."""
    counts = {arm: {len(one) for one in by_task(judged(cells)).values()} for arm, cells in arms.items()}
    found = [f"{arm} ({min(seen)} to {max(seen)})" for arm, seen in counts.items() if len(seen) > 1]
    if not found:
        return []
    why = "pass@1 weighs cells alike, the mean over tasks and its interval weigh tasks alike"
    return [f"Not all tasks were judged equally often by {', '.join(found)}: {why}."]
