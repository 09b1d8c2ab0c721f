"""The MCP server where it takes longer: over HTTP, cancelled, killed, asked to wait for approval, without its model."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp_client import Talk, command, connected, settings_file
from ports import free_port
from scripted_run import REQUEST
from scripted_server import ScriptedServer

from gammapygpt.sandbox import processes
from gammapygpt.session import start
from gammapygpt.settings_loading import load_settings

pytestmark = pytest.mark.slow

COUNT = "number of observations within 2 deg of the Crab Nebula"
WRITES = "import json\nvalue = {value}\njson.dump({{'n_obs': value}}, open('result.json', 'w'))\n"
SLEEPS = "import json\nimport time\n\ntime.sleep(50)\njson.dump({'n': 1}, open('result.json', 'w'))\n"
CONNECTS = "import socket\n\nsocket.create_connection(('192.0.2.1', 80), timeout=20)\n"
SECRET = "a-key-that-nobody-may-see"


@pytest.fixture
def options(tmp_path: Path, simulated_data: Path) -> Callable[[str], list[str]]:
    """Options of a server with these settings."""

    def options(settings: str = "") -> list[str]:
        config = settings_file(tmp_path, settings)
        return ["--config", str(config), "--data", str(simulated_data), "--runs", str(tmp_path / "runs")]

    return options


@pytest.fixture
def server(options, shared_cache: Path) -> Callable[..., object]:
    """Start a server with these settings over stdio."""

    @contextmanager
    def server(settings: str = "") -> Iterator[Talk]:
        environment = {"GAMMAPYGPT_CACHE": str(shared_cache), "TEST_KEY": SECRET}
        with connected(command(*options(settings), env={**os.environ, **environment})) as talk:
            yield talk

    return server


def model(url: str) -> str:
    """Settings of a run by one model, which writes a script and nothing else."""
    return (
        f'default_backend = "test"\n[backends.test]\nkind = "openai"\nmodel = "m"\nbase_url = "{url}"\n'
        'api_key_env = "TEST_KEY"\nabilities = []\nretries = 0\n'
        "[switches]\nplanner = false\ncritic = false\nretrieval = false\ndrafts = false\n"
    )


def reply(value: int, **how: float) -> dict:
    """A model's answer with a script."""
    return {"text": f"```python\n{WRITES.format(value=value)}```", **how}


def test_a_cancelled_request_stops_the_run_which_can_be_resumed(server, scripted_server, tmp_path):
    slow: ScriptedServer = scripted_server(reply(1, delay=60.0), reply(4))
    with server(model(slow.url)) as talk:
        begun = talk.begin("generate", request=REQUEST)
        slow.wait_for(1)
        begun.cancel()
        with pytest.raises(CancelledError):
            begun.result()
        [folder] = (tmp_path / "runs").glob("2*")
        manifest = f"run://{folder.name}/manifest"
        while json.loads(talk.read(manifest).text)["status"] == "running":
            pass
        assert json.loads(talk.read(manifest).text)["status"] == "interrupted"
        job = talk.call("resume", run=folder.name)
        assert (job["run"], job["status"], job["result"]) == (folder.name, "passed", {"n_obs": 4})
        assert "has ended: passed" in talk.fault("resume", run=folder.name)


def test_the_user_is_asked_and_what_is_edited_is_run(server):
    with server() as talk:
        asked = talk.call("generate", request=COUNT, approve=["script"])
        assert (asked["status"], asked["question"]["about"]) == ("interrupted", "script")
        assert "DataStore" in asked["question"]["script"]
        edited = WRITES.format(value=3)
        job = talk.call("resume", run=asked["run"], decision="edit", script=edited)
        assert (job["run"], job["script"]) == (asked["run"], edited)
        refused = talk.call("generate", request=COUNT, approve=["plan"])
        job = talk.call("resume", run=refused["run"], decision="reject", reason="not this one")
        assert (job["status"], job["result"]) == ("refused", {})
        assert "not this one" in job["reason"]


def test_a_finished_run_is_followed_up(server):
    with server() as talk:
        first = talk.call("generate", request=COUNT)
        second = talk.call("follow_up", run=first["run"], request="within 0.4 deg")
        assert second["run"] != first["run"]
        manifest = json.loads(talk.read(f"run://{second['run']}/manifest").text)
        assert manifest["follows"]["run"] == first["run"]


def test_without_the_model_server_one_line_says_so_and_shows_no_secret(server, tmp_path):
    with server(model("http://127.0.0.1:9/v1")) as talk:
        said = talk.fault("generate", request=COUNT)
        assert "127.0.0.1:9" in said
        [folder] = (tmp_path / "runs").glob("2*")
        kept = talk.read(f"run://{folder.name}/manifest").text + talk.read("run://list").text
        assert SECRET not in said + kept


def test_no_script_reaches_the_network_even_unchecked(server):
    with server("[switches]\npreflight = false\n") as talk:
        job = talk.call("run_script", script=CONNECTS)
        assert job["status"] == "failed"
        assert "Error in line 3" in job["reason"]


def test_what_was_begun_without_a_sandbox_is_not_gone_on_with(server, options):
    with server() as talk:
        _, config, _, data, _, runs = options()
        given = {"sandbox.provider": "unsafe-local", "data.path": data, "runs.folder": runs}
        run = start(COUNT, load_settings(Path(config), given), overrides=given, config=Path(config))
        assert "sandbox.provider" in talk.fault("resume", run=run.folder.name)


@pytest.mark.parametrize("how", ["its client is gone", "it is killed"])
def test_when_the_server_ends_nothing_of_it_goes_on(how, options, shared_cache, tmp_path):
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    call = {"name": "run_script", "arguments": {"script": SLEEPS}, "_meta": {"progressToken": 7}}
    requests = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "gammapygpt", "mcp", *options()],
        env={**os.environ, "GAMMAPYGPT_CACHE": str(shared_cache)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(f"{json.dumps(request)}\n" for request in requests))
    process.stdin.flush()
    while len(family := processes.tree(process.pid)[0]) < 4:  # the server, the run, its sandbox, the script in it
        pass
    handles = [processes.handle(pid) for pid in family]
    if how == "it is killed":
        process.send_signal(signal.SIGKILL)
    process.stdin.close()
    process.stdout.close()
    process.wait()
    for handle in handles:
        assert ended(handle)


def ended(handle: int) -> bool:
    """Wait for the end of a process, but not for ever."""
    return bool(select.select([handle], [], [], 60.0)[0])


def test_over_http_on_this_machine_alone(options, shared_cache):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gammapygpt", "mcp", "--transport", "streamable-http", "--port", str(port), *options()],
        env={**os.environ, "GAMMAPYGPT_CACHE": str(shared_cache)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        address = process.stderr.readline().strip()
        assert address == f"http://127.0.0.1:{port}/mcp"
        with connected(address) as one, connected(address) as other:
            begun = one.begin("run_script", script=WRITES.format(value=4), keys=["n_obs"])
            assert not other.call("check_script", script="print(1)")["passed"]
            assert begun.result().structured_content["result"] == {"n_obs": 4}
            assert any("running the script" in line for line in one.progress)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
