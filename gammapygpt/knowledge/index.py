"""The retrieval index: sparse lexical vectors (BM25 weights) in an in-process Qdrant; no download, no network."""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gammapygpt.knowledge.corpus import Document, documents
from gammapygpt.knowledge.environment import api_entries, environment, environment_key
from gammapygpt.settings import Settings
from gammapygpt.state import Snippet

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

COLLECTION, VECTOR = "knowledge", "lexical"
HEADING_WEIGHT = 5.0
"""How many times a term of the heading counts."""
NEARLY, FAR = 0.8, 0.45
"""A second recipe is shown from this part of the first one's score; none below this part of the best score of all."""
SPARE = 20
"""Found beyond the limit, so that a mixture of kinds can be chosen."""
KIND_WEIGHT = {"recipe": 2.0, "api": 1.0, "drift": 0.7}
"""A whole script that works is worth more than a signature; a change of the API matters most when something failed."""
OFF_PATH_WEIGHT = 0.8
"""Of API that few analyses call by itself: catalogues, populations, plots, utilities."""
SATURATION, LENGTH_NORM = 2.0, 0.5
"""k1 and b of Okapi BM25 (Robertson & Zaragoza 2009); b below the usual 0.75: some classes have many methods."""

_COMMON = """
a about after all also an and any are as at be been before by can do does for from given gammapy get give has have how
if in instead into is it its just me my no not of off old on or our please should so some that the their them then there
these this to up use used uses using want was we were what when where which will with write would you your
class def false import none object return self true type
"""
STOP_WORDS = frozenset(_COMMON.split())
FIELD_TERMS = {
    "lightcurve": "light curve",
    "lightcurves": "light curve",
    "livetime": "live time",
    "sed": "flux point spectral",
    "spectrum": "spectral spectrum",
    "spectra": "spectral spectrum",
    "run": "observation run",
    "runs": "observation run",
    "aeff": "effective area aeff",
    "edisp": "energy dispersion edisp",
    "bkg": "background bkg",
    "fov": "field view fov",
    "psf": "point spread psf",
    "skymap": "sky map",
    "ts": "test statistic ts",
    "upper": "upper ul",
    "pointing": "observation",
    "pointings": "observation",
    "sigma": "significance sigma",
    "gaussian": "gauss",
    "cube": "cube map",
    "blazar": "source",
    "nebula": "source",
}
"""Words of the field that are written in more than one way."""

_INDICES: dict[str, Index] = {}


def search(settings: Settings, query: str, limit: int, kinds: Sequence[str] | None = None) -> list[Snippet]:
    """The pieces of reference material that are nearest to a query, the best first.

    Parameters
    ----------
    settings
        Says which analysis environment the material is about.
    query
        Plain English, code, or an error message.
    limit
        Largest number of snippets.
    kinds
        Any of `recipe`, `api`, `drift`; all when None.

    Raises
    ------
    UserError, InfrastructureError
        The analysis environment cannot be asked; see `environment.environment`.
    """
    if limit < 1:
        return []
    return built(settings).search(query, limit, kinds)


def built(settings: Settings) -> Index:
    """The index of this analysis environment, built once per process and state of the environment."""
    key = environment_key(settings)
    if key not in _INDICES:
        _INDICES[key] = Index(list(documents(api_entries(settings), environment(settings).versions)))
    return _INDICES[key]


class Index:
    """Documents by their words."""

    def __init__(self, corpus: Sequence[Document]) -> None:
        self.snippets = [document.snippet for document in corpus]
        self.client = collection(corpus)

    def search(self, query: str, limit: int, kinds: Sequence[str] | None = None) -> list[Snippet]:
        """The `limit` nearest snippets of these kinds, with their scores; see `search`."""
        from qdrant_client import models

        indices = sorted({dimension(term) for term in terms(query)})
        if not indices:
            return []
        wanted = models.FieldCondition(key="kind", match=models.MatchAny(any=list(kinds))) if kinds else None
        answer = self.client.query_points(
            COLLECTION,
            query=models.SparseVector(indices=indices, values=[1.0] * len(indices)),
            using=VECTOR,
            query_filter=models.Filter(must=[wanted]) if wanted else None,
            limit=limit if kinds else limit + SPARE,
        )
        found = [self.snippets[int(point.id)].model_copy(update={"score": point.score}) for point in answer.points]
        return found if kinds else mixed(found)[:limit]


def mixed(found: Sequence[Snippet]) -> list[Snippet]:
    """The closest recipe first, others only where they are nearly as close (recipes are long); few API changes."""
    recipes = [snippet for snippet in found if snippet.source.startswith("recipe:")]
    recipes = [snippet for snippet in recipes if snippet.score >= NEARLY * recipes[0].score][:2]
    drift = [snippet for snippet in found if snippet.source.startswith("drift:")][:2]
    others = [snippet for snippet in found if snippet.source.startswith("api:")]
    if recipes and recipes[0].score < FAR * found[0].score:
        recipes = []
    return recipes + sorted(others + drift, key=lambda snippet: snippet.score, reverse=True)


def collection(corpus: Sequence[Document]) -> QdrantClient:
    """An in-process Qdrant with one point a document; Qdrant itself weights terms by inverse document frequency."""
    from qdrant_client import QdrantClient, models

    counts = [term_counts(document) for document in corpus]
    mean_length = sum(sum(count.values()) for count in counts) / max(len(counts), 1)
    client = QdrantClient(":memory:")
    sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
    client.create_collection(COLLECTION, vectors_config={}, sparse_vectors_config={VECTOR: sparse})
    points: list[Any] = []
    for number, (document, count) in enumerate(zip(corpus, counts, strict=True)):
        weights = bm25(count, mean_length, prior(document))
        vector = models.SparseVector(indices=list(weights), values=list(weights.values()))
        points.append(models.PointStruct(id=number, vector={VECTOR: vector}, payload={"kind": document.kind}))
    if points:
        client.upsert(COLLECTION, points)
    return client


def prior(document: Document) -> float:
    """How much a document weighs whatever the query."""
    weight = KIND_WEIGHT[document.kind]
    off_path = re.match(r"api:.*\.(catalog|astro|utils|visualization)\.", document.snippet.source)
    return weight * OFF_PATH_WEIGHT if off_path else weight


def term_counts(document: Document) -> dict[str, float]:
    """How often each term occurs; one in the heading counts several times."""
    counts: dict[str, float] = {}
    for text, weight in ((document.heading, HEADING_WEIGHT), (document.body, 1.0)):
        for term in terms(text):
            counts[term] = counts.get(term, 0.0) + weight
    return counts


def bm25(counts: dict[str, float], mean_length: float, weight: float) -> dict[int, float]:
    """The document's part of the BM25 formula, per vector dimension, times a weight."""
    norm = SATURATION * (1 - LENGTH_NORM + LENGTH_NORM * sum(counts.values()) / mean_length)
    weights: dict[int, float] = {}
    for term, count in counts.items():
        index = dimension(term)
        weights[index] = weights.get(index, 0.0) + weight * count * (SATURATION + 1) / (count + norm)
    return weights


def dimension(term: str) -> int:
    """Vector dimension of a term; needs no vocabulary, so that any query can be written as a vector."""
    return zlib.crc32(term.encode())


def terms(text: str) -> list[str]:
    """Searchable terms: words and parts of identifiers, in lower case, without endings; identifiers also as a whole.

    `FluxPointsEstimator.run` gives `fluxpointsestimator`, `flux`, `point`, `estimator`, `observation` and `run`.
    """
    found = []
    for word in re.findall(r"\d*[A-Za-z][A-Za-z0-9_]*", text):
        parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", word)
        if len(parts) > 1:
            found.append(word.lower())
        for part in parts:
            for term in FIELD_TERMS.get(part.lower(), part.lower()).split():
                if term not in STOP_WORDS and len(term) > 1:
                    found.append(stem(term))
    return found


@functools.cache
def stem(word: str) -> str:
    """The word without the commonest English endings: enough to bring `reflected` and `reflections` together."""
    for ending in ("ations", "ation", "ings", "ing", "ions", "ion", "ies", "ed", "es", "er", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
