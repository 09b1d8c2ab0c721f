"""Right scripts on real data are believed: what is seen of them in the sandbox gives no error."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gammapygpt import checks
from gammapygpt.sandbox import Limits, open_sandbox
from gammapygpt.settings import Settings
from gammapygpt.state import Request

TASKS = Path(__file__).resolve().parents[3] / "shared" / "tasks"
REFERENCES = sorted((TASKS / "reference").glob("*.py"))


@pytest.mark.slow
@pytest.mark.hess
@pytest.mark.parametrize("reference", REFERENCES, ids=lambda path: path.stem)
def test_a_reference_script_is_believed(reference: Path, hess_data: Path, tmp_path: Path) -> None:
    script = reference.read_text(encoding="utf-8")
    prompt = tomllib.loads((TASKS / f"{reference.stem}.toml").read_text(encoding="utf-8"))["prompt"]
    sandbox = open_sandbox(Settings(), str(hess_data), warm=False)
    execution = sandbox.run(script, Limits(wall_s=900, cpu_s=300), tmp_path)
    if execution.exception == "FileNotFoundError":
        pytest.skip(execution.message)
    assert execution.completed, execution.stderr
    assert execution.facts["failures"] == 0
    assert execution.facts["left_out"] == []
    told = checks.validate(tmp_path, [], request=Request(text=prompt), facts=execution.facts, script=script)
    assert [finding for finding in told.findings if finding.severity == "error"] == []
