"""Checkpoints in SQLite and in Postgres, through the same tests: runs, forks, many processes, what goes wrong."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import pytest
from postgres_server import PASSWORD

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.graph.checkpoints import opened, thread
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.place import Place, new_place, place_of
from gammapygpt.session import checkpoints_of, fork, resume
from gammapygpt.settings import RunsSettings
from gammapygpt.settings_loading import load_settings

CRASHES = "import json\nvalue = [1, 2][5]\njson.dump({'n_obs': value}, open('result.json', 'w'))"
RIGHT = "import json\nvalue = 4\njson.dump({'n_obs': value}, open('result.json', 'w'))"
NOBODY = "postgresql://runs@127.0.0.1:9/test"
"""Where no server listens."""


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
