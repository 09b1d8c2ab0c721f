"""Checkpoints in SQLite and in Postgres, through the same tests: runs, forks, many processes, what goes wrong."""

from __future__ import annotations

import multiprocessing
import operator
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import pytest
from postgres_server import PASSWORD

from gammapygpt import __version__, state
from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.graph import vocabulary
from gammapygpt.graph.checkpoints import opened, thread
from gammapygpt.runs.folder import RunFolder, write_json
from gammapygpt.runs.place import Place, new_place, place_of
from gammapygpt.session import checkpoints_of, fork, resume
from gammapygpt.settings import RunsSettings
from gammapygpt.settings_loading import load_settings

CRASHES = "import json\nvalue = [1, 2][5]\njson.dump({'n_obs': value}, open('result.json', 'w'))"
RIGHT = "import json\nvalue = 4\njson.dump({'n_obs': value}, open('result.json', 'w'))"
NOBODY = "postgresql://runs@127.0.0.1:9/test"
"""Where no server listens."""
MOST_KB = 200
"""What checkpoints may take for an attempt, whatever its script prints, in kB."""


def test_a_run_is_interrupted_resumed_and_forked(begin, store):
    run = begin(CRASHES, RIGHT, runs={"checkpoints": store})
    for event in run.stream():
        if event.get("agent") == "executor":
            break
    assert run.folder.manifest()["status"] == "interrupted"
    again = resume(run.folder, run.settings)
    list(again.stream())
    assert (again.outcome.status, again.outcome.usage.calls) == ("passed", 2)
    assert [step.next for step in checkpoints_of(run.folder)] == [
        *("__start__", "coder", "executor", "coder", "executor", "")
    ]
    assert (run.folder.path.parent / "checkpoints.sqlite").exists() == (store == "")
    other = fork(run.folder, run.settings, script=RIGHT + "# mine\n")
    list(other.stream())
    assert (other.outcome.status, other.outcome.usage.calls) == ("passed", 2)


def test_a_run_goes_on_in_another_store_only_where_its_checkpoints_are(begin, postgres):
    run = begin(RIGHT, runs={"checkpoints": postgres})
    next(run.stream())
    elsewhere = run.settings.model_copy(update={"runs": RunsSettings(folder=run.settings.runs.folder)})
    with pytest.raises(UserError, match=r"began with its checkpoints in postgresql://\*\*\*@.* say SQLite beside"):
        resume(run.folder, elsewhere)
    moved = postgres.replace("127.0.0.1", "localhost")
    run.settings = run.settings.model_copy(update={"runs": RunsSettings(checkpoints=moved)})
    list(resume(run.folder, run.settings).stream())
    assert place_of(run.folder).store == moved
    assert run.folder.manifest()["status"] == "passed"


def test_runs_of_one_name_in_two_folders_share_a_database(tmp_path, postgres):
    folders = [RunFolder(tmp_path / name / "2026-11-24-crab-ab12") for name in ("mine", "yours")]
    threads = set()
    for folder in folders:
        folder.path.mkdir(parents=True)
        threads.add(new_place(folder, RunsSettings(checkpoints=postgres)).thread)
        assert new_place(folder, RunsSettings(checkpoints=postgres)).thread in threads
    assert len(threads) == 2


def test_old_runs_are_in_sqlite_under_their_names(tmp_path):
    folder = RunFolder(tmp_path / "2026-11-24-crab-ab12")
    assert place_of(folder) == Place(thread="2026-11-24-crab-ab12")
    assert thread(folder)["configurable"]["thread_id"] == "2026-11-24-crab-ab12"


def write_and_read(place: Place, runs: Path, number: int) -> str:
    """Make the tables if need be, write a few checkpoints and read them again."""
    from langgraph.checkpoint.base import empty_checkpoint

    for _ in range(5):
        with opened(place, runs) as saver:
            config = {"configurable": {"thread_id": f"thread {number}", "checkpoint_ns": ""}}
            begun = empty_checkpoint()
            begun["channel_values"] = {"refusal": f"number {number}"}
            saver.put(config, begun, {}, {})
            read = saver.get_tuple(config)
    return read.checkpoint["channel_values"]["refusal"]


@pytest.mark.parametrize("processes", [4, pytest.param(16, marks=pytest.mark.slow)])
def test_many_processes_begin_with_a_new_database_at_once(processes, store, tmp_path):
    place = Place(store=store, thread="")
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        said = pool.starmap(write_and_read, [(place, tmp_path, number) for number in range(processes)], chunksize=1)
    assert said == [f"number {number}" for number in range(processes)]


def test_sqlite_writes_ahead_and_waits(tmp_path):
    with opened(Place(thread=""), tmp_path) as saver:
        assert saver.conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert saver.conn.execute("PRAGMA busy_timeout").fetchone() == (60_000,)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://runs:hunter2@host/db",
        "postgresql://runs:hunt/er2@host/db",
        "postgresql://runs:hunt?er2@host/db",
        "postgres://host/db?user=runs&password=hunter2",
        "postgres://host/db?user=runs&pass%77ord=hunter2",
        "host=localhost password=hunter2",
        "mysql://runs:hunter2@host/db",
        "postgresql://",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(address):
    with pytest.raises(UserError, match=r"checkpoints in \[runs\] should") as refused:
        load_settings(overrides={"runs.checkpoints": address}, environ={})
    assert "hunt" not in str(refused.value)
    assert "er2" not in str(refused.value)


def test_the_password_comes_by_reference_and_is_kept_nowhere(begin, postgres, monkeypatch):
    guarded = postgres.replace("runs@", "guarded@")
    asks = {"checkpoints": guarded, "password_env": "OUR_PASSWORD"}
    with pytest.raises(UserError, match="environment variable OUR_PASSWORD, which is not set"):
        begin(RIGHT, runs=asks)
    monkeypatch.setenv("OUR_PASSWORD", "wrong")
    run = begin(RIGHT, runs=asks)
    with pytest.raises(InfrastructureError, match="password authentication failed"):
        list(run.stream())
    monkeypatch.setenv("OUR_PASSWORD", PASSWORD)
    list(resume(run.folder, run.settings).stream())
    assert run.folder.manifest()["status"] == "passed"
    for path in run.folder.path.parent.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()


def test_a_server_that_is_not_there_is_said_in_a_line_and_the_run_goes_on_later(begin):
    run = begin(RIGHT, runs={"checkpoints": NOBODY})
    with pytest.raises(InfrastructureError, match=r"cannot be reached: .* See that the server is up") as dead:
        list(run.stream())
    assert "\n" not in str(dead.value)
    assert run.folder.manifest()["status"] == "interrupted"
    with pytest.raises(InfrastructureError, match="cannot be reached"):
        resume(run.folder, run.settings)


def test_a_connection_that_breaks_between_two_checkpoints_is_made_again(begin, postgres):
    import psycopg

    run = begin(CRASHES, RIGHT, runs={"checkpoints": postgres})
    events = run.stream()
    next(events)
    with psycopg.connect(postgres, autocommit=True) as other:
        ended = other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
        left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        while other.execute(left).fetchone() != (0,):  # it was only told to
            time.sleep(0.01)
    assert ended == [(True,)]
    list(events)
    assert run.outcome.status == "passed"


def test_words_that_postgres_takes_for_no_text_are_kept_as_escapes(postgres, tmp_path):
    from langgraph.checkpoint.base import empty_checkpoint

    with opened(Place(store=postgres, thread=""), tmp_path) as saver:
        config = {"configurable": {"thread_id": "one", "checkpoint_ns": ""}}
        begun = empty_checkpoint() | {"channel_values": {"refusal": "no\x00 \ud800"}}
        saver.put(config, begun, {}, {})
        assert saver.get_tuple(config).checkpoint["channel_values"] == {"refusal": "no\\x00 \\ud800"}


def test_a_damaged_database_is_said_in_a_line_and_can_be_moved_away(begin):
    run = begin(RIGHT)
    next(run.stream())
    database = run.folder.path.parent / "checkpoints.sqlite"
    database.write_bytes(b"no database " * 1000)
    with pytest.raises(InfrastructureError, match=r"checkpoints.sqlite is damaged \(file is not a database\)"):
        resume(run.folder, run.settings)
    database.unlink()
    list(resume(run.folder, run.settings).stream())
    assert run.folder.manifest()["status"] == "passed"


def test_what_is_not_installed_is_named(monkeypatch, tmp_path):
    from gammapygpt import graph

    monkeypatch.delattr(graph, "postgres", raising=False)
    monkeypatch.setitem(sys.modules, "gammapygpt.graph.postgres", None)
    with pytest.raises(UserError, match=r"pip install 'gammapygpt\[postgres\]'"):
        opened(Place(store=NOBODY, thread=""), tmp_path).__enter__()


def stored_kb(store: str, runs: Path) -> float:
    """How much the checkpoints take, in kB."""
    if store:
        import psycopg

        with psycopg.connect(store) as connection:
            row = connection.execute(
                "SELECT sum(pg_column_size(blob)) FROM (SELECT blob FROM checkpoint_blobs UNION ALL "
                "SELECT blob FROM checkpoint_writes) AS kept"
            ).fetchone()
        return float(row[0]) / 1e3
    with closing(sqlite3.connect(runs / "checkpoints.sqlite")) as connection:
        sizes = "SELECT sum(length(checkpoint)) FROM checkpoints UNION ALL SELECT sum(length(value)) FROM writes"
        return sum(row[0] for row in connection.execute(sizes)) / 1e3


def test_what_a_script_prints_stays_out_of_the_checkpoints(begin, store):
    loud = ["import sys", "print('o' * 200_000)", "print('e' * 200_000, file=sys.stderr)"]
    drafts = ["\n".join([*loud, f"raise ValueError('{n} ' + 'x' * 100_000)"]) for n in "abcd"]
    run = begin(*drafts, runs={"checkpoints": store}, budget={"attempts": 4}, switches={"preflight": False})
    list(run.stream())
    assert [attempt.failure for attempt in run.outcome.attempts] == ["runtime"] * 4
    assert stored_kb(store, run.folder.path.parent) < 4 * MOST_KB
    assert (run.folder.attempts / "04" / "stdout.txt").stat().st_size > 200_000


OLD = Path(__file__).with_name("old_checkpoints.sqlite")
"""The database of a run of two attempts, written by version 0.1 before checkpoints said in which form they are."""


@pytest.fixture
def old_run(begin):
    """A run of that version, as it lay in its folder."""
    run = begin(CRASHES, RIGHT)
    manifest = run.folder.manifest()
    del manifest["checkpoints"]
    write_json(run.folder.path / "manifest.json", manifest)
    shutil.copy(OLD, run.folder.path.parent / "checkpoints.sqlite")
    with closing(sqlite3.connect(run.folder.path.parent / "checkpoints.sqlite")) as database, database:
        for table in ("checkpoints", "writes"):
            database.execute(f"UPDATE {table} SET thread_id = ?", [run.folder.name])
    return run


def test_a_run_of_an_older_version_is_read(old_run):
    assert [step.next for step in checkpoints_of(old_run.folder)][1:4] == ["coder", "executor", "coder"]
    run = resume(old_run.folder, old_run.settings)
    list(run.stream())
    assert (run.outcome.status, run.outcome.result) == ("passed", {"n_obs": 4})


class Stricter(state.Attempt):
    """An attempt as another version may have it: with something that older ones do not have."""

    reviewer: str


class Renamed(state.Attempt):
    """The same by another name."""


def test_what_was_added_with_a_default_is_read(old_run, monkeypatch):
    class Attempt(state.Attempt):
        reviewer: str = "nobody"

    Attempt.__module__, Attempt.__qualname__ = state.__name__, "Attempt"
    now_it_is(monkeypatch, Attempt)
    assert checkpoints_of(old_run.folder)[-1].values["attempts"][1].reviewer == "nobody"


def test_what_an_older_version_did_not_have_is_refused_in_a_line(old_run, monkeypatch):
    Stricter.__name__ = "Attempt"
    now_it_is(monkeypatch, Stricter)
    refusal = "written by an older version of gammapygpt and cannot be read by .*: attempts.0.reviewer: field required"
    with pytest.raises(UserError, match=refusal):
        resume(old_run.folder, old_run.settings)
    with pytest.raises(UserError, match=refusal):
        checkpoints_of(old_run.folder)


def test_a_kind_of_value_that_is_gone_is_refused_in_a_line(old_run, monkeypatch):
    now_it_is(monkeypatch, Renamed, allowed=[state.Request, state.Usage, state.Draft])
    with pytest.raises(UserError, match="attempts: this version has no such kind of value"):
        resume(old_run.folder, old_run.settings)


def now_it_is(monkeypatch, kind, allowed=None):
    """A version whose attempts are of another kind."""
    monkeypatch.setattr(state, "Attempt", kind)
    monkeypatch.setitem(state.RunState.__annotations__, "attempts", Annotated[list[kind], operator.add])
    monkeypatch.setattr(vocabulary, "VOCABULARY", allowed or [*vocabulary.VOCABULARY, (state.__name__, "Attempt")])


def test_another_form_is_refused_with_the_version_that_wrote_it(begin, store, monkeypatch):
    run = begin(RIGHT, runs={"checkpoints": store})
    next(run.stream())
    monkeypatch.setattr(vocabulary, "FORM", vocabulary.FORM + 1)
    with pytest.raises(UserError, match=rf"written by version {__version__} of .*their form is number 1.* number 2"):
        resume(run.folder, run.settings)
