"""Gate 1: does a script keep the contract? Static, in milliseconds, before anything is run.

A courtesy to the writer of the script, which saves a run and gives a line number and a remedy. It is no security
boundary: Python can be written so that no static check sees through it. What keeps a script in bounds is the sandbox.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from gammapygpt.checks.api import check_source
from gammapygpt.checks.files import check_files
from gammapygpt.checks.forbidden import check_forbidden
from gammapygpt.checks.output import check_output
from gammapygpt.checks.selection import check_selection
from gammapygpt.checks.source import Source, parse, syntax_finding
from gammapygpt.knowledge.facts import Facts
from gammapygpt.state import Environment, Finding


def check_contract(
    script: str,
    environment: Environment | None = None,
    expected_keys: Sequence[str] = (),
    facts: Facts | None = None,
) -> list[Finding]:
    """Findings against the script's contract, sorted by line; errors send the script back without running it.

    Parameters
    ----------
    script
        Source of one complete Python script; any text is judged, none raises.
    environment
        What can be imported where the script will run; without it imports are not judged.
    expected_keys
        Keys that `result.json` must hold; one that occurs nowhere in the script is a warning.
    facts
        What the objects of the installed Gammapy offer; without them only imports and names are judged.
    """
    source = parse(script)
    if isinstance(source, Finding):
        return [newer_python(source, environment)]
    try:
        found = list(_all_rules(source, environment, expected_keys, facts or Facts.none()))
    except RecursionError:
        return [syntax_finding("The script is nested too deeply.", "Split deep expressions into several lines.")]
    unique = {(finding.rule, finding.line, finding.message): finding for finding in found}
    return sorted(unique.values(), key=lambda finding: (finding.line is None, finding.line or 0))


def newer_python(finding: Finding, environment: Environment | None) -> Finding:
    """What this interpreter cannot parse may be good Python for a newer one: no reason to send the script back."""
    theirs = environment.python.split(".")[:2] if environment is not None else []
    newer = finding.rule == "syntax" and finding.line is not None and all(part.isdecimal() for part in theirs)
    if newer and tuple(int(part) for part in theirs) > sys.version_info[:2]:
        return finding.model_copy(update={"severity": "warning"})
    return finding


def _all_rules(
    source: Source, environment: Environment | None, expected_keys: Sequence[str], facts: Facts
) -> Iterator[Finding]:
    yield from check_source(source, environment, facts)
    yield from check_forbidden(source)
    yield from check_selection(source)
    yield from check_files(source)
    yield from check_output(source, expected_keys)
