"""`bench check`: the self-check of task sets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gammapygpt.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    SetOption,
    command,
    overrides,
    print_json,
)
from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from gammapygpt.evals.check import Problem, Ran
    from gammapygpt.evals.task import Task
    from gammapygpt.settings import Settings

RunOption = Annotated[bool, typer.Option("--run/--no-run", help="Run the reference scripts in the sandbox.")]


@command
def check(
    tasks: Annotated[list[str] | None, typer.Argument(help="Task sets, folders, files or ids; else all sets.")] = None,
    data: DataOption = None,
    run: RunOption = True,
    workers: Annotated[int, typer.Option(min=1, help="How many scripts run at once.")] = 1,
    config: ConfigOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check tasks: right answers pass, wrong ones do not, reference scripts give what is expected. Exit code 1: no."""
    from gammapygpt.data.stores import find_data
    from gammapygpt.evals import check as checks
    from gammapygpt.evals.campaign import without_data
    from gammapygpt.evals.task import task_files, task_sets
    from gammapygpt.settings_loading import load_settings

    loaded = load_settings(config, overrides(settings, data=data))
    place = find_data(loaded) if run else None
    found, unread = checks.read_all(file for name in tasks or task_sets() for file in task_files(name))
    problems = told(unread, quiet=as_json)
    for task in found:
        of_task = [
            *checks.check_task(task),
            *checks.check_place(task, loaded, place),
            *checks.check_script(task, loaded),
        ]
        problems += told(of_task, quiet=as_json)
    gone = without_data(found, place) if place else {}
    for name, missing in gone.items():
        typer.echo(f"skipped: {name} was not run, for {', '.join(missing)} is not in {place}", err=True)
    ran: list[Ran] = []
    for one in run_all([task for task in found if task.id not in gone], loaded, place, workers):
        ran.append(one)
        problems += told(one.problems, quiet=as_json)
        if not as_json and not one.problems:
            typer.echo(f"{one.task.id}: right, {one.execution.cpu_s:.1f} s of CPU time", err=True)
    answers = sum(map(checks.count_checks, found))
    if as_json:
        print_json(
            {
                "tasks": len(found),
                "answers": answers,
                "ran": {one.task.id: measured(one) for one in ran},
                "skipped": gone,
                "problems": [problem._asdict() for problem in problems],
            }
        )
    else:
        counts = f"{len(found)} tasks, {answers} answers compared, {len(ran)} scripts run, {len(gone)} skipped"
        typer.echo(f"{counts}, {len(problems)} problems")
    raise typer.Exit(bool(problems))


def told(problems: Iterable[Problem], *, quiet: bool) -> list[Problem]:
    """The problems, each said in a line."""
    problems = list(problems)
    for problem in problems if not quiet else []:
        typer.echo(clean(" ".join(str(problem).split())))
    return problems


def run_all(tasks: list[Task], settings: Settings, data: Path | None, workers: int) -> Iterable[Ran]:
    """The reference scripts, some at once, each result as it comes; none without a data folder."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    from gammapygpt.evals.check import run_script

    if data is None:
        return
    able = [task for task in tasks if task.script is not None and task.script.is_file()]
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(run_script, task, settings, data) for task in able]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def measured(one: Ran) -> dict[str, Any]:
    """What a script took."""
    return one.execution.model_dump(include={"cpu_s", "wall_s", "peak_mb"}) | {"right": not one.problems}
