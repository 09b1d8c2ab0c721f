"""Requests for the cookbook and how to run what it makes of them; for tests that import it."""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import tomllib
from pathlib import Path
from typing import Any

from gammapygpt.data.truth import truth_path
from gammapygpt.llm.base import Question
from gammapygpt.llm.cookbook import CookbookBackend
from gammapygpt.state import Request, StoreInfo

REQUESTS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))[
    "request"
]
PRELOADED = ["gammapy.estimators", "gammapy.makers", "gammapy.visualization", "matplotlib.pyplot"]


def ask_for_script(text: str, stores: list[StoreInfo]) -> str:
    """The cookbook's script for a request."""
    reply = CookbookBackend().ask(
        Question(role="coder", messages=[], form="script", request=Request(text=text, stores=stores))
    )
    assert not reply.fault, reply.fault_message
    return reply.script


def run_script(script: str, folder: Path, data: Path) -> dict[str, Any]:
    """Run a script in a folder and a process of its own, and read its `result.json`.

    The process is forked off a server that has imported Gammapy once for all scripts of a test run.
    """
    (folder / "script.py").write_text(script, encoding="utf-8")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_run_here, args=(folder, data))
    process.start()
    process.join()
    assert process.exitcode == 0, (folder / "output.txt").read_text(encoding="utf-8")[-2000:]
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def photon_flux(data: Path, low: float, high: float) -> float:
    """Integral of the simulated power law between two energies in TeV, cm-2 s-1."""
    true = {entry["key"]: entry["value"] for entry in tomllib.loads(truth_path(data).read_text())["expected"]}
    power = true["index"] - 1
    return true["amplitude"] * (low**-power - high**-power) / power


def _run_here(folder: Path, data: Path) -> None:
    """Become the script, in the forked process."""
    os.chdir(folder)
    os.environ.update(GAMMAPY_DATA=str(data), PHOTON_STORAGE=str(data), MPLBACKEND="Agg")
    output = os.open("output.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    runpy.run_path("script.py", run_name="__main__")
