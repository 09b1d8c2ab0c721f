"""Looking things up: the corpus of one analysis environment in a Qdrant collection, built when it is first needed."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gammapygpt.cache import cache_folder
from gammapygpt.errors import GammapyGPTError, InfrastructureError
from gammapygpt.knowledge.corpus import corpus_key
from gammapygpt.knowledge.environment import environment
from gammapygpt.knowledge.experience import same_task
from gammapygpt.knowledge.ranking import chosen
from gammapygpt.settings import Settings
from gammapygpt.state import Snippet

if TYPE_CHECKING:
    from langchain_qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient

    from gammapygpt.knowledge.dense import Dense

Say = Callable[[str], None]
"""Told what is going on, a line at a time."""
KINDS = ("recipe", "tutorial", "howto", "guide", "api", "drift", "success", "own")
SPARE = 100
"""Found beyond the limit, so that a mixture of kinds can be chosen."""

REST_S = 300.0
"""What does not work is left alone for so long, in s: nobody waits for it at each of several look-ups."""

_OPEN: dict[tuple[str, ...], Index] = {}
_OPENING = threading.Lock()


class Trouble(str):
    """A line that tells what does not work, where others tell of progress."""


def unheard(line: str) -> None:
    """Nobody listens."""


def search(
    settings: Settings, query: str, limit: int, kinds: Sequence[str] | None = None, say: Say = unheard
) -> list[Snippet]:
    """The pieces of reference material that are nearest to a query, the best first; none that has little to do with it.

    Parameters
    ----------
    settings
        Say which analysis environment the material is about, and where its vectors are.
    query
        Plain English, code, or an error message.
    limit
        Largest number of snippets.
    kinds
        Any of `KINDS`; None means a mixture of all, with the best recipe first.
    say
        Told of progress where the index must be built first, and of what does not work.

    Raises
    ------
    UserError, InfrastructureError
        The analysis environment cannot be asked (see `environment.environment`); or the Qdrant server of the settings
        cannot, or the index cannot be kept, and `retrieval.required` is true.
    """
    if limit < 1:
        return []
    index = opened(settings, say)
    found = index.search(query, limit, kinds, say)
    if found is None:  # somebody removed the collection
        forget(index)
        found = opened(settings, say).search(query, limit, kinds, say)
    return found or []


def opened(settings: Settings, say: Say = unheard, again: bool = False) -> Index:
    """The index for these settings: opened, and built where need be, once per process and state of the corpus.

    Parameters
    ----------
    settings, say
        As of `search`.
    again
        Build it anew.
    """
    key = (corpus_key(settings), str(cache_folder()), settings.retrieval.model_dump_json(), str(settings.backends))
    with _OPENING:
        known = _OPEN.get(key)
        if again or known is None or known.is_rested:
            known = _OPEN[key] = Index(settings, say, again)
        return known


def forget(index: Index) -> None:
    """Open an index anew when it is next asked for."""
    with _OPENING:
        for key in [key for key, known in _OPEN.items() if known is index]:
            del _OPEN[key]


def index_folder() -> Path:
    """Where vectors are kept unless the settings say otherwise."""
    return cache_folder() / "index"


@dataclass(frozen=True)
class Description:
    """What an index holds, and where."""

    gammapy: str
    documents: dict[str, int]
    """Number by kind."""
    corpus: str
    """Hash over all texts, and over how they are weighted."""
    where: str
    embedding: str
    notes: list[str]
    """What does not work, and what is left out."""


class Index:
    """Documents by their words and, where an embedding endpoint is configured, by their meaning."""

    def __init__(self, settings: Settings, say: Say = unheard, again: bool = False) -> None:
        from gammapygpt.knowledge.material import material
        from gammapygpt.knowledge.store import folder_of

        self.settings = settings
        self.material = material(settings, folder_of(settings, index_folder()), say, again)
        self.troubles: list[str] = []
        """What does not work, as it was told."""
        self._troubled_at = math.inf
        self._told_to: Say = unheard
        self.dense: Dense | None = None
        self._words: QdrantVectorStore | None = None
        self._both: QdrantVectorStore | None = None
        try:
            self._open(say)
        except GammapyGPTError as error:
            self._go_on_without(error, say)

    @property
    def is_usable(self) -> bool:
        """There is a collection to search."""
        return self._words is not None

    @property
    def is_rested(self) -> bool:
        """Something did not work, which is a while ago: it may be tried again."""
        return time.monotonic() - self._troubled_at > REST_S

    @property
    def collection(self) -> str:
        """Name of the collection in use; empty for none."""
        return self._words.collection_name if self._words else ""

    def search(
        self, query: str, limit: int, kinds: Sequence[str] | None = None, say: Say = unheard
    ) -> list[Snippet] | None:
        """See the function `search`; None where the collection has been removed."""
        from gammapygpt.knowledge.store import Gone

        if self.troubles and say != self._told_to:  # whoever looks something up is told, not the first one alone
            say(Trouble(self.troubles[-1]))
            self._told_to = say
        if self._words is None or not self.material.lexical.embed_query(query).indices:
            return []
        try:
            found = self._nearest(query, limit + SPARE, kinds, say)
        except Gone:
            return None
        except InfrastructureError as error:
            self._go_on_without(error, say)
            return []
        others = [one for one in found if not (one.source.startswith("success:") and same_task(query, one.title))]
        return chosen(others, limit, mixed=not kinds)

    def describe(self) -> Description:
        """What is in here, and where."""
        from gammapygpt.knowledge.store import place

        return Description(
            gammapy=environment(self.settings).versions.get("gammapy", ""),
            documents=dict(sorted(Counter(document.kind for document in self.material.documents).items())),
            corpus=self.material.hash,
            where=place(self.settings, index_folder()),
            embedding=f"words and {self.dense.title}" if self.dense else "words",
            notes=[*self.troubles, *self.material.notes],
        )

    def _open(self, say: Say) -> None:
        from gammapygpt.knowledge.dense import dense
        from gammapygpt.knowledge.store import client_for, vector_store

        client = client_for(self.settings)
        self.dense = dense(self.settings, cache_folder() / "embeddings.sqlite", say)
        with self._server():
            if self.dense:
                try:
                    self._both = self._filled(client, say)
                except GammapyGPTError as error:
                    self._go_by_words(error, say)
            filled = self._both or self._filled(client, say)
        self._words = vector_store(client, filled.collection_name, self.material.lexical, None)

    def _filled(self, client: QdrantClient, say: Say) -> QdrantVectorStore:
        from gammapygpt.knowledge.material import searchable
        from gammapygpt.knowledge.store import collection_name, fill, vector_store

        name = collection_name(self.material.hash, self.dense)
        store = vector_store(client, name, self.material.lexical, self.dense)
        texts = [searchable(document) for document in self.material.documents]
        metadata = [{**doc.snippet.model_dump(exclude={"score"}), "kind": doc.kind} for doc in self.material.documents]
        fill(store, texts, metadata, say)
        return store

    def _nearest(self, query: str, n: int, kinds: Sequence[str] | None, say: Say) -> list[Snippet]:
        """By words, and by meaning too where anything at all is near by words."""
        from gammapygpt.knowledge.store import of_kinds

        assert self._words is not None
        wanted, threshold = of_kinds(kinds), self.settings.retrieval.threshold
        with self._server():
            found = self._words.similarity_search_with_score(query, n, filter=wanted, score_threshold=threshold)
            if found and self._both:
                try:
                    found = self._both.similarity_search_with_score(query, n, filter=wanted)
                except GammapyGPTError as error:
                    self._go_by_words(error, say)
        return [Snippet(**{**one.metadata, "score": score}) for one, score in found]

    def _server(self) -> Any:
        from gammapygpt.knowledge.store import is_server, server_words

        return server_words(self.settings) if is_server(self.settings) else nullcontext()

    def _go_by_words(self, error: GammapyGPTError, say: Say) -> None:
        self.dense, self._both = None, None
        self._tell(f"{error} Until then material is looked up by words alone.", say)

    def _go_on_without(self, error: GammapyGPTError, say: Say) -> None:
        if self.settings.retrieval.required:
            raise error
        self._words = None
        self._tell(f"{error} Going on without retrieval.", say)

    def _tell(self, trouble: str, say: Say) -> None:
        self._troubled_at, self._told_to = time.monotonic(), say
        self.troubles.append(trouble)
        say(Trouble(trouble))
