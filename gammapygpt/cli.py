"""The command line: which commands there are. Each imports what it needs when called, so that help answers at once."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from gammapygpt import __version__
from gammapygpt.commands import (
    bench,
    check,
    config,
    conversation,
    data,
    doctor,
    export,
    index,
    mcp,
    model,
    replay,
    report,
    review,
    run,
    runs,
    script,
    studio,
    web,
)
from gammapygpt.signals import ENDING

app = typer.Typer(
    name="gammapygpt",
    help="From a request in plain English to one Gammapy script that has been checked, run, validated and repaired.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gammapygpt {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True)] = False,
) -> None:
    """Options of the whole program."""


app.command("run")(run.run)
app.command("resume")(run.resume)
app.command("follow-up")(conversation.follow_up)
app.command("fork")(conversation.fork)
app.command("replay")(replay.replay)
app.command("web")(web.web)
app.add_typer(runs.app, name="runs")
app.command("report")(report.report)
app.command("export")(export.export)
app.command("check")(check.check)
app.command("exec")(script.execute)
app.command("review")(review.review)
app.add_typer(config.app, name="config")
app.add_typer(data.app, name="data")
app.add_typer(model.app, name="model")
app.add_typer(bench.app, name="bench")
app.add_typer(index.app, name="index")
app.command("mcp")(mcp.mcp)
app.command("studio")(studio.studio)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Entry point of the console script; Ctrl-C once more, while the interpreter ends, changes nothing."""
    try:
        app()
    except SystemExit as end:
        if end.code in [128 + number for number in ENDING]:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise
