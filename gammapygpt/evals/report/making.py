"""How a campaign was made: commands, machine, configurations, versions and settings, without a place or an address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gammapygpt.evals.evidence import Evidence
from gammapygpt.evals.record import Record
from gammapygpt.evals.report.numbers import NOTHING, without_places
from gammapygpt.evals.report.page import Section
from gammapygpt.evals.report.page import Table as Rows
from gammapygpt.evals.statistics.cells import REFERENCE

AGENTS = {
    "graph": "gammapygpt",
    "loop": "one model in a bare retry loop",
    "peer": "mini-swe-agent as published",
}
PLACES = ("path", "folder", "base_url", "hess_url", "gammapy_source", "documents", "python", "replies")
"""Settings that say where something is."""


def making(evidence: Evidence) -> Section:
    """What is known of how the campaign was made."""
    about, records = evidence.about, evidence.records
    rows = [
        ["created", str(about.get("created", ""))],
        *(["command", without_places(str(one))] for one in commands(about)),
        ["machine", without_places(str(about.get("machine", "")))],
        ["first cell started", min((one.started for one in records if one.started), default="")],
        ["last cell finished", max((one.finished for one in records if one.finished), default="")],
        *([f"version of {name}", seen] for name, seen in collected(records, "versions").items()),
        *([f"prompt {name}", seen] for name, seen in collected(records, "prompts").items()),
    ]
    tables = [Rows(["what", "as recorded"], [row for row in rows if row[1]], frozenset({0, 1}))]
    if about.get("configurations"):
        tables.insert(0, configurations(about["configurations"]))
    settings = list(flat(about.get("settings") or {}, used_backends(records)))
    if settings:
        tables.append(Rows(["setting", "value"], settings, frozenset({0, 1}), "Settings, without places"))
    sentences = [] if about else ["There is no campaign.json beside the table: how it was made is not on record."]
    return Section("How it was made", sentences, tables, folded=True)


def commands(about: Mapping[str, Any]) -> list[str]:
    """Every command that filled the campaign."""
    found = [str(one) for one in about.get("commands", [])]
    last = str(about.get("command", ""))
    return found if not last or last in found else [*found, last]


def collected(records: Sequence[Record], what: str) -> dict[str, str]:
    """By name, all versions or the start of all hashes that cells were made with."""
    found: dict[str, set[str]] = {}
    for record in records:
        for name, value in getattr(record, what).items():
            found.setdefault(name, set()).add(value[:12] if what == "prompts" else value)
    return {name: ", ".join(sorted(seen)) for name, seen in sorted(found.items())}


def configurations(arms: Mapping[str, Any]) -> Rows:
    """Who answers in each configuration, and what differs from the reference."""
    base = (arms.get(REFERENCE) or {}).get("overrides", {})
    rows = []
    for name, arm in arms.items():
        over = arm.get("overrides", {})
        differing = {key: value for key, value in over.items() if name == REFERENCE or base.get(key) != value}
        told = ", ".join(f"{key} = {shown(value)}" for key, value in differing.items())
        rows.append([name, AGENTS.get(str(arm.get("agent", "graph")), str(arm.get("agent"))), told or NOTHING])
    headers = ["configuration", "who answers", f"settings ({REFERENCE}: all; others: what differs)"]
    return Rows(headers, rows, frozenset({0, 1, 2}))


def used_backends(records: Sequence[Record]) -> set[str]:
    """Names of the backends that cells were answered with."""
    return {record.backend for record in records}


def flat(settings: Mapping[str, Any], backends: set[str], above: str = "") -> Iterator[list[str]]:
    """Settings by their dotted key: no places, no other backends, nothing that is empty."""
    for key, value in settings.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            if above != "backends." or key in backends:
                yield from flat(value, backends, f"{name}.")
        elif value not in ("", None, []) and key not in PLACES and not key.endswith("_env"):
            yield [name, without_places(shown(value))]


def shown(value: Any) -> str:
    """A setting as TOML would have it, more or less."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
