"""A run whose agents are scripted: how it is begun and resumed, what it comes to when nothing disturbs it.

Every node has its turn: the first script fails, the second passes and leaves some files, the optimiser offers it again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from scripted_server import ScriptedServer

from faults import left
from gammapygpt.llm.journal import recorded_calls

REQUEST = 'Count the observations. Write result.json with "n_obs" (integer).'
BEGINS = """import json
import time

time.sleep(0.3)
"""
FILES, FILE_BYTES = 12, 150_000
CRASHES = BEGINS + "value = [1, 2][5]\njson.dump({'n_obs': value}, open('result.json', 'w'))\n"
RIGHT = f"""{BEGINS}value = 4
for number in range({FILES}):
    with open(f"part-{{number:02d}}.dat", "wb") as file:
        file.write(bytes({FILE_BYTES}))
json.dump({{'n_obs': value}}, open('result.json', 'w'))
"""
PLAN = {"recipe": "", "parameters": {}, "steps": ["count"], "results": [], "assumptions": [], "uncovered": []}
CRITIQUE = {"kind": "runtime", "diagnosis": "no such index", "action": "repair", "advice": "count them"}
AGENTS = ("planner", "coder", "executor", "critic", "optimiser")
CALLS = 5
"""Planner, coder, critic, coder again, optimiser."""
PATIENCE_S = 900.0
"""For a run on a machine that is busy with other things."""
COMPARED = ("status", "reason", "attempts", "failures", "result", "choices", "warnings")
"""What `--json` says and no disturbance may change."""


def answers(delay: float = 0.0, pause: float = 0.0) -> list[dict[str, Any]]:
    """One reply for each question, however often it is asked; `delay` before it and `pause` between its pieces in s."""

    def reply(when: str, **said: Any) -> dict[str, Any]:
        return {"when": when, "times": 99, "delay": delay, "pause": pause, **said}

    return [
        reply("You plan analyses", json=PLAN),
        reply("You read what became", json=CRITIQUE),
        reply("That script did not pass", text=f"```python\n{RIGHT}```"),
        reply("You make a Gammapy", text=f"```python\n{RIGHT}```"),
        reply("You write Gammapy", text=f"```python\n{CRASHES}```"),
    ]


@dataclass
class Course:
    """Where a run takes place: folders of its own, settings of its own, and the server that its agents ask."""

    place: Path
    """Settings, runs and temporary files are in it."""
    server: ScriptedServer
    data: Path
    cache: Path
    settings: str = ""
    """More lines of the settings file, as they are."""
    before: Sequence[str] = ()
    """What stands before `gammapygpt` on the command line: `nsenter ...`, with what it needs."""
    root: Path = Path("/")
    """Where the root of what it sees is seen from here."""
    processes: set[int] = field(default_factory=set)
    """All that were begun here."""

    def __post_init__(self) -> None:
        self.temporary.mkdir(parents=True, exist_ok=True)
        (self.place / "home" / "astropy").mkdir(parents=True, exist_ok=True)  # astropy warns where it is missing
        self.config.write_text(
            f'default_backend = "test"\n[backends.test]\nkind = "openai"\nmodel = "m"\nbase_url = "{self.server.url}"\n'
            f'abilities = []\n[data]\npath = "{self.data}"\n[switches]\noptimiser = true\n{self.settings}'
        )

    def seen(self, name: str) -> Path:
        """A folder of this place, as it is seen from here."""
        return self.root / (self.place / name).relative_to("/")

    @property
    def runs(self) -> Path:
        """The folder of the runs, as it is seen from here."""
        return self.seen("runs")

    @property
    def config(self) -> Path:
        return self.place / "config.toml"

    @property
    def temporary(self) -> Path:
        """The folder for temporary files, as it is seen from here."""
        return self.seen("tmp")

    def begin(self, *arguments: str, **how: Any) -> subprocess.Popen[str]:
        """Start `gammapygpt` in this place; both streams are pipes unless `how` says otherwise."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GAMMAPYGPT_")}
        ours = {
            "TMPDIR": str(self.place / "tmp"),
            "XDG_CONFIG_HOME": str(self.place / "home"),
            "GAMMAPYGPT_CACHE": str(self.cache),
        }
        command = [*self.before, sys.executable, "-m", "gammapygpt", *arguments, "--config", str(self.config)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
        command += ["--runs", str(self.place / "runs")]
        process = subprocess.Popen(command, env={**kept, **ours}, text=True, **streams)
        self.processes.add(process.pid)
        return process

    def run(self) -> subprocess.Popen[str]:
        """Begin a run."""
        return self.begin("run", REQUEST, "--json")

    def resume(self) -> subprocess.Popen[str]:
        """Go on with it."""
        return self.begin("resume", "--json")

    def folder(self) -> Path | None:
        """The run's folder, once there is one."""
        found = [path.parent for path in self.runs.glob("*/manifest.json")]
        return found[-1] if found else None


@dataclass
class Ended:
    """A process that has come to its end."""

    code: int
    said: str
    """On standard error."""
    outcome: dict[str, Any]
    """What `--json` printed; empty where it is no JSON."""


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for a process."""
    try:
        printed, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    try:
        outcome = json.loads(printed or "{}")
    except ValueError:
        outcome = {}
    return Ended(process.returncode, said or "", outcome)


@dataclass(frozen=True)
class Undisturbed:
    """What a run comes to that nothing disturbs."""

    outcome: dict[str, Any]
    files: dict[str, bytes]
    """All of its folder, by name."""
    seconds: float


SAME = ("script.py", "messages.json", "result.json", "findings.json", ".dat")
"""Endings of files that hold neither times nor names of the run."""


def files_of(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def differences(course: Course, end: Ended, undisturbed: Undisturbed, in_flight: int) -> list[str]:
    """What a disturbed run lost, did twice or left behind.

    Parameters
    ----------
    end
        Of the `resume` that should have brought it to its end.
    in_flight
        Model calls that were on their way when the run was disturbed; they alone may be made again.
    """
    folder = course.folder()
    if end.code != 0 or folder is None or "Traceback" in end.said:
        return [f"exit code {end.code}: {end.said[-1500:]}"]
    found = [
        f"{key}: {end.outcome.get(key)!r} instead of {undisturbed.outcome[key]!r}"
        for key in COMPARED
        if end.outcome.get(key) != undisturbed.outcome[key]
    ]
    return [*found, *files_lost(folder, undisturbed), *calls_lost(course, folder, in_flight), *left.behind(course)]


def files_lost(folder: Path, undisturbed: Undisturbed) -> list[str]:
    """Files that are missing, too many, half-written or others than those of an undisturbed run."""
    files = files_of(folder)
    missing, more = sorted(undisturbed.files.keys() - files.keys()), sorted(files.keys() - undisturbed.files.keys())
    found = [f"missing: {', '.join(missing)}"] if missing else []
    found += [f"left over: {', '.join(more)}"] if more else []
    for name in files.keys() & undisturbed.files.keys():
        if name.endswith((".json", ".ipynb")) and not readable(files[name]):
            found.append(f"{name} cannot be read")
        elif name.endswith(SAME) and untimed(files[name]) != untimed(undisturbed.files[name]):
            found.append(f"{name} is another one")
    return found


def untimed(content: bytes) -> bytes:
    """Without how long a script took, which the optimiser is told."""
    return re.sub(rb"passed in [0-9.]+ s", b"passed in time", content)


def readable(content: bytes) -> bool:
    """Whether it is JSON, whole."""
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def calls_lost(course: Course, folder: Path, in_flight: int) -> list[str]:
    """Model calls that were paid and not recorded, or made again although they were."""
    calls, asked = recorded_calls(folder), len(course.server.requests)
    found = [] if len(calls) == len({call.key for call in calls}) == CALLS else [f"{len(calls)} calls are recorded"]
    if asked != CALLS + in_flight:
        found.append(f"{asked} requests for {CALLS} calls, {in_flight} of them in flight")
    return found


def undisturbed(course: Course) -> Undisturbed:
    """Let a run come to its end."""
    began = monotonic()
    end = ended(course.run())
    assert end.outcome.get("status") == "passed", end.said
    folder = course.folder()
    assert folder is not None
    return Undisturbed(end.outcome, files_of(folder), monotonic() - began)
