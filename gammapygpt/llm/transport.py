"""The HTTP client of a backend: goes where the settings say and nowhere else, and reads no reply for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gammapygpt.llm.address import is_loopback
from gammapygpt.llm.limits import Patience
from gammapygpt.settings import BackendSettings

if TYPE_CHECKING:
    import httpx
    from openai import Timeout

CONNECT_S = 10.0
"""Patience for the connection alone, in s; `timeout_s` is for a server that is thinking."""
FRAME = 1000
"""Bytes that a server may put around each token."""
SLACK = 1_000_000
"""Bytes beyond, for comments that keep a connection open."""
ERROR = 64_000
"""Read of what a server says about an error, in bytes."""


class Tally(threading.local):
    """What the client of this thread sent and got, as its hooks see it."""

    sent = 0
    content_type = ""
    """Of the last reply; empty as long as there is none."""
    most_bytes = SLACK
    """That may be read of a reply."""

    def __init__(self) -> None:
        self.patience = Patience()
        """Of the question that is being asked."""
        self.silent_s = 0.0
        """How long it has been waited for since the server last said something."""

    def begin(self, tokens: int) -> None:
        """A request for a reply of so many tokens is about to be sent."""
        self.content_type, self.most_bytes = "", FRAME * tokens + SLACK

    def alive(self) -> None:
        """The server said something."""
        self.silent_s = 0.0

    def count(self, request: Any) -> None:
        """One more is on its way."""
        self.sent += 1
        self.alive()


class TooMuch(Exception):
    """A reply of more bytes than it may have."""


def new_client(settings: BackendSettings, tally: Tally, turn: Callable[[Any], None]) -> httpx.Client:
    """A client for one backend.

    Parameters
    ----------
    settings : BackendSettings
        Of the backend.
    tally : Tally
        Kept by the client.
    turn : callable
        Called before each request; returns when it may be sent.
    """
    import httpx
    import openai

    def note(response: httpx.Response) -> None:
        tally.content_type = response.headers.get("content-type", "")
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _watched(response.stream, response.status_code >= 300, tally, settings.timeout_s)

    return openai.DefaultHttpxClient(
        timeout=timeouts(settings),
        trust_env=not is_loopback(settings),
        follow_redirects=False,  # the request would go to somebody whom no setting names
        event_hooks={"request": [turn, tally.count], "response": [note]},
    )


def timeouts(settings: BackendSettings) -> Timeout:
    """How long a server may say nothing."""
    import openai

    return openai.Timeout(settings.timeout_s, connect=min(CONNECT_S, settings.timeout_s))


def _watched(stream: httpx.SyncByteStream, failed: bool, tally: Tally, silence_s: float) -> httpx.SyncByteStream:
    """The bytes of a reply, while the server says something in them, and as long as they are not too many.

    What it says about an error ends there; anything else raises.
    """
    import httpx

    most = ERROR if failed else tally.most_bytes

    class Watched(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            read, began = 0, time.monotonic()
            for piece in stream:
                tally.silent_s += time.monotonic() - began
                read += len(piece)
                if read <= most:
                    yield piece  # and if it says anything, this is noted before the next one is waited for
                if failed and (read > most or tally.silent_s > silence_s):
                    return
                if read > most:
                    raise TooMuch
                if tally.silent_s > silence_s:
                    raise httpx.ReadTimeout("nothing but bytes that keep the connection open")
                began = time.monotonic()

        def close(self) -> None:
            stream.close()

    return Watched()
