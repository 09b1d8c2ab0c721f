"""LangGraph Studio as its users see it: the real server on loopback, spoken to with its own client."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import httpx
import pytest
from ports import free_port
from typer.testing import CliRunner

from gammapygpt.cli import app
from gammapygpt.context import Context
from gammapygpt.errors import UserError
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.history import find_run
from gammapygpt.session import resume
from gammapygpt.settings import Settings

pytest.importorskip("langgraph_api", reason="the extra `studio` is not installed")
from langgraph_sdk import get_sync_client

ASK = 'How many observations are there within 2 deg of the Crab Nebula? Write result.json with "n_obs" (integer).'
QUICK = {"retrieval": False, "critic": False}
GRAPH = "gammapygpt"


class Studio:
    """A running server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.client = get_sync_client(url=f"http://127.0.0.1:{port}", api_key=None)

    def thread(self) -> str:
        return self.client.threads.create()["thread_id"]

    def go(self, thread: str, **what: object) -> dict[str, list]:
        """Go on in a thread until it ends or asks; what came along the way, by kind."""
        came: dict[str, list] = {"updates": [], "custom": [], "error": []}
        for part in self.client.runs.stream(thread, GRAPH, stream_mode=["updates", "custom"], **what):
            came.setdefault(part.event, []).append(part.data)
        return came

    def question(self, thread: str) -> dict:
        """What a thread waits for."""
        (asked,) = self.client.threads.get(thread)["interrupts"].values()
        return asked[0]["value"]

    def values(self, thread: str) -> dict:
        return self.client.threads.get_state(thread)["values"]

    def before(self, thread: str, node: str) -> dict:
        """The latest checkpoint with this node to come."""
        return next(state for state in self.client.threads.get_history(thread, limit=50) if state["next"] == [node])

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text()


@contextmanager
def serving(folder: Path, environ: dict[str, str], *options: str) -> Iterator[Studio]:
    """`gammapygpt studio`, started in a folder as a user would."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "gammapygpt", "studio", "--port", str(port), *options]
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)
    studio = Studio(folder, port)
    try:
        while True:
            assert server.poll() is None, studio.log
            try:
                httpx.get(f"http://127.0.0.1:{port}/ok")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield studio
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def environ(shared_cache: Path, simulated_data: Path) -> dict[str, str]:
    """No settings of the user, simulated data; keys of LangSmith, and a way out that leads nowhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GAMMAPYGPT_", "LANGSMITH_"))}
    no_settings = shared_cache.parent / "no-settings"
    (no_settings / "astropy").mkdir(parents=True, exist_ok=True)
    return kept | {
        "PHOTON_STORAGE": str(simulated_data),
        "XDG_CONFIG_HOME": str(no_settings),
        "GAMMAPYGPT_CACHE": str(shared_cache),
        "GAMMAPYGPT_SANDBOX__VERIFY": "false",
        "GAMMAPYGPT_SANDBOX__WARM": "false",
        "LANGSMITH_API_KEY": "lsv2_pt_not_to_be_used",
        "LANGSMITH_TRACING": "true",
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture(scope="module")
def outside() -> Iterator[socket.socket]:
    """The only way out of this machine; nobody should knock."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.setblocking(False)
        yield door


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str], outside: socket.socket
) -> Iterator[Studio]:
    """The server that these tests share."""
    door = f"http://127.0.0.1:{outside.getsockname()[1]}"
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "LANGSMITH_ENDPOINT"), door)
    with serving(tmp_path_factory.mktemp("studio"), environ | proxies) as studio:
        yield studio


def test_the_module_that_servers_load_is_cheap():
    code = "import sys, gammapygpt.graph.studio; print({'langgraph', 'pydantic'} & sys.modules.keys())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def test_every_switch_is_a_described_field_with_its_default(studio):
    (assistant,) = studio.client.assistants.search()
    schemas = studio.client.assistants.get_schemas(assistant["assistant_id"])
    shown = schemas["context_schema"]["properties"]
    switches = {one.name: one for one in fields(Context) if one.name not in ("run_folder", "settings")}
    assert shown.keys() == switches.keys()
    for name, one in switches.items():
        assert shown[name]["description"] == one.metadata["description"]
        assert shown[name]["default"] == getattr(Context(), name)
        assert shown[name].get("type") or shown[name]["anyOf"]
    assert shown["coder_backend"]["enum"] == ["cookbook", "local"]
    assert "required" not in schemas["context_schema"], "a run needs a request and nothing else"
    asked = schemas["input_schema"]
    assert asked["required"] == ["request"]
    assert asked["$defs"]["Ask"]["required"] == ["text"]
    assert "answer" in schemas["output_schema"]["properties"]


def test_a_thread_asks_goes_on_and_is_forked(studio, outside):
    thread = studio.thread()
    came = studio.go(thread, input={"request": {"text": ASK}}, context={**QUICK, "approve": ["script"], "attempts": 2})
    assert [next(iter(update)) for update in came["updates"]] == ["begin", "planner", "coder", "__interrupt__"]
    assert came["updates"][1]["planner"]["plan"]["recipe"] == "observation_list"
    assert [event["agent"] for event in came["custom"] if event["event"] == "agent"][:2] == ["planner", "coder"]
    question = studio.question(thread)
    assert (question["about"], question["number"]) == ("script", 1)
    assert "DataStore.from_dir" in question["script"]

    waiting = RunFolder(Path(studio.values(thread)["folder"]))
    assert waiting.manifest()["question"]["script"] == question["script"]
    with pytest.raises(UserError, match="goes on in LangGraph Studio alone"):
        resume(waiting, Settings())
    with pytest.raises(UserError, match="no unfinished run"):
        find_run(waiting.path.parent, None, unfinished=True)

    for nonsense, problem in (
        ("perhaps", "the answer cannot be read: Input should be 'accept', 'edit' or 'reject'."),
        ('{"decision": 1}', "the answer cannot be read: Input should be 'accept', 'edit' or 'reject'."),
        ({"decision": "edit"}, "the edited script is empty"),
    ):
        studio.go(thread, command={"resume": nonsense})
        assert problem in studio.question(thread)["problem"]

    studio.go(thread, command={"resume": "accept"})
    state = studio.values(thread)
    answer, folder = state["answer"], RunFolder(Path(state["folder"]))
    assert (answer["status"], answer["result"]["n_obs"]) == ("passed", 4)
    assert answer["script"] == state["attempts"][0]["script"]
    assert folder.path.parent == studio.folder / "runs"
    assert (folder.final / "report.html").is_file()
    manifest = folder.manifest()
    assert manifest["status"] == "passed"
    assert manifest["switches"]["approve"] == ["script"], "an answer does not put the switches back"

    place = studio.before(thread, "coder")
    plan = {**place["values"]["plan"], "parameters": {**place["values"]["plan"]["parameters"], "OBS_IDS": [1, 2]}}
    edited = studio.client.threads.update_state(thread, {"plan": plan}, checkpoint=place["checkpoint"])
    studio.go(thread, checkpoint=edited["checkpoint"])
    assert "OBS_IDS = [1, 2]" in studio.question(thread)["script"]
    studio.go(thread, command={"resume": {"decision": "reject", "reason": "just looking"}}, context={"attempts": 5})
    state = studio.values(thread)
    assert state["answer"]["status"] == "refused"
    assert state["answer"]["reason"] == "the user declined draft 1: just looking"
    fork = RunFolder(Path(state["folder"]))
    assert fork.manifest()["forked"]["run"] == folder.name
    assert [one["switches"]["attempts"] for one in (manifest, fork.manifest())] == [2, 5], "though 5 is the default"
    assert "OBS_IDS = [1, 2]" in (fork.attempt(1) / "script.py").read_text()
    assert folder.manifest() | {"studio": None} == manifest | {"studio": None}, "the first way is left as it was"
    assert "OBS_IDS = None" in (folder.attempt(1) / "script.py").read_text()

    assert "Blocking" not in studio.log
    assert "Traceback" not in studio.log
    with pytest.raises(BlockingIOError):  # nobody knocked at the only way out
        outside.accept()


def test_other_pages_in_the_browser_cannot_start_runs(studio):
    threads = f"http://127.0.0.1:{studio.port}/threads"
    for page, status in (
        ("https://smith.langchain.com", 200),
        (f"http://localhost:{studio.port}", 200),
        ("https://somewhere.example", 403),
        ("https://smith.langchain.com.somewhere.example", 403),
        ("null", 403),
    ):
        reply = httpx.post(threads, json={}, headers={"Origin": page})
        assert reply.status_code == status, page
        assert reply.headers.get("access-control-allow-origin") == (page if status == 200 else None)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"input": {"request": {"text": "  "}}}, "the request is empty."),
        ({"input": {"request": {"words": "x"}}}, "the request cannot be read: text: Field required."),
        ({"input": {"request": ASK}, "context": {"coder_backend": "gpt"}}, "roles.coder names backend 'gpt'"),
        ({"input": {"request": ASK}, "context": {"attempts": 0}}, "attempts in [budget] should be greater than"),
        ({"input": {"request": {"text": ASK, "follow_up": True}}}, "this thread has no run to follow up."),
    ],
)
def test_a_mistake_is_told_in_one_line(studio, what, said):
    thread = studio.thread()
    (error,) = studio.go(thread, **what)["error"]
    assert error["error"] == "UserError"
    assert said in error["message"]
    assert studio.client.threads.get(thread)["status"] == "error"
    assert "Traceback" not in studio.log


def test_a_port_in_use_is_said_before_anything_starts(outside):
    port = str(outside.getsockname()[1])
    told = CliRunner().invoke(app, ["studio", "--port", port])
    assert told.exit_code == 2
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use. Name another --port." in told.output
    told = CliRunner().invoke(app, ["studio", "--port", "70000"])
    assert told.exit_code == 2
    assert "there is no port 70000." in told.output


@pytest.mark.slow
def test_a_question_outlives_the_server(tmp_path, environ):
    with serving(tmp_path, environ) as studio:
        thread = studio.thread()
        studio.go(thread, input={"request": ASK}, context={**QUICK, "approve": ["plan"]})
        plan = studio.question(thread)["plan"]
    plan["parameters"]["OBS_IDS"] = [1, 2]
    with serving(tmp_path, environ) as studio:
        assert studio.question(thread)["about"] == "plan"
        studio.go(thread, command={"resume": {"decision": "edit", "plan": plan}})
        assert studio.values(thread)["answer"]["result"]["n_obs"] == 2
        assert len(list((tmp_path / "runs").glob("*/manifest.json"))) == 1, "it goes on in its folder"


@pytest.mark.slow
def test_a_second_request_and_a_second_way_in_the_same_thread(tmp_path, environ):
    with serving(tmp_path, environ) as studio:
        thread = studio.thread()
        studio.go(thread, input={"request": ASK}, context=QUICK)
        first = studio.values(thread)
        studio.go(thread, input={"request": {"text": ASK}})
        second = studio.values(thread)
        assert [len(state["attempts"]) for state in (first, second)] == [1, 1]
        assert first["folder"] != second["folder"]
        place = studio.before(thread, "executor")["checkpoint"]
        ways = {second["folder"]}
        for _ in range(2):
            studio.go(thread, checkpoint=place)
            again = studio.values(thread)
            assert again["answer"]["result"]["n_obs"] == 4
            assert again["folder"] not in ways, "every way has a folder of its own"
            ways.add(again["folder"])
            forked = RunFolder(Path(again["folder"])).manifest()["forked"]
            assert (forked["run"], forked["next"]) == (Path(second["folder"]).name, "executor")


@pytest.mark.slow
def test_two_servers_in_one_folder_leave_each_other_alone(tmp_path, environ):
    with serving(tmp_path, environ) as one:
        thread = one.thread()
        with serving(tmp_path, environ, "--runs", str(tmp_path / "others")) as other:
            assert "Another server keeps its threads in" in other.log
            strange = other.thread()
            other.go(strange, input={"request": "what is the weather?"}, context=QUICK)
            assert Path(other.values(strange)["folder"]).parent == tmp_path / "others"
    with serving(tmp_path, environ) as one:
        assert [known["thread_id"] for known in one.client.threads.search()] == [thread]


@pytest.mark.slow
def test_without_data_a_run_says_what_to_do(tmp_path, environ):
    nothing = {name: value for name, value in environ.items() if name not in ("PHOTON_STORAGE", "GAMMAPY_DATA")}
    with serving(tmp_path, nothing) as studio:
        (error,) = studio.go(studio.thread(), input={"request": ASK})["error"]
        assert error["message"].startswith("No data folder: neither data.path nor PHOTON_STORAGE nor GAMMAPY_DATA")
