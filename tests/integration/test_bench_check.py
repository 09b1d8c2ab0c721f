"""The self-check of task sets: every kind of fault is found, and the shipped sets have none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gammapygpt.evals.check import check_place, check_script, check_task, read_all
from gammapygpt.evals.task import SHIPPED, task_files, task_sets
from gammapygpt.sandbox.interpreter import interpreter
from gammapygpt.settings import Settings

TASK = """
id = "excess"
datasets = ["dl3-simulated"]
silent = false
prompt = '''
Use $GAMMAPY_DATA/dl3-simulated. Write result.json with "n_obs" and "flux" (cm-2 s-1).
'''

[reference]
script = "reference/excess.py"

[[expected]]
key = "n_obs"
value = 4
why = "exact"

[[expected]]
key = "flux"
value = 2.5e-11
rel_tol = 0.1
unit = "cm-2 s-1"
why = "binning"

[[accepted]]
label = "finer bins"
values = { n_obs = 4, flux = 2.6e-11 }

[[wrong]]
label = "another unit"
values = { n_obs = 4, flux = 2.5e-7 }
rejected_by = ["flux"]
"""
SCRIPT = """
import json, os
from gammapy.data import DataStore
store = DataStore.from_dir(os.environ["GAMMAPY_DATA"] + "/dl3-simulated")
json.dump({"n_obs": len(store.obs_table), "flux": FLUX}, open("result.json", "w"))
"""


@pytest.fixture
def write(tmp_path: Path):
    """Write the task above, changed here and there, and its script; returns the task's file."""

    def write(*changes: tuple[str, str], script: str = SCRIPT.replace("FLUX", "2.45e-11")) -> Path:
        text = TASK
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "reference").mkdir(exist_ok=True)
        (tmp_path / "reference" / "excess.py").write_text(script)
        (tmp_path / "excess.toml").write_text(text)
        return tmp_path / "excess.toml"

    return write


def problems(*files: Path) -> list[str]:
    tasks, unread = read_all(files)
    return [problem.what for problem in [*unread, *(found for task in tasks for found in check_task(task))]]


def test_a_sound_task_has_no_problem(write):
    assert problems(write()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "excess"', 'id = "flux"', "its id is `flux`."),
        ("rel_tol = 0.1\n", "", "abs_tol or rel_tol is missing"),
        ("rel_tol = 0.1", "rel_tol = 1.5", "lets 0 pass"),
        ('why = "binning"', 'why = ""', "`flux` has no why."),
        ('unit = "cm-2 s-1"', "", "`flux` has no unit."),
        ('unit = "cm-2 s-1"', 'unit = "per area"', "the unit `per area` of `flux` is unknown."),
        ('"n_obs" and', "the number and", "its prompt does not name `n_obs`."),
        ("Write result", "It is 2.5e-11. Write result", "its prompt holds the value of `flux`."),
        ('datasets = ["dl3-simulated"]', 'datasets = ["magic"]', "`dl3-simulated` of its prompt is not among"),
        ("flux = 2.6e-11", "flux = 2.9e-11", "the accepted variant `finer bins` fails by `flux`."),
        ("flux = 2.5e-7", "flux = 2.6e-11", "the wrong answer `another unit` is not rejected by `flux`."),
        ('rejected_by = ["flux"]', 'rejected_by = ["flux", "n_obs"]', "is not rejected by `n_obs`."),
        ('rejected_by = ["flux"]', 'rejected_by = ["index"]', "rejected by `index`, which nobody expects."),
        ('rejected_by = ["flux"]', "", "does not say what rejects it."),
        ("{ n_obs = 4, flux = 2.5e-7 }", "{ flux = 2.5e-7 }", "lacks `n_obs`."),
        ("silent = false", "silent = true", "it is silent, with fewer than two wrong answers."),
        (TASK[TASK.index("[[wrong]]") :], "", "it has no wrong answer."),
        ('script = "reference/excess.py"', 'script = "reference/other.py"', "reference/other.py."),
        (TASK[TASK.index("[reference]") : TASK.index("[[expected]]")], "", "it has no reference script."),
        ('key = "flux"', 'key = "n_obs"', "the key `n_obs` occurs twice."),
        ("prompt =", "promt =", "has no prompt."),
    ],
)
def test_every_fault_is_said(write, old: str, new: str, said: str):
    found = problems(write((old, new)))
    assert any(said in one for one in found), found


def test_an_id_is_used_once(write, tmp_path: Path):
    file = write()
    copy = tmp_path / "copy.toml"
    copy.write_text(file.read_text())
    assert problems(file, copy) == [f"its id `excess` is that of {file}."]


def test_a_reference_script_keeps_the_contract(write):
    file = write(script="from gammapy.maps import NoSuchThing\nNoSuchThing()\n")
    (found, *_) = check_script(read_all([file])[0][0], Settings())
    assert found.file.name == "excess.py"
    assert "NoSuchThing" in found.what


def test_a_task_that_scripts_could_read_is_no_task(write, tmp_path: Path):
    task = read_all([write()])[0][0]
    assert check_place(task, Settings(), None) == []
    (found,) = check_place(task, Settings(), tmp_path)
    assert found.what == "it lies where scripts could read it."
    inside = Path(interpreter().folders[0]) / "excess.toml"
    assert check_place(task.model_copy(update={"path": inside}), Settings(), None) != []
    shipped = read_all(task_files("public")[:1])[0][0]
    assert check_place(shipped, Settings(), SHIPPED.parent.parent.parent) == []  # hidden wherever it is


@pytest.mark.parametrize("name", task_sets())
def test_the_shipped_sets_are_sound(name: str):
    tasks, unread = read_all(task_files(name))
    assert unread == []
    assert [problem for task in tasks for problem in check_task(task)] == []
    assert [problem for task in tasks for problem in check_script(task, Settings())] == []


def bench_check(*arguments: object) -> tuple[int, str]:
    command = [sys.executable, "-m", "gammapygpt", "bench", "check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout or done.stderr


def test_scripts_are_run_and_what_has_no_data_is_said(write, tmp_path: Path, simulated_data: Path):
    text, script = write().read_text(), (tmp_path / "reference" / "excess.py").read_text()
    (tmp_path / "elsewhere.toml").write_text(
        text.replace("dl3-simulated", "dl3-nowhere").replace("excess", "elsewhere")
    )
    (tmp_path / "wrong.toml").write_text(text.replace("excess", "wrong"))
    (tmp_path / "reference" / "elsewhere.py").write_text(script)
    (tmp_path / "reference" / "wrong.py").write_text(script.replace("2.45e-11", "7e-11"))
    code, said = bench_check(tmp_path, "--data", simulated_data, "--workers", 2, "--json")
    told = json.loads(said)
    assert code == 1
    assert [problem["what"] for problem in told["problems"]] == ["its result fails by flux = 7e-11."]
    assert {name: ran["right"] for name, ran in told["ran"].items()} == {"excess": True, "wrong": False}
    assert told["skipped"] == {"elsewhere": ["dl3-nowhere"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", task_sets())
def test_the_shipped_reference_scripts_are_right(name: str, hess_data: Path):
    code, said = bench_check(name, "--data", hess_data, "--workers", 2)
    assert code == 0, said
