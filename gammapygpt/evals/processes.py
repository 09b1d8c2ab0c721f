"""Worker processes on this machine. One that dies takes nothing with it but the cell that it was at."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from gammapygpt.errors import GammapyGPTError, InfrastructureError
from gammapygpt.signals import undisturbed

S = TypeVar("S")
R = TypeVar("R")

DEATHS = 3
"""Workers that a cell may cost, before it is given up for this time."""
GRACE_S = 3.0
"""For a worker that was told to leave, to end what it has started."""


class Lane:
    """One process that takes one piece of work after another; a new one where it has died.

    The pools of the standard library lose all that is under way when one of their processes dies, and do not tell
    which it was; so each has one process.
    """

    def __init__(self) -> None:
        self._open()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        before = set(multiprocessing.active_children())
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=settle)
        self._pool.submit(os.getpid)  # the first order starts the process
        self.process = next(iter(set(multiprocessing.active_children()) - before), None)

    def submit(self, work: Callable[[S], R], spec: S) -> Future[R]:
        """Begin; a process that has died since it was last heard of is replaced first."""
        try:
            return self._pool.submit(work, spec)
        except BrokenProcessPool:
            self.reopen()
            return self._pool.submit(work, spec)

    def reopen(self) -> None:
        """Go on with a new process."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._open()

    def close(self, *, at_work: bool) -> None:
        """Let the process end, by itself or, where it is at work, by a signal; does not wait for it."""
        if at_work and self.process:
            self.process.terminate()
        self._pool.shutdown(wait=False, cancel_futures=True)


class Processes:
    """A pool of them; a context manager."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._idle: list[Lane] = []
        self._busy: dict[Future[Any], tuple[Lane, Any]] = {}

    def __enter__(self) -> Processes:
        return self

    def run(self, work: Callable[[S], R], specs: Sequence[S]) -> Iterator[tuple[S, R | InfrastructureError]]:
        """See `Pool.run`."""
        waiting, deaths = deque(enumerate(specs)), Counter[int]()
        while waiting or self._busy:
            while waiting and (lane := self._free_lane()):
                number, spec = waiting.popleft()
                self._busy[lane.submit(work, spec)] = lane, (number, spec)
            for future in wait(self._busy, return_when=FIRST_COMPLETED).done:
                lane, (number, spec) = self._busy.pop(future)
                came = outcome(future)
                if came is None:
                    lane.reopen()
                    deaths[number] += 1
                self._idle.append(lane)
                if came is not None:
                    yield spec, came
                elif deaths[number] < DEATHS:
                    waiting.append((number, spec))
                else:
                    yield spec, InfrastructureError(f"The worker process died {DEATHS} times at it.", ADVICE)

    def _free_lane(self) -> Lane | None:
        if not self._idle and len(self._busy) < self._n:
            self._idle.append(Lane())
        return self._idle.pop() if self._idle else None

    def __exit__(self, *exception: object) -> None:
        with undisturbed():
            self._close()

    def _close(self) -> None:
        at_work = [lane for lane, _ in self._busy.values()]
        left = [lane.process for lane in [*self._idle, *at_work] if lane.process]
        for lane in self._idle:
            lane.close(at_work=False)
        for lane in at_work:
            lane.close(at_work=True)
        for process in left:
            process.join(GRACE_S)
        for process in left:
            if process.is_alive():
                process.kill()


ADVICE = "Often the machine had no memory left: look at its kernel log, and use fewer workers."


def outcome(future: Future[R]) -> R | InfrastructureError | None:
    """What a piece of work came to; None where its process died."""
    try:
        return future.result()
    except (BrokenProcessPool, SystemExit):
        return None
    except GammapyGPTError as error:
        return InfrastructureError(error.message, error.remedy)
    except Exception as error:
        return InfrastructureError(f"The worker process failed ({type(error).__name__}: {error}).")


def settle() -> None:
    """Make a new process a worker: it leaves when it is told to, or when its parent is no more, and not at Ctrl-C."""
    from gammapygpt.llm.local.server import kept

    # a handler, because what is ignored would be ignored by all that this process starts, too
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, leave)
    threading.Thread(target=end_with_parent, daemon=True, name="parent").start()
    kept().__enter__()  # a model once loaded serves all cells


def leave(*_: object) -> None:
    """End by way of all `finally`."""
    raise SystemExit(128 + signal.SIGTERM)


def end_with_parent() -> None:
    """Wait for the end of the process that started this one, then end at once; sandboxes end with their parent."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
