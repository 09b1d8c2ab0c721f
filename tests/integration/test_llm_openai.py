"""The OpenAI-compatible backend, at the wire: what is sent, what is read, what is charged, and what errors say."""

import logging

import pytest

from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.llm.base import Message, Question
from gammapygpt.llm.openai import OpenAIBackend
from gammapygpt.settings import BackendSettings, Prices
from gammapygpt.state import Request

KEY = "sk-a-very-secret-key-0123"
SCRIPT = "import json\n\njson.dump({}, open('result.json', 'w'))\n"
FENCED = f"```python\n{SCRIPT}```\n"
SCHEMA = {"title": "Plan", "type": "object", "required": ["steps"], "properties": {"steps": {"type": "array"}}}


def question(form="script", **more):
    messages = [Message(role="system", content="You write Gammapy."), Message(role="user", content="Count runs.")]
    more = {"role": "coder", "messages": messages, "json_schema": SCHEMA if form == "json" else None, **more}
    return Question(form=form, request=Request(text="Count runs."), **more)


def model(server, **more):
    given = {"model": "scripted-model", "base_url": server.url, "abilities": [], "retries": 2, "timeout_s": 20, **more}
    return OpenAIBackend("mine", BackendSettings(**given))


# forms of asking


def test_a_tool_is_forced_and_its_code_read(scripted_server):
    server = scripted_server({"tool": {"code": SCRIPT}})
    pieces = []
    reply = model(server, abilities=["tools", "json_schema"]).ask(question(), pieces.append)
    assert (reply.script, reply.lines, reply.fault, reply.model) == (SCRIPT, None, "", "scripted-model")
    body = server.bodies[0]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "return_python"}}
    assert list(body["tools"][0]["function"]["parameters"]["properties"]) == ["code"]
    assert body["messages"][-1] == {"role": "user", "content": "Count runs."}
    assert "".join(pieces) == reply.text
    assert len(pieces) > 1


def test_lines_offered_for_replacement_can_be_returned(scripted_server):
    server = scripted_server({"json": {"code": "x = 1", "first_line": 4, "last_line": 5}})
    reply = model(server, abilities=["json_schema"]).ask(question(patch_lines=(3, 6)))
    assert (reply.script, reply.lines) == ("x = 1\n", (4, 5))
    asked = server.bodies[0]["response_format"]["json_schema"]
    assert (asked["name"], asked["strict"]) == ("return_python", True)
    assert list(asked["schema"]["properties"]) == ["code", "first_line", "last_line"]
    assert "tools" not in server.bodies[0]


@pytest.mark.parametrize("can", [[], ["json_schema"], ["tools"]])
def test_a_repair_begins_with_what_was_sent_before(scripted_server, can):
    reply = {"tool": {"code": SCRIPT}} if "tools" in can else {"text": FENCED}
    server = scripted_server(reply, reply)
    first = question(patch_lines=(3, 6))
    asked = [*first.messages[:-1], first.messages[-1].model_copy(update={"patch_lines": (3, 6)})]
    answered = Message(role="assistant", content=FENCED)
    backend = model(server, abilities=can)
    backend.ask(first)
    backend.ask(question(messages=[*asked, answered, Message(role="user", content="It broke.")], patch_lines=(1, 2)))
    before, after = (body["messages"] for body in server.bodies)
    assert after[:2] == before
    assert [message["role"] for message in after] == ["system", "user", "assistant", "user"]


def test_prefill_begins_the_block_and_stops_at_its_end(scripted_server):
    server = scripted_server({"text": SCRIPT.rstrip("\n")})
    reply = model(server, abilities=["json_schema", "prefill"]).ask(question())
    assert (reply.script, reply.fault) == (SCRIPT, "")
    assert server.bodies[0]["messages"][-1] == {"role": "assistant", "content": "```python\n"}
    assert server.bodies[0]["stop"] == ["\n```"]


def test_prefilled_replacement_lines(scripted_server):
    server = scripted_server({"text": "    value = model.index.value"})
    reply = model(server, abilities=["prefill"]).ask(question(patch_lines=(7, 7)))
    assert (reply.script, reply.lines) == ("    value = model.index.value\n", (7, 7))
    assert "# lines 7-7" in server.bodies[0]["messages"][-2]["content"]
    assert server.bodies[0]["messages"][-1]["content"] == "```python\n# lines 7-7\n"


def test_a_whole_script_below_a_prefilled_marker_is_a_whole_script(scripted_server):
    whole = "".join(f"value{number} = {number}\n" for number in range(9)) + SCRIPT
    server = scripted_server({"text": whole.rstrip("\n")})
    reply = model(server, abilities=["prefill"]).ask(question(patch_lines=(2, 2)))
    assert (reply.script, reply.lines) == (whole, None)


def test_prefill_cut_by_the_limit(scripted_server):
    server = scripted_server({"text": "import json\njson.du", "finish": "length"})
    assert model(server, abilities=["prefill"]).ask(question()).fault == "truncated"


def test_a_model_that_goes_round_in_circles_is_stopped(scripted_server):
    line = "from gammapy.makers import SpectrumDatasetMaker\n"
    server = scripted_server({"text": "import json\n" + 2000 * line, "finish": "stop"})
    seen: list[str] = []
    reply = model(server, abilities=["prefill"]).ask(question(), seen.append)
    assert (reply.fault, reply.script) == ("truncated", "")
    assert "over and over" in reply.fault_message
    assert len("".join(seen)) < 1000 * len(line), "not read to its end"
    assert reply.usage.output_tokens > 0
    assert reply.usage.estimated, "the server tells the usage at the end, which nobody waited for"


def test_a_long_table_in_a_script_is_no_circle(scripted_server):
    rows = "".join(f"    ({number}, 0.0, 0.0, 0.0),\n" for number in range(200))
    server = scripted_server({"text": f"import json\ntable = [\n{rows}]\n"})
    reply = model(server, abilities=["prefill"]).ask(question())
    assert (reply.fault, reply.script.count("0.0, 0.0, 0.0")) == ("", 200)


def test_a_plain_fenced_block(scripted_server):
    server = scripted_server({"text": f"Here:\n{FENCED}"})
    assert model(server).ask(question()).script == SCRIPT
    assert "```python" in server.bodies[0]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("abilities", "reply"),
    [
        (["tools"], {"tool": {"steps": ["a"]}}),
        (["json_schema"], {"json": {"steps": ["a"]}}),
        ([], {"text": '{"steps": ["a"]}'}),
    ],
)
def test_json_in_the_best_form_there_is(scripted_server, abilities, reply):
    server = scripted_server(reply)
    answer = model(server, abilities=abilities).ask(question("json"))
    assert (answer.value, answer.fault) == ({"steps": ["a"]}, "")
    body = server.bodies[0]
    assert ("tools" in body, "response_format" in body) == ("tools" in abilities, "json_schema" in abilities)
    assert ("JSON schema" in body["messages"][-1]["content"]) == ("tools" not in abilities)


# what is sent


def test_parameters_as_set(scripted_server):
    server = scripted_server({"text": FENCED}, {"text": FENCED}, {"text": FENCED})
    backend = model(server, reasoning_effort="low", max_output_tokens=77, temperature=0.1)
    backend.ask(question())
    backend.ask(question(fresh=True))
    model(server, temperature=None).ask(question(fresh=True))
    cold, fresh, unset = server.bodies
    assert (cold["temperature"], fresh["temperature"]) == (0.1, 0.7)
    assert "temperature" not in unset
    assert "reasoning_effort" not in unset
    assert (cold["reasoning_effort"], cold["max_tokens"], cold["stream"]) == ("low", 77, True)
    assert "max_completion_tokens" not in cold


def test_openai_itself_is_told_the_limit_by_its_new_name():
    from gammapygpt.llm.wire import limit_name

    assert limit_name(BackendSettings(base_url="https://api.openai.com/v1")) == "max_completion_tokens"
    assert limit_name(BackendSettings(base_url="https://notopenai.com/v1")) == "max_tokens"


def test_a_proxy_of_the_environment_is_not_used_on_loopback(scripted_server, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert model(scripted_server({"text": FENCED}), retries=0).ask(question()).script == SCRIPT


# what is charged


def test_usage_and_cost_of_every_form(scripted_server):
    told = {"input": 1000, "cached": 600, "output": 200, "reasoning": 150}
    prices = Prices(input=2.0, cached=0.5, output=8.0)
    for abilities, reply in (
        (["tools"], {"tool": {"code": SCRIPT}}),
        (["json_schema"], {"json": {"code": SCRIPT}}),
        ([], {"text": FENCED}),
    ):
        server = scripted_server({**reply, "usage": told})
        usage = model(server, abilities=abilities, prices=prices).ask(question()).usage
        assert (usage.input_tokens, usage.cached_tokens) == (1000, 600)
        assert (usage.output_tokens, usage.reasoning_tokens) == (200, 150)
        assert (usage.calls, usage.retries, usage.estimated) == (1, 0, False)
        assert usage.cost == pytest.approx((400 * 2.0 + 600 * 0.5 + 200 * 8.0) / 1e6)
        assert usage.model_s > 0


def test_tokens_are_estimated_where_the_server_tells_none(scripted_server):
    server = scripted_server({"text": FENCED, "usage": None})
    usage = model(server).ask(question()).usage
    asked = sum(len(message["content"]) for message in server.bodies[0]["messages"])
    assert usage.estimated
    assert (usage.input_tokens, usage.output_tokens) == (-(-asked // 4), -(-len(FENCED) // 4))


# what is the user's to mend; what servers do beyond that stands in test_faults_models.py


@pytest.mark.parametrize(
    "reply",
    [
        {"status": 401, "error": f"Incorrect API key provided: {KEY}"},
        {"status": 400, "error": f"Unsupported parameter: temperature ({KEY})"},
        {"text": FENCED, "drop": "error", "error": f"no credit on {KEY}", "times": 9},
    ],
)
def test_a_server_that_tells_the_key(scripted_server, monkeypatch, reply):
    monkeypatch.setenv("MY_KEY", KEY)
    with pytest.raises(GammapyGPTError) as error:
        model(scripted_server(reply), api_key_env="MY_KEY", retries=0).ask(question())
    assert KEY not in str(error.value)
    assert error.value.__suppress_context__


def test_the_variable_of_a_wrong_key_is_named(scripted_server, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    with pytest.raises(UserError, match="Check the key in MY_KEY"):
        model(scripted_server({"status": 401}), api_key_env="MY_KEY").ask(question())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"base_url": ""}, "base_url"),
        ({"model": ""}, "model"),
        ({"api_key_env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE"),
    ],
)
def test_settings_that_cannot_work_send_nothing(scripted_server, settings, says):
    server = scripted_server()
    with pytest.raises(UserError, match=says):
        model(server, **settings).ask(question())
    assert not server.requests


# secrets


def test_the_key_goes_to_the_server_and_nowhere_else(scripted_server, monkeypatch, caplog):
    monkeypatch.setenv("MY_KEY", KEY + "\n")
    caplog.set_level(logging.DEBUG)
    server = scripted_server({"text": f"```python\nkey = '{KEY}'\n```"})
    backend = model(server, api_key_env="MY_KEY")
    pieces = []
    reply = backend.ask(question(), pieces.append)
    assert server.requests[0]["headers"]["authorization"] == f"Bearer {KEY}"
    assert reply.script == "key = '[key]'\n"
    assert "".join(pieces) == "```python\nkey = '[key]'\n```"
    for place in (reply.model_dump_json(), caplog.text, repr(vars(backend))):
        assert KEY not in place


def test_a_key_that_no_header_can_carry(scripted_server, monkeypatch):
    monkeypatch.setenv("MY_KEY", "schlüssel-123456789")
    with pytest.raises(UserError, match="MY_KEY") as error:
        model(scripted_server(), api_key_env="MY_KEY").ask(question())
    assert "schl" not in str(error.value)
