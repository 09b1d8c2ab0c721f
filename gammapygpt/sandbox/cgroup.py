"""Memory and process limits that the kernel keeps for a whole tree, where this machine lets us set them."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20
PREFIX = "gammapygpt-"
_numbers = itertools.count()
_made: set[Path] = set()
"""Groups of this process that are not removed yet."""


def _own(text: str) -> dict[str, str]:
    """Controller (empty for version 2) and path, out of /proc/self/cgroup."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        paths |= dict.fromkeys(controllers.split(","), path)
    return paths


def _mounts(text: str) -> dict[str, Path]:
    """Controller (empty for version 2) and mount point, out of /proc/self/mounts."""
    found: dict[str, Path] = {}
    for line in text.splitlines():
        _, point, kind, options = line.split()[:4]
        if kind == "cgroup2":
            found[""] = Path(point)
        elif kind == "cgroup":
            found |= dict.fromkeys(options.split(","), Path(point))
    return found


def places() -> Iterator[tuple[str, Path]]:
    """Folders in which a group of our own may be made: version 2 where memory is delegated, else version 1.

    In version 2 a group that holds processes cannot hand controllers on, so ours is made beside the one we are in.
    """
    own = _own(Path("/proc/self/cgroup").read_text())
    mounts = _mounts(Path("/proc/self/mounts").read_text())
    if "" in own and "" in mounts:
        parent = (mounts[""] / own[""].lstrip("/")).parent
        with contextlib.suppress(OSError):
            if "memory" in (parent / "cgroup.subtree_control").read_text().split() and os.access(parent, os.W_OK):
                yield "v2", parent
                return
    for controller in ("memory", "pids"):
        if controller in own and controller in mounts:
            folder = mounts[controller] / own[controller].lstrip("/")
            if os.access(folder, os.W_OK):
                yield controller, folder


class Cgroup:
    """A group for the processes of one script; harmless where none can be made.

    Parameters
    ----------
    memory_mb : int
        Bound on all memory, in MiB, file systems in memory included.
    tasks : int
        Bound on processes and threads together.
    """

    def __init__(self, memory_mb: int, tasks: int) -> None:
        self.folders: dict[str, Path] = {}
        for kind, parent in places():
            folder = parent / f"{PREFIX}{os.getpid()}-{next(_numbers)}"
            with contextlib.suppress(OSError):
                _sweep(parent)
                folder.mkdir()
                _made.add(folder)
                self.folders[kind] = folder
                self._limit(kind, folder, memory_mb * MIB, tasks)

    def _limit(self, kind: str, folder: Path, memory: int, tasks: int) -> None:
        values = {
            "v2": {"memory.max": memory, "memory.swap.max": 0, "memory.oom.group": 1, "pids.max": tasks},
            "memory": {"memory.limit_in_bytes": memory},
            "pids": {"pids.max": tasks},
        }[kind]
        for name, value in values.items():
            with contextlib.suppress(OSError):  # without swap accounting, or without the pids controller
                (folder / name).write_text(str(value))

    def add(self, pids: list[int]) -> None:
        """Move processes in; what they start is born inside."""
        for folder in self.folders.values():
            for pid in pids:
                with contextlib.suppress(OSError):
                    (folder / "cgroup.procs").write_text(str(pid))

    def killed_for_memory(self) -> bool:
        """The kernel has killed a process of this group for want of memory; the script may not have noticed."""
        for name, file in (("v2", "memory.events"), ("memory", "memory.oom_control")):
            if name in self.folders:
                with contextlib.suppress(OSError):
                    lines = (self.folders[name] / file).read_text().splitlines()
                    return any(line.startswith("oom_kill ") and int(line.split()[1]) > 0 for line in lines)
        return False

    def close(self) -> None:
        """Remove the group; its processes are dead, and the kernel may take a moment to notice."""
        for folder in self.folders.values():
            _remove(folder)
        self.folders = {}


def close_all() -> None:
    """Remove all groups of this process, which is about to leave; their processes are dead."""
    for folder in list(_made):
        _remove(folder)


def _remove(folder: Path) -> None:
    for _ in range(100):
        try:
            folder.rmdir()
        except FileNotFoundError:
            break
        except OSError:
            time.sleep(0.01)
        else:
            break
    _made.discard(folder)


def _sweep(parent: Path) -> None:
    """Groups of agents that were killed before they could remove them."""
    for folder in parent.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).split("-")[0]
        if not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                folder.rmdir()
