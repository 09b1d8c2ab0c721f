"""Do commands exist that a page shows? Looked up in the command line itself; nothing is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer

from gammapygpt.cli import app

INLINE = re.compile(r"(?<!`)`((?:gammapygpt )?[^`\n]+)`(?!`)")


def commands(source: str, language: str) -> Iterator[str]:
    """What a block makes a shell run of our own program, one command each."""
    prompted = language == "console"
    for line in source.replace("\\\n", " ").splitlines():
        if prompted and not line.startswith("$ "):
            continue
        for part in re.split(r"&&|;|\|", line.removeprefix("$ ")):
            if part.strip().startswith("gammapygpt "):
                yield part.strip()


def named(text: str) -> Iterator[str]:
    """Commands that running text names between backticks."""
    for found in INLINE.findall(text):
        if found.startswith("gammapygpt "):
            yield found


def fault(line: str) -> str:
    """What is wrong with a command; empty when its sub-commands and options exist."""
    words = shlex.split(line, comments=True)[1:]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in command.commands:
            return f"`{line}`: there is no command {name!r}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in words if re.match(r"--?[a-z]", word) and word.split("=")[0] not in {*known, "--help"}]
    return f"`{line}`: there is no option {unknown[0]}" if unknown else ""
