"""`gammapygpt runs` and the tables that it and `run` print."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gammapygpt.commands import runs, tables
from gammapygpt.runs.folder import RunFolder, write_json
from gammapygpt.runs.history import status
from gammapygpt.runs.results import clean, lines, rounded, shown, units_of
from gammapygpt.state import ResultSpec

RESULT = {
    "index": 2.6914,
    "index_err": 0.0873,
    "flux": 8.4912e-11,
    "flux_err": 3.51e-12,
    "n_obs": 4,
    "_meta": {"units": {"flux": "cm-2 s-1"}},
}


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (2.6914, 0.0873, ("2.69", "0.09")),
        (2.6914, 0.123, ("2.69", "0.12")),
        (8.4912e-11, 3.51e-12, ("8.49e-11", "0.35e-11")),
        (9.9996e-11, 1e-13, ("1.0000e-10", "0.0010e-10")),
        (3.2e7, 1.1e6, ("3.20e+07", "0.11e+07")),
        (1234, 40.3, ("1234", "40")),
        (12345.6, 351.0, ("12346", "351")),
        (-2.5, 0.0962, ("-2.50", "0.10")),
        (0.0, 0.5, ("0.0", "0.5")),
        (1e-12, 5.0, ("0", "5")),
        (1.0, 1e-20, ("1", "1e-20")),
        (1.5, 0.0, ("1.5", "0")),
        (1.5, math.nan, ("1.5", "nan")),
        (math.inf, 0.1, ("inf", "0.1")),
        (10**30, 10**28, ("1.000e+30", "0.010e+30")),
    ],
)
def test_error_decides_how_many_digits_are_shown(value: float, error: float, text: tuple[str, str]) -> None:
    assert rounded(value, error) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4, "4"),
        (1.7571234, "1.75712"),
        (8.4912345e-11, "8.49123e-11"),
        (10**400, "1.00000e+400"),
        (True, "true"),
        (None, "null"),
        ([1, 2.5, "a"], "1, 2.5, a"),
        (list(range(40)), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … (40 in all)"),
        ("two\n lines", "two lines"),
        ("x" * 500, "x" * 199 + "…"),
    ],
)
def test_values_without_error(value: object, text: str) -> None:
    assert shown(value) == text


def test_companions_stand_beside_their_values() -> None:
    found = lines(
        {"flux": [1.0, 2.0], "flux_err": [0.1, 0.02], "lonely_err": 0.5, "_meta": {}},
        {"flux": "cm-2 s-1"},
        {"flux": [1.1, 2.1]},
    )
    assert found == [
        ("flux", "1.00, 2.000", "0.10, 0.020", "cm-2 s-1", "1.1, 2.1"),
        ("lonely_err", "0.5", "", "", ""),
    ]


def test_unit_of_the_request_goes_before_that_of_the_script() -> None:
    result = {"_meta": {"units": {"flux": "m-2 s-1", "livetime": "h", "odd": 3}}}
    specs = [ResultSpec(key="flux", unit="cm-2 s-1"), ResultSpec(key="livetime")]
    assert units_of(result, specs) == {"flux": "cm-2 s-1", "livetime": "h"}
    assert units_of({"_meta": "no table"}, []) == {}


def test_results_table_in_a_pipe_is_aligned_lines() -> None:
    headers, rows = tables.results_rows(RESULT, {"flux": "cm-2 s-1"}, {"index": 2.63, "index_err": 0.01})
    assert tables.aligned(headers, rows).splitlines() == [
        "result     value     error      reference  unit",
        "index       2.69      0.09  2.630 ± 0.010",
        "flux    8.49e-11  0.35e-11                 cm-2 s-1",
        "n_obs          4",
    ]


def test_table_on_a_terminal_reads_no_markup_and_no_escapes() -> None:
    from rich.console import Console

    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system="truecolor")
    console.print(tables.results_table({"[bold]k": "\x1b[31m[link=http://x]red[/link]\u202e\x07"}, {}))
    text = screen.getvalue()
    assert "[bold]k" in text
    assert "�[31m[link=http://x]red[/link]��" in text
    assert "\x1b[31m" not in text


def test_clean_keeps_the_text_of_people() -> None:
    assert clean("Größe 5\u202fTeV\n\tČerenkov") == "Größe 5\u202fTeV\n\tČerenkov"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Three runs: one passed, one failed, one killed."""
    make(tmp_path, "spectrum Crab", "2026-11-21T10:00:00+00:00", "passed", finished=True)
    make(tmp_path, "significance MSH", "2026-11-22T10:00:00+00:00", "failed", finished=True)
    make(tmp_path, "lightcurve PKS", "2026-11-23T10:00:00+00:00", "running", finished=False)
    return tmp_path


def make(place: Path, text: str, created: str, status: str, *, finished: bool) -> RunFolder:
    run = RunFolder.new(place, text)
    run.update_manifest(
        run=run.name,
        created=created,
        status=status,
        reason="attempt 2 passed" if status == "passed" else "TypeError",
        request={"text": text, "results": [], "expect_file": ""},
        switches={"coder_backend": "blablador"},
        settings={"backends": {"blablador": {"base_url": "https://me:secret@example.org/v1"}}},
    )
    run.append_event({"event": "agent", "agent": "planner"})
    run.append_event({"event": "asked", "agent": "coder", "backend": "blablador"})
    run.append_event({"event": "answered", "agent": "coder", "model": "m", "calls": 1, "input_tokens": 900,
                      "output_tokens": 50, "cached_tokens": 0, "model_s": 1.5, "fault": ""})  # fmt: skip
    run.append_event({"event": "attempted", "attempt": 1, "failure": "api", "summary": "gone", "seconds": None})
    if finished:
        run.append_event({"event": "criticised", "attempt": 2, "diagnosis": "fine", "advice": "", "action": "accept",
                          "concerns": ["the index is \x1b[1msteep"]})  # fmt: skip
        attempts = [
            {"number": 1, "how": "first", "failure": "api", "summary": "gone", "wall_s": None},
            {"number": 2, "how": "repair", "failure": None, "summary": "The script ran.", "wall_s": 12.34},
        ]
        usage = {"calls": 2, "input_tokens": 1800, "output_tokens": 99, "cached_tokens": 700, "wall_s": 20.0}
        run.update_manifest(attempts=attempts, usage=usage, result=RESULT if status == "passed" else {})
        run.final.mkdir()
        (run.final / "report.html").write_text("<html></html>")
        (run.final / "sed.png").write_bytes(b"")
    return run


def call(*arguments: str) -> Result:
    return CliRunner().invoke(runs.app, list(arguments))


def test_list_is_one_line_a_run_the_latest_last(place: Path) -> None:
    output = call("list", "--runs", str(place)).stdout.splitlines()
    assert output[0].split() == ["run", "created", "status", "attempts", "backend", "request"]
    assert [line.split()[-2:] for line in output[1:]] == [
        ["spectrum", "Crab"],
        ["significance", "MSH"],
        ["lightcurve", "PKS"],
    ]
    assert [line.split()[3] for line in output[1:]] == ["passed", "failed", "interrupted"]
    assert [line.split()[4] for line in output[1:]] == ["2", "2", "1"]


def test_run_that_is_under_way_is_told_from_one_that_was_killed(place: Path) -> None:
    killed = RunFolder(next(place.glob("*lightcurve*")))
    with killed.lock():
        found = json.loads(call("list", "--json", "--runs", str(place)).stdout)["runs"]
    assert found[-1]["status"] == "running"
    assert status(killed) == "interrupted"


def test_no_runs_is_no_error(tmp_path: Path) -> None:
    assert json.loads(call("list", "--json", "--runs", str(tmp_path)).stdout) == {"runs": []}
    result = call("list", "--runs", str(tmp_path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no runs below" in result.stderr


def test_show_tells_how_a_run_ended(place: Path) -> None:
    output = call("show", "crab", "--runs", str(place)).stdout
    assert "backend blablador\nspectrum Crab\npassed: attempt 2 passed\n" in output
    assert "flux    8.49e-11  0.35e-11  cm-2 s-1\n" in output
    assert "look at: the index is �[1msteep\n" in output
    assert "  2  repair  passed      12.3  The script ran.\n" in output
    assert "used:    2 model calls, 1800 tokens in (700 cached), 99 out, 20.0 s\n" in output
    assert "final/sed.png\n" in output
    assert "final/report.html\n" in output


def test_script_of_the_user_has_no_backend(place: Path) -> None:
    run = RunFolder.new(place, "exec mine.py")
    run.update_manifest(status="passed", switches={"coder_backend": "cookbook"}, attempts=[{"number": 1}])
    assert runs.row(run)["backend"] == "none"


def test_show_of_an_unfinished_run_counts_what_it_spent(place: Path) -> None:
    output = call("show", "--runs", str(place)).stdout
    assert "interrupted: TypeError" in output
    assert "used:    1 model call, 900 tokens in, 50 out\n" in output
    assert "  1  api      gone\n" in output
    assert "report:" not in output


def test_candidate_that_was_not_kept_is_not_called_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    attempts = [
        {"number": 1, "author": "coder", "how": "first", "failure": None, "summary": "The script ran.", "wall_s": 9.0},
        {"number": 2, "author": "optimiser", "how": "candidate", "failure": None, "summary": "slower", "wall_s": 12.0},
    ]
    tables.show_attempts(attempts, 1)
    assert [line.split()[2:4] for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["passed", "9.0"],
        ["not", "kept"],
    ]


def test_show_as_json_keeps_numbers_and_no_password(place: Path) -> None:
    result = call("show", "crab", "--json", "--runs", str(place))
    told = json.loads(result.stdout)
    assert told["result"]["index"] == 2.6914
    assert told["usage"]["input_tokens"] == 1800
    assert told["concerns"] == ["the index is \x1b[1msteep"]
    assert "secret" not in result.stdout


def test_events_are_readable(place: Path) -> None:
    output = call("show", "msh", "--events", "--runs", str(place)).stdout
    assert [line[10:] for line in output.splitlines() if line[0].isdigit()] == [
        "agent planner",
        "asked coder blablador",
        "coder: m, 900 tokens in, 50 out, 1.5 s",
        "executor: attempt 1 api. gone",
        "critic: fine -> accept",
    ]
    assert "\n  look at: the index is �[1msteep\n" in output


def test_ambiguous_and_unknown_names_are_mistakes_of_the_user(place: Path) -> None:
    for name, message in (("2026-", "3 runs"), ("vela", "no run named 'vela'")):
        result = call("show", name, "--runs", str(place))
        assert result.exit_code == 2
        assert message in result.stderr


def test_half_characters_of_a_script_do_not_break_the_run_folder(tmp_path: Path) -> None:
    write_json(tmp_path / "validation.json", {"note": "\ud800"})
    assert json.loads((tmp_path / "validation.json").read_text()) == {"note": "\ud800"}
    run = RunFolder.new(tmp_path, "half")
    run.update_manifest(status="passed", result={"note": "\ud800"})
    told = call("show", "half", "--json", "--runs", str(tmp_path))
    assert json.loads(told.stdout)["result"] == {"note": "\ud800"}
    assert call("show", "half", "--runs", str(tmp_path)).exit_code == 0
