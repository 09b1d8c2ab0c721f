"""What a model can do is asked once, charged once, and remembered."""

import json

import pytest

from gammapygpt.errors import InfrastructureError
from gammapygpt.llm import abilities
from gammapygpt.llm.base import Message, Question
from gammapygpt.llm.openai import OpenAIBackend
from gammapygpt.settings import BackendSettings
from gammapygpt.state import Request

SUM = {"sum": 7, "parity": "odd"}
QUESTION = Question(
    role="coder", messages=[Message(role="user", content="x")], form="script", request=Request(text="x")
)
SCRIPT_REPLY = {"when": "complete", "text": "```python\nimport json\n```"}
CAN_TOOLS = {"when": '"tools"', "tool": SUM}
CAN_SCHEMA = {"when": "response_format", "json": SUM}
CAN_PREFILL = {"when": '"stop"', "text": "print(3 + 4)"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAMMAPYGPT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def model(server, **more):
    return OpenAIBackend("mine", BackendSettings(model="m", base_url=server.url, retries=0, **more))


def test_a_model_that_can_everything_is_asked_thrice_and_never_again(scripted_server, cache):
    server = scripted_server(CAN_TOOLS, CAN_SCHEMA, CAN_PREFILL, {"tool": {"code": "import json"}, "times": 2})
    backend = model(server)
    assert backend.abilities == frozenset()
    reply = backend.ask(QUESTION)
    assert backend.abilities == {"tools", "json_schema", "prefill"}
    assert (reply.usage.calls, reply.usage.input_tokens, reply.usage.output_tokens) == (4, 400, 80)
    assert [body["max_tokens"] for body in server.bodies] == [160, 160, 160, 4096]

    again = model(server)
    assert again.abilities == {"tools", "json_schema", "prefill"}
    assert again.ask(QUESTION).usage.calls == 1
    assert len(server.requests) == 5
    assert len(list(cache.glob("abilities/*.json"))) == len(list(cache.rglob("*.*"))) == 1


@pytest.mark.parametrize(
    ("replies", "can"),
    [
        # as a 1.5B model does: JSON as content instead of a call, on to the limit
        (
            [{"when": '"tools"', "text": json.dumps(SUM) * 9, "finish": "length"}, CAN_SCHEMA, CAN_PREFILL],
            {"json_schema", "prefill"},
        ),
        # JSON of another shape
        ([CAN_TOOLS, {"when": "response_format", "json": {"answer": 7}}, CAN_PREFILL], {"tools", "prefill"}),
        # a new turn instead of a continued one
        ([CAN_TOOLS, CAN_SCHEMA, {"when": '"stop"', "text": "Sure!\n```python\nprint(7)"}], {"tools", "json_schema"}),
        # forms that the server refuses or fails at
        ([{"when": '"tools"', "status": 400}, {"when": "response_format", "status": 500}, CAN_PREFILL], {"prefill"}),
    ],
)
def test_a_form_that_fails_is_not_used(scripted_server, replies, can):
    backend = model(scripted_server(*replies))
    found, usage = abilities.probed(backend._wire)
    assert found == can
    assert usage.calls == sum("status" not in reply for reply in replies)
    assert abilities.known(backend.settings) == can


def test_a_model_that_thinks_long_is_given_time(scripted_server):
    thinking = {"when": '"max_tokens": 160', "text": "", "finish": "length", "usage": {"reasoning": 20}, "times": 3}
    server = scripted_server(thinking, CAN_TOOLS, CAN_SCHEMA, CAN_PREFILL)
    found, usage = abilities.probed(model(server)._wire)
    assert found == {"tools", "json_schema", "prefill"}
    assert (usage.calls, usage.reasoning_tokens) == (6, 60)


def test_a_server_that_is_down_teaches_nothing(scripted_server, cache):
    server = scripted_server({"status": 500, "times": 9})
    with pytest.raises(InfrastructureError):
        model(server).ask(QUESTION)
    assert not cache.exists()


def test_abilities_that_are_set_are_not_asked_for(scripted_server):
    server = scripted_server(SCRIPT_REPLY)
    assert model(server, abilities=[]).ask(QUESTION).script == "import json\n"
    assert len(server.requests) == 1


def test_a_damaged_memory_is_asked_again(scripted_server, cache):
    server = scripted_server(CAN_TOOLS, CAN_SCHEMA, CAN_PREFILL)
    backend = model(server)
    abilities.probed(backend._wire)
    (remembered,) = cache.glob("abilities/*.json")
    remembered.write_text("{")
    assert abilities.known(backend.settings) is None
