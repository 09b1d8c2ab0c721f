"""A run is forked at a checkpoint: another backend, an edited plan, an edited script; the run itself stays as it is."""

from __future__ import annotations

import json

import pytest
from scripted_run import REQUEST

from gammapygpt.errors import UserError
from gammapygpt.session import checkpoints_of, fork

RIGHT = """\
import json
import os
from gammapy.data import DataStore
store = DataStore.from_dir(os.environ["GAMMAPY_DATA"] + "/dl3-simulated")
json.dump({"n_obs": len(store.obs_table)}, open("result.json", "w"))
"""
RAISES = RIGHT.replace("len(store.obs_table)", "len(store.obs_table[9])")


@pytest.fixture
def ended(begin):
    """A run whose first draft fails and whose second one passes."""
    run = begin(RAISES, RIGHT)
    list(run.stream())
    assert run.outcome.best == 2
    return run


def test_an_edited_script_takes_the_place_of_the_last_draft(ended):
    before = {path: path.read_bytes() for path in ended.folder.path.rglob("*") if path.is_file()}
    run = fork(ended.folder, ended.settings, script=RIGHT + "# mine\n")
    list(run.stream())
    assert run.outcome.status == "passed"
    assert run.outcome.usage.calls == 2, "both calls lie before the checkpoint, none is made again"
    assert [attempt.how for attempt in run.outcome.attempts][-1] == "edited"
    assert (run.folder.final / "script.py").read_text().endswith("# mine\n")
    assert (run.folder.attempts / "01" / "stderr.txt").read_text(), "what was tried before is there too"
    assert run.folder.manifest()["forked"]["run"] == ended.folder.name
    assert run.folder.manifest()["thread"] == ended.folder.name
    assert {path: path.read_bytes() for path in before} == before


def test_a_fork_at_an_early_checkpoint_asks_another_backend(ended, tmp_path):
    (tmp_path / "others.toml").write_text(f"[[reply]]\nrole = 'coder'\nscript = {json.dumps(RIGHT)}\n")
    other = ended.settings.backends["scripted"].model_copy(update={"replies": str(tmp_path / "others.toml")})
    backends = ended.settings.backends | {"other": other}
    settings = ended.settings.model_copy(update={"backends": backends, "default_backend": "other"})
    first = next(step for step in checkpoints_of(ended.folder) if step.next == "coder")
    run = fork(ended.folder, settings, checkpoint=first.checkpoint)
    list(run.stream())
    assert run.outcome.status == "passed"
    assert len(run.outcome.attempts) == 1
    assert run.folder.manifest()["request"]["text"] == REQUEST


def test_checkpoints_tell_what_comes_next_and_what_cannot_be_forked_is_said(ended):
    coming = [step.next for step in checkpoints_of(ended.folder)]
    assert coming == ["__start__", "coder", "executor", "coder", "executor", ""]
    with pytest.raises(UserError, match="no checkpoint 'nowhere'"):
        fork(ended.folder, ended.settings, checkpoint="nowhere")
    first = checkpoints_of(ended.folder)[1]
    with pytest.raises(UserError, match="never was at a place where a script was about to be run"):
        fork(ended.folder, ended.settings, checkpoint=first.checkpoint, script=RIGHT)
    assert len(list(ended.folder.path.parent.glob("20*"))) == 1, "nothing was begun"
