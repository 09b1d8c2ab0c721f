"""Workers of a Dask cluster: of a scheduler that is there, or of jobs in a queue. Needs the extras `bench`, `slurm`."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from distributed import Client, Future, KilledWorker, wait
from distributed.comm import CommClosedError

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.evals.workers import QUEUES, Pool, Where, software

S = TypeVar("S")
R = TypeVar("R")

RETRIES = 2
"""Of work that raised something, as when a shared file system hiccups; deaths of workers are counted by Dask."""
LOOK_S = 5.0
"""Between two looks at whether there are more workers."""
JOB = {"cores": 1, "processes": 1, "memory": "4GiB"}
"""What a job of a queue asks for, where nothing else is said: one cell at a time, and its sandbox."""


class Cluster:
    """The workers that a scheduler knows, now and later.

    Parameters
    ----------
    client : Client
        Connected.
    folder : Path or None
        Which each worker must see.
    """

    def __init__(self, client: Client, folder: Path | None) -> None:
        self._client = client
        self._folder = folder

    def run(self, work: Callable[[S], R], specs: Sequence[S]) -> Iterator[tuple[S, R | InfrastructureError]]:
        """See `Pool.run`."""
        once, waiting, given = uuid.uuid4().hex[:8], deque(enumerate(specs)), dict[Future, S]()
        try:
            while waiting or given:
                # no more than there are threads: what waits behind a cell that kills its worker is blamed as well
                while waiting and len(given) < self._threads():
                    number, spec = waiting.popleft()
                    given[self._submit(work, spec, f"cell-{number}-{once}")] = spec
                for future in self._ended(list(given)):
                    spec, came = given.pop(future), outcome(future)
                    future.release()
                    yield spec, came
        finally:
            if given:
                self._client.cancel(list(given))

    def _threads(self) -> int:
        """Of all workers that there are just now; a cell waits for the first one."""
        return max(1, sum(self._client.nthreads().values()))

    def _submit(self, work: Callable[[S], R], spec: S, key: str) -> Future:
        wanted = (work, spec, software(), self._folder)
        return self._client.submit(on_worker, *wanted, key=key, pure=False, retries=RETRIES)

    def _ended(self, given: list[Future]) -> list[Future]:
        """Those that have come to an end within the next seconds, maybe none."""
        try:
            with self._client.as_current():
                return list(wait(given, timeout=LOOK_S, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            return []


def outcome(future: Future) -> Any:
    """What a piece of work came to; an error where its workers died.

    Raises
    ------
    UserError
        The worker is not as it must be.
    InfrastructureError
        The scheduler is gone.
    """
    try:
        return future.result()
    except KilledWorker:
        return InfrastructureError(
            "Its workers died again and again.", "Often they had no memory left: look at their logs."
        )
    except UserError:
        raise
    except Exception as error:
        if future.cancelled() or isinstance(error, CommClosedError | TimeoutError):
            raise InfrastructureError(
                "The Dask scheduler is gone.", "Start it again, and give the same command."
            ) from None
        why = " ".join(str(error).split())[:300]
        return InfrastructureError(f"The worker failed ({type(error).__name__}: {why}).", SAME)


SAME = "All machines need the same installation of gammapygpt."


def on_worker(work: Callable[[S], R], spec: S, wanted: str, folder: Path | None) -> R:
    """Do a piece of work, on a worker that is as it must be.

    Raises
    ------
    UserError
        It has other versions, or does not see the folder.
    """
    from distributed import get_worker

    name, here = get_worker().address, software()
    if here != wanted:
        raise UserError(f"the worker {name} has {here}; here it is {wanted}.", SAME)
    if folder and not folder.is_dir():
        raise UserError(f"the worker {name} does not see {folder}.", "Put the campaign on a shared file system: --out.")
    keep_models()
    return work(spec)


@lru_cache(maxsize=1)
def keep_models() -> None:
    """A model once loaded serves all cells of this worker."""
    from gammapygpt.llm.local.server import kept

    kept().__enter__()


@contextmanager
def pool(where: Where) -> Iterator[Pool]:
    """The workers of a scheduler, or of a queue.

    Raises
    ------
    UserError
        The scheduler cannot be reached, or the queue cannot be used.
    """
    if where.scheduler:
        with connected(where.scheduler) as client:
            yield Cluster(client, where.folder)
        return
    with queue(where) as jobs, Client(jobs) as client:
        yield Cluster(client, where.folder)


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the scheduler at an address; the scheduler and its workers stay."""
    try:
        client = Client(address, timeout=30, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"no Dask scheduler answers at {address} ({' '.join(str(error).split())[:150]}).",
            "Start one with `dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`.",
        ) from None
    with client:
        yield client


@contextmanager
def queue(where: Where) -> Iterator[Any]:
    """A scheduler in this process, and jobs in a queue that are its workers; they end with the block.

    They speak TLS with a key made for this once: on the network of a cluster everybody could connect otherwise.
    """
    kinds = dict(zip(QUEUES, ("SLURM", "PBS", "SGE", "LSF", "OAR", "HTCondor"), strict=True))
    if where.queue not in kinds:
        raise UserError(f"there is no queue {where.queue!r}.", f"There are: {', '.join(QUEUES)}.")
    if where.workers < 1:
        raise UserError("--workers 0 is this process, and no job of a queue.", "Say how many jobs there shall be.")
    try:
        import cryptography  # noqa: F401
        import dask_jobqueue
    except ImportError as error:
        raise UserError(
            f"jobs in a queue need {error.name}, which is not installed.",
            "Type `pip install 'gammapygpt[bench,slurm]'`.",
        ) from None
    kind = getattr(dask_jobqueue, f"{kinds[where.queue]}Cluster")
    keys = str(where.folder) if where.folder else None
    given = {"security": True, "shared_temp_directory": keys, "scheduler_options": {"dashboard_address": "127.0.0.1:0"}}
    options = {**JOB, **given, **where.options}
    try:
        jobs = kind(**options)
    except (TypeError, ValueError, OSError) as error:
        raise UserError(
            f"--queue-set does not fit {where.queue} ({error}).", "See dask-jobqueue's documentation."
        ) from None
    with jobs:
        jobs.scale(jobs=where.workers)
        yield jobs
