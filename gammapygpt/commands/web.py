"""`gammapygpt web`: the page in a browser. Starts Streamlit in the place of this process; the page is `web/page.py`."""

from __future__ import annotations

import os
import socket
import sys
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from gammapygpt.commands.common import ConfigOption, DataOption, RunsOption, command
from gammapygpt.errors import UserError


@command
def web(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the page listens.")] = 8501,
    host: Annotated[str, typer.Option(help="Address that it listens on; others than this machine need 0.0.0.0.")] = (
        "127.0.0.1"
    ),
    runs: RunsOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Open the web page: ask, watch the agents, approve, follow up, download."""
    if find_spec("streamlit") is None:
        raise UserError("the web page needs Streamlit.", "pip install 'gammapygpt[web]'")
    from gammapygpt.commands.report import has_display
    from gammapygpt.web.looks import theme_options
    from gammapygpt.web.place import place_of

    place = place_of(config, runs, data)
    check_free(host, port)
    if not is_loopback(host):
        typer.echo(
            f"gammapygpt: warning: {host} is open to other machines, and the page asks for no password: "
            "whoever reaches it sees all runs, and starts runs with your data and keys.",
            err=True,
        )
    page = Path(__file__).parents[1] / "web" / "page.py"
    options = [*server_options(host, port, headless=not has_display(os.environ)), *theme_options()]
    sys.stdout.flush()
    os.execv(
        sys.executable,
        [sys.executable, "-P", "-m", "streamlit", "run", str(page), *options, "--", *place.arguments()],
    )


def server_options(host: str, port: int, *, headless: bool) -> list[str]:
    """How Streamlit is to behave, whatever a `.streamlit/config.toml` says: quiet, to itself, without tracebacks."""
    options = {
        "server.address": host,
        "server.port": port,
        "server.headless": headless,
        "server.showEmailPrompt": False,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "viewer",
        "runner.magicEnabled": False,
        "runner.fastReruns": False,  # a click is carried through before the next one is looked at
    }
    told = [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in options.items()]
    if is_loopback(host):  # a page elsewhere that calls itself by a name of its own and means this machine
        told += [f"--server.allowedHosts={name}" for name in ("localhost", "127.0.0.1", "::1")]
    return told


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_free(host: str, port: int) -> None:
    """Whether the page can listen there.

    Raises
    ------
    UserError
        Somebody else does, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(
                f"cannot listen on {host}, port {port}: {error.strerror or error}.",
                "Name another one with --port or --host.",
            ) from error
