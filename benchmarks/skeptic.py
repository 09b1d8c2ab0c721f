"""The skeptic against scripts that are silently wrong, against right ones that look suspicious, and reference scripts.

    python benchmarks/skeptic.py --data FOLDER [--reference FOLDER] [--only NAME ...]

Each script goes through `gammapygpt review` with the request in its header, on real data (H.E.S.S. DL3 DR1, MAGIC,
CTAO IRFs, catalogues of gammapy-data). The wrong ones were written from what goes wrong in practice; each says in its
header what is wrong, what would be right, and by which words (`fault`, a regular expression) a finding names that very
fault. `flagged` counts scripts with a finding of that severity that names the fault; `failed` right ones with an error.

Scripts marked `written` were added when the rules stood, and reviewed before any rule was changed for them. Of the 16
`after the rules`, 3 had an error and 6 a warning that named the fault; of the 6 `at the end` 3 had an error (a seventh
was not wrong as it was first written), and none of the 6 right ones failed. What they taught is in the rules today: the
figures below tell what is caught now, those of first sight what to expect of faults that nobody thought of.
FOLDER of the reference scripts holds NAME.py, and NAME.toml beside or above with the `prompt`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

HERE = Path(__file__).resolve().parent
SETS = HERE / "skeptic"
OUT = HERE / "skeptic.json"
FIRST_SIGHT = "12 of 22 (6 errors, 6 warnings)"
DOUBTS = ("error", "warning")


def field(text: str, name: str) -> str:
    """One field of a script's header; its other lines are indented."""
    match = re.search(rf"^# {name}: (.*(?:\n#   .*)*)", text, re.MULTILINE)
    return re.sub(r"\n#   ", " ", match[1]) if match else ""


def prompt_of(script: Path) -> str:
    """What a reference script answers."""
    for folder in (script.parent, script.parent.parent):
        task = folder / f"{script.stem}.toml"
        if task.is_file():
            return str(tomllib.loads(task.read_text(encoding="utf-8"))["prompt"]).strip()
    return ""


def review(script: Path, request: str, data: Path) -> dict[str, Any]:
    """One script through the command, as a supervisor would run it."""
    command = [sys.executable, "-m", "gammapygpt", "review", str(script), "--data", str(data), "--json"]
    started = monotonic()
    done = subprocess.run([*command, "--request", request], capture_output=True, text=True, check=False)
    told = json.loads(done.stdout) if done.stdout.strip() else {"findings": [], "error": done.stderr.strip()[-300:]}
    return {**told, "exit_code": done.returncode, "seconds": round(monotonic() - started, 1)}


def judged(script: Path, told: dict[str, Any]) -> dict[str, Any]:
    """What came out for one script."""
    text = script.read_text(encoding="utf-8")
    fault = field(text, "fault")
    findings = [one for one in told["findings"] if one["severity"] in DOUBTS]
    naming = [one for one in findings if fault and re.search(fault, f"{one['rule']} {one['message']}", re.IGNORECASE)]
    return {
        "script": script.stem,
        "later": bool(field(text, "written")),
        "ran": not any(one["rule"] == "did-not-run" for one in told["findings"]) and told["exit_code"] in (0, 1),
        "believed": told["exit_code"] == 0,
        "named by": worst(naming),
        "rules": [f"{one['severity']}: {one['rule']}" for one in findings],
        "first": (naming or findings or [{"message": told.get("error", "")}])[0]["message"][:200],
        "result": told.get("result", {}),
        "seconds": told["seconds"],
    }


def worst(findings: list[dict[str, Any]]) -> str:
    """The severity of the worst finding; empty where there is none."""
    return next((severity for severity in DOUBTS if any(one["severity"] == severity for one in findings)), "")


def summary(sets: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Counts, and the names of what is not as it should be."""
    wrong = [one for one in sets["wrong"] if one["ran"]]
    counts: dict[str, Any] = {
        "wrong scripts": len(sets["wrong"]),
        "wrong scripts that ran to their end": len(wrong),
        "flagged with an error that names the fault": sum(one["named by"] == "error" for one in wrong),
        "flagged with a warning that names the fault": sum(one["named by"] == "warning" for one in wrong),
        "believed, without a word about the fault": [one["script"] for one in wrong if not one["named by"]],
        "did not run": [one["script"] for one in sets["wrong"] if not one["ran"]],
        "written when the rules stood": sum(one["later"] for one in wrong),
        "flagged of those at first sight, before a rule was changed": FIRST_SIGHT,
    }
    for name in ("right", "reference"):
        ran = [one for one in sets[name] if one["ran"]]
        counts[f"{name} scripts"] = len(sets[name])
        counts[f"{name} scripts failed"] = [one["script"] for one in ran if not one["believed"]]
        counts[f"{name} scripts that could not run here"] = [one["script"] for one in sets[name] if not one["ran"]]
        counts[f"warnings on {name} scripts"] = sum(len(one["rules"]) for one in ran)
    return counts


def main() -> None:
    """Review all, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    scripts = {name: sorted((SETS / name).glob("*.py")) for name in ("wrong", "right")}
    scripts["reference"] = sorted(given.reference.glob("*.py")) if given.reference else []
    sets: dict[str, list[dict[str, Any]]] = {name: [] for name in scripts}
    if given.only and given.out.is_file():
        kept = json.loads(given.out.read_text(encoding="utf-8"))["scripts"]
        sets = {name: [one for one in kept.get(name, []) if one["script"] not in given.only] for name in scripts}
    for name, paths in scripts.items():
        for script in [one for one in paths if not given.only or one.stem in given.only]:
            request = field(script.read_text(encoding="utf-8"), "request") or prompt_of(script)
            found = judged(script, review(script, request, given.data))
            sets[name] = sorted([*sets[name], found], key=lambda one: str(one["script"]))
            print(f"{name}/{script.stem}: {found['named by'] or ('believed' if found['believed'] else 'error')}")
            given.out.write_text(json.dumps(told(sets), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(summary(sets), indent=1))


def told(sets: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The file: figures, how they were made, then each script."""
    made = {
        "command": "python benchmarks/skeptic.py --data $GAMMAPY_DATA --reference TASKS/reference",
        "versions": {name: version(name) for name in ("gammapygpt", "gammapy", "astropy", "numpy")},
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }
    return {"summary": summary(sets), **made, "scripts": sets}


if __name__ == "__main__":
    main()
