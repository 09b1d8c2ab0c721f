"""A stand-in for a Qdrant server on loopback: the part of its REST API that we use, over Qdrant's own local mode.

No package registry has the server itself. What is real here: the client, the wire, names, filters, scores. What is
not: the server's index, its consistency, its limits.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter
from qdrant_client import QdrantClient, models


class QdrantServer:
    """A context manager.

    Attributes
    ----------
    url : str
        Base URL.
    client : QdrantClient
        What is behind it.
    requests : list of str
        Method and path of each request, in order.
    trouble : dict
        What it does to each request, if anything: `status`, `body` (bytes), `delay` in s.
    """

    def __init__(self, key: str = "", port: int = 0) -> None:
        self.key = key
        self.trouble: dict[str, Any] = {}
        self.closing = threading.Event()
        self.client = QdrantClient(":memory:")
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._http.daemon_threads = True
        self._http.qdrant = self  # type: ignore[attr-defined]
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> QdrantServer:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop_listening(self) -> None:
        """Never listen; its port is nobody's."""
        self._http.server_close()

    def stop(self) -> None:
        """No longer listen; may be called twice."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def names(self) -> set[str]:
        """The collections there are."""
        return {collection.name for collection in self.client.get_collections().collections}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        """Nothing on the terminal."""

    def do_GET(self) -> None:
        self._answer()

    do_PUT = do_POST = do_DELETE = do_GET

    def _answer(self) -> None:
        qdrant: QdrantServer = self.server.qdrant  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        path = urlsplit(self.path).path
        qdrant.requests.append(f"{self.command} {path}")
        if qdrant.trouble:
            qdrant.closing.wait(qdrant.trouble.get("delay", 0))
            status = qdrant.trouble.get("status", 200)
            return self._write(status, qdrant.trouble.get("body", b'{"status": {"error": "scripted"}}'))
        if qdrant.key and self.headers.get("api-key") != qdrant.key:
            return self._send(401, {"status": {"error": "Must provide an API key"}})
        with qdrant.lock:
            status, result = answer(qdrant.client, self.command, path.strip("/").split("/"), body)
        said = {"result": result, "status": "ok", "time": 0.0}
        return self._send(status, said if status == 200 else {"status": {"error": result}, "time": 0.0})

    def _send(self, status: int, value: object) -> None:
        self._write(status, json.dumps(value).encode())

    def _write(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status == 429:
            self.send_header("Retry-After", "5")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):  # the client has waited long enough
            self.wfile.write(content)


def answer(client: QdrantClient, method: str, path: list[str], body: dict[str, Any]) -> tuple[int, Any]:
    """Status and result of one request."""
    name, rest = (path[1] if len(path) > 1 else ""), "/".join(path[2:])
    if not name:
        return 200, {"collections": [{"name": one.name} for one in client.get_collections().collections]}
    exists = client.collection_exists(name)
    if rest == "exists":
        return 200, {"exists": exists}
    if method == "PUT" and not rest:
        return create(client, name, body) if not exists else (409, f"Wrong input: Collection `{name}` already exists!")
    if not exists:
        return 404, f"Not found: Collection `{name}` doesn't exist!"
    if method == "DELETE":
        return 200, client.delete_collection(name)
    if rest == "index":
        return 200, {"operation_id": 0, "status": "completed"}
    if rest == "points/count":
        return 200, {"count": client.count(name, exact=True).count}
    if rest == "points":
        client.upsert(name, TypeAdapter(models.PointsList).validate_python(body).points)
        return 200, {"operation_id": 0, "status": "completed"}
    if rest == "points/query":
        return 200, {"points": [point.model_dump(mode="json") for point in queried(client, name, body)]}
    return 404, f"{method} {'/'.join(path)}"


def create(client: QdrantClient, name: str, body: dict[str, Any]) -> tuple[int, Any]:
    """A new collection."""
    wanted = models.CreateCollection.model_validate(body)
    made = client.create_collection(
        name, vectors_config=wanted.vectors or {}, sparse_vectors_config=wanted.sparse_vectors
    )
    return 200, made


def queried(client: QdrantClient, name: str, body: dict[str, Any]) -> list[models.ScoredPoint]:
    """The nearest points, for a plain or a fused query."""
    wanted = models.QueryRequest.model_validate(body)
    return client.query_points(
        name,
        query=wanted.query,
        prefetch=wanted.prefetch,
        using=wanted.using,
        query_filter=wanted.filter,
        limit=wanted.limit or 10,
        offset=wanted.offset,
        score_threshold=wanted.score_threshold,
        with_payload=bool(wanted.with_payload),
    ).points
