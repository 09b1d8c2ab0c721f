"""First process of a sandbox: starts the worker, buries orphans, and leaves only when all that came of it is dead.

Usage: keeper.py LEASH COMMAND...   Standard library only, Python 3.9 and newer.

LEASH is the number of a socket or the path of one to connect to. When its other end is closed, by the
supervisor or by the kernel after the supervisor's death, everything is killed. Orphans (daemons) come to this process,
so that none is missed.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from typing import Any

import confine  # type: ignore[import-not-found]

PR_SET_CHILD_SUBREAPER = 36


def take_leash(place: str) -> socket.socket:
    """The socket behind a number or a path."""
    if place.isdigit():
        return socket.socket(fileno=int(place))
    leash = socket.socket(socket.AF_UNIX)
    leash.connect(place)
    leash.sendall(b"leash\n")
    return leash


def descendants() -> list[int]:
    """All that come of this process, orphans included."""
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        pid = waiting.pop()
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as children:
                    waiting += map(int, children.read().split())
        except OSError:
            continue  # gone meanwhile
        found.append(pid)
    return found[1:]


def kill_all() -> None:
    """Kill until there is nothing left to wait for; whoever forks meanwhile is met in the next round."""
    while True:
        for pid in descendants():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def keep(leash: socket.socket, worker: int) -> int:
    """Wait for the worker or the supervisor to end; returns the exit code to leave with."""
    handle = confine.pidfd_open(worker)
    watched: list[Any] = [handle, leash]
    status = None
    while status is None:
        ended, _, _ = select.select(watched, [], [], 0.5)
        if leash in ended:
            return 128 + signal.SIGKILL
        status = reap(worker)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def reap(worker: int) -> int | None:
    """Bury the orphans; returns the status of the worker if it is among the dead."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in (0, worker):
            return status if pid else None


def main() -> None:
    """Start, keep, kill."""
    leash = take_leash(sys.argv[1])
    confine.prctl(PR_SET_CHILD_SUBREAPER, 1)
    worker = os.fork()
    if worker == 0:
        leash.close()
        os.execv(sys.argv[2], sys.argv[2:])
    init = os.getpid() == 1
    if init and os.getuid() == 0:
        # it stays root: bubblewrap, dying, may not signal another user, and this process must die with it
        confine.drop_capabilities()
    # closed to a script of the same user, for which this process would be a way around Landlock
    confine.prctl(confine.PR_SET_DUMPABLE, 0)
    code = keep(leash, worker)
    if not init:  # with a first process, the kernel ends its namespace
        kill_all()
    os._exit(code)


main()
