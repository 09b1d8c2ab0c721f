"""A real Postgres server on loopback, from Debian's packages: a cluster of its own in a temporary folder.

In tests, use the fixture `postgres` of conftest.py: the address of an empty database. In a program:

    with PostgresServer() as server:
        address = server.database()

The server refuses to run as root: then it is run as the user `postgres`, or `nobody`. All may log in from loopback
without a password but the user `guarded`, who has `PASSWORD`; no one of them is a superuser.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ports import free_port

PASSWORD = "canary-of-postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "max_wal_size": "128MB",
}
ACCESS = """\
local all all trust
host all guarded 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def binaries() -> Path | None:
    """The folder with `initdb` and `postgres`; Debian does not put them on the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: float(path.parent.name))


def can_serve() -> bool:
    """Whether a server and its client are here."""
    return binaries() is not None and find_spec("psycopg") is not None


class PostgresServer:
    """A context manager.

    Attributes
    ----------
    port : int
        Where it listens on loopback.
    folder : Path
        Of the cluster and its log; removed in the end.
    """

    def __init__(self) -> None:
        found = binaries()
        assert found is not None, "ask `binaries` first"
        self._binaries = found
        self._as = server_user()

    def __enter__(self) -> PostgresServer:
        self.folder = Path(tempfile.mkdtemp(prefix="gammapygpt-postgres-"))
        if self._as:
            shutil.chown(self.folder, self._as["user"], self._as["group"])
        made = self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "-D", "data")
        assert made.returncode == 0, made.stderr
        (self.folder / "data" / "pg_hba.conf").write_text(ACCESS)
        self.port = free_port()
        self.start()
        self.ask("CREATE ROLE runs LOGIN CREATEDB", f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}' IN ROLE runs")
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Begin to serve; after `stop` with what there was."""
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._binaries / "postgres"),
                    "-D",
                    "data",
                    "-p",
                    str(self.port),
                    "-k",
                    str(self.folder),
                    *options,
                ],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,
                **self._as,
            )
        while not self._ready():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)

    def _ready(self) -> bool:
        return self._run("pg_isready", "-q", "-h", str(self.folder), "-p", str(self.port)).returncode == 0

    def stop(self) -> None:
        """No longer serve; whoever is connected is thrown out. May be called twice."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def ask(self, *statements: str, database: str = "postgres") -> None:
        """Do something as the superuser, who comes by the socket in the folder."""
        import psycopg

        address = f"host={self.folder} port={self.port} user=postgres dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def database(self, user: str = "runs") -> str:
        """The address of a new, empty database."""
        return new_database(self.port, user)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = [str(self._binaries / program), *arguments]
        return subprocess.run(
            line, cwd=self.folder, capture_output=True, text=True, check=False, env={"LC_ALL": "C"}, **self._as
        )


def new_database(port: int, user: str = "runs") -> str:
    """The address of a new, empty database of a server of these tests."""
    import psycopg

    name = f"test_{secrets.token_hex(4)}"
    with psycopg.connect(f"postgresql://runs@127.0.0.1:{port}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql://{user}@127.0.0.1:{port}/{name}"


def server_user() -> dict[str, Any]:
    """Whom root lets run the server, for `subprocess`; empty where no change is needed."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    chosen = known.get("postgres") or known["nobody"]
    return {"user": chosen.pw_uid, "group": chosen.pw_gid, "extra_groups": []}


def end_with_parent() -> None:
    """The server goes when the process that started it goes, however that ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGINT)


@contextmanager
def shared_server(place: Path) -> Iterator[int]:
    """The port of the one server of a test run, whichever of its processes came first; it goes with the last of them.

    Parameters
    ----------
    place : Path
        Folder of the test run.
    """
    with (place / "postgres.users").open("a") as users:
        with (place / "postgres.starting").open("a") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)  # waits until a server that is ending has ended
            told = place / "postgres.json"
            if not told.is_file():
                keeper = [sys.executable, __file__, str(place)]
                process = subprocess.Popen(keeper, start_new_session=True, stdout=subprocess.DEVNULL)
                while not told.is_file():
                    assert process.poll() is None, "the Postgres server did not start"
                    time.sleep(0.05)
        yield json.loads(told.read_text())["port"]


def keep(place: Path) -> None:
    """Serve until no process of the test run holds `postgres.users` any more."""
    told = place / "postgres.json"
    with PostgresServer() as server, (place / "postgres.users").open("a") as users:
        (place / "postgres.tmp").write_text(json.dumps({"port": server.port}))
        (place / "postgres.tmp").replace(told)
        fcntl.flock(users, fcntl.LOCK_EX)
        told.unlink()


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
