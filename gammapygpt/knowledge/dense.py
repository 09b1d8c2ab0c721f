"""Dense vectors from the embedding endpoint of a backend, each text embedded once and kept on disk."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings
from pydantic import SecretStr

from gammapygpt.errors import GammapyGPTError, InfrastructureError
from gammapygpt.llm.address import api_key, endpoint, is_loopback
from gammapygpt.llm.endpoint import backend_settings
from gammapygpt.llm.faults import not_an_endpoint, translated
from gammapygpt.private import private_file, private_folder
from gammapygpt.settings import BackendSettings, Settings

CHARACTERS = 2000
"""Sent of each text: what it is about comes first, and many embedding models read no more than 512 tokens."""
BATCH = 64
TIMEOUT_S, RETRIES, BUSY_S = 60.0, 2, 20.0
"""Of the endpoint, and of the cache that another process has; retrieval can do without, so nobody waits for long."""


class Dense(Embeddings):
    """Vectors of one model at one address.

    Parameters
    ----------
    name
        The backend, for messages.
    backend
        Its settings; `embedding_model` is the model.
    cache
        SQLite file for the vectors of documents; several processes may share it.
    say
        Told of progress.
    """

    def __init__(self, name: str, backend: BackendSettings, cache: Path, say: Callable[[str], None]) -> None:
        self.name, self.cache, self.say = name, cache, say
        self.backend = backend.model_copy(update={"model": backend.embedding_model})
        self.where = endpoint(name, backend)
        self._size = 0
        """Numbers in each vector, once one was seen."""

    @property
    def title(self) -> str:
        """Model and host, for people."""
        return f"{self.backend.model} at {self.where}"

    @property
    def key(self) -> str:
        """Tells vectors of different models apart."""
        return hashlib.sha256(f"{self.backend.model} {self.backend.base_url} {CHARACTERS}".encode()).hexdigest()[:12]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector a text; only what the cache does not hold is sent.

        Raises
        ------
        UserError, InfrastructureError
            The endpoint does not answer, refuses the key, has no such model, or sends no vectors; or the cache cannot
            be used.
        """
        keys = [self._key_of(text) for text in texts]
        with self._cache() as database:
            known = {key: vector for key in keys if (vector := fetched(database, key)) is not None}
            sizes = {len(vector) for vector in known.values()}
            self._size = self._size or next(iter(sizes), 0)
            new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
            for start in range(0, len(new), BATCH):
                batch = list(new)[start : start + BATCH]
                vectors = self._ask([new[key] for key in batch])
                keep(database, batch, vectors)
                known |= dict(zip(batch, vectors, strict=True))
                self.say(f"embedded {min(start + BATCH, len(new))} of {len(new)} texts with {self.title}")
        return [known[key] for key in keys]

    def embed_query(self, text: str) -> list[float]:
        """One vector; raises as `embed_documents`."""
        return self._ask([text])[0]

    def _key_of(self, text: str) -> str:
        return hashlib.sha256(f"{self.key} {text[:CHARACTERS]}".encode("utf-8", "replace")).hexdigest()

    @contextmanager
    def _cache(self) -> Iterator[sqlite3.Connection]:
        try:
            private_folder(self.cache.parent)
            with closing(sqlite3.connect(private_file(self.cache), timeout=BUSY_S)) as database:
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL)")
                yield database
        except (sqlite3.Error, OSError) as error:
            raise InfrastructureError(
                f"The vectors kept in {self.cache} cannot be used ({error}).",
                "Free some space, or wait for who holds the file, or remove it.",
            ) from None

    def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        from langchain_openai import OpenAIEmbeddings
        from openai import DefaultHttpxClient

        key = api_key(self.name, self.backend)
        through_proxy = not is_loopback(self.backend)
        client = DefaultHttpxClient(follow_redirects=False, trust_env=through_proxy)
        with self._translated(key), client:
            model = OpenAIEmbeddings(
                model=self.backend.model,
                base_url=self.backend.base_url.rstrip("/"),
                api_key=key or SecretStr("none"),
                check_embedding_ctx_length=False,  # else it sends token numbers of OpenAI's, which few servers read
                timeout=min(TIMEOUT_S, self.backend.timeout_s),
                max_retries=min(RETRIES, self.backend.retries),
                http_client=client,
            )
            vectors = model.embed_documents([text[:CHARACTERS] or " " for text in texts])
        self._check(vectors, len(texts))
        return vectors

    def _check(self, vectors: list[list[float]], n_texts: int) -> None:
        sizes = {len(vector) for vector in vectors} | ({self._size} if self._size else set())
        wrong = ""
        if len(vectors) != n_texts:
            wrong = f"{len(vectors)} vectors for {n_texts} texts"
        elif len(sizes) != 1:
            wrong = f"vectors of different lengths ({', '.join(map(str, sorted(sizes)))})"
        elif not (np.isfinite(vectors).all() and np.any(vectors, axis=1).all()):
            wrong = "vectors that are none"
        if wrong:
            raise InfrastructureError(
                f"Backend {self.name!r}: {self.where} sends {wrong}.",
                f"Look at the server, or at backends.{self.name}.embedding_model.",
            )
        self._size = sizes.pop()

    @contextmanager
    def _translated(self, key: SecretStr) -> Iterator[None]:
        import httpx
        import openai

        try:
            yield
        except GammapyGPTError:
            raise
        except (openai.OpenAIError, httpx.HTTPError) as error:
            raise translated(error, self.name, self.backend, key) from None
        except (TypeError, ValueError, KeyError, AttributeError):  # a web page, or JSON of another kind
            raise not_an_endpoint(self.name, self.where) from None


def dense(settings: Settings, cache: Path, say: Callable[[str], None]) -> Dense | None:
    """The embeddings that the settings ask for, or None; asks the endpoint nothing yet."""
    name = settings.retrieval.embeddings
    return Dense(name, backend_settings(name, settings), cache, say) if name else None


def fetched(database: sqlite3.Connection, key: str) -> list[float] | None:
    """A vector of the cache."""
    row = database.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
    return np.frombuffer(row[0], dtype=np.float32).tolist() if row else None


def keep(database: sqlite3.Connection, keys: Sequence[str], vectors: Sequence[Sequence[float]]) -> None:
    """Put vectors into the cache; one that another process put there in the meantime stays."""
    rows = [(key, np.array(vector, dtype=np.float32).tobytes()) for key, vector in zip(keys, vectors, strict=True)]
    with database:
        database.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
