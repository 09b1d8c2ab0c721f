"""How well and how fast reference material is found: recall and MRR on labelled queries, against a plain BM25.

    python benchmarks/retrieval.py [--source gammapy-2.1.tar.gz] [--out benchmarks/retrieval.json]
    python benchmarks/retrieval.py --split tuning        # while weights are being chosen: nothing else is looked at
    python benchmarks/retrieval.py --embeddings http://127.0.0.1:8000/v1 --model MODEL   # with dense vectors as well

The plain BM25 is that of bm25s with its default parameters and its default tokens (words of two characters or more, no
stemming, English stop words left out), over the same documents: as they are indexed, with the phrases of `asked.tsv`,
and as they are without those (`bare`). A query counts as answered at 5 when one of the five first documents is labelled
as relevant; MRR is over the ten first. `tuning` is what the retrieval was built with; of `fresh` and `later` nothing
but these figures was looked at. `--source` is the source distribution of the installed Gammapy, unpacked or not;
without it the corpus fetches its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

QUERIES = [Path(__file__).with_name(f"retrieval_{name}.toml") for name in ("queries", "fresh")]
SPLITS = ("tuning", "fresh", "later")
AT, DEPTH = 5, 10
Search = Callable[[str, int], list[str]]
"""Sources of the nearest documents, for a query and how many."""

START = """
import json, sys, time
start = time.perf_counter()
import langchain_qdrant
imported = time.perf_counter()
from gammapygpt.knowledge.index import opened
from gammapygpt.settings import Settings
index = opened(Settings.model_validate(json.loads(sys.argv[1])))
opened_at = time.perf_counter()
index.search("energy", 5)
print(json.dumps({"import_s": imported - start, "load_s": opened_at - imported,
                  "first_query_s": time.perf_counter() - opened_at}))
"""


def is_hit(source: str, relevant: Sequence[str]) -> bool:
    """A document is labelled: by a prefix of its source, API by the whole of it."""
    return any(source == label if label.startswith("api:") else source.startswith(label) for label in relevant)


def rank(sources: Sequence[str], relevant: Sequence[str]) -> int:
    """Place of the first relevant document, 0 for none."""
    return next((place for place, source in enumerate(sources, 1) if is_hit(source, relevant)), 0)


def judged(queries: list[dict[str, Any]], search: Search) -> dict[str, Any]:
    """Recall and MRR over some queries."""
    ranks = [rank(search(query["query"], DEPTH), query["relevant"]) for query in queries]
    n = max(len(ranks), 1)
    return {
        "queries": len(ranks),
        "recall_at_5": round(sum(0 < place <= AT for place in ranks) / n, 3),
        "mrr": round(sum(1 / place for place in ranks if place) / n, 3),
    }


def by_kind(queries: list[dict[str, Any]], search: Search) -> dict[str, Any]:
    """The same for each kind of query, and for all."""
    kinds = sorted({query["kind"] for query in queries})
    parts = {kind: judged([query for query in queries if query["kind"] == kind], search) for kind in kinds}
    return {**parts, "all": judged(queries, search)}


def ours(settings: Any) -> Search:
    """The search of the retriever: a mixture of all kinds."""
    from gammapygpt.knowledge import search

    return lambda query, limit: [snippet.source for snippet in search(settings, query, limit)]


def plain(documents: Sequence[Any], texts: Sequence[str]) -> Search:
    """BM25 as the library does it when told nothing."""
    import bm25s

    index = bm25s.BM25()
    index.index(bm25s.tokenize(list(texts), show_progress=False), show_progress=False)

    def search(query: str, limit: int) -> list[str]:
        tokens = bm25s.tokenize(query, show_progress=False)
        numbers, scores = index.retrieve(tokens, k=limit, show_progress=False)
        pairs = zip(numbers[0], scores[0], strict=True)
        return [documents[number].snippet.source for number, score in pairs if score > 0]

    return search


def without_phrases(document: Any) -> Any:
    """A document without what users ask of it."""
    from gammapygpt.knowledge.asked import asked_of

    phrases = "".join(f"; {told}" for told in asked_of(document))
    return document._replace(heading=document.heading.removesuffix(phrases))


def times(queries: list[dict[str, Any]], search: Search, repeat: int) -> dict[str, float]:
    """Of single queries, in ms."""
    taken = []
    for query in queries * repeat:
        start = time.perf_counter()
        search(query["query"], 6)
        taken.append((time.perf_counter() - start) * 1e3)
    taken.sort()
    return {"median_ms": round(statistics.median(taken), 2), "p95_ms": round(taken[int(0.95 * len(taken))], 2)}


def starts(values: dict[str, Any], repeat: int = 5) -> dict[str, float]:
    """Of a new process that finds an index which is built, in s: medians."""
    runs = []
    for _ in range(repeat):
        answer = subprocess.run(
            [sys.executable, "-c", START, json.dumps(values)], capture_output=True, text=True, check=True
        )
        runs.append(json.loads(answer.stdout.splitlines()[-1]))
    return {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}


def built(settings: Any) -> tuple[Any, dict[str, float]]:
    """The index, made from nothing but sources and the introspection of the installed Gammapy; and the seconds, of
    CPU too."""
    from gammapygpt.knowledge.environment import api_entries
    from gammapygpt.knowledge.index import opened

    start, busy = time.perf_counter(), sum(os.times()[:4])
    api_entries(settings)
    asked = time.perf_counter()
    index = opened(settings)
    done, busy = time.perf_counter(), sum(os.times()[:4]) - busy
    seconds = {"introspection_s": asked - start, "build_s": done - asked, "cpu_s": busy}
    return index, {name: round(value, 2) for name, value in seconds.items()}


def near(queries: list[dict[str, Any]], search: Search) -> dict[str, Any]:
    """How many of the queries find anything at all."""
    return {"queries": len(queries), "found_something": sum(bool(search(query["query"], 6)) for query in queries)}


def machine() -> dict[str, object]:
    packages = ("gammapy", "qdrant-client", "langchain-qdrant", "bm25s", "numpy")
    return {
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }


def table(results: dict[str, dict[str, Any]]) -> str:
    """Recall at 5 and MRR, one line for each kind of query."""
    ways = list(results)
    lines = [f"{'':10}{'queries':>8}" + "".join(f"{way + ' recall@5':>20}{way + ' MRR':>14}" for way in ways)]
    for kind, told in results[ways[0]].items():
        cells = (f"{results[way][kind]['recall_at_5']:>20.3f}{results[way][kind]['mrr']:>14.3f}" for way in ways)
        lines.append(f"{kind:10}{told['queries']:>8}" + "".join(cells))
    return "\n".join(lines)


def with_vectors(values: dict[str, Any], url: str, model: str) -> dict[str, Any]:
    """The same settings with an embedding endpoint."""
    backend = {"base_url": url, "model": model, "embedding_model": model}
    return {"retrieval": {**values["retrieval"], "embeddings": "dense"}, "backends": {"dense": backend}}


def measured(splits: Sequence[str], values: dict[str, Any], repeat: int, dense: dict[str, Any]) -> dict[str, Any]:
    """All of it, in a cache folder of its own."""
    from gammapygpt.knowledge.material import searchable
    from gammapygpt.settings import Settings

    settings = Settings.model_validate(values)
    index, seconds = built(settings)
    documents = index.material.documents
    texts = {"plain": [searchable(one) for one in documents]}
    texts["bare"] = [searchable(without_phrases(one)) for one in documents]
    ways = {"ours": ours(settings)} | {way: plain(documents, told) for way, told in texts.items()}
    if dense:
        ways["fused"] = ours(Settings.model_validate(dense))
        ways["fused"]("energy", 5)  # embeds all documents
    files = [tomllib.loads(path.read_text(encoding="utf-8")) for path in QUERIES]
    queries = [query for told in files for query in told["query"]]
    labels = {
        "labels": sum(len(query.get("relevant", ())) for query in queries),
        "judged": sum(told["pooling"]["judged"] for told in files),
    }
    found: dict[str, Any] = {
        "labels": labels,
        "index": vars(index.describe()),
        "threshold": settings.retrieval.threshold,
    }
    for split in splits:
        mine = [query for query in queries if query["split"] == split]
        asked = [query for query in mine if query["kind"] != "foreign"]
        found[split] = {way: by_kind(asked, search) for way, search in ways.items()}
        found[split]["foreign"] = near([query for query in mine if query["kind"] == "foreign"], ways["ours"])
        found[split]["answerable"] = near(asked, ways["ours"])
        print(f"{split}\n{table({way: found[split][way] for way in ways})}")
        print(f"something found for {found[split]['foreign']} foreign queries, {found[split]['answerable']} others\n")
    in_splits = [query for query in queries if query["split"] in splits]
    found["seconds"] = {**seconds, **starts(values), "query": times(in_splits, ways["ours"], repeat)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="", help="source distribution of the installed Gammapy")
    parser.add_argument("--split", choices=SPLITS, action="append")
    parser.add_argument("--embeddings", default="", help="base URL of an endpoint: measure words and vectors as well")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="of that endpoint")
    parser.add_argument("--repeat", type=int, default=5, help="of each query, for the times")
    parser.add_argument("--out", default="")
    arguments = parser.parse_args()
    values = {"retrieval": {"gammapy_source": arguments.source}}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GAMMAPYGPT_CACHE"] = cache
        splits = arguments.split or SPLITS
        command = f"python benchmarks/retrieval.py{' --source SOURCE' if arguments.source else ''}"
        dense = with_vectors(values, arguments.embeddings, arguments.model) if arguments.embeddings else {}
        results = {"command": command, "machine": machine(), **measured(splits, values, arguments.repeat, dense)}
        results["dense_model"] = arguments.model if dense else ""
    results["index"]["where"] = "in process, kept in a folder"
    print(json.dumps(results["seconds"]))
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
