"""Isolation without namespaces: Landlock for files, seccomp for the rest, a user id of its own where root starts it.

Weaker than bubblewrap: scripts see which files exist on the host, and /dev/shm (multiprocessing) is shut. It needs
Linux 6.2 (Landlock 3); before 6.12 (Landlock 6) scripts cannot even signal their own children.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

from gammapygpt.errors import InfrastructureError
from gammapygpt.sandbox.hidden import secrets
from gammapygpt.sandbox.interpreter import SYSTEM_FOLDERS
from gammapygpt.sandbox.launch import Launch, Order, places_of_data, spare_user
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


def without(folder: str, holes: Sequence[Path]) -> tuple[list[str], list[str]]:
    """A folder but for some in it, since Landlock can allow and not except: what may be read, what may be listed.

    Only names can be seen of what lies below a folder that may be listed. Links are left out, for a rule would be
    about what they lead to.
    """
    place = Path(os.path.realpath(folder))
    if any(place.is_relative_to(hole) for hole in holes):
        return [], []
    if not any(hole.is_relative_to(place) for hole in holes):
        return [folder], []
    read: list[str] = []
    listed = [folder]
    for entry in os.scandir(folder):
        if not entry.is_symlink():
            more, deeper = without(entry.path, holes)
            read, listed = [*read, *more], [*listed, *deeper]
    return read, listed


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
        holes = secrets(order.interpreter, order.data)
        data = [place for place, _ in places_of_data(order.data, launch.setup["data"])]
        shown = [without(folder, holes) for folder in (*SYSTEM_FOLDERS, *order.interpreter.folders, *data)]
        launch.setup["landlock"] = {
            "read": [*(place for read, _ in shown for place in read), *READABLE, *launch.setup["fonts"]],
            "listed": [place for _, listed in shown for place in listed],
            "write": launch.setup["writable"],
            "devices": list(DEVICES),
        }
        return launch
