"""What this program is made of: do the pins hold, under which licences are they, is one of them known to be unsafe?

    python scripts/audit.py [--write] [--tools ENVIRONMENT]

Run by `make audit`, with the interpreter of the project's environment; pip-audit and pip-licenses are in an environment
of their own, so that what they need is not part of what they look at. --write lays the licences down in
docs/licences.md; without it they are compared with that list. The exit code is 1 where something is wrong, and 3 where
nothing is, but not every package could be looked up: an audit that saw nothing did not pass.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name as normal

ROOT = Path(__file__).resolve().parent.parent
LICENCES = ROOT / "docs" / "licences.md"
OURS = {"gammapygpt", "pip", "setuptools", "wheel"}
"""Not dependencies of ours, or not pinned by us."""
HEAD = """# Licences

What an installation with all extras holds, and under which licence: written by `make audit WRITE=--write`. An
installation without extras holds less of it.

| package | version | licence |
| --- | --- | --- |
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--tools", type=Path, default=ROOT / ".venv" / "audit")
    options = parser.parse_args()
    wrong = [*broken(), *off_the_pins(), *licences(options.tools, write=options.write)]
    unsafe, unasked = advisories(options.tools)
    for line in [*wrong, *unsafe]:
        print(f"audit: {line}")
    if unasked:
        print(f"audit: {len(unasked)} packages could not be looked up in the database of advisories: {unasked[0]}")
    if not wrong and not unsafe and not unasked:
        print("audit: pins, licences and advisories are as they should be")
    return 1 if wrong or unsafe else 3 if unasked else 0


def pins() -> dict[str, str]:
    """Version by name, from constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = (re.match(r"([\w.\-]+)==([^\s;#]+)", line) for line in lines)
    return {normal(match[1]): match[2] for match in found if match}


def broken() -> list[str]:
    """What `pip check` says."""
    said = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    return said.stdout.splitlines() if said.returncode else []


def off_the_pins() -> Iterator[str]:
    """What is installed in another version than constraints.txt names, or is not named there."""
    known = pins()
    for one in sorted(distributions(), key=lambda one: one.name.lower()):
        if normal(one.name) in OURS:
            continue
        pin = known.get(normal(one.name))
        if pin is None:
            yield f"{one.name} {one.version} is installed, and constraints.txt does not name it"
        elif pin != one.version:
            yield f"{one.name} {one.version} is installed, and constraints.txt says {pin}"


def licences(tools: Path, *, write: bool) -> Iterator[str]:
    """What has another licence, or none that it tells of, than the list says."""
    command = [tools / "bin" / "pip-licenses", f"--python={sys.executable}", "--format=json"]
    command += ["--from=mixed", "--with-system"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    known = sorted((normal(one["Name"]), one["Version"], licence(one)) for one in told)
    table = HEAD + "".join(f"| {name} | {version} | {said} |\n" for name, version, said in known if name not in OURS)
    if write:
        LICENCES.write_text(table, encoding="utf-8")
    kept = LICENCES.read_text(encoding="utf-8").splitlines() if LICENCES.is_file() else []
    for line in table.splitlines():
        if line not in kept:
            yield f"docs/licences.md does not say: {line}"
    for name, version, said in known:
        if said == "UNKNOWN":
            yield f"{name} {version} does not tell its licence"


def licence(told: dict[str, Any]) -> str:
    """A licence in one short line; of one that is given as its whole text, the first line."""
    lines = [line.strip() for line in told["License"].splitlines() if line.strip()]
    return lines[0].replace("|", "/")[:80] if lines else "UNKNOWN"


def advisories(tools: Path) -> tuple[list[str], list[str]]:
    """Known weaknesses of what is pinned, and why some packages could not be looked up."""
    command = [tools / "bin" / "pip-audit", "-r", ROOT / "constraints.txt", "--no-deps", "--disable-pip", "-f", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        told = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return [], [f"{line}" for line in done.stderr.splitlines()[-1:]] or ["pip-audit said nothing"]
    unsafe = [
        f"{one['name']} {one['version']}: {weakness['id']}, mended in {', '.join(weakness['fix_versions']) or 'none'}"
        for one in told
        for weakness in one.get("vulns", [])
    ]
    return unsafe, [one["skip_reason"] for one in told if "skip_reason" in one]


if __name__ == "__main__":
    sys.exit(main())
