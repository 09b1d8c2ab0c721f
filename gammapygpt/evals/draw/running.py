"""Run reference scripts, in this process.

They are this package's own, filled in with numbers of its own drawing, so that no sandbox is needed; and one import of
Gammapy, which takes longer than most of them, serves all.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gammapygpt.temporary import temporary_folder


def run_script(source: str, data: Path) -> dict[str, Any]:
    """Run one script over a data folder.

    Returns
    -------
    dict
        What it wrote into result.json.

    Raises
    ------
    AssertionError
        The script found that it cannot answer.
    """
    with alone(data), temporary_folder() as folder, contextlib.chdir(folder):
        exec(compile(source, "reference.py", "exec"), {"__name__": "__main__"})
        result: dict[str, Any] = json.loads(Path("result.json").read_text(encoding="utf-8"))
    return result


@contextlib.contextmanager
def alone(data: Path) -> Iterator[None]:
    """What a script sees of the world, and nobody of what it says."""
    before = os.environ.get("GAMMAPY_DATA")
    disabled = logging.root.manager.disable
    os.environ["GAMMAPY_DATA"] = str(data)
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        os.environ.pop("GAMMAPY_DATA")
        if before is not None:
            os.environ["GAMMAPY_DATA"] = before
