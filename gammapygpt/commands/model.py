"""`gammapygpt model`: the language models that the backend `local` serves, which are there, how to get them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gammapygpt.commands.common import ConfigOption, JsonOption, SetOption, assignments, command, print_json, sub_app

if TYPE_CHECKING:
    from gammapygpt.settings import Settings

app = sub_app("Language models for the backend `local`: list, fetch.")


@app.command("list")
@command
def list_models(config: ConfigOption = None, settings: SetOption = None, as_json: JsonOption = False) -> None:
    """Show which models are known, and which of them are on this machine."""
    from gammapygpt.llm.local.files import find_known
    from gammapygpt.llm.local.models import known_models
    from gammapygpt.settings_loading import load_settings

    folders = model_folders(load_settings(config, assignments(settings)))
    found = {name: find_known(model, folders, say) for name, model in known_models().items()}
    if as_json:
        print_json({"models": [{**asdict(model), "path": found[name]} for name, model in known_models().items()]})
        return
    for name, model in known_models().items():
        typer.echo(f"{name}: {model.title}, {model.shown_size}, {model.licence}, up to {model.context} tokens")
        typer.echo(f"  {found[name] or f'not here; `gammapygpt model fetch {name}` gets it'}")
    typer.echo("any other GGUF file: --set backends.local.model=FILE")


@app.command()
@command
def fetch(
    name: Annotated[str, typer.Argument(help="As in `model list`; the first one by default.", show_default=False)] = "",
    source: Annotated[
        str, typer.Option("--from", metavar="FILE_OR_URL", help="A file that you have, or another address.")
    ] = "",
    config: ConfigOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download a model from Hugging Face, once, and check it; a download that broke off is continued."""
    from gammapygpt.llm.local.fetch import fetch as get
    from gammapygpt.llm.local.models import known_model, known_models
    from gammapygpt.settings_loading import load_settings

    model = known_model(name or next(iter(known_models())))
    folders = model_folders(load_settings(config, assignments(settings)))
    if not as_json:
        typer.echo(f"{model.title}, {model.shown_size}, {model.licence}", err=True)
    with progress_shown() as progress:
        file = get(model, source, folders, progress=progress, say=say)
    if as_json:
        print_json({"model": model.name, "file": file, "sha256": model.sha256})
        return
    typer.echo(f"{file} (sha256 verified)")
    typer.echo('to use it: gammapygpt run "..." --backend local')


def model_folders(settings: Settings) -> list[str]:
    """Where the user keeps model files, by the settings of all local backends."""
    named = [backend.serving.folder for backend in settings.backends.values() if backend.kind == "local"]
    return list(dict.fromkeys(folder for folder in named if folder))


def say(line: str) -> None:
    """A line on standard error."""
    typer.echo(line, err=True)


@contextmanager
def progress_shown() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; in a pipe one line for each tenth of the file. Both on standard error."""
    if not sys.stderr.isatty():
        yield Tenths().tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda have, size: bar.update(task, total=size, completed=have)


class Tenths:
    """Tells of each tenth of a download."""

    def __init__(self) -> None:
        self.told = -1

    def tell(self, have: int, size: int) -> None:
        """So many bytes of so many are there."""
        if 10 * have // size > self.told:
            self.told = 10 * have // size
            say(f"{10 * self.told} % of {size / 1e9:.1f} GB")
