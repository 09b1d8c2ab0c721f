"""The runs of the folder, at the side of the page: the latest ones, and a search in all of them."""

from __future__ import annotations

import streamlit as st

from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.history import all_runs, status
from gammapygpt.web.place import Place
from gammapygpt.web.words import html, local, plain

SHOWN = 25
ICONS = {
    "running": ":material/progress_activity:",
    "passed": ":material/check_circle:",
    "failed": ":material/error:",
    "budget": ":material/timer_off:",
    "refused": ":material/block:",
    "interrupted": ":material/pause_circle:",
    "asks": ":material/contact_support:",
}


def history(place: Place) -> None:
    """The side of the page."""
    st.html("<div class='g-brand'>gammapygpt<small>a request, a script, numbers that were checked</small></div>")
    st.button("New request", icon=":material/add:", on_click=open_run, args=("",), width="stretch")
    sought = st.text_input(
        "Runs",
        placeholder="Search in requests, names, statuses",
        help="All runs of this server's folder, of every user: whoever opens the page sees them. What you choose "
        "on the page, and what you type before you send it, only you see.",
    )
    found = [one for one in reversed(all_runs(place.runs)) if fits(one, sought)]
    with st.container(gap="xxsmall"):
        for folder in found[:SHOWN]:
            entry(folder)
    if len(found) > SHOWN:
        st.caption(f"{len(found) - SHOWN} older ones: search for them.")
    elif not found:
        st.caption("No run yet." if not sought else "No run fits.")


def fits(folder: RunFolder, sought: str) -> bool:
    """Whether all words that are sought occur in a run's request, name or status."""
    manifest = folder.manifest()
    text = f"{folder.name} {manifest.get('request', {}).get('text', '')} {manifest.get('status', '')}".lower()
    return all(word in text for word in sought.lower().split())


def entry(folder: RunFolder) -> None:
    """One run, to be opened."""
    manifest = folder.manifest()
    stands = "asks" if asks(folder) else status(folder)
    asked = manifest.get("follows", {}).get("text") or manifest.get("request", {}).get("text", "")
    here = st.query_params.get("run") == folder.name
    st.button(
        plain(asked[:200]),
        icon=ICONS.get(stands, ":material/help:"),
        key=f"open {folder.name}",
        type="secondary" if here else "tertiary",
        help=f"{local(manifest.get('created', ''))}, {stands}: {plain(asked[:300])}",
        on_click=open_run,
        args=(folder.name,),
        width="stretch",
    )


def asks(folder: RunFolder) -> bool:
    """Whether a run waits for its user's word, and nobody has given it yet."""
    return bool(folder.manifest().get("question")) and status(folder) == "interrupted"


def open_run(name: str) -> None:
    """Go to a run, or to the page for a new one; the address of the page says which."""
    if name:
        st.query_params["run"] = name
    else:
        st.query_params.clear()


STATUS = {
    "running": ("g-busy", "running"),
    "passed": ("g-good", "passed"),
    "failed": ("g-bad", "failed"),
    "budget": ("g-bad", "budget spent"),
    "refused": ("g-mind", "refused"),
    "interrupted": ("g-calm", "interrupted"),
    "asks": ("g-mind", "waits for you"),
}


def badge(status: str) -> object:
    """A status as a coloured word."""
    tone, words = STATUS.get(status, ("g-calm", status))
    return html(f"<span class='g-badge {tone}'>{{words}}</span>", words=words)
