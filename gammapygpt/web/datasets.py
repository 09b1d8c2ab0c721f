"""The data sets of the data folder: which there are, what is in one, and where on the sky it points."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import streamlit as st

from gammapygpt.data.info import DataDescription, StoreDescription
from gammapygpt.settings import Settings
from gammapygpt.state import StoreInfo
from gammapygpt.web.words import html, joined, plain

COLOURS = ["#2f80b7", "#e0902f", "#2b8a57", "#b0507a", "#7b6fc4", "#8a8f3a"]
ANY = ""
"""The agents choose."""


def data_set(settings: Settings) -> None:
    """The picker, and what is in the data set that is picked; without a data folder, what to do about it."""
    from gammapygpt.data.stores import find_data

    folder = find_data(settings)
    found, pointings = looked_into(str(folder))
    known = {store.path: store for store in found.stores}
    if st.session_state.get("store") not in known:
        st.session_state["store"] = ANY
    st.selectbox(
        "Data set",
        [ANY, *known],
        key="store",
        format_func=lambda path: named(known[path]) if path else "Any: the agents choose",
        help="A data set that you choose is named at the end of your request. The folder is the one that the page was "
        "started with; scripts can read it and not write to it.",
    )
    chosen = [known[st.session_state["store"]]] if st.session_state["store"] else found.stores
    facts(chosen)
    sky([store for store in pointings if store.path in {one.path for one in chosen}])
    for broken in found.skipped:
        st.caption(plain(f"Left out: {broken.path}: {broken.reason}"))
    st.caption(plain(f"In {folder}" if chosen else f"No DL3 data store in {folder}"))


def named_in(text: str) -> str:
    """A request, with the data set that is picked named at its end."""
    store = st.session_state.get("store", ANY)
    return (
        f"{text.rstrip()}{'' if text.rstrip().endswith(('.', '?', '!')) else '.'} Use the data store {store}."
        if (store not in (ANY, ".") and store not in text)
        else text
    )


@st.cache_data(ttl=300, show_spinner="Looking into the data ...")
def looked_into(folder: str) -> tuple[DataDescription, list[StoreInfo]]:
    """What is in a data folder; the same for all users, read again every few minutes."""
    from gammapygpt.data.info import describe
    from gammapygpt.data.stores import find_stores

    return describe(Path(folder)), find_stores(Path(folder))


def named(store: StoreDescription) -> str:
    """One line on a data set."""
    return f"{store.path}: {store.n_observations} observations"


def facts(stores: list[StoreDescription]) -> None:
    """Observations, livetime, telescopes and instrument responses, as a table."""
    rows = [
        html(
            "<tr><td>{path}</td><td>{n}</td><td>{livetime}</td><td>{telescope}</td></tr>",
            path=store.path,
            n=store.n_observations,
            livetime=hours(store.livetime_s),
            telescope=", ".join(store.telescopes),
        )
        for store in stores
    ]
    head = "<tr><th>data set</th><th>observations</th><th>livetime</th><th>telescope</th></tr>"
    st.html(html(f"<table class='g-table'>{head}{{rows}}</table>", rows=joined(rows)))
    if len(stores) == 1:
        (store,) = stores
        st.caption(plain(f"Responses: {', '.join(store.irfs) or 'none'}"))
        if store.missing:
            st.caption(plain(f"Files that are not there: {', '.join(store.missing[:3])}"))


def hours(seconds: float | None) -> str:
    """A livetime, if it is known."""
    return "" if seconds is None else f"{seconds / 3600:.1f} h"


def sky(stores: list[StoreInfo]) -> None:
    """Where the observations point."""
    points: list[dict[str, Any]] = [
        {"ra": ra, "dec": dec, "run": run, "data set": store.path}
        for store in stores
        for run, ra, dec in zip(store.obs_ids, store.ra_deg, store.dec_deg, strict=True)
        if math.isfinite(ra) and math.isfinite(dec)
    ]
    if not points:
        return
    whole = max(p["ra"] for p in points) - min(p["ra"] for p in points) > 60
    scale = {"zero": False, "reverse": True, **({"domain": [0, 360], "nice": False} if whole else {})}
    spec = {
        "mark": {"type": "circle", "size": 44, "opacity": 0.6},
        "encoding": {
            "x": {"field": "ra", "type": "quantitative", "title": "right ascension (deg)", "scale": scale},
            "y": {"field": "dec", "type": "quantitative", "title": "declination (deg)", "scale": {"zero": False}},
            "color": {"field": "data set", "type": "nominal", "legend": None, "scale": {"range": COLOURS}},
            "tooltip": [{"field": name} for name in ("data set", "run", "ra", "dec")],
        },
        "height": 190,
        "data": {"values": points},
    }
    st.vega_lite_chart(spec=spec, alt="Pointings of the observations, right ascension against declination")
