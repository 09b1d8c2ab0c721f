"""A web server on loopback for downloads, with faults: breaks off, is busy, knows no ranges."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """Files by name, and the faults of their server."""

    files: dict[str, bytes]
    ranges: bool = True
    breaks: dict[str, list[int]] = field(default_factory=dict)
    """After how many bytes each next answer for a file breaks off."""
    busy: dict[str, int] = field(default_factory=dict)
    """How often a file is answered with 503."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Path and Range header of each request."""
    url: str = ""

    def asked_for(self, name: str) -> list[str]:
        return [header for path, header in self.requests if path == f"/release/{name}"]


def handler_of(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            if self.command == "GET":
                server.requests.append((self.path, asked))
            name = self.path.removeprefix("/release/")
            if server.busy.get(name, 0):
                server.busy[name] -= 1
                return self.answer(503, b"")
            if name not in server.files:
                return self.answer(404, b"nothing here")
            body, start = server.files[name], 0
            if asked and server.ranges:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(body):
                    return self.answer(416, b"", f"bytes */{len(body)}")
                return self.answer(206, body[start:], f"bytes {start}-{len(body) - 1}/{len(body)}", name)
            return self.answer(200, body, "", name)

        def answer(self, status: int, body: bytes, content_range: str = "", name: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if content_range:
                self.send_header("Content-Range", content_range)
            self.end_headers()
            if self.command == "HEAD":
                return
            if server.breaks.get(name):
                body = body[: server.breaks[name].pop(0)]
                self.close_connection = True
            self.wfile.write(body)

    return Handler


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[FileServer]:
    """A server with these files below `/release`."""
    state = FileServer(dict(files))
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(state))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}/release"
    yield state
    http.shutdown()
    http.server_close()
    thread.join()
