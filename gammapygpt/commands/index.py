"""`gammapygpt index`: build what can be looked up, look something up, say what is there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gammapygpt.commands.common import ConfigOption, JsonOption, SetOption, assignments, command, print_json, sub_app
from gammapygpt.errors import UserError

if TYPE_CHECKING:
    from gammapygpt.knowledge.index import Description
    from gammapygpt.settings import Settings
    from gammapygpt.state import Snippet

app = sub_app("Reference material of the installed Gammapy: build the index, search it, say what is in it.")

LINES = 4
"""Shown of each piece."""


@app.command()
@command
def build(
    prune: Annotated[bool, typer.Option("--prune", help="Then remove what older builds of ours left behind.")] = False,
    config: ConfigOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the index anew. Nobody must: it is built when something is first looked up."""
    from gammapygpt.knowledge.index import index_folder, opened

    loaded = load(config, settings)
    with progress_shown() as say:
        index = opened(loaded, say, again=True)
    removed = []
    if prune and index.is_usable:
        from gammapygpt.knowledge.material import file_name
        from gammapygpt.knowledge.store import prune as remove_old

        removed = remove_old(loaded, index_folder(), index.collection, file_name(loaded))
    if as_json:
        print_json({**asdict(index.describe()), "removed": removed})
        return
    show(index.describe())
    for name in removed:
        typer.echo(f"removed {name}")


@app.command()
@command
def search(
    query: Annotated[str, typer.Argument(help="Plain English, code or an error message.", show_default=False)],
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind of material; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of pieces.")] = 6,
    config: ConfigOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look something up, as the retriever of a run does: a mixture of all kinds, or the nearest of those named."""
    from gammapygpt.knowledge.index import KINDS, opened
    from gammapygpt.knowledge.index import search as look_up

    for name in kind or ():
        if name not in KINDS:
            raise UserError(f"there is no kind {name!r}.", f"There are: {', '.join(KINDS)}.")
    loaded = load(config, settings)
    with progress_shown() as say:
        index = opened(loaded, say)
        found = look_up(loaded, query, limit, kind, say) if index.is_usable else []
    for trouble in index.troubles if sys.stderr.isatty() else ():  # in a pipe they were told as they came
        typer.echo(f"gammapygpt: {trouble}", err=True)
    if as_json:
        print_json({"query": query, "found": found})
        return
    if not found:
        typer.echo("nothing is near enough")
    for piece in found:
        show_piece(piece)


@app.command()
@command
def info(config: ConfigOption = None, settings: SetOption = None, as_json: JsonOption = False) -> None:
    """Say what the index holds, of which Gammapy, where it is, and what is left out and why."""
    from gammapygpt.knowledge.index import opened

    loaded = load(config, settings)
    with progress_shown() as say:
        description = opened(loaded, say).describe()
    if as_json:
        print_json(asdict(description))
    else:
        show(description)


def load(config: ConfigOption, settings: Sequence[str] | None) -> Settings:
    """The settings in force."""
    from gammapygpt.settings_loading import load_settings

    return load_settings(config, assignments(settings))


def show(description: Description) -> None:
    """One line for each thing to know of an index."""
    kinds = ", ".join(f"{number} {kind}" for kind, number in description.documents.items())
    typer.echo(f"Gammapy:    {description.gammapy or 'unknown version'}")
    typer.echo(f"documents:  {sum(description.documents.values())} ({kinds})")
    typer.echo(f"corpus:     {description.corpus}")
    typer.echo(f"where:      {description.where}")
    typer.echo(f"embedding:  {description.embedding}")
    for note in description.notes:
        typer.echo(f"note:       {note}")


def show_piece(piece: Snippet) -> None:
    """Source, score, title and the first lines of what was found."""
    from gammapygpt.runs.results import clean, one_line

    source = typer.style(one_line(piece.source), bold=True)
    typer.echo(f"{source}  {piece.score:.3f}  {one_line(piece.title)}")
    for line in [line for line in clean(piece.text).splitlines() if line.strip()][:LINES]:
        typer.echo(f"    {line}")


@contextmanager
def progress_shown() -> Iterator[Callable[[str], None]]:
    """A live line on a terminal, plain lines in a pipe; both on standard error, and none where nothing is built."""
    if not sys.stderr.isatty():
        yield lambda line: typer.echo(line, err=True)
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status("opening the index") as status:
        yield lambda line: status.update(escape(line))
