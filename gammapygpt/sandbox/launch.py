"""How a worker is started: what each provider decides, and what they have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gammapygpt.sandbox.base import Limits
from gammapygpt.sandbox.interpreter import Interpreter

INSIDE = Path(__file__).parent / "inside"
"""The programs that run inside."""

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
    own_processes: bool = False
    """It has a PID namespace, which the death of its first process ends."""
    own_users: bool = False
    """RLIMIT_NPROC counts the processes of this sandbox alone."""
    private_disk: bool = False
    """Its writable folders are file systems of their own, limited in size."""
    folder: Path | None = None
    """On the host, to be removed afterwards."""


class Provider(Protocol):
    """One kind of isolation."""

    name: str

    def launch(self, control: int, interpreter: Interpreter, data: str, limits: Limits) -> Launch:
        """The command for one worker that finds its control socket at descriptor `control`."""


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


@contextmanager
def closing_on_error(descriptors: list[int]) -> Iterator[None]:
    """Close what was opened for a launch that cannot be put together."""
    try:
        yield
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise


def in_memory(content: bytes, name: str) -> int:
    """A descriptor from which a program started by us can read `content`."""
    descriptor = os.memfd_create(name)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
