"""`gammapygpt runs prune`: what nothing goes on from is dropped, what can go on stays; in SQLite and in Postgres."""

from __future__ import annotations

import json
import shutil

import pytest
from test_checkpoints import CRASHES, RIGHT
from typer.testing import CliRunner

from gammapygpt.cli import app
from gammapygpt.errors import UserError
from gammapygpt.session import checkpoints_of, fork, resume


@pytest.fixture
def prune(tmp_path, store, monkeypatch):
    """The command, for the runs of a test."""
    monkeypatch.setenv("GAMMAPYGPT_RUNS__CHECKPOINTS", store)

    def prune(*options: str) -> dict:
        done = CliRunner().invoke(app, ["runs", "prune", "--json", "--runs", str(tmp_path / "runs"), *options])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return prune


def test_only_what_can_go_on_keeps_all_its_checkpoints(begin, store, prune):
    ended, gone, waits, busy = (begin(CRASHES, RIGHT, runs={"checkpoints": store}) for _ in range(4))
    list(ended.stream())
    next(gone.stream())
    shutil.rmtree(gone.folder.path)
    next(waits.stream())
    under_way = busy.stream()
    next(under_way)
    before = {run.folder.name: len(checkpoints_of(run.folder)) for run in (ended, waits, busy)}
    would = prune("--dry-run")
    assert would["ended"] == would["gone"] == 1
    assert would["kept"] == 2
    assert {run.folder.name: len(checkpoints_of(run.folder)) for run in (ended, waits, busy)} == before
    assert prune("--older-than", "1")["ended"] == 0
    freed = prune()
    assert freed["bytes"] > 0
    assert (freed["ended"], freed["gone"], freed["kept"]) == (1, 0, 2), "what was gone went with the call before"
    assert [step.next for step in checkpoints_of(ended.folder)] == [""]
    assert prune()["checkpoints"] == 0
    list(under_way)
    list(resume(waits.folder, waits.settings).stream())
    assert busy.folder.manifest()["status"] == waits.folder.manifest()["status"] == "passed"
    list(resume(ended.folder, ended.settings).stream())
    assert ended.folder.manifest()["result"] == {"n_obs": 4}
    with pytest.raises(UserError, match=r"has dropped the checkpoints .* Follow it up"):
        fork(ended.folder, ended.settings, script=RIGHT)
    assert prune("--all")["ended"] == 3
    with pytest.raises(UserError, match="has ended, and `runs prune` has dropped its checkpoints"):
        list(resume(ended.folder, ended.settings).stream())
    assert ended.folder.manifest()["status"] == "passed"
