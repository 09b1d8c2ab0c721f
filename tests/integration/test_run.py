"""The whole loop with scripted replies, the real graph and the real sandbox, on simulated data."""

from __future__ import annotations

import json

import pytest
from scripted_run import REQUEST

from gammapygpt.errors import UserError
from gammapygpt.run import Run
from gammapygpt.session import resume, start

LONG_GONE = """\
import json
from gammapy.spectrum import SpectrumExtraction

json.dump({"n_obs": 4}, open("result.json", "w"))
"""
BREAKS_THE_CONTRACT = """\
import json
import os
import matplotlib.pyplot as plt
from gammapy.data import DataStore

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "dl3-simulated"))
plt.show()
json.dump({"n_obs": len(store.obs_table)}, open("result.json", "w"))
"""
RIGHT = """\
import json
import os
from gammapy.data import DataStore

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "dl3-simulated"))
json.dump({"n_obs": len(store.obs_table)}, open("result.json", "w"))
"""
RAISES = "import json\nvalue = [1, 2][5]\njson.dump({'n_obs': value}, open('result.json', 'w'))\n"


def constant(value: float) -> str:
    """A script that writes one number."""
    return f'import json\n\njson.dump({{"n_obs": {value}}}, open("result.json", "w"))\n'


def finish(run: Run) -> list[dict]:
    return list(run.stream())


def test_third_draft_passes_and_all_three_are_on_disk(begin):
    run = begin(
        LONG_GONE,
        BREAKS_THE_CONTRACT,
        RIGHT,
        expect='[[expected]]\nkey = "n_obs"\ntype = "int"\nvalue = 4\nabs_tol = 0',
    )
    finish(run)
    assert run.outcome.status == "passed"
    assert run.outcome.best == 3
    assert run.outcome.result["n_obs"] == 4
    manifest = run.folder.manifest()
    assert [attempt["failure"] for attempt in manifest["attempts"]] == ["import", "contract", None]
    assert (manifest["usage"]["calls"], manifest["usage"]["input_tokens"]) == (3, 300)
    for number, script in enumerate((LONG_GONE, BREAKS_THE_CONTRACT, RIGHT), 1):
        place = run.folder.path / "attempts" / f"{number:02d}"
        assert (place / "script.py").read_text() == script
        assert (place / "messages.json").is_file()
    assert not (run.folder.path / "attempts" / "02" / "execution.json").exists(), "gate 1 stopped it before a run"
    assert json.loads((run.folder.final / "result.json").read_text())["n_obs"] == 4
    assert (run.folder.final / "report.html").is_file()


def test_a_crash_comes_back_to_the_coder_with_its_line_and_a_patch_of_it_is_enough(begin):
    patch = {"role": "coder", "script": "value = 4\n", "lines": [2, 2]}
    run = begin(RAISES, patch)
    finish(run)
    assert [attempt.failure for attempt in run.outcome.attempts] == ["runtime", None]
    assert run.outcome.attempts[1].how == "patch"
    asked = json.loads((run.folder.path / "attempts" / "02" / "messages.json").read_text())
    assert "IndexError" in asked[-2]["content"]
    assert "   2  value = [1, 2][5]" in asked[-2]["content"]


def test_a_repeated_draft_is_not_run_and_the_third_time_is_another_way(begin):
    run = begin(RAISES, RAISES, RIGHT)
    finish(run)
    repeated = run.outcome.attempts[1]
    assert (repeated.repeat_of, repeated.execution) == (1, None)
    assert run.outcome.attempts[2].how == "fresh"
    assert run.outcome.status == "passed"


def test_expected_values_reach_neither_prompt_nor_record(begin):
    run = begin(
        constant(3.5),
        constant(4.5),
        expect='[[expected]]\nkey = "n_obs"\ntype = "float"\nvalue = 2.7182818\nrel_tol = 0.01\nunit = "h"',
        budget={"attempts": 2},
    )
    finish(run)
    assert run.outcome.status == "budget"
    assert {attempt.failure for attempt in run.outcome.attempts} == {"wrong_value"}
    for path in run.folder.path.parent.rglob("*"):
        if path.is_file():
            assert b"2.718" not in path.read_bytes(), path


def test_expected_values_must_not_lie_where_scripts_can_read_them(begin, simulated_data, tmp_path):
    inside = simulated_data / "expected.toml"
    inside.write_text('[[expected]]\nkey = "n_obs"\ntype = "int"\nvalue = 4\nabs_tol = 0')
    try:
        settings = begin(RIGHT).settings
        with pytest.raises(UserError, match="where scripts could read them"):
            start(REQUEST, settings, expect=inside)
    finally:
        inside.unlink()


def test_an_unusable_reply_is_an_attempt_and_is_charged(begin):
    run = begin({"role": "coder", "fault": "truncated"}, RIGHT)
    finish(run)
    assert [attempt.failure for attempt in run.outcome.attempts] == ["format", None]
    assert "truncated" in run.outcome.attempts[0].summary
    assert run.outcome.usage.calls == 2


@pytest.mark.parametrize(
    ("budget", "calls"),
    [({"attempts": 2}, 2), ({"model_calls": 1}, 1), ({"tokens": 240}, 2)],
)
def test_a_spent_budget_ends_the_run(begin, budget, calls):
    run = begin(RAISES, constant(1).replace("n_obs", "other"), RIGHT, budget={"attempts": 5, **budget})
    finish(run)
    assert run.outcome.status == "budget"
    assert run.outcome.usage.calls == calls


def test_optimisers_candidate_is_kept_only_with_the_same_numbers(begin):
    better = {"role": "optimiser", "script": RIGHT.replace("store = ", "found = ").replace("(store.", "(found.")}
    run = begin(RIGHT, better | {"script": constant(5)}, switches={"optimiser": True})
    finish(run)
    assert run.outcome.best == 1
    assert "other numbers" in run.outcome.attempts[1].declined


def test_critic_and_planner_take_part_where_they_are_switched_on(begin):
    planned = {"role": "planner", "content": '{"steps": ["count them"], "recipe": "", "results": []}'}
    told = '{"kind": "runtime", "diagnosis": "bad index", "action": "fresh", "advice": "use len(obs_table)"}'
    run = begin(planned, RAISES, {"role": "critic", "content": told}, RIGHT, switches={"planner": True, "critic": True})
    events = finish(run)
    assert [event["agent"] for event in events if event["event"] == "agent"] == [
        "planner",
        "coder",
        "executor",
        "critic",
        "coder",
        "executor",
        "critic",
    ]
    asked = json.loads((run.folder.path / "attempts" / "02" / "messages.json").read_text())
    assert "use len(obs_table)" in "".join(message["content"] for message in asked)
    assert run.outcome.status == "passed"
    assert run.outcome.usage.calls == 4


def test_resume_refuses_when_something_has_changed(begin, tmp_path):
    run = begin(RIGHT, expect='[[expected]]\nkey = "n_obs"\ntype = "int"\nvalue = 4\nabs_tol = 0')
    finish(run)
    folder = run.folder
    with pytest.raises(UserError, match=r"settings have changed.*sandbox\.wall_s"):
        resume(
            folder, run.settings.model_copy(update={"sandbox": run.settings.sandbox.model_copy(update={"wall_s": 1})})
        )
    manifest = folder.manifest()
    folder.update_manifest(request=manifest["request"] | {"text": "something else"})
    with pytest.raises(UserError, match=r"request .* has changed"):
        resume(folder, run.settings)
    folder.update_manifest(request=manifest["request"])
    folder.update_manifest(data=manifest["data"] | {"index_checksums": {"dl3-simulated": "0"}})
    with pytest.raises(UserError, match="index tables of dl3-simulated"):
        list(resume(folder, run.settings).stream())
    assert folder.manifest()["status"] == "passed", "a refusal changes nothing"
    folder.update_manifest(data=manifest["data"])
    (tmp_path / "expected.toml").write_text("")
    with pytest.raises(UserError, match="expected values"):
        resume(folder, run.settings)


def test_a_finished_run_gives_its_outcome_again_without_a_call(begin):
    run = begin(RIGHT)
    finish(run)
    again = resume(run.folder, run.settings)
    finish(again)
    assert again.outcome.status == "passed"
    assert again.outcome.usage.calls == 1
    assert again.folder.manifest()["status"] == "passed"


LACKS_AN_IMPORT = """\
import json
import sys

json.dump({"n_obs": 4 if "gammapy.makers" in sys.modules else float("nan")}, open("result.json", "w"))
"""


def test_a_script_that_only_works_in_a_warm_worker_does_not_pass(begin):
    run = begin(LACKS_AN_IMPORT, sandbox={"warm": True})
    finish(run)
    assert run.outcome.attempts[0].passed
    assert run.outcome.status == "failed"
    assert "run again from nothing" in run.outcome.reason
    manifest = run.folder.manifest()
    assert (manifest["status"], manifest["verified"]["passed"], manifest["result"]) == ("failed", False, {})
    assert not (run.folder.final / "script.py").exists()


def test_a_script_that_passes_is_run_again_from_nothing(begin):
    run = begin(RIGHT, sandbox={"warm": True})
    finish(run)
    assert run.folder.manifest()["verified"]["passed"]


def test_a_model_that_refuses_is_asked_again(begin):
    run = begin({"role": "coder", "fault": "refused"}, RIGHT)
    finish(run)
    assert [attempt.failure for attempt in run.outcome.attempts] == ["format", None]


def test_a_node_whose_writes_were_kept_but_not_its_checkpoint_is_not_the_end(begin, monkeypatch):
    from langgraph.checkpoint.sqlite import SqliteSaver

    run = begin(RAISES, RIGHT)
    put = SqliteSaver.put

    def killed_after_the_executor(self, config, checkpoint, metadata, new_versions):
        if checkpoint["channel_values"].get("attempts"):
            raise KeyboardInterrupt
        return put(self, config, checkpoint, metadata, new_versions)

    monkeypatch.setattr(SqliteSaver, "put", killed_after_the_executor)
    with pytest.raises(KeyboardInterrupt):
        finish(run)
    monkeypatch.undo()
    again = resume(run.folder, run.settings)
    finish(again)
    assert [attempt.failure for attempt in again.outcome.attempts] == ["runtime", None]
