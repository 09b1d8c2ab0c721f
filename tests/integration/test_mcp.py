"""The MCP server as an agent meets it: the official client, over stdio, the real sandbox, simulated data."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp_client import Talk, command, connected, settings_file

OLD = "from gammapy.irf import load_cta_irfs\n\nirfs = load_cta_irfs('irf.fits')\n"
ERROR = "Traceback (most recent call last):\nAttributeError: 'FluxPoints' object has no attribute 'table'"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
RIGHT = f"""\
import base64
import json
import os
from pathlib import Path

stores = [path.name for path in Path(os.environ["GAMMAPY_DATA"]).iterdir() if path.is_dir()]
print("stores:", stores)
Path("sky.png").write_bytes(base64.b64decode("{PIXEL}"))
with open("result.json", "w") as file:
    json.dump({{"n_stores": len(stores)}}, file)
"""
FAILS = "import json\n\nvalue = [1, 2][5]\njson.dump({'n_obs': value}, open('result.json', 'w'))\n"
NETWORK = """\
import json
import socket

socket.create_connection(("example.org", 80))
json.dump({"n": 1}, open("result.json", "w"))
"""
COUNT = "number of observations within 2 deg of the Crab Nebula"
SECRET = "a-key-that-nobody-may-see"


def environment(cache: str) -> dict[str, str]:
    """What the server finds in its environment, beside what every client passes on."""
    settings = {name: os.environ[name] for name in ("XDG_CONFIG_HOME", "PYTHONPATH") if name in os.environ}
    return {**settings, "GAMMAPYGPT_CACHE": cache, "OMP_NUM_THREADS": "1", "NO_SUCH_SERVER_KEY": SECRET}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server under test keeps its runs."""
    return tmp_path_factory.mktemp("mcp")


@pytest.fixture(scope="module")
def options(place: Path, simulated_data: Path) -> list[str]:
    """Options of the server under test."""
    return ["--config", str(settings_file(place)), "--data", str(simulated_data), "--runs", str(place / "runs")]


@pytest.fixture(scope="module")
def server(options: list[str], shared_cache: Path) -> Iterator[Talk]:
    """One server for all tests of this file, as an editor starts it."""
    with connected(command(*options, env=environment(str(shared_cache)))) as talk:
        yield talk


def test_what_there_is_and_what_it_does_is_told(server):
    tools = server.tools()
    assert {"search_gammapy", "check_script", "run_script", "explain_error", "list_recipes", "generate"} <= set(tools)
    for tool in tools.values():
        assert tool.description
        assert tool.output_schema["properties"]
        assert tool.input_schema["properties"].keys().isdisjoint({"data", "sandbox", "provider", "runs", "folder"})
    reading = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
    running = {"run_script", "generate", "follow_up", "resume"}
    assert reading == tools.keys() - running
    assert "check_script" in server.client.instructions
    templates = server.portal.call(server.client.list_resource_templates).resource_templates
    assert {"run://{name}/script", "recipe://{name}"} <= {template.uri_template for template in templates}


def test_an_old_name_is_found_without_a_run_and_explained(server):
    checked = server.call("check_script", script=OLD, api_only=True)
    assert not checked["passed"]
    [finding] = checked["findings"]
    assert (finding["line"], finding["severity"], finding["rule"]) == (1, "error", "missing-name")
    assert "load_irf_dict_from_file" in finding["remedy"]
    explained = server.call("explain_error", error=ERROR, script="from gammapy.estimators import FluxPoints\n")
    assert "to_table" in explained["means"][0]["text"]
    assert any("FluxPoints" in piece["text"] for piece in explained["material"])


def test_material_and_recipes_are_found(server):
    found = server.call("search_gammapy", query="edges of flux points", kinds=["api"], n=3)
    assert found["gammapy"]
    assert "api:gammapy.estimators.FluxPointsEstimator" in [piece["source"] for piece in found["found"]]
    first = server.call("list_recipes", query=COUNT)["recipes"][0]
    assert (first["name"], first["missing"]) == ("observation_list", [])
    recipe = server.call("get_recipe", name=first["name"], constants=first["constants"])
    assert recipe["constants"]["SELECTION_RADIUS"]["value"] == 2.0
    assert server.call("check_script", script=recipe["script"])["passed"]
    assert "import" in server.read("recipe://observation_list").text


def test_scripts_run_two_at_once_and_what_they_leave_can_be_read(server, place):
    begun = server.begin("run_script", script=RIGHT, keys=["n_stores"])
    failed = server.call("run_script", script=FAILS)
    answer = begun.result()
    job = answer.structured_content
    assert (job["status"], job["result"]) == ("passed", {"n_stores": 1})
    assert "dl3-simulated" in job["stdout"]
    [shown] = [content for content in answer.content if content.type == "image"]
    assert shown.data == base64.b64encode(base64.b64decode(PIXEL)).decode()
    assert Path(job["folder"]).parent == place / "runs"
    assert json.loads(server.read(f"run://{job['run']}/result").text) == {"n_stores": 1}
    assert server.read(f"run://{job['run']}/script").text == RIGHT
    assert server.read(f"run://{job['run']}/figures/sky.png").blob == shown.data

    assert failed["status"] == "failed"
    assert "IndexError in line 3" in failed["reason"]
    assert "list index out of range" in failed["traceback"]
    assert server.call("show_run", run=failed["run"]) == {**failed, "script": FAILS}
    listed = server.call("list_runs")["runs"]
    assert {run["run"]: run["status"] for run in listed} == {job["run"]: "passed", failed["run"]: "failed"}
    assert json.loads(server.read("run://list").text)["runs"] == listed


def test_a_script_that_wants_the_network_does_not_pass(server):
    job = server.call("run_script", script=NETWORK)
    assert job["status"] == "failed"
    assert "network" in {finding["rule"] for finding in job["findings"]}


def test_a_whole_analysis_with_progress_and_then_its_manifest(server):
    server.progress.clear()
    job = server.call("generate", request=COUNT, backend="cookbook", attempts=1)
    assert (job["status"], job["result"]["n_obs"]) == ("passed", 4)
    assert "DataStore" in job["script"]
    assert "4 observations within 2 deg" in {choice["name"]: choice["value"] for choice in job["choices"]}["selection"]
    assert [line for line in server.progress if line.startswith("executor: running attempt 1")]
    manifest = json.loads(server.read(f"run://{job['run']}/manifest").text)
    assert (manifest["status"], manifest["request"]["text"]) == ("passed", COUNT)
    assert "settings" not in manifest
    assert "observations" in server.read(f"run://{job['run']}/report").text


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (("search_gammapy", {}), "query: Field required"),
        (("search_gammapy", {"query": "x", "n": 1000}), "less than or equal to 20"),
        (("run_script", {"script": FAILS, "sandbox": "unsafe-local"}), "takes no argument 'sandbox'"),
        (("run_script", {"script": FAILS, "timeout_s": 3600}), "timeout_s is at most 60 here"),
        (("generate", {"request": COUNT, "attempts": 99}), "attempts is at most 5 here"),
        (("generate", {"request": COUNT, "backend": "oracle"}), "There are: cookbook"),
        (("resume", {"run": "../../etc"}), "there is no run '../../etc'"),
        (("get_recipe", {"name": "observation_lst"}), "did you mean 'observation_list'?"),
        (("get_recipe", {"name": "observation_list", "constants": {"RADIUS": 1}}), "no constant RADIUS"),
        (("format_disk", {}), "There is no tool 'format_disk'. There are: search_gammapy"),
    ],
)
def test_a_wrong_argument_gets_one_line_that_says_what_is_right(server, call, says):
    name, arguments = call
    assert says in server.fault(name, **arguments)


@pytest.mark.parametrize(
    "uri", ["run://../manifest", "run://%2e%2e/manifest", "run://..%2f..%2fetc/script", "run://x/y"]
)
def test_no_path_leads_out_of_the_runs(server, uri):
    with pytest.raises(Exception, match=r"Unknown resource|there is no run"):
        server.read(uri)


def test_standard_output_is_the_protocol_and_the_server_ends_with_its_client(options, shared_cache):
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
    requests = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "gammapygpt", "mcp", *options],
        env={**os.environ, **environment(str(shared_cache))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(f"{json.dumps(request)}\n" for request in requests))
    process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[0]["result"]["protocolVersion"] == "2025-06-18"
    process.stdin.close()
    assert process.stdout.read() == ""
    assert process.wait() == 0
