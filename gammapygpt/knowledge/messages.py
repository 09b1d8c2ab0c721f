"""Messages that do not say what is wrong: what they really mean, from `messages.toml`."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

from gammapygpt.state import Snippet

TABLE = Path(__file__).with_name("messages.toml")


class Message(NamedTuple):
    """One entry of the table."""

    name: str
    error: str
    """Regular expression for a line of the error."""
    means: str
    do: str
    script: str = ""
    """Regular expression for what the script must contain: the cause, where a message has several."""
    lacks: str = ""
    """Regular expression for what it must not contain."""
    seen: str = ""
    """Where it was seen, if not with the installed Gammapy."""


@functools.cache
def messages() -> tuple[Message, ...]:
    """All entries of the table, in its order."""
    with TABLE.open("rb") as file:
        return tuple(Message(name=name, **entry) for name, entry in tomllib.load(file).items())


def explain(error_text: str, script: str, limit: int = 2) -> list[Snippet]:
    """What an error really means, where its message does not say so; most errors need no explanation.

    Parameters
    ----------
    error_text
        A traceback, its last line, or messages of findings.
    script
        Source of the script that failed: many explanations hold only if it contains their cause.
    limit
        Largest number of explanations.
    """
    lines = error_text.splitlines()
    found = [message for message in messages() if any(holds(message, line, script) for line in lines)]
    return [message_snippet(message) for message in found[:limit]]


def holds(message: Message, line: str, script: str) -> bool:
    """Whether a line is such a message, and the script has what causes it."""
    if not re.search(message.error, line) or (message.lacks and re.search(message.lacks, script)):
        return False
    return not message.script or re.search(message.script, script) is not None


def message_snippet(message: Message) -> Snippet:
    """One explanation as reference material."""
    title = message.name.replace("-", " ")
    return Snippet(source=f"message:{message.name}", title=title, text=f"{message.means}\nDo: {message.do}", score=1.0)
