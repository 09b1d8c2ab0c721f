"""Whom the program speaks to: the server of the settings and nobody else, whatever the environment asks of others."""

from __future__ import annotations

import os
import re
import signal
import urllib.request
from pathlib import Path

import pytest
from faults.house import COUNTS, REQUEST, House, fenced, served_by_mcp, wait_for
from ports import free_port
from scripted_server import ScriptedServer

WATCHED = Path(__file__).parent.parent / "watched"
CARELESS = {
    "LANGSMITH_TRACING": "true",
    "LANGCHAIN_TRACING_V2": "true",
    "LANGSMITH_API_KEY": "lsv2_pt_not_to_be_used",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://telemetry.example.org:4318",
}
"""What users have set for other programs."""


class Watched(House):
    """A house whose programs write down whom they speak to."""

    def environment(self, given):
        path = os.pathsep.join(filter(None, [str(WATCHED), os.environ.get("PYTHONPATH")]))
        watched = {"PYTHONPATH": path, "WATCHED": str(self.place / "watched")}
        return super().environment({**CARELESS, **watched, **given})

    def spoken_to(self) -> set[str]:
        """Hosts and ports."""
        path = self.place / "watched"
        return set(path.read_text().splitlines()) if path.is_file() else set()

    def others(self, *ports: int) -> set[str]:
        """Whom it spoke to beside these ports of this machine."""
        allowed = {f"connect 127.0.0.1 {port}" for port in ports} | {"look up 127.0.0.1", "look up localhost"}
        return self.spoken_to() - allowed


@pytest.fixture
def house(tmp_path, simulated_data) -> Watched:
    return Watched(tmp_path / "user", simulated_data, "nothing to look for")


@pytest.fixture
def server(house, scripted_server) -> ScriptedServer:
    """The model of the house, which writes a script that is right."""
    server = scripted_server(fenced(COUNTS))
    house.settings(server.url)
    return server


def test_a_run_speaks_to_its_model_alone(house, server):
    assert house.gammapygpt("run", REQUEST, "--approve", "script") == 1, house.printed
    assert house.spoken_to() >= {f"connect 127.0.0.1 {server.port}"}
    assert not house.others(server.port)


@pytest.mark.slow
def test_a_run_that_is_to_be_traced_speaks_to_langsmith(house, server):
    house.gammapygpt("run", REQUEST, "--set", "runs.tracing=true")
    assert any("langchain" in one for one in house.others(server.port))


@pytest.mark.slow
def test_the_other_faces_speak_to_nobody(house, server):
    house.gammapygpt("run", REQUEST, "--approve", "script")
    assert house.gammapygpt("resume", "--accept") == 0, house.printed
    assert house.gammapygpt("report") == 0
    house.gammapygpt("follow-up", "the same")
    house.gammapygpt("doctor")
    house.gammapygpt("config", "check")
    assert "Traceback" not in house.printed
    assert not house.others(server.port)


@pytest.mark.slow
def test_a_campaign_speaks_to_its_model_alone(house, server):
    line = ["bench", "run", "--tasks", str(house.task(REQUEST)), "--out", "campaign", "--workers", "1"]
    assert house.gammapygpt(*line, "--ablate", "planner", "--baselines", "bare-loop") == 0, house.printed
    assert house.gammapygpt("bench", "report", "campaign") == 0, house.printed
    assert house.spoken_to() >= {f"connect 127.0.0.1 {server.port}"}
    assert not house.others(server.port)


@pytest.mark.slow
def test_the_server_for_other_agents_speaks_to_its_model_and_its_client_alone(house, server):
    with served_by_mcp(house) as (talk, port):
        assert talk.call("generate", request=REQUEST)["status"] == "passed"
        talk.call("run_script", script=COUNTS)
    assert house.spoken_to() >= {f"connect 127.0.0.1 {server.port}"}
    assert not house.others(server.port, port)


@pytest.mark.slow
@pytest.mark.parametrize("face", ["web", "studio"])
def test_a_server_speaks_to_nobody_until_it_is_asked(house, face):
    house.settings("http://127.0.0.1:9/v1")
    port = free_port()
    process = house.begun(face, "--port", str(port))
    try:
        health = "_stcore/health" if face == "web" else "ok"
        page = wait_for(f"http://127.0.0.1:{port}/{health}", process)
        if face == "web":
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read().decode()
            assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page)
        assert page
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert not house.others(port)
