"""Ports of this machine for servers under test."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port on 127.0.0.1 where nobody listens now."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])
