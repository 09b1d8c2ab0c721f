"""A campaign of 1,000 cells with scripted replies on a Dask cluster of two workers, one of which is killed on the way.

    python benchmarks/campaign_dask.py [--tasks 50] [--epochs 5] [--out benchmarks/campaign_dask.json]
    python benchmarks/campaign_dask.py --dispatch 1000 [--out benchmarks/campaign_dask.json]

Every cell is a run of the real graph or of the bare loop, its script is run in the real sandbox. Tasks, replies, data
(an empty folder) and the campaign live in a temporary folder. The campaign is started, one worker gets SIGKILL when a
fifth of the cells are on record, and the same command is given again when all are there. --dispatch measures what it
takes to hand out a cell and to get its record back, by cells that do nothing, and adds it to the file.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import Client

from gammapygpt.evals.workers import Where, workers
from gammapygpt.sandbox.processes import proportional_mb, tree

SWITCHED_OFF = ("--set", "switches.retrieval=false", "--set", "sandbox.warm=false", "--set", "sandbox.verify=false")
"""Not what this is about: an index of tutorials, and Gammapy imported for scripts that use none of it."""
ARMS = ("--no-full", "--ablate", "planner,critic,api-gate", "--baselines", "bare-loop")
CONFIG = """default_backend = "test"
[backends.test]
kind = "scripted"
replies = "{replies}"
abilities = ["tools"]
"""
TASK = """id = "{name}"
title = "A sum"
datasets = []
prompt = '''
Add 2 and 2. Write result.json with "total" (number).
'''
[[expected]]
key = "total"
value = 4
why = "exact"
"""
REPLIES = '''
[[reply]]
role = "planner"
json = { recipe = "", steps = ["add"], results = [{ key = "total", unit = "", meaning = "the sum" }] }

[[reply]]
role = "coder"
script = """
import json

total = sum([2, 2])
with open("result.json", "w") as file:
    json.dump({"total": total}, file)
"""

[[reply]]
role = "critic"
json = { verdict = "fine" }

[[reply]]
role = "optimiser"
content = "It is good as it is."
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--dispatch", type=int, metavar="N", help="hand out N cells that do nothing, no campaign")
    parser.add_argument("--keep", type=Path, help="put the campaign here, and leave it")
    parser.add_argument(
        "--again", type=Path, help="give the command of a finished campaign that was kept here once more"
    )
    options = parser.parse_args()
    if options.again:
        command = written(options.again, options.tasks, options.epochs)
        keep(options.out, {**resumed([*command, "--scheduler", "tcp://127.0.0.1:1"])})
        return
    if options.dispatch:
        keep(options.out, {"dispatch": {"command": command_line(), **about(), **dispatched(options.dispatch)}})
        return
    with tempfile.TemporaryDirectory(prefix="campaign-dask-") as temporary:
        folder = options.keep or Path(temporary)
        command = written(folder, options.tasks, options.epochs)
        with scheduler(folder) as (address, dask):
            report = campaign([*command, "--scheduler", address], folder, dask)
    n_cells = 4 * options.tasks * options.epochs
    report = {"command": command_line(), **about(), "cells": n_cells, **report}
    report["cells_lost"] = n_cells - report["on_record"]
    keep(options.out, report)


def command_line() -> str:
    """How this was called, without the folders of this machine."""
    known, places = argparse.ArgumentParser(), ("out", "keep", "again")
    for name in places:
        known.add_argument(f"--{name}")
    return " ".join(["python benchmarks/campaign_dask.py", *known.parse_known_args()[1]])


def keep(file: Path | None, report: dict[str, Any]) -> None:
    """Show what was measured, and lay it over what the file holds."""
    print(json.dumps(report, indent=2))
    if file:
        known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        file.write_text(json.dumps({**known, **report}, indent=2) + "\n", encoding="utf-8")


def nothing(number: int) -> int:
    """A cell that does nothing."""
    return number


def dispatched(n_cells: int) -> dict[str, Any]:
    """What it takes to hand out cells that do nothing, on both kinds of workers."""
    with tempfile.TemporaryDirectory(prefix="campaign-dask-") as temporary, scheduler(Path(temporary)) as (address, _):
        places = {"dask": Where(scheduler=address), "processes": Where(workers=2)}
        return {"cells": n_cells, **{f"{name}_ms": per_cell(where, n_cells) for name, where in places.items()}}


def per_cell(where: Where, n_cells: int) -> float:
    """Wall time for one cell in ms, with two workers that have begun."""
    with workers(where) as pool:
        list(pool.run(nothing, range(20)))
        began = time.monotonic()
        assert len(list(pool.run(nothing, range(n_cells)))) == n_cells
        return round(1000 * (time.monotonic() - began) / n_cells, 2)


def about() -> dict[str, Any]:
    """Versions and machine."""
    packages = ("gammapygpt", "gammapy", "distributed", "langgraph")
    machine = f"{platform.machine()}, {platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return {"versions": {name: version(name) for name in packages}, "machine": machine, "load": os.getloadavg()[0]}


def written(folder: Path, n_tasks: int, epochs: int) -> list[str]:
    """Lay out tasks, replies and settings; the command that runs the campaign."""
    (folder / "tasks").mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    for n in range(n_tasks):
        text = TASK.format(name=f"sum-{n:03d}")
        (folder / "tasks" / f"sum-{n:03d}.toml").write_text(text, encoding="utf-8")
    (folder / "replies.toml").write_text(REPLIES, encoding="utf-8")
    (folder / "config.toml").write_text(CONFIG.format(replies=folder / "replies.toml"), encoding="utf-8")
    command = [sys.executable, "-m", "gammapygpt", "bench", "run", "--tasks", str(folder / "tasks")]
    command += ["--out", str(folder / "campaign"), "--config", str(folder / "config.toml")]
    command += ["--data", str(folder / "data"), "--attempts", "2", "--epochs", str(epochs)]
    return [*command, *ARMS, *SWITCHED_OFF]


@contextmanager
def scheduler(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two workers, each with a nanny that starts it again."""
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": (folder / "dask.log").open("wb")}
    file = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    started = [
        subprocess.Popen(
            [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)],
            **quiet,
        )
    ]
    while not file.exists() or not file.read_text(encoding="utf-8").strip():
        time.sleep(0.1)
    address = json.loads(file.read_text(encoding="utf-8"))["address"]
    try:
        for number in range(2):
            place = folder / f"worker-{number}"
            worker = ["worker", address, "--nthreads", "1", "--no-dashboard", "--local-directory", str(place)]
            started.append(subprocess.Popen([*dask, *worker], **quiet))
        yield address, started
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def campaign(command: list[str], folder: Path, dask: list[subprocess.Popen[bytes]]) -> dict[str, Any]:
    """Run it, kill a worker on the way, and run it again."""
    peak: Counter[str] = Counter()
    stop = threading.Event()
    watching = threading.Thread(target=watch, args=(dict(zip(NAMES, dask, strict=True)), peak, stop))
    watching.start()
    began = time.monotonic()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as driver:
        killed = kill_one(folder, command[-1], driver)
        told = driver.communicate()[1]
    wall = time.monotonic() - began
    stop.set()
    watching.join()
    if driver.returncode:
        raise SystemExit(told)
    lines = [line for line in told.splitlines() if line.startswith("[")]
    records = [json.loads(line) for line in (folder / "campaign/table.jsonl").read_text(encoding="utf-8").splitlines()]
    names = Counter(f"{one['task']}--{one['configuration']}--{one['epoch']}" for one in records)
    inside = sum(one["seconds"] for one in records)
    size = subprocess.run(["du", "-sm", folder / "campaign"], capture_output=True, text=True, check=True).stdout
    return {
        "wall_s": round(wall, 1),
        "worker_killed_at": killed,
        "on_record": len(names),
        "told": len(lines),
        "counted_twice": sum(names.values()) - len(names),
        "told_twice": len(lines) - len({line.split()[1] for line in lines}),
        "verdicts": Counter(one["verdict"] for one in records),
        "runs_folders": len(list((folder / "campaign/runs").glob("*/*/manifest.json"))),
        "in_run_cell_s": {
            "median": round(statistics.median(one["seconds"] for one in records), 3),
            "mean": round(inside / len(records), 3),
        },
        "overhead_s_per_cell": round((2 * wall - inside) / len(records), 3),
        "by_configuration_s": by_configuration(records),
        **resumed(command),
        "peak_mb": {name: round(value) for name, value in peak.items()},
        "campaign_mb": int(size.split()[0]),
        "spec_bytes": spec_bytes(folder),
    }


def resumed(command: list[str]) -> dict[str, Any]:
    """The command of a finished campaign once more: nothing is run, and no scheduler is asked."""
    before, began = os.times(), time.monotonic()
    again = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    wall, after = time.monotonic() - began, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    said = again.splitlines()[0].rpartition(": ")[2]
    return {"resume_s": round(wall, 1), "resume_cpu_s": round(spent, 1), "resumed": said}


NAMES = ("scheduler", "worker 1", "worker 2")


def watch(processes: dict[str, subprocess.Popen[bytes]], peak: Counter[str], stop: threading.Event) -> None:
    """Note the most memory of each process and all that it started, in MB, every two seconds."""
    while not stop.wait(2.0):
        for name, process in processes.items():
            peak[name] = max(peak[name], proportional_mb(tree(process.pid)[0]))


def kill_one(folder: Path, address: str, driver: subprocess.Popen[str]) -> str:
    """Kill a worker when a fifth of the cells are on record; where that was."""
    while driver.poll() is None:
        about = folder / "campaign/campaign.json"
        planned = len(json.loads(about.read_text(encoding="utf-8"))["planned"]) if about.exists() else 0
        done = len(list((folder / "campaign/cells").glob("*.json")))
        if planned and 5 * done >= planned:
            with Client(address) as client:
                os.kill(max(client.run(os.getpid).values()), signal.SIGKILL)
            return f"{done} of {planned} cells"
        time.sleep(0.2)
    return "never"


def by_configuration(records: list[dict[str, Any]]) -> dict[str, float]:
    """Median time of a cell in s."""
    arms = dict.fromkeys(one["configuration"] for one in records)
    return {
        arm: round(statistics.median(one["seconds"] for one in records if one["configuration"] == arm), 3)
        for arm in arms
    }


def spec_bytes(folder: Path) -> int:
    """What is sent to a worker for one cell."""
    from gammapygpt.evals.cell import CellSpec
    from gammapygpt.evals.configuration import configurations

    arm = configurations(["planner"], [])[1]
    task = next((folder / "tasks").glob("*.toml"))
    return len(pickle.dumps(CellSpec(campaign=folder / "campaign", task=task, configuration=arm, epoch=1)))


if __name__ == "__main__":
    main()
