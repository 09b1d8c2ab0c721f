"""Campaigns as logs of Inspect AI."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from made_up_campaign import record, verdicts, written
from typer.testing import CliRunner

from gammapygpt.cli import app
from gammapygpt.evals.export.conversation import conversation
from gammapygpt.evals.record import AttemptRecord
from gammapygpt.state import Usage

NEEDED = "Inspect AI is in no extra that tests install: pip install 'gammapygpt[inspect]' in an environment of its own"


def export(*arguments: Path | str):
    return CliRunner().invoke(app, ["bench", "export", *map(str, arguments)])


def with_run(folder: Path):
    """A cell whose run folder is there: two attempts, the second in the same conversation as the first."""
    one = record(
        "count",
        verdict="wrong",
        run="runs/count--full--1/run",
        wrong_keys=["n_obs"],
        reason="attempt 2 passed",
        backend="local",
        model="made-up-7b",
        cost=0.5,
        usage={"coder": Usage(calls=2, input_tokens=100, cached_tokens=40, output_tokens=20)},
        seconds=12.5,
        started="2026-11-24T09:27:51+00:00",
        finished="2026-11-24T09:28:10+00:00",
        attempts=[
            AttemptRecord(number=1, how="first", failure="syntax", summary="SyntaxError in line 1"),
            AttemptRecord(number=2, how="repair", summary="The script ran.", right=False),
        ],
    )
    run = folder / one.run
    talk = [{"role": "system", "content": "You write scripts."}, {"role": "user", "content": "Count the runs."}]
    for number in (1, 2):
        place = run / "attempts" / f"{number:02d}"
        place.mkdir(parents=True)
        talk = [*talk, {"role": "assistant", "content": f"script {number}"}]
        (place / "messages.json").write_text(json.dumps(talk))
    manifest = {"request": {"text": "Count the runs."}, "result": {"n_obs": 3}}
    (run / "manifest.json").write_text(json.dumps(manifest))
    return one


def test_a_conversation_is_told_once_and_a_recipe_is_its_script(tmp_path):
    one = with_run(tmp_path)
    turns = conversation(one, tmp_path)
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "outcome", "assistant", "outcome"]
    assert [turn.text for turn in turns][2:4] == ["script 1", "[attempt 1, first: syntax] SyntaxError in line 1"]
    assert turns[-1].text == "[attempt 2, repair: passed all gates; wrong] The script ran."
    place = tmp_path / "runs" / "r" / "attempts" / "01"
    place.mkdir(parents=True)
    (place / "script.py").write_text("print(1)\n")
    recipe = record(run="runs/r", attempts=[AttemptRecord(number=1, how="recipe", right=True)])
    assert conversation(recipe, tmp_path)[0] == ("assistant", "```python\nprint(1)\n```")
    assert len(conversation(recipe, tmp_path / "elsewhere")) == 1, "without the run folder, the outcome alone"


def test_logs_are_read_back_with_scores_errors_epochs_and_tokens(tmp_path):
    log = pytest.importorskip("inspect_ai.log", reason=NEEDED)
    folder = tmp_path / "campaign"
    records = [with_run(folder), *verdicts({"a": "RFI"}), *verdicts({"a": "R"}, "peer")]
    done = export("--inspect", written(folder, records, planned=["a--peer--1", "a--peer--2"]), tmp_path / "logs")
    assert done.exit_code == 0, done.output
    full, peer = (log.read_eval_log(str(tmp_path / "logs" / f"{name}.eval")) for name in ("full", "peer"))
    assert (full.status, peer.status) == ("success", "cancelled")
    assert full.eval.model == "local/made-up-7b"
    assert (full.eval.dataset.samples, full.eval.config.epochs) == (2, 2)
    metrics = full.results.scores[0].metrics
    assert metrics["accuracy"].value == pytest.approx(1 / 3)
    assert metrics["called_passed_but_wrong"].value == pytest.approx(1 / 2)
    samples = {(one.id, one.epoch): one for one in full.samples}
    score = samples["count", 1].scores["known_values"]
    assert (score.value, score.answer) == ("I", '{"n_obs": 3}')
    assert score.explanation == "wrong: attempt 2 passed (wrong: n_obs)"
    assert samples["count", 1].input == "Count the runs."
    assert samples["count", 1].target == "", "known values are in no log"
    assert [one.role for one in samples["count", 1].messages][:4] == ["system", "user", "assistant", "user"]
    assert samples["a", 1].scores["known_values"].value == "C"
    assert samples["a", 3].error is not None
    assert samples["a", 3].scores is None
    usage = full.stats.model_usage["local/made-up-7b"]
    assert (usage.input_tokens, usage.input_tokens_cache_read, usage.output_tokens) == (60, 40, 20)
    assert (usage.total_tokens, usage.total_cost) == (120, 0.5)
    assert full.stats.role_usage["coder"].total_tokens == 120


def test_wrong_words_and_a_missing_library_are_one_line(tmp_path, monkeypatch):
    folder = written(tmp_path / "campaign", [record()])
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)  # as where it is not installed
    for options, said in (([], "no format is named"), (["--inspect"], "pip install 'gammapygpt[inspect]'")):
        done = export(*options, folder, tmp_path / "logs")
        assert done.exit_code == 2
        assert said in done.output
        assert len(done.output.strip().splitlines()) == 1
