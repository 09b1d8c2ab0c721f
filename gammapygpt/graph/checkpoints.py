"""Where checkpoints live: one SQLite database beside the runs, one thread a run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

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
