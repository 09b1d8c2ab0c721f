"""What the user's own runs answered before: the scripts that passed, never for the task that they answered."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from gammapygpt.knowledge.document import Document, code_of_others
from gammapygpt.runs.folder import MANIFEST, RunFolder
from gammapygpt.runs.history import all_runs
from gammapygpt.state import Snippet

MOST = 200
"""Runs that are remembered, the latest."""
LONGEST = 12_000
"""Characters of a script that may be shown."""
ALIKE, RATHER_ALIKE = 0.75, 0.5
"""Common part of the words of two requests for one task; the second where their numbers are the same ones."""


@code_of_others()
def past_successes(runs: Path, request: str = "") -> list[Document]:
    """Scripts of runs that passed, found by what was asked; a damaged run is left out.

    Runs with a file of expected values are left out whatever they hold: they are somebody's benchmark.

    Parameters
    ----------
    runs
        Folder of run folders.
    request
        What is asked now: runs that answered (nearly) the same are left out.
    """
    found: dict[str, Document] = {}
    for folder in reversed(all_runs(runs)[-MOST:]):
        document = success(folder)
        if document and not (request and same_task(request, document.snippet.title)):
            found.setdefault(document.snippet.title, document)
    return list(found.values())


def success(folder: RunFolder) -> Document | None:
    """One run as a document, if it passed and may serve as an example."""
    manifest = folder.manifest()
    asked = manifest.get("request")
    if manifest.get("status") != "passed" or not isinstance(asked, dict) or asked.get("expect_file"):
        return None
    request = " ".join(str(asked.get("text", "")).split())
    try:
        script = (folder.final / "script.py").read_text(encoding="utf-8")
        ast.parse(script)
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    if not request or len(script) > LONGEST:
        return None
    return Document(Snippet(source=f"success:{folder.name}", title=request, text=script), request, script)


def same_task(request: str, earlier: str) -> bool:
    """Two requests ask for the same thing, as far as words can tell; in doubt, yes."""
    one, other = words(request), words(earlier)
    common = len(one & other) / max(len(one | other), 1)
    return common >= ALIKE or (common >= RATHER_ALIKE and numbers(one) == numbers(other))


def words(request: str) -> set[str]:
    """The words and numbers of a request, whatever their case and punctuation."""
    return set(re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+", request.lower()))


def numbers(found: set[str]) -> set[str]:
    """Those among words that are numbers."""
    return {word for word in found if word[0].isdigit()}


def state(runs: Path) -> str:
    """Names and times of the manifests: changes when the runs do."""
    if not runs.is_dir():
        return ""
    manifests = sorted(runs.glob(f"*/{MANIFEST}"))
    return "\n".join(f"{path.parent.name} {path.stat().st_mtime_ns}" for path in manifests)
