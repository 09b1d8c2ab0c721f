"""Is a backend there? What `doctor` is told; and a run that is killed pays for no call twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import scripted_server as server_module

from gammapygpt.llm import check_endpoint
from gammapygpt.settings import BackendSettings, Settings


def checked(url, **more):
    mine = BackendSettings(**{"model": "scripted-model", "base_url": url, **more})
    return check_endpoint("mine", Settings(default_backend="mine", backends={"mine": mine}))


def test_a_server_that_has_the_model(scripted_server):
    server = scripted_server()
    assert checked(server.url + "/") == (True, f"scripted-model at 127.0.0.1:{server.port}", "")


def test_a_server_without_the_model(scripted_server):
    ok, detail, remedy = checked(scripted_server().url, model="gpt-9")
    assert (ok, "gpt-9" in detail, "scripted-model" in remedy) == (False, True, True)


def test_llama_cpp_answers_under_any_name(scripted_server):
    server = scripted_server()
    server.owner = "llamacpp"
    assert checked(server.url, model="gpt-9")[0]


def test_a_wrong_address(scripted_server):
    ok, detail, remedy = checked(scripted_server().url.removesuffix("/v1"))
    assert (ok, "404" in detail, "/v1" in remedy) == (False, True, True)


def test_nobody_there():
    ok, detail, remedy = checked("http://127.0.0.1:9/v1")
    assert (ok, detail) == (False, "127.0.0.1:9 cannot be reached")
    assert "base_url" in remedy


def test_a_missing_key(scripted_server):
    ok, detail, _ = checked(scripted_server().url, api_key_env="NOT_SET_ANYWHERE")
    assert (ok, "NOT_SET_ANYWHERE" in detail) == (False, True)


ASKING = """
import sys
from pathlib import Path
from gammapygpt import llm
from gammapygpt.llm.base import Message, Question
from gammapygpt.settings import BackendSettings, Settings
from gammapygpt.state import Request

mine = BackendSettings(model="m", base_url=sys.argv[1], abilities=["tools"])
backend = llm.backend(Settings(default_backend="mine", backends={"mine": mine}), "coder", Path(sys.argv[2]))
for number in (1, 2, 3):
    messages = [Message(role="user", content=f"draft {number}")]
    question = Question(
        role="coder", step=f"coder-{number}", messages=messages, form="script", request=Request(text="x")
    )
    print(backend.ask(question).script.strip(), flush=True)
"""


def test_a_killed_run_repeats_only_the_call_that_was_under_way(scripted_server, tmp_path):
    server = scripted_server(
        {"when": "draft 1", "tool": {"code": "x = 1"}}, {"when": "draft 2", "tool": {"code": "x = 0"}, "delay": 600}
    )
    command = [sys.executable, "-c", ASKING, server.url, str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    killed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    server.wait_for(2)
    killed.kill()
    assert killed.communicate()[0] == "x = 1\n"

    server.add(*({"when": f"draft {number}", "tool": {"code": f"x = {number}"}} for number in (2, 3)))
    resumed = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert resumed.stdout.splitlines() == ["x = 1", "x = 2", "x = 3"]
    drafts = [body["messages"][-1]["content"] for body in server.bodies]
    assert drafts == ["draft 1", "draft 2", "draft 2", "draft 3"]


def test_the_scripted_server_as_a_program(tmp_path):
    (tmp_path / "replies.json").write_text(json.dumps([{"text": "hello"}]))
    program = [sys.executable, server_module.__file__, str(tmp_path / "replies.json")]
    files = ["--port-file", str(tmp_path / "port"), "--log", str(tmp_path / "requests")]
    with subprocess.Popen([*program, *files], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().split()[-1]
            assert (tmp_path / "port").read_text() == port
            answer = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json={"messages": []}, trust_env=False)
        finally:
            process.kill()
    assert answer.json()["choices"][0]["message"]["content"] == "hello"
    (request,) = (tmp_path / "requests").read_text().splitlines()
    assert json.loads(request)["body"] == {"messages": []}
