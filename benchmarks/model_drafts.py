"""First drafts of a model against the API gate: how many it stops, and whether each stop was right.

    python benchmarks/model_drafts.py --config FILE --tasks FOLDER --data FOLDER [--kind bare|helped] [--attempts 1]

Each task's prompt goes through the whole product with the gate switched off, so that every draft is executed whatever
is wrong with it; then the gate judges the first one. `bare`: no retrieval, no planner, no critic, no recipe: with
several attempts the bare retry loop, its first attempt the single shot; `helped`: as users have it. FILE names an
OpenAI-compatible backend as the default one. What is there already in the output is not asked for again.
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
from time import monotonic
from typing import Any

from gammapygpt.checks.api import check_api
from gammapygpt.knowledge import environment
from gammapygpt.knowledge.facts import facts
from gammapygpt.settings import Settings

HERE = Path(__file__).resolve().parent
BARE = ("--no-retrieval", "--no-planner")
ALWAYS = ("--no-preflight", "--no-critic", "--quiet", "--json", "--set", "sandbox.verify=false")
ABOUT_NAMES = ("AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "TypeError", "UnitConversionError")
"""Exceptions of which a gate on names, calls and units might have known."""


def drafted(task: Path, prompt: str, given: argparse.Namespace) -> dict[str, Any]:
    """The drafts for one task, and what became of each when it was run."""
    with tempfile.TemporaryDirectory(prefix="drafts-") as runs:
        options = [*ALWAYS, *(BARE if given.kind == "bare" else ()), "--attempts", str(given.attempts)]
        command = [sys.executable, "-m", "gammapygpt", "run", prompt, "--config", str(given.config)]
        command += ["--data", str(given.data), "--expect", str(task), "--runs", runs, *options]
        started = monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        minutes = round((monotonic() - started) / 60, 2)
        if not done.stdout.strip():
            return {"error": done.stderr.strip()[-300:]}
        told = json.loads(done.stdout)
        attempts = sorted((Path(told["folder"]) / "attempts").glob("[0-9]*"))
        attempt = attempts[0]
        execution = attempt / "execution.json"
        return {
            "script": script_of(attempt),
            "execution": json.loads(execution.read_text(encoding="utf-8")) if execution.is_file() else None,
            "tokens": [told["usage"].get("input_tokens"), told["usage"].get("output_tokens")],
            "status": told.get("status"),
            "minutes": minutes,
            "attempts": len(attempts),
            "repeats": len(attempts) - len({script_of(folder) for folder in attempts}),
            "said": str(told.get("reason", ""))[:300],
        }


def script_of(attempt: Path) -> str:
    """What an attempt's folder holds of a script."""
    script = attempt / "script.py"
    return script.read_text(encoding="utf-8") if script.is_file() else ""


def judged(draft: dict[str, Any], gate: tuple[Any, Any]) -> dict[str, Any]:
    """The draft with the gate's findings beside how it ended."""
    execution = draft.pop("execution", None) or {}
    found = check_api(draft["script"], *gate) if draft.get("script") else []
    errors = [one for one in found if one.severity == "error"]
    ended = execution.get("exception") or execution.get("stopped_by") or ""
    ran = bool(execution) and execution.get("exit_code") == 0 and not ended
    if not draft.get("script"):
        verdict = "no script"
    elif errors:
        verdict = "wrong stop" if ran else "right stop"
    else:
        verdict = "passed, ran" if ran else "passed, failed"
    return {
        **draft,
        "verdict": verdict,
        "findings": [f"{one.line}: [{one.rule}] {one.message} {one.remedy}" for one in found],
        "exception": str(ended).rpartition(".")[2],
        "message": str(execution.get("message", ""))[:200],
        "line": execution.get("line"),
        "on the line": execution.get("line") in [one.line for one in errors],
    }


def summary(drafts: list[dict[str, Any]]) -> dict[str, Any]:
    """Verdicts, and by what the drafts failed that the gate let through."""
    missed = [one["exception"] for one in drafts if one["verdict"] == "passed, failed"]
    return {
        "drafts": len(drafts),
        "passed": sum(one.get("status") == "passed" for one in drafts),
        "passed in one": sum(one.get("status") == "passed" and one["attempts"] == 1 for one in drafts),
        **Counter(one["verdict"] for one in drafts),
        "stops on the very line that failed": sum(
            one["on the line"] for one in drafts if one["verdict"] == "right stop"
        ),
        "findings a stop": [len(one["findings"]) for one in drafts if one["verdict"] == "right stop"],
        "let through, and failed by names, calls or units": sum(one in ABOUT_NAMES for one in missed),
        "let through, and failed otherwise": dict(Counter(one for one in missed if one not in ABOUT_NAMES)),
    }


def main() -> None:
    """Ask, run, judge, write after each draft."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--tasks", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--kind", choices=["bare", "helped"], default="bare")
    parser.add_argument("--attempts", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], metavar="TASK")
    parser.add_argument("--out", type=Path, default=HERE / "model_drafts.json")
    given = parser.parse_args()
    backends = tomllib.loads(given.config.read_text(encoding="utf-8"))["backends"]
    gate = environment(Settings()), facts(Settings())
    report: dict[str, Any] = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else {}
    report.update(
        command="python benchmarks/model_drafts.py --config ... --tasks ... --data ... --kind KIND",
        models=sorted({one["model"] for one in backends.values() if one.get("model")}),
        versions={"python": platform.python_version(), **gate[0].versions},
        machine=f"{platform.machine()}, {platform.system()}, 2 cores",
    )
    drafts = report.setdefault(given.kind, {"summary": {}, "drafts": {}})
    for task in sorted(given.tasks.glob("*.toml")):
        written = tomllib.loads(task.read_text(encoding="utf-8"))
        name = task.stem
        if name in drafts["drafts"] or (given.only and name not in given.only):
            continue
        drafts["drafts"][name] = judged(drafted(task, written["prompt"], given), gate)
        drafts["summary"] = summary(list(drafts["drafts"].values()))
        given.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(name, drafts["drafts"][name]["verdict"], drafts["drafts"][name]["exception"], flush=True)
    print(json.dumps(drafts["summary"], indent=1))


if __name__ == "__main__":
    main()
