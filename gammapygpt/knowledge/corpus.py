"""What can be looked up: recipes, tutorials, guides, the API, its drift, and (if wanted) what is the user's own.

Never a task's expected values.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gammapygpt.knowledge import experience, guides, own_documents, sources, tutorials
from gammapygpt.knowledge.asked import with_asked
from gammapygpt.knowledge.cards import api_document
from gammapygpt.knowledge.changes import REMOVED, applies, changes
from gammapygpt.knowledge.document import Document
from gammapygpt.knowledge.drift import drift_snippet
from gammapygpt.knowledge.environment import api_entries, environment, environment_key, introspection
from gammapygpt.settings import Settings
from gammapygpt.state import Snippet

__all__ = ["Corpus", "Document", "corpus", "corpus_hash", "corpus_key", "documents"]


class Corpus(NamedTuple):
    """All documents of one analysis environment and of its user."""

    documents: list[Document]
    notes: list[str]
    """What is missing or was left out, and why."""


def corpus(settings: Settings, *, again: bool = False) -> Corpus:
    """Everything that can be looked up with these settings; the first time, Gammapy's source distribution is fetched.

    Parameters
    ----------
    settings
        Say which analysis environment it is about, and what of the user's own belongs to it.
    again
        Try to fetch the source distribution even if that failed lately.

    Raises
    ------
    UserError, InfrastructureError
        The analysis environment cannot be asked; see `environment.environment`.
    """
    from gammapygpt.sandbox.interpreter import interpreter

    wanted, versions = settings.retrieval, environment(settings).versions
    version = versions.get("gammapy", "")
    python = interpreter(settings.analysis.python).executable
    tree = sources.source_tree(version, wanted.gammapy_source, python, again=again)
    extra, notes = documentation(tree.folder, version) if tree.folder else ([], [tree.reason])
    if wanted.documents:
        own, left_out = own_documents.own_documents(Path(wanted.documents).expanduser())
        extra, notes = [*extra, *own], [*notes, *left_out]
    if wanted.successes:
        extra += experience.past_successes(runs_folder(settings))
    return Corpus(documents(api_entries(settings), versions, extra), notes)


def documents(
    entries: Iterable[dict[str, Any]], versions: dict[str, str], extra: Iterable[Document] = ()
) -> list[Document]:
    """Recipes, API and its changes with more documents: in the order of their sources, each source once.

    Where users ask for a document in other words than its own, it is found by those too.

    Parameters
    ----------
    entries
        See `environment.api_entries`.
    versions
        Of the analysis environment's packages: only changes up to them are told.
    extra
        Tutorials, guides, documents of the user's own.
    """
    found = [*recipe_documents(), *map(api_document, entries), *drift_documents(versions), *extra]
    by_source: dict[str, Document] = {}
    for document in found:
        by_source.setdefault(document.snippet.source, document)
    return with_asked(by_source[source] for source in sorted(by_source))


def documentation(tree: Path, version: str) -> Corpus:
    """Tutorials, How-Tos and guides below a source tree of Gammapy."""
    steps, notes = tutorials.tutorial_documents(tree, version)
    sections, more_notes = guides.guide_documents(tree, version)
    howtos = guides.howto_documents(tree, version, steps)
    return Corpus([*guides.with_questions(steps, howtos), *howtos, *sections], notes + more_notes)


def recipe_documents() -> Iterator[Document]:
    """Recipes, found by their title and by what their docstring says they answer; shown as whole scripts."""
    from gammapygpt.cookbook import recipes

    for name, recipe in recipes().items():
        answers = "\n\n".join(part for part in recipe.answers.split("\n\n") if not part.startswith("Not for:"))
        snippet = Snippet(source=f"recipe:{name}", title=recipe.title, text=recipe.source)
        yield Document(snippet, f"{name} {recipe.title}", answers)


def drift_documents(versions: dict[str, str]) -> Iterator[Document]:
    """Changes of the API up to these versions, where there is something to write instead."""
    for change in changes():
        if applies(change, versions) and change.new not in ("", REMOVED):
            yield Document(drift_snippet(change), change.old, f"{change.new} {change.how_it_fails}")


def corpus_hash(found: Iterable[Document]) -> str:
    """SHA-256 over documents in their order: the same for the same ones, on any machine and any day."""
    digest = hashlib.sha256()
    for document in found:
        digest.update(json.dumps([document.snippet.model_dump(), document.heading, document.body]).encode() + b"\n")
    return digest.hexdigest()


def corpus_key(settings: Settings) -> str:
    """A short hash that changes when the corpus would; found by looking at files from outside."""
    wanted = settings.retrieval
    parts = [environment_key(settings), program()]
    version = introspection(settings)["versions"].get("gammapy", "")
    parts.append(sources.state(version, wanted.gammapy_source))
    if wanted.documents:
        parts.append(own_documents.state(Path(wanted.documents).expanduser()))
    if wanted.successes:
        parts.append(experience.state(runs_folder(settings)))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:24]


def runs_folder(settings: Settings) -> Path:
    """Where the user's runs are."""
    return Path(settings.runs.folder).expanduser().resolve()


@functools.cache
def program() -> str:
    """Hash over the code and tables of this room and over the recipes: what makes documents."""
    room = Path(__file__).parent
    files = [*room.glob("*.py"), *room.glob("*.tsv"), *(room.parent / "cookbook" / "recipes").glob("*.py")]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()
