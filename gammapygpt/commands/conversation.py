"""`follow-up` and `fork`: go on from a run with something else in mind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gammapygpt.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    RunsOption,
    SetOption,
    command,
    overrides,
    runs_folder,
)
from gammapygpt.commands.run import ApproveOption, BackendOption, QuietOption, follow, json_errors
from gammapygpt.commands.runs import RunArgument

if TYPE_CHECKING:
    from gammapygpt.runs.folder import RunFolder
    from gammapygpt.settings import Settings


@command
def follow_up(
    said: Annotated[str, typer.Argument(metavar="CHANGE", help='What is to be different: "now with a log-parabola".')],
    name: Annotated[str | None, typer.Option("--run", help="Run or part of its name; else the latest.")] = None,
    backend: BackendOption = None,
    data: DataOption = None,
    approve: ApproveOption = None,
    runs: RunsOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go on from a run that has ended: the same with a change, as a run of its own in the same conversation."""
    with json_errors(as_json) as begun:
        from gammapygpt import session
        from gammapygpt.runs.history import find_run

        folder = find_run(runs_folder(runs, config), name)
        given = {"default_backend": backend, "switches.approve": approve}
        loaded, how = settings_from(folder, config, overrides(settings, data=data, runs=runs, given=given))
        begun.append(session.follow_up(folder, said, loaded, **how))
        follow(begun[0], None, quiet=quiet, as_json=as_json)


@command
def fork(
    name: RunArgument = None,
    at: Annotated[str, typer.Option(metavar="CHECKPOINT", help="Where; `runs show --checkpoints` lists them.")] = "",
    backend: BackendOption = None,
    plan: Annotated[Path | None, typer.Option(help="JSON file with the plan to go on with.")] = None,
    script: Annotated[Path | None, typer.Option(help="Script to go on with.")] = None,
    approve: ApproveOption = None,
    runs: RunsOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go back to a checkpoint of a run and try another way from there; the run itself stays as it is."""
    with json_errors(as_json) as begun:
        from gammapygpt import session
        from gammapygpt.commands.answers import read_plan, read_text
        from gammapygpt.runs.history import find_run

        folder = find_run(runs_folder(runs, config), name)
        given = {"default_backend": backend, "switches.approve": approve}
        loaded, how = settings_from(folder, config, overrides(settings, runs=runs, given=given))
        new_plan, new_script = read_plan(plan) if plan else None, read_text(script) if script else ""
        begun.append(session.fork(folder, loaded, checkpoint=at, plan=new_plan, script=new_script, **how))
        follow(begun[0], None, quiet=quiet, as_json=as_json)


def settings_from(folder: RunFolder, config: Path | None, options: dict[str, Any]) -> tuple[Settings, dict[str, Any]]:
    """The settings of a run with other options laid over them, and what `session` keeps of where they came from."""
    from gammapygpt.settings_loading import load_settings

    how: dict[str, Any] = {
        "overrides": folder.manifest()["overrides"] | options,
        "config": config or folder.config(),
    }
    return load_settings(how["config"], how["overrides"]), how
