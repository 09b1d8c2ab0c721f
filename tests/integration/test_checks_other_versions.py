"""The API gate for another Gammapy than the one beside us: scripts are judged by the interpreter that will run them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gammapygpt.checks.api import check_api
from gammapygpt.knowledge import environment, sources
from gammapygpt.knowledge.facts import facts
from gammapygpt.settings import AnalysisSettings, Settings

VERSION = "2.0"
COMPANIONS = ["regions<0.11", "astropy<8", "numpy<2.2", "scipy<1.16", "matplotlib<3.11", "iminuit<3", "pydantic<3"]
ABSENT = re.compile(r"The module `\w+` is not installed\.")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings for a virtual environment with that version, or a skip that says why there is none."""
    folder = tmp_path_factory.mktemp("other") / "venv"
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    wanted = [f"gammapy=={VERSION}", *COMPANIONS]
    done = subprocess.run([python, "-m", "pip", "install", "-q", *wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Gammapy {VERSION} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    return Settings(analysis=AnalysisSettings(python=str(python)))


@pytest.mark.slow
def test_a_script_is_judged_by_the_version_that_will_run_it(other: Settings) -> None:
    known, offered = environment(other), facts(other)
    assert known.versions["gammapy"] == VERSION
    assert offered.unread == {}
    (old,) = check_api("from gammapy.irf import load_cta_irfs\n", known, offered)
    assert "gammapy 2.0" in old.message
    still_right = "from gammapy.estimators import TSMapEstimator\nTSMapEstimator(model=None)\n"
    assert check_api(still_right, known, offered) == []
    assert [one.severity for one in check_api(still_right, environment(Settings()), facts(Settings()))] == ["warning"]
    too_new = "from gammapy.estimators import TSMapEstimator\nTSMapEstimator(kernel_model=None)\n"
    assert [one.rule for one in check_api(too_new, known, offered)] == ["no-keyword"]


@pytest.mark.slow
def test_its_own_tutorials_have_no_error(other: Settings) -> None:
    tree = sources.source_tree(VERSION)
    if tree.folder is None:
        pytest.skip(tree.reason)
    known, offered = environment(other), facts(other)
    scripts = sorted(Path(tree.folder, "examples").rglob("*.py"))
    assert len(scripts) > 40
    wrong = [
        f"{script.name}:{one.line}: {one.message}"
        for script in scripts
        for one in check_api(script.read_text(encoding="utf-8"), known, offered)
        if one.severity == "error" and not ABSENT.fullmatch(one.message)
    ]
    assert wrong == []
