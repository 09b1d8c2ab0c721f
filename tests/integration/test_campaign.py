"""Campaigns: cells are real runs against a scripted server, judged blind, filled where missing, killed anywhere."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from gammapygpt.cli import app
from gammapygpt.evals.campaign import Campaign
from gammapygpt.evals.record import read_table

PROMPT = (
    "Find the observations in $GAMMAPY_DATA/dl3-simulated whose pointing lies within 2 deg of RA 83.633 deg, "
    'Dec 22.0145 deg (ICRS). Write result.json with "n_obs" (number of observations).'
)


def script(value: str) -> str:
    return f"```python\nimport json\njson.dump({{'n_obs': {value}}}, open('result.json', 'w'))\n```"


def task_file(folder: Path, name: str, value: int, datasets: str = "dl3-simulated") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.toml"
    file.write_text(
        f"id = \"{name}\"\ndatasets = [\"{datasets}\"]\nprompt = '''\n{PROMPT}\n'''\n"
        f'[[expected]]\nkey = "n_obs"\nvalue = {value}\nwhy = "exact"\n'
    )
    return file


@pytest.fixture
def bench(tmp_path: Path, simulated_data: Path):
    """`gammapygpt bench run` against a server: the bare loop, unless other options are given."""
    config = tmp_path / "config.toml"

    def bench(url: str, *options: str) -> list[str]:
        config.write_text(
            f'default_backend = "test"\n[backends.test]\nkind = "openai"\nmodel = "m"\nbase_url = "{url}"\n'
            f'abilities = []\nretries = 0\n[data]\npath = "{simulated_data}"\n[sandbox]\nwarm = false\n'
        )
        command = [sys.executable, "-m", "gammapygpt", "bench", "run", "--tasks", str(tmp_path / "tasks")]
        command += ["--out", str(tmp_path / "campaign"), "--config", str(config)]
        return [*command, "--no-full", *(options or ["--baselines", "bare-loop"])]

    return bench


def ran(command: list[str], code: int = 0) -> str:
    """What a command says; in this process, which need not import everything again."""
    done = CliRunner().invoke(app, [*command[3:], "--workers", "0"])
    assert done.exit_code == code, done.output
    return done.output


def ran_apart(command: list[str], code: int = 0) -> str:
    """The same in a process of its own."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_what_the_graph_answers_is_judged_by_the_known_values(bench, tmp_path):
    task_file(tmp_path / "tasks", "count-four", 4)
    task_file(tmp_path / "tasks", "count-five", 5)
    command = bench("http://127.0.0.1:9/v1", "--ablate", "optimiser")
    out = json.loads(ran_apart([*command, "--json", "--quiet"]))
    assert out["verdicts"] == {"no-optimiser": {"wrong": 1, "right": 1}}
    five, four = read_table(tmp_path / "campaign")
    assert (four.verdict, four.passed_at, four.attempts[0].right) == ("right", 1, True)
    assert (five.verdict, five.passed_at, five.wrong_keys) == ("wrong", None, ["n_obs"])
    assert (four.recipe, four.attempts[0].how) == ("observation_list", "recipe")
    assert {"planner", "coder", "executor", "critic"} <= set(four.seconds_by_node)
    assert four.versions["gammapy"]
    assert four.prompts["coder.md"]
    assert (tmp_path / "campaign" / four.run / "manifest.json").is_file()


def test_what_a_model_spends_is_on_record_and_is_spent_once(bench, scripted_server, tmp_path):
    task_file(tmp_path / "tasks", "count", 4)
    server = scripted_server({"text": "```python\n1 / 0\n```"}, {"text": script("2 + 2"), "times": 9})
    command = bench(server.url)
    ran(command)
    (record,) = read_table(tmp_path / "campaign")
    assert (record.verdict, record.passed_at) == ("right", 2)
    assert record.usage["coder"].calls == len(server.requests) == 2
    assert record.usage["coder"].output_tokens > 0
    assert record.cost is None, "a model without prices is unpriced, not free"
    first, second = record.attempts
    assert (first.failure, first.exception, second.failure) == ("runtime", "ZeroDivisionError", "")
    assert "1 / 0" in first.traceback_tail
    table = pd.read_json(tmp_path / "campaign" / "table.jsonl", lines=True)
    assert list(table.verdict) == ["right"]
    assert "1 cells, 0 to run" in ran(command)
    shutil.rmtree(tmp_path / "campaign" / "cells")
    shutil.rmtree(tmp_path / "campaign" / "runs")
    assert "1 cells, 0 to run" in ran(command), "a table alone is a record"
    assert len(server.requests) == 2, "what is on record is not run again"


def test_blind_the_loop_does_not_know_and_with_the_validator_in_it_it_does(bench, scripted_server, tmp_path):
    task_file(tmp_path / "tasks", "count", 4)
    replies = ({"text": script("3")}, {"text": script("len('four')"), "times": 9})
    blind = bench(scripted_server(*replies).url)
    ran(blind)
    (record,) = read_table(tmp_path / "campaign")
    assert record.scoring == "blind"
    assert record.verdict == "wrong"
    assert len(record.attempts) == 1
    told = bench(scripted_server(*replies).url, "--baselines", "bare-loop", "--validator-in-loop")
    assert "never mixed" in ran(told, code=2)
    told[told.index("--out") + 1] = str(tmp_path / "other")
    ran(told)
    (record,) = read_table(tmp_path / "other")
    assert (record.scoring, record.verdict, record.passed_at) == ("validator-in-loop", "right", 2)
    assert [attempt.right for attempt in record.attempts] == [False, True]


def test_infrastructure_failures_stand_apart_and_are_run_again(bench, scripted_server, tmp_path):
    task_file(tmp_path / "tasks", "count", 4)
    down = bench("http://127.0.0.1:9/v1")
    ran(down)
    (record,) = read_table(tmp_path / "campaign")
    assert record.verdict == "infrastructure"
    assert record.reason
    server = scripted_server({"text": script("2 + 2"), "times": 9})
    changed = bench(server.url)
    ran(changed)
    (record,) = read_table(tmp_path / "campaign")
    assert (record.verdict, record.failed_before) == ("right", 1)
    assert "settings have changed" in ran([*changed, "--set", "budget.attempts=2"], code=2)


def test_killed_in_the_middle_of_a_cell_a_campaign_goes_on_and_pays_nothing_twice(bench, scripted_server, tmp_path):
    for name in ("a", "b", "c"):
        task_file(tmp_path / "tasks", name, 4)
    server = scripted_server({"text": script("2 + 2"), "times": 99})
    command = bench(server.url)
    cells = tmp_path / "campaign" / "cells"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and len(server.requests) < 2:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = {file.name: file.stat().st_mtime_ns for file in cells.glob("*.json")}
    assert len(done) < 3
    ran_apart(command)
    records = read_table(tmp_path / "campaign")
    assert [record.verdict for record in records] == ["right"] * 3
    assert len(server.requests) <= 4, "three cells, and at most the call in flight at the kill once more"
    assert all((cells / name).stat().st_mtime_ns == when for name, when in done.items())
    assert [record.cell for record in Campaign(tmp_path / "campaign").records()] == [record.cell for record in records]


def test_two_at_once_and_wrong_words_are_one_line(bench, scripted_server, tmp_path):
    task_file(tmp_path / "tasks", "count", 4)
    task_file(tmp_path / "tasks", "elsewhere", 4, datasets="no-such-store")
    server = scripted_server({"text": script("2 + 2"), "times": 9})
    command = bench(server.url)
    with Campaign(tmp_path / "campaign").lock():
        assert "under way in another process" in ran(command, code=2)
    said = ran(command)
    assert "left out: elsewhere needs no-such-store" in said
    command[command.index("bare-loop")] = "barely"
    assert "no baseline `barely`" in ran(command, code=2)
    command[command.index("barely")] = "bare-loop"
    assert "needs a model, and cookbook is none" in ran([*command, "--backend", "cookbook"], code=2)
