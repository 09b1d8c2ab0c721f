"""Follow-ups from the session on: the cookbook's own, refused ones, and those that a model has to understand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gammapygpt import session
from gammapygpt.run import Run
from gammapygpt.settings import Settings

SPECTRUM = (
    "Reflected-regions spectrum of the source at RA 83.633 deg, Dec 22.0145 deg, 0.7-30 TeV, ON radius 0.15 deg,"
    ' power law. Write result.json with "index", "amplitude" (cm-2 s-1 TeV-1).'
)
COUNT = 'How many observations point within 2 deg of the Crab Nebula? Write result.json with "n_obs" (integer).'
CHANGED = 'import json\n\nn_obs = 4\njson.dump({"n_obs": n_obs}, open("result.json", "w"))\n'
SCRIPT = 'import json\njson.dump({"n_obs": 4}, open("result.json", "w"))\n'


@pytest.fixture
def settings(tmp_path: Path, simulated_data: Path) -> Settings:
    return Settings.model_validate(
        {
            "data": {"path": str(simulated_data)},
            "runs": {"folder": str(tmp_path / "runs")},
            "sandbox": {"warm": False},
            "switches": {"optimiser": False, "critic": False, "retrieval": False},
        }
    )


def went(run: Run) -> Run:
    for _ in run.stream():
        pass
    return run


def ended(run: Run) -> Run:
    """A run that came to nothing, for tests of what follows it."""
    run.folder.update_manifest(finished="2026-01-01T00:00:00Z", attempts=[], best=None, plan=None, result={})
    return run


def test_the_same_with_a_change(settings: Settings):
    first = ended(session.start(COUNT, settings))
    wide = went(session.follow_up(first.folder, "within 3 deg, and what is their livetime?", settings))
    assert wide.outcome.status == "passed", wide.outcome.reason
    assert set(wide.outcome.result) >= {"n_obs", "livetime_h"}
    manifest = wide.folder.manifest()
    assert manifest["thread"] == first.folder.name
    assert manifest["follows"]["changes"][0] == "observations within: 2 deg -> 3 deg"
    assert "within 3 deg of the Crab Nebula" in manifest["request"]["text"]
    assert "SELECTION_RADIUS = 3.0" in wide.outcome.answer.script


@pytest.mark.slow
def test_another_model_and_other_energies(settings: Settings):
    first = went(session.start(SPECTRUM, settings))
    assert first.outcome.status == "passed", first.outcome.reason
    curved = went(session.follow_up(first.folder, "now with a log-parabola", settings))
    assert curved.outcome.status == "passed", curved.outcome.reason
    assert {"alpha", "beta", "amplitude"} <= set(curved.outcome.result)
    assert "index" not in curved.outcome.result
    narrow = went(session.follow_up(curved.folder, "and from 2 to 20 TeV, with a power law again", settings))
    assert narrow.outcome.status == "passed", narrow.outcome.reason
    assert narrow.outcome.result["index"] == pytest.approx(first.outcome.result["index"], abs=0.5)
    assert narrow.outcome.result["index"] != first.outcome.result["index"]
    changes = narrow.folder.manifest()["follows"]["changes"]
    assert changes[:2] == ["energies: 0.7-30 TeV -> 2-20 TeV", "model: log parabola -> power law"]
    asked = [one for attempt in narrow.outcome.attempts for one in attempt.validation.findings if "asked" in one.rule]
    assert asked == []


def test_what_the_rules_do_not_understand_is_refused_in_one_line(settings: Settings):
    first = ended(session.start(COUNT, settings))
    run = went(session.follow_up(first.folder, "with a much better selection", settings))
    assert run.outcome.status == "refused"
    assert run.outcome.reason.startswith("The rules do not understand “much better selection” in the follow-up.")
    assert "\n" not in run.outcome.reason
    assert run.outcome.attempts == []


def test_a_model_restates_what_the_rules_do_not_understand(begin):
    restated = 'How many observations point within 1 deg of the Crab Nebula? Write result.json with "n_obs" (integer).'
    plan = {"request": restated, "recipe": "", "parameters": {}, "missing": [], "steps": ["Count"], "results": []}
    planner = {"role": "planner", "content": json.dumps({**plan, "assumptions": []})}
    switches = {"planner": True}
    first = went(begin(planner, SCRIPT, CHANGED, request=COUNT, able=True, switches=switches))
    assert (first.outcome.status, first.folder.manifest()["request"]["text"]) == ("passed", COUNT)
    run = went(session.follow_up(first.folder, "use half that radius", first.settings))
    assert run.outcome.status == "passed", run.outcome.reason
    given_back, changed = run.outcome.attempts
    assert "came back unchanged, which leaves out use half that radius" in given_back.summary
    assert changed.script == CHANGED
    manifest = run.folder.manifest()
    assert manifest["request"]["text"] == restated
    assert manifest["follows"]["changes"] == [f"as the planner read it: {restated}"]
    prompt = json.loads((run.folder.attempts / "01" / "messages.json").read_text())[1]["content"]
    assert restated in prompt
    assert "It leaves out:\n- use half that radius" in prompt
    assert SCRIPT.strip() in prompt
    session.resume(run.folder, first.settings)


def test_a_small_model_gets_both_and_the_script_of_then(begin):
    first = went(begin(SCRIPT, CHANGED, request=COUNT))
    run = went(session.follow_up(first.folder, "use half that radius", first.settings))
    assert run.outcome.status == "passed", run.outcome.reason
    assert run.folder.manifest()["request"]["text"] == f"{COUNT}\nThen: use half that radius"
    prompt = json.loads((run.folder.attempts / "01" / "messages.json").read_text())[1]["content"]
    assert "It leaves out:\n- use half that radius" in prompt
