"""Where the cells of a campaign run: worker processes on this machine, or a Dask cluster beyond it.

Beyond this machine all workers need the folder of the campaign, the tasks and the data under the same paths (a shared
file system), the same installation, and the keys of the backends in their own environment: what is sent to them names
variables, never what they hold.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.settings import without_secrets
from gammapygpt.signals import as_ctrl_c

S = TypeVar("S")
R = TypeVar("R")

QUEUES = ("slurm", "pbs", "sge", "lsf", "oar", "htcondor")
"""Queueing systems that can start workers."""


class Pool(Protocol):
    """Runs work elsewhere."""

    def run(self, work: Callable[[S], R], specs: Sequence[S]) -> Iterator[tuple[S, R | InfrastructureError]]:
        """What the work came to for each spec, in any order; an error where the worker was lost again and again.

        Raises
        ------
        UserError
            A worker cannot do what it is for, and the user must mend it.
        InfrastructureError
            No more workers can be had.
        """


@dataclass(frozen=True)
class Where:
    """Which workers, and how many."""

    workers: int = 1
    """Processes on this machine, or jobs in a queue; 0: this process, where a debugger can follow."""
    scheduler: str = ""
    """Address of a Dask scheduler that is there, such as `tcp://login1:8786`."""
    queue: str = ""
    """Queueing system whose jobs are the workers, one of `QUEUES`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """For its class in dask-jobqueue, such as cores, memory, walltime."""
    folder: Path | None = None
    """Which all workers must see."""

    @property
    def beyond(self) -> bool:
        """Whether workers may be on other machines."""
        return bool(self.scheduler or self.queue)


class Here:
    """This process, one piece of work after the other; whatever breaks, breaks here."""

    def run(self, work: Callable[[S], R], specs: Sequence[S]) -> Iterator[tuple[S, R | InfrastructureError]]:
        """See `Pool.run`."""
        return ((spec, work(spec)) for spec in specs)


@contextmanager
def workers(where: Where) -> Iterator[Pool]:
    """The workers, as long as the block lasts; SIGTERM and a closed terminal end it as Ctrl-C does.

    Raises
    ------
    UserError
        The extra for it is not installed, or there is no such queue or scheduler.
    """
    with as_ctrl_c(), _pool(where) as pool:
        yield pool


def _pool(where: Where) -> AbstractContextManager[Pool]:
    if not where.beyond and not where.workers:
        return nullcontext(Here())
    if not where.beyond:
        from gammapygpt.evals.processes import Processes

        return Processes(where.workers)
    try:
        from gammapygpt.evals import cluster
    except ImportError as error:
        raise UserError(
            f"workers beyond this machine need {error.name}, which is not installed.",
            "Type `pip install 'gammapygpt[bench]'`.",
        ) from None
    return cluster.pool(where)


def queue_options(pairs: Sequence[str]) -> dict[str, Any]:
    """`KEY=VALUE` for a queue; numbers, true, false and lists as in JSON, all else is text.

    Raises
    ------
    UserError
        One of them has no `=`.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UserError(
                f"--queue-set {pair!r} is not KEY=VALUE.", "Write for example --queue-set walltime=08:00:00."
            )
        try:
            found[key.strip()] = json.loads(value)
        except ValueError:
            found[key.strip()] = value.strip()
    return found


def check_no_secrets(overrides: Mapping[str, Any]) -> None:
    """Make sure that settings of the command line may go over the network to a scheduler, and into its logs.

    Raises
    ------
    UserError
        The address of a server holds a password or a query.
    """
    for name, value in overrides.items():
        if isinstance(value, str) and without_secrets(value) != value:
            raise UserError(
                f"{name} may hold a secret, and would go through the scheduler.",
                "Write it into the settings file, which each worker reads for itself.",
            )


def software() -> str:
    """What must be the same on all workers: `gammapygpt 0.2, Gammapy 2.1, Python 3.11`."""
    from importlib.metadata import version

    from gammapygpt import __version__

    return f"gammapygpt {__version__}, Gammapy {version('gammapy')}, Python {sys.version_info[0]}.{sys.version_info[1]}"
