"""`report`: the page of a run, made anew from what its folder holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gammapygpt.commands.common import ConfigOption, RunsOption, command, runs_folder
from gammapygpt.commands.runs import RunArgument
from gammapygpt.errors import UserError


@command
def report(
    name: RunArgument = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; else final/report.html of the run.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    runs: RunsOption = None,
    config: ConfigOption = None,
) -> None:
    """Make the report of a run, finished or not, and print its path."""
    from gammapygpt.runs.final import report_anew
    from gammapygpt.runs.folder import write_file
    from gammapygpt.runs.history import find_run

    folder = find_run(runs_folder(runs, config), name)
    page = output.expanduser() if output else folder.final / "report.html"
    try:
        if not output:
            folder.final.mkdir(exist_ok=True)
        write_file(page, report_anew(folder))
    except OSError as error:
        raise UserError(f"cannot write {page}: {error.strerror}.", "Name another file with --output.") from error
    typer.echo(str(page.resolve()))
    if show:
        open_in_browser(page.resolve())


def open_in_browser(page: Path) -> None:
    """Show a page, where a window could show up; say so where none can."""
    if not has_display(os.environ):
        typer.echo("there is no display here: open it in a browser where there is one.", err=True)
        return
    import webbrowser

    webbrowser.open(page.as_uri())


def has_display(environ: Mapping[str, str]) -> bool:
    """Whether a browser window could show up."""
    if sys.platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
