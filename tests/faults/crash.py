"""The program with a mistake in it, and with tracebacks that show the local variables of every function.

python crash.py MODULE:FUNCTION [gammapygpt's arguments]
"""

from __future__ import annotations

import sys
from importlib import import_module

from rich.console import Console

from gammapygpt.cli import main


def mistake(*_: object, **__: object) -> None:
    raise ZeroDivisionError("a mistake of ours")


if __name__ == "__main__":
    module, function = sys.argv.pop(1).split(":")
    *way, name = function.split(".")
    owner = import_module(module)
    for part in way:
        owner = getattr(owner, part)
    setattr(owner, name, mistake)
    try:
        main()
    except ZeroDivisionError:  # typer puts a hook of its own for what is not caught
        Console(width=400).print_exception(show_locals=True, max_frames=0)
