"""The report of a run: one HTML page that needs nothing else, safe to open whatever a script left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gammapygpt.runs import provenance
from gammapygpt.runs.acknowledge import acknowledged, without_words
from gammapygpt.runs.figures import embedded
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.followed import follows, looked_up, troubles
from gammapygpt.runs.highlight import changes_html, script_html, styles
from gammapygpt.runs.remarks import findings, remarks
from gammapygpt.runs.results import columns, lines, one_line, specs, units_of, what_to_approve
from gammapygpt.runs.typeset import pages
from gammapygpt.state import Attempt, Finding, Outcome, RunState

HERE = Path(__file__).parent
WORDS = {
    "passed": "passed",
    "failed": "failed",
    "refused": "refused",
    "budget": "budget spent",
    "interrupted": "not finished",
    "running": "under way",
}
"""A status as the page names it."""


class Tried(NamedTuple):
    """One attempt as the page shows it."""

    attempt: Attempt
    outcome: str
    """`passed`, the kind of its failure, `not kept` or `not finished`."""
    findings: list[Finding]
    before: int | None
    """Number of the attempt whose script it changes."""
    changes: str
    """HTML; empty for the first script."""
    script: str
    """HTML; empty where changes are shown, and where the page shows the script elsewhere."""


def report(folder: RunFolder, outcome: Outcome, state: RunState) -> str:
    """The page of a run, with or without an attempt that passed.

    Parameters
    ----------
    folder : RunFolder
        Its manifest, events and the figures in `final/` are read.
    outcome : Outcome
        How the run ended, or how it stands.
    state : RunState
        The last state of the graph; empty for a script that was tried without one.
    """
    manifest, events = folder.manifest(), folder.events()
    best = outcome.answer
    plan = state.get("plan")
    shown = best or next((attempt for attempt in reversed(outcome.attempts) if attempt.script), None)
    data = manifest.get("data", {})
    gammapy = manifest.get("versions", {}).get("gammapy", "")
    units, spoke = units_of(outcome.result, specs(manifest, state)), provenance.voices(manifest, events)
    look, noted = remarks(best, state.get("critique"))
    page = {
        "run": folder.name,
        "manifest": manifest,
        "outcome": outcome,
        "status": WORDS.get(outcome.status, outcome.status),
        "best": best,
        "request": asked(manifest, state),
        "question": what_to_approve(manifest["question"]) if manifest.get("question") else "",
        "lists": columns(outcome.result, units),
        "lines": lines(outcome.result, units),
        "meanings": {} if plan and plan.recipe else {spec.key: spec.meaning for spec in specs(manifest, state)},
        "seen": seen_choices(best),
        "choices": choices(outcome.result),
        "plan": plan,
        "look": look,
        "noted": noted,
        "figures": embedded(folder.final),
        "files": other_files(folder.final),
        "attempts": tried(outcome.attempts, shown),
        "shown": shown,
        "script": script_html(shown.script) if shown else "",
        "follows": follows(shown.script, gammapy) if shown else ("", []),
        "looked_up": looked_up(events, gammapy),
        "troubles": troubles(events),
        "voices": spoke,
        "authorship": provenance.authorship(spoke, plan.recipe if plan else "", written=shown is not None),
        "versions": provenance.versions(manifest),
        "settings": provenance.settings_lines(manifest),
        "sandboxes": sorted({a.execution.provider for a in outcome.attempts if a.execution}),
        "acknowledged": acknowledged(shown, data),
        "without_words": without_words(shown, data),
        "styles": [(HERE / "report.css").read_text(encoding="utf-8"), styles()],
    }
    template = pages().from_string((HERE / "report.html.j2").read_text(encoding="utf-8"))
    return template.render(page).encode("utf-8", "replace").decode("utf-8")


def asked(manifest: Mapping[str, Any], state: RunState) -> dict[str, str]:
    """The request, and the name of the file of expected values, if there was one; never its content."""
    request = state.get("request")
    kept = request.model_dump() if request else manifest.get("request", {})
    return {"text": kept.get("text", "").strip(), "expect_file": Path(kept.get("expect_file", "")).name}


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


def _compact(value: Any) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def other_files(final: Path) -> list[tuple[str, int]]:
    """Name and size in bytes of what else lies beside the report."""
    found = (path for path in sorted(final.rglob("*")) if path.is_file() and path.suffix != ".png")
    return [(str(path.relative_to(final)), path.stat().st_size) for path in found if path.name != "report.html"]


def tried(attempts: list[Attempt], shown: Attempt | None) -> list[Tried]:
    """The attempts in order, each with what it changed in the script before it."""
    found: list[Tried] = []
    before: Attempt | None = None
    for attempt in attempts:
        changes = changes_html(before.script, attempt.script) if before and attempt.script else ""
        alone = bool(attempt.script) and before is None and attempt is not shown
        script = script_html(attempt.script) if alone else ""
        number = before.number if before else None
        found.append(Tried(attempt, word(attempt), findings(attempt), number, changes, script))
        before = attempt if attempt.script else before
    return found


def word(attempt: Attempt) -> str:
    """What became of an attempt."""
    if attempt.failure:
        return attempt.failure.replace("_", " ")
    if attempt.declined:
        return "not kept"
    return "passed" if attempt.passed else "not finished"
