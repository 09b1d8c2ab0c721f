"""Approving, forking and following up from the command line, and runs that outlive who started them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gammapygpt import detached
from gammapygpt.runs.folder import RunFolder
from gammapygpt.session import start
from gammapygpt.settings_loading import load_settings
from gammapygpt.state import Answer

REQUEST = 'How many observations point within 2 deg of the Crab Nebula? Write result.json with "n_obs" (integer).'


@pytest.fixture
def program(tmp_path: Path, simulated_data: Path):
    """The program in an empty folder, by its words; `(exit code, its JSON)`."""
    environment = os.environ | {"PHOTON_STORAGE": str(simulated_data), "GAMMAPYGPT_SANDBOX__WARM": "false"}

    def program(*words: str) -> tuple[int, dict]:
        command = [sys.executable, "-m", "gammapygpt", *words, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
        return done.returncode, json.loads(done.stdout)

    return program


def test_approve_and_edit_by_command(program, tmp_path):
    code, waiting = program("run", REQUEST, "--approve", "plan", "--quiet")
    assert (code, waiting["status"], waiting["question"]["about"]) == (1, "interrupted", "plan")
    plan = waiting["question"]["plan"] | {"assumptions": ["seen by me"]}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    code, done = program("resume", "--edit", "plan.json", "--quiet")
    assert (code, done["status"], done["result"]["n_obs"]) == (0, "passed", 4)
    manifest = RunFolder(Path(done["folder"])).manifest()
    assert manifest["plan"]["assumptions"] == ["seen by me"]


@pytest.mark.slow
def test_fork_by_command(program, tmp_path):
    _, done = program("run", REQUEST, "--quiet")
    (tmp_path / "mine.py").write_text((Path(done["folder"]) / "final" / "script.py").read_text() + "\n# mine\n")
    code, forked = program("fork", "--script", "mine.py", "--quiet")
    assert (code, forked["status"], forked["result"]["n_obs"]) == (0, "passed", 4)
    assert RunFolder(Path(forked["folder"])).manifest()["forked"]["edited"] == "script"


def test_a_run_goes_on_in_a_process_of_its_own(tmp_path, simulated_data):
    overrides = {
        "data.path": str(simulated_data),
        "runs.folder": str(tmp_path / "runs"),
        "switches.approve": "script",
    }
    run = start(REQUEST, load_settings(None, overrides), overrides=overrides)
    process = detached.go_on(run.folder)
    process.wait()
    assert run.folder.manifest()["question"]["about"] == "script", (run.folder.path / detached.LOG).read_text()
    assert os.getsid(os.getpid()) != process.pid, "Ctrl-C in this terminal does not reach it"


def test_an_answer_is_handed_on_as_options_of_resume(tmp_path):
    folder = RunFolder(tmp_path)
    assert detached.said(folder, None) == []
    assert detached.said(folder, Answer(decision="accept")) == ["--accept"]
    assert detached.said(folder, Answer(decision="reject", reason="-v")) == ["--reject", "--because=-v"]
    option, file = detached.said(folder, Answer(decision="edit", script="a = 1\n"))
    assert (option, Path(file).read_text()) == ("--edit", "a = 1\n")
