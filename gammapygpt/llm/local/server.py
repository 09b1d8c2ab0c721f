"""The server of a model file: one child process on loopback, started when first asked, ended with the run."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from gammapygpt.cache import cache_folder, written
from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.keys import keyless
from gammapygpt.llm.base import OnWait
from gammapygpt.private import private_folder

INSTALL = "pip install 'gammapygpt[local]'"
LONGEST_START_S = 600.0
LONGEST_END_S = 1.0
KEPT_LOGS = 8


class Program(NamedTuple):
    """What serves a file."""

    command: tuple[str, ...]
    needs: str
    """The module without which it cannot run; empty for none."""


PROGRAM = Program((sys.executable, "-P", str(Path(__file__).with_name("serve.py"))), "xllamacpp")
"""Tests put a small program in its place."""


@dataclass(frozen=True)
class Launch:
    """How a file is served; two backends that want the same share a server."""

    file: str
    model: str
    """The name that it is given."""
    context: int
    """Prompt and reply together, in tokens."""
    threads: int
    cache_mb: int
    """Memory for what was read of earlier prompts, in MiB."""
    repack: bool
    """Whether the weights are rearranged in memory."""


class Server:
    """One child process. Nobody but this process knows its port and its key; it ends when this process ends."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.key = SecretStr(secrets.token_urlsafe(24))
        self.url = ""
        """Base URL of the endpoint, up to `/v1`; empty until it is ready."""
        self.load_s = 0.0
        """From its start until it was ready, in s."""
        self.log = _new_log()
        self._lock = threading.RLock()
        self._began = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                PROGRAM.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env=keyless(os.environ),
            )
        with contextlib.suppress(BrokenPipeError):  # it has ended already: `wait_until_ready` says so
            os.write(self._pipe(), self._order())

    def wait_until_ready(self, say: OnWait) -> None:
        """Return once the model is loaded.

        Raises
        ------
        InfrastructureError
            The process ended, or takes too long.
        """
        with self._lock:
            if self.url:
                return
            size = os.path.getsize(self.launch.file) / 1e9
            say(f"loading {self.launch.model} ({size:.1f} GB, {self.launch.threads} threads) ...")
            line = self._first_line()
            if not line:
                self.stop()
                raise InfrastructureError(
                    f"{self.launch.model} cannot be served: {self._last_words()}.", self._advice()
                )
            self.url = json.loads(line)["url"] + "/v1"
            self.load_s = time.monotonic() - self._began
            say(f"{self.launch.model} is ready after {self.load_s:.1f} s")

    @property
    def ended(self) -> bool:
        """Whether the process is no more."""
        return self.process.poll() is not None

    def ends(self) -> bool:
        """Whether the process is no more, or is about to be: its connections break before it is gone."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(LONGEST_END_S)
        return self.ended

    def fault(self) -> InfrastructureError:
        """Why it ended, for people."""
        signal = -self.process.wait()
        how = f"was ended by signal {signal}" if signal > 0 else f"ended with exit code {-signal}"
        memory = " (signal 9 often means that the machine ran out of memory)" if signal == 9 else ""
        return InfrastructureError(f"The server of {self.launch.model} {how}{memory}.", self._advice())

    def stop(self) -> None:
        """End the process, at once: it has nothing to save."""
        self.process.kill()
        self.process.wait()
        with self._lock:  # whoever waits for it has seen the end of the pipe
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe:
                    pipe.close()

    def _order(self) -> bytes:
        return (json.dumps({**asdict(self.launch), "key": self.key.get_secret_value()}) + "\n").encode()

    def _pipe(self) -> int:
        assert self.process.stdin is not None
        return self.process.stdin.fileno()

    def _first_line(self) -> bytes:
        """What the process reports when it is ready; nothing where it ends before."""
        stdout = self.process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], LONGEST_START_S)
        return stdout.readline() if ready else b""

    def _last_words(self) -> str:
        """The last line of the log that tells of an error, else the last one."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text("utf-8", errors="replace").strip().splitlines()
            told = [line for line in lines if " E " in line or "Error" in line] or lines
            if told:
                return told[-1].split(" E ", 1)[-1].strip()[:200]
        return "its process ended without a word"

    def _advice(self) -> str:
        return f"Its log is {self.log}; `gammapygpt doctor` compares the memory needed and free."


_lock = threading.Lock()
_servers: dict[Launch, Server] = {}
_open_blocks = 0


def installed() -> bool:
    """Whether what serves a file is there."""
    return not PROGRAM.needs or find_spec(PROGRAM.needs) is not None


def check_installed() -> None:
    """Make sure that what serves a file is there.

    Raises
    ------
    UserError
        Says how to install it.
    """
    if not installed():
        raise UserError(f"a local model needs {PROGRAM.needs}, which is not installed.", f"Type `{INSTALL}`.")


def running(launch: Launch, say: OnWait) -> Server:
    """The server of a file, started if there is none; ready when this returns.

    Parameters
    ----------
    launch : Launch
        The file, and how it is served.
    say : callable
        Told when a model is being loaded.

    Raises
    ------
    InfrastructureError
        The model cannot be served.
    """
    with _lock:
        server = _servers.get(launch)
        if server and server.ended:
            server.stop()
            server = None
        if server is None:
            server = _servers[launch] = Server(launch)
    server.wait_until_ready(say)
    return server


@contextmanager
def kept() -> Iterator[None]:
    """Servers started inside stay until the last open block of this kind ends: a run, or a campaign of many."""
    global _open_blocks
    with _lock:
        _open_blocks += 1
    try:
        yield
    finally:
        with _lock:
            _open_blocks -= 1
            last = not _open_blocks
        if last:
            stop_all()


def stop_all() -> None:
    """End all servers of this process."""
    with _lock:
        servers = list(_servers.values())
        _servers.clear()
    for server in servers:
        server.stop()


def _forget() -> None:
    """A forked child has no servers: they are its parent's."""
    global _open_blocks, _lock
    _servers.clear()
    _open_blocks, _lock = 0, threading.Lock()


atexit.register(stop_all)
os.register_at_fork(after_in_child=_forget)


def _new_log() -> Path:
    """A log of its own for each server; the oldest go."""
    folder = cache_folder() / "models" / "logs"
    with written(folder):
        private_folder(folder)
        for old in sorted(folder.glob("*.txt"))[: -KEPT_LOGS + 1]:
            old.unlink(missing_ok=True)
    return folder / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}-{secrets.token_hex(2)}.txt"
