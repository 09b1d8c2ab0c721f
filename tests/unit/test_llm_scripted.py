"""Replies out of a file, and the journal that answers a resumed run."""

import subprocess
import sys

import pytest

from gammapygpt import llm
from gammapygpt.errors import UserError
from gammapygpt.llm.base import Message, Question
from gammapygpt.llm.journal import JournaledBackend, recorded_calls
from gammapygpt.llm.scripted import ScriptedBackend
from gammapygpt.settings import BackendSettings, Settings
from gammapygpt.state import Request

REPLIES = """
[[reply]]
content = '''
```python
first = 1
```
'''
usage = {input_tokens = 10, output_tokens = 5}

[[reply]]
role = "critic"
json = {diagnosis = "no such module"}

[[reply]]
role = "coder"
script = "second = 2\\n"
lines = [4, 6]

[[reply]]
fault = "truncated"
"""


def ask(backend, role="coder", form="script", step="", text="Count runs.", **more):
    messages = [Message(role="user", content=text)]
    return backend.ask(Question(role=role, form=form, step=step, messages=messages, request=Request(text=text), **more))


@pytest.fixture
def settings(tmp_path):
    file = tmp_path / "replies.toml"
    file.write_text(REPLIES)
    return BackendSettings(kind="scripted", replies=str(file))


def test_replies_come_in_order_and_to_their_role(settings):
    backend = ScriptedBackend("demo", settings)
    first, second = ask(backend), ask(backend)
    assert (first.script, first.lines) == ("first = 1\n", None)
    assert (first.usage.calls, first.usage.input_tokens, first.usage.output_tokens) == (1, 10, 5)
    assert (second.script, second.lines) == ("second = 2\n", (4, 6))
    assert ask(backend, "critic", "json").value == {"diagnosis": "no such module"}
    assert ask(backend).fault == "truncated"
    with pytest.raises(UserError, match="'demo' has no reply left for the coder"):
        ask(backend)


def test_it_goes_on_where_a_run_was(settings):
    backend = ScriptedBackend("demo", settings, completed=["coder", "critic"])
    assert ask(backend).script == "second = 2\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[[reply]]\nspript = 'x'\n", r"wrong \[\[reply\]\] \(0\.spript"),
        ("[[reply\n", "no valid TOML"),
        ("[[reply]]\nrole = 'pilot'\n", "role"),
        ("reply = 3\n", "wrong"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path, content, says):
    file = tmp_path / "replies.toml"
    file.write_text(content)
    with pytest.raises(UserError, match=says) as error:
        ScriptedBackend("demo", BackendSettings(kind="scripted", replies=str(file)))
    assert "\n" not in str(error.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        ScriptedBackend("demo", BackendSettings(kind="scripted", replies=str(tmp_path / "none.toml")))


def journaled(settings, folder):
    completed = [call.role for call in recorded_calls(folder)]
    return JournaledBackend(ScriptedBackend("demo", settings, completed), folder)


def test_a_recorded_call_is_not_asked_again(settings, tmp_path):
    first = ask(journaled(settings, tmp_path), step="coder-1")
    resumed = journaled(settings, tmp_path)
    assert ask(resumed, step="coder-1") == first
    assert ask(resumed, step="coder-2").script == "second = 2\n"
    assert [call.step for call in recorded_calls(tmp_path)] == ["coder-1", "coder-2"]


@pytest.mark.parametrize(
    "change", [{"step": "coder-2"}, {"text": "Count photons."}, {"fresh": True}, {"patch_lines": (1, 2)}]
)
def test_another_question_is_asked(settings, tmp_path, change):
    backend = journaled(settings, tmp_path)
    ask(backend, step="coder-1")
    assert ask(backend, **{"step": "coder-1", **change}).script == "second = 2\n"


def test_without_a_step_a_question_is_recorded_and_always_asked(settings, tmp_path):
    backend = journaled(settings, tmp_path)
    assert ask(backend).script != ask(backend).script
    assert len(recorded_calls(tmp_path)) == 2


def test_a_torn_last_line_is_as_if_the_call_had_not_been(settings, tmp_path):
    ask(journaled(settings, tmp_path), step="coder-1")
    journal = tmp_path / "calls.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[: len(whole) // 2])
    resumed = journaled(settings, tmp_path)
    assert ask(resumed, step="coder-2").script == "second = 2\n"
    assert [call.step for call in recorded_calls(tmp_path)] == ["coder-1", "coder-2"]


def test_what_a_caller_does_to_a_reply_does_not_change_the_record(settings, tmp_path):
    backend = journaled(settings, tmp_path)
    ask(backend, step="coder-1").usage.calls = 99
    assert ask(backend, step="coder-1").usage.calls == 1


def test_a_backend_for_each_role(settings, tmp_path):
    chosen = Settings(
        default_backend="demo", roles={"planner": "absent"}, backends={"demo": settings, "other": settings}
    )
    coder = llm.backend(chosen, "coder", tmp_path / "run")
    assert coder is llm.backend(chosen, "critic", tmp_path / "run")
    assert coder is not llm.backend(chosen, "coder", tmp_path / "another run")
    assert (coder.name, coder.kind, coder.abilities) == ("demo", "scripted", frozenset())
    ask(coder, step="coder-1")
    assert (tmp_path / "run" / "calls.jsonl").is_file()
    with pytest.raises(UserError, match=r"no backend 'absent'\. There are: demo, other, cookbook"):
        llm.backend(chosen, "planner", None)


def test_doctor_knows_how_many_replies_there_are(settings):
    chosen = Settings(backends={"demo": settings, "cookbook": BackendSettings(kind="cookbook")}, default_backend="demo")
    assert llm.check_endpoint("demo", chosen) == (True, "4 scripted replies in replies.toml", "")
    assert llm.check_endpoint("cookbook", chosen)[0]
    assert not llm.check_endpoint("absent", chosen)[0]


def test_importing_costs_nothing():
    program = """
import sys
from gammapygpt.llm import abilities, endpoint, journal, openai, scripted
assert not {"langchain_core", "openai", "httpx", "gammapy", "numpy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
