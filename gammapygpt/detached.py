"""A run in a process of its own that outlives whoever started it: the web page, a notebook, a closed terminal."""

from __future__ import annotations

import subprocess
import sys

from gammapygpt.runs.folder import RunFolder, write_file
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
    """
    command = [sys.executable, "-m", "gammapygpt", "resume", str(folder.path), *said(folder, answer)]
    with (folder.path / LOG).open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def said(folder: RunFolder, answer: Answer | None) -> list[str]:
    """The options of `resume` that give an answer; what was edited is kept in the run's folder."""
    if answer is None:
        return []
    if answer.decision == "accept":
        return ["--accept"]
    if answer.decision == "reject":
        return ["--reject", *(["--because", answer.reason] if answer.reason else [])]
    if answer.plan is not None:
        write_file(folder.path / "edited-plan.json", answer.plan.model_dump_json(indent=1))
        return ["--edit", str(folder.path / "edited-plan.json")]
    write_file(folder.path / "edited-script.py", answer.script)
    return ["--edit", str(folder.path / "edited-script.py")]
