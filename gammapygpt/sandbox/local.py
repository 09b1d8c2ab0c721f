"""No isolation: resource limits and a clean environment only. Never chosen, only asked for by name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from gammapygpt.sandbox.base import Limits
from gammapygpt.sandbox.interpreter import Interpreter
from gammapygpt.sandbox.launch import INSIDE, Launch, environment


class UnsafeLocal:
    """See `Provider`. Scripts can read, write and reach whatever the user can."""

    name = "unsafe-local"

    def launch(self, control: int, interpreter: Interpreter, data: str, limits: Limits) -> Launch:
        folder = Path(tempfile.mkdtemp(prefix="gammapygpt-"))
        workspace, home = folder / "workspace", folder / "home"
        workspace.mkdir()
        home.mkdir()
        storage = os.path.realpath(data) if data else ""
        return Launch(
            argv=[interpreter.executable, "-u", str(INSIDE / "worker.py"), str(control)],
            env=environment(storage, str(home), interpreter),
            setup={
                "uid": None,
                "workspace": str(workspace),
                "writable": [str(workspace), str(home)],
                "data": storage,
            },
            script=str(workspace / "script.py"),
            folder=folder,
        )
