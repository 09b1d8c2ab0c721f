"""Where a result comes from: who spoke for the agents, with which versions, settings and checksums; no secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from gammapygpt.settings import Settings, public_settings

COMPANIONS = ("gammapygpt", "gammapy", "astropy", "regions", "numpy", "scipy", "iminuit", "matplotlib")
"""Distributions whose versions can change a number."""
WITHOUT_MODEL = ("cookbook", "scripted")
"""Kinds of backend behind which no language model stands."""


class Voice(NamedTuple):
    """Who spoke for an agent."""

    agent: str
    backend: str
    kind: str
    model: str


def voices(manifest: Mapping[str, Any], events: list[dict[str, Any]]) -> list[Voice]:
    """Which backend and model spoke for each agent, as the events tell; one line each."""
    backends = manifest.get("settings", {}).get("backends", {})
    names: dict[str, str] = {}
    found: dict[Voice, None] = {}
    for event in events:
        agent = str(event.get("agent", ""))
        if event.get("event") == "asked":
            names[agent] = str(event.get("backend", ""))
        elif event.get("event") == "answered":
            backend = names.get(agent, "")
            kind = str(backends.get(backend, {}).get("kind", ""))
            found[Voice(agent, backend, kind, str(event.get("model", "")))] = None
    return list(found)


def authorship(spoke: list[Voice], recipe: str, *, written: bool) -> str:
    """Whether a language model took part, in one plain sentence or two."""
    models = {one.model or one.backend or "of unknown name" for one in spoke if one.kind not in WITHOUT_MODEL}
    if models:
        return f"Language models took part in this run: {', '.join(sorted(models))}."
    kinds = {voice.kind for voice in spoke}
    none = "No language model took part in this run."
    if not written:
        return none
    if "cookbook" in kinds:
        origin = f"recipe {recipe}" if recipe else "a recipe"
        return f"{none} The script is {origin} of the cookbook, its constants filled in by rules from the request."
    if "scripted" in kinds:
        return f"{none} The replies were read from a file."
    return f"{none} The script was handed in by the user."


def versions(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Versions of what can change a number, in a fixed order."""
    known = manifest.get("versions", {})
    return [(name, known[name]) for name in ("python", *COMPANIONS) if name in known]


def settings_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run with passwords in addresses masked; none when they are not readable any more."""
    try:
        return public_settings(Settings.model_validate(manifest.get("settings", {})))
    except ValidationError:
        return {}


def settings_lines(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Dotted names and values of the settings that are not the defaults; no backends that nobody speaks through."""
    given, usual = settings_of(manifest), public_settings(Settings())
    named = {given.get("default_backend"), *given.get("roles", {}).values()}
    given["backends"] = {name: one for name, one in given.get("backends", {}).items() if name in named}
    before = dict(_flat(usual))
    return [(name, value) for name, value in _flat(given) if before.get(name) != value]


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield prefix, value if isinstance(value, str) else json.dumps(value)
        return
    for key, part in value.items():
        yield from _flat(part, f"{prefix}.{key}" if prefix else str(key))


def public_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest that may leave the house: no secrets, no command line, no folders of this machine but the data's."""
    private = {"overrides", "config"}
    asked = manifest.get("request", {})
    return {key: value for key, value in manifest.items() if key not in private} | {
        "request": {**asked, "expect_file": Path(asked.get("expect_file", "")).name},
        "settings": dict(settings_lines(manifest)),
    }
