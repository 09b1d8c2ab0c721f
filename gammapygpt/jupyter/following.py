"""A run at work in a process of its own, followed from a cell: Ctrl-C ends it at once, the kernel keeps its loop."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from gammapygpt.detached import LOG, go_on
from gammapygpt.errors import GammapyGPTError, InfrastructureError, UserError
from gammapygpt.runs.folder import RunFolder
from gammapygpt.state import Answer

LOOK_S = 0.1
"""Between two looks at what has happened."""


def followed(folder: RunFolder, answer: Answer | None = None) -> Iterator[dict[str, Any]]:
    """Let a run go on, and tell what happens until it ends or asks; interrupted, it is killed, and can be resumed.

    Raises
    ------
    UserError, InfrastructureError
        What stopped it.
    """
    seen = len(folder.events())
    process = go_on(folder, answer)
    try:
        while True:
            ended = process.poll() is not None
            new = folder.events()[seen:]
            yield from new
            seen += len(new)
            if ended:
                break
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        stop(folder, process)
        raise
    if error := error_of(folder, process.returncode):
        raise error


def stop(folder: RunFolder, process: subprocess.Popen[bytes]) -> None:
    """End a run at once; every step that was completed is kept."""
    process.kill()
    process.wait()
    with suppress(UserError), folder.lock():
        folder.update_manifest(status="interrupted", reason="stopped by the user")


def error_of(folder: RunFolder, returncode: int) -> GammapyGPTError | None:
    """What a process that ended with this code says was wrong; None where a run ended as runs do."""
    if returncode in (0, 1):
        return None
    said = (folder.path / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    line = said[-1].removeprefix("gammapygpt: ") if said and returncode > 0 else "the process of the run was killed."
    return UserError(line) if returncode == UserError.exit_code else InfrastructureError(line)
