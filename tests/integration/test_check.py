"""`gammapygpt check` on files, folders and notebooks, against the installed Gammapy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

OLD = "from gammapy.spectrum import SpectrumFit\nSpectrumFit().run()\n"
NEW = "from gammapy.maps import MapAxis\n\nprint(MapAxis)\n"
NOT_FOR_AN_AGENT = "import matplotlib.pyplot as plt\nfrom gammapy.maps import Map\n\nprint(Map)\nplt.show()\n"


@pytest.fixture
def check(tmp_path: Path):
    """`gammapygpt check` in a folder of its own."""

    def check(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gammapygpt", "check", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=dict(os.environ), timeout=300, check=False
        )

    return check


def test_a_folder_is_checked_whole_and_in_order(check, tmp_path):
    for number in range(30):
        (tmp_path / f"script{number:02d}.py").write_text(OLD if number % 10 == 3 else NEW)
    done = check(".", "--api", "--json")
    assert done.returncode == 1, done.stderr
    files = json.loads(done.stdout)["files"]
    assert [file["script"] for file in files] == [f"script{number:02d}.py" for number in range(30)]
    wrong = [file for file in files if file["findings"]]
    assert [file["script"] for file in wrong] == ["script03.py", "script13.py", "script23.py"]
    finding = wrong[0]["findings"][0]
    assert (finding["line"], finding["severity"], finding["rule"]) == (1, "error", "missing-module")
    assert finding["remedy"]


def test_one_unreadable_file_stops_nothing(check, tmp_path):
    (tmp_path / "old.py").write_text(OLD)
    (tmp_path / "latin.py").write_bytes("# r\xe9sum\xe9\n".encode("latin-1"))
    done = check("nonesuch.py", "latin.py", "old.py")
    assert done.returncode == 2
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["gammapygpt", "gammapygpt"]
    assert done.stdout.startswith("old.py:1: error: ")
    assert "2 could not be read" in done.stdout.splitlines()[-1]


def test_scripts_of_people_are_not_held_to_the_contract(check, tmp_path):
    (tmp_path / "mine.py").write_text(NOT_FOR_AN_AGENT)
    assert check("mine.py").returncode == 1
    alone = check("mine.py", "--api")
    assert (alone.returncode, alone.stdout) == (0, "mine.py: no findings\n")


def test_a_notebook_is_told_by_cell(check, tmp_path):
    sources = ["%matplotlib inline\nimport numpy as np", f"files = !ls\n{OLD}", NOT_FOR_AN_AGENT]
    cells = [{"cell_type": "code", "source": source} for source in sources]
    (tmp_path / "mine.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}}))
    done = check("mine.ipynb")
    assert done.returncode == 1
    assert done.stdout.startswith("mine.ipynb:cell 2 line 2: error: ")
    assert len(done.stdout.splitlines()) == 1


def test_formats_for_machines_hold_nothing_else(check, tmp_path):
    (tmp_path / "old.py").write_text(OLD)
    sarif = check("old.py", "--format", "sarif", "--api")
    assert json.loads(sarif.stdout)["runs"][0]["results"][0]["ruleId"] == "missing-module"
    github = check("old.py", "--format", "github", "--api")
    assert github.returncode == 1
    assert all(line.startswith("::error file=old.py,line=1,") for line in github.stdout.splitlines())
    both = check("old.py", "--json", "--format", "sarif")
    assert (both.returncode, both.stdout) == (2, "")
