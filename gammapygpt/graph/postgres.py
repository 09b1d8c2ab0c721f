"""Checkpoints in Postgres: a connection that is made anew where it broke, errors in a line. Its extra is `postgres`."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.runs.place import Place

CONNECT_S = 10
"""How long a server may take to answer, unless the address says otherwise."""
PATIENCE_S = 30.0
"""How long a server that was there may be gone before the run gives up; a restart takes less."""
SETUP_S = 120.0
"""How long one process waits for another that is making the tables."""
SETUP_LOCK = 7_306_087_001
"""Of those who make the tables; any number would do."""

WEIGHT = """
WITH last AS (
    SELECT checkpoint_id, checkpoint FROM checkpoints
    WHERE %(keep)s AND thread_id = %(thread)s AND checkpoint_ns = '' ORDER BY checkpoint_id DESC LIMIT 1
), dropped AS (
    SELECT checkpoint_id, checkpoint FROM checkpoints
    WHERE thread_id = %(thread)s AND checkpoint_id NOT IN (SELECT checkpoint_id FROM last)
), parts AS (
    SELECT pg_column_size(checkpoint) AS bytes FROM dropped
    UNION ALL SELECT pg_column_size(blob) FROM checkpoint_writes
    WHERE thread_id = %(thread)s AND checkpoint_id IN (SELECT checkpoint_id FROM dropped)
    UNION ALL SELECT pg_column_size(blob) FROM checkpoint_blobs AS blobs
    WHERE thread_id = %(thread)s AND NOT EXISTS (
        SELECT 1 FROM last WHERE checkpoint -> 'channel_versions' ->> blobs.channel = blobs.version
    )
)
SELECT (SELECT count(*) FROM dropped) AS number, (SELECT coalesce(sum(bytes), 0) FROM parts) AS bytes
"""
"""Of what goes when a run is pruned."""


class Saver(PostgresSaver):
    """As LangGraph's, over one connection that may break between two checkpoints.

    Parameters
    ----------
    place : Place
        Where the server is.
    serde : SerializerProtocol
        How values are packed.
    """

    def __init__(self, place: Place, serde: SerializerProtocol) -> None:
        self.place = place
        self.password = place.password()
        super().__init__(self._connected(), serde=serde)
        self._checking = threading.Lock()

    def _connected(self) -> psycopg.Connection[DictRow]:
        with told(self.place):
            given: dict[str, Any] = {"connect_timeout": CONNECT_S, "application_name": "gammapygpt"}
            given |= conninfo_to_dict(self.place.store)
            given |= {"autocommit": True, "prepare_threshold": None, "row_factory": dict_row}
            if self.password is None:
                return psycopg.Connection.connect(**given)
            return psycopg.Connection.connect(**given, password=self.password.get_secret_value())

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Iterator[psycopg.Cursor[DictRow]]:
        with self._checking, self.lock:
            if not self._alive():
                self._reconnect()
        with told(self.place), super()._cursor(pipeline=pipeline) as cursor:
            yield cursor

    def _alive(self) -> bool:
        try:
            self.conn.execute("SELECT 1")  # type: ignore[union-attr]  # never a pool
        except psycopg.OperationalError:
            return False
        return True

    def _reconnect(self) -> None:
        """A server that restarts, or a firewall that drops idle connections, ends no run."""
        self.close()
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.conn = self._connected()
            except InfrastructureError:
                if time.monotonic() > until:
                    raise
                time.sleep(1)
            else:
                return

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """As its parent, which writes plain text as JSON: Postgres takes neither NUL nor half characters there."""
        values = {
            name: without_nul(value) if isinstance(value, str) else value
            for name, value in checkpoint["channel_values"].items()
        }
        return super().put(config, {**checkpoint, "channel_values": values}, metadata, new_versions)

    def setup(self) -> None:
        """Make the tables unless they are there; of many processes, one does it.

        Who waits asks again and again: `CREATE INDEX CONCURRENTLY` would wait for those who wait in the database.
        """
        until = time.monotonic() + SETUP_S
        while not self._is_set_up():
            if self._value("SELECT pg_try_advisory_lock(%s)", SETUP_LOCK):
                try:
                    super().setup()
                finally:
                    self._value("SELECT pg_advisory_unlock(%s)", SETUP_LOCK)
            elif time.monotonic() > until:
                raise InfrastructureError(
                    f"another process has been making the tables in {self.place.shown} for {SETUP_S:g} s.",
                    "End it, then try again.",
                )
            else:
                time.sleep(0.1)

    def _is_set_up(self) -> bool:
        if self._value("SELECT to_regclass('checkpoint_migrations')") is None:
            return False
        made = self._value("SELECT max(v) FROM checkpoint_migrations")
        return made is not None and made >= len(self.MIGRATIONS) - 1

    def _value(self, query: str, *values: Any) -> Any:
        with self._cursor() as cursor:
            row = cursor.execute(query, values).fetchone()
            return next(iter(row.values())) if row else None

    def threads(self, folder: str) -> list[str]:
        """The names of all runs of a folder, by the name that it has here, with checkpoints."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT thread_id FROM checkpoints WHERE starts_with(thread_id, %s)", [f"{folder}/"]
            )
            return [row["thread_id"] for row in cursor]

    def weight(self, thread: str, *, keep_last: bool) -> tuple[int, int]:
        """Number of checkpoints that `drop` would drop, and bytes of all that goes with them."""
        asked = {"thread": thread, "keep": keep_last}
        with self._cursor() as cursor:
            row = cursor.execute(WEIGHT, asked).fetchone()
        assert row is not None, "sums have a row"
        return int(row["number"]), int(row["bytes"])

    def drop(self, thread: str, *, keep_last: bool) -> None:
        """Drop the checkpoints of a run, all or all but the last."""
        self.prune([thread], strategy="keep_latest" if keep_last else "delete")

    def tidy(self) -> None:
        """Make the space free for what comes; the server gives it back in its own time."""
        with self._cursor() as cursor:
            cursor.execute("VACUUM checkpoints, checkpoint_blobs, checkpoint_writes")

    def close(self) -> None:
        """End the connection."""
        self.conn.close()


def without_nul(text: str) -> str:
    """A text that Postgres takes for one."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


@contextmanager
def told(place: Place) -> Iterator[None]:
    """What the database says against us, in one line.

    Raises
    ------
    UserError
        The address has an option that there is not.
    InfrastructureError
        The server is not there, lets nobody in, is full.
    """
    try:
        yield
    except psycopg.ProgrammingError as error:
        if error.sqlstate is None:
            said = " ".join(str(error).split())
            raise UserError(f"runs.checkpoints, {place.shown}: {said}.", "Correct the address.") from None
        raise _failed(place, error) from None
    except psycopg.Error as error:
        raise _failed(place, error) from None


def _failed(place: Place, error: psycopg.Error) -> InfrastructureError:
    said = " ".join(re.sub(r"\s*Is the server running.*\?", "", str(error)).split()).rstrip(".")
    said = said if len(said) <= 300 else said[:300] + "..."
    return InfrastructureError(
        f"the checkpoints in {place.shown} cannot be reached: {said}.",
        "See that the server is up and lets you in; what was begun can be resumed then.",
    )
