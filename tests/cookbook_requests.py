"""Requests for the cookbook and how to run what it makes of them; for tests that import it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from gammapygpt.llm.base import Question
from gammapygpt.llm.cookbook import CookbookBackend
from gammapygpt.state import Request, StoreInfo

REQUESTS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))[
    "request"
]


def ask_for_script(text: str, stores: list[StoreInfo]) -> str:
    """The cookbook's script for a request."""
    reply = CookbookBackend().ask(
        Question(role="coder", messages=[], form="script", request=Request(text=text, stores=stores))
    )
    assert not reply.fault, reply.fault_message
    return reply.script


def run_script(script: str, folder: Path, data: Path) -> dict[str, Any]:
    """Run a script in a folder of its own, and read its `result.json`."""
    (folder / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env={**os.environ, "GAMMAPY_DATA": str(data), "PHOTON_STORAGE": str(data), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))
