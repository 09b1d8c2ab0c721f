"""A run in a process of its own that outlives whoever started it: the web page, a notebook, a closed terminal."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import IO

from gammapygpt.errors import UserError
from gammapygpt.keys import answer_without_keys
from gammapygpt.runs.folder import RunFolder, write_file
from gammapygpt.runs.history import HELD, at_work
from gammapygpt.settings_loading import load_settings
from gammapygpt.state import Answer

LOG = "process.log"
"""What the process prints, in the run's folder; an error that stops it is there, in one line."""


def go_on(folder: RunFolder, answer: Answer | None = None) -> subprocess.Popen[bytes]:
    """`gammapygpt resume RUN` in a session of its own; how far it is, events and manifest of the run tell.

    Parameters
    ----------
    folder
        A run as `start`, `follow_up` or `fork` lay it out, or one that was left.
    answer
        What the user says to the question that it waits with.

    Returns
    -------
    subprocess.Popen
        The process; nobody needs to wait for it.

    Raises
    ------
    UserError
        A process that was started so is still at work on it.
    """
    if answer is not None:
        answer = answer_without_keys(answer, load_settings(folder.config(), folder.manifest()["overrides"]))
    command = [sys.executable, "-m", "gammapygpt", "resume", str(folder.path), *said(folder, answer)]
    with (folder.path / HELD).open("a+") as held, (folder.path / LOG).open("wb") as log:
        if not lock_soon(held):
            raise UserError(f"run {folder.name} is under way in another process.", "Wait for it, or end it first.")
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[held.fileno()],  # the child holds the lock with it, until it ends
        )
        held.truncate(0)
        held.write(str(process.pid))
    return process


def lock_soon(held: IO[str]) -> bool:
    """Lock the file; whoever only looks whether it is locked has it for an instant."""
    for _ in range(20):
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            time.sleep(0.01)
    return False


def stop(folder: RunFolder) -> None:
    """End the process of a run as Ctrl-C does; the run can be resumed."""
    if at_work(folder):
        with suppress(ProcessLookupError, ValueError):  # it has just ended, or has just begun
            os.kill(int((folder.path / HELD).read_text()), signal.SIGINT)


def last_words(folder: RunFolder) -> str:
    """The error that ended the process of a run, in one line; empty where there was none."""
    path, ours = folder.path / LOG, "gammapygpt: "
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return next((line.removeprefix(ours) for line in reversed(lines) if line.startswith(ours)), "")


def said(folder: RunFolder, answer: Answer | None) -> list[str]:
    """The options of `resume` that give an answer; what was edited is kept in the run's folder."""
    if answer is None:
        return []
    if answer.decision == "accept":
        return ["--accept"]
    if answer.decision == "reject":
        return ["--reject", *([f"--because={answer.reason}"] if answer.reason else [])]
    if answer.plan is not None:
        write_file(folder.path / "edited-plan.json", answer.plan.model_dump_json(indent=1))
        return ["--edit", str(folder.path / "edited-plan.json")]
    write_file(folder.path / "edited-script.py", answer.script)
    return ["--edit", str(folder.path / "edited-script.py")]
