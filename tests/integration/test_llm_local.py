"""The backend `local`: a real child process, real HTTP, with a stand-in for llama.cpp; and once llama.cpp itself."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import platformdirs
import pytest
from local_server import stand_in
from pydantic import SecretStr

from gammapygpt import llm
from gammapygpt.commands import doctor
from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.llm.base import Backend, Message, Question
from gammapygpt.llm.local import server
from gammapygpt.llm.local.backend import launch
from gammapygpt.llm.local.files import find_known
from gammapygpt.llm.local.models import known_models
from gammapygpt.sandbox.processes import handle
from gammapygpt.session import start
from gammapygpt.settings import Settings
from gammapygpt.state import Request

SCRIPT = "import json\n\njson.dump({'n_obs': 4}, open('result.json', 'w'))\n"
SCHEMA = {"title": "Plan", "type": "object", "required": ["steps"], "properties": {"steps": {"type": "array"}}}
CODE = {"text": SCRIPT.rstrip("\n"), "usage": {"input": 500, "cached": 480, "output": 30}, "times": 9}


@pytest.fixture(autouse=True)
def no_server_stays():
    yield
    server.stop_all()


def question(form: str = "script", **more) -> Question:
    messages = [Message(role="system", content="You write Gammapy."), Message(role="user", content="Count runs.")]
    given = {"role": "coder", "messages": messages, "json_schema": SCHEMA if form == "json" else None, **more}
    return Question(form=form, request=Request(text="Count runs."), **given)


def backend(model: str | Path, **more) -> Backend:
    settings = {"kind": "local", "model": str(model), **more}
    return llm.backend(Settings.model_validate({"default_backend": "m", "backends": {"m": settings}}), "coder", None)


def the_servers() -> list[server.Server]:
    return list(server._servers.values())


def has_ended(pid: int) -> bool:
    """Wait for the end of a process; it is not our child."""
    ready, _, _ = select.select([handle(pid)], [], [], 30)
    return bool(ready)


def test_it_starts_with_the_first_question_and_stops_with_the_block(tmp_path, monkeypatch):
    small = stand_in(monkeypatch, tmp_path, {"json": {"steps": ["count"]}}, CODE)
    local, said = backend(small), []
    assert (local.kind, local.abilities) == ("local", {"json_schema", "prefill"})
    with server.kept():
        assert the_servers() == []
        plan = local.ask(question("json"), on_wait=said.append)
        code = local.ask(question(), on_wait=said.append)
        (serving,) = the_servers()
        assert serving.url.startswith("http://127.0.0.1:")
        assert not serving.ended
    assert serving.ended
    assert (plan.value, code.script, code.model) == ({"steps": ["count"]}, SCRIPT, "small")
    assert (code.usage.input_tokens, code.usage.cached_tokens, code.usage.output_tokens) == (500, 480, 30)
    assert [line.split(" ")[:2] for line in said] == [["loading", "small"], ["small", "is"]]


def test_the_key_is_random_and_nowhere_to_be_read(tmp_path, monkeypatch):
    small = stand_in(monkeypatch, tmp_path, CODE)
    with server.kept():
        backend(small).ask(question())
        (serving,) = the_servers()
        process = Path(f"/proc/{serving.process.pid}")
        public = (process / "cmdline").read_bytes() + (process / "environ").read_bytes() + serving.log.read_bytes()
        assert serving.key.get_secret_value().encode() not in public
        assert len(serving.key) >= 24
        assert "loading" in serving.log.read_text()
        serving.key = SecretStr("another")
        with pytest.raises(UserError, match="refuses the key"):
            backend(small, max_output_tokens=99).ask(question())


def test_backends_that_want_the_same_share_a_server(tmp_path, monkeypatch):
    small = stand_in(monkeypatch, tmp_path, CODE)
    with server.kept():
        for more in ({}, {"temperature": 0.2}, {"serving": {"context": 4096}}):
            backend(small, **more).ask(question())
        assert [serving.launch.context for serving in the_servers()] == [8192, 4096]


def test_blocks_within_blocks_keep_the_server(tmp_path, monkeypatch):
    small = stand_in(monkeypatch, tmp_path, CODE)
    with server.kept():
        with server.kept():
            backend(small).ask(question())
        (serving,) = the_servers()
        assert not serving.ended
    assert serving.ended


def test_a_model_that_cannot_be_loaded_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("GAMMAPYGPT_CACHE", str(tmp_path))
    small = stand_in(monkeypatch, tmp_path, fault="broken")
    with pytest.raises(InfrastructureError) as error:
        backend(small).ask(question())
    assert str(error.value).startswith(
        "small cannot be served: llama_model_load: tensor 'output' has the wrong shape. Its log is "
    )
    (log,) = (tmp_path / "models" / "logs").iterdir()
    assert str(log) in str(error.value)


def test_a_server_that_was_killed_is_said_so_and_started_anew(tmp_path, monkeypatch):
    small = stand_in(monkeypatch, tmp_path, {"kill": True, "when": "everything"}, CODE)
    local = backend(small, retries=0)
    local.ask(question())
    (first,) = the_servers()
    with pytest.raises(InfrastructureError, match=r"The server of small was ended by signal 9 .*out of memory"):
        local.ask(question(messages=[Message(role="user", content="Count everything.")]))
    assert local.ask(question()).script == SCRIPT
    assert the_servers() != [first]


PARENT = """\
import os, sys, threading
import pytest
from local_server import stand_in
from pydantic import SecretStr
from gammapygpt.llm.local import server
from gammapygpt.llm.local.backend import launch
from gammapygpt.settings import BackendSettings
from pathlib import Path

small = stand_in(pytest.MonkeyPatch(), Path(sys.argv[1]), fault=sys.argv[2])
order = launch(BackendSettings(kind="local", model=str(small)))
threading.Thread(target=server.running, args=(order, lambda line: None), daemon=True).start()
while not server._servers:
    pass
(serving,) = server._servers.values()
if not sys.argv[2]:
    serving.wait_until_ready(print)
while "loading" not in serving.log.read_text():
    pass
print("server", serving.process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("fault", ["", "stuck"], ids=["at work", "while it loads"])
def test_kill_9_of_the_program_ends_its_server(tmp_path, fault):
    path = os.pathsep.join([str(Path(__file__).parent.parent), *filter(None, sys.path)])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), fault],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    with parent:
        line = next(line for line in parent.stdout if line.startswith("server "))
        parent.send_signal(signal.SIGKILL)
    assert has_ended(int(line.split()[1]))


def test_without_the_extra_it_says_how_to_install_it(tmp_path, monkeypatch):
    small = stand_in(monkeypatch, tmp_path)
    monkeypatch.setattr(server, "PROGRAM", server.PROGRAM._replace(needs="no_such_module"))
    with pytest.raises(UserError, match=r"Type `pip install 'gammapygpt\[local\]'`"):
        backend(small).ask(question())


def test_without_the_file_it_says_how_to_get_it(tmp_path, monkeypatch):
    stand_in(monkeypatch, tmp_path)
    local = llm.backend(Settings(default_backend="local"), "coder", None)
    with pytest.raises(UserError, match=r"is not on this machine\. `gammapygpt model fetch "):
        local.ask(question())


def test_a_prompt_that_is_too_long_names_the_setting(tmp_path, monkeypatch):
    said = {"code": 400, "message": "request (9030 tokens) exceeds the available context size (8192 tokens)"}
    small = stand_in(monkeypatch, tmp_path, {"status": 400, "error": said})
    with pytest.raises(InfrastructureError, match=r"Raise backends\.m\.serving\.context"):
        backend(small).ask(question())


def test_a_run_by_a_local_model(tmp_path, monkeypatch, simulated_data):
    small = stand_in(monkeypatch, tmp_path, CODE)
    settings = Settings.model_validate(
        {
            "default_backend": "local",
            "backends": {"local": {"model": str(small)}},
            "data": {"path": str(simulated_data)},
            "runs": {"folder": str(tmp_path / "runs")},
            "sandbox": {"warm": False},
            "switches": {"planner": False, "critic": False, "retrieval": False, "preflight": False},
        }
    )
    run = start('How many observations are there? Write result.json with "n_obs" (integer).', settings)
    ended, waited = [], []
    for event in run.stream():
        if event["event"] == "waiting":
            waited.append(event["line"])
        if event["event"] == "answered":
            ended.append(the_servers()[0])
    assert run.outcome is not None
    assert (run.outcome.status, run.outcome.result) == ("passed", {"n_obs": 4})
    assert run.outcome.usage.cached_tokens == 480
    assert len(waited) == 2
    assert [serving.ended for serving in ended] == [True]


def test_doctor_compares_memory_and_measures_speed(tmp_path, monkeypatch):
    timings = {"prompt_per_second": 31.44, "predicted_per_second": 9.81}
    small = stand_in(monkeypatch, tmp_path, {"text": "def f(): ...", "timings": timings})
    given = {"model": str(small), "serving": {"threads": 2, "cache_mb": 0}}
    settings = Settings.model_validate({"default_backend": "local", "backends": {"local": given}})
    found = doctor.check_model("local", settings)
    assert (found.status, found.remedy) == ("ok", "")
    assert f"small in {small}; needs 0.2 GB of memory for 8192 tokens" in found.detail
    ((name, measure),) = doctor.measurements(settings)
    assert name == "speed local"
    assert "reads 31.4 and writes 9.8 tokens/s with 2 threads" in measure(settings).detail
    assert the_servers() == []
    given["serving"]["cache_mb"] = 10**9
    warned = doctor.check_model("local", Settings.model_validate({"backends": {"local": given}}))
    assert warned.status == "warn"
    assert "lower serving.context" in warned.remedy


@pytest.mark.slow
def test_llama_cpp_itself():
    """Schema, prefill, cached tokens and two servers of one file, with the real model."""
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: pip install 'gammapygpt[local]'")
    folders = [os.environ.get("GGUF_FOLDER", ""), platformdirs.user_cache_dir("gammapygpt")]
    name, model = next(iter(known_models().items()))
    file = find_known(model, folders)
    if file is None:
        pytest.skip(f"{name} is in neither GGUF_FOLDER nor the cache: gammapygpt model fetch")
    schema = {"type": "object", "required": ["radius_deg"], "properties": {"radius_deg": {"enum": [0.5, 2, None]}}}
    local = backend(name, serving={"folder": str(file.parent), "context": 2048})
    asked = question("json", messages=[Message(role="user", content="All runs within 2 deg of the Crab, please.")])
    asked.json_schema = {**schema, "title": "Parameters", "additionalProperties": False}
    with server.kept():
        first, second = local.ask(asked), local.ask(asked)
        other = backend(name, serving={"folder": str(file.parent), "context": 1024})
        code = other.ask(question(messages=[Message(role="user", content="Print the sum of 3 and 4 in Python.")]))
        assert len(the_servers()) == 2
    assert first.value == second.value == {"radius_deg": 2}
    assert second.usage.cached_tokens > first.usage.input_tokens - 20
    assert "print" in code.script
    assert launch(local.settings).file == str(file)
