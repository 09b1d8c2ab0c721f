"""`follow-up` and `fork`: go on from a run with something else in mind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
from gammapygpt.commands.run import QuietOption, follow, json_errors
from gammapygpt.commands.runs import RunArgument

BackendOption = Annotated[str | None, typer.Option(help="Backend of all agents that have none of their own.")]
ApproveOption = Annotated[str | None, typer.Option(metavar="plan,script", help="Ask before it is coded, or run.")]


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
        from gammapygpt.settings_loading import load_settings

        folder = find_run(runs_folder(runs, config), name)
        given = {"default_backend": backend, "switches.approve": approve}
        laid_over = folder.manifest()["overrides"] | overrides(settings, data=data, runs=runs, given=given)
        config = config or kept_config(folder.manifest()["config"])
        loaded = load_settings(config, laid_over)
        begun.append(session.follow_up(folder, said, loaded, overrides=laid_over, config=config))
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
        from gammapygpt.settings_loading import load_settings

        folder = find_run(runs_folder(runs, config), name)
        given = {"default_backend": backend, "switches.approve": approve}
        laid_over = folder.manifest()["overrides"] | overrides(settings, runs=runs, given=given)
        config = config or kept_config(folder.manifest()["config"])
        begun.append(
            session.fork(
                folder,
                load_settings(config, laid_over),
                checkpoint=at,
                plan=read_plan(plan) if plan else None,
                script=read_text(script) if script else "",
                overrides=laid_over,
                config=config,
            )
        )
        follow(begun[0], None, quiet=quiet, as_json=as_json)


def kept_config(path: str) -> Path | None:
    """The settings file that a run was begun with."""
    return Path(path) if path else None
