"""Where a backend is and with which key: checked before anything is sent, and never shown whole."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from gammapygpt.errors import UserError
from gammapygpt.llm.base import OnToken
from gammapygpt.settings import BackendSettings

_SHORTEST_SECRET = 8
"""Shorter values are placeholders such as `EMPTY`; taking those out of replies would damage scripts."""


def endpoint(name: str, settings: BackendSettings) -> str:
    """Host and port of a backend, for messages: never a path, a user or a password.

    Raises
    ------
    UserError
        The address cannot be one.
    """
    try:
        parts = urlsplit(settings.base_url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(
            f"Backend {name!r} has no valid base_url.",
            f"Set backends.{name}.base_url to an address such as http://localhost:8000/v1.",
        )
    return f"{parts.hostname}:{port}" if port else parts.hostname


def is_loopback(settings: BackendSettings) -> bool:
    """A server on this machine is never asked through a proxy."""
    host = urlsplit(settings.base_url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def api_key(name: str, settings: BackendSettings) -> str:
    """The key out of the environment; empty where the backend wants none.

    Raises
    ------
    UserError
        The variable is not set, or holds something that no header can carry.
    """
    variable = settings.api_key_env
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UserError(f"Backend {name!r} needs its key in {variable}, which is not set.", f"export {variable}=...")
    if not key.isascii() or not key.isprintable():
        raise UserError(f"{variable} does not hold a key that can be sent.", f"Set {variable} again, without quotes.")
    return key


def redacted(text: str, key: str) -> str:
    """The text without the key, should a server echo it."""
    return text.replace(key, "[key]") if len(key) >= _SHORTEST_SECRET else text


class Screen:
    """Hands on pieces of a stream without the key, also when it comes in two pieces; so the last few characters wait.

    Parameters
    ----------
    on_token : callable or None
        Who gets the pieces.
    key : str
        The secret; empty or short (see `redacted`) for none.
    """

    def __init__(self, on_token: OnToken | None, key: str) -> None:
        self._on_token = on_token
        self._key = key
        self._kept_back = len(key) - 1 if len(key) >= _SHORTEST_SECRET else 0
        self._waiting = ""

    def show(self, piece: str) -> None:
        """The next piece of the stream."""
        self._waiting = redacted(self._waiting + piece, self._key)
        self._hand_on(len(self._waiting) - self._kept_back)

    def end(self) -> None:
        """Nothing more comes."""
        self._hand_on(len(self._waiting))

    def _hand_on(self, n_characters: int) -> None:
        if self._on_token and n_characters > 0:
            self._on_token(self._waiting[:n_characters])
            self._waiting = self._waiting[n_characters:]
