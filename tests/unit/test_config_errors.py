"""What a shell sees when a command goes wrong: one line, the right exit code, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner, Result

from gammapygpt.commands.common import assignments, command, print_json
from gammapygpt.errors import InfrastructureError, UserError

CONFIG = [sys.executable, "-c", "from gammapygpt.commands.config import app; app()"]


def outcome(error: BaseException) -> Result:
    app = typer.Typer()

    @app.command()
    @command
    def work() -> None:
        raise error

    return CliRunner().invoke(app, [])


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (
            UserError("there is no file\nx.py.", "Name another."),
            2,
            "gammapygpt: there is no file x.py. Name another.\n",
        ),
        (InfrastructureError("the server is down."), 3, "gammapygpt: the server is down.\n"),
        (KeyboardInterrupt(), 130, "gammapygpt: interrupted.\n"),
    ],
)
def test_an_error_is_one_line_with_its_exit_code(error: BaseException, code: int, line: str):
    result = outcome(error)
    assert (result.exit_code, result.stderr, result.stdout) == (code, line, "")


def test_debugging_shows_where_it_came_from(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GAMMAPYGPT_DEBUG", "1")
    error = UserError("no")
    assert outcome(error).exception is error


def test_a_reader_that_has_gone_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    answer = subprocess.run([*CONFIG, "show"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_commands_import_nothing_heavy_for_their_help():
    heavy = (
        "{'gammapy', 'astropy', 'numpy', 'langchain_core', 'langgraph', 'pydantic', 'rich', 'tomlkit', 'httpx', "
        "'jinja2', 'platformdirs'}"
    )
    code = (
        "import sys\n"
        "import gammapygpt.cli\n"
        f"print(sorted({heavy} & set(sys.modules) | {{m for m in sys.modules if m.startswith('gammapygpt.settings')}}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_json_holds_no_nan_and_knows_numpy_and_models(capsys: pytest.CaptureFixture[str]):
    import numpy as np

    from gammapygpt.state import StoreInfo

    store = StoreInfo(path=".", n_observations=1, obs_ids=[7], ra_deg=[float("nan")], dec_deg=[1.5], checksum="c")
    print_json({"a": float("inf"), "b": np.float64(2.5), "c": (np.int32(3), True), "store": store, "e": None})
    out = capsys.readouterr().out
    assert '"a": null' in out
    assert '"b": 2.5' in out
    assert '"ra_deg": [\n      null' in out


def test_assignments_are_key_equals_value():
    assert assignments(["budget.attempts=3", "data.path = a=b"]) == {"budget.attempts": "3", "data.path": "a=b"}
    assert assignments(None) == {}
    with pytest.raises(UserError, match="is not KEY=VALUE"):
        assignments(["budget.attempts"])
