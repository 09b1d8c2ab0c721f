"""Which cells count, and how they are grouped: by scoring, by configuration, by task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gammapygpt.evals.record import Record, Scoring

REFERENCE = "full"
"""The configuration that all others are compared with."""


def by_scoring(records: Iterable[Record]) -> dict[Scoring, list[Record]]:
    """Blind cells and those with the validator in the loop: two experiments, never mixed."""
    found: dict[Scoring, list[Record]] = {}
    for record in records:
        found.setdefault(record.scoring, []).append(record)
    return dict(sorted(found.items()))


def by_configuration(records: Iterable[Record]) -> dict[str, list[Record]]:
    """In the order in which they come, the reference first."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.configuration, []).append(record)
    return dict(sorted(found.items(), key=lambda item: item[0] != REFERENCE))


def by_task(records: Iterable[Record]) -> dict[str, list[Record]]:
    """In the order in which they come."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.task, []).append(record)
    return found


def judged(records: Iterable[Record]) -> list[Record]:
    """The cells that a rate is made of: all but those where the infrastructure failed."""
    return [record for record in records if record.verdict != "infrastructure"]


def failed_infrastructure(records: Iterable[Record]) -> list[Record]:
    """The cells that are in no rate; they are to be run again."""
    return [record for record in records if record.verdict == "infrastructure"]


def once(records: Sequence[Record]) -> list[Record]:
    """Each cell once; of a cell that is there twice, the later line stands."""
    return list({(record.scoring, record.cell): record for record in records}.values())


def task_means(records: Iterable[Record], event: Callable[[Record], bool]) -> dict[str, float]:
    """By task, the share of its cells in which something happened: the mean over epochs."""
    return {task: sum(map(event, cells)) / len(cells) for task, cells in by_task(records).items()}


def task_hashes(records: Iterable[Record]) -> dict[str, set[str]]:
    """By task, the forms of it that the cells answered."""
    return {task: {one.task_sha256 for one in cells} for task, cells in by_task(records).items()}


def right(record: Record) -> bool:
    """Called passed by the loop, and the known values agree."""
    return record.verdict == "right"


def wrong(record: Record) -> bool:
    """Called passed by the loop, and the known values disagree: a silent failure."""
    return record.verdict == "wrong"


def called_passed(record: Record) -> bool:
    """The loop was content with it."""
    return right(record) or wrong(record)
