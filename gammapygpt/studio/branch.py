"""Where a branch of a thread keeps its files: a run folder of its own, whatever was forked or run again.

The state says how many nodes the branch has behind it, and so does the manifest. Where the two differ, another branch
has gone on in the folder since: the state is that of an earlier checkpoint, and goes on in a copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from gammapygpt import session
from gammapygpt.context import Context
from gammapygpt.errors import UserError
from gammapygpt.run import Run
from gammapygpt.runs.folder import RunFolder
from gammapygpt.settings_loading import load_settings
from gammapygpt.studio.form import filled_in
from gammapygpt.studio.state import StudioState


def begun(text: str, runtime: Runtime[Any], *, follows: str) -> Run:
    """Lay out a run for a request; with `follows`, the folder of the run that it goes on from.

    Raises
    ------
    UserError
        As `session.start` and `session.follow_up`.
    """
    overrides = filled_in(runtime.context)
    settings = load_settings(None, overrides)
    noted: dict[str, Any] = {"overrides": overrides, "studio": _noted(runtime)}
    if follows:
        return session.follow_up(RunFolder(Path(follows)), text, settings, **noted)
    return session.start(text, settings, **noted)


def taken_up(state: StudioState, runtime: Runtime[Any], node: str) -> Run:
    """The run that a state belongs to, in the folder of its branch, with what was filled in since it began.

    Raises
    ------
    UserError
        The folder is gone, or the settings are wrong.
    """
    folder, manifest = _kept(state)
    overrides = {**manifest["overrides"], **filled_in(runtime.context)}
    here, studio = checkpoint(runtime), manifest["studio"]
    if studio["steps"] == state["steps"]:
        return _run(folder, overrides)
    waits = RunFolder(folder.path.parent / studio["forks"].get(here, ""))
    if waits.manifest().get("studio", {}).get("steps") == state["steps"]:
        return _run(waits, overrides)
    fork = _forked(folder, state, runtime, node, overrides)
    folder.update_manifest(studio={**studio, "forks": {**studio["forks"], here: fork.folder.name}})
    return fork


def context_of(state: StudioState) -> Context:
    """The switches of the run that a state belongs to."""
    folder, manifest = _kept(state)
    return Context.of(load_settings(None, manifest["overrides"]), folder.path)


def went_on(run: Run, steps: int) -> None:
    """Note how many nodes the branch has behind it."""
    run.folder.update_manifest(studio={**run.folder.manifest()["studio"], "steps": steps})


def checkpoint(runtime: Runtime[Any]) -> str:
    """The checkpoint that the current node began with; the same when it is run again after a question."""
    assert runtime.execution_info is not None, "nodes have it"
    return runtime.execution_info.checkpoint_id


def _kept(state: StudioState) -> tuple[RunFolder, dict[str, Any]]:
    folder = RunFolder(Path(state["folder"]))
    manifest = folder.manifest()
    if "studio" not in manifest:
        raise UserError(f"the folder of this run is gone: {folder.path}.", "Ask again, in this thread or another.")
    return folder, manifest


def _run(folder: RunFolder, overrides: dict[str, Any]) -> Run:
    settings = load_settings(None, overrides)
    context = Context.of(settings, folder.path)
    if overrides != folder.manifest()["overrides"]:
        folder.update_manifest(overrides=overrides, switches=context.switches())
    return Run(folder, settings, context)


def _forked(folder: RunFolder, state: StudioState, runtime: Runtime[Any], node: str, overrides: dict[str, Any]) -> Run:
    """A run with what there was at an earlier checkpoint of another one."""
    manifest = folder.manifest()
    asked = dict(manifest["request"])
    run = session.start(
        asked.pop("text"),
        load_settings(None, overrides),
        overrides=overrides,
        request=asked,
        forked={"run": folder.name, "checkpoint": checkpoint(runtime), "next": node, "edited": ""},
        thread=manifest["thread"],
        studio={**_noted(runtime), "steps": state["steps"]},
    )
    run.folder.copy_attempts(folder, [attempt.number for attempt in state.get("attempts", [])])
    run.request()
    return run


def _noted(runtime: Runtime[Any]) -> dict[str, Any]:
    """What the manifest says of the thread: its name, how far the branch is, and the forks by checkpoint."""
    assert runtime.execution_info is not None, "nodes have it"
    return {"thread": runtime.execution_info.thread_id, "steps": 0, "forks": {}}
