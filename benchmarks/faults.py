"""The matrix of faults: what was done to runs, how often, how often they survived. Everything is on this machine.

    python benchmarks/faults.py [--only kills,models] [--tries 100] [--seed 1] [--out benchmarks/results/faults]

Each family is a module of `tests/faults/`; what a trial checks stands there. --tries is the number of seeded kills; of
the other faults each is tried once or a few times. --out is where `faults.jsonl` (a line for each family, with
command, versions and machine) and `faults.md` go; other families that are there already stay. The exit code is 1 where
something was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from faults.trial import Trial  # noqa: E402 - it lives with the tests

FAMILIES = {
    "kills": "kill -9",
    "machine": "disk, permissions, signals",
    "savers": "checkpoints",
    "models": "model server",
    "vectors": "vector store",
    "secrets": "secrets",
    "web": "web page under load",
}
"""Modules of `tests/faults/`, and what they break."""
PACKAGES = ("gammapygpt", "gammapy", "langgraph", "langgraph-checkpoint-sqlite", "langgraph-checkpoint-postgres")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(FAMILIES), metavar="FAMILY,...")
    parser.add_argument("--tries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := [name for name in wanted if name not in FAMILIES]:
        parser.error(f"no family {', '.join(unknown)}; there are {', '.join(FAMILIES)}")
    lost = 0
    for name in wanted:
        began = time.monotonic()
        rows = counted(told(trials(name, options.seed, options.tries)))
        lost += sum(row["lost"] for row in rows)
        if options.out:
            keep(options.out, {**about(name, options), "wall_s": round(time.monotonic() - began), "faults": rows})
        print(table({name: rows}), flush=True)
    return 1 if lost else 0


def trials(family: str, seed: int, tries: int) -> Iterator[Trial]:
    """The trials of a family, in a folder that is removed after them."""
    with tempfile.TemporaryDirectory(prefix=f"faults-{family}-") as place:
        yield from import_module(f"faults.{family}").trials(Path(place), seed, tries)


def told(found: Iterable[Trial]) -> Iterator[Trial]:
    """The same, each told as it ends."""
    for number, trial in enumerate(found, start=1):
        print(f"{number:4d}  {'survived' if trial.survived else 'LOST    '}  {trial.fault}", flush=True)
        if not trial.survived:
            print(f"      {trial.detail}", flush=True)
        yield trial


def counted(found: Iterable[Trial]) -> list[dict[str, Any]]:
    """Tries, survivals and losses by fault, in the order of their first trial."""
    tries, survived = Counter[str](), Counter[str]()
    for trial in found:
        tries[trial.fault] += 1
        survived[trial.fault] += trial.survived
    return [
        {"fault": fault, "tries": n, "survived": survived[fault], "lost": n - survived[fault]}
        for fault, n in tries.items()
    ]


def about(family: str, options: argparse.Namespace) -> dict[str, Any]:
    """Family, command, versions and machine."""
    machine = f"{platform.machine()}, {platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return {
        "family": family,
        "command": f"python benchmarks/faults.py --only {family} --tries {options.tries} --seed {options.seed}",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine,
        "versions": {name: version(name) for name in PACKAGES},
    }


def keep(folder: Path, family: dict[str, Any]) -> None:
    """Lay what a family showed beside what the others did, as lines and as a table."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "faults.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    known = {one["family"]: one for one in map(json.loads, lines)} | {family["family"]: family}
    ordered = [known[name] for name in FAMILIES if name in known]
    file.write_text("".join(json.dumps(one) + "\n" for one in ordered), encoding="utf-8")
    shown = table({one["family"]: one["faults"] for one in ordered})
    commands = "".join(f"- {one['family']}: `{one['command']}`, {one['date']}, {one['machine']}\n" for one in ordered)
    (folder / "faults.md").write_text(f"# Faults\n\n{shown}\n{commands}", encoding="utf-8")


def table(families: dict[str, list[dict[str, Any]]]) -> str:
    """The matrix in Markdown."""
    lines = ["| what breaks | fault | tries | survived | lost |", "| --- | --- | --: | --: | --: |"]
    for family, rows in families.items():
        for row in rows:
            fault = row["fault"].replace("|", "\\|")
            lines.append(f"| {FAMILIES[family]} | {fault} | {row['tries']} | {row['survived']} | {row['lost']} |")
    every = [row for rows in families.values() for row in rows]
    sums = [sum(row[key] for row in every) for key in ("tries", "survived", "lost")]
    return "\n".join([*lines, "| | **all** | {} | {} | {} |".format(*sums)]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
