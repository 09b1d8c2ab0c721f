"""Findings as people and machines read them: lines, JSON, SARIF 2.1.0, GitHub's workflow commands."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gammapygpt import __version__
from gammapygpt.commands.checked import Checked, Located
from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from gammapygpt.state import Finding

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SARIF_LEVEL = {"error": "error", "warning": "warning", "info": "note"}
GITHUB_COMMAND = {"error": "error", "warning": "warning", "info": "notice"}


def text_lines(checked: Checked) -> Iterator[str]:
    """One line a finding, as compilers do: file, line, what, remedy."""
    for located in checked.found:
        finding = located.finding
        place = f"{checked.path}:{where(located)}"
        yield clean(f"{place}: {finding.severity}: {told(finding)} [{finding.rule}]")


def where(located: Located) -> str:
    """`12`, or `cell 3 line 2` in a notebook."""
    line = located.finding.line or 1
    return f"cell {located.cell} line {line}" if located.cell else str(line)


def told(finding: Finding) -> str:
    """What is wrong and what to do."""
    return f"{finding.message} {finding.remedy}".strip()


def counted(files: Sequence[Checked]) -> str:
    """The last line about several files."""
    found = [located.finding.severity for checked in files for located in checked.found]
    errors, others = found.count("error"), len(found) - found.count("error")
    clear = sum(not checked.found and not checked.fault for checked in files)
    unread = sum(checked.fault is not None for checked in files)
    last = f", {unread} could not be read" if unread else ""
    return f"{len(files)} files: {errors} errors, {others} warnings; {clear} files without findings{last}"


def as_json(checked: Checked) -> dict[str, Any]:
    """One file as plain data."""
    found = [
        {**located.finding.model_dump(), **({"cell": located.cell} if located.cell else {})}
        for located in checked.found
    ]
    fault = {"error": str(checked.fault)} if checked.fault else {}
    return {"script": str(checked.path), "findings": found, **fault}


def github_lines(checked: Checked) -> Iterator[str]:
    """Workflow commands that GitHub shows beside the lines of a pull request."""
    file = escaped(relative(checked.path), of_property=True)
    if checked.fault:
        yield f"::error file={file}::{escaped(str(checked.fault))}"
    for located in checked.found:
        finding = located.finding
        line = "" if located.cell else f",line={finding.line or 1}"
        title = escaped(f"gammapygpt {finding.rule}", of_property=True)
        text = f"{where(located)}: {told(finding)}" if located.cell else told(finding)
        yield f"::{GITHUB_COMMAND[finding.severity]} file={file}{line},title={title}::{escaped(text)}"


def escaped(text: str, *, of_property: bool = False) -> str:
    """A text that cannot end its workflow command, nor begin another."""
    text = clean(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))
    return text.replace(":", "%3A").replace(",", "%2C") if of_property else text


def sarif(files: Sequence[Checked]) -> dict[str, Any]:
    """All files as one SARIF log, for code scanning."""
    rules = sorted({located.finding.rule for checked in files for located in checked.found})
    faults = [
        {
            "level": "error",
            "message": {"text": str(checked.fault)},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(checked.path)}}}],
        }
        for checked in files
        if checked.fault
    ]
    driver = {
        "name": "gammapygpt",
        "semanticVersion": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": rule.replace("-", " ")}} for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not faults, "toolExecutionNotifications": faults}],
        "results": [result(checked.path, located, rules) for checked in files for located in checked.found],
    }
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def result(path: Path, located: Located, rules: Sequence[str]) -> dict[str, Any]:
    """One finding in SARIF; a cell of a notebook is a logical location, for its lines are none of the file's."""
    finding = located.finding
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri(path)}}}
    if located.cell:
        location["logicalLocations"] = [{"fullyQualifiedName": where(located)}]
    else:
        location["physicalLocation"]["region"] = {"startLine": finding.line or 1}
    text = f"{where(located)}: {told(finding)}" if located.cell else told(finding)
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": SARIF_LEVEL[finding.severity],
        "message": {"text": clean(text)},
        "locations": [location],
    }


def relative(path: Path) -> str:
    """The path from here, with forward slashes; an absolute one for what lies elsewhere."""
    whole = Path(os.path.abspath(path))
    return whole.relative_to(Path.cwd()).as_posix() if whole.is_relative_to(Path.cwd()) else whole.as_posix()


def uri(path: Path) -> str:
    """The path as a URI: relative below the current folder, else `file:`."""
    found = relative(path)
    return Path(found).as_uri() if os.path.isabs(found) else quote(os.fsencode(found))


LINES = {"text": text_lines, "github": github_lines}
"""Formats that are written file by file."""
