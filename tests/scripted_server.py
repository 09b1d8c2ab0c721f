"""An OpenAI-compatible server on loopback that replays scripted replies and records every request.

In tests, use the fixture `scripted_server` of conftest.py. As a program, for tests that kill the client:

    python tests/scripted_server.py replies.json --port-file PORT --log REQUESTS

`replies.json` is a list of replies, each one object with any of

    text        what the model writes
    tool        arguments of a call of the tool that was asked for: an object, or raw text
    json        an object, written as text
    refusal     why the model will not
    finish      finish reason; `stop` or `tool_calls` by default
    timings     llama.cpp's own, as they are
    usage       {"input", "cached", "output", "reasoning"} in tokens; null for a server that tells none
    running_usage   true: the usage so far in every chunk, as some servers do
    status, headers, error   an HTTP error instead
    page        a web page instead
    drop        `request`: closed without an answer; `stream`: after half of the reply, without a word;
                `error`: an error event in the middle of the stream; `reset`, `stream-reset`: as the first two, by a
                reset of the connection
    amid        bytes in the middle of the stream, as text in Latin-1; with `drop`, the last ones
    for_ever    `silence`, or what is sent over and over after half of the reply: `comments`, `bytes`, `deltas` that
                say nothing, `words`; until the client goes
    late        the same after the whole reply
    n_bytes     so many bytes of words that do not repeat, in many chunks
    line        one line of so many bytes
    tool_name, more_tools    what the call is of, if not of what was asked for; arguments of further calls
    raw_usage   the usage as it is, whatever it is
    http        version of HTTP, such as `1.0`
    delay       seconds before the answer
    pause       seconds between the pieces of a stream
    when        text that must occur in the request; the first reply that fits is taken, in order
    times       how often it may be taken, 1 by default
"""

from __future__ import annotations

import argparse
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

DEFAULT_USAGE = {"input": 100, "cached": 0, "output": 20, "reasoning": 0}
MODEL = "scripted-model"


class ScriptedServer:
    """Replays replies; a context manager.

    Attributes
    ----------
    url : str
        Base URL of the endpoint, up to `/v1`.
    requests : list of dict
        `path`, `headers` (names in lower case) and `body` of each POST, in order.
    """

    def __init__(
        self, replies: list[dict[str, Any]] | None = None, log: Path | None = None, port: int = 0, key: str = ""
    ) -> None:
        self.replies = [dict(reply) for reply in replies or []]
        self.requests: list[dict[str, Any]] = []
        self.models = [MODEL]
        self.owner = "tests"
        self.key = key
        self.longest: int | None = None
        """Characters of messages in a request beyond which it is refused, as one longer than the context."""
        self.n_sent = 0
        """Bytes of streams sent so far."""
        self._log = log
        self._lock = threading.Condition()
        self.closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._http.daemon_threads = True
        self._http.scripted = self  # type: ignore[attr-defined]
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> ScriptedServer:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def add(self, *replies: dict[str, Any]) -> None:
        """More replies, after those there are."""
        with self._lock:
            self.replies += [dict(reply) for reply in replies]

    def wait_for(self, n_requests: int) -> None:
        """Return once so many requests have arrived; they may be waiting for their replies."""
        with self._lock:
            assert self._lock.wait_for(lambda: len(self.requests) >= n_requests, timeout=60)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was asked, in order."""
        return [request["body"] for request in self.requests]

    def take(self, request: dict[str, Any]) -> dict[str, Any]:
        """Record a request and find its reply."""
        with self._lock:
            self.requests.append(request)
            self._lock.notify_all()
            if self._log:
                shown = {**request, "headers": sorted(request["headers"])}
                with self._log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(shown) + "\n")
            n_characters = sum(len(message["content"]) for message in request["body"].get("messages", []))
            if self.longest is not None and n_characters > self.longest:
                said = f"This model's maximum context length is {self.longest}, you sent {n_characters}."
                return {"status": 400, "error": {"message": said, "code": "context_length_exceeded"}}
            asked = json.dumps(request["body"], ensure_ascii=False)
            for place, reply in enumerate(self.replies):
                if reply.get("when", "") in asked:
                    reply["times"] = reply.get("times", 1) - 1
                    return self.replies.pop(place) if reply["times"] < 1 else reply
        return {"status": 400, "error": "no scripted reply is left for this request"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def scripted(self) -> ScriptedServer:
        return self.server.scripted  # type: ignore[attr-defined]

    def log_message(self, *arguments: object) -> None:
        """Nothing on the terminal."""

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            return self._json(404, {"error": {"message": "no such path"}})
        scripted = self.scripted
        data = [{"id": name, "object": "model", "owned_by": scripted.owner} for name in scripted.models]
        return self._json(200, {"object": "list", "data": data})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if len(content) < int(self.headers.get("Content-Length", 0)):
            return None  # the client was killed while it asked
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(content or b"{}")
        if self.scripted.key and headers.get("authorization") != f"Bearer {self.scripted.key}":
            return self._json(401, {"error": {"message": "wrong key"}})
        reply = self.scripted.take({"path": self.path, "headers": headers, "body": body})
        self.scripted.closing.wait(reply.get("delay", 0))
        self.protocol_version = f"HTTP/{reply.get('http', '1.1')}"
        if reply.get("drop") in ("request", "reset"):
            self._close(reset=reply["drop"] == "reset")
        elif "status" in reply:
            error = reply.get("error", f"scripted status {reply['status']}")
            error = error if isinstance(error, dict) else {"message": error}
            self._json(reply["status"], {"error": error}, reply.get("headers"))
        elif "page" in reply:
            self._send(200, "text/html", reply["page"].encode())
        elif body.get("stream"):
            self._stream(list(_chunks(reply, body)), reply)
        else:
            self._json(200, _completion(reply, body))
        return None

    def _json(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        self._send(status, "application/json", json.dumps(value).encode(), headers)

    def _send(self, status: int, kind: str, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # the client has read enough
            self.wfile.write(content)

    def _stream(self, chunks: list[dict[str, Any]], reply: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.pause_s = reply.get("pause", 0)
        drop, half = reply.get("drop"), len(chunks) // 2
        try:
            self._write(*map(_event, chunks[:half]), reply.get("amid", "").encode("latin-1"))
            if drop == "error":
                self._write(_event({"error": {"message": reply.get("error", "scripted error in the stream")}}))
            elif drop:
                self._close(reset=drop == "stream-reset")
            else:
                for piece in _long(reply, chunks[0]):
                    self._write(piece)
                self._go_on(reply.get("for_ever"), chunks[0])
                self._write(*map(_event, chunks[half:]))
                self._go_on(reply.get("late"), chunks[0])
                self._write(b"data: [DONE]\n\n")
        except OSError:
            """The client is gone, as tests of a killed client want it, and of one that has read enough."""

    def _go_on(self, how: str | None, frame: dict[str, Any]) -> None:
        """Keep a connection open."""
        for number in count() if how else ():
            pieces = {
                "silence": b"",
                "comments": b": keep-alive\n\n",
                "bytes": b"d",
                "deltas": _with(frame, {"content": ""}),
                "words": _with(frame, {"content": f"{number} "}),
            }
            self._write(pieces[how or ""])
            if self.scripted.closing.wait(0.02):
                raise OSError("the server ends")

    def _write(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()
            self.scripted.n_sent += len(piece)
            if self.pause_s:
                self.scripted.closing.wait(self.pause_s)

    def _close(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:  # what is thrown away unread is told by a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _with(frame: dict[str, Any], delta: dict[str, Any]) -> bytes:
    return _event({**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})


def _long(reply: dict[str, Any], frame: dict[str, Any]) -> Iterator[bytes]:
    """Far more than anybody asked for."""
    for start in range(0, reply.get("n_bytes", 0), 4000):
        yield _with(frame, {"content": " ".join(f"word{start + n}" for n in range(0, 4000, 10))})
    if "line" in reply:
        yield b"data: "
        for _ in range(0, reply["line"], 4000):
            yield b"x" * 4000


def _usage(reply: dict[str, Any]) -> dict[str, Any] | None:
    if "raw_usage" in reply:
        return reply["raw_usage"]
    told = reply.get("usage", DEFAULT_USAGE)
    if told is None:
        return None
    told = {**DEFAULT_USAGE, **told}
    return {
        "prompt_tokens": told["input"],
        "completion_tokens": told["output"],
        "total_tokens": told["input"] + told["output"],
        "prompt_tokens_details": {"cached_tokens": told["cached"]},
        "completion_tokens_details": {"reasoning_tokens": told["reasoning"]},
    }


def _message(reply: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.get("text", "")}
    if "json" in reply:
        message["content"] = json.dumps(reply["json"])
    if "refusal" in reply:
        message["refusal"] = reply["refusal"]
    if "tool" in reply:
        asked = body["tools"][0]["function"]["name"] if body.get("tools") else "unasked"
        name = reply.get("tool_name", asked)
        message["tool_calls"] = [
            _call(number, name, given) for number, given in enumerate([reply["tool"], *reply.get("more_tools", [])])
        ]
    return message


def _call(number: int, name: str, given: Any) -> dict[str, Any]:
    arguments = given if isinstance(given, str) else json.dumps(given)
    function = {"name": name, "arguments": arguments}
    return {"index": number, "id": f"call_{number}", "type": "function", "function": function}


def _finish(reply: dict[str, Any]) -> str:
    return reply.get("finish", "tool_calls" if "tool" in reply else "stop")


def _completion(reply: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    choice = {"index": 0, "message": _message(reply, body), "finish_reason": _finish(reply)}
    completion = {"id": "scripted", "object": "chat.completion", "created": 0, "model": body.get("model", MODEL)}
    timings = {"timings": reply["timings"]} if "timings" in reply else {}
    return {**completion, "choices": [choice], "usage": _usage(reply), **timings}


def _chunks(reply: dict[str, Any], body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The reply as a server streams it: role, pieces of text or arguments, finish reason, usage."""
    frame = {"id": "scripted", "object": "chat.completion.chunk", "created": 0, "model": body.get("model", MODEL)}
    usage = _usage(reply)
    running = {"usage": usage} if reply.get("running_usage") else {}
    for delta in _deltas(_message(reply, body)):
        yield {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **running}
    yield {**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(reply)}], **running}
    if usage and (body.get("stream_options") or {}).get("include_usage"):
        yield {**frame, "choices": [], "usage": usage}


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for piece in _pieces(message["content"]):
        yield {"content": piece}
    if message.get("refusal"):
        yield {"refusal": message["refusal"]}
    for call in message.get("tool_calls", []):
        yield {"tool_calls": [{**call, "function": {"name": call["function"]["name"], "arguments": ""}}]}
        for piece in _pieces(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": call["index"], "function": {"arguments": piece}}]}


def _pieces(text: str) -> Iterator[str]:
    size = max(1, -(-len(text) // 5))
    for start in range(0, len(text), size):
        yield text[start : start + size]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("replies", type=Path, help="JSON file with a list of replies")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", type=Path, help="the port is written here once the server listens")
    parser.add_argument("--log", type=Path, help="one JSON line per request; headers by name only")
    arguments = parser.parse_args()
    replies = json.loads(arguments.replies.read_text(encoding="utf-8"))
    with ScriptedServer(replies, arguments.log, arguments.port) as server:
        if arguments.port_file:
            temporary = arguments.port_file.with_suffix(".tmp")
            temporary.write_text(str(server.port), encoding="utf-8")
            temporary.replace(arguments.port_file)
        print(f"listening on port {server.port}", flush=True)
        server.closing.wait()


if __name__ == "__main__":
    main()
