"""Sparse vectors from words: BM25 weights of a document here, inverse document frequency in Qdrant. No download."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from langchain_qdrant import SparseEmbeddings, SparseVector

from gammapygpt.knowledge.words import everyday, forms, pairs, plain_words, related, terms

HEADING_WEIGHT = 5.0
"""How many times a term of the heading counts."""
SATURATION, LENGTH_NORM = 2.0, 0.5
"""k1 and b of Okapi BM25 (Robertson & Zaragoza 2009); b below the usual 0.75: some classes have many methods."""
PAIR_WEIGHT, FORM_WEIGHT = 0.4, 0.3
"""What two words count that stand side by side in query and document, and a word with the very ending of the query's:
beside what each word counts whatever its ending."""
SHARE, LEAST, MOST = 0.75, 3.0, 0.5
"""Other words for a phrase count at most this many times as much as the phrase does, which counts at least this; and
none more than this part of a word of the query. Where users say such things, `asked.tsv` tells it of the very document:
at twice the weight the queries that were at hand are answered better, new ones worse."""


class Counts(NamedTuple):
    """How often what occurs in a document, by dimension."""

    terms: dict[int, float]
    others: dict[int, float]
    """Pairs and forms, which add nothing to a document's length."""


class Lexical(SparseEmbeddings):
    """Documents and queries as sparse vectors whose scalar product is a BM25 score between 0 and 1.

    A score is the part of the query's information that a document covers, so that one threshold fits all queries.

    Parameters
    ----------
    texts
        All documents, each with its heading before the first blank line.
    rows
        Their vectors, where these are known already.
    """

    def __init__(self, texts: Sequence[str], rows: Sequence[SparseVector] | None = None) -> None:
        self.rows = list(rows) if rows is not None else weigh([counted(text) for text in texts])
        self._row_of = dict(zip(texts, self.rows, strict=True))
        self._frequency = Counter(index for row in self.rows for index in row.indices)
        self._everyday = self._known(everyday())

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        """The vectors of texts that the corpus holds."""
        return [self._row_of[text] for text in texts]

    def embed_query(self, text: str) -> SparseVector:
        """A query's terms, weighted such that a document with all of them often has a score of nearly 1.

        Terms that mean the same in Gammapy's documentation are added. A plain word that the corpus has nowhere weighs
        as much as a rare one; an unknown name does not count: its parts do. Where the corpus has none of the words but
        everyday ones, nothing is looked for.
        """
        own = self._known(terms(text))
        if own <= self._everyday:
            return SparseVector(indices=[], values=[])
        information = self._information(own | {dimension(term) for term in plain_words(text)})
        weights = dict.fromkeys(self._known(pairs(text)), PAIR_WEIGHT)
        weights |= dict.fromkeys(self._known(forms(text)), FORM_WEIGHT)
        weights |= self._others(text, own) | dict.fromkeys(own, 1.0)
        scale = 1 / (information * (SATURATION + 1) * (1 + FORM_WEIGHT))
        return SparseVector(indices=sorted(weights), values=[weights[index] * scale for index in sorted(weights)])

    def _others(self, text: str, own: set[int]) -> dict[int, float]:
        """Weights of the terms that mean the same as a phrase; many terms share what one would have."""
        weights: dict[int, float] = {}
        for phrase, meant in related(text):
            if others := self._known(meant) - own:
                spoken = self._information({dimension(term) for term in terms(phrase)})
                weight = min(MOST, SHARE * max(spoken, LEAST) / self._information(others))
                weights |= {index: max(weight, weights.get(index, 0.0)) for index in others}
        return weights

    def _information(self, indices: Collection[int]) -> float:
        return sum(map(self._idf, indices))

    def _known(self, words: Iterable[str]) -> set[int]:
        """Dimensions of those words that the corpus has."""
        return {index for index in map(dimension, words) if index in self._frequency}

    def _idf(self, index: int) -> float:
        """As Qdrant calculates it."""
        frequency = self._frequency.get(index, 0)
        return math.log((len(self.rows) - frequency + 0.5) / (frequency + 0.5) + 1)

    def arrays(self) -> dict[str, np.ndarray]:
        """The vectors as arrays for a file; see `rows_of`."""
        indices = np.array([index for row in self.rows for index in row.indices], dtype=np.uint32)
        values = np.array([value for row in self.rows for value in row.values], dtype=np.float32)
        return {"lengths": np.array([len(row.indices) for row in self.rows]), "indices": indices, "values": values}


def rows_of(arrays: Mapping[str, np.ndarray]) -> list[SparseVector]:
    """The vectors out of the arrays of a file."""
    ends = np.cumsum(arrays["lengths"])[:-1]
    pairs = zip(np.split(arrays["indices"], ends), np.split(arrays["values"], ends), strict=True)
    return [SparseVector.model_construct(indices=i.tolist(), values=v.tolist()) for i, v in pairs]


def counted(text: str) -> Counts:
    """What occurs in a document; in the heading it counts several times."""
    heading, _, body = text.partition("\n\n")
    counts = Counts({}, {})
    for part, weight in ((heading, HEADING_WEIGHT), (body, 1.0)):
        for found, into in ((terms(part), counts.terms), (pairs(part) + forms(part), counts.others)):
            for index in map(dimension, found):
                into[index] = into.get(index, 0.0) + weight
    return counts


def weigh(counts: Sequence[Counts]) -> list[SparseVector]:
    """The documents' part of the BM25 formula."""
    mean_length = sum(sum(count.terms.values()) for count in counts) / max(len(counts), 1)
    return [bm25(count, mean_length) for count in counts]


def bm25(counts: Counts, mean_length: float) -> SparseVector:
    """One document's part, its dimensions in order."""
    norm = SATURATION * (1 - LENGTH_NORM + LENGTH_NORM * sum(counts.terms.values()) / max(mean_length, 1.0))
    found = counts.terms | counts.others
    indices = sorted(found)
    values = [found[index] * (SATURATION + 1) / (found[index] + norm) for index in indices]
    return SparseVector.model_construct(indices=indices, values=values)


def dimension(term: str) -> int:
    """Vector dimension of a term; needs no vocabulary, so that any query can be written as a vector."""
    return zlib.crc32(term.encode())
