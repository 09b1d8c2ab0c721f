"""The scripts that the skeptic is measured with: what their headers say, and what can be said before they are run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from gammapygpt.checks.asked import check_asked
from gammapygpt.checks.physics import check_physics
from gammapygpt.checks.provenance import check_provenance
from gammapygpt.state import Finding, Request

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
WRONG = sorted((BENCHMARKS / "skeptic" / "wrong").glob("*.py"))
RIGHT = sorted((BENCHMARKS / "skeptic" / "right").glob("*.py"))
BY_THE_SCRIPT_ALONE = {
    "no_containment_correction": "no-containment-correction",
    "background_model_of_another_dataset": "background-model-not-attached",
    "run_counted_twice": "runs-dropped",
    "literature_value": "result-from-literal",
    "fallback_of_an_except": "result-from-fallback",
    "no_runs_and_invented_numbers": "result-from-fallback",
    "flux_per_square_metre": "result-unit",
    "tev_for_erg": "result-unit",
    "flux_over_another_range": "result-energies",
    "background_not_subtracted": "result-quantity",
    "ontime_for_livetime": "result-quantity",
    "inverse_cutoff": "result-quantity",
    "galactic_read_as_icrs": "asked-position",
    "on_axis_response": "asked-offset",
    "no_ebl_absorption": "no-ebl",
    "simulation_without_seed": "no-seed",
    "response_of_the_northern_array": "asked-file",
}
"""Faults that nobody has to run a script for."""


@pytest.fixture(scope="module")
def field():
    """Reads one field of a header, as the benchmark does."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from skeptic import field
    finally:
        sys.path.pop(0)
    return field


def before_the_run(script: Path, request: str) -> list[Finding]:
    """What is found without facts and results."""
    text, asked = script.read_text(encoding="utf-8"), Request(text=request)
    found = check_physics({}, script=text, request=asked) + check_provenance(text, None, asked)
    return found + check_asked({}, asked, script=text)


@pytest.mark.parametrize("script", [*WRONG, *RIGHT], ids=lambda path: path.stem)
def test_headers(script: Path, field) -> None:
    text = script.read_text(encoding="utf-8")
    assert field(text, "request")
    assert field(text, "right")
    if script in WRONG:
        assert field(text, "wrong")
        re.compile(field(text, "fault"))
    compile(text, script.name, "exec")


@pytest.mark.parametrize("script", RIGHT, ids=lambda path: path.stem)
def test_right_scripts_have_no_error(script: Path, field) -> None:
    found = before_the_run(script, field(script.read_text(encoding="utf-8"), "request"))
    assert [one for one in found if one.severity == "error"] == []


@pytest.mark.parametrize("name", BY_THE_SCRIPT_ALONE)
def test_faults_that_the_script_shows(name: str, field) -> None:
    script = BENCHMARKS / "skeptic" / "wrong" / f"{name}.py"
    found = before_the_run(script, field(script.read_text(encoding="utf-8"), "request"))
    assert BY_THE_SCRIPT_ALONE[name] in {one.rule for one in found}


def test_there_are_enough_of_them() -> None:
    assert len(WRONG) >= 30
    assert len(RIGHT) >= 12
