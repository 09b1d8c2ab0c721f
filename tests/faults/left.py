"""What a run that was killed may leave behind: processes, temporary folders, groups of the kernel."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gammapygpt.sandbox import cgroup

if TYPE_CHECKING:
    from faults.course import Course

PR_SET_CHILD_SUBREAPER = 36
DYING_S = 30.0
"""For processes that lost their parent, on a busy machine."""


@contextmanager
def adopted() -> Iterator[None]:
    """Processes that lose their parent become children of this one, so that none can hide."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0)


def children() -> set[int]:
    """Processes whose parent is this one."""
    found: set[int] = set()
    for task in os.listdir("/proc/self/task"):
        with suppress(OSError):
            found |= set(map(int, Path(f"/proc/self/task/{task}/children").read_text().split()))
    return found


def orphans(known: set[int]) -> list[str]:
    """Living children beside the known ones, after they had time to die; the dead are buried."""
    end = time.monotonic() + DYING_S
    while True:
        living = [pid for pid in children() - known if not buried(pid)]
        if not living or time.monotonic() > end:
            return [f"process {pid}: {command(pid)}" for pid in living]
        time.sleep(0.02)


def buried(pid: int) -> bool:
    """Whether a child is dead; its parent has to ask."""
    with suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    return True


def command(pid: int) -> str:
    """Its command line."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")[:300]
    return "gone"


def behind(course: Course) -> list[str]:
    """Temporary files, and groups of processes that are dead."""
    found = [f"temporary: {path.name}" for path in course.temporary.iterdir()]
    for _, parent in cgroup.places():
        groups = (folder for folder in parent.glob(f"{cgroup.PREFIX}*") if of_one(folder, course.processes))
        found += [f"group: {folder.name}" for folder in groups]
    return found


def of_one(group: Path, processes: set[int]) -> bool:
    """Whether a group was made by one of these processes."""
    return int(group.name.removeprefix(cgroup.PREFIX).split("-")[0]) in processes
