"""The sandbox that the rest of the program sees: a new worker for every script, warm or cold, thrown away after it."""

from __future__ import annotations

import os
import platform
import signal
from pathlib import Path

from gammapygpt.disk import SCARCE
from gammapygpt.errors import InfrastructureError
from gammapygpt.sandbox import processes
from gammapygpt.sandbox.base import Limits, SelfCheck
from gammapygpt.sandbox.cgroup import Cgroup
from gammapygpt.sandbox.collect import Collector
from gammapygpt.sandbox.interpreter import Interpreter
from gammapygpt.sandbox.launch import WARM_IMPORTS, Provider
from gammapygpt.sandbox.report import Report, death_notice, printable, read_report
from gammapygpt.sandbox.watch import Watch
from gammapygpt.sandbox.worker import Worker, leaving
from gammapygpt.state import Execution, StoppedBy

OTHER_FILES_MB = 320
"""/tmp and /dev/shm of a bubblewrap."""
OUR_TASKS = 16
"""bubblewrap, the keeper, and room for the script's processes that have ended and are not yet buried."""
ADDRESS_SPACE_MB = 512
"""What an interpreter with Gammapy maps beyond what it uses (measured: 505 MB mapped, 246 MB resident)."""

LEAVE = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
GRACE_S = 0.5
"""By which a sandbox may be told to leave before this program is: a batch system tells both, one after the other."""


class SingleUseSandbox:
    """One provider, one analysis interpreter, one data folder; as many scripts as you like, each in its own worker.

    Parameters
    ----------
    provider : Provider
        The kind of isolation.
    interpreter : Interpreter
        In which scripts run.
    data : str
        Folder shown read-only to scripts as PHOTON_STORAGE and GAMMAPY_DATA; empty for none.
    limits : Limits
        What a prepared worker is started for; `run` may ask for less.
    warm : bool
        Import Gammapy before the script arrives.

    Examples
    --------
    >>> sandbox = open_sandbox(settings, data_path)  # doctest: +SKIP
    >>> sandbox.prepare()  # while a model writes  # doctest: +SKIP
    >>> execution = sandbox.run(script, limits(settings), workspace)  # doctest: +SKIP
    """

    def __init__(
        self, provider: Provider, interpreter: Interpreter, data: str, limits: Limits, warm: bool = True
    ) -> None:
        self.provider = provider
        self.name = provider.name
        self.interpreter = interpreter
        self.data = data
        self.limits = limits
        self.warm = warm
        self._worker: Worker | None = None

    def _start(self, limits: Limits) -> Worker:
        return Worker(self.provider, self.interpreter, self.data, limits, list(WARM_IMPORTS) if self.warm else [])

    def prepare(self) -> None:
        """Start the interpreter inside; return at once."""
        if self._worker is None:
            self._worker = self._start(self.limits)

    def discard(self) -> None:
        """Throw away a prepared worker; harmless when there is none."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def run(self, script: str, limits: Limits, workspace: Path) -> Execution:
        """Run a script in a worker of its own and collect what it left into `workspace`.

        Raises
        ------
        InfrastructureError
            The sandbox broke; the script may be as good as ever.
        """
        if limits.workspace_mb > self.limits.workspace_mb:
            self.discard()  # its file system is smaller than what is asked for now
        worker = self._ready_worker(limits)
        group = None
        try:
            watch = Watch(worker, limits)
            group = self._group(worker, limits)
            worker.submit(script, self._kernel_limits(worker, limits))
            stopped = watch.until_the_end()
            if worker.hung_up:
                raise InfrastructureError(f"The sandbox {self.name} was ended: this program is about to leave.")
            if group.killed_for_memory():
                stopped = "memory"
            return self._execution(worker, watch, stopped, workspace)
        except OSError as error:
            raise InfrastructureError(f"The sandbox {self.name} broke: {error}.") from error
        finally:
            worker.close()
            if group is not None:
                group.close()

    def _ready_worker(self, limits: Limits) -> Worker:
        """The prepared worker, or a new one; also where the prepared one has died while it waited."""
        prepared, self._worker = self._worker, None
        if prepared is not None:
            try:
                prepared.wait_ready()
                return prepared
            except InfrastructureError:
                prepared.close()
        worker = self._start(limits)
        try:
            worker.wait_ready()
        except BaseException:
            worker.close()
            raise
        return worker

    def _group(self, worker: Worker, limits: Limits) -> Cgroup:
        """The kernel's own bound on the tree behind the looks of `Watch`; its file systems in memory count as well."""
        in_memory = limits.workspace_mb + OTHER_FILES_MB if worker.launch.private_disk else 0
        group = Cgroup(limits.memory_mb + in_memory, limits.processes + OUR_TASKS)
        group.add(processes.tree(worker.process.pid)[0])
        return group

    def self_check(self) -> list[SelfCheck]:
        """Try the properties of this sandbox for real, in less than 10 s; see `selfcheck`."""
        from gammapygpt.sandbox.selfcheck import self_check

        return self_check(self.over(self.data))

    def over(self, data: str) -> SingleUseSandbox:
        """The same kind of sandbox, cold, over another data folder."""
        return SingleUseSandbox(self.provider, self.interpreter, data, self.limits, warm=False)

    def _kernel_limits(self, worker: Worker, limits: Limits) -> dict[str, float]:
        """What the worker sets for itself by setrlimit; MiB, seconds and counts."""
        count = limits.processes
        counted_alone = worker.launch.own_users and _kernel() >= (5, 14)
        if worker.launch.setup["uid"] is None and not counted_alone:
            count += processes.tasks_of_user(os.getuid())
        return {
            "cpu_s": limits.cpu_s,
            "address_space_mb": limits.memory_mb + ADDRESS_SPACE_MB,
            "file_mb": limits.file_mb,
            "processes": count,
        }

    def _execution(self, worker: Worker, watch: Watch, stopped: StoppedBy | None, workspace: Path) -> Execution:
        report = read_report(bytes(watch.received), worker.mark) or Report(mark=worker.mark)
        exit_code = None if stopped else _exit_code(worker, report)
        if exit_code and not worker.launch.private_disk:
            _look_for_room(worker)
        harvest = Collector(watch.limits, workspace).run(worker.folders[0])
        if exit_code == -signal.SIGXCPU:
            stopped = "cpu"
        elif stopped is None and exit_code != 0:
            stopped = report.limit
        if stopped is None and harvest.too_many:
            stopped = "files"
        if stopped is None and harvest.too_big:
            stopped = "disk"
        return Execution(
            provider=self.name,
            warm=self.warm,
            exit_code=exit_code,
            stopped_by=stopped,
            wall_s=round(watch.wall_s, 4),
            cpu_s=round(max(watch.cpu_s, report.cpu_s), 3),
            peak_mb=round(watch.peak_mb, 1),
            stdout=printable(worker.stdout.text()),
            stderr=printable(worker.stderr.text()),
            exception=report.exception,
            message=report.message or death_notice(exit_code or 0),
            traceback=report.traceback,
            line=report.line,
            warnings=report.warnings,
            artefacts=harvest.artefacts,
            facts=report.facts,
        )


def _exit_code(worker: Worker, report: Report) -> int:
    """As Python's own: the negative number of the signal, where one ended the interpreter."""
    code = worker.process.returncode
    if code < 0:
        raise InfrastructureError(f"The sandbox {worker.provider} itself was ended by signal {-code}.")
    if code > 128 and code != report.exit_code:
        if code - 128 in LEAVE and leaving.wait(GRACE_S):
            raise InfrastructureError("The script was ended together with this program.")
        return 128 - code
    return code


def _look_for_room(worker: Worker) -> None:
    """Make sure that a script did not fail for want of space on a disk that is not its own."""
    for folder in worker.folders:
        system = os.fstatvfs(folder)
        if system.f_bavail * system.f_frsize < SCARCE:
            raise InfrastructureError(
                "The disk is full where scripts work.",
                "Free some space, or let TMPDIR name a folder with room, then resume the run.",
            )


def _kernel() -> tuple[int, int]:
    major, minor = platform.release().split(".")[:2]
    return int(major), int("".join(c for c in minor if c.isdigit()) or 0)
