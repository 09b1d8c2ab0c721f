"""A user's home, settings and runs in one folder, and the program at work in it: all that it writes is below that."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from canary import leaks, told
from mcp_client import Talk, connected
from ports import free_port

from gammapygpt.runs.folder import RunFolder

REQUEST = 'How many observations are there? Write result.json with "n_obs" (integer).'
COUNTS = "import json\n\nn_obs = 4\njson.dump({'n_obs': n_obs}, open('result.json', 'w'))\n"
GIVEN = "given"
"""Where the user keeps settings and keys; what is there is no leak."""


class House:
    """One user: home, temporary files and runs are folders of `place`; the data are elsewhere.

    Parameters
    ----------
    place : Path
        A folder of its own; the cache is beside it, for all users there.
    data : Path
        With a data store.
    secret : str
        What must not be found.
    """

    def __init__(self, place: Path, data: Path, secret: str) -> None:
        self.place, self.data, self.secret = place, data, secret
        self.printed = ""
        self.cache = place.parent / "cache"
        for folder in (place / GIVEN, place / "home", place / "tmp", place / "work", self.cache):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def runs(self) -> Path:
        return self.place / "work" / "runs"

    def given(self, name: str, text: str) -> Path:
        """A file of the user's, for their eyes alone."""
        path = self.place / GIVEN / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def settings(self, url: str, *lines: str, top: str = "", **switches: bool) -> Path:
        """A settings file with one backend at `url`; `lines` are of its table."""
        chosen = {
            "retrieval": False,
            "planner": False,
            "critic": False,
            "api_gate": False,
            "skeptic": False,
            **switches,
        }
        told = [
            f'{top}default_backend = "test"',
            f'[backends.test]\nmodel = "m"\nbase_url = "{url}"\nabilities = []\nretries = 0',
            *lines,
            f'[data]\npath = "{self.data}"',
            "[sandbox]\nwarm = false\nverify = false",
            "[switches]",
            *(f"{name} = {str(on).lower()}" for name, on in chosen.items()),
        ]
        return self.given("config.toml", "\n".join(told) + "\n")

    def task(self, prompt: str) -> Path:
        """A folder of the user's with one task for a campaign: four observations are right."""
        lines = ['id = "count"', 'datasets = ["dl3-simulated"]', f"prompt = {json.dumps(prompt)}"]
        text = "\n".join([*lines, "[[expected]]", 'key = "n_obs"', "value = 4", 'why = "exact"\n'])
        folder = self.place / GIVEN / "tasks"
        folder.mkdir()
        return self.given("tasks/count.toml", text).parent

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """That of the program: nothing of whoever runs the tests but where Python is."""
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
        folders = {"HOME": "home", "TMPDIR": "tmp", "MPLCONFIGDIR": "tmp"}
        config = str(self.place / GIVEN / "config.toml")
        ours = {"GAMMAPYGPT_CONFIG": config, "GAMMAPYGPT_CACHE": str(self.cache), "OMP_NUM_THREADS": "1"}
        return kept | {name: str(self.place / folder) for name, folder in folders.items()} | ours | dict(given)

    def command(self, *arguments: str) -> list[str]:
        """The command line of the program."""
        return [sys.executable, "-m", "gammapygpt", *arguments]

    def begun(
        self, *arguments: str, program: list[str] | None = None, out: IO[str] | int = subprocess.PIPE, **environ: str
    ) -> subprocess.Popen[str]:
        """The program, under way."""
        return subprocess.Popen(
            program or self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=self.place / "work",
            env=self.environment(environ),
        )

    def gammapygpt(self, *arguments: str, program: list[str] | None = None, **environ: str) -> int:
        """Run the program to its end; what it prints is kept. Gives its exit code."""
        process = self.begun(*arguments, program=program, **environ)
        self.printed += process.communicate()[0]
        return process.returncode

    def last_run(self) -> RunFolder:
        """The run that was begun last."""
        return RunFolder(max(self.runs.glob("2*"), key=lambda path: path.stat().st_mtime))

    def status(self) -> str:
        """How the last run stands."""
        return str(self.last_run().manifest().get("status"))

    def leaks(self) -> list[str]:
        """Where the secret is, in all that was written or printed."""
        written = [self.cache, *(path for path in self.place.iterdir() if path.name != GIVEN)]
        return [*leaks([self.secret], *written), *(f"printed: {how}" for how in told([self.secret], self.printed))]


@contextmanager
def served_by_mcp(house: House, **environ: str) -> Iterator[tuple[Talk, int]]:
    """A client of `gammapygpt mcp`, and the port where that listens; what the process writes is kept."""
    port = free_port()
    process = house.begun("mcp", "--transport", "streamable-http", "--port", str(port), **environ)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        house.printed += line
        with connected(line.strip()) as talk:
            yield talk, port
    finally:
        process.send_signal(signal.SIGTERM)
        house.printed += process.communicate()[0]


def wait_for(address: str, process: subprocess.Popen[str]) -> str:
    """What is at an address, once something is; an error where the process that should serve it ends."""
    while process.poll() is None:
        try:
            return str(urllib.request.urlopen(address, timeout=30).read().decode())
        except OSError:
            time.sleep(0.2)
    raise AssertionError(process.stdout.read() if process.stdout else f"{address}: its server has ended")


def fenced(script: str) -> dict[str, Any]:
    """A reply that holds a script."""
    return {"text": f"```python\n{script}```", "times": 9}


def unlike(**pairs: tuple[Any, Any]) -> Iterator[str]:
    """What is not as it should be: pairs of what is, and what should be."""
    for name, (found, wanted) in pairs.items():
        if found != wanted:
            yield f"{name} is {found!r}, not {wanted!r}"
