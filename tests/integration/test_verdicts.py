"""The critic's question after a success: an objection sends the script back, a known answer cannot be talked down."""

from __future__ import annotations

import json

import pytest

WRONG = """\
import json
import os
from gammapy.data import DataStore

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "dl3-simulated"))
json.dump({"n_obs": len(store.hdu_table)}, open("result.json", "w"))
"""
RIGHT = WRONG.replace("hdu_table", "obs_table")
ON = {"critic": True}


def verdict(verdict: str, why: str = "", advice: str = "") -> dict:
    number = {"key": "n_obs", "computed_from": "len(store.hdu_table)", "is_what_was_asked": verdict == "accept"}
    answer = {"numbers": [number], "choices_as_asked": True, "verdict": verdict, "why": why, "advice": advice}
    return {"role": "critic", "content": json.dumps(answer)}


def test_an_objection_sends_the_script_back_with_its_reason(begin):
    objection = verdict("repair", "n_obs counts HDUs, not observations.", "line 6: count store.obs_table")
    run = begin(WRONG, objection, RIGHT, verdict("accept"), able=True, switches=ON)
    list(run.stream())
    assert run.outcome.status == "passed"
    assert run.outcome.best == 2
    assert run.outcome.result["n_obs"] == 4
    asked = json.loads((run.folder.path / "attempts" / "02" / "messages.json").read_text())
    said = "".join(message["content"] for message in asked)
    assert "it is no answer to the request: n_obs counts HDUs, not observations." in said
    assert "line 6: count store.obs_table" in said


@pytest.mark.parametrize(("word", "attempts"), [("impossible", 1), ("repair", 1)])
def test_what_the_critic_objects_to_to_the_end_has_not_passed(begin, word: str, attempts: int):
    run = begin(WRONG, verdict(word, "These are HDUs."), able=True, switches=ON, budget={"attempts": attempts})
    list(run.stream())
    assert run.outcome.status == "failed"
    assert run.outcome.reason == "attempt 1 passed all gates, but the critic objects: These are HDUs."
    assert run.outcome.result == {}


def test_a_known_answer_is_not_talked_down(begin):
    expect = '[[expected]]\nkey = "n_obs"\ntype = "int"\nvalue = 4\nabs_tol = 0'
    run = begin(RIGHT, verdict("repair", "I would count otherwise."), able=True, switches=ON, expect=expect)
    events = list(run.stream())
    assert run.outcome.status == "passed"
    assert "I would count otherwise." in next(e for e in events if e["event"] == "criticised")["concerns"]


def test_an_unusable_verdict_is_none(begin):
    run = begin(RIGHT, {"role": "critic", "content": '{"verdict": "perhaps"}'}, able=True, switches=ON)
    list(run.stream())
    assert run.outcome.status == "passed"


def test_a_model_that_cannot_call_tools_is_not_asked_after_a_success(begin):
    run = begin(RIGHT, switches=ON)
    events = list(run.stream())
    assert run.outcome.status == "passed"
    assert [event["agent"] for event in events if event["event"] == "asked"] == ["coder"]
