"""The page as a whole: which part of it is shown. All state is in the user's session and the run folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from gammapygpt.errors import UserError
from gammapygpt.runs.history import named
from gammapygpt.web.looks import css
from gammapygpt.web.place import Place, place_told
from gammapygpt.web.words import errors_told


def show(arguments: Sequence[str]) -> None:
    """Draw the page for one user, once."""
    st.set_page_config(page_title="gammapygpt", page_icon=str(ICON), layout="wide", menu_items={"About": ABOUT})
    st.html(css())
    with errors_told():
        drawn(place_told(arguments))


def drawn(place: Place) -> None:
    """The side, and the run that the address names, or the page for a new one.

    Raises
    ------
    UserError
        Whatever the user did wrong.
    """
    from gammapygpt.web.ask import ask
    from gammapygpt.web.choices import remembered
    from gammapygpt.web.history import history
    from gammapygpt.web.run_page import run_page

    settings = place.settings()
    remembered(settings)
    with st.sidebar:
        history(place)
    wanted = st.query_params.get("run", "")
    folder = named(place.runs, wanted)
    if wanted and folder is None:
        raise UserError(f"there is no run {wanted!r} here.", "Pick one at the left, or begin a new one.")
    if folder is None:
        ask(place, settings)
    else:
        run_page(place, settings, folder)


ICON = Path(__file__).with_name("icon.svg")
ABOUT = (
    "**gammapygpt** turns a request in plain English into one Gammapy script that has been checked, run, validated and "
    "repaired. Please cite Gammapy, and acknowledge the data that you use."
)
