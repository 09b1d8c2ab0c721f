"""Work for workers: some of it kills them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from gammapygpt.errors import UserError

Spec = tuple[Path, str]
"""Where the work leaves its marks, and its name."""


def begun(spec: Spec) -> list[int]:
    """Processes that began this work, in order."""
    return [int(line) for line in (spec[0] / spec[1]).read_text().split()]


def work(spec: Spec) -> str:
    """Answer with the name; what is called `dies-once` or `dies` takes its worker with it."""
    with (spec[0] / spec[1]).open("a") as marks:
        marks.write(f"{os.getpid()}\n")
    if spec[1] == "dies" or (spec[1] == "dies-once" and len(begun(spec)) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if spec[1] == "raises":
        raise UserError("this cannot be done.")
    if spec[1] == "lasts":
        time.sleep(600)
    return spec[1].upper()
