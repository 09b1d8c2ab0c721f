"""Where checkpoints live: one SQLite database beside the runs, one thread a run; copies of them begin other runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, copy_checkpoint
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from pydantic import BaseModel

from gammapygpt import state

BUSY_S = 60.0
"""How long one run waits for another that is writing its checkpoint."""

VOCABULARY = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, BaseModel)]


@contextmanager
def checkpoints(folder: Path) -> Iterator[SqliteSaver]:
    """The checkpointer of a folder of runs; only our own vocabulary is ever unpacked from it."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / "checkpoints.sqlite", timeout=BUSY_S, check_same_thread=False)
    with closing(connection):
        saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=VOCABULARY))
        saver.setup()
        yield saver


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


def steps(saver: BaseCheckpointSaver[Any], thread: str) -> list[Step]:
    """The checkpoints of a thread, oldest first."""
    from gammapygpt.graph.build import build_graph

    graph = build_graph().compile(checkpointer=saver)
    found = [
        Step(
            checkpoint=shot.config["configurable"]["checkpoint_id"],
            next=shot.next[0] if shot.next else "",
            created=shot.created_at or "",
            values=dict(shot.values),
        )
        for shot in graph.get_state_history(_thread(thread))
    ]
    return found[::-1]


def copy(
    source: BaseCheckpointSaver[Any],
    target: BaseCheckpointSaver[Any],
    origin: tuple[str, str],
    thread: str,
    edits: dict[str, Any],
) -> None:
    """Begin a thread with a checkpoint of another one; some of its values may be others.

    What was written beyond the checkpoint is left behind, so that its next node is run anew.

    Parameters
    ----------
    source, target
        Where the checkpoint is, and where the copy goes.
    origin
        Thread and identifier of the checkpoint.
    thread
        The one that begins.
    edits
        Values by name, as the state holds them.
    """
    saved = source.get_tuple(_thread(origin[0], checkpoint_id=origin[1]))
    assert saved is not None, "the caller has looked it up"
    begun = copy_checkpoint(saved.checkpoint)
    begun["channel_values"] = {**begun["channel_values"], **edits}
    target.put(_thread(thread), begun, {**saved.metadata, "source": "fork"}, begun["channel_versions"])


def _thread(name: str, **more: str) -> RunnableConfig:
    return {"configurable": {"thread_id": name, "checkpoint_ns": "", **more}}
