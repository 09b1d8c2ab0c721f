"""What a user takes home from a run: script, notebook, report, numbers, figures."""

from __future__ import annotations

import streamlit as st

from gammapygpt.runs.folder import RunFolder

FIRST = {
    "script.py": ("Script", ":material/code:", "text/x-python"),
    "notebook.ipynb": ("Notebook", ":material/book:", "application/x-ipynb+json"),
    "report.html": ("Report", ":material/description:", "application/octet-stream"),
    "result.json": ("Numbers", ":material/data_object:", "application/json"),
}
LARGEST = 50_000_000
"""Bytes of a file that goes through the page."""


def downloads(folder: RunFolder) -> None:
    """A button for each of the files that everybody wants."""
    there = [name for name in FIRST if (folder.final / name).is_file()]
    for name in there:
        label, icon, kind = FIRST[name]
        st.download_button(
            label,
            (folder.final / name).read_bytes(),
            file_name=f"{folder.name}{'-' if name != 'script.py' else ''}{name if name != 'script.py' else '.py'}",
            mime=kind,
            icon=icon,
            on_click="ignore",
            key=f"download {name}",
        )


def other_files(folder: RunFolder) -> None:
    """What else the script left."""
    found = [path for path in sorted(folder.final.rglob("*")) if path.is_file() and not path.is_symlink()]
    found = [path for path in found if str(path.relative_to(folder.final)) not in FIRST]
    if not found:
        st.caption("The script left no other files.")
    for path in found:
        name, size = str(path.relative_to(folder.final)), path.stat().st_size
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.text(f"{name}   ({size / 1000:.1f} kB)")
        if size > LARGEST:
            right.caption("too large for the page")
            continue
        right.download_button(
            "Download",
            path.read_bytes(),
            file_name=path.name,
            mime="application/octet-stream",
            on_click="ignore",
            key=f"file {name}",
        )
