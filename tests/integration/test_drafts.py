"""Runs that start from a recipe: what the plan covers needs no coder, what it does not cover is asked for by name."""

from __future__ import annotations

import json

SELECTION = (
    'How many observations of dl3-simulated point within 2 deg of RA 83.633 deg, Dec 22.0145 deg? "n_obs" please.'
)
MORE = SELECTION + " Make a histogram of their zenith angles."
ON = {"planner": True, "retrieval": True}
SPOKEN = {"role": "planner", "content": json.dumps({"recipe": "observation_list", "parameters": {}, "missing": []})}


def test_a_recipe_that_answers_the_request_needs_no_coder(begin):
    run = begin(SPOKEN, request=SELECTION, able=True, switches=ON)
    events = list(run.stream())
    assert run.outcome.status == "passed"
    assert run.outcome.result["n_obs"] == 4
    assert run.outcome.attempts[0].how == "recipe"
    assert [event["agent"] for event in events if event["event"] == "asked"] == ["planner"]
    assert "SELECTION_RADIUS = 2.0" in run.outcome.answer.script


def test_a_small_model_is_not_asked_where_nothing_is_open(begin):
    run = begin(request=SELECTION, switches=ON)
    assert [event for event in run.stream() if event["event"] == "asked"] == []
    assert run.outcome.status == "passed"
    assert run.outcome.usage.calls == 0


def test_what_a_recipe_leaves_out_is_asked_of_the_coder_with_the_draft_in_front(begin):
    script = "import json\nimport os\nfrom gammapy.data import DataStore\n\n"
    script += 'store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "dl3-simulated"))\n'
    script += 'json.dump({"n_obs": len(store.obs_table)}, open("result.json", "w"))\n'
    run = begin(SPOKEN, script, request=MORE, switches=ON)
    list(run.stream())
    asked = json.loads((run.folder.path / "attempts" / "01" / "messages.json").read_text())
    task = asked[1]["content"]
    assert "# Draft: a script that works and does part of the request" in task
    assert "a distribution, histogram or profile (“histogram”)" in task
    assert "SELECTION_RADIUS = 2.0" in task
    assert run.outcome.attempts[0].how == "first"


def test_the_same_draft_given_back_is_no_answer(begin):
    first = begin(SPOKEN, request=SELECTION, switches=ON)
    list(first.stream())
    run = begin(SPOKEN, first.outcome.answer.script, request=MORE, switches=ON, budget={"attempts": 1})
    list(run.stream())
    assert run.outcome.status == "budget"
    assert "the recipe came back unchanged" in run.outcome.attempts[0].summary


def test_without_drafts_a_recipe_is_an_example_alone(begin):
    run = begin(SPOKEN, "import json\n", request=SELECTION, switches=ON | {"drafts": False}, budget={"attempts": 1})
    list(run.stream())
    task = json.loads((run.folder.path / "attempts" / "01" / "messages.json").read_text())[1]["content"]
    assert "# Example: a script that works for a similar request" in task
    assert "SELECTION_RADIUS = 2.0" in task
    assert 'DATA_STORE = "hess-dl3-dr1"' in task, "the recipe as it is, not filled in"
    assert run.outcome.attempts[0].how == "first"


def test_the_cookbook_plans_with_its_recipes_where_retrieval_is_off(begin):
    run = begin(
        request=SELECTION, switches=ON | {"retrieval": False}, roles={"planner": "cookbook", "coder": "cookbook"}
    )
    list(run.stream())
    assert run.outcome.status == "passed"
    assert run.outcome.result["n_obs"] == 4
