"""The drafts of a run: each script, what changed against the one before, what the gates found, what it printed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import streamlit as st
from markupsafe import Markup

from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.record import attempts_of
from gammapygpt.runs.remarks import findings
from gammapygpt.runs.results import clean
from gammapygpt.state import Attempt, Finding
from gammapygpt.web.words import duration, html, joined, plain

LONGEST = 60_000
"""Characters of a log that are shown."""


def attempts(folder: RunFolder, manifest: dict[str, Any]) -> None:
    """Each attempt with its outcome, its findings, and its difference from the one before."""
    known = attempts_of(folder, manifest, folder.events())
    if not known:
        st.caption("No script has been written yet.")
    for before, one in zip([None, *known], known, strict=False):
        stands = manifest.get("best") == one.number
        heading(one, stands=stands)
        found(findings(one))
        if before and before.script and one.script:
            with st.expander(f"What changed since attempt {before.number}", expanded=before.script != one.script):
                st.html(difference(before.script, one.script))
        if one.script and not stands:
            with st.expander(f"Script of attempt {one.number}"):
                st.code(clean(one.script), language="python", line_numbers=True)


def heading(one: Attempt, *, stands: bool) -> None:
    """Number, outcome, and how it came about."""
    over = one.execution or one.failure or one.findings
    tone = "g-good" if stands else "g-bad" if one.failure else "g-calm"
    word = one.failure or ("stands" if stands else "not kept" if one.declined else "passed" if over else "under way")
    told = [one.how, duration(one.execution.wall_s) if one.execution else "", one.declined or one.summary]
    st.html(
        html(
            "<b>Attempt {number}</b> <span class='g-badge {tone}'>{word}</span> <span class='g-note'>{told}</span>",
            number=one.number,
            tone=tone,
            word=word,
            told=" · ".join(filter(None, told)),
        )
    )


def found(known: Sequence[Finding]) -> None:
    """What the gates found, with line and remedy."""
    tones = {"error": "g-bad", "warning": "g-mind"}
    for one in known:
        st.html(
            html(
                "<div class='g-look {tone}'>{line}{message}<small>{remedy}</small></div>",
                tone=tones.get(one.severity, "g-calm"),
                line=f"Line {one.line}: " if one.line else "",
                message=one.message,
                remedy=one.remedy,
            )
        )


def difference(before: str, after: str) -> Markup:
    """Two scripts, line by line, as a reader of patches is used to."""
    tones = {"+": "g-new", "-": "g-old", "@": "g-at"}
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
    if not lines:
        return Markup("<p class='g-note'>Nothing: it is the same script.</p>")
    spans = [
        html("<span class='{tone}'>{line}</span>", tone=tones.get(line[0], ""), line=line or " ") for line in lines
    ]
    return html("<div class='g-diff'>{lines}</div>", lines=joined(spans))


def logs(folder: RunFolder, manifest: dict[str, Any]) -> None:
    """What the scripts printed, and the exception that ended one; the latest first."""
    ran = [one for one in attempts_of(folder, manifest, folder.events()) if one.execution]
    if not ran:
        st.caption("No script has been run yet.")
    for one in reversed(ran):
        log(one)


def log(one: Attempt) -> None:
    """The log of one execution, if there was one."""
    run = one.execution
    if run is None:
        return
    spent = [duration(run.wall_s), f"{run.peak_mb:.0f} MB" if run.peak_mb else ""]
    ended = f"stopped: {run.stopped_by}" if run.stopped_by else f"exit code {run.exit_code}"
    st.markdown(f"**Attempt {one.number}**")
    st.caption(plain(", ".join(filter(None, [f"in {run.provider}", *spent, ended]))))
    if run.exception and run.exception.rpartition(".")[2] not in run.stderr:
        st.code(clean(run.traceback or f"{run.exception}: {run.message}"), language=None)
    for name, text in (("Output", run.stdout), ("Errors and warnings", run.stderr)):
        if text.strip():
            st.caption(name)
            st.code(clean(text[-LONGEST:]), language=None, height=min(420, 60 + 22 * text.count("\n")))
    if not (run.stdout.strip() or run.stderr.strip() or run.exception):
        st.caption("It printed nothing.")
