"""The corpus with its sparse vectors: made once, kept in a file that never changes, read by any number of processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gammapygpt.errors import UserError
from gammapygpt.knowledge.corpus import Document, corpus, corpus_hash, corpus_key
from gammapygpt.knowledge.lexical import Lexical, rows_of
from gammapygpt.private import private_folder
from gammapygpt.settings import Settings
from gammapygpt.state import Snippet
from gammapygpt.temporary import replaced


class Material(NamedTuple):
    """What can be looked up, and how its words are weighted."""

    documents: list[Document]
    notes: list[str]
    """What is left out of the corpus, and why."""
    hash: str
    """Of all documents and of how they are weighted."""
    lexical: Lexical


def material(settings: Settings, folder: Path | None, say: Callable[[str], None], again: bool = False) -> Material:
    """The corpus of these settings: from its file, else gathered and, where there is a folder, kept there.

    The file is written under its name in one step and never changed.

    Parameters
    ----------
    settings
        Say what belongs to the corpus.
    folder
        Of files; None to keep nothing.
    say
        Told of progress.
    again
        Gather even if there is a file.

    Raises
    ------
    UserError
        The folder cannot be written and `retrieval.required` is true; or the corpus cannot be gathered, as may an
        InfrastructureError.
    """
    path = folder / file_name(settings) if folder else None
    if path and not again and (kept := read(path)):
        return kept
    say("gathering recipes, API, tutorials and guides of the installed Gammapy")
    gathered = corpus(settings, again=again)
    say(f"weighing the words of {len(gathered.documents)} documents")
    lexical = Lexical([searchable(document) for document in gathered.documents])
    key = short_hash(corpus_hash(gathered.documents), *ways())
    made = Material(gathered.documents, gathered.notes, key, lexical)
    return kept_in(path, made, required=settings.retrieval.required, say=say) if path else made


def kept_in(path: Path, made: Material, *, required: bool, say: Callable[[str], None]) -> Material:
    """The material, kept in a file; where it cannot be and need not be, with a note that says so."""
    try:
        write(path, made)
    except UserError as error:
        if required:
            raise
        note = f"{error} Until then it is made anew by each program."
        say(note)
        return made._replace(notes=[*made.notes, note])
    return made


def searchable(document: Document) -> str:
    """What vectors are made of: the heading, a blank line, the rest."""
    return f"{' '.join(document.heading.split())}\n\n{document.body}"


def read(path: Path) -> Material | None:
    """The material in a file; None where there is none, or a broken one."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            told = json.loads(file["told"].tobytes())
            rows = rows_of(file)
        documents = [Document(Snippet(**snippet), heading, body) for snippet, heading, body in told["documents"]]
        lexical = Lexical([searchable(document) for document in documents], rows)
        return Material(documents, list(told["notes"]), str(told["hash"]), lexical)
    except Exception:  # whatever is wrong with the file: it is made again
        return None


def write(path: Path, made: Material) -> None:
    """Keep material in a file; two processes that do so at once do no harm."""
    documents = [(one.snippet.model_dump(), one.heading, one.body) for one in made.documents]
    told = json.dumps({"documents": documents, "notes": made.notes, "hash": made.hash}).encode()
    try:
        private_folder(path.parent)
        with replaced(path) as file:
            np.savez(file, allow_pickle=False, told=np.frombuffer(told, dtype=np.uint8), **made.lexical.arrays())
    except OSError as error:
        raise UserError(
            f"The index cannot be kept in {path.parent} ({error.strerror}).",
            "Set retrieval.store to a folder that can be written, or to memory.",
        ) from error


def file_name(settings: Settings) -> str:
    """Changes when the corpus would, or the way in which it is weighted."""
    return f"{short_hash(corpus_key(settings), *ways())}.npz"


def ways() -> list[str]:
    """The source of what makes vectors of texts."""
    return [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("words.py", "lexical.py")]


def short_hash(*parts: str) -> str:
    """The first 16 digits of a SHA-256."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
