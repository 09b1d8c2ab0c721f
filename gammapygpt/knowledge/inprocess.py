"""Qdrant in this process, with an inverted index: its own local mode reads every vector in Python, 0.1 s a query.

Imported where a collection is opened, for importing the client takes a second.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
from qdrant_client import QdrantClient, models
from qdrant_client.local.local_collection import LocalCollection
from qdrant_client.local.payload_filters import check_filter
from qdrant_client.local.qdrant_local import QdrantLocal


def in_process() -> QdrantClient:
    """A client whose collections live in the memory of this process."""
    client = QdrantClient(":memory:")
    client._client = IndexedLocal(":memory:")
    return client


class IndexedLocal(QdrantLocal):
    """Local Qdrant with collections of the kind below."""

    def create_collection(self, collection_name: str, *arguments: Any, **options: Any) -> bool:
        """See `QdrantLocal.create_collection`."""
        made = super().create_collection(collection_name, *arguments, **options)
        plain = self.collections[collection_name]
        self.collections[collection_name] = IndexedCollection(plain.config)
        plain.close()
        return made


class Postings(NamedTuple):
    """All vectors of one name, sorted by dimension."""

    n_vectors: int
    indices: np.ndarray
    points: np.ndarray
    values: np.ndarray


class IndexedCollection(LocalCollection):
    """A collection that finds the nearest sparse vectors by the dimensions they share with the query.

    Scores, filters and thresholds are Qdrant's. Vectors may be added, not changed: our collections are not.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._postings: dict[str, Postings] = {}
        self._indexing = threading.Lock()

    def search(
        self,
        query_vector: Any,
        query_filter: models.Filter | None = None,
        limit: int = 10,
        offset: int | None = None,
        with_payload: Any = True,
        with_vectors: Any = False,
        score_threshold: float | None = None,
        idf_corpus: models.Filter | None = None,
    ) -> list[models.ScoredPoint]:
        """See `LocalCollection.search`, which answers all but sparse queries."""
        name, query = self._resolve_query_vector_name(query_vector)
        if not isinstance(query, models.SparseVector) or idf_corpus is not None:
            return super().search(
                query_vector, query_filter, limit, offset, with_payload, with_vectors, score_threshold, idf_corpus
            )
        scores = self._scores(name, query)
        least = 0.0 if score_threshold is None else score_threshold
        found: list[models.ScoredPoint] = []
        for point in np.argsort(-scores, kind="stable"):
            if len(found) >= limit + (offset or 0) or scores[point] <= least:
                break
            if self._fits(int(point), query_filter):
                payload = self._get_payload(int(point), with_payload)
                vector = self._get_vectors(int(point), with_vectors)
                found.append(scored(self.ids_inv[point], float(scores[point]), payload, vector))
        return found[offset or 0 :]

    def _scores(self, name: str, query: models.SparseVector) -> np.ndarray:
        """Scalar products of the query, weighted by inverse document frequency, with all vectors."""
        if (self.config.sparse_vectors or {})[name].modifier == models.Modifier.IDF:
            query = self._rescore_idf(query, name)
        postings = self._indexed(name)
        scores = np.zeros(postings.n_vectors)
        first = np.searchsorted(postings.indices, query.indices, side="left")
        last = np.searchsorted(postings.indices, query.indices, side="right")
        for start, stop, weight in zip(first, last, query.values, strict=True):
            scores[postings.points[start:stop]] += weight * postings.values[start:stop]
        return scores

    def _indexed(self, name: str) -> Postings:
        with self._indexing:
            vectors = self.sparse_vectors[name]
            known = self._postings.get(name)
            if known is None or known.n_vectors != len(vectors):
                known = self._postings[name] = invert(vectors)
            return known

    def _fits(self, point: int, query_filter: models.Filter | None) -> bool:
        if self.deleted[point]:
            return False
        if query_filter is None:
            return True
        return check_filter(query_filter, self.payload[point], self.ids_inv[point], self._calculate_has_vector(point))


def scored(number: Any, score: float, payload: Any, vector: Any) -> models.ScoredPoint:
    """A point that was found; nothing in it needs to be checked again."""
    return models.ScoredPoint.model_construct(id=number, version=0, score=score, payload=payload, vector=vector)


def invert(vectors: list[models.SparseVector]) -> Postings:
    """From the dimensions of each vector to the vectors of each dimension."""
    indices = np.concatenate([np.array(vector.indices, dtype=np.int64) for vector in vectors] or [np.array([], int)])
    values = np.concatenate([np.array(vector.values) for vector in vectors] or [np.array([])])
    points = np.repeat(np.arange(len(vectors)), [len(vector.indices) for vector in vectors])
    order = np.argsort(indices, kind="stable")
    return Postings(len(vectors), indices[order], points[order], values[order])
