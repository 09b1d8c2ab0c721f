"""`replay`: a run again from its record, and where it goes another way."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gammapygpt.commands.common import ConfigOption, JsonOption, RunsOption, command, print_json, runs_folder
from gammapygpt.commands.runs import RunArgument
from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from gammapygpt.errors import Difference
    from gammapygpt.replay import Replayed

DIFFERS = 1
MOST_LINES = 60
"""Of a difference, on the terminal."""


@command
def replay(
    name: RunArgument = None,
    run_scripts: Annotated[bool, typer.Option("--run-scripts", help="Run its scripts anew, on its data.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take other words of prompts and gates, and nothing else, into the record.")
    ] = False,
    runs: RunsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the graph of a run again, answered from its record: no model, no data, no network; tell what differs."""
    from gammapygpt import replay as replaying
    from gammapygpt.runs.history import find_run

    folder = find_run(runs_folder(runs, config), name)
    done = replaying.replay(folder, run_scripts=run_scripts, accept=accept)
    if as_json:
        print_json({"run": folder.name, **as_data(done)})
    else:
        typer.echo(said(folder.name, done))
    raise typer.Exit(DIFFERS if done.difference else 0)


def said(name: str, done: Replayed) -> str:
    """The outcome in words; of texts that differ, the lines."""
    went = f"{done.calls} model calls and {done.attempts} attempts"
    if done.difference is None:
        return clean(f"{name}: the same, {went}")
    where = f"{name}: differs after {went}\n{done.difference.where}: {done.difference.what}"
    return clean("\n".join([where, *shown(done.difference)]))


def shown(difference: Difference) -> list[str]:
    """The lines that differ."""
    before, now = difference.before.splitlines(), difference.now.splitlines()
    lines = list(unified_diff(before, now, "then", "now", n=2, lineterm=""))
    left = len(lines) - MOST_LINES
    return lines if left <= 0 else [*lines[:MOST_LINES], f"... {left} more lines; --json has all of them"]


def as_data(done: Replayed) -> dict[str, Any]:
    """The outcome as plain data."""
    difference = done.difference
    told = difference and {name: getattr(difference, name) for name in ("where", "what", "before", "now")}
    return {"calls": done.calls, "attempts": done.attempts, "difference": told}
