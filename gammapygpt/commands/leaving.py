"""How a run under way answers to signals: whoever sends one is told how the run goes on, and nothing is left behind.

| signal | from | meaning |
| --- | --- | --- |
| SIGTERM | a batch system, a container engine, `kill` | whoever is at work may come to its end, for `GRACE_S` |
| SIGINT | Ctrl-C, the page's button | it ends where it stands, as at `kill -9` |
| SIGHUP | a terminal that was closed | the same |

A second SIGTERM ends it where it stands. Once it is ending, no signal changes anything.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from gammapygpt.signals import ENDING, handled

if TYPE_CHECKING:
    from gammapygpt.run import Run

GRACE_S = 8
"""For the agent at work, so that a paid reply is not lost; Docker kills after 10 s, SLURM after 30 s."""
TIDY_S = 3.0
"""For the sandboxes to end."""
REASONS = {
    signal.SIGINT: "stopped by the user",
    signal.SIGHUP: "stopped, because its terminal was closed",
    signal.SIGTERM: "stopped by SIGTERM",
}


@contextmanager
def told_by_signals(run: Run) -> Iterator[None]:
    """Let signals end the run, as long as the block lasts."""

    def at_once(number: int, _: FrameType | None) -> None:
        leave(run, signal.SIGTERM if number == signal.SIGALRM else signal.Signals(number))

    def in_order(number: int, frame: FrameType | None) -> None:
        from gammapygpt.sandbox.worker import leaving

        leaving.set()
        run.stop(REASONS[signal.SIGTERM])
        signal.signal(signal.SIGTERM, at_once)
        signal.alarm(GRACE_S)

    ends_at_once = dict.fromkeys((signal.SIGINT, signal.SIGHUP, signal.SIGALRM), at_once)
    with handled({**ends_at_once, signal.SIGTERM: in_order}):
        try:
            yield
        finally:
            if run.told_to_stop:  # it is ending in order, and says so
                for one in ENDING:
                    signal.signal(one, signal.SIG_IGN)
            signal.alarm(0)


def leave(run: Run, number: signal.Signals) -> NoReturn:
    """End the program where it stands: the graph would wait for the script or the model."""
    from gammapygpt import temporary
    from gammapygpt.sandbox import cgroup, worker

    for one in (*ENDING, signal.SIGALRM):
        signal.signal(one, signal.SIG_IGN)
    try:
        run.interrupted(REASONS[number])
        worker.end_all(TIDY_S)
        cgroup.close_all()
        temporary.remove_all()
        # not by a stream, which the signal may have interrupted in the middle of a line
        cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # the live line has hidden it
        said = REASONS[number] if number != signal.SIGINT else "interrupted"
        with suppress(OSError):
            os.write(2, f"{cursor}gammapygpt: {said}. {run.stopped().remedy}\n".encode())
    finally:
        os._exit(128 + number)
