"""How far a run is, agent by agent, out of the record of its events. Pure functions; nothing is drawn here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from gammapygpt.commands.progress import sentence
from gammapygpt.web.words import seconds_since

Progress = Literal["off", "to come", "not asked", "at work", "your turn", "done", "failed", "stopped"]

AGENTS = ("retriever", "planner", "coder", "executor", "critic", "optimiser")
SWITCHES = {"retriever": "retrieval", "planner": "planner", "critic": "critic", "optimiser": "optimiser"}
"""By agent, the switch that leaves it out."""
ASKING = {"approve_plan": "plan", "approve_script": "script"}
"""Nodes that wait for the user."""


class Standing(NamedTuple):
    """One agent, as far as it is."""

    agent: str
    progress: Progress
    visits: int = 0
    seconds: float = 0.0
    said: str = ""
    """What it last told, in one line."""


def standings(
    events: Iterable[Mapping[str, Any]], switches: Mapping[str, Any], *, going: bool, asks: str = ""
) -> list[Standing]:
    """Each agent of a run, in the order of the graph.

    Parameters
    ----------
    events
        The record of the run.
    switches
        Of the manifest.
    going
        Some process is at work on it.
    asks
        `plan` or `script` where the run waits for its user.
    """
    visits: dict[str, int] = {}
    seconds: dict[str, float] = {}
    said: dict[str, str] = {}
    open_since, last, failed = "", "", False
    for event in events:
        agent = str(event.get("agent", ""))
        if event.get("event") == "agent":
            visits[agent] = visits.get(agent, 0) + 1
            last, open_since = agent, str(event.get("time", ""))
        elif event.get("event") == "took":
            seconds[agent] = seconds.get(agent, 0.0) + float(event.get("seconds", 0.0))
            last = "" if agent == last else last
        elif event.get("event") == "attempted":
            failed = bool(event.get("failure"))
            said["executor"] = sentence(dict(event)).partition(": ")[2]
        elif event.get("event") == "retrieved":
            said["retriever"] = f"{len(event['sources'])} pieces of reference material"
        elif (told := sentence(dict(event)).split("\n")[0]).partition(": ")[0] in AGENTS:
            agent, _, said[agent] = told.partition(": ")
    found = []
    for agent in AGENTS:
        progress: Progress = "done" if agent in visits else "to come" if going or asks else "not asked"
        if agent == "executor" and failed and agent in visits:
            progress = "failed"
        if agent == last:
            progress = "at work" if going else "stopped"
            seconds[agent] = seconds.get(agent, 0.0) + (seconds_since(open_since) if going else 0.0)
        elif agent not in visits and not switches.get(SWITCHES.get(agent, ""), True):
            progress = "off"
        found.append(Standing(agent, progress, visits.get(agent, 0), seconds.get(agent, 0.0), said.get(agent, "")))
    if asks or any(node in visits for node in ASKING):
        where = 2 if asks == "plan" or ("approve_plan" in visits and asks != "script") else 3
        found.insert(where, you(asks))
    return found


def you(asks: str) -> Standing:
    """The user, as one of the agents of a run that asks."""
    return Standing("you", "your turn" if asks else "done", said=f"approve the {asks}" if asks else "")
