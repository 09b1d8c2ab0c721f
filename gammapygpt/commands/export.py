"""`export`: a run taken out of its folder, as one file or as a package that says where everything comes from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gammapygpt.commands.common import ConfigOption, RunsOption, command, runs_folder
from gammapygpt.commands.runs import RunArgument


class Form(StrEnum):
    """What a run is taken out as."""

    script = "script"
    notebook = "notebook"
    report = "report"
    ro_crate = "ro-crate"
    zip = "zip"


@command
def export(
    name: RunArgument = None,
    out: Annotated[
        Path | None, typer.Argument(metavar="[OUT]", help="File or folder; else named after the run, in this folder.")
    ] = None,
    form: Annotated[Form, typer.Option("--to", help="What to make.")] = Form.zip,
    runs: RunsOption = None,
    config: ConfigOption = None,
) -> None:
    """Take a run out of its folder, without the data; prints what it wrote."""
    from gammapygpt.runs.export import exported
    from gammapygpt.runs.history import find_run

    made = exported(find_run(runs_folder(runs, config), name), form.value, out.expanduser() if out else None)
    typer.echo(str(made.path.resolve()))
    if made.left_out:
        typer.echo(f"left out, since they may hold data: {', '.join(made.left_out)}", err=True)
