"""What a user takes home: script, numbers, figures, report, notebook."""

from __future__ import annotations

import shutil
from typing import Any

from gammapygpt.runs.folder import RunFolder, write_file
from gammapygpt.state import Attempt, Outcome, RunState


def lay_out(folder: RunFolder, outcome: Outcome, state: RunState) -> None:
    """Fill `final/` from the attempt that stands; a run without one gets its report alone."""
    from gammapygpt.runs.notebook import notebook
    from gammapygpt.runs.report import report

    shutil.rmtree(folder.final, ignore_errors=True)
    folder.final.mkdir(exist_ok=True)
    best = outcome.answer
    if best is not None:
        write_file(folder.final / "script.py", best.script)
        workspace = folder.attempt(best.number) / "workspace"
        for path in sorted(workspace.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.name != "script.py":
                target = folder.final / path.relative_to(workspace)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        write_file(folder.final / "notebook.ipynb", notebook(folder, best, state))
    write_file(folder.final / "report.html", report(folder, outcome, state))


def attempt_line(attempt: Attempt) -> dict[str, Any]:
    """One attempt in the manifest."""
    return {
        "number": attempt.number,
        "author": attempt.author,
        "how": attempt.how,
        "failure": attempt.failure,
        "summary": attempt.declined or attempt.summary,
        "repeat_of": attempt.repeat_of,
        "wall_s": attempt.execution.wall_s if attempt.execution else None,
    }


def report_anew(folder: RunFolder) -> str:
    """The page of a run as its folder has it, finished or not."""
    from gammapygpt.runs.record import record_of
    from gammapygpt.runs.report import report

    return report(folder, *record_of(folder))
