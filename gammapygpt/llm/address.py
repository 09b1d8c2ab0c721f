"""Where a backend is and with which key: checked before anything is sent, and never shown whole."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import SecretStr

from gammapygpt.errors import UserError
from gammapygpt.keys import forms, read_key, redacted
from gammapygpt.llm.base import OnToken
from gammapygpt.settings import BackendSettings


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


def api_key(name: str, settings: BackendSettings) -> SecretStr:
    """The key of a backend; empty where it wants none.

    Raises
    ------
    UserError
        See `read_key`.
    """
    return read_key(settings.api_key_env, settings.api_key_file, f"Backend {name!r}")


def key_remedy(name: str, settings: BackendSettings) -> str:
    """What to do where the server refuses the key."""
    named = settings.api_key_env or settings.api_key_file
    return f"Check the key in {named}." if named else f"Set backends.{name}.api_key_env."


class Screen:
    """Hands on pieces of a stream without the key, also when it comes in two pieces; so the last few characters wait.

    Parameters
    ----------
    on_token : callable or None
        Who gets the pieces.
    key : SecretStr
        Empty, or too short to be one, for none.
    """

    def __init__(self, on_token: OnToken | None, key: SecretStr) -> None:
        self._on_token = on_token
        self._key = key
        self._kept_back = max((len(form) - 1 for form in forms(key)), default=0)
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
