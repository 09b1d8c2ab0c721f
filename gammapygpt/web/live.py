"""A run at work: each agent as far as it is, and what they said, read anew each second."""

from __future__ import annotations

import streamlit as st
from markupsafe import Markup

from gammapygpt.commands.progress import sentence
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.history import status
from gammapygpt.web.standing import Standing, standings
from gammapygpt.web.words import duration, html, joined, local, seconds_since

EVERY = 1.0
"""Seconds between two looks."""
TONES = {
    "off": "g-off g-calm",
    "to come": "g-calm",
    "not asked": "g-calm",
    "at work": "g-busy",
    "your turn": "g-mind",
    "done": "g-good",
    "failed": "g-bad",
    "stopped": "g-mind",
}


def watch(folder: RunFolder) -> None:
    """Show the run at work; draw the whole page again when there is a plan, a script, a question, the end."""
    seen = milestones(folder)

    @st.fragment(run_every=EVERY)
    def look() -> None:
        if status(folder) != "running" or milestones(folder) != seen:
            st.rerun()
        draw(folder, going=True)
        spent = seconds_since(folder.manifest().get("created", ""))
        begun = "At work for" if folder.events() else "Starting for"
        st.caption(
            f"{begun} {duration(round(spent))}. You can close this page: the run goes on, its address reopens it."
        )
        lines(folder, latest=14)

    look()


def milestones(folder: RunFolder) -> int:
    """How much there is to be seen beside the agents."""
    return sum(event.get("event") in ("planned", "drafted", "attempted", "criticised") for event in folder.events())


def draw(folder: RunFolder, *, going: bool, asks: str = "") -> None:
    """The agents side by side."""
    known = standings(folder.events(), folder.manifest().get("switches", {}), going=going, asks=asks)
    st.html(html("<div class='g-strip'>{agents}</div>", agents=joined([card(one) for one in known])))


def card(one: Standing) -> Markup:
    """One agent."""
    times = f" · {one.visits}×" if one.visits > 1 else ""  # noqa: RUF001 - a sign of multiplication
    spent = f" · {duration(one.seconds)}" if one.seconds else ""
    return html(
        "<div class='g-agent {tone}'><div class='g-name'><span class='g-dot'></span>{agent}</div>"
        "<div class='g-state'>{state}</div><div class='g-said'>{said}</div></div>",
        tone=TONES[one.progress],
        agent=one.agent,
        state=f"{one.progress}{times}{spent}",
        said=one.said,
    )


def lines(folder: RunFolder, latest: int | None = None) -> None:
    """What happened when, one line an event, the latest last; `latest` leaves out what was before."""
    told = [
        html("<div><time>{time}</time>{said}</div>", time=local(event.get("time", ""), "%H:%M:%S"), said=said)
        for event in folder.events()
        if (said := sentence(event))
    ]
    if told:
        st.html(html("<div class='g-lines'>{lines}</div>", lines=joined(told[-(latest or len(told)) :])))
