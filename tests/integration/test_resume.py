"""`kill -9` in every node, then `gammapygpt resume`: the same result, no attempt lost, no completed call repeated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

REQUEST = 'Count the observations. Write result.json with "n_obs" (integer).'
CRASHES = "import json\nvalue = [1, 2][5]\njson.dump({'n_obs': value}, open('result.json', 'w'))"
RIGHT = "import json\nvalue = 4\njson.dump({'n_obs': value}, open('result.json', 'w'))"
CRITIQUE = {"kind": "runtime", "diagnosis": "no such index", "action": "repair", "advice": "count them"}
PLAN = {"steps": ["count"], "recipe": "", "results": []}
AGENTS = ["retriever", "planner", "coder", "executor", "critic", "optimiser"]
QUICK = ["coder", "executor", "optimiser"]
"""The others are left to `make test-slow`."""
CALLS = 5
"""Planner, coder, critic, coder again, optimiser."""


def answers(coder_delay: float = 0.0) -> list[dict]:
    """One reply a question, whoever asks it how often."""
    return [
        {"when": "You plan analyses", "json": PLAN, "times": 9},
        {"when": "You read what became", "json": CRITIQUE, "times": 9},
        {"when": "That script did not pass", "text": f"```python\n{RIGHT}\n```", "times": 9},
        {"when": "You make a Gammapy", "text": f"```python\n{RIGHT}\n```", "times": 9},
        {"when": "You write Gammapy", "text": f"```python\n{CRASHES}\n```", "times": 9, "delay": coder_delay},
    ]


@pytest.fixture
def line(tmp_path: Path, simulated_data: Path):
    """The command line with settings of its own, for a server."""
    config = tmp_path / "config.toml"

    def line(url: str, *arguments: str, retrieval: bool = False) -> list[str]:
        config.write_text(
            f'default_backend = "test"\n[backends.test]\nkind = "openai"\nmodel = "m"\nbase_url = "{url}"\n'
            f'abilities = []\n[data]\npath = "{simulated_data}"\n[runs]\nfolder = "{tmp_path / "runs"}"\n'
            f"[switches]\noptimiser = true\nretrieval = {str(retrieval).lower()}\n[sandbox]\nwarm = false\n"
        )
        return [sys.executable, "-m", "gammapygpt", *arguments, "--config", str(config)]

    return line


def killed_at(command: list[str], runs: Path, event: str, agent: str) -> Path:
    """Start a run, and `kill -9` it as soon as it has told of an event; gives the run folder."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    name = process.stderr.readline().split()[1]
    record = runs / name / "events.jsonl"
    while process.poll() is None:
        if record.is_file() and told(record, event, agent):
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    assert process.returncode == -signal.SIGKILL, process.stderr.read()
    return runs / name


def told(record: Path, event: str, agent: str) -> bool:
    """Whether the record has such an event."""
    lines = record.read_text().splitlines()
    return any(f'"event": "{event}"' in line and f'"agent": "{agent}"' in line for line in lines)


def resumed(command: list[str]) -> dict:
    """What `resume --json` says."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "agent", [one if one in QUICK else pytest.param(one, marks=pytest.mark.slow) for one in AGENTS]
)
def test_killed_in_any_node_a_run_ends_as_if_it_had_not_been(agent, line, scripted_server, tmp_path):
    server = scripted_server(*answers())
    looks_up = agent == "retriever"
    folder = killed_at(line(server.url, "run", REQUEST, retrieval=looks_up), tmp_path / "runs", "agent", agent)
    outcome = resumed(line(server.url, "resume", "--json", retrieval=looks_up))
    assert (outcome["run"], outcome["status"]) == (folder.name, "passed")
    assert outcome["result"] == {"n_obs": 4}
    assert outcome["failures"] == ["runtime", None, None]
    assert outcome["usage"]["calls"] == CALLS
    under_way = 0 if agent in ("retriever", "executor") else 1
    assert CALLS <= len(server.requests) <= CALLS + under_way
    assert sorted(path.name for path in (folder / "attempts").iterdir()) == ["01", "02", "03"]


@pytest.mark.parametrize(
    "agent", ["coder", *(pytest.param(one, marks=pytest.mark.slow) for one in ("planner", "critic"))]
)
def test_a_completed_call_is_never_made_again(agent, line, scripted_server, tmp_path):
    server = scripted_server(*answers())
    killed_at(line(server.url, "run", REQUEST), tmp_path / "runs", "answered", agent)
    outcome = resumed(line(server.url, "resume", "--json"))
    assert outcome["status"] == "passed"
    assert len(server.requests) == outcome["usage"]["calls"] == CALLS


def test_a_run_killed_before_its_first_step_starts_from_the_beginning(line, scripted_server, tmp_path):
    server = scripted_server(*answers())
    process = subprocess.Popen(line(server.url, "run", REQUEST), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    process.stderr.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert resumed(line(server.url, "resume", "--json"))["status"] == "passed"


def test_a_run_under_way_cannot_be_resumed_twice(line, scripted_server, tmp_path):
    server = scripted_server(*answers(coder_delay=30.0))
    process = subprocess.Popen(line(server.url, "run", REQUEST), stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        process.stderr.readline()
        server.wait_for(2)
        second = subprocess.run(line(server.url, "resume"), capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 2
        assert "under way in another process" in second.stderr
    finally:
        process.kill()
        process.wait()


def test_ctrl_c_ends_a_run_at_once_whoever_is_at_work(line, scripted_server, tmp_path):
    server = scripted_server(*answers(coder_delay=600.0))
    process = subprocess.Popen(line(server.url, "run", REQUEST), stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        name = process.stderr.readline().split()[1]
        server.wait_for(2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130
    assert said.endswith(f"gammapygpt: interrupted. `gammapygpt resume {name}` goes on with it.\n")
    manifest = json.loads((tmp_path / "runs" / name / "manifest.json").read_text())
    assert (manifest["status"], manifest["reason"]) == ("interrupted", "stopped by the user")
