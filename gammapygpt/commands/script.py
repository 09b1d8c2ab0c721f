"""`exec`: all gates on a script of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammapygpt.commands.checked import Checked, Located, read_script
from gammapygpt.commands.common import (
    ConfigOption,
    DataOption,
    ExpectOption,
    JsonOption,
    PythonOption,
    RunsOption,
    SandboxOption,
    SetOption,
    command,
    overrides,
    print_json,
)
from gammapygpt.commands.formats import text_lines
from gammapygpt.commands.run import EXIT, json_errors, show_outcome, summary
from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from gammapygpt.state import Attempt, Finding

ScriptArgument = Annotated[Path, typer.Argument(help="A Python script.", show_default=False)]


@command
def execute(
    script: ScriptArgument,
    data: DataOption = None,
    expect: ExpectOption = None,
    preflight: Annotated[bool, typer.Option(help="Check the script before it is run.")] = True,
    sandbox: SandboxOption = None,
    python: PythonOption = None,
    runs: RunsOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a script, run it in the sandbox, validate its result.json."""
    given = {"switches.preflight": preflight, "sandbox.provider": sandbox, "analysis.python": python}
    laid_over = overrides(settings, data=data, runs=runs, given=given)
    with json_errors(as_json) as begun:
        from gammapygpt import session
        from gammapygpt.settings_loading import load_settings

        source = read_script(script)
        loaded = load_settings(config, laid_over)
        run = session.start(f"exec {script.name}", loaded, expect=expect, overrides=laid_over, config=config)
        begun.append(run)
        attempt = session.try_script(run, source)
        if not as_json:
            show_findings(script, attempt.findings)
            if attempt.execution and attempt.execution.traceback:
                typer.echo(clean(attempt.execution.traceback), err=True)
            show_hints(attempt)
        manifest = run.folder.manifest()
        if as_json:
            print_json(summary(run.folder.path, manifest))
        else:
            show_outcome(run.folder.path, manifest)
    raise typer.Exit(EXIT[manifest["status"]])


def show_hints(attempt: Attempt) -> None:
    """What the error really means, and changes of the API that explain it."""
    from gammapygpt.agents.repairing import hints

    for hint in hints(attempt):
        typer.echo(clean(f"hint: {hint.text}\n"), err=True)


def show_findings(script: Path, findings: list[Finding]) -> None:
    """One line a finding; a word where there is none."""
    for line in text_lines(Checked(script, [Located(finding) for finding in findings])):
        typer.echo(line)
    if not findings:
        typer.echo(clean(f"{script}: no findings"))
