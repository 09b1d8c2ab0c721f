"""A run as a notebook shows it: numbers with units and errors, choices, what to look at; and its parts for more."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from gammapygpt.commands.tables import aligned, results_rows, units
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.results import one_line

DATA = ("GAMMAPY_DATA", "PHOTON_STORAGE")
"""Variables by which scripts find the data folder."""
TEMPLATE = Path(__file__).with_name("result.html.j2")


class RunResult:
    """How a run ended.

    Attributes
    ----------
    folder : Path
        Of the run.
    status, reason : str
        `passed`, or what else became of it, and why.
    result : dict
        The numbers, all digits; `KEY_err` is the error of `KEY`.
    units : dict
        Unit by key.
    script : str
        That passed, or nothing.
    figures : list of Path
        PNG files.
    choices, warnings : list of dict
        What was chosen, as it was seen in the run, and what the gates found.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self.folder = run.path

    def __repr__(self) -> str:
        head = f"{self.folder.name}: {self.status}" + (f" ({one_line(self.reason)})" if self.reason else "")
        return "\n".join(filter(None, [head, aligned(*results_rows(self.result, self.units)) if self.result else ""]))

    def _repr_html_(self) -> str:
        return as_html(self._run)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """All that is kept of the run."""
        return self._run.manifest()

    @property
    def status(self) -> str:
        return str(self.manifest.get("status", "unknown"))

    @property
    def reason(self) -> str:
        return str(self.manifest.get("reason", ""))

    @property
    def result(self) -> dict[str, Any]:
        return dict(self.manifest.get("result", {}))

    @property
    def units(self) -> dict[str, str]:
        return units(self.manifest)

    @property
    def choices(self) -> list[dict[str, Any]]:
        return list(self.manifest.get("choices", []))

    @property
    def warnings(self) -> list[dict[str, Any]]:
        return list(self.manifest.get("warnings", []))

    @property
    def script(self) -> str:
        path = self._run.final / "script.py"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @property
    def figures(self) -> list[Path]:
        return [path for path in sorted(self._run.final.rglob("*.png")) if path.is_file() and not path.is_symlink()]

    @property
    def report(self) -> Path:
        """The page with all of it."""
        return self._run.final / "report.html"

    @property
    def cell(self) -> str:
        """The script for the next cell, with the data folder where this notebook knows of none."""
        said = f"# Run {self.folder.name}: {one_line(self.manifest.get('request', {}).get('text', ''), 90)}\n"
        path = self.manifest.get("data", {}).get("path", "")
        names = [name for name in DATA if name in self.script and os.environ.get(name) != path]
        here = "import os\n\n" + "".join(f"os.environ[{name!r}] = {path!r}\n" for name in names) if names else ""
        return said + here + self.script


def as_html(run: RunFolder) -> str:
    """Numbers, what to look at and choices of a run, for the output of a cell; every text is escaped."""
    from gammapygpt.runs.record import record_of
    from gammapygpt.runs.remarks import remarks
    from gammapygpt.runs.report import WORDS, seen_choices
    from gammapygpt.runs.results import columns, lines, specs, units_of
    from gammapygpt.runs.typeset import pages

    outcome, state = record_of(run)
    known = units_of(outcome.result, specs(run.manifest(), state))
    look, _ = remarks(outcome.answer, state.get("critique"))
    plan = state.get("plan")
    assumed = plan.assumptions if plan and outcome.answer else []
    page = {
        "run": run.name,
        "status": WORDS.get(outcome.status, outcome.status),
        "passed": outcome.status == "passed",
        "reason": outcome.reason,
        "lines": lines(outcome.result, known),
        "lists": columns(outcome.result, known),
        "look": look,
        "choices": seen_choices(outcome.answer),
        "assumptions": [
            text for text in assumed if not text.endswith("(default)")
        ],  # the rows before say what was done
    }
    return pages().from_string(TEMPLATE.read_text(encoding="utf-8")).render(page)
