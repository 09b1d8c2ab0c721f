"""What the API gate sees, and what it costs: old forms and their replacements, scripts that run, time for one script.

    python benchmarks/api_gate.py [--scripts LABEL=FOLDER ...] [--python LABEL=INTERPRETER ...] [--out FILE]

The forms are those of `api_forms.toml`, each a script that was run in Gammapy 2.1 (`verify_forms.py`). FOLDER holds
scripts that are right for the Gammapy of INTERPRETER (under the same LABEL; else of the one that runs this): every
error in them is a false alarm, but for packages that are not installed, which are counted apart. Scripts of a folder
whose LABEL begins with `old-` are expected to fail: the number of those that are stopped is given.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
import tomllib
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gammapygpt.checks.api import check_api
from gammapygpt.knowledge import environment
from gammapygpt.knowledge.facts import Facts, facts
from gammapygpt.settings import AnalysisSettings, Settings
from gammapygpt.state import Environment, Finding

HERE = Path(__file__).resolve().parent
NOT_INSTALLED = "is not installed."


class Gate:
    """The gate for one analysis environment, with a clock."""

    def __init__(self, python: str = "") -> None:
        settings = Settings(analysis=AnalysisSettings(python=python))
        self.environment: Environment = environment(settings)
        self.facts: Facts = facts(settings)
        self.seconds: list[float] = []

    def findings(self, script: str) -> list[Finding]:
        """What the gate says of a script."""
        begun = time.perf_counter()
        found = check_api(script, self.environment, self.facts)
        self.seconds.append(time.perf_counter() - begun)
        return found


def assembled(form: dict[str, Any], which: str, preambles: dict[str, str]) -> str:
    """The whole script of a form."""
    return "".join([*(preambles[name].lstrip("\n") for name in form.get("preamble", [])), form[which]])


def judged_forms(gate: Gate) -> dict[str, Any]:
    """Old forms by category: how many fail, how many of them the gate stops; replacements that it stops wrongly."""
    written = tomllib.loads((HERE / "api_forms.toml").read_text(encoding="utf-8"))
    table: dict[str, Counter[str]] = defaultdict(Counter)
    missed, alarms, unseeable = [], [], []
    for form in written["form"]:
        if "old" not in form:  # about installing: no script
            continue
        row = table[form["category"]]
        caught = bool(gate.findings(assembled(form, "old", written["preambles"])))
        if form.get("silent"):
            table["silent change"].update(forms=1, caught=caught)
        else:
            row.update(forms=1, caught=caught, static=form["static"], static_caught=form["static"] and caught)
            if not caught:
                (missed if form["static"] else unseeable).append(form["id"])
        if form.get("new"):
            found = [one for one in gate.findings(assembled(form, "new", written["preambles"])) if is_alarm(one)]
            row.update(replacements=1, alarms=bool(found))
            alarms += [f"{form['id']}: {one.message}" for one in found]
    return {"categories": table, "missed": missed, "not static": unseeable, "false alarms": alarms}


def is_alarm(finding: Finding) -> bool:
    """An error in a script that runs, where its packages are installed."""
    return finding.severity == "error" and not finding.message.endswith(NOT_INSTALLED)


def judged_scripts(gate: Gate, folder: Path) -> dict[str, Any]:
    """Scripts of a folder: how many are stopped, and by what."""
    scripts = sorted(folder.rglob("*.py"))
    stopped, said, absent = 0, [], 0
    for script in scripts:
        found = gate.findings(script.read_text(encoding="utf-8"))
        alarms = [one for one in found if is_alarm(one)]
        absent += any(one.message.endswith(NOT_INSTALLED) for one in found)
        stopped += bool(alarms)
        said += [f"{script.name}:{one.line}: {one.message}" for one in alarms]
    return {"scripts": len(scripts), "stopped": stopped, "package not installed": absent, "said": said}


def table_of(categories: dict[str, Counter[str]]) -> str:
    """The forms as a table."""
    head = f"{'category':24} {'forms':>6} {'caught':>7} {'':>6} {'static':>7} {'caught':>7} {'new':>5} {'alarms':>7}"
    lines = [head]
    total: Counter[str] = Counter()
    for name, row in sorted(categories.items()):
        if name != "silent change":
            total.update(row)
        lines.append(line_of(name, row))
    return "\n".join([*lines, line_of("all that fail", total)])


def line_of(name: str, row: Counter[str]) -> str:
    """One row of the table."""
    share = f"{row['caught'] / max(row['forms'], 1):.0%}"
    numbers = f"{row['forms']:>6} {row['caught']:>7} {share:>6} {row['static']:>7} {row['static_caught']:>7}"
    return f"{name:24} {numbers} {row['replacements']:>5} {row['alarms']:>7}"


def pairs(values: list[str]) -> dict[str, str]:
    """`LABEL=VALUE` arguments as a dictionary."""
    return dict(value.split("=", 1) for value in values)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scripts", action="append", default=[], metavar="LABEL=FOLDER")
    parser.add_argument("--python", action="append", default=[], metavar="LABEL=INTERPRETER")
    parser.add_argument("--out", type=Path, default=HERE / "api_gate.json")
    given = parser.parse_args()
    pythons, gate = pairs(given.python), Gate()
    forms = judged_forms(gate)
    print(table_of(forms["categories"]))
    folders = {}
    for label, folder in pairs(given.scripts).items():
        own = Gate(pythons[label]) if label in pythons else gate
        folders[label] = {"gammapy": own.environment.versions["gammapy"], **judged_scripts(own, Path(folder))}
        told = folders[label]
        print(f"{label}: {told['stopped']} of {told['scripts']} stopped (Gammapy {told['gammapy']})")
        gate.seconds += own.seconds if own is not gate else []
    milliseconds = sorted(1000 * one for one in gate.seconds)
    speed = {"scripts": len(milliseconds), "median_ms": statistics.median(milliseconds), "worst_ms": milliseconds[-1]}
    print(f"{speed['scripts']} scripts: median {speed['median_ms']:.1f} ms, worst {speed['worst_ms']:.0f} ms")
    shown = [*(f"--scripts {label}=..." for label in folders), *(f"--python {label}=..." for label in pythons)]
    report = {
        "command": " ".join(["python benchmarks/api_gate.py", *shown]),
        "versions": {
            "gammapygpt": version("gammapygpt"),
            "python": platform.python_version(),
            **gate.environment.versions,
        },
        "machine": f"{platform.machine()}, {platform.system()}, 2 cores",
        "forms": {**forms, "categories": {name: dict(row) for name, row in sorted(forms["categories"].items())}},
        "folders": folders,
        "speed": speed,
    }
    given.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
