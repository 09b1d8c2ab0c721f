"""Where checkpoints live: SQLite beside the runs, or Postgres; one thread a run; copies of them begin other runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, copy_checkpoint
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from gammapygpt import __version__
from gammapygpt.errors import UserError
from gammapygpt.graph.vocabulary import FORM, check_form, serializer
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.place import Place, place_in, place_of
from gammapygpt.settings import RunsSettings

if TYPE_CHECKING:
    from gammapygpt.graph import postgres, sqlite


@contextmanager
def checkpoints(folder: RunFolder) -> Iterator[BaseCheckpointSaver[str]]:
    """The checkpointer of a run, as its manifest says.

    Raises
    ------
    UserError
        What it needs is not installed, a password is not set, or another version wrote what this one cannot read.
    InfrastructureError
        The database is damaged, is not there, lets nobody in.
    """
    with opened(place_of(folder), folder.path.parent) as saver:
        if saved := saver.get_tuple(thread(folder)):
            check_form(saved.checkpoint, saved.metadata)
        yield saver


@contextmanager
def opened(place: Place, runs: Path) -> Iterator[postgres.Saver | sqlite.Saver]:
    """The checkpointer of a place, with its tables."""
    serde = serializer()
    with closing(_postgres(place, serde) if place.store else _sqlite(runs, serde)) as saver:
        saver.setup()
        yield saver


def _sqlite(runs: Path, serde: JsonPlusSerializer) -> sqlite.Saver:
    from gammapygpt.graph import sqlite

    return sqlite.Saver(runs / "checkpoints.sqlite", serde)


def _postgres(place: Place, serde: JsonPlusSerializer) -> postgres.Saver:
    try:
        from gammapygpt.graph import postgres
    except ImportError as error:
        raise UserError(
            f"runs.checkpoints names a Postgres database, and what speaks with it is not installed ({error}).",
            "pip install 'gammapygpt[postgres]'",
        ) from error
    return postgres.Saver(place, serde)


def thread(folder: RunFolder, **more: str) -> RunnableConfig:
    """Where a run's checkpoints are in its store, for LangGraph."""
    where = {"thread_id": place_of(folder).thread, "checkpoint_ns": "", **more}
    return {"configurable": where, "metadata": {"form": FORM, "version": __version__}}


def follow_settings(folder: RunFolder, settings: RunsSettings) -> None:
    """Go on where the settings say that checkpoints are, if the run's are there: a server may have moved.

    Raises
    ------
    UserError
        They are elsewhere.
    InfrastructureError
        As `checkpoints`.
    """
    then = place_of(folder)
    now = place_in(settings, then.thread)
    if now.store != then.store and not _holds(now, folder):
        raise UserError(
            f"run {folder.name} began with its checkpoints in {then.shown}; the settings say {now.shown}, "
            "where there are none of it.",
            f"Resume it with --set runs.checkpoints={then.store!r}, or start a new run.",
        )
    if now != then:
        folder.update_manifest(checkpoints=now.model_dump())


def _holds(place: Place, folder: RunFolder) -> bool:
    with opened(place, folder.path.parent) as saver:
        return saver.get_tuple({"configurable": {"thread_id": place.thread}}) is not None


class Step(NamedTuple):
    """A checkpoint of a run: a place where another run can begin."""

    checkpoint: str
    """Its identifier."""
    next: str
    """The node that comes next; empty at the end."""
    created: str
    """ISO time, UTC."""
    values: dict[str, Any]
    """The state as it was."""


def steps(folder: RunFolder) -> list[Step]:
    """The checkpoints of a run, oldest first."""
    from gammapygpt.graph.build import build_graph

    with checkpoints(folder) as saver:
        shots = list(build_graph().compile(checkpointer=saver).get_state_history(thread(folder)))
    found = [
        Step(
            checkpoint=shot.config["configurable"]["checkpoint_id"],
            next=shot.next[0] if shot.next else "",
            created=shot.created_at or "",
            values=dict(shot.values),
        )
        for shot in shots
    ]
    return found[::-1]


def copy(origin: RunFolder, checkpoint: str, target: RunFolder, edits: dict[str, Any]) -> None:
    """Begin a run with a checkpoint of another one; some of its values may be others.

    What was written beyond the checkpoint is left behind, so that its next node is run anew.

    Parameters
    ----------
    origin
        The run with the checkpoint.
    checkpoint
        Its identifier.
    target
        The run that begins, perhaps in another store.
    edits
        Values by name, as the state holds them.
    """
    with checkpoints(origin) as saver:
        saved = saver.get_tuple(thread(origin, checkpoint_id=checkpoint))
    assert saved is not None, "the caller has looked it up"
    begun = copy_checkpoint(saved.checkpoint)
    begun["channel_values"] = {**begun["channel_values"], **edits}
    with checkpoints(target) as saver:
        saver.put(thread(target), begun, {**saved.metadata, "source": "fork"}, begun["channel_versions"])
