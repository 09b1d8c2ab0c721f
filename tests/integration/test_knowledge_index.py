"""The index in all its places: in memory, in files, on a server; by words, and by meaning; and what breaks."""

from __future__ import annotations

import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from embedding_server import EmbeddingServer
from faults import vectors
from qdrant_server import QdrantServer
from typer.testing import CliRunner

from gammapygpt.cli import app
from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.knowledge.index import forget, opened, search
from gammapygpt.settings import Settings
from gammapygpt.settings_loading import load_settings

KEY = "the-key-that-nobody-may-see"
LOOK_UP = """
import json, sys
from gammapygpt.knowledge.index import search
from gammapygpt.settings import Settings
found = search(Settings.model_validate(json.loads(sys.argv[1])), "reflected regions spectrum", 3)
print(json.dumps([snippet.source for snippet in found]))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source tree without tutorials, so that nothing is fetched and the corpus is small."""
    return tmp_path_factory.mktemp("gammapy")


@pytest.fixture
def settings(tree: Path) -> Any:
    """Settings with these retrieval settings; indices are opened anew in each test."""

    def of(backends: dict[str, Any] | None = None, **retrieval: Any) -> Settings:
        values = {"retrieval": {"gammapy_source": str(tree), **retrieval}, "backends": backends or {}}
        return Settings.model_validate(values)

    return of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an index is kept."""
    return tmp_path / "index"


@pytest.fixture
def qdrant() -> Iterator[QdrantServer]:
    with QdrantServer() as server:
        yield server


def sources(settings: Settings, query: str, limit: int = 5, kinds: list[str] | None = None) -> list[str]:
    return [snippet.source for snippet in search(settings, query, limit, kinds)]


def test_what_has_nothing_to_do_with_gammapy_finds_nothing(settings: Any) -> None:
    loaded = settings(store="memory")
    for query in (
        "recipe for a chocolate cake with cherries",
        "train schedule from Berlin to Munich",
        "the of and",
        "",
    ):
        assert sources(loaded, query) == [], query
    assert sources(settings(store="memory", threshold=0.0), "a cake with an energy axis") != []
    assert sources(settings(store="memory", threshold=0.9), "a cake with an energy axis") == []


def test_only_the_kinds_that_are_asked_for(settings: Any) -> None:
    loaded = settings(store="memory")
    for kinds in (["api"], ["drift"], ["recipe", "api"]):
        found = sources(loaded, "flux points estimator with energy edges", 8, kinds)
        assert found
        assert {source.split(":")[0] for source in found} <= set(kinds)
    assert sources(loaded, "flux points", 8, ["own"]) == []


def test_memory_keeps_nothing_and_a_folder_keeps_one_file(
    settings: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = sources(settings(store="memory"), "reflected regions spectrum")
    said: list[str] = []
    index = opened(settings(store=str(folder)), said.append)
    assert any("documents" in line for line in said)
    (file,) = folder.iterdir()
    before = file.stat().st_mtime_ns
    forget(index)
    said.clear()
    assert [one.source for one in search(settings(store=str(folder)), "reflected regions spectrum", 5)] == expected
    assert (said, file.stat().st_mtime_ns) == ([], before)


def test_a_broken_file_is_made_again(settings: Any, folder: Path) -> None:
    from gammapygpt.knowledge.material import read

    index = opened(settings(store=str(folder)))
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    for broken in (whole[: len(whole) // 2], b"", array.getvalue(), b"PK\3\4" + bytes(range(256)), whole[100:]):
        file.write_bytes(broken)
        assert read(file) is None
    forget(index)
    assert sources(settings(store=str(folder)), "reflected regions spectrum")
    assert file.stat().st_size == len(whole)


def test_a_folder_that_cannot_be_written_is_said_in_one_line(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be kept in .*retrieval\.store"):
        opened(settings(store=str(tmp_path / "file" / "index")))
    said: list[str] = []
    lenient = settings(store=str(tmp_path / "file" / "index"), required=False)
    assert search(lenient, "reflected regions", 3, say=said.append), "kept nowhere, but there"
    assert "cannot be kept" in said[-1]
    assert said[-1] in opened(lenient).describe().notes


@pytest.mark.slow
def test_two_processes_at_once_share_a_folder(settings: Any, folder: Path) -> None:
    values = json.dumps(settings(store=str(folder)).model_dump(mode="json", include={"retrieval"}))

    def one(_: int) -> list[str]:
        done = subprocess.run([sys.executable, "-c", LOOK_UP, values], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    opened(settings(store="memory"))  # asks the environment beforehand, which is not what is tried here
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(one, range(2))
    assert first == second != []
    assert len(list(folder.iterdir())) == 1
    assert one(0) == first


def test_a_server_finds_what_this_process_finds(settings: Any, qdrant: QdrantServer) -> None:
    at_server, here = settings(store=qdrant.url), settings(store="memory")
    for query, kinds in (("reflected regions spectrum", None), ("energy axis", ["api"]), ("chocolate cake", None)):
        assert sources(at_server, query, 5, kinds) == sources(here, query, 5, kinds)
    assert qdrant.names == {opened(at_server).collection}
    assert opened(at_server).collection == f"gammapygpt-{opened(here).describe().corpus}-lexical"


def test_a_collection_is_built_once_whoever_comes_first(settings: Any, qdrant: QdrantServer) -> None:
    with ThreadPoolExecutor(2) as pool:
        values = json.dumps(settings(store=qdrant.url).model_dump(mode="json", include={"retrieval"}))
        command = [sys.executable, "-c", LOOK_UP, values]
        both = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True), range(2)))
    assert [done.returncode for done in both] == [0, 0], both[0].stderr + both[1].stderr
    assert both[0].stdout == both[1].stdout
    qdrant.requests.clear()
    index = opened(settings(store=qdrant.url))
    assert qdrant.client.count(index.collection).count == len(index.material.documents)
    assert not [request for request in qdrant.requests if request.startswith("PUT")]


def test_pruning_touches_nobody_elses_collections(
    settings: Any, qdrant: QdrantServer, tree: Path, folder: Path
) -> None:
    for name in ("gammapygpt-0123456789abcdef-lexical", "gammapygpt-notes", "theirs"):
        qdrant.client.create_collection(name, vectors_config={})
    arguments = ["index", "build", "--prune", "--json", "--set", f"retrieval.gammapy_source={tree}"]
    done = CliRunner().invoke(app, [*arguments, "--set", f"retrieval.store={qdrant.url}"])
    assert json.loads(done.stdout)["removed"] == ["gammapygpt-0123456789abcdef-lexical"]
    assert qdrant.names == {opened(settings(store=qdrant.url)).collection, "gammapygpt-notes", "theirs"}


def test_pruning_a_folder_leaves_the_file_in_use(tree: Path, folder: Path) -> None:
    folder.mkdir()
    for name in ("0123456789abcdef.npz", "mine.npz", "notes.txt"):
        (folder / name).write_text("")
    arguments = ["index", "build", "--prune", "--json", "--set", f"retrieval.gammapy_source={tree}"]
    done = CliRunner().invoke(app, [*arguments, "--set", f"retrieval.store={folder}"])
    assert json.loads(done.stdout)["removed"] == [str(folder / "0123456789abcdef.npz")]
    assert len(list(folder.iterdir())) == 3


def test_a_collection_that_somebody_removed_is_built_again(settings: Any, qdrant: QdrantServer) -> None:
    loaded = settings(store=qdrant.url)
    expected = sources(loaded, "reflected regions")
    qdrant.client.delete_collection(opened(loaded).collection)
    assert sources(loaded, "reflected regions") == expected != []


def test_a_server_that_does_not_answer(settings: Any) -> None:
    with QdrantServer() as server:
        url = server.url
    with pytest.raises(InfrastructureError, match=r"does not answer.*retrieval\.store"):
        search(settings(store=url), "energy", 3)
    said: list[str] = []
    assert search(settings(store=url, required=False), "energy", 3, say=said.append) == []
    assert [line for line in said if "Going on without retrieval" in line]


def test_a_server_that_is_not_there_is_asked_once_in_a_while(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = QdrantServer()
    lenient = settings(store=server.url, required=False)
    server.key = "another"
    with server:
        said: list[str] = []
        assert search(lenient, "energy axis", 3, say=said.append) == []
        n_requests = len(server.requests)
        told: list[str] = []
        assert search(lenient, "energy axis", 3, say=told.append) == []
        assert len(server.requests) == n_requests
        assert told == said[-1:], "but whoever asks is told"
        server.key = ""
        monkeypatch.setattr("gammapygpt.knowledge.index.REST_S", 0.0)
        assert search(lenient, "energy axis", 3, say=said.append)


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ({"status": 500}, "status 500"),
        ({"status": 429}, "overloaded"),
        ({"body": b"{}"}, "not as a Qdrant server"),
        ({"body": b'{"result": null, "status": "ok", "time": 0.0}'}, "not as a Qdrant server"),
        ({"body": b"[1, 2"}, "not as a Qdrant server"),
        ({"delay": 30}, "does not answer"),
    ],
)
def test_a_server_that_misbehaves(
    settings: Any, monkeypatch: pytest.MonkeyPatch, trouble: dict[str, Any], says: str
) -> None:
    monkeypatch.setattr("gammapygpt.knowledge.store.TIMEOUT_S", 1)
    with QdrantServer() as server:
        server.trouble = trouble
        with pytest.raises(InfrastructureError, match=says) as caught:
            search(settings(store=server.url), "energy", 3)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_a_server_that_stops_between_two_searches(settings: Any) -> None:
    with QdrantServer() as server:
        strict, lenient = settings(store=server.url), settings(store=server.url, required=False)
        assert sources(strict, "energy axis") == sources(lenient, "energy axis") != []
    with pytest.raises(InfrastructureError, match="does not answer"):
        sources(strict, "energy axis")
    assert sources(lenient, "energy axis") == []
    assert "Going on without retrieval" in opened(lenient).describe().notes[0]


def test_a_run_goes_on_where_its_server_dies_and_says_so(tmp_path: Path, simulated_data: Path) -> None:
    with vectors.Setting(tmp_path, simulated_data, None) as setting:
        assert vectors.dies_and_is_dispensable(setting) == ""


def test_the_key_of_a_server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with QdrantServer(key=KEY) as server:
        with pytest.raises(UserError, match="QDRANT_KEY, which is not set"):
            search(settings(store=server.url, store_key_env="QDRANT_KEY"), "energy", 3)
        monkeypatch.setenv("QDRANT_KEY", KEY)
        assert search(settings(store=server.url, store_key_env="QDRANT_KEY"), "energy axis", 3)
        with pytest.raises(InfrastructureError, match=r"wants a key.*store_key_env"):
            search(settings(store=server.url), "energy", 3)
        monkeypatch.setenv("QDRANT_KEY", "wrong-" + KEY)
        with pytest.raises(InfrastructureError, match="refuses the key in QDRANT_KEY") as caught:
            search(settings(store=server.url, store_key_env="QDRANT_KEY", snippets=5), "energy", 3)
        assert KEY not in str(caught.value)


def test_an_address_that_is_not_qdrant(settings: Any) -> None:
    with EmbeddingServer() as other, pytest.raises(InfrastructureError, match="not as a Qdrant server"):
        search(settings(store=other.url.removesuffix("/v1")), "energy", 3)


def backend(server: EmbeddingServer, **more: Any) -> dict[str, Any]:
    return {"near": {"model": "chat", "base_url": server.url, "embedding_model": "small", "retries": 0, **more}}


def test_meaning_finds_what_words_do_not(settings: Any) -> None:
    query = "intensity"  # which is `flux` to this model
    with EmbeddingServer() as server:
        by_words = sources(settings(store="memory"), query, 30, ["api"])
        both = settings(backend(server), store="memory", embeddings="near")
        added = [one for one in search(both, query, 30, ["api"]) if one.source not in by_words]
        assert [one.source for one in added if "flux" in one.text.lower()]
        assert sources(both, "recipe for a chocolate cake") == []
        assert "small at 127.0.0.1" in opened(both).describe().embedding
        assert {body["model"] for body in server.bodies} == {"small"}


def test_only_what_is_new_is_embedded(settings: Any, qdrant: QdrantServer, tmp_path: Path) -> None:
    with EmbeddingServer() as server:
        here = settings(backend(server), store="memory", embeddings="near")
        n_documents = len(opened(here).material.documents)
        forget(opened(here))
        server.texts.clear()
        opened(here)
        opened(settings(backend(server), store=qdrant.url, embeddings="near"))
        assert server.texts == []
        (tmp_path / "notes.md").write_text("# Threshold\n\nOur threshold is 0.3 TeV after the new calibration.\n")
        more = opened(settings(backend(server), store="memory", embeddings="near", documents=str(tmp_path)))
        assert len(more.material.documents) == n_documents + 1
        assert len(server.texts) == 1
        assert len(qdrant.names) == 1


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ({"status": 500}, "went on failing"),
        ({"status": 404}, "knows no model 'small'"),
        ({"page": True}, "not as an OpenAI-compatible endpoint"),
        ({"key": "another"}, r"refuses the key .*NEAR_KEY"),
        ({"sends": "none"}, r"sends vectors that are none"),
        ({"sends": "zeros"}, r"sends vectors that are none"),
        ({"sends": "fewer"}, r"sends \d+ vectors for \d+ texts"),
        ({"sends": "lengths"}, r"sends vectors of different lengths \(32, 64\)"),
    ],
)
def test_an_endpoint_that_does_not_embed_costs_one_line(
    settings: Any, monkeypatch: pytest.MonkeyPatch, trouble: dict[str, Any], message: str
) -> None:
    monkeypatch.setenv("NEAR_KEY", KEY)
    said: list[str] = []
    with EmbeddingServer(**trouble) as server:
        loaded = settings(backend(server, api_key_env="NEAR_KEY"), store="memory", embeddings="near")
        found = search(loaded, "reflected regions", 3, say=said.append)
    assert [one.source for one in found] == sources(settings(store="memory"), "reflected regions", 3)
    (line,) = [line for line in said if "by words alone" in line]
    assert re.search(message, line)
    assert "\n" not in line
    assert KEY not in line


@pytest.mark.slow
def test_vectors_of_another_length_than_those_kept_cost_one_line(settings: Any) -> None:
    with EmbeddingServer() as server:
        loaded = settings(backend(server), store="memory", embeddings="near")
        expected = sources(settings(store="memory"), "reflected regions", 3)
        opened(loaded)
        server.sends = "lengths"
        server.n_embedded = 1
        said: list[str] = []
        assert [one.source for one in search(loaded, "reflected regions", 3, say=said.append)] == expected
    assert "vectors of different lengths (32, 64)" in said[0]


def test_a_cache_of_vectors_that_cannot_be_used_costs_one_line(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Path(os.environ["GAMMAPYGPT_CACHE"])
    monkeypatch.setattr("gammapygpt.knowledge.index.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("gammapygpt.knowledge.dense.BUSY_S", 0.1)
    assert cache != tmp_path
    (tmp_path / "embeddings.sqlite").write_text("no database " * 99)
    with EmbeddingServer() as server:
        said: list[str] = []
        assert search(settings(backend(server), store="memory", embeddings="near"), "energy", 3, say=said.append)
        assert "file is not a database" in said[-1]
        (tmp_path / "embeddings.sqlite").unlink()
        with closing(sqlite3.connect(tmp_path / "embeddings.sqlite")) as other:
            other.execute("CREATE TABLE theirs (x)")
            other.execute("BEGIN EXCLUSIVE")
            more = settings(backend(server), store="memory", embeddings="near", snippets=7)
            assert search(more, "energy", 3, say=said.append)
    assert "database is locked" in said[-1]
    assert "by words alone" in said[-1]


def test_an_endpoint_that_dies_between_two_searches(settings: Any) -> None:
    with EmbeddingServer() as server:
        loaded = settings(backend(server), store="memory", embeddings="near")
        assert search(loaded, "reflected regions", 3)
    said: list[str] = []
    assert search(loaded, "reflected regions", 3, say=said.append)
    assert search(loaded, "ring background", 3, say=said.append)
    assert len(said) == 1
    assert "cannot be reached" in said[0]


def test_settings_of_retrieval_that_cannot_be() -> None:
    for key, value, message in (
        ("store", "somewhere", "should be disk, memory, the address of a Qdrant server"),
        ("store", "ftp://host", "should be a web address"),
        ("store_key_env", "my-key", "NAME of an environment variable"),
        ("embeddings", "nobody", "retrieval.embeddings names backend 'nobody'"),
        ("embeddings", "cookbook", "has no 'embedding_model'"),
        ("threshold", "2", "less than 1"),
    ):
        with pytest.raises(UserError, match=message):
            load_settings(None, {f"retrieval.{key}": value}, {})


def test_the_commands_of_the_index(tree: Path, folder: Path) -> None:
    options = ["--set", f"retrieval.gammapy_source={tree}", "--set", f"retrieval.store={folder}"]
    run = CliRunner()
    built = run.invoke(app, ["index", "build", *options])
    assert built.exit_code == 0
    assert "weighing the words" in built.stderr
    assert f"kept in {folder}" in built.stdout
    info = run.invoke(app, ["index", "info", *options])
    assert info.stdout == built.stdout
    assert "note:" in info.stdout  # why there are no tutorials
    told = json.loads(run.invoke(app, ["index", "info", "--json", *options]).stdout)
    assert told["documents"]["api"] > 250
    assert told["gammapy"]
    found = run.invoke(app, ["index", "search", "ring background", "--kind", "api", "--limit", "2", *options]).stdout
    assert found.startswith("api:gammapy.makers.")
    assert "    from gammapy.makers import" in found
    listed = json.loads(run.invoke(app, ["index", "search", "ring background", "--json", *options]).stdout)["found"]
    assert listed[0]["score"] > 0
    assert run.invoke(app, ["index", "search", "chocolate cake", *options]).stdout == "nothing is near enough\n"
    wrong = run.invoke(app, ["index", "search", "ring", "--kind", "novel", *options])
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "there is no kind 'novel'" in wrong.stderr


def test_nothing_of_a_key_is_in_what_is_kept(settings: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAR_KEY", KEY)
    with EmbeddingServer(key=KEY) as server:
        loaded = settings(backend(server, api_key_env="NEAR_KEY"), store=str(folder), embeddings="near")
        assert opened(loaded).dense is not None
    kept = [path for place in (folder, Path(os.environ["GAMMAPYGPT_CACHE"])) for path in place.rglob("*")]
    assert kept
    assert not [path for path in kept if path.is_file() and KEY.encode() in path.read_bytes()]
