"""`bench`: tasks with known answers, campaigns over them, and what they say."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gammapygpt.commands import bench_check, bench_compare, bench_draw, bench_export, bench_report
from gammapygpt.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    SetOption,
    command,
    overrides,
    print_json,
    sub_app,
    words,
)
from gammapygpt.errors import UserError

if TYPE_CHECKING:
    from gammapygpt.evals.campaign import Campaign
    from gammapygpt.evals.cell import CellSpec
    from gammapygpt.evals.record import Record, Scoring
    from gammapygpt.evals.task import Task

app = sub_app("Tasks with known answers: run them, and say how sure the numbers are.")


@command
def run(
    tasks: Annotated[str, typer.Option(help="Task sets, folders, files or ids, between commas.")] = "public",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the campaign; else named after tasks and backend.")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="Backend of all agents.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="How often each task is answered.")] = 1,
    ablate: Annotated[str, typer.Option(help="What to take away, one configuration each, between commas.")] = "",
    baselines: Annotated[str, typer.Option(help="What to compare with, between commas.")] = "",
    full: Annotated[bool, typer.Option(help="The whole product, with everything on.")] = True,
    attempts: Annotated[int | None, typer.Option(help="How many drafts at the most.")] = None,
    validator_in_loop: Annotated[
        bool, typer.Option("--validator-in-loop", help="The known values start the next attempt, as in the paper.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes on this machine, or jobs in a queue; 0: this one, for a debugger.")
    ] = 1,
    scheduler: Annotated[
        str, typer.Option(metavar="tcp://HOST:PORT", help="Dask scheduler whose workers run the cells instead.")
    ] = "",
    queue: Annotated[str, typer.Option(help="Workers are jobs: slurm, pbs, sge, lsf, oar or htcondor.")] = "",
    slurm: Annotated[bool, typer.Option("--slurm", help="The same as --queue slurm.")] = False,
    queue_set: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="What a job asks for, as dask-jobqueue names it; may be repeated."),
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Answer every task with every configuration; the same command again fills what is missing.

    Workers beyond this machine (--scheduler, --queue) need the same installation, tasks, data and campaign folder
    (--out) under the same paths, and the keys of the backends in their own environment. Start those of a scheduler
    with `dask worker ADDRESS --nthreads 1`, so that each cell has a process of its own.
    """
    from gammapygpt.data.stores import find_data
    from gammapygpt.evals import campaign as campaigns
    from gammapygpt.evals.check import check_place
    from gammapygpt.evals.configuration import check_models, configurations
    from gammapygpt.evals.task import read_tasks
    from gammapygpt.evals.workers import Where, check_no_secrets, queue_options
    from gammapygpt.evals.workers import workers as workers_of
    from gammapygpt.settings_loading import load_settings

    given = {"default_backend": backend, "budget.attempts": attempts}
    laid_over = overrides(settings, data=data, given=given)
    loaded = load_settings(config, laid_over)
    place = find_data(loaded)
    chosen = with_data(read_tasks(words(tasks)), place)
    arms = configurations(words(ablate), words(baselines), full=full)
    if not arms:
        raise UserError("there is no configuration to run.", "Leave out --no-full, or name --baselines.")
    check_models(arms, loaded)
    default = Path("campaigns") / "-".join([*map(stem, words(tasks)), loaded.default_backend])
    campaign = campaigns.Campaign((out or default).expanduser().resolve())
    scoring: Scoring = "validator-in-loop" if validator_in_loop else "blind"
    where = Where(workers, scheduler, "slurm" if slurm else queue, queue_options(queue_set or []), campaign.folder)
    if where.beyond:
        check_no_secrets(laid_over)
        meeting = loaded.runs.limits_folder or str(campaign.folder / "limits")
        laid_over = {**laid_over, "data.path": str(place), "runs.limits_folder": meeting}
    planned = campaigns.cells(campaign, chosen, arms, epochs, scoring, config, laid_over)
    for problem in (problem for task in chosen for problem in check_place(task, loaded, place)):
        raise UserError(f"{problem.file}: {problem.what}", problem.remedy)
    with campaign.lock():
        campaigns.prepare(campaign, planned, loaded, shlex.join(["gammapygpt", *sys.argv[1:]]))
        left = campaigns.missing(planned)
        if not quiet:
            typer.echo(f"{campaign.folder}: {len(planned)} cells, {len(left)} to run", err=True)
        if left:
            with going_on(campaign, planned), workers_of(where) as pool:
                campaigns.fill(campaign, left, pool, teller(len(left), quiet=quiet))
        else:
            campaign.write_table()
    counts = verdicts(campaign.records())
    if as_json:
        print_json({"folder": str(campaign.folder), "cells": len(planned), "verdicts": counts})
    else:
        for name, count in counts.items():
            typer.echo(f"{name}: {', '.join(f'{number} {verdict}' for verdict, number in count.items())}")


@command
def list_tasks(
    tasks: Annotated[list[str] | None, typer.Argument(help="Task sets, folders, files or ids.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show which tasks there are; without an argument, those that are shipped."""
    from gammapygpt.evals.task import SHIPPED, read_tasks, task_sets

    found = read_tasks(tasks or task_sets())
    if as_json:
        print_json([task.model_dump(include={"id", "title", "family", "difficulty", "datasets"}) for task in found])
        return
    for task in found:
        place = task.path.parent.name if task.path.is_relative_to(SHIPPED) else task.path.parent
        typer.echo(f"{place}  {task.id}  {task.difficulty or '-'}  {task.title} ({', '.join(task.datasets)})")


@contextmanager
def going_on(campaign: Campaign, planned: Sequence[CellSpec]) -> Iterator[None]:
    """Say how to go on, where the campaign is stopped on the way."""
    from gammapygpt.evals.campaign import missing

    try:
        yield
    except KeyboardInterrupt:
        done = len(planned) - len(missing(planned))
        typer.echo(
            f"stopped: {done} of {len(planned)} cells are on record; the same command goes on from there.", err=True
        )
        raise


def stem(name: str) -> str:
    """A task set's name as part of a folder's."""
    return Path(name).stem


def with_data(tasks: list[Task], data: Path) -> list[Task]:
    """The tasks whose data are there; the others are named."""
    from gammapygpt.evals.campaign import without_data

    gone = without_data(tasks, data)
    for task, names in gone.items():
        typer.echo(f"left out: {task} needs {', '.join(names)}, which is not in {data}", err=True)
    if len(gone) == len(tasks):
        raise UserError(f"the data of none of the tasks are in {data}.", "Name another folder with --data.")
    return [task for task in tasks if task.id not in gone]


def teller(total: int, *, quiet: bool) -> Any:
    """What says a line for each cell."""
    done = 0

    def tell(record: Record) -> None:
        nonlocal done
        done += 1
        if not quiet:
            minutes, why = record.seconds / 60, " ".join(record.reason.split())[:160]
            said = f"[{done}/{total}] {record.cell}: {record.verdict}, {len(record.attempts)} attempts"
            typer.echo(f"{said}, {record.spent.calls} calls, {minutes:.1f} min; {why}", err=True)

    return tell


def verdicts(records: list[Record]) -> dict[str, dict[str, int]]:
    """How many cells of each configuration ended how."""
    from collections import Counter

    arms = dict.fromkeys(record.configuration for record in records)
    return {arm: dict(Counter(one.verdict for one in records if one.configuration == arm)) for arm in arms}


app.command("run")(run)
app.command("list")(list_tasks)
app.command("check")(bench_check.check)
app.command("report")(bench_report.report)
app.command("compare")(bench_compare.compare)
app.command("draw")(bench_draw.draw)
app.command("export")(bench_export.export)
