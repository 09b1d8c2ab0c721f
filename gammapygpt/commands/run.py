"""`run` and `resume`: the main job, with its agents shown at work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    command,
    overrides,
    print_json,
    runs_folder,
)
from gammapygpt.commands.leaving import told_by_signals
from gammapygpt.commands.progress import progress
from gammapygpt.errors import GammapyGPTError, Stopped, UserError

if TYPE_CHECKING:
    from gammapygpt.run import Run
    from gammapygpt.state import Answer

EXIT = {"passed": 0, "failed": 1, "refused": 1, "budget": 1, "interrupted": 1}
STATUS = {UserError: "error", Stopped: "interrupted"}
"""What --json says of an error."""
BackendOption = Annotated[str | None, typer.Option(help="Backend of all agents that have none of their own.")]
ApproveOption = Annotated[str | None, typer.Option(metavar="plan,script", help="Ask before it is coded, or run.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


@command
def run(
    request: Annotated[str, typer.Argument(help="What you want, in plain English; - reads it from standard input.")],
    backend: BackendOption = None,
    data: DataOption = None,
    expect: ExpectOption = None,
    attempts: Annotated[int | None, typer.Option(help="How many drafts at the most.")] = None,
    retrieval: Annotated[bool | None, typer.Option(help="Look up the installed Gammapy.")] = None,
    planner: Annotated[bool | None, typer.Option(help="Plan before writing.")] = None,
    drafts: Annotated[bool | None, typer.Option(help="Start from a recipe where one fits.")] = None,
    critic: Annotated[bool | None, typer.Option(help="Read failures before the next draft.")] = None,
    optimiser: Annotated[bool | None, typer.Option(help="Look for a better script after a success.")] = None,
    preflight: Annotated[bool | None, typer.Option(help="Check a script before it is run.")] = None,
    api_gate: Annotated[bool | None, typer.Option(help="Check it against the installed Gammapy too.")] = None,
    skeptic: Annotated[bool | None, typer.Option(help="Doubt physics and origin of the numbers.")] = None,
    approve: ApproveOption = None,
    sandbox: SandboxOption = None,
    python: PythonOption = None,
    runs: RunsOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Turn a request into a validated script and its numbers."""
    given = {
        "default_backend": backend,
        "budget.attempts": attempts,
        "switches.retrieval": retrieval,
        "switches.planner": planner,
        "switches.drafts": drafts,
        "switches.critic": critic,
        "switches.optimiser": optimiser,
        "switches.preflight": preflight,
        "switches.api_gate": api_gate,
        "switches.skeptic": skeptic,
        "switches.approve": approve,
        "sandbox.provider": sandbox,
        "analysis.python": python,
    }
    laid_over = overrides(settings, data=data, runs=runs, given=given)
    with json_errors(as_json) as begun:
        from gammapygpt.session import start
        from gammapygpt.settings_loading import load_settings

        text = sys.stdin.read() if request == "-" else request
        loaded = load_settings(config, laid_over)
        begun.append(start(text, loaded, expect=expect, overrides=laid_over, config=config))
        follow(begun[0], None, quiet=quiet, as_json=as_json)


@command
def resume(
    name: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Run or part of its name.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="What it asks you to approve.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="The same; the run ends.")] = False,
    because: Annotated[str, typer.Option(metavar="REASON", help="Why you reject it.")] = "",
    edit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Go on with this plan (JSON) or script (.py) instead.")
    ] = None,
    runs: RunsOption = None,
    config: ConfigOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go on with a run that was killed or interrupted: the latest one unless you name it."""
    with json_errors(as_json) as begun:
        from gammapygpt import session
        from gammapygpt.commands.answers import from_options
        from gammapygpt.runs.history import to_resume
        from gammapygpt.settings_loading import load_settings

        folder = to_resume(runs_folder(runs, config), name)
        current = load_settings(config or folder.config(), folder.manifest()["overrides"])
        begun.append(session.resume(folder, current))
        answer = from_options(folder, accept=accept, reject=reject, because=because, edit=edit)
        follow(begun[0], answer, quiet=quiet, as_json=as_json)


def follow(run: Run, answer: Answer | None, *, quiet: bool, as_json: bool) -> None:
    """Run until the end and print the outcome; leave with its exit code."""
    run_until_end(run, answer, quiet=quiet, may_ask=sys.stdin.isatty() and not as_json)
    manifest = run.folder.manifest()
    if as_json:
        print_json(summary(run.folder.path, manifest))
    else:
        show_outcome(run.folder.path, manifest)
    raise typer.Exit(EXIT[manifest["status"]])


def run_until_end(run: Run, answer: Answer | None = None, *, quiet: bool = False, may_ask: bool = False) -> None:
    """Show a run at work until it ends, or waits for an answer that nobody is there to give."""
    from gammapygpt.commands.answers import from_terminal

    if not quiet:
        typer.echo(f"run {run.folder.name} (backend {run.context.backend_name('coder')})", err=True)
    while True:
        with progress(quiet=quiet) as listener, told_by_signals(run):
            for event in run.stream(answer):
                listener.tell(event)
        if run.question is None or not may_ask:
            return
        answer = from_terminal(run.question)


def summary(folder: Path | None, manifest: dict[str, Any]) -> dict[str, Any]:
    """The machine-readable outcome of a run."""
    attempts = manifest.get("attempts", [])
    return {
        "run": manifest["run"],
        "status": manifest["status"],
        "reason": manifest.get("reason", ""),
        "attempts": len(attempts),
        "failures": [attempt["failure"] for attempt in attempts],
        "result": manifest.get("result", {}),
        "choices": manifest.get("choices", []),
        "warnings": manifest.get("warnings", []),
        "usage": manifest.get("usage", {}),
        "folder": str(folder) if folder else None,
        **({"question": manifest["question"]} if manifest.get("question") else {}),
    }


def show_outcome(folder: Path, manifest: dict[str, Any]) -> None:
    """The outcome for a person, on standard output."""
    from gammapygpt.commands.tables import show_run

    show_run(folder, manifest)


@contextmanager
def json_errors(as_json: bool) -> Iterator[list[Run]]:
    """With --json an error is a JSON object too; the run that it befell, once begun, is put into the list."""
    begun: list[Run] = []
    try:
        yield begun
    except GammapyGPTError as error:
        if as_json:
            status = STATUS.get(type(error), "infrastructure")
            manifest = begun[0].folder.manifest() if begun else {"run": None, "status": status}
            told = summary(begun[0].folder.path if begun else None, manifest)
            print_json({**told, "status": status, "reason": str(error)})
        raise
