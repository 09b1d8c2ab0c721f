"""Isolation without namespaces: Landlock for files, seccomp for the rest, a user id of its own where root starts it.

Weaker than bubblewrap: scripts see which files exist on the host, and /dev/shm (multiprocessing) is shut. It needs
Linux 6.2 (Landlock 3); before 6.12 (Landlock 6) scripts cannot even signal their own children.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from gammapygpt.errors import InfrastructureError
from gammapygpt.sandbox.interpreter import SYSTEM_FOLDERS
from gammapygpt.sandbox.launch import OURS, Launch, Order, places_of_data, spare_user
from gammapygpt.sandbox.local import kept
from gammapygpt.sandbox.seccomp import seccomp_filter

NEEDED, SCOPES = 3, 6
"""Landlock versions: truncation is looked at; signals are."""

READABLE = (
    *("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/dev/urandom", "/dev/random", "/dev/zero"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/self", "/proc/sys/vm/overcommit_memory"),
)
DEVICES = ("/dev/null", "/dev/full")


def abi() -> int:
    """Version of Landlock in this kernel; 0 without it."""
    create_ruleset, version = 444, 1
    return max(0, int(ctypes.CDLL(None).syscall(create_ruleset, None, ctypes.c_size_t(0), ctypes.c_uint32(version))))


def without(folder: str, hole: Path) -> list[str]:
    """A folder as a list of what is in it, but for one folder in it: Landlock can allow, not except."""
    if not hole.is_relative_to(folder):
        return [folder]
    shown = []
    for entry in os.scandir(folder):
        if hole.is_relative_to(entry.path):
            shown += [] if Path(entry.path) == hole else without(entry.path, hole)
        else:
            shown.append(entry.path)
    return shown


class Landlock:
    """See `Provider`."""

    name = "landlock"

    def launch(self, order: Order) -> Launch:
        version = abi()
        if version < NEEDED:
            raise InfrastructureError(f"This kernel has no Landlock of version {NEEDED} (Linux 6.2), but {version}.")
        uid = spare_user() if os.geteuid() == 0 else None
        program = seccomp_filter(unix_sockets=False, modes=uid is not None, signals=version >= SCOPES)
        launch = kept(order, uid, {"seccomp": program.hex(), "modes_fixed": uid is None})
        folders = [place for folder in order.interpreter.folders for place in without(folder, OURS)]
        data = [place for place, _ in places_of_data(order.data, launch.setup["data"])]
        launch.setup["landlock"] = {
            "read": [*SYSTEM_FOLDERS, *folders, *data, *READABLE, *launch.setup["fonts"]],
            "write": launch.setup["writable"],
            "devices": list(DEVICES),
        }
        return launch
