"""An OpenAI-compatible embedding endpoint on loopback: texts with the same words, or synonyms, point the same way."""

from __future__ import annotations

import json
import re
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SIZE = 64
SAME = {"loudness": "brightness", "intensity": "brightness", "flux": "brightness", "wobble": "pointing"}
"""Words that mean the same to this model."""


class EmbeddingServer:
    """A context manager.

    Attributes
    ----------
    url : str
        Base URL of the endpoint, up to `/v1`.
    texts : list of str
        All that was embedded, in order.
    bodies : list of dict
        All that was asked.
    sends : str
        What is wrong with the vectors, if anything: `none` (not a number), `zeros`, `fewer` than texts, `lengths` (of
        another one from the second request on).
    """

    def __init__(self, key: str = "", status: int = 200, page: bool = False, sends: str = "") -> None:
        self.key, self.status, self.page, self.sends = key, status, page, sends
        self.n_embedded = 0
        self.texts: list[str] = []
        self.bodies: list[dict[str, object]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.embedding = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> EmbeddingServer:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """No longer listen; may be called twice."""
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        """Nothing on the terminal."""

    def do_POST(self) -> None:
        server: EmbeddingServer = self.server.embedding  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.bodies.append(body)
        sent = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if server.page:
            return self._send(200, "text/html", b"<html>welcome</html>")
        if server.key and sent != server.key:
            return self._json(401, {"error": {"message": f"Incorrect API key provided: {sent}"}})
        if server.status != 200:
            return self._json(server.status, {"error": {"message": "scripted failure"}})
        server.texts += body["input"]
        vectors = spoilt([embed(text) for text in body["input"]], server.sends, server.n_embedded)
        server.n_embedded += 1
        data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return self._json(200, {"object": "list", "data": data, "model": body["model"], "usage": usage})

    def _json(self, status: int, value: object) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def spoilt(vectors: list[list[float]], how: str, n_before: int) -> list[list[float]]:
    """Vectors as a server sends them that is not in order."""
    if how == "fewer":
        return vectors[:-1] or [vectors[0], vectors[0]]
    if how == "lengths" and n_before:
        return [vector[: SIZE // 2] for vector in vectors]
    worth = {"none": float("nan"), "zeros": 0.0}.get(how)
    return vectors if worth is None else [[worth] * SIZE for _ in vectors]


def embed(text: str) -> list[float]:
    """How often each word occurs in the first ten, by a hash of the word; never all zero."""
    vector = [0.01] * SIZE
    for word in re.findall(r"[a-z]{4,}", text.lower())[:10]:
        vector[zlib.crc32(SAME.get(word, word).encode()) % SIZE] += 1.0
    return vector
