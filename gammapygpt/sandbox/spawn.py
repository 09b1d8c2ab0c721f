"""Starts processes from one thread that lives as long as this program.

A sandbox dies with its parent by PR_SET_PDEATHSIG, and for the kernel the parent is the *thread* that started it.
Agents run in threads that come and go, so none of them may be that parent.
"""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

Order = tuple[Future[subprocess.Popen[bytes]], list[str], dict[str, Any]]

_lock = Lock()
_orders: SimpleQueue[Order] | None = None


def _serve(orders: SimpleQueue[Order]) -> None:
    while True:
        future, argv, options = orders.get()
        try:
            process: Any = subprocess.Popen(argv, **options)
            future.set_result(process)
        except BaseException as error:
            future.set_exception(error)


def spawn(argv: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """`subprocess.Popen` from the long-lived thread; same arguments, same errors."""
    global _orders
    with _lock:
        if _orders is None:
            _orders = SimpleQueue()
            Thread(target=_serve, args=(_orders,), name="sandbox-spawner", daemon=True).start()
    future: Future[subprocess.Popen[bytes]] = Future()
    _orders.put((future, argv, options))
    return future.result()


def _forget_thread() -> None:
    """A forked child has the queue of its parent, but not the thread that serves it."""
    global _orders, _lock
    _orders, _lock = None, Lock()


os.register_at_fork(after_in_child=_forget_thread)
