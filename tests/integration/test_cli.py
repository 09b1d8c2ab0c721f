"""The command line as a user meets it: one line for a mistake, one object with --json, the right exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SPECTRUM = "Extract the spectrum of the Crab Nebula with reflected regions and fit a power law"
COUNT = """\
import json
import re
import os
from gammapy.data import DataStore

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "dl3-simulated"))
json.dump({"n_obs": len(store.obs_table)}, open("result.json", "w"))
"""


@pytest.fixture
def gammapygpt(tmp_path: Path):
    """Run the program in an empty folder, with or without data."""

    def gammapygpt(*arguments: str, data: Path | None = None, warm: bool = False) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if key not in ("PHOTON_STORAGE", "GAMMAPY_DATA")}
        if not warm:
            environment["GAMMAPYGPT_SANDBOX__WARM"] = "false"
        if data:
            environment["PHOTON_STORAGE"] = str(data)
        return subprocess.run(
            [sys.executable, "-m", "gammapygpt", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=300,
            check=False,
        )

    return gammapygpt


def test_main_job_without_a_model_on_simulated_data(gammapygpt, simulated_data, tmp_path):
    done = gammapygpt("run", SPECTRUM, "--json", data=simulated_data, warm=True)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["status"] == "passed"
    assert outcome["attempts"] == 1
    assert outcome["usage"]["calls"] == 0
    assert outcome["result"]["index"] == pytest.approx(2.5, abs=0.15)
    choices = {choice["name"]: choice["value"] for choice in outcome["choices"]}
    assert choices["observations"] == "4 of dl3-simulated: 1, 2, 3, 4"
    assert choices["containment correction"].startswith("applied")
    assert choices["fit"] == "converged, covariance valid (minuit)"
    assert {warning["severity"] for warning in outcome["warnings"]} <= {"warning", "info"}
    final = Path(outcome["folder"]) / "final"
    assert {"script.py", "result.json", "report.html", "notebook.ipynb"} <= {path.name for path in final.iterdir()}
    assert list(final.glob("*.png"))
    assert "backend cookbook" in done.stderr.splitlines()[0]

    shown = gammapygpt("runs", "show")
    assert "index" in shown.stdout
    assert re.search(r"containment correction +applied", shown.stdout)
    assert "converged, covariance valid" in (final / "report.html").read_text()
    assert "passed" in gammapygpt("runs", "list").stdout
    again = gammapygpt("resume", "--json", warm=True)
    assert json.loads(again.stdout)["result"] == outcome["result"]


def test_what_the_cookbook_cannot_do_is_said_plainly(gammapygpt, simulated_data):
    done = gammapygpt("run", "Make a phase-folded histogram of the Crab pulsar", "--json", data=simulated_data)
    assert done.returncode == 1
    outcome = json.loads(done.stdout)
    assert outcome["status"] == "refused"
    assert "phase" in outcome["reason"]
    assert "It can do" in outcome["reason"]


def test_mistakes_of_the_user_are_one_line_and_exit_code_2(gammapygpt, simulated_data, tmp_path):
    (tmp_path / "data-with-no-store").mkdir()
    mistakes = [
        gammapygpt("run", SPECTRUM),
        gammapygpt("run", "  ", data=simulated_data),
        gammapygpt("run", SPECTRUM, "--backend", "nonesuch", data=simulated_data),
        gammapygpt("run", SPECTRUM, "--expect", "nonesuch.toml", data=simulated_data),
        gammapygpt("run", SPECTRUM, "--data", "nonesuch"),
        gammapygpt("resume"),
        gammapygpt("runs", "show", "nonesuch"),
        gammapygpt("check", "nonesuch.py"),
    ]
    for done in mistakes:
        assert done.returncode == 2, done
        assert done.stdout == ""
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "runs").exists(), "a mistake leaves nothing behind"


def test_json_is_the_only_thing_on_standard_output_even_for_mistakes(gammapygpt):
    done = gammapygpt("run", SPECTRUM, "--json")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert told["status"] == "error"
    assert {"run", "status", "attempts", "result", "usage", "folder"} <= told.keys()


def test_a_server_that_is_not_there_is_infrastructure_and_the_run_can_be_resumed(gammapygpt, simulated_data, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        'default_backend = "gone"\n[backends.gone]\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\nretries = 0\n'
        "abilities = []\n"
    )
    done = gammapygpt("run", SPECTRUM, "--no-drafts", "--json", "--config", str(config), data=simulated_data)
    assert done.returncode == 3
    told = json.loads(done.stdout)
    assert told["status"] == "infrastructure"
    assert told["attempts"] == 0
    listed = json.loads(gammapygpt("runs", "list", "--json").stdout)
    assert "interrupted" in json.dumps(listed)


def test_check_names_line_reason_and_remedy(gammapygpt, tmp_path):
    script = tmp_path / "old.py"
    script.write_text("from gammapy.spectrum import SpectrumFit\nSpectrumFit().run()\n")
    done = gammapygpt("check", "old.py")
    assert done.returncode == 1
    assert done.stdout.startswith("old.py:1: error:")
    assert "gammapy.spectrum" in done.stdout
    script.write_text(COUNT)
    assert gammapygpt("check", "old.py").returncode == 0


def test_exec_puts_a_script_through_all_gates(gammapygpt, simulated_data, tmp_path):
    (tmp_path / "count.py").write_text(COUNT)
    expected = tmp_path / "expected.toml"
    expected.write_text('[[expected]]\nkey = "n_obs"\ntype = "int"\nvalue = 4\nabs_tol = 0\n')
    right = gammapygpt("exec", "count.py", "--expect", str(expected), "--json", data=simulated_data)
    assert right.returncode == 0, right.stderr
    assert json.loads(right.stdout)["result"]["n_obs"] == 4
    expected.write_text('[[expected]]\nkey = "n_obs"\ntype = "int"\nvalue = 5\nabs_tol = 0\n')
    wrong = gammapygpt("exec", "count.py", "--expect", str(expected), "--json", data=simulated_data)
    assert wrong.returncode == 1
    assert json.loads(wrong.stdout)["failures"] == ["wrong_value"]
    (tmp_path / "count.py").write_text("raise SystemExit(3)\n")
    failed = gammapygpt("exec", "count.py", "--no-preflight", data=simulated_data)
    assert failed.returncode == 1
    (tmp_path / "count.py").write_text("from gammapy.spectrum import FluxPoints\n")
    old = gammapygpt("exec", "count.py", "--no-preflight", data=simulated_data)
    assert "write: from gammapy.estimators import FluxPoints" in old.stderr


@pytest.mark.slow
def test_two_runs_at_once_keep_out_of_each_others_way(tmp_path, simulated_data):
    command = [sys.executable, "-m", "gammapygpt", "run", "number of observations of the Crab Nebula", "--json"]
    environment = {**os.environ, "PHOTON_STORAGE": str(simulated_data)}
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment)
        for _ in range(2)
    ]
    outcomes = [json.loads(process.communicate(timeout=300)[0]) for process in both]
    assert [outcome["status"] for outcome in outcomes] == ["passed", "passed"]
    assert outcomes[0]["folder"] != outcomes[1]["folder"]
    assert outcomes[0]["result"]["n_obs"] == outcomes[1]["result"]["n_obs"] == 4
