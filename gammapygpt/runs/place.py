"""Where the checkpoints of a run are: which store, which thread in it. Its manifest says so; nothing secret does."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr

from gammapygpt.errors import UserError
from gammapygpt.runs.folder import RunFolder, read_json
from gammapygpt.settings import RunsSettings, without_secrets

FOLDER_ID = "checkpoints.json"
"""The name that a folder of runs has in databases which many folders share."""


class Place(BaseModel):
    """Where the checkpoints of one run are."""

    store: str = ""
    """Address of a Postgres database; empty: SQLite beside the runs."""
    password_env: str = ""
    """Name of the environment variable with the password, if one is to be used."""
    thread: str
    """The run's name there."""

    @property
    def shown(self) -> str:
        """The store, as it may be told."""
        return without_secrets(self.store) if self.store else "SQLite beside the runs"

    def password(self, environ: Mapping[str, str] | None = None) -> SecretStr | None:
        """The password, or None where libpq is to find it (PGPASSWORD, .pgpass, a service file).

        Raises
        ------
        UserError
            The environment has no such variable.
        """
        if not self.store or not self.password_env:
            return None
        found = SecretStr((os.environ if environ is None else environ).get(self.password_env, ""))
        if not found:
            raise UserError(
                f"the checkpoints in {self.shown} need the password in the environment variable {self.password_env}, "
                "which is not set.",
                f"Type `export {self.password_env}=...`, or leave runs.password_env empty: then PGPASSWORD, ~/.pgpass "
                "and service files count.",
            )
        return found


def place_of(folder: RunFolder) -> Place:
    """Where a run has its checkpoints; one of an older version has them in SQLite, under its name."""
    kept = folder.manifest().get("checkpoints")
    return Place.model_validate(kept) if kept else Place(thread=folder.name)


def place_in(settings: RunsSettings, thread: str = "") -> Place:
    """Where a thread would be by the settings."""
    return Place(store=settings.checkpoints, password_env=settings.password_env, thread=thread)


def new_place(folder: RunFolder, settings: RunsSettings) -> Place:
    """Where a run that begins will have its checkpoints; in a database that many share, no other run has its name."""
    shared = f"{folder_id(folder.path.parent)}/" if settings.checkpoints else ""
    return place_in(settings, shared + folder.name)


def folder_id(runs: Path) -> str:
    """The name of a folder of runs in a shared database, made at its first need; a copy of the folder gets another."""
    here = f"{socket.gethostname()}:{runs.resolve()}"
    with (runs / FOLDER_ID).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        kept = read_json(runs / FOLDER_ID)
        if kept.get("at") != here:
            kept = {"id": secrets.token_hex(8), "at": here}
            file.truncate(0)
            file.write(json.dumps(kept) + "\n")
            file.flush()
        return str(kept["id"])
