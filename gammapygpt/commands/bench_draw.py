"""`bench draw`: fresh tasks on simulated data with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammapygpt.commands.common import JsonOption, command, print_json, words


@command
def draw(
    folder: Annotated[
        Path, typer.Argument(help="Folder to be, with data/ and tasks/; new or empty.", show_default=False)
    ],
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.", show_default=False)],
    number: Annotated[int, typer.Option(help="How many tasks.")] = 10,
    kinds: Annotated[str, typer.Option(help="Kinds of tasks, between commas; else all.")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw tasks that nobody has seen: simulated data, requests, reference scripts, known answers."""
    from gammapygpt.evals.draw.draw import draw as make

    made = make(
        folder, seed, number, words(kinds), (lambda line: None) if quiet else lambda line: typer.echo(line, err=True)
    )
    tasks = made[0].parent
    data = tasks.parent / "data"
    if as_json:
        print_json({"tasks": tasks, "data": data, "number": len(made)})
        return
    typer.echo(f"{len(made)} tasks in {tasks}, data in {data}")
    typer.echo(f"to use them: gammapygpt bench run --tasks {tasks} --data {data}")
