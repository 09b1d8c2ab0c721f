"""`gammapygpt runs`: which runs there are, how one ended; keep their checkpoints small."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gammapygpt.commands.common import (
    ConfigOption,
    JsonOption,
    RunsOption,
    command,
    print_json,
    runs_folder,
    sub_app,
)

if TYPE_CHECKING:
    from gammapygpt.runs.folder import RunFolder

app = sub_app("The runs of a folder: list them, show how one ended, drop what nothing goes on from.")

RunArgument = Annotated[
    str | None, typer.Argument(metavar="[RUN]", help="Run, or an unambiguous part of its name; else the latest.")
]


@app.command("list")
@command
def list_runs(runs: RunsOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """One line a run, the latest last."""
    from gammapygpt.commands.tables import print_table
    from gammapygpt.runs.history import all_runs

    place = runs_folder(runs, config)
    found = [row(folder) for folder in all_runs(place)]
    if as_json:
        print_json({"runs": found})
    elif found:
        headers = ["run", "created", "status", "attempts", "backend", "request"]
        for run in found:
            run["created"] = local_time(run["created"])
            run["request"] = shortened(run["request"])
        print_table(headers, [[str(run[header]) for header in headers] for run in found])
    else:
        typer.echo(f"no runs below {place}", err=True)


@app.command()
@command
def show(
    name: RunArgument = None,
    events: Annotated[bool, typer.Option("--events", help="What happened when, line by line.")] = False,
    checkpoints: Annotated[bool, typer.Option("--checkpoints", help="Where it can be forked.")] = False,
    runs: RunsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """How a run ended: its numbers, what to look at, its attempts and costs, where its files are."""
    from gammapygpt.commands import tables
    from gammapygpt.runs.history import find_run, status
    from gammapygpt.runs.provenance import settings_of
    from gammapygpt.runs.record import spent_so_far
    from gammapygpt.runs.results import one_line

    folder = find_run(runs_folder(runs, config), name)
    manifest = {**folder.manifest(), "status": status(folder)}
    if events:
        show_events(folder, as_json=as_json)
    elif checkpoints:
        show_checkpoints(folder, as_json=as_json)
    elif as_json:
        known = {"usage": manifest.get("usage") or spent_so_far(folder.events()), "concerns": tables.concerns(folder)}
        print_json({**manifest, **known, "settings": settings_of(manifest), "folder": str(folder.path)})
    else:
        about = row(folder)
        typer.echo(f"{folder.name}, {local_time(about['created'])}, backend {about['backend']}")
        typer.echo(one_line(about["request"], 2000))
        tables.show_run(folder.path, manifest)


@app.command()
@command
def prune(
    everything: Annotated[bool, typer.Option("--all", help="The last checkpoint of each run that ended too.")] = False,
    older: Annotated[
        float, typer.Option("--older-than", metavar="DAYS", min=0, help="Of runs that ended before that alone.")
    ] = 0.0,
    dry: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and leave it.")] = False,
    runs: RunsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drop checkpoints that nothing goes on from: of runs that ended, all but the last; of runs whose folder is gone.

    A run under way, or one that can be resumed, keeps all of them; run folders stay as they are. A run that was pruned
    can be followed up, and not be forked any more.
    """
    from gammapygpt.graph.pruning import prune_runs
    from gammapygpt.settings_loading import load_settings

    place = runs_folder(runs, config)
    pruned = prune_runs(place, load_settings(config).runs, keep_last=not everything, days=older, dry=dry)
    if as_json:
        print_json({"dry_run": dry, **pruned._asdict()})
        return
    would = "would be " if dry else ""
    size = f"{pruned.bytes / 1e6:.1f} MB"
    typer.echo(f"{pruned.checkpoints} checkpoints of {pruned.ended} runs that ended and {pruned.gone} whose folder")
    typer.echo(f"is gone {would}dropped ({size}); {pruned.kept} runs under way or to be resumed keep theirs")


def row(folder: RunFolder) -> dict[str, Any]:
    """What `list` tells of one run; a script that a user handed in has no backend behind it."""
    from gammapygpt.commands.tables import tried
    from gammapygpt.runs.history import status

    manifest = folder.manifest()
    attempts = manifest.get("attempts") or tried(folder)
    own = attempts and not any(event.get("event") == "asked" for event in folder.events())
    return {
        "run": folder.name,
        "created": manifest.get("created", ""),
        "status": status(folder),
        "attempts": len(attempts),
        "backend": "none" if own else manifest.get("switches", {}).get("coder_backend", ""),
        "request": manifest.get("request", {}).get("text", ""),
    }


def show_events(folder: RunFolder, *, as_json: bool) -> None:
    """The record of a run, readable or as one JSON object."""
    from gammapygpt.commands.progress import sentence
    from gammapygpt.runs.results import clean

    happened = folder.events()
    if as_json:
        print_json({"run": folder.name, "events": happened})
        return
    for event in happened:
        said = sentence(event) or " ".join(f"{value}" for key, value in event.items() if key != "time")
        typer.echo(clean(f"{local_time(event.get('time', ''), '%H:%M:%S')}  {said}"))


def show_checkpoints(folder: RunFolder, *, as_json: bool) -> None:
    """Where a run can be forked: what comes next there, and how many attempts there were."""
    from gammapygpt.commands.tables import print_table
    from gammapygpt.session import checkpoints_of

    found: list[dict[str, Any]] = [
        {
            "checkpoint": step.checkpoint,
            "created": step.created,
            "next": step.next,
            "attempts": len(step.values.get("attempts", [])),
            "recipe": plan.recipe if (plan := step.values.get("plan")) else "",
        }
        for step in checkpoints_of(folder)
        if step.next != "__start__"
    ]
    if as_json:
        print_json({"run": folder.name, "checkpoints": found})
        return
    for one in found:
        one["created"] = local_time(one["created"], "%H:%M:%S")
    print_table(["checkpoint", "created", "next", "attempts", "recipe"], [[*map(str, one.values())] for one in found])


def local_time(moment: str, form: str = "%Y-%m-%d %H:%M") -> str:
    """A time of a manifest or an event (ISO, UTC) on the user's clock."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime(form)
    except ValueError:
        return moment


def shortened(text: str, longest: int = 60) -> str:
    """A request in few words."""
    from gammapygpt.runs.results import one_line

    return one_line(text, longest)
