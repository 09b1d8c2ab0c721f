"""A model server that misbehaves: each fault ends as designed, and is never taken for a fault of the script."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from scripted_run import REQUEST
from scripted_server import DEFAULT_USAGE, ScriptedServer
from typer.testing import Result

from faults.command import FENCED, RESULT, SCRIPT, command_line, the_run
from faults.context import hopeless, outgrown
from faults.trial import Trial
from gammapygpt.data.simulate import simulate
from gammapygpt.llm.journal import recorded_calls

HOURS = 5 * 3600
RESUMES = ("infrastructure", "user")

Ends = Literal["read", "again", "format", "infrastructure", "user"]
"""Read as it is; asked again; a draft without a script, and another one; stops, for want of a server that works,
or for the user to mend something."""


@dataclass(frozen=True)
class Fault:
    """What a server does, and how that is to end."""

    name: str
    reply: dict[str, Any]
    ends: Ends
    says: str = ""
    """In the one line that tells of it, or in the summary of the attempt."""
    can: tuple[str, ...] = ()
    """Abilities of the model."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the backend."""
    usage: dict[str, Any] | None = field(default_factory=lambda: DEFAULT_USAGE)
    """Tokens that the reply costs, where it is one; None where they are counted by us."""


def http_date(seconds: float) -> str:
    """So many seconds from now, as a header says it."""
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def after(seconds: float | str, status: int = 429) -> dict[str, Any]:
    """A refusal that says when to come again."""
    return {"status": status, "headers": {"Retry-After": str(seconds)}}


def amid(data: str) -> dict[str, Any]:
    """A reply with something else in its middle."""
    return {"text": FENCED, "amid": f"data: {data}\n\n"}


TOOLS = ("tools",)
SOON = {"timeout_s": 2.0}
SHORT, TINY = {"max_output_tokens": 200}, {"max_output_tokens": 15}
CODE = {"code": SCRIPT}
NO_MONEY = {"message": "You exceeded your current quota.", "code": "insufficient_quota"}
TOO_LONG = {"message": "This model's maximum context length is 8192 tokens.", "code": "context_length_exceeded"}
EXCEEDED = {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}
AWAY = {"Location": "http://user:hidden@elsewhere.example/v1?key=hidden"}
SECRETIVE = '{"choices": [{"index": 0, "delta": {"content": "\xff\xfe"}}]}'

FAULTS = [
    # it is busy, or breaks down
    Fault("429 without Retry-After", {"status": 429}, "again"),
    Fault("429 with Retry-After in seconds", after(0.1), "again"),
    Fault("429 with Retry-After as a date", after(http_date(2)), "again"),
    Fault("429 with a Retry-After that is none", after("soon"), "again"),
    Fault("429 with Retry-After of hours", after(HOURS), "infrastructure", "left alone for 5 h"),
    Fault("429 with Retry-After as a date in hours", after(http_date(HOURS)), "infrastructure", "left alone for"),
    Fault("429, the quota is spent", {"status": 429, "error": NO_MONEY}, "infrastructure", "account is spent"),
    Fault("429, always", {"status": 429, "times": 99}, "infrastructure", "overloaded"),
    Fault("402", {"status": 402}, "infrastructure", "account is spent"),
    Fault("500", {"status": 500}, "again"),
    Fault("500, always", {"status": 500, "times": 99}, "infrastructure", "went on failing"),
    Fault("500 with a page of 10 MB", {"status": 500, "error": "x" * 10_000_000, "times": 99}, "infrastructure", "500"),
    Fault("503", {"status": 503}, "again"),
    Fault("503 with Retry-After", after(0.1, 503), "again"),
    # it is slow, or silent
    Fault("slow first byte", {"delay": 30, "text": FENCED}, "again", settings=SOON),
    Fault("no byte, ever", {"delay": 30, "times": 99}, "infrastructure", "did not answer within 2 s", settings=SOON),
    Fault("stall in the stream", {"text": FENCED, "for_ever": "silence"}, "again", settings=SOON),
    Fault(
        "stall in every stream",
        {"text": FENCED, "for_ever": "silence", "times": 99},
        "infrastructure",
        "it said nothing for 2 s",
        settings=SOON,
    ),
    Fault("comments for ever", {"text": FENCED, "for_ever": "comments"}, "again", settings=SOON),
    Fault("single bytes for ever", {"text": FENCED, "for_ever": "bytes"}, "again", settings=SOON),
    Fault("empty chunks for ever", {"text": FENCED, "for_ever": "deltas"}, "again", settings=SOON),
    Fault("words for ever", {"for_ever": "words"}, "format", "far longer than", settings=TINY, usage=None),
    # the connection breaks
    Fault("closed before the reply", {"drop": "request"}, "again"),
    Fault("reset before the reply", {"drop": "reset"}, "again"),
    Fault("reset before every reply", {"drop": "reset", "times": 99}, "infrastructure", "cannot be reached"),
    Fault("closed in the stream", {"text": FENCED, "drop": "stream"}, "again"),
    Fault("closed in every stream", {"text": FENCED, "drop": "stream", "times": 99}, "infrastructure", "2 times"),
    Fault("reset in the stream", {"text": FENCED, "drop": "stream-reset"}, "again"),
    Fault("error event in the stream", {"text": FENCED, "drop": "error"}, "again"),
    Fault(
        "error event in every stream",
        {"text": FENCED, "drop": "error", "times": 99},
        "infrastructure",
        "scripted error in the stream",
    ),
    Fault("HTTP/1.0, closed at the end", {"text": FENCED, "http": "1.0"}, "read"),
    Fault("HTTP/1.0, closed in the stream", {"text": FENCED, "http": "1.0", "drop": "stream"}, "again"),
    # what it sends makes no sense
    Fault("truncated JSON chunk, closed", {"text": FENCED, "drop": "stream", "amid": 'data: {"choi'}, "again"),
    Fault("truncated JSON chunk, going on", amid('{"choi'), "again"),
    Fault("a chunk that is a number", amid("42"), "again"),
    Fault("choices that are none", amid('{"choices": "none"}'), "again"),
    Fault("content that is a number", amid('{"choices": [{"index": 0, "delta": {"content": 5}}]}'), "again"),
    Fault("invalid UTF-8", amid(SECRETIVE), "again"),
    Fault("half a character", {"text": FENCED.replace("import", "# \ud83d\nimport", 1)}, "read"),
    # it is no reply to what was asked
    Fault("empty content", {"text": ""}, "format", "empty"),
    Fault("prose", {"text": "I would rather not."}, "format", "no Python script"),
    Fault("a refusal", {"refusal": "I will not."}, "format", "I will not"),
    Fault("cut by the token limit", {"text": "```python\nimport js", "finish": "length"}, "format", "token limit"),
    Fault("cut in a tool call", {"tool": '{"code": "imp', "finish": "length"}, "format", "token limit", TOOLS),
    Fault("wrong name of the tool", {"tool": CODE, "tool_name": "run"}, "read", can=TOOLS),
    Fault("wrong tool", {"tool": {"command": "ls"}, "tool_name": "run"}, "format", "It calls 'run'", TOOLS),
    Fault("arguments that are no JSON", {"tool": "nothing useful"}, "format", "no Python script", TOOLS),
    Fault("two tool calls", {"tool": CODE, "more_tools": [{"code": "1/0"}]}, "read", can=TOOLS),
    Fault("text beside the tool call", {"tool": CODE, "text": "Here you are."}, "read", can=TOOLS),
    Fault("text instead of the tool call", {"text": FENCED}, "read", can=TOOLS),
    Fault("empty tool call beside text", {"tool": "{}", "text": FENCED}, "read", can=TOOLS),
    Fault("10 MB of words", {"n_bytes": 10_000_000}, "format", "far longer than", settings=SHORT, usage=None),
    Fault("10 MB in one line", {"line": 10_000_000}, "format", "far longer than", settings=SHORT, usage=None),
    # it does not know what it costs
    Fault("usage missing", {"text": FENCED, "usage": None}, "read", usage=None),
    Fault("usage negative", {"text": FENCED, "raw_usage": {"prompt_tokens": -9}}, "read", usage=None),
    Fault("usage in words", {"text": FENCED, "raw_usage": {"prompt_tokens": "many"}}, "read", usage=None),
    Fault("usage beyond all bounds", {"text": FENCED, "raw_usage": {"prompt_tokens": 10**30}}, "read", usage=None),
    Fault("usage that is a list", {"text": FENCED, "raw_usage": [1, 2]}, "read", usage=None),
    Fault("usage in every chunk", {"text": FENCED, "running_usage": True}, "read"),
    # what the user must mend
    Fault("context length exceeded", {"status": 400, "error": TOO_LONG}, "infrastructure", "model's context"),
    Fault("context size exceeded", {"status": 400, "error": EXCEEDED}, "infrastructure", "model's context"),
    Fault("413", {"status": 413}, "infrastructure", "model's context"),
    Fault("wrong key", {"status": 401, "error": "Incorrect API key provided"}, "user", "refuses the key"),
    Fault("key without the right", {"status": 403}, "user", "refuses the key"),
    Fault("unknown model", {"status": 404, "error": "no such model"}, "user", "knows no model 'scripted-model'"),
    Fault("unknown parameter", {"status": 400, "error": "Unsupported parameter"}, "user", "Unsupported parameter"),
    Fault("redirect", {"status": 307, "headers": AWAY}, "user", "sends us on to http://elsewhere.example"),
    Fault("redirect to another path", {"status": 301, "headers": {"Location": "/v2"}}, "user", "another path"),
    Fault("a web page", {"page": "<html>welcome</html>"}, "user", "not as an OpenAI-compatible endpoint"),
]


def trials(place: Path, seed: int, tries: int) -> Iterator[Trial]:
    """A whole run for each fault; where it stops the run, the server recovers and the run is resumed."""
    data = simulate(place / "data")
    cache = {"GAMMAPYGPT_CACHE": str(place / "cache"), "XDG_CONFIG_HOME": str(place / "no-settings")}
    for number, fault in enumerate(FAULTS):
        folder = place / f"{number:02d}"
        folder.mkdir()
        wrong = whole_run(fault, folder, data, cache)
        yield Trial(f"{fault.name}: {meaning(fault)}", not wrong, wrong)
    wrong = outgrown(place / "outgrown", data, cache)
    yield Trial("a conversation that outgrows the context: the oldest attempt gives way", not wrong, wrong)
    wrong = hopeless(place / "hopeless", data, cache)
    yield Trial("a prompt that never fits: stops with a remedy; resumed", not wrong, wrong)


def meaning(fault: Fault) -> str:
    """How a fault is to end, in words."""
    words = {"read": "read as it is", "again": "asked again", "format": "a draft of no use, and another one"}
    return words.get(fault.ends, "stops with a remedy; resumed")


def whole_run(fault: Fault, folder: Path, data: Path, environment: dict[str, str] | None = None) -> str:
    """What is wrong with how a run ended that met the fault at its first question; empty where all is well."""
    with ScriptedServer([fault.reply]) as server:
        backend = {"model": "scripted-model", "base_url": server.url, "abilities": [*fault.can], "retries": 1}
        line = command_line(folder, data, {**backend, "timeout_s": 60.0, **fault.settings}, environment)
        good = {"tool": CODE} if fault.can else {"text": FENCED}
        if fault.ends in RESUMES:
            stopped = line("run", REQUEST)
            if wrong := wrong_stop(stopped, fault, folder):
                return wrong
            server.replies.clear()
            server.add(good)
            return wrong_end(line("resume", "--json"), "read", 1, folder)
        server.add(good)
        ended = line("run", REQUEST, "--json")
        if fault.ends == "again" and len(server.requests) != 2:
            return f"{len(server.requests)} requests, not 2"
        calls = 2 if fault.ends == "format" else 1
        return wrong_end(ended, fault.ends, calls, folder, fault.says)


def wrong_stop(stopped: Result, fault: Fault, folder: Path) -> str:
    """What is wrong with how a run stopped."""
    said, run = stopped.stderr.strip(), the_run(folder)
    manifest = json.loads((run / "manifest.json").read_text())
    expected = 2 if fault.ends == "user" else 3
    found = {
        f"exit code {stopped.exit_code}, not {expected}: {said}": stopped.exit_code != expected,
        f"not one line: {said}": "\n" in said or not said.startswith("gammapygpt: "),
        f"does not say {fault.says!r}: {said}": fault.says not in said,
        "tells a secret": "hidden" in said,
        f"status {manifest['status']}": manifest["status"] != "interrupted",
        "an attempt was made of it": any((run / "attempts").iterdir()),
        "a call was recorded": bool(recorded_calls(run)),
    }
    return "; ".join(wrong for wrong, there in found.items() if there)


def wrong_end(ended: Result, ends: str, calls: int, folder: Path, says: str = "") -> str:
    """What is wrong with how a run ended that is to pass after so many calls."""
    if ended.exit_code or "Traceback" in ended.output:
        return f"exit code {ended.exit_code}: {ended.output[-500:]} {ended.exception or ''}"
    outcome, run = json.loads(ended.stdout), the_run(folder)
    failures = ["format", None] if ends == "format" else [None]
    summary = json.loads((run / "manifest.json").read_text())["attempts"][0]["summary"]
    usage, journal = outcome["usage"], run / "calls.jsonl"
    recorded = recorded_calls(run)
    told = sum(call.reply.usage.tokens for call in recorded)
    found = {
        f"result {outcome['result']}": outcome["result"] != RESULT,
        f"failures {outcome['failures']}": outcome["failures"] != failures,
        f"does not say {says!r}: {summary}": says not in summary,
        f"{usage['calls']} calls charged": usage["calls"] != calls,
        f"{len(recorded)} calls recorded": len(recorded) != calls,
        "other tokens charged than recorded": usage["input_tokens"] + usage["output_tokens"] != told,
        f"{usage['retries']} retries": usage["retries"] != (ends == "again"),
        "a torn line in the journal": journal.read_bytes().count(b"\n") != calls,
        "a reply of any length was kept": journal.stat().st_size > 100_000,
    }
    return "; ".join(wrong for wrong, there in found.items() if there)
