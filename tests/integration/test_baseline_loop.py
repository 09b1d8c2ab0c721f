"""The bare loop against a scripted server, in the real sandbox: what goes over the wire, and what becomes of it."""

from __future__ import annotations

import json

import pytest
from scripted_run import REQUEST

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.evals.baselines import loop
from gammapygpt.session import resume, start
from gammapygpt.settings import Settings

RAISES = "import json\nvalue = [1, 2][5]\njson.dump({'n_obs': value}, open('result.json', 'w'))\n"
NO_RESULT = "print('four observations')\n"
KNOWN = '[[expected]]\nkey = "n_obs"\ntype = "int"\nvalue = 4\nabs_tol = 0'


def constant(value: str) -> str:
    """A script that writes one number."""
    return f'import json\n\njson.dump({{"n_obs": {value}}}, open("result.json", "w"))\n'


def fenced(script: str) -> dict:
    return {"text": f"```python\n{script}```\n"}


@pytest.fixture
def begin(tmp_path, simulated_data, scripted_server):
    """A run whose model sends these replies, and its server."""

    def begin(*replies: dict, expect: str = "", **budget):
        server = scripted_server(*replies)
        model = {"model": "scripted-model", "base_url": server.url, "abilities": [], "retries": 0}
        settings = Settings.model_validate(
            {
                "default_backend": "mine",
                "backends": {"mine": model},
                "data": {"path": str(simulated_data)},
                "runs": {"folder": str(tmp_path / "runs")},
                "budget": budget,
            }
        )
        known = tmp_path / "expected.toml"
        known.write_text(expect)
        return start(REQUEST, settings, expect=known if expect else None), server

    return begin


def test_the_traceback_is_fed_back_and_the_second_attempt_passes(begin):
    run, server = begin(fenced(RAISES), fenced(constant("4")), attempts=3)
    loop.solve(run)
    assert (run.outcome.status, run.outcome.best, run.outcome.result) == ("passed", 2, {"n_obs": 4})
    first, second = (body["messages"] for body in server.bodies)
    assert [turn["role"] for turn in first] == ["system", "user"]
    assert first[1]["content"].startswith(REQUEST)
    assert second[:2] == first
    assert RAISES.strip() in second[2]["content"]
    assert "IndexError: list index out of range" in second[3]["content"]
    sent = json.dumps(server.bodies)
    for ours in ("Reference for Gammapy", "Example: a script", "DataStore", "Lines 1 to", "Fact:", "dl3-simulated"):
        assert ours not in sent

    manifest = run.folder.manifest()
    assert [line["how"] for line in manifest["attempts"]] == ["first", "repair"]
    assert (manifest["usage"]["calls"], manifest["usage"]["input_tokens"]) == (2, 200)
    assert not any(manifest["switches"][name] for name in ("retrieval", "planner", "critic", "skeptic", "preflight"))
    assert "verified" not in manifest, "it ran cold, so nothing is left to verify"
    stages = [event["agent"] for event in run.folder.events() if event["event"] == "agent"]
    assert stages == ["coder", "executor", "coder", "executor"]


def test_a_number_out_of_the_blue_passes_here_as_nothing_doubts_it(begin):
    run, server = begin(fenced(constant("123456")), attempts=3)
    loop.solve(run)
    assert run.outcome.status == "passed"
    assert len(server.bodies) == 1


def test_it_stops_when_the_attempts_are_spent_and_runs_no_script_twice(begin):
    run, server = begin(fenced(RAISES), fenced("# again\n" + RAISES), fenced(NO_RESULT), attempts=3)
    loop.solve(run)
    assert run.outcome.status == "budget"
    one, two, three = run.outcome.attempts
    assert (two.repeat_of, two.execution, two.failure) == (1, None, one.failure)
    assert three.failure == "output"
    assert "IndexError" in server.bodies[2]["messages"][-1]["content"], "the same error again"
    assert len(server.bodies) == 3


def test_a_single_shot_is_a_budget_of_one_attempt(begin):
    run, server = begin(fenced(NO_RESULT), attempts=1)
    loop.solve(run)
    assert (run.outcome.status, len(server.bodies)) == ("budget", 1)


def test_a_reply_without_a_script_is_an_attempt(begin):
    run, server = begin({"text": "I would count them."}, fenced(constant("4")), attempts=3)
    loop.solve(run)
    assert [attempt.failure for attempt in run.outcome.attempts] == ["format", None]
    assert server.bodies[1]["messages"][2]["content"] == "I would count them."
    assert "no Python script" in server.bodies[1]["messages"][3]["content"]


def test_with_the_validator_in_the_loop_its_verdict_is_fed_back_and_no_value(begin):
    run, server = begin(
        fenced(constant("5")), fenced(constant("float('nan')")), fenced(constant("4")), expect=KNOWN, attempts=3
    )
    loop.solve(run)
    assert [attempt.failure for attempt in run.outcome.attempts] == ["wrong_value", "output", None]
    told = [body["messages"][-1]["content"] for body in server.bodies[1:]]
    assert "`n_obs`" in told[0]
    assert "4" not in told[0]
    assert "NaN" in told[1]


def test_a_long_conversation_goes_on_from_its_beginning(begin):
    much = "".join(f"# {line}\n" for line in range(2000))
    long = [fenced(f"x = {number}\n{much}{RAISES}") for number in range(3)]
    run, server = begin(*long, attempts=3)
    loop.solve(run)
    assert [len(body["messages"]) for body in server.bodies] == [2, 4, 4]
    assert server.bodies[2]["messages"][:2] == server.bodies[0]["messages"]
    assert "x = 1\n" in server.bodies[2]["messages"][2]["content"]


def test_a_broken_server_is_no_attempt_and_what_was_answered_is_not_asked_again(begin):
    run, server = begin(fenced(RAISES), {"status": 500}, attempts=3)
    with pytest.raises(InfrastructureError):
        loop.solve(run)
    manifest = run.folder.manifest()
    assert manifest["status"] == "interrupted"
    assert "500" in manifest["reason"]
    ran = (run.folder.attempt(1) / "execution.json").stat().st_mtime_ns

    server.add(fenced(constant("4")))
    again = resume(run.folder, run.settings)
    assert again.context.skeptic is False
    loop.solve(again)
    assert again.outcome.status == "passed"
    assert (again.outcome.best, again.outcome.usage.calls) == (2, 2)
    assert len(server.bodies) == 3, "the first reply came from the journal"
    assert server.bodies[2] == server.bodies[1]
    assert (run.folder.attempt(1) / "execution.json").stat().st_mtime_ns == ran, "nor is its script run again"


def test_it_needs_a_model(tmp_path, simulated_data):
    settings = {"data": {"path": str(simulated_data)}, "runs": {"folder": str(tmp_path)}, "default_backend": "cookbook"}
    run = start(REQUEST, Settings.model_validate(settings))
    with pytest.raises(UserError, match="needs a model"):
        loop.solve(run)
