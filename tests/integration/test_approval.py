"""The user is asked before a plan is coded or a script is run; the answer may come from another process."""

from __future__ import annotations

import json

import pytest

from gammapygpt.errors import UserError
from gammapygpt.runs.history import to_resume
from gammapygpt.session import resume
from gammapygpt.state import Answer, Plan

RIGHT = """\
import json
import os
from gammapy.data import DataStore
store = DataStore.from_dir(os.environ["GAMMAPY_DATA"] + "/dl3-simulated")
json.dump({"n_obs": len(store.obs_table)}, open("result.json", "w"))
"""
PLAN = {"recipe": "", "parameters": {}, "missing": [], "steps": ["count them"], "results": [], "assumptions": []}
PLANNED = {"role": "planner", "content": json.dumps(PLAN)}


def finish(run, answer=None):
    return list(run.stream(answer))


def in_a_new_process(run):
    """The run as somebody else takes it up."""
    return resume(to_resume(run.folder.path.parent, run.folder.name), run.settings)


def test_a_script_waits_for_the_user_and_survives_a_new_process(begin):
    run = begin(RIGHT, switches={"approve": ["script"]})
    finish(run)
    assert run.outcome is None
    assert (run.question.about, run.question.script) == ("script", RIGHT)
    assert run.folder.manifest()["status"] == "interrupted"
    assert run.folder.manifest()["question"]["script"] == RIGHT
    again = in_a_new_process(run)
    finish(again)
    assert again.question == run.question, "without an answer it is asked again"
    finish(again, Answer(decision="accept"))
    assert again.outcome.status == "passed"
    assert again.folder.manifest()["question"] is None
    assert again.outcome.usage.calls == 1


def test_a_rejected_script_is_not_run(begin):
    run = begin(RIGHT, switches={"approve": ["script"]})
    finish(run)
    finish(run, Answer(decision="reject", reason="too long"))
    assert run.outcome.status == "refused"
    assert run.outcome.reason == "the user declined draft 1: too long"
    assert not (run.folder.attempts / "01" / "workspace").exists()


def test_an_edited_script_is_the_one_that_runs(begin):
    run = begin(RIGHT.replace("len(store.obs_table)", "1"), switches={"approve": ["script"]})
    finish(run)
    finish(run, Answer(decision="edit", script=RIGHT))
    assert run.outcome.status == "passed"
    assert run.outcome.result == {"n_obs": 4}
    assert (run.folder.final / "script.py").read_text() == RIGHT
    assert run.folder.manifest()["attempts"][0]["how"] == "edited"


def test_a_script_that_gate_1_stops_is_no_matter_for_the_user(begin):
    old = "import gammapy.spectrum\n" + RIGHT
    run = begin(old, RIGHT, switches={"approve": ["script"]})
    events = finish(run)
    assert run.question.number == 2
    assert [event["failure"] for event in events if event["event"] == "attempted"] == ["import"]


def test_a_plan_waits_before_it_is_coded(begin):
    run = begin(PLANNED, RIGHT, able=True, switches={"planner": True, "approve": ["plan"]})
    finish(run)
    assert run.question.about == "plan"
    assert run.question.plan.steps == ["count them"]
    changed = run.question.plan.model_copy(update={"steps": ["count them", "twice"]})
    again = in_a_new_process(run)
    finish(again, Answer(decision="edit", plan=changed))
    assert again.outcome.status == "passed"
    asked = json.loads((run.folder.attempts / "01" / "messages.json").read_text())
    assert "twice" in asked[-2]["content"]
    assert again.folder.manifest()["plan"]["edited"]


def test_an_answer_without_sense_is_asked_for_again(begin):
    run = begin(PLANNED, RIGHT, able=True, switches={"planner": True, "approve": ["plan", "script"]})
    finish(run)
    finish(run, Answer(decision="edit", plan=Plan(recipe="reflected_spectrum", parameters={"COLOUR": 1})))
    assert "no constant COLOUR" in run.question.problem
    finish(run, Answer(decision="accept"))
    assert run.question.about == "script"
    finish(run, Answer(decision="edit", script=" "))
    assert run.question.problem.startswith("the edited script is empty")
    finish(run, Answer(decision="accept"))
    assert run.outcome.status == "passed"


def test_an_answer_that_nobody_asked_for_changes_nothing(begin):
    run = begin(RIGHT)
    finish(run)
    with pytest.raises(UserError, match="waits for no answer"):
        finish(resume(run.folder, run.settings), Answer(decision="accept"))
    assert run.folder.manifest()["status"] == "passed"
