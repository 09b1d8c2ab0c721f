"""Signals handled for the time of a block; only the main thread can, and elsewhere nothing changes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import NoReturn

from gammapygpt.errors import Terminated

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that ask a program to end: Ctrl-C, a batch system or `kill`, a terminal that was closed."""


@contextmanager
def handled(handlers: Mapping[signal.Signals, signal._HANDLER]) -> Iterator[None]:
    """Other handlers, as long as the block lasts and leaves them; SIGHUP stays ignored where `nohup` wants it so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = {one: how for one, how in handlers.items() if one != signal.SIGHUP or not ignored(one)}
    before = {one: signal.signal(one, how) for one, how in heard.items()}
    try:
        yield
    finally:
        for one, how in before.items():
            if signal.getsignal(one) == heard[one]:  # else the block has seen to it
                signal.signal(one, how)


def ignored(number: signal.Signals) -> bool:
    """Whether a signal changes nothing here."""
    return signal.getsignal(number) == signal.SIG_IGN


def as_ctrl_c() -> AbstractContextManager[None]:
    """SIGTERM and SIGHUP raise a KeyboardInterrupt; only the exit code tells which it was."""

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        raise Terminated(number)

    return handled(dict.fromkeys((signal.SIGTERM, signal.SIGHUP), interrupt))


def undisturbed() -> AbstractContextManager[None]:
    """No signal changes anything: for an end that is under way, and short."""
    return handled(dict.fromkeys(ENDING, signal.SIG_IGN))
