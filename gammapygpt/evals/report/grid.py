"""Every cell of a campaign at a glance, with the way to its run; and the cells where the infrastructure failed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from gammapygpt.evals.evidence import Evidence
from gammapygpt.evals.record import Record
from gammapygpt.evals.report.figures import ENDINGS
from gammapygpt.evals.report.numbers import NOTHING, without_places
from gammapygpt.evals.report.page import Entry, Mark, Section
from gammapygpt.evals.report.page import Table as Rows
from gammapygpt.evals.statistics.cells import by_configuration
from gammapygpt.runs.results import counted, one_line

SIGNS = {"right": "✓", "wrong": "✗", "failed": "○", "refused": NOTHING, "budget": "□", "infrastructure": "!"}
REPORT = Path("final") / "report.html"
MISSING = 6
"""Missing cells of a configuration that are named."""


def grid(records: Sequence[Record], evidence: Evidence, out: Path) -> Section:
    """A row for each task, a column for each configuration, the epochs side by side."""
    arms = list(by_configuration(records))
    first = {record.task: record for record in records}
    tasks = sorted(first, key=lambda task: (first[task].family == "other", first[task].family, task))
    found: dict[tuple[str, str], list[Mark]] = {}
    for record in sorted(records, key=lambda one: one.epoch):
        found.setdefault((record.task, record.configuration), []).append(mark(record, evidence, out))
    rows: list[list[Entry]] = [
        [task, about(first[task]), *(found.get((task, arm), "") for arm in arms)] for task in tasks
    ]
    return Section(
        "Every task",
        [", ".join(f"{SIGNS[ending]} {label}" for ending, label in ENDINGS.items()) + "; one sign for each epoch."],
        [Rows(["task", "family", *arms], rows, frozenset(range(len(arms) + 2)))],
    )


def about(record: Record) -> str:
    """Family and difficulty of a task, and whether its failures are silent."""
    return ", ".join(filter(None, (record.family, record.difficulty, "silent" if record.silent else "")))


def mark(record: Record, evidence: Evidence, out: Path) -> Mark:
    """One cell, with a link to its run where that is there."""
    told = [f"{record.configuration}, epoch {record.epoch}: {ENDINGS[record.verdict]}"]
    if record.passed_at:
        told.append(f"at attempt {record.passed_at}")
    if record.wrong_keys:
        told.append(f"wrong: {', '.join(record.wrong_keys)}")
    told.append(f"{counted(len(record.attempts), 'attempt')}, {record.seconds / 60:.1f} min")
    return Mark(SIGNS[record.verdict], record.verdict, one_line("; ".join(told)), link(record, evidence, out))


def link(record: Record, evidence: Evidence, out: Path) -> str:
    """Relative address of the run's report, or of its folder; empty where there is none."""
    run = evidence.folder / record.run
    if not record.run or Path(record.run).is_absolute() or not run.is_dir():
        return ""
    target = run / REPORT if (run / REPORT).is_file() else run
    return quote(os.path.relpath(target.resolve(), out.resolve()))


def infrastructure(records: Sequence[Record]) -> Section | None:
    """The cells that are in no rate, each with its reason."""
    if not records:
        return None
    rows = [
        [one.cell, str(one.failed_before + 1), one_line(without_places(one.reason).strip().splitlines()[-1], 300)]
        if one.reason.strip()
        else [one.cell, str(one.failed_before + 1), "no reason on record"]
        for one in records
    ]
    return Section(
        "Infrastructure failures",
        [f"{counted(len(records), 'cell')} in no rate of this report; the same command runs them again."],
        [Rows(["cell", "times", "what broke"], rows, frozenset({0, 2}))],
    )


def missing(evidence: Evidence) -> Section | None:
    """The planned cells without a record."""
    gone = evidence.missing
    if not gone:
        return None
    arms: dict[str, list[str]] = {}
    for cell in gone:
        task, _, arm_and_epoch = cell.partition("--")
        arm, _, epoch = arm_and_epoch.rpartition("--")
        arms.setdefault(arm, []).append(f"{task} ({epoch})")
    rows = [[arm, str(len(cells)), named(cells)] for arm, cells in arms.items()]
    said = f"{counted(len(gone), 'planned cell')} without a record, by configuration; in brackets the epoch."
    return Section("Cells still missing", [said], [Rows(["configuration", "cells", "tasks"], rows, frozenset({0, 2}))])


def named(cells: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    rest = f" and {len(cells) - MISSING} more" if len(cells) > MISSING else ""
    return ", ".join(cells[:MISSING]) + rest
