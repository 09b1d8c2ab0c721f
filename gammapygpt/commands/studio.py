"""`studio`: the graph in LangGraph Studio, served from this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gammapygpt.commands.common import ConfigOption, DataOption, RunsOption, command


@command
def studio(
    port: Annotated[int, typer.Option(help="Where to listen.")] = 2024,
    host: Annotated[str, typer.Option(help="Where to listen; the default is this machine alone.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option("--browser", help="Open the page of Studio.")] = False,
    data: DataOption = None,
    runs: RunsOption = None,
    config: ConfigOption = None,
) -> None:
    """Watch, stop and fork runs in LangGraph Studio; Ctrl-C ends it."""
    from gammapygpt.data.stores import find_data
    from gammapygpt.settings_loading import load_settings
    from gammapygpt.studio.server import serve

    load_settings(config)
    given: dict[str, Path | None] = {"CONFIG": config, "DATA__PATH": data, "RUNS__FOLDER": runs}
    for name, path in given.items():
        if path is not None:
            os.environ[f"GAMMAPYGPT_{name}"] = str(path.expanduser().resolve())
    if data is not None:
        find_data(load_settings())
    serve(host, port, browser=browser, say=lambda line: typer.echo(line, err=True))
