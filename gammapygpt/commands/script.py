"""`check` and `exec`: the gates on a script of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammapygpt.commands.common import (
    ConfigOption,
    DataOption,
    ExpectOption,
    JsonOption,
    PythonOption,
    RunsOption,
    SandboxOption,
    SetOption,
    assignments,
    command,
    overrides,
    print_json,
)
from gammapygpt.commands.run import EXIT, json_errors, show_outcome, summary
from gammapygpt.errors import UserError
from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from gammapygpt.state import Finding

ScriptArgument = Annotated[Path, typer.Argument(help="A Python script.", show_default=False)]


@command
def check(
    script: ScriptArgument,
    config: ConfigOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a script without running it: its contract, its imports, its names."""
    from gammapygpt import checks, knowledge
    from gammapygpt.settings_loading import load_settings

    source = read_script(script)
    findings = checks.check_contract(source, knowledge.environment(load_settings(config, assignments(settings))))
    if as_json:
        print_json({"script": str(script), "findings": [finding.model_dump() for finding in findings]})
    else:
        show_findings(script, findings)
    raise typer.Exit(1 if any(finding.severity == "error" for finding in findings) else 0)


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
        manifest = run.folder.manifest()
        if as_json:
            print_json(summary(run.folder.path, manifest))
        else:
            show_outcome(run.folder.path, manifest)
    raise typer.Exit(EXIT[manifest["status"]])


def read_script(path: Path) -> str:
    """The text of a script.

    Raises
    ------
    UserError
        It cannot be read, or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a text file in UTF-8.", "Name a Python script.") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.", "Name a Python script.") from error


def show_findings(script: Path, findings: list[Finding]) -> None:
    """One line a finding, as compilers do: file, line, what, remedy."""
    for finding in findings:
        where = f"{script}:{finding.line or 1}"
        typer.echo(clean(f"{where}: {finding.severity}: {finding.message} {finding.remedy} [{finding.rule}]"))
    if not findings:
        typer.echo(f"{script}: no findings")
