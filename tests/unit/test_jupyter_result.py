"""What a cell shows of a run, and the script that it puts into the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammapygpt.jupyter.result import RunResult
from gammapygpt.runs.folder import RunFolder, write_file
from gammapygpt.state import Attempt, Execution, Finding, Validation

NASTY = "</td><script>alert(1)</script>"
SCRIPT = 'import os\nprint(os.environ["GAMMAPY_DATA"])\n'
RESULT = {"flux": 8.4912e-11, "flux_err": 3.51e-12, NASTY: NASTY, "energy": [1.0, 3.0]}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that passed, with a result that means harm."""
    run = RunFolder.new(tmp_path, "flux of the Crab Nebula")
    warning = Finding(gate="physics", kind="physics", severity="warning", message=f"look {NASTY}", remedy="fix it")
    run.keep_attempt(
        Attempt(
            number=1,
            author="coder",
            script=SCRIPT,
            execution=Execution(provider="bubblewrap", exit_code=0),
            validation=Validation(passed=True, result=RESULT, findings=[warning]),
        )
    )
    run.update_manifest(
        status="passed",
        best=1,
        attempts=[{"number": 1, "author": "coder", "how": "first", "failure": None, "summary": ""}],
        request={"text": f"flux of\nthe Crab {NASTY}", "results": [{"key": "flux", "unit": "cm-2 s-1"}]},
        result=RESULT,
        units={"flux": "cm-2 s-1"},
        data={"path": "/data", "index_checksums": {}},
    )
    run.final.mkdir()
    write_file(run.final / "script.py", SCRIPT)
    return run


def test_table_has_units_and_errors_and_runs_nothing(run: RunFolder) -> None:
    html = RunResult(run)._repr_html_()
    assert "<td>8.49 × 10<sup>−11</sup></td><td>0.35 × 10<sup>−11</sup></td>" in html  # noqa: RUF001 - as it is set
    assert "cm<sup>−2</sup> s<sup>−1</sup>" in html  # noqa: RUF001
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "fix it" in html


def test_next_cell_says_where_the_data_are_unless_the_kernel_knows(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMMAPY_DATA", "/elsewhere")
    first, rest = RunResult(run).cell.split("\n", 1)
    assert first == f"# Run {run.name}: flux of the Crab {NASTY}"
    assert rest == f"import os\n\nos.environ['GAMMAPY_DATA'] = '/data'\n{SCRIPT}"
    monkeypatch.setenv("GAMMAPY_DATA", "/data")
    assert RunResult(run).cell.split("\n", 1)[1] == SCRIPT


def test_parts_of_a_result(run: RunFolder) -> None:
    result = RunResult(run)
    assert (result.status, result.result["flux"], result.units, result.script) == (
        "passed",
        8.4912e-11,
        {"flux": "cm-2 s-1"},
        SCRIPT,
    )
    assert repr(result).splitlines()[0] == f"{run.name}: passed"
    assert "flux" in repr(result)
    assert result.figures == []
