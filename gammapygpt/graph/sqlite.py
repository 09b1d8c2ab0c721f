"""Checkpoints in SQLite: many processes write one file, each waits for the others; errors in a line."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite import SqliteSaver

from gammapygpt.disk import refusal
from gammapygpt.errors import InfrastructureError
from gammapygpt.private import private_file, private_folder

BUSY_S = 60.0
"""How long one run waits for another that is writing its checkpoint."""
DROPPED = """WHERE thread_id = :thread AND NOT (:keep AND checkpoint_id = (
    SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = :thread AND checkpoint_ns = ''
))"""
"""What goes when a run is pruned."""
DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


class Saver(SqliteSaver):
    """As LangGraph's, with a write-ahead log (readers and a writer do not block each other) and patience.

    Parameters
    ----------
    path : Path
        The database, made if need be.
    serde : SerializerProtocol
        How values are packed.
    """

    def __init__(self, path: Path, serde: SerializerProtocol) -> None:
        self.path = path
        with told(path):
            private_file(private_folder(path.parent) / path.name)
            super().__init__(sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False), serde=serde)

    def setup(self) -> None:
        """Make the tables unless they are there."""
        if not self.is_setup:
            with told(self.path):
                self._log_ahead()
                super().setup()

    def _log_ahead(self) -> None:
        """SQLite waits for no other process that makes the same switch in a new database."""
        until = time.monotonic() + BUSY_S
        while True:
            try:
                self.conn.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """As its parent's, with errors in a line."""
        with told(self.path), super().cursor(transaction) as cursor:
            yield cursor

    def threads(self) -> list[str]:
        """The names of all runs with checkpoints here."""
        with self.cursor(transaction=False) as cursor:
            return [row[0] for row in cursor.execute("SELECT DISTINCT thread_id FROM checkpoints")]

    def weight(self, thread: str, *, keep_last: bool) -> tuple[int, int]:
        """Number of checkpoints that `drop` would drop, and bytes of all that goes with them."""
        asked = {"thread": thread, "keep": keep_last}
        with self.cursor(transaction=False) as cursor:
            number, kept = cursor.execute(
                f"SELECT count(*), coalesce(sum(length(checkpoint)), 0) FROM checkpoints {DROPPED}", asked
            ).fetchone()
            (written,) = cursor.execute(
                f"SELECT coalesce(sum(length(value)), 0) FROM writes {DROPPED}", asked
            ).fetchone()
        return number, kept + written

    def drop(self, thread: str, *, keep_last: bool) -> None:
        """Drop the checkpoints of a run, all or all but the last."""
        asked = {"thread": thread, "keep": keep_last}
        with self.cursor() as cursor:
            cursor.execute(f"DELETE FROM writes {DROPPED}", asked)
            cursor.execute(f"DELETE FROM checkpoints {DROPPED}", asked)
            cursor.execute("UPDATE checkpoints SET parent_checkpoint_id = NULL WHERE thread_id = ?", [thread])

    def tidy(self) -> None:
        """Give the space back to the disk."""
        with self.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """End the connection."""
        self.conn.close()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What SQLite or the disk says against us, in one line.

    Raises
    ------
    InfrastructureError
        The database is damaged or cannot be written.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if getattr(error, "sqlite_errorname", "") in DAMAGED:
            raise InfrastructureError(
                f"the checkpoint database {path} is damaged ({error}).",
                "Put a copy back, or move it away: its runs, resumed, begin anew and take the answers of their models "
                "from their records.",
            ) from None
        raise refusal(error, path) or InfrastructureError(
            f"cannot keep checkpoints in {path}: {error}.", "See that the disk has room and the folder can be written."
        ) from None
