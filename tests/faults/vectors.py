"""A vector store, its files and an embedding endpoint that fail: the run says so, and goes on without where it may."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from embedding_server import EmbeddingServer
from qdrant_server import QdrantServer
from scripted_run import REQUEST
from scripted_server import ScriptedServer
from typer.testing import Result

from faults.command import FENCED, RESULT, command_line, the_run
from faults.trial import Trial
from gammapygpt.data.simulate import simulate

UNKNOWN = "from gammapy.makers import NoSuchMaker\nimport json\njson.dump({'n_obs': 4}, open('result.json', 'w'))"
KEY = "hidden-key-of-the-store"
WITHOUT, BY_WORDS = "Going on without retrieval", "looked up by words alone"


class Setting:
    """A run that looks things up twice: for the request, and for the name that its first draft gets wrong.

    Attributes
    ----------
    meanwhile : callable
        Called when the first draft is asked for.
    """

    def __init__(self, place: Path, data: Path, environment: dict[str, str] | None) -> None:
        self.meanwhile: Callable[[], None] = lambda: None
        self.place, self.data, self.environment = place, data, environment
        self._open = ExitStack()
        self.server = self._open.enter_context(Meanwhile(self))
        self.tree = place / "no-sources"
        self.tree.mkdir(parents=True)

    def __enter__(self) -> Setting:
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()

    def add(self, server: Any) -> Any:
        """Another server, for as long as this lasts."""
        return self._open.enter_context(server)

    def line(self, *words: str, embeddings: str = "", **retrieval: Any) -> Result:
        """A command with these settings of retrieval."""
        backend = {"model": "scripted-model", "base_url": self.server.url, "abilities": [], "retries": 1}
        backend |= {"embedding_model": "small"} if embeddings else {}
        line = command_line(self.place, self.data, backend, self.environment, looks_up=True)
        given = {"gammapy_source": str(self.tree), **retrieval}
        if embeddings:
            given["embeddings"] = "near"
            near = {"kind": "openai", "model": "chat", "base_url": embeddings, "embedding_model": "small", "retries": 0}
            with (self.place / "config.toml").open("a") as config:
                config.write("\n[backends.near]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in near.items()))
        with (self.place / "config.toml").open("a") as config:
            config.write("\n[retrieval]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in given.items()))
        return line(*words)


class Meanwhile(ScriptedServer):
    """A model that gets a name wrong, then right; and what happens meanwhile."""

    def __init__(self, setting: Setting) -> None:
        wrong = {"text": f"```python\n{UNKNOWN}\n```"}
        super().__init__([wrong, {"text": FENCED}])
        self.setting = setting

    def take(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self.requests:
            self.setting.meanwhile()
        return super().take(request)


def trials(place: Path, seed: int, tries: int) -> Iterator[Trial]:
    """A whole run for each fault, with retrieval required and, where the store is a server, without."""
    data = simulate(place / "data")
    environment = {"GAMMAPYGPT_CACHE": str(place / "cache"), "XDG_CONFIG_HOME": str(place / "no-settings")}
    for number, (name, tried) in enumerate(FAULTS.items()):
        with Setting(place / f"{number:02d}", data, environment) as setting:
            wrong = tried(setting)
        yield Trial(name, not wrong, wrong)


def dead(setting: Setting) -> str:
    """The server is not there; then it is."""
    server = QdrantServer()
    server.stop_listening()
    stopped = setting.line("run", REQUEST, store=server.url)
    if wrong := wrong_stop(stopped, 3, "does not answer"):
        return wrong
    setting.add(QdrantServer(port=server.port))
    return wrong_end(setting.line("resume", "--json", store=server.url), setting)


def dead_and_dispensable(setting: Setting) -> str:
    """The server is not there, and need not be."""
    server = QdrantServer()
    server.stop_listening()
    ended = setting.line("run", REQUEST, "--json", store=server.url, required=False)
    return wrong_end(ended, setting, WITHOUT, found=False)


def dies(setting: Setting) -> str:
    """The server ends while the first draft is written; then it is there again."""
    server = setting.add(QdrantServer())
    setting.meanwhile = server.stop
    stopped = setting.line("run", REQUEST, store=server.url)
    if wrong := wrong_stop(stopped, 3, "does not answer"):
        return wrong
    setting.add(QdrantServer(port=server.port))
    return wrong_end(setting.line("resume", "--json", store=server.url), setting)


def dies_and_is_dispensable(setting: Setting) -> str:
    """The server ends while the first draft is written, and need not be there."""
    server = setting.add(QdrantServer())
    setting.meanwhile = server.stop
    ended = setting.line("run", REQUEST, "--json", store=server.url, required=False)
    return wrong_end(ended, setting, WITHOUT)


def wrong_key(setting: Setting) -> str:
    """The server wants another key; then it gets it."""
    server = setting.add(QdrantServer(key=KEY))
    os.environ["FAULTS_KEY"] = "wrong-" + KEY
    try:
        stopped = setting.line("run", REQUEST, store=server.url, store_key_env="FAULTS_KEY")
        if wrong := wrong_stop(stopped, 3, "refuses the key in FAULTS_KEY"):
            return wrong
        os.environ["FAULTS_KEY"] = KEY
        return wrong_end(setting.line("resume", "--json", store=server.url, store_key_env="FAULTS_KEY"), setting)
    finally:
        del os.environ["FAULTS_KEY"]


def slow(setting: Setting) -> str:
    """The server answers no more, while the first draft is written, before anybody's patience ends."""
    server = setting.add(QdrantServer())
    setting.meanwhile = lambda: server.trouble.update(delay=600)
    ended = setting.line("run", REQUEST, "--json", store=server.url, required=False)
    return wrong_end(ended, setting, WITHOUT)


def deleted(setting: Setting) -> str:
    """Somebody deletes the collection while the first draft is written: it is built again."""
    server = setting.add(QdrantServer())
    setting.meanwhile = lambda: [server.client.delete_collection(name) for name in server.names] and None
    return wrong_end(setting.line("run", REQUEST, "--json", store=server.url), setting)


def damaged(setting: Setting) -> str:
    """The file of the index is half there."""
    store = setting.place / "index"
    setting.line("index", "build", store=str(store))
    (file,) = store.iterdir()
    file.write_bytes(file.read_bytes()[:1000])
    return wrong_end(setting.line("run", REQUEST, "--json", store=str(store)), setting)


def unwritable(setting: Setting) -> str:
    """The folder of the index cannot be made; then it can."""
    (setting.place / "file").write_text("")
    store = str(setting.place / "file" / "index")
    stopped = setting.line("run", REQUEST, store=store)
    if wrong := wrong_stop(stopped, 2, "cannot be kept"):
        return wrong
    (setting.place / "file").unlink()
    return wrong_end(setting.line("resume", "--json", store=store), setting)


def unwritable_and_dispensable(setting: Setting) -> str:
    """The folder of the index cannot be made, and need not be: the index is there, for this once."""
    (setting.place / "file").write_text("")
    store = str(setting.place / "file" / "index")
    return wrong_end(setting.line("run", REQUEST, "--json", store=store, required=False), setting)


def embeddings(**trouble: Any) -> Callable[[Setting], str]:
    """An endpoint of vectors that sends none, or none that can be used."""

    def tried(setting: Setting) -> str:
        server = setting.add(EmbeddingServer(**trouble))
        ended = setting.line("run", REQUEST, "--json", store="memory", embeddings=server.url)
        return wrong_end(ended, setting, BY_WORDS)

    return tried


def cache_is_no_database(setting: Setting) -> str:
    """The file with the vectors of texts holds something else."""
    cache = Path((setting.environment or os.environ)["GAMMAPYGPT_CACHE"]) / "embeddings.sqlite"
    cache.write_text("no database " * 99)
    try:
        return embeddings()(setting)
    finally:
        cache.unlink()


def cache_is_locked(setting: Setting) -> str:
    """Another process has the file with the vectors of texts, and keeps it."""
    cache = Path((setting.environment or os.environ)["GAMMAPYGPT_CACHE"]) / "embeddings.sqlite"
    cache.unlink(missing_ok=True)
    with closing(sqlite3.connect(cache)) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.execute("BEGIN EXCLUSIVE")
        wrong = embeddings()(setting)
    cache.unlink()
    return wrong


FAULTS: dict[str, Callable[[Setting], str]] = {
    "a Qdrant server that is not there: stops with a remedy; resumed": dead,
    "a Qdrant server that is not there, not required: goes on without": dead_and_dispensable,
    "a Qdrant server that dies in a run: stops with a remedy; resumed": dies,
    "a Qdrant server that dies in a run, not required: goes on without": dies_and_is_dispensable,
    "a Qdrant server that wants another key: stops with a remedy; resumed": wrong_key,
    "a Qdrant server that answers no more, not required: goes on without": slow,
    "a collection deleted in a run: built again": deleted,
    "an index file that is damaged: made again": damaged,
    "an index folder that cannot be written: stops with a remedy; resumed": unwritable,
    "an index folder that cannot be written, not required: kept nowhere": unwritable_and_dispensable,
    "embeddings, 401: by words alone": embeddings(key="another"),
    "embeddings, 500: by words alone": embeddings(status=500),
    "embeddings, not a number: by words alone": embeddings(sends="none"),
    "embeddings, other lengths: by words alone": embeddings(sends="lengths"),
    "embeddings, fewer than texts: by words alone": embeddings(sends="fewer"),
    "a cache of vectors that is no database: by words alone": cache_is_no_database,
    "a cache of vectors that another process has: by words alone": cache_is_locked,
}


def wrong_stop(stopped: Result, exit_code: int, says: str) -> str:
    """What is wrong with how a run stopped."""
    said = stopped.stderr.strip()
    if stopped.exit_code != exit_code or "\n" in said or says not in said or KEY in said:
        return f"exit code {stopped.exit_code}: {said}"
    return ""


def wrong_end(ended: Result, setting: Setting, trouble: str = "", *, found: bool = True) -> str:
    """What is wrong with how a run ended that is to pass, and to tell of a trouble in all that it leaves."""
    if ended.exit_code or "Traceback" in ended.output:
        return f"exit code {ended.exit_code}: {ended.output[-500:]} {ended.exception or ''}"
    outcome, run = json.loads(ended.stdout), the_run(setting.place)
    manifest = json.loads((run / "manifest.json").read_text())
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    looked_up = [event for event in events if event["event"] == "retrieved"]
    told = " ".join(manifest["retrieval_troubles"])
    wrong = {
        f"result {outcome['result']}": outcome["result"] != RESULT,
        f"{outcome['usage']['calls']} calls charged": outcome["usage"]["calls"] != 2,
        f"{len(setting.server.requests)} questions": len(setting.server.requests) != 2,
        f"looked up {len(looked_up)} times": len(looked_up) != 2,
        "nothing was found": found and not looked_up[0]["sources"],
        f"the manifest tells {told!r}": trouble not in told or bool(told) != bool(trouble),
        "the report does not tell": trouble not in (run / "final" / "report.html").read_text(),
        "a key is told": any(KEY in path.read_text(errors="replace") for path in run.rglob("*") if path.is_file()),
    }
    return "; ".join(what for what, there in wrong.items() if there)
