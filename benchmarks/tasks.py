"""Tasks with known answers through the whole product, blind: how many pass, and is a wrong number ever called passed?

    python benchmarks/tasks.py --tasks FOLDER --data FOLDER --arm NAME [--backend B] [--config FILE] [-- OPTION ...]

Each task's prompt goes through `gammapygpt run` word for word, in a process of its own. The known values judge the
final result and are not known to the run; `--validator-in-loop` tells the run instead, as a bare retry loop needs it.
Options behind `--` are handed to `run` (`--no-drafts`, `--attempts 3`, ...). What the output holds is not run again.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

from gammapygpt.checks.expected import check_expected, read_expectations
from gammapygpt.knowledge import environment
from gammapygpt.settings import Settings

HERE = Path(__file__).resolve().parent
SPENT = ("calls", "input_tokens", "cached_tokens", "output_tokens", "model_s")


def run_task(task: Path, given: argparse.Namespace) -> dict[str, Any]:
    """One task through the product, and the verdict of the known values on what came out."""
    written = tomllib.loads(task.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="tasks-") as runs:
        command = [sys.executable, "-m", "gammapygpt", "run", written["prompt"], "--data", str(given.data)]
        command += ["--runs", runs, "--json", "--quiet", *given.options]
        command += ["--backend", given.backend] if given.backend else []
        command += ["--config", str(given.config)] if given.config else []
        command += ["--expect", str(task)] if given.validator_in_loop else []
        began = monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        minutes = round((monotonic() - began) / 60, 2)
        if not done.stdout.strip():
            return {"status": "error", "verdict": "error", "reason": done.stderr.strip()[-400:], "minutes": minutes}
        told = json.loads(done.stdout)
        manifest = json.loads((Path(told["folder"]) / "manifest.json").read_text(encoding="utf-8"))
    wrong = [one.key for one in check_expected(told.get("result") or {}, read_expectations(task))]
    attempts = manifest.get("attempts", [])
    return {
        "status": told["status"],
        "verdict": verdict(told["status"], wrong),
        "wrong": wrong if told["status"] == "passed" else [],
        "recipe": (manifest.get("plan") or {}).get("recipe", ""),
        "attempts": len(attempts),
        "how": [attempt.get("how", "") for attempt in attempts],
        "failures": [attempt["failure"] for attempt in attempts if attempt.get("failure")],
        "reason": str(told.get("reason", ""))[:400],
        "minutes": minutes,
        **{name: told["usage"].get(name, 0) for name in SPENT},
    }


def verdict(status: str, wrong: list[str]) -> str:
    """`right`, `wrong` (called passed, and is not), or how it ended without an answer."""
    if status == "passed":
        return "wrong" if wrong else "right"
    return status


def summary(done: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Counts, and what a task costs."""
    cells = list(done.values())
    return {
        "tasks": len(cells),
        "verdicts": dict(Counter(one["verdict"] for one in cells)),
        "right at the first attempt": sum(one["verdict"] == "right" and one["attempts"] == 1 for one in cells),
        "failures": dict(Counter(kind for one in cells for kind in one.get("failures", []))),
        "model calls": sum(one.get("calls", 0) for one in cells),
        "tokens in": sum(one.get("input_tokens", 0) for one in cells),
        "tokens out": sum(one.get("output_tokens", 0) for one in cells),
        "minutes, median": median(one["minutes"] for one in cells),
        "minutes, sum": round(sum(one["minutes"] for one in cells), 1),
    }


def main() -> None:
    """Run what is missing, and write after each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--arm", required=True, help="name of this configuration in the output")
    parser.add_argument("--backend", default="")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--validator-in-loop", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], metavar="TASK")
    parser.add_argument("--again", nargs="*", default=[], metavar="TASK", help="tasks to run again")
    parser.add_argument("--out", type=Path, default=HERE / "tasks.json")
    given, options = parser.parse_known_args()
    given.options = [option for option in options if option != "--"]
    report: dict[str, Any] = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else {}
    report["versions"] = {"python": platform.python_version(), **environment(Settings()).versions}
    report["machine"] = f"{platform.machine()}, {platform.system()}, 2 cores"
    arm = report.setdefault("arms", {}).setdefault(given.arm, {"summary": {}, "tasks": {}})
    arm["command"] = " ".join(
        ["python benchmarks/tasks.py --tasks ... --data ... --arm", given.arm]
        + (["--backend", given.backend] if given.backend else [])
        + (["--validator-in-loop"] if given.validator_in_loop else [])
        + given.options
    )
    for task in sorted(given.tasks.glob("*.toml")):
        if (given.only and task.stem not in given.only) or (task.stem in arm["tasks"] and task.stem not in given.again):
            continue
        arm["tasks"][task.stem] = run_task(task, given)
        arm["summary"] = summary(arm["tasks"])
        given.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        cell = arm["tasks"][task.stem]
        print(task.stem, cell["verdict"], cell["minutes"], cell["reason"][:200], flush=True)
    print(json.dumps(arm["summary"], indent=1))


if __name__ == "__main__":
    main()
