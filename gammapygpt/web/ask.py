"""The start of the page: the request, examples of it, the data, and how the run is done. Starting a run is one call."""

from __future__ import annotations

from typing import Any

import streamlit as st

from gammapygpt.runs.folder import RunFolder
from gammapygpt.settings import Settings
from gammapygpt.web.choices import choices, overrides
from gammapygpt.web.datasets import data_set, named_in
from gammapygpt.web.place import Place
from gammapygpt.web.words import errors_told

EXAMPLES = {
    "Crab spectrum": "Extract the spectrum of the Crab Nebula with reflected regions and fit a power law",
    "PKS 2155-304 significance": "Is PKS 2155-304 detected? Significance with reflected regions, "
    "ON region of 0.1 deg, runs within 2 deg",
    "Light curve": "Light curve of PKS 2155-304 above 300 GeV, one point per run",
    "Map of MSH 15-52": "Ring background significance map of MSH 15-52",
    "Theta squared": "Theta-squared distribution of the Crab Nebula",
    "Runs of RX J1713": "List the observations within 2 deg of RX J1713.7-3946, with their livetime",
    "3D fit": "Fit a 3D model to the Crab Nebula",
}


def ask(place: Place, settings: Settings) -> None:
    """The page for a new request."""
    st.html(
        "<p class='g-hero'>What do you want to measure?</p>"
        "<p class='g-lead'>Say it in plain English. The agents plan the analysis, write one Gammapy script, run it in "
        "a sandbox, doubt it and repair it, and show you the numbers with everything that they rest on.</p>"
    )
    with st.form("ask", border=False):
        st.text_area(
            "Request",
            key="request",
            height=110,
            label_visibility="collapsed",
            placeholder="Extract the spectrum of the Crab Nebula with reflected regions and fit a power law",
        )
        sent = st.form_submit_button("Run", type="primary", icon=":material/play_arrow:", width=180)
    st.pills("Examples", list(EXAMPLES), key="example", on_change=take_example, label_visibility="collapsed")
    if sent:
        with errors_told():
            begin(place, settings, st.session_state["request"])
    how, data = st.columns([1, 1.15], gap="large")
    with how:
        st.markdown("##### How")
        choices(settings)
    with data:
        st.markdown("##### Data")
        with errors_told():
            data_set(settings)


def take_example() -> None:
    """Put an example into the request box."""
    if example := st.session_state.pop("example", None):
        st.session_state["request"] = EXAMPLES[example]


def begin(place: Place, settings: Settings, text: str, before: RunFolder | None = None) -> None:
    """Start a run, or follow one up, in a process of its own, and go to it.

    Raises
    ------
    UserError
        What `session.start` and `session.follow_up` refuse.
    """
    from gammapygpt import detached, session

    laid_over = {**place.overrides, **overrides(settings)}
    how: dict[str, Any] = {"overrides": laid_over, "config": place.config}
    chosen = place.settings(laid_over)
    if before is not None:
        run = session.follow_up(before, named_in(text), chosen, **how)
    else:
        run = session.start(named_in(text), chosen, **how)
    detached.go_on(run.folder)
    st.query_params["run"] = run.folder.name
    st.rerun()
