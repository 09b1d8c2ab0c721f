"""How attempts fail: kinds, exceptions, the same script again, and right results that were not recognised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gammapygpt.evals.record import Record
from gammapygpt.evals.statistics.cells import right


@dataclass(frozen=True)
class Failures:
    """Of the attempts of some cells."""

    attempts: int
    kinds: dict[str, int] = field(default_factory=dict)
    """By failure kind, the most frequent first."""
    passed_right: int = 0
    """Attempts that passed all gates, and are right."""
    passed_wrong: int = 0
    """Attempts that passed all gates, and are not."""
    exceptions: dict[str, int] = field(default_factory=dict)
    """By class, the most frequent first."""
    repeated: int = 0
    """Attempts with the very script of an earlier one."""
    unrecognised: int = 0
    """Cells with a right result in some attempt that did not come to a right answer."""


def failures(records: Sequence[Record]) -> Failures:
    """What became of every attempt of some cells."""
    tried = [attempt for record in records for attempt in record.attempts]
    missed = [one for one in records if not right(one) and any(attempt.right for attempt in one.attempts)]
    return Failures(
        attempts=len(tried),
        kinds=ordered(attempt.failure for attempt in tried if attempt.failure),
        passed_right=sum(not attempt.failure and bool(attempt.right) for attempt in tried),
        passed_wrong=sum(not attempt.failure and not attempt.right for attempt in tried),
        exceptions=ordered(attempt.exception for attempt in tried if attempt.exception),
        repeated=sum(attempt.repeat_of is not None for attempt in tried),
        unrecognised=len(missed),
    )


def ordered(names: Iterable[str]) -> dict[str, int]:
    """How often each is there, the most frequent first."""
    return dict(Counter(names).most_common())
