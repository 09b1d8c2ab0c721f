"""Sandboxes that were got ready while a model writes or a program is still importing; each is taken once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gammapygpt.sandbox.base import Sandbox
from gammapygpt.sandbox.choose import open_sandbox
from gammapygpt.settings import Settings

_lock = threading.Lock()
_ready: dict[str, Sandbox] = {}
_instead: dict[str, Sandbox] = {}


def prepare(name: str, settings: Settings, data_path: str) -> None:
    """Start a sandbox for the next script of a run, unless one is waiting already; does not wait until it is ready.

    Raises
    ------
    InfrastructureError
        No sandbox can be had.
    """
    with _lock:
        if name not in _ready and name not in _instead:
            sandbox = open_sandbox(settings, data_path)
            sandbox.prepare()
            _ready[name] = sandbox


def take(name: str, settings: Settings, data_path: str) -> Sandbox:
    """The sandbox that waits for this run, or a new one."""
    with _lock:
        waiting = _instead.get(name) or _ready.pop(name, None)
    return waiting or open_sandbox(settings, data_path)


@contextmanager
def instead(name: str, sandbox: Sandbox) -> Iterator[None]:
    """Every script of a run goes to this one, as long as the block lasts."""
    _instead[name] = sandbox
    try:
        yield
    finally:
        del _instead[name]


def discard(name: str) -> None:
    """Throw away what was got ready for a run and not needed."""
    with _lock:
        waiting = _ready.pop(name, None)
    if waiting is not None:
        waiting.discard()
