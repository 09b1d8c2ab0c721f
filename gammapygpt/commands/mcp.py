"""`mcp`: tools for other agents, by the Model Context Protocol."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gammapygpt.commands.common import ConfigOption, DataOption, RunsOption, SetOption, command, overrides
from gammapygpt.errors import UserError

if TYPE_CHECKING:
    from gammapygpt.mcp.calls import Server

HOST = "127.0.0.1"
"""Whoever can reach the port can run scripts, so nobody else may."""

GRACE_S = 2
"""After Ctrl-C, for what is under way."""


@command
def mcp(
    transport: Annotated[
        Literal["stdio", "streamable-http"],
        typer.Option(help="stdio: the client starts this program; streamable-http: it calls a port of this machine."),
    ] = "stdio",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of streamable-http, on 127.0.0.1.")] = 8765,
    data: DataOption = None,
    runs: RunsOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Serve search, checks, the sandbox and whole runs to coding agents (MCP).

    A client starts it by itself: {"command": "gammapygpt", "args": ["mcp", "--data", "FOLDER"]}.
    """
    laid_over = overrides(settings, data=data, runs=runs)
    made = made_of(config, laid_over)
    if transport == "stdio":
        serve_stdio(made)
    else:
        serve_http(made, port)


def made_of(config: Path | None, laid_over: dict[str, Any]) -> Server:
    """The server with the settings in force, which it keeps until it ends."""
    from gammapygpt.data.stores import find_data
    from gammapygpt.settings_loading import load_settings

    loaded = load_settings(config, laid_over)
    if loaded.data.path:
        find_data(loaded)
    try:
        from gammapygpt.mcp.server import server
        from gammapygpt.mcp.working import Desk
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("mcp"):
            raise
        raise UserError(f"the MCP server is not installed: {error.msg}.", "pip install 'gammapygpt[mcp]'") from error
    return server(Desk(loaded, str(config.expanduser().resolve()) if config else "", laid_over))


def serve_stdio(made: Server) -> None:
    """Until the client closes our standard input."""
    if sys.stdin.isatty():
        typer.echo("gammapygpt: this speaks MCP with a client that starts it by itself; Ctrl-C ends it.", err=True)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a thread that waits for standard input could not be interrupted
    try:
        made.run("stdio")
    except* BrokenPipeError:
        pass  # the client has gone in the middle of an answer


def serve_http(made: Server, port: int) -> None:
    """Until Ctrl-C.

    Raises
    ------
    UserError
        The port is taken.
    """
    import uvicorn

    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise UserError(f"cannot listen on {HOST}:{port}: {error.strerror}.", "Name another --port.") from error
    typer.echo(f"http://{HOST}:{port}/mcp", err=True)  # who reads it may call at once
    config = uvicorn.Config(
        made.streamable_http_app(host=HOST),
        log_level="critical",  # what our own tools do is logged by the SDK
        timeout_graceful_shutdown=GRACE_S,
    )
    with listening, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
