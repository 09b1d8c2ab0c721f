"""Watches one running script: reads what it prints, and ends it when it oversteps a limit."""

from __future__ import annotations

import os
import selectors
import time

from gammapygpt.sandbox import processes
from gammapygpt.sandbox.base import Limits
from gammapygpt.sandbox.report import MAX_BYTES
from gammapygpt.sandbox.worker import Worker
from gammapygpt.state import StoppedBy

LOOK_S = 0.05
"""Between two looks at the processes: a runaway allocation gets about 50 MB further."""
FLOOD = 1024
"""A script that prints this many times what is kept of its output is stopped."""
MIB = 1 << 20


class Watch:
    """From the submission of a script to the death of its last process."""

    def __init__(self, worker: Worker, limits: Limits) -> None:
        self.worker = worker
        self.limits = limits
        self.started = time.monotonic()
        self.received = bytearray()
        self.peak_mb = 0.0
        self.cpu_s = 0.0
        self._cpu_before = processes.cpu_seconds(processes.tree(worker.process.pid)[0])
        for capture in (worker.stdout, worker.stderr):
            capture.capacity = limits.output_kb << 10

    def until_the_end(self) -> StoppedBy | None:
        """Returns the limit that ended the script, or None when it ended by itself."""
        with selectors.DefaultSelector() as selector:
            for name in ("stdout", "stderr"):
                selector.register(getattr(self.worker, name).fd, selectors.EVENT_READ, name)
            self.worker.control.setblocking(False)
            selector.register(self.worker.control, selectors.EVENT_READ, "control")
            selector.register(self.worker.pidfd, selectors.EVENT_READ, "end")
            stopped = self._loop(selector)
        self.wall_s = time.monotonic() - self.started
        self.worker.kill()  # also what a script left running behind it
        for capture in (self.worker.stdout, self.worker.stderr):
            capture.drain()
        while self._receive():
            pass
        return stopped

    def _loop(self, selector: selectors.BaseSelector) -> StoppedBy | None:
        next_look = self.started
        while True:
            for key, _ in selector.select(LOOK_S):
                if key.data == "end":
                    return None
                if key.data == "control":
                    if not self._receive():
                        selector.unregister(self.worker.control)
                    continue
                capture = getattr(self.worker, key.data)
                fd = capture.fd
                capture.read()
                if not capture.open:
                    selector.unregister(fd)
            if time.monotonic() >= next_look:
                if stopped := self._look():
                    return stopped
                next_look = time.monotonic() + LOOK_S

    def _receive(self) -> bool:
        """Take what came over the control socket; False when nothing more can come now."""
        try:
            chunk = self.worker.control.recv(1 << 16)
        except OSError:
            return False
        self.received += chunk[: MAX_BYTES + 1 - len(self.received)]
        return bool(chunk)

    def _look(self) -> StoppedBy | None:
        limits = self.limits
        if time.monotonic() - self.started > limits.wall_s:
            return "wall"
        pids, threads = processes.tree(self.worker.process.pid)
        self.cpu_s = max(self.cpu_s, processes.cpu_seconds(pids) - self._cpu_before)
        if self.cpu_s > limits.cpu_s:
            return "cpu"
        memory = processes.resident_mb(pids)
        if memory > limits.memory_mb and (memory := processes.proportional_mb(pids)) > limits.memory_mb:
            self.peak_mb = max(self.peak_mb, memory)
            return "memory"
        self.peak_mb = max(self.peak_mb, memory)
        if threads > limits.processes + 16:
            return "processes"
        if max(self.worker.stdout.total, self.worker.stderr.total) > FLOOD * (limits.output_kb << 10):
            return "output"
        return self._look_at_disk()

    def _look_at_disk(self) -> StoppedBy | None:
        if not self.worker.launch.private_disk:
            return self._walk_disk()
        for number, folder in enumerate(self.worker.folders):
            system = os.fstatvfs(folder)
            if number == 0 and (system.f_blocks - system.f_bfree) * system.f_frsize > self.limits.workspace_mb * MIB:
                return "disk"
            if system.f_files - system.f_ffree > 4 * self.limits.files:
                return "files"
        return None

    def _walk_disk(self) -> StoppedBy | None:
        """Where the folders are no file system of their own: add up; slower, and never more files than allowed."""
        try:
            return self._add_up()
        except (OSError, RecursionError):  # too deep to look into, or shut: somebody hides something
            return "files"

    def _add_up(self) -> StoppedBy | None:
        size = count = 0
        for folder in self.worker.folders:
            for _, folders, names, directory in os.fwalk(dir_fd=folder, onerror=_unless_gone):
                count += len(names) + len(folders)
                if count > 4 * self.limits.files:
                    return "files"
                for name in names:
                    try:
                        size += os.stat(name, dir_fd=directory, follow_symlinks=False).st_blocks * 512
                    except OSError:
                        continue
        return "disk" if size > self.limits.workspace_mb * MIB else None


def _unless_gone(error: OSError) -> None:
    """A folder may vanish while it is looked at; any other reason not to see into it is reported."""
    if not isinstance(error, FileNotFoundError):
        raise error
