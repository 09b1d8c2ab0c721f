"""`review`: a script of the user's own through all gates and the skeptic; what a supervisor runs on a student's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gammapygpt.commands.checked import read_script
from gammapygpt.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    PythonOption,
    SandboxOption,
    SetOption,
    command,
    overrides,
    print_json,
)
from gammapygpt.commands.formats import told as told_of
from gammapygpt.commands.run import json_errors
from gammapygpt.commands.script import ScriptArgument
from gammapygpt.runs.results import clean, counted, lines, units_of

if TYPE_CHECKING:
    from gammapygpt.agents.reviewing import Review

RequestOption = Annotated[
    str, typer.Option("--request", "-r", help="What the script was to answer, in plain English.", show_default=False)
]


@command
def review(
    script: ScriptArgument,
    request: RequestOption = "",
    data: DataOption = None,
    sandbox: SandboxOption = None,
    python: PythonOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a script in the sandbox, and say what of its numbers to believe, and what not.

    Exit code 0: no error was found; 1: there are some; 2: a wrong argument; 3: the sandbox or the data failed.
    """
    given = {"sandbox.provider": sandbox, "analysis.python": python}
    with json_errors(as_json):
        from gammapygpt.agents import reviewing
        from gammapygpt.data.stores import find_data, find_stores
        from gammapygpt.settings_loading import load_settings
        from gammapygpt.state import Request

        source = read_script(script)
        loaded = load_settings(config, overrides(settings, data=data, given=given))
        folder = find_data(loaded)
        asked = Request(text=request, data_path=str(folder), stores=find_stores(folder))
        found = reviewing.review(source, asked, loaded)
    if as_json:
        print_json(told(script, found))
    else:
        show(script, found)
    raise typer.Exit(0 if found.believed else 1)


def told(script: Path, found: Review) -> dict[str, Any]:
    """The review as plain data."""
    execution = found.execution
    ran = (
        execution.model_dump(include={"exit_code", "exception", "message", "wall_s", "peak_mb"}) if execution else None
    )
    return {
        "script": str(script),
        "believed": found.believed,
        "findings": [finding.model_dump() for finding in found.findings],
        "result": found.result,
        "choices": choices(found),
        "execution": ran,
    }


def choices(found: Review) -> list[dict[str, str]]:
    """What the numbers depend on, as it was seen in the run."""
    from gammapygpt.checks.choices import analysis_choices

    ran = found.execution is not None and found.execution.completed
    return [one.model_dump() for one in analysis_choices(found.execution.facts)] if ran and found.execution else []


def show(script: Path, found: Review) -> None:
    """The review for a person: findings as compilers write them, choices, numbers, and the last word."""
    for finding in found.findings:
        place = f"{script}:{finding.line}" if finding.line else str(script)
        typer.echo(clean(f"{place}: {finding.severity}: {told_of(finding)} [{finding.rule}]"))
    for choice in choices(found):
        typer.echo(clean(f"{choice['name']}: {choice['value']}"))
    doubted = {finding.key for finding in found.findings if finding.severity == "error" and finding.key}
    for one in lines(found.result, units_of(found.result, [])):
        error = f" ± {one.error}" if one.error else ""
        mark = "  (see above)" if one.key in doubted else ""
        typer.echo(clean(f"{one.key} = {one.value}{error} {one.unit}".rstrip() + mark))
    typer.echo(verdict(found))


def verdict(found: Review) -> str:
    """The last word."""
    severities = [finding.severity for finding in found.findings]
    errors, warnings = severities.count("error"), severities.count("warning")
    if errors:
        return f"Not to be believed: {counted(errors, 'error')}, {counted(warnings, 'warning')}."
    if warnings:
        return f"Nothing certain speaks against it; {counted(warnings, 'warning')} to look at."
    return "Nothing speaks against it."
