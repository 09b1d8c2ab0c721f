"""mini-swe-agent against a scripted server: its own loop and words, its commands in our sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile

import pytest
from scripted_run import REQUEST

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.evals.baselines import command as inside
from gammapygpt.evals.baselines import peer
from gammapygpt.session import resume, start
from gammapygpt.settings import Settings

WRITE = """\
cat <<'EOF' > count.py
import json, os
stores = os.listdir(os.environ["GAMMAPY_DATA"])
json.dump({"n_obs": 4}, open("result.json", "w"))
print(stores)
EOF"""
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


def command(line: str) -> dict:
    return {"text": f"THOUGHT: on we go.\n\n```mswea_bash_command\n{line}\n```"}


@pytest.fixture
def begin(tmp_path, simulated_data, scripted_server):
    """A run whose model sends these replies, and its server."""

    def begin(*replies: dict, wall_s: float = 60, expect: str = "", **budget):
        server = scripted_server(*replies)
        model = {"model": "scripted-model", "base_url": server.url, "abilities": [], "retries": 0}
        settings = Settings.model_validate(
            {
                "default_backend": "mine",
                "backends": {"mine": model},
                "data": {"path": str(simulated_data)},
                "runs": {"folder": str(tmp_path / "runs")},
                "sandbox": {"wall_s": wall_s},
                "budget": {"attempts": 3, **budget},
            }
        )
        known = tmp_path / "expected.toml"
        known.write_text(expect)
        return start(REQUEST, settings, expect=known if expect else None), server

    return begin


def observations(server) -> list[str]:
    """What the model was told after each command."""
    return [turn["content"] for turn in server.bodies[-1]["messages"][2:] if turn["role"] == "user"]


def test_it_writes_runs_and_submits(begin):
    run, server = begin(command(WRITE), command("python count.py"), command(SUBMIT))
    peer.solve(run)
    assert (run.outcome.status, run.outcome.best, run.outcome.result) == ("passed", 1, {"n_obs": 4})
    assert "Submitted" in run.outcome.reason
    system, task = (turn["content"] for turn in server.bodies[0]["messages"])
    assert "helpful assistant that can interact with a computer" in system
    assert f"Please solve this issue: {REQUEST}" in task
    assert "dl3-simulated" in observations(server)[1]
    assert "<returncode>0</returncode>" in observations(server)[1]

    manifest = run.folder.manifest()
    assert (manifest["usage"]["calls"], manifest["usage"]["input_tokens"]) == (3, 300)
    place = run.folder.attempt(1)
    assert (place / "script.py").read_text() == (place / "workspace" / "count.py").read_text()
    record = json.loads((place / "messages.json").read_text())
    assert [turn["role"] for turn in record] == ["system", "user", *["assistant", "user"] * 2, "assistant", "exit"]
    assert len((run.folder.path / "calls.jsonl").read_text().splitlines()) == 3
    stages = [event["agent"] for event in run.folder.events() if event["event"] == "agent"]
    assert stages == ["coder", "executor"] * 3


def test_hostile_commands_harm_nothing_and_files_outlive_them(begin, simulated_data, tmp_path):
    witness = tmp_path / "witness"
    witness.write_text("untouched")
    before = sorted(simulated_data.rglob("*"))
    run, server = begin(
        command("mkdir -p deep && echo kept > deep/file && ln -s file deep/link && echo tmp > /tmp/too"),
        command(f"rm -rf {simulated_data} {tmp_path} $GAMMAPY_DATA/* /usr/*; cat {witness}"),
        command("f() { f | f & }; f"),
        command("echo lost > deep/file; kill -9 -1"),
        command("python -c 'import socket; socket.create_connection((\"1.1.1.1\", 80), 2)'"),
        command("cat deep/link /tmp/too"),
        command(SUBMIT),
        wall_s=3,
    )
    peer.solve(run)
    assert witness.read_text() == "untouched"
    assert sorted(simulated_data.rglob("*")) == before
    told = observations(server)
    assert "untouched" not in told[1]
    assert "it ended everything, and its files are not kept" in told[3]
    assert "Permission denied" in told[4] or "unreachable" in told[4]
    assert "<output>\nkept\ntmp\n" in told[5]
    assert run.outcome.status == "failed"
    assert "result.json` is not there" in run.outcome.reason


def test_a_command_that_takes_too_long_is_ended_and_what_it_wrote_stays(begin):
    run, server = begin(command("echo 1 > one; echo begun; sleep 60"), command("cat one"), command(SUBMIT), wall_s=2)
    peer.solve(run)
    first, second = observations(server)
    assert "timed out after 2 seconds" in first
    assert "begun" in first
    assert "<returncode>0</returncode>\n<output>\n1" in second


def test_its_calls_are_bounded_and_the_answer_in_its_folder_counts(begin):
    run, server = begin(command(WRITE), command("python count.py"), {**command("ls"), "times": 20}, attempts=1)
    peer.solve(run)
    assert len(server.bodies) == peer.CALLS_AN_ATTEMPT
    assert (run.outcome.status, run.outcome.result) == ("passed", {"n_obs": 4})
    assert "LimitsExceeded" in run.outcome.reason


def test_known_values_judge_its_answer_and_are_never_told_to_it(begin):
    known = '[[expected]]\nkey = "n_obs"\ntype = "int"\nvalue = 31415\nabs_tol = 0'
    run, server = begin(command("""echo '{"n_obs": 4}' > result.json"""), command(SUBMIT), expect=known)
    peer.solve(run)
    assert (run.outcome.status, run.outcome.attempts[0].failure) == ("failed", "wrong_value")
    assert len(server.bodies) == 2
    assert "31415" not in json.dumps(server.bodies)


def test_tokens_are_bounded_too(begin):
    run, server = begin({**command("ls"), "times": 20}, tokens=200)
    peer.solve(run)
    assert (len(server.bodies), run.outcome.status) == (2, "budget")


def test_three_replies_without_a_command_end_it(begin):
    run, server = begin({"text": "I would count them.", "times": 20})
    peer.solve(run)
    assert len(server.bodies) == 3
    assert "EXACTLY ONE action" in server.bodies[1]["messages"][-1]["content"]
    assert (run.outcome.status, run.outcome.attempts[0].failure) == ("failed", "format")
    assert "RepeatedFormatError" in run.outcome.reason


def test_a_broken_server_is_not_its_fault_and_it_goes_on_from_there(begin):
    run, server = begin(command(WRITE), command("python count.py; date +%N"), {"status": 500})
    with pytest.raises(InfrastructureError):
        peer.solve(run)
    assert run.folder.manifest()["status"] == "interrupted"
    server.add(command(SUBMIT))
    again = resume(run.folder, run.settings)
    peer.solve(again)
    assert again.outcome.status == "passed"
    assert len(server.bodies) == 4
    assert server.bodies[3] == server.bodies[2]


def test_a_conversation_longer_than_the_context_is_its_failure(begin):
    long = {"status": 400, "error": {"message": "too long", "code": "context_length_exceeded"}}
    run, _ = begin(command("ls"), long)
    peer.solve(run)
    assert run.outcome.status == "failed"
    assert "ContextWindowExceeded" in run.outcome.reason


def test_the_package_is_an_extra(begin, monkeypatch):
    run, _ = begin()
    monkeypatch.setitem(sys.modules, "minisweagent", None)
    with pytest.raises(UserError, match=r"pip install 'gammapygpt\[peer\]'"):
        peer.solve(run)


@pytest.mark.parametrize(
    ("commands", "script"),
    [
        (["python3 - <<'EOF'\nprint(1)\nEOF"], "print(1)\n"),
        (["cat > a.py <<EOF\nx\nEOF", "cat > b.py <<EOF\ny\nEOF", "python ./a.py", "ls"], "a\n"),
        (["ls"], ""),
    ],
)
def test_the_last_script(tmp_path, commands, script):
    for name in "ab":
        (tmp_path / f"{name}.py").write_text(f"{name}\n")
    assert peer.last_script(commands, tmp_path) == script


def test_what_lay_in_the_temporary_folder_before_is_not_carried_along(tmp_path):
    """As an environment of Python does that was made there."""
    for name in ("tmp/given", "workspace"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "tmp" / "given" / "large").touch()
    program = f"from gammapygpt.evals.baselines.command import run\nrun('touch here {tmp_path}/tmp/left', 60, '', {{}})"
    where = {"cwd": tmp_path / "workspace", "env": {**os.environ, "TMPDIR": str(tmp_path / "tmp")}}
    subprocess.run([sys.executable, "-c", program], check=True, **where)
    with tarfile.open(tmp_path / "workspace" / inside.STATE) as kept:
        assert sorted(kept.getnames()) == ["tmp/left", "work", "work/here"]
