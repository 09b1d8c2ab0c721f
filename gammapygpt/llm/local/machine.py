"""What this machine has for a model: cores and memory, within the limits of a container."""

from __future__ import annotations

import os
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
CGROUP = Path("/sys/fs/cgroup")


def physical_cores() -> int:
    """Cores that this process may use: two threads of one core count once, and no more than a container's share."""
    cores = {_read(CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list") or str(cpu) for cpu in _allowed()}
    quota, _, period = _read(CGROUP / "cpu.max").partition(" ")
    share = int(quota) // int(period) if quota.isdigit() and period.isdigit() else len(cores)
    return max(min(len(cores), share), 1)


def free_memory() -> int:
    """Memory that can be had without swapping, in bytes."""
    lines = [line.split() for line in _read(Path("/proc/meminfo")).splitlines()]
    free = next((int(words[1]) * 1024 for words in lines if words[0] == "MemAvailable:"), 0)
    limit, used = _read(CGROUP / "memory.max"), _read(CGROUP / "memory.current")
    return min(free, int(limit) - int(used)) if limit.isdigit() and used.isdigit() else free


def resident_memory(pid: int) -> int:
    """Memory that a process holds, mapped files included, in bytes; 0 if there is no such process."""
    lines = [line.split() for line in _read(Path(f"/proc/{pid}/status")).splitlines()]
    return next((int(words[1]) * 1024 for words in lines if words and words[0] == "VmRSS:"), 0)


def _allowed() -> set[int]:
    return os.sched_getaffinity(0)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
