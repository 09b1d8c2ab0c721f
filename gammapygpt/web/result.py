"""What came out: figures beside numbers with errors and units, what to look at, the analysis choices."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import streamlit as st
from markupsafe import Markup

from gammapygpt.commands.tables import units
from gammapygpt.runs.figures import embedded
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.record import record_of
from gammapygpt.runs.remarks import remarks
from gammapygpt.runs.results import Line
from gammapygpt.runs.results import lines as number_lines
from gammapygpt.web.words import html, joined, plain

LONG = 24
"""Characters of a value that leave a narrow column."""


def result(folder: RunFolder, manifest: Mapping[str, Any]) -> None:
    """Figures at the left, numbers at the right; below them what to look at."""
    found = [(one.name, b64decode(one.base64)) for one in embedded(folder.final) if one.base64]
    if found:
        drawn, told = st.columns([1.15, 1], gap="large")
        with drawn:
            show_figures(found)
    else:
        told = st.container()
    with told:
        numbers(manifest)
        look_at(folder)


def show_figures(found: list[tuple[str, bytes]]) -> None:
    """The figures, one at a time where there are several."""
    if len(found) == 1:
        ((name, image),) = found
        st.image(image, width="stretch", alt=name)
        st.caption(plain(name))
        return
    for tab, (name, image) in zip(st.tabs([plain(name) for name, _ in found]), found, strict=True):
        tab.image(image, width="stretch", alt=name)


def numbers(manifest: Mapping[str, Any]) -> None:
    """The result as a table."""
    rows = [row(line) for line in number_lines(manifest.get("result", {}), units(manifest))]
    if rows:
        head = "<tr><th>result</th><th>value</th><th>error</th><th>unit</th></tr>"
        st.html(html(f"<table class='g-table g-numbers'>{head}{{rows}}</table>", rows=joined(rows)))


def row(line: Line) -> Markup:
    """One number; what is too long for a column takes the space of those that follow."""
    if len(line.value) > LONG:
        return html(
            "<tr><td>{key}</td><td class='g-wide' colspan='2'>{value}{error}</td><td class='g-unit'>{unit}</td></tr>",
            key=breakable(line.key),
            value=line.value,
            error=f" ± {line.error}" if line.error else "",
            unit=line.unit,
        )
    return html(
        "<tr><td>{key}</td><td>{value}</td><td>{error}</td><td class='g-unit'>{unit}</td></tr>",
        key=breakable(line.key),
        value=line.value,
        error=f"± {line.error}" if line.error else "",
        unit=line.unit,
    )


def breakable(key: str) -> Markup:
    """A key that a narrow column may break after an underscore, and nowhere else."""
    return Markup("_<wbr>").join(key.split("_"))


def look_at(folder: RunFolder) -> None:
    """What a careful reader looks at before believing the numbers, and what was noted besides."""
    outcome, state = record_of(folder)
    look, noted = remarks(outcome.answer, state.get("critique"))
    for one in look:
        st.html(
            html(
                "<div class='g-look g-mind'><b>Look at:</b> {message}<small>{remedy}</small></div>",
                message=one.message,
                remedy=one.remedy,
            )
        )
    if noted:
        with st.expander("Noted besides"):
            for one in noted:
                st.html(html("<div class='g-look g-calm'>{message}</div>", message=one.message))


def choices_made(manifest: Mapping[str, Any]) -> None:
    """The analysis choices behind the numbers, as they were seen in the run, and what was assumed."""
    found = manifest.get("choices", [])
    if not found:
        st.caption("None were seen: they come with a result.")
        return
    rows = [
        html("<tr><td>{name}</td><td>{value}</td></tr>", name=str(one.get("name", "")), value=str(one.get("value", "")))
        for one in found
    ]
    head = "<tr><th>analysis choice</th><th>as seen in the run</th></tr>"
    st.html(html(f"<table class='g-table'>{head}{{rows}}</table>", rows=joined(rows)))
