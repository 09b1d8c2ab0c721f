"""`replay`: a run that ended is run again from its record, and the first thing that differs is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from scripted_server import ScriptedServer
from typer.testing import CliRunner

from gammapygpt.agents import workshop
from gammapygpt.cli import app
from gammapygpt.errors import UserError
from gammapygpt.replay import replay
from gammapygpt.runs.folder import RunFolder
from gammapygpt.session import start
from gammapygpt.settings import Settings
from gammapygpt.state import Answer, Plan

REQUEST = 'Count the observations. Write result.json with "n_obs" (integer).'
CRASHES = "import json\nvalue = [1, 2][5]\njson.dump({'n_obs': value}, open('result.json', 'w'))"
RIGHT = "import json\nvalue = 4\njson.dump({'n_obs': value}, open('result.json', 'w'))"
ANSWERS = [
    {"when": "You plan analyses", "json": {"steps": ["count"], "recipe": "", "results": []}},
    {"when": "You write Gammapy", "text": f"```python\n{CRASHES}\n```"},
    {"when": "You read what became", "json": {"kind": "runtime", "diagnosis": "no such index", "action": "repair"}},
    {"when": "That script did not pass", "text": f"```python\n{RIGHT}\n```"},
]


def made(answers: list[dict], data: Path, runs: Path, said: Iterable[Answer] = (), **switches: object) -> RunFolder:
    """A run that passes with these replies, and with what its user says; nobody answers any more after it."""
    with ScriptedServer(answers) as server:
        settings = {
            "default_backend": "test",
            "backends": {"test": {"kind": "openai", "model": "m", "base_url": server.url, "abilities": []}},
            "data": {"path": str(data)},
            "runs": {"folder": str(runs)},
            "switches": {"retrieval": False, **switches},
            "sandbox": {"warm": False, "verify": False},
        }
        run = start(REQUEST, Settings.model_validate(settings))
        for answer in (None, *said):
            for _ in run.stream(answer):
                pass
    assert run.outcome is not None
    assert run.outcome.status == "passed"
    return run.folder


@pytest.fixture(scope="module")
def original(no_settings, simulated_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run with four model calls and two attempts."""
    return made(ANSWERS, simulated_data, tmp_path_factory.mktemp("runs")).path


@pytest.fixture
def recorded(original: Path, tmp_path: Path) -> RunFolder:
    """A copy of that run, somewhere else."""
    return RunFolder(Path(shutil.copytree(original, tmp_path / original.name)))


def test_a_run_is_replayed_without_its_model_and_a_sandbox(recorded, monkeypatch):
    monkeypatch.setattr("gammapygpt.sandbox.choose.candidates", None)  # nothing can be run
    before = {path: path.read_bytes() for path in recorded.path.rglob("*") if path.is_file()}
    assert replay(recorded) == (4, 2, None)
    assert {path: path.read_bytes() for path in recorded.path.rglob("*") if path.is_file()} == before


def test_scripts_can_be_run_anew(recorded):
    assert replay(recorded, run_scripts=True) == (4, 2, None)
    validation = recorded.attempts / "02" / "validation.json"
    validation.write_text(json.dumps({**json.loads(validation.read_text()), "result": {"n_obs": 5}}))
    difference = replay(recorded, run_scripts=True).difference
    assert (difference.where, difference.what) == ("attempt 2", "other numbers: n_obs")


def test_another_prompt_is_told_and_can_be_accepted(recorded, monkeypatch):
    said, render = "You read what became of a script, and you are brief.", workshop.render

    def other_words(role: str, turn: str, **values: object) -> str:
        return said if (role, turn) == ("critic", "system") else render(role, turn, **values)

    monkeypatch.setattr(workshop, "render", other_words)
    shown = CliRunner().invoke(app, ["replay", str(recorded.path)])
    assert shown.exit_code == 1
    assert "differs after 2 model calls and 1 attempts\nquestion critic-1: other words\n--- then" in shown.stdout
    assert f"+{said}" in shown.stdout
    assert replay(recorded, accept=True).difference is None
    assert replay(recorded).difference is None


def test_another_script_is_told_and_cannot_be_accepted(recorded):
    calls = recorded.path / "calls.jsonl"
    calls.write_text(calls.read_text().replace("value = 4", "value = 44"))
    for accept in (False, True):
        difference = replay(recorded, accept=accept).difference
        assert (difference.where, difference.what) == ("attempt 2", "another script")
        assert (difference.before.count("value = 4\n"), difference.now.count("value = 44\n")) == (1, 1)


def test_another_way_through_the_graph_is_told(recorded):
    manifest = recorded.manifest()
    recorded.update_manifest(switches={**manifest["switches"], "critic": False})
    assert "question critic-1: it is not asked any more" in str(replay(recorded).difference)
    recorded.update_manifest(switches={**manifest["switches"], "attempts": 1})
    assert "attempt 2: it is not made any more" in str(replay(recorded).difference)
    recorded.update_manifest(switches={**manifest["switches"], "optimiser": True})
    assert "question optimiser-3: it was not asked in the run" in str(replay(recorded).difference)
    recorded.update_manifest(switches=manifest["switches"], status="failed")
    assert "the end: failed then, passed now" in str(replay(recorded).difference)


def test_a_user_who_was_asked_answers_as_he_did(simulated_data, tmp_path):
    said = [
        Answer(decision="edit", plan=Plan(steps=["count them by hand"])),
        Answer(decision="edit", script=RIGHT.replace("4", "3 + 1")),
    ]
    folder = made(ANSWERS[:2], simulated_data, tmp_path, said, approve=["plan", "script"])
    assert replay(folder) == (2, 1, None)
    events = folder.path / "events.jsonl"
    events.write_text(events.read_text().replace('"event": "decided"', '"event": "forgotten"'))
    assert "question to the user about plan: it was not asked" in str(replay(folder).difference)


def test_gates_that_say_something_else_are_told(recorded):
    findings = recorded.attempts / "02" / "findings.json"
    findings.write_text(json.dumps([{"gate": "contract", "kind": "contract", "severity": "info", "message": "gone"}]))
    difference = replay(recorded).difference
    assert (difference.where, difference.what) == ("attempt 2", "the gates say something else")
    assert "gone" in difference.before


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"finished": None}, "has not ended"),
        ({"forked": {"run": "another"}}, "is a fork"),
        ({"studio": {}}, "LangGraph Studio"),
    ],
)
def test_what_cannot_be_replayed(tmp_path, entries, says):
    folder = RunFolder.new(tmp_path, "x")
    whole = {"finished": "2026", "request": {"text": "x"}} | entries
    folder.update_manifest(**{name: value for name, value in whole.items() if value is not None})
    with pytest.raises(UserError, match=says):
        replay(folder)
