"""The report of a run: one HTML page that needs nothing else, safe to open whatever a script left."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.notebook import notebook
from gammapygpt.runs.results import clean, lines, one_line, specs, units_of
from gammapygpt.state import Attempt, Critique, Finding, Outcome, RunState

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["notebook", "report"]

TEMPLATE = Path(__file__).with_name("report.html.j2")
PNG = b"\x89PNG\r\n\x1a\n"
FIGURE_BYTES = 3_000_000
FIGURES_BYTES = 12_000_000
"""Of all figures together, before base64 makes a third more of them."""
FIGURE_PIXELS = 50_000_000
"""A small file may unpack into an image that a browser cannot hold."""
COMPANIONS = ("gammapygpt", "gammapy", "astropy", "regions", "numpy", "scipy", "iminuit", "matplotlib")
"""Distributions whose versions can change a number."""
WITHOUT_MODEL = ("cookbook", "scripted")
"""Kinds of backend behind which no language model stands."""
HESS_DR1 = "hess-dl3-dr1"


class Voice(NamedTuple):
    """Who spoke for an agent."""

    agent: str
    backend: str
    kind: str
    model: str


def report(folder: RunFolder, outcome: Outcome, state: RunState) -> str:
    """The page of a run, with or without an attempt that passed.

    Parameters
    ----------
    folder : RunFolder
        Its manifest, events and the figures in `final/` are read.
    outcome : Outcome
        How the run ended.
    state : RunState
        The last state of the graph; empty for a script that was tried without one.
    """
    manifest = folder.manifest()
    best = outcome.answer
    spoke = voices(manifest, folder.events())
    plan, critique = state.get("plan"), state.get("critique")
    script = best or next((attempt for attempt in reversed(outcome.attempts) if attempt.script), None)
    page = {
        "run": folder.name,
        "created": manifest.get("created", "unknown"),
        "finished": manifest.get("finished", ""),
        "data": manifest.get("data", {}),
        "outcome": outcome,
        "best": best,
        "request": asked(manifest, state),
        "lines": lines(outcome.result, units_of(outcome.result, specs(manifest, state))),
        "seen": seen_choices(best),
        "choices": choices(outcome.result),
        "plan": plan,
        "concerns": concerns(best, critique),
        "figures": figures(folder.final),
        "files": other_files(folder.final),
        "attempts": [(attempt, findings(attempt)) for attempt in outcome.attempts],
        "script": script,
        "voices": spoke,
        "authorship": authorship(spoke, plan.recipe if plan else "", written=script is not None),
        "versions": versions(manifest),
        "sandboxes": sorted({a.execution.provider for a in outcome.attempts if a.execution}),
        "hess": used_hess_dr1(manifest, script),
    }
    return _template().render(page).encode("utf-8", "replace").decode("utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if isinstance(value, str) else value,
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def asked(manifest: Mapping[str, Any], state: RunState) -> dict[str, str]:
    """The request, and the name of the file of expected values, if there was one; never its content."""
    request = state.get("request")
    kept = request.model_dump() if request else manifest.get("request", {})
    return {"text": kept.get("text", ""), "expect_file": Path(kept.get("expect_file", "")).name}


def choices(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the script says of its analysis in `_meta`, tables within it taken apart."""
    meta = result.get("_meta")
    found: list[tuple[str, str]] = []
    for name, value in meta.items() if isinstance(meta, dict) else ():
        if name == "units":
            continue
        parts = value.items() if isinstance(value, dict) else [("", value)]
        found += [(" ".join(filter(None, (name, part))), _compact(item)) for part, item in parts]
    return found


def seen_choices(best: Attempt | None) -> list[tuple[str, str]]:
    """The analysis choices that were seen in the run; the plan's assumptions stand elsewhere on the page."""
    from gammapygpt.checks.choices import analysis_choices

    if best is None or best.execution is None:
        return []
    return [(one.name, one.value) for one in analysis_choices(best.execution.facts)]


def concerns(best: Attempt | None, critique: Critique | None) -> list[str]:
    """What to look at: the critic's words, or without a critic what the gates found."""
    if best is None:
        return []
    told = critique.concerns if critique else [one.message for one in findings(best) if one.severity != "error"]
    return list(dict.fromkeys(told))


def _compact(value: Any) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def figures(final: Path) -> list[tuple[str, str]]:
    """Name of each PNG and the image as a data URI; empty for one that is too large to embed or no PNG at all."""
    found, left = [], FIGURES_BYTES
    for path in sorted(final.rglob("*.png")):
        if path.is_symlink() or not path.is_file():
            continue
        size = path.stat().st_size
        uri = _data_uri(path) if size <= min(FIGURE_BYTES, left) else ""
        left -= size if uri else 0
        found.append((str(path.relative_to(final)), uri))
    return found


def _data_uri(path: Path) -> str:
    image = path.read_bytes()
    if not image.startswith(PNG) or len(image) < 24:
        return ""
    width, height = struct.unpack(">II", image[16:24])
    if width * height > FIGURE_PIXELS:
        return ""
    return f"data:image/png;base64,{base64.b64encode(image).decode('ascii')}"


def other_files(final: Path) -> list[tuple[str, int]]:
    """Name and size in bytes of what else lies beside the report."""
    found = (path for path in sorted(final.rglob("*")) if path.is_file() and path.suffix != ".png")
    return [(str(path.relative_to(final)), path.stat().st_size) for path in found if path.name != "report.html"]


def findings(attempt: Attempt) -> list[Finding]:
    """What the gates found, static and in the results."""
    return [*attempt.findings, *(attempt.validation.findings if attempt.validation else [])]


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
    kinds = {voice.kind for voice in spoke}
    if models := sorted(
        {
            voice.model or voice.backend or "of unknown name"
            for voice in spoke
            if voice.kind not in ("cookbook", "scripted")
        }
    ):
        return f"Language models took part in this run: {', '.join(models)}."
    none = "No language model took part in this run."
    if not written:
        return none
    if "cookbook" in kinds:
        origin = f"recipe {recipe}" if recipe else "a recipe"
        return f"{none} The script is {origin} of the cookbook, its constants filled in by rules from the request."
    if "scripted" in kinds:
        return f"{none} The replies were read from a file."
    return f"{none} The script was handed in by the user."


def used_hess_dr1(manifest: Mapping[str, Any], script: Attempt | None) -> bool:
    """Whether the numbers come from H.E.S.S. DL3 DR1, whose terms ask for an attribution."""
    data = manifest.get("data", {})
    alone = len(data.get("index_checksums", {})) == 1 and HESS_DR1 in data.get("path", "")
    return alone or (script is not None and HESS_DR1 in script.script)


def versions(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Versions of what can change a number, in a fixed order."""
    known = manifest.get("versions", {})
    return [(name, known[name]) for name in ("python", *COMPANIONS) if name in known]
