"""Looks at a tree of processes through /proc: how many, how much memory, how much CPU time."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
PIDFD_SEND_SIGNAL, PIDFD_OPEN = 424, 434
TICKS = os.sysconf("SC_CLK_TCK")


def handle(pid: int) -> int:
    """A descriptor that stands for one process and is readable when it has ended; OSError if there is none such.

    By number, since a Python built for old systems (conda's) lacks `os.pidfd_open`.
    """
    descriptor = int(_libc().syscall(PIDFD_OPEN, ctypes.c_int(pid), ctypes.c_uint(0)))
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return descriptor


def kill(descriptor: int) -> None:
    """SIGKILL to the process that a handle stands for, whoever has its number by now; nothing if it is dead."""
    _libc().syscall(PIDFD_SEND_SIGNAL, ctypes.c_int(descriptor), ctypes.c_int(signal.SIGKILL), None, ctypes.c_uint(0))


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def tree(pid: int) -> tuple[list[int], int]:
    """A process and all that descend from it, and the number of their threads."""
    pids, waiting, threads = [], [pid], 0
    while waiting:
        current = waiting.pop()
        try:
            tasks = os.listdir(f"/proc/{current}/task")
        except OSError:
            continue
        pids.append(current)
        threads += len(tasks)
        for task in tasks:
            try:
                waiting += map(int, Path(f"/proc/{current}/task/{task}/children").read_text().split())
            except OSError:
                continue
    return pids, threads


def resident_mb(pids: list[int]) -> float:
    """Sum of the resident memory in MiB; pages shared between the processes are counted once for each."""
    pages = 0
    for pid in pids:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return pages * PAGE / 2**20


def proportional_mb(pids: list[int]) -> float:
    """Memory in MiB with shared pages divided among their owners: exact for a forked tree, and dear to ask."""
    kilobytes = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            kilobytes += int(resident_mb([pid]) * 1024)
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def cpu_seconds(pids: list[int]) -> float:
    """CPU time in seconds of these processes and of the children that they have waited for."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def tasks_of_user(uid: int) -> int:
    """Number of threads that a user has on this machine: what RLIMIT_NPROC counts without a user namespace."""
    total = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == uid:
                    total += len(os.listdir(f"/proc/{entry.name}/task"))
            except OSError:
                continue
    return total
