"""Sparse vectors: what BM25 says of a document, and how a score reads."""

from __future__ import annotations

import pytest
from langchain_qdrant import QdrantVectorStore, RetrievalMode
from qdrant_client import QdrantClient, models

from gammapygpt.knowledge.inprocess import in_process
from gammapygpt.knowledge.lexical import Lexical, rows_of

TEXTS = [
    "SafeMaskMaker\n\nMask energies where the effective area is low.",
    "FluxPointsEstimator\n\nEstimate flux points in energy bins with a likelihood profile.",
    "Ring background\n\nThe ring background maker estimates the background in a ring.",
    "Light curve\n\nCompute the flux in time bins; mask nothing.",
]


def store(client: QdrantClient, lexical: Lexical) -> QdrantVectorStore:
    """The texts in a collection; one in two is of kind `even`."""
    sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
    client.create_collection("texts", vectors_config={}, sparse_vectors_config={"lexical": sparse})
    filled = QdrantVectorStore(
        client,
        "texts",
        retrieval_mode=RetrievalMode.SPARSE,
        sparse_embedding=lexical,
        sparse_vector_name="lexical",
        validate_collection_config=False,
    )
    kinds = [{"kind": ("even", "odd")[n % 2]} for n in range(len(TEXTS))]
    filled.add_texts(TEXTS, kinds, ids=list(range(len(TEXTS))))
    return filled


@pytest.fixture
def found() -> QdrantVectorStore:
    return store(in_process(), Lexical(TEXTS))


def test_the_document_with_the_words_comes_first(found: QdrantVectorStore) -> None:
    for query, heading in (
        ("flux points estimator", "FluxPointsEstimator"),
        ("rings", "Ring background"),
        ("safe mask", "SafeMaskMaker"),
        ("time bins", "Light curve"),
    ):
        assert found.similarity_search(query, 1)[0].page_content.startswith(heading), query


def test_a_score_is_the_part_of_the_query_that_is_covered(found: QdrantVectorStore) -> None:
    scores = [
        found.similarity_search_with_score(query, 1)[0][1]
        for query in ("ring background", "ring background chocolate", "ring chocolate cake with cherries and cream")
    ]
    assert 0.6 < scores[0] < 1
    assert scores[0] > scores[1] > scores[2] > 0


def test_an_unknown_name_does_not_count_against_its_parts(found: QdrantVectorStore) -> None:
    (_, gone), (_, parts) = (found.similarity_search_with_score(text, 1)[0] for text in ("SafeMaskX", "safe mask"))
    assert gone == pytest.approx(parts, rel=0.1)  # `mask` is written as in a document


def test_nothing_in_common_is_no_match(found: QdrantVectorStore) -> None:
    assert found.similarity_search("chocolate cake", 4) == []
    assert Lexical(TEXTS).embed_query("what is the").indices == []


def test_the_inverted_index_finds_what_qdrant_finds_by_reading_everything(found: QdrantVectorStore) -> None:
    reference = store(QdrantClient(":memory:"), Lexical(TEXTS))
    even = models.Filter(must=[models.FieldCondition(key="metadata.kind", match=models.MatchValue(value="even"))])
    for options in ({}, {"filter": even}, {"score_threshold": 0.3}, {"offset": 1}):
        for query in ("mask the ring", "flux in energy bins", "background", "nothing here"):
            one, other = (
                [(doc.page_content, pytest.approx(score, rel=1e-5)) for doc, score in each]
                for each in (
                    found.similarity_search_with_score(query, 3, **options),
                    reference.similarity_search_with_score(query, 3, **options),
                )
            )
            assert one == other, (query, options)


def test_a_document_that_is_added_later_is_found_too() -> None:
    lexical = Lexical(TEXTS)
    found = store(in_process(), lexical)
    assert len(found.similarity_search("ring", 4)) == 1
    found.add_texts([TEXTS[2]], [{"kind": "even"}], ids=[99])
    assert len(found.similarity_search("ring", 4)) == 2
    found.delete([99])
    assert len(found.similarity_search("ring", 4)) == 1


def test_vectors_survive_a_file() -> None:
    lexical = Lexical(TEXTS)
    again = Lexical(TEXTS, rows_of(lexical.arrays()))
    assert [row.indices for row in again.rows] == [row.indices for row in lexical.rows]
    assert again.embed_query("ring chocolate") == lexical.embed_query("ring chocolate")
    assert again.rows[0].values == pytest.approx(lexical.rows[0].values, rel=1e-6)


def test_other_words_for_a_phrase_count_no_more_than_the_phrase_allows() -> None:
    lexical = Lexical([*TEXTS, "Upper limit\n\nLimits at the n_sigma_ul level.", "Sensitivity\n\nOf an observation."])
    own, limit = (lexical.embed_query(query) for query in ("estimator", "estimator undetected"))
    assert len(limit.indices) > len(own.indices)  # `undetected` is an upper limit
    (estimator,) = (limit.values[limit.indices.index(index)] for index in own.indices)
    others = [value for index, value in zip(limit.indices, limit.values, strict=True) if index not in own.indices]
    assert 0 < max(others) <= estimator


def test_everyday_words_alone_find_nothing() -> None:
    lexical = Lexical([*TEXTS, "Guide\n\nWe work with this in the next week, which is good."])
    assert lexical.embed_query("what is a good book for next week").indices == []
    assert lexical.embed_query("what is a good mask for next week").indices != []


def test_words_side_by_side_and_their_endings_decide_between_documents_with_the_same_words() -> None:
    apart = "One\n\nThe limit is low, the upper edge is high."
    near = "Two\n\nThe upper limit is low, the edge is high."
    endings = "Three\n\nThe uppers are limited, the edging is high and low."
    lexical = Lexical([apart, near, endings])

    def score(query: str, text: str) -> float:
        asked, row = (lexical.embed_query(query), lexical.embed_documents([text])[0])
        weights = dict(zip(asked.indices, asked.values, strict=True))
        return sum(weights.get(index, 0.0) * value for index, value in zip(row.indices, row.values, strict=True))

    assert score("upper limit", near) > score("upper limit", apart)
    assert score("limited edging", endings) > max(score("limited edging", text) for text in (apart, near))
