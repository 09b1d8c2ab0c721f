"""A model server that misbehaves, at the wire and in whole runs: retried, a draft of no use, or said with a remedy."""

from __future__ import annotations

import pytest
from faults.command import FENCED, SCRIPT
from faults.context import hopeless, outgrown
from faults.models import FAULTS, Fault, after, whole_run

from gammapygpt.errors import GammapyGPTError, InfrastructureError, UserError
from gammapygpt.llm.base import Message, Question
from gammapygpt.llm.openai import OpenAIBackend
from gammapygpt.settings import BackendSettings
from gammapygpt.state import Request

BY_NAME = {fault.name: fault for fault in FAULTS}
SLOW = pytest.mark.slow
WHOLE = [
    "reset in the stream",
    *(pytest.param(name, marks=SLOW) for name in ("429 with Retry-After of hours", "wrong tool")),
]
"""Tried in whole runs here; `benchmarks/faults.py` tries all."""


def asked(server, patience_s: float | None = None, told: list[str] | None = None, **settings):
    """The reply to a question for a script."""
    given = {"model": "scripted-model", "base_url": server.url, "abilities": [], "retries": 1, "timeout_s": 60}
    question = Question(
        role="coder",
        messages=[Message(role="user", content="Count the observations.")],
        form="script",
        patience_s=patience_s,
        request=Request(text="Count the observations."),
    )
    backend = OpenAIBackend("mine", BackendSettings(**{**given, **settings}))
    return backend.ask(question, on_wait=(told if told is not None else []).append)


@pytest.mark.parametrize("fault", FAULTS, ids=list(BY_NAME))
def test_each_fault_ends_as_designed(fault: Fault, scripted_server):
    good = {"tool": {"code": SCRIPT}} if fault.can else {"text": FENCED}
    server = scripted_server(fault.reply, *([good] if fault.ends == "again" else []))
    given = {"abilities": fault.can, **fault.settings}
    if fault.ends in ("infrastructure", "user"):
        with pytest.raises(UserError if fault.ends == "user" else InfrastructureError) as caught:
            asked(server, **given)
        assert fault.says in caught.value.message
        assert caught.value.remedy
        assert "hidden" not in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    reply = asked(server, **given)
    assert (reply.usage.calls, reply.usage.retries) == (1, int(fault.ends == "again"))
    assert len(server.requests) == 1 + reply.usage.retries
    assert reply.usage.estimated == (fault.usage is None)
    if fault.usage:
        assert (reply.usage.input_tokens, reply.usage.output_tokens) == (fault.usage["input"], fault.usage["output"])
    if fault.ends == "format":
        assert (bool(reply.fault), reply.script) == (True, "")
        assert fault.says in reply.fault_message
        assert server.n_sent < 9_000_000, "not read to its end"
    else:
        assert reply.fault == ""
        assert SCRIPT.splitlines()[-1] in reply.script


@pytest.mark.parametrize("name", WHOLE)
def test_a_run_that_meets_a_fault(name, tmp_path, simulated_data):
    assert whole_run(BY_NAME[name], tmp_path, simulated_data) == ""


# the time of the run


@pytest.mark.parametrize("reply", [after(60), {"status": 500, "times": 9}], ids=["asks for a minute", "breaks down"])
def test_nothing_is_repeated_beyond_the_time_of_the_run(reply, scripted_server):
    server = scripted_server(reply)
    with pytest.raises(InfrastructureError, match="gammapygpt resume"):
        asked(server, patience_s=0.0, retries=5)
    assert len(server.requests) == 1


def test_a_reply_that_goes_on_and_on_ends_with_the_time_of_the_run(scripted_server):
    reply = asked(scripted_server({"for_ever": "words"}), patience_s=0.1, timeout_s=0.4)
    assert reply.fault == "truncated"
    assert "budget.wall_s" in reply.fault_message


def test_whoever_waits_is_told_what_for(scripted_server):
    told: list[str] = []
    server = scripted_server(after(0.1), {"drop": "stream", "text": FENCED}, {"text": FENCED})
    usage = asked(server, told=told, retries=2).usage
    assert told == [
        "waiting to ask 'mine' again, as it asks for 0.1 s (status 429)",
        "waiting to ask 'mine' again (its reply broke off: it ended in the middle)",
    ]
    assert usage.waited_s > 0.1


def test_nobody_listens(scripted_server):
    server = scripted_server()
    server.url = "http://127.0.0.1:9/v1"
    with pytest.raises(GammapyGPTError, match=r"'mine': 127\.0\.0\.1:9 cannot be reached"):
        asked(server, retries=0)


def test_a_reply_that_is_complete_needs_no_proper_end(scripted_server):
    server = scripted_server({"text": FENCED, "late": "comments"})
    reply = asked(server, timeout_s=0.5)
    assert (reply.fault, reply.usage.retries) == ("", 0)


# the context of the model


def test_a_conversation_that_outgrows_the_context_loses_its_oldest_attempt(tmp_path, simulated_data):
    assert outgrown(tmp_path, simulated_data) == ""


def test_a_prompt_that_never_fits_stops_the_run_until_the_context_is_longer(tmp_path, simulated_data):
    assert hopeless(tmp_path, simulated_data) == ""
