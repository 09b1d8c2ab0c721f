"""How a worker is started: what each provider decides, and what they have in common."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gammapygpt.sandbox.base import Limits
from gammapygpt.sandbox.interpreter import SYSTEM_FOLDERS, Interpreter

INSIDE = Path(__file__).parent / "inside"
"""The programs that run inside."""

OURS = Path(__file__).resolve().parent.parent
"""This program; scripts have no business with it, its recipes and tasks."""

NOBODY = 65534
FREE_USERS = range(1_879_048_192, 2_147_352_576)
"""User ids that nobody hands out (systemd's table, "UIDs, GIDs and systemd"), where the kernel knows so many."""

WARM_IMPORTS = (
    "gammapy.data",
    "gammapy.datasets",
    "gammapy.makers",
    "gammapy.modeling.models",
    "gammapy.estimators",
    "matplotlib.pyplot",
    "astropy.coordinates",
    "regions",
)
"""About 4 s of CPU time; any Gammapy subpackage costs nearly all of them."""


@dataclass(frozen=True)
class Order:
    """What a worker is wanted for."""

    interpreter: Interpreter
    data: str
    """Folder of the host; empty for none."""
    limits: Limits
    control: int
    """Descriptor of the worker's end of the control socket."""
    leash: int
    """Descriptor of the keeper's end of a socket whose closing is the end of everything; see `inside/keeper.py`."""


@dataclass
class Launch:
    """One command, ready to be started."""

    argv: list[str]
    setup: dict[str, Any]
    """First message to the worker, see `inside/worker.py`."""
    script: str
    """Path of the script as the script itself sees it."""
    env: dict[str, str] = field(default_factory=dict)
    """Of the first process; a script could read it in /proc/1/environ."""
    descriptors: list[int] = field(default_factory=list)
    """Inherited by the first process besides the control socket; closed by us once it has started."""
    namespace: bool = False
    """The keeper is the first process of a PID namespace, and all die with it; else it kills them one by one."""
    own_users: bool = False
    """RLIMIT_NPROC counts the processes of this sandbox alone."""
    private_disk: bool = False
    """Its writable folders are file systems of their own, limited in size."""
    listener: socket.socket | None = None
    """Where keeper and worker call by path, in place of inherited descriptors; `setup.json` lies beside it."""
    folder: Path | None = None
    """On the host, to be removed afterwards."""


class Provider(Protocol):
    """One kind of isolation."""

    name: str

    def launch(self, order: Order) -> Launch:
        """The command for one worker. Exits with 128 + N when signal N ended the worker."""


def environment(data: str, home: str, interpreter: Interpreter) -> dict[str, str]:
    """All that a script finds in its environment; nothing of ours is passed on.

    One thread each for the numerical libraries: a pool on a node with many cores costs gigabytes of address space.
    """
    variables = {
        "PATH": f"{os.path.dirname(interpreter.executable)}:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{home}/.mpl",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_CONFIG_HOME": f"{home}/.config",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
    }
    if data:
        variables |= {"PHOTON_STORAGE": data, "GAMMAPY_DATA": data}
    if interpreter.python_path:
        variables["PYTHONPATH"] = ":".join(interpreter.python_path)
    return variables


@contextlib.contextmanager
def closing_on_error(descriptors: list[int]) -> Iterator[None]:
    """Close what was opened for a launch that cannot be put together."""
    try:
        yield
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise


def in_memory(content: bytes) -> int:
    """A descriptor from which a program started by us can read `content`."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return os.dup(file.fileno())


def places_of_data(data: str, storage: str) -> list[tuple[str, str]]:
    """The data folder and what the links in it lead to: pairs of the place on the host and the place inside.

    Archives are often made of links to other disks. Only links at the top are followed, to folders and files that a
    link inside still names, and never to one that the user's home lies in.
    """
    if not data:
        return []
    root = os.path.realpath(data)
    home = Path(os.path.expanduser("~"))
    found = [(root, storage)]
    for entry in os.scandir(root):
        target = os.path.realpath(entry.path)
        if not entry.is_symlink() or Path(target).is_relative_to(root) or home.is_relative_to(target):
            continue
        inside = os.path.normpath(os.path.join(storage, os.readlink(entry.path)))
        covered = any(Path(inside).is_relative_to(place) for place in (storage, *SYSTEM_FOLDERS))
        if os.path.exists(target) and not covered:
            found.append((target, inside))
    return found


def on_path(name: str) -> list[str]:
    """Programs of this name on PATH; never one in or below the current folder, where a project could have put it."""
    here = Path.cwd()
    found = []
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if os.path.isabs(folder) and not Path(folder).resolve().is_relative_to(here):
            found.append(shutil.which(name, path=folder))
    return list(dict.fromkeys(program for program in found if program))


def spare_user() -> int:
    """A user id of its own for one sandbox of root, so that RLIMIT_NPROC counts nobody else's processes."""
    mapped = 0
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        inside, _, length = map(int, line.split())
        mapped = max(mapped, inside + length)
    return random.SystemRandom().choice(FREE_USERS) if mapped >= FREE_USERS.stop else NOBODY
