"""No isolation: resource limits and a clean environment only. Never chosen, only asked for by name."""

from __future__ import annotations

import os
from typing import Any

from gammapygpt import temporary
from gammapygpt.sandbox.interpreter import font_lists
from gammapygpt.sandbox.launch import INSIDE, Launch, Order, environment


def kept(order: Order, uid: int | None, setup: dict[str, Any]) -> Launch:
    """A worker on the bare host: in a folder of its own, under a keeper, with a clean environment."""
    folder = temporary.make()
    workspace, home = folder / "workspace", folder / "home"
    for place in (workspace, home):
        place.mkdir(mode=0o700)
        if uid is not None:
            os.chown(place, uid, uid)
            folder.chmod(0o711)
    storage = os.path.realpath(order.data) if order.data else ""
    python = order.interpreter.executable
    return Launch(
        argv=[
            *[python, "-E", "-S", str(INSIDE / "keeper.py"), str(order.leash)],
            *[python, "-u", str(INSIDE / "worker.py"), str(order.control)],
        ],
        env=environment(storage, str(home), order.interpreter),
        setup={
            "uid": uid,
            "keeper": True,
            "workspace": str(workspace),
            "writable": [str(workspace), str(home)],
            "data": storage,
            "fonts": [str(file) for file in font_lists()],
            **setup,
        },
        script=str(workspace / "script.py"),
        folder=folder,
    )


class UnsafeLocal:
    """See `Provider`. Scripts can read, write and reach whatever the user can."""

    name = "unsafe-local"

    def launch(self, order: Order) -> Launch:
        return kept(order, None, {})
