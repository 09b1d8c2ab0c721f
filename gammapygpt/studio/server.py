"""The server behind Studio: what `langgraph dev` starts, on loopback, without a word to anybody outside."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.graph.studio import graph
from gammapygpt.llm.local.server import kept as local_models
from gammapygpt.runs.folder import one_process

PAGES = ("https://smith.langchain.com", "https://eu.smith.langchain.com")
"""Where the page of Studio comes from; it runs in the browser, and speaks with the server on this machine."""
LOCAL_PAGES = r"https?://(localhost|127\.0\.0\.1)(:\d+)?"
"""What else may speak with it; any page that the browser has open could, by default."""
GRAPHS = {"gammapygpt": "gammapygpt.graph.studio:graph"}
THREADS = Path(".langgraph_api")
"""Where the server keeps its threads, in the current folder, as `langgraph dev` does."""
JOBS = 4
"""Runs at once; more wait."""
SILENCE = {
    "LANGSMITH_TRACING": "false",
    "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    "LANGGRAPH_NO_VERSION_CHECK": "true",
    "OTEL_SDK_DISABLED": "true",
    "LOG_LEVEL": "WARNING",
}
HTTP = {
    "app": "gammapygpt.studio.door:app",
    "cors": {
        "allow_origins": list(PAGES),
        "allow_origin_regex": LOCAL_PAGES,
        "allow_methods": ["*"],
        "allow_headers": ["*"],
        "expose_headers": ["x-pagination-total", "x-pagination-next", "content-location"],
    },
}


def serve(host: str, port: int, *, browser: bool, say: Callable[[str], None]) -> None:
    """Serve the graph until interrupted.

    Parameters
    ----------
    host, port
        Where to listen.
    browser : bool
        Open the page of Studio.
    say : callable
        Takes one line for the user.

    Raises
    ------
    UserError
        The extra is not installed, or the address cannot be had.
    """
    if find_spec("langgraph_api") is None:
        raise UserError("LangGraph Studio's server is not installed.", "pip install 'gammapygpt[studio]'")
    check_address(host, port)
    keep_silent(os.environ)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    with kept_threads() as kept, local_models():
        say(f"API     {address}  (its documentation: {address}/docs)")
        say(f"Studio  {PAGES[0]}/studio/?baseUrl={address}  (LangChain's page; it wants an account)")
        if not kept:
            say(f"Another server keeps its threads in {Path.cwd() / THREADS}: those of this one end with it.")
        if not on_loopback(host):
            say(f"Whoever can reach {host} can start runs here and read them.")
        asyncio.run(graph())  # what the first request would wait for
        from langgraph_api.cli import run_server

        quiet_logs()
        run_server(
            host,
            port,
            graphs=GRAPHS,
            n_jobs_per_worker=JOBS,
            open_browser=browser,
            http=HTTP,
            studio_url=PAGES[0],
            disable_persistence=not kept,
        )


def check_address(host: str, port: int) -> None:
    """Make sure that the address can be had; the server would take another port without asking.

    Raises
    ------
    UserError
        It cannot.
    """
    if not 0 < port < 65536:
        raise UserError(f"there is no port {port}.", "Take one between 1024 and 65535.")
    try:
        (family, kind, *_, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with socket.socket(family, kind) as place:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind(address)
    except OSError as error:
        raise UserError(f"cannot listen on {host}, port {port}: {error.strerror}.", "Name another --port.") from error


def keep_silent(environ: os._Environ[str]) -> None:
    """Take out of the environment what makes the server report to LangSmith, and tell it not to."""
    for name in [name for name in environ if name.startswith(("LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_CLOUD_"))]:
        del environ[name]
    environ.update(SILENCE)


def quiet_logs() -> None:
    """Leave out the banner, what is not for users, and the tracebacks of errors that say what to do."""
    for name in ("langgraph_api.cli", "langgraph.checkpoint.serde.jsonplus", "py.warnings"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("langgraph_api.worker").addFilter(_in_one_line)


def _in_one_line(record: logging.LogRecord) -> bool:
    said: Any = record.msg
    if isinstance(said, dict) and f"{GammapyGPTError.__module__}." in str(said.get("event")):
        said.pop("exception", None)
        return not str(said["event"]).startswith("Background run failed")  # the same once more
    return True


@contextmanager
def kept_threads() -> Iterator[bool]:
    """Whether this server may keep its threads in the current folder: two of them would overwrite each other's."""
    try:
        THREADS.mkdir(0o700, exist_ok=True)
        lock = one_process(THREADS / ".lock", UserError("another server is using it."))
        lock.__enter__()
    except OSError as error:
        raise UserError(f"cannot write to {Path.cwd()}: {error.strerror}.", "Start in another folder.") from error
    except UserError:
        yield False
        return
    try:
        yield True
    finally:
        lock.__exit__(None, None, None)


def on_loopback(host: str) -> bool:
    """Whether an address is that of this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
