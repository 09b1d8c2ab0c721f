"""`check`: gate 1 on files of the user's own, for people and for continuous integration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from gammapygpt.commands.common import ConfigOption, JsonOption, SetOption, assignments, command, print_json
from gammapygpt.errors import UserError
from gammapygpt.runs.results import clean

FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE", help="Scripts, notebooks, folders of scripts.", show_default=False)
]
FormatOption = Annotated[
    Literal["text", "json", "github", "sarif"] | None,
    typer.Option("--format", help="How findings are written; text unless given."),
]
ApiOption = Annotated[
    bool, typer.Option("--api", help="Imports, names and the API of Gammapy alone: for scripts that no agent wrote.")
]


@command
def check(
    files: FilesArgument,
    output: FormatOption = None,
    as_json: JsonOption = False,
    api: ApiOption = False,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Check scripts without running them: does what they use exist, do they keep the contract. Notebooks: the former.

    Exit code 1: an error was found; 2: a file could not be read.
    """
    if as_json and output not in (None, "json"):
        raise UserError(f"--json and --format {output} exclude each other.", "Give one of them.")
    from gammapygpt.commands import checked, formats
    from gammapygpt.knowledge.environment import cache_file
    from gammapygpt.settings_loading import load_settings

    loaded = load_settings(config, assignments(settings))
    if not cache_file(loaded).is_file():
        typer.echo("gammapygpt: asking this Gammapy once what it offers; that takes some seconds", err=True)
    form = "json" if as_json else output or "text"
    one = len(files) == 1 and not files[0].is_dir()
    done = []
    for each in checked.check_all(checked.named_files(files), loaded, api=api):
        done.append(each)
        if each.fault:
            typer.echo(f"gammapygpt: {clean(' '.join(str(each.fault).split()))}", err=True)
        for line in formats.LINES[form](each) if form in formats.LINES else ():
            typer.echo(line)
    if form == "json":
        print_json(formats.as_json(done[0]) if one else {"files": [formats.as_json(each) for each in done]})
    elif form == "sarif":
        print_json(formats.sarif(done))
    elif form == "text" and not one:
        typer.echo(formats.counted(done))
    elif form == "text" and not (done[0].fault or done[0].found):
        typer.echo(clean(f"{done[0].path}: no findings"))
    if any(each.fault for each in done):
        raise typer.Exit(UserError.exit_code)
    raise typer.Exit(any(located.finding.severity == "error" for each in done for located in each.found))
