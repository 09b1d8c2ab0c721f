"""Past successes: only those that passed, never somebody's benchmark, never for the task that they answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammapygpt.knowledge.experience import past_successes, same_task, state
from gammapygpt.runs.folder import RunFolder, write_file

CRAB = "Fit a power law to the spectrum of the Crab Nebula between 1 and 10 TeV with reflected regions"
CUBE = "Make a counts cube of RX J1713.7-3946 and write it to counts.fits"


def run(
    runs: Path, text: str, script: str = "print('ok')\n", *, status: str = "passed", expect_file: str = ""
) -> RunFolder:
    """One run as `session` leaves it."""
    folder = RunFolder.new(runs, text)
    folder.update_manifest(status=status, request={"text": text, "results": [], "expect_file": expect_file})
    folder.final.mkdir()
    write_file(folder.final / "script.py", script)
    return folder


def test_a_run_that_passed_is_found_by_what_was_asked(tmp_path: Path) -> None:
    folder = run(tmp_path, f"  {CRAB}\nplease ", "amplitude = 1\n")
    (document,) = past_successes(tmp_path)
    assert document.snippet.source == f"success:{folder.name}"
    assert document.kind == "success"
    assert document.heading == document.snippet.title == f"{CRAB} please"
    assert document.snippet.text == "amplitude = 1\n"


def test_failures_benchmarks_and_damaged_runs_stay_out(tmp_path: Path) -> None:
    run(tmp_path, CRAB, status="failed")
    run(tmp_path, CRAB, status="running")
    run(tmp_path, CRAB, expect_file="/somewhere/crab.toml")
    run(tmp_path, CRAB, "def broken(:\n")
    run(tmp_path, CRAB, "x = 1\n" * 5000)
    (run(tmp_path, CRAB).final / "script.py").unlink()
    (run(tmp_path, CRAB).path / "manifest.json").write_text('{"status": "passed", "request"')
    write_file(run(tmp_path, CRAB).path / "manifest.json", '{"status": "passed", "request": "text"}')
    (run(tmp_path, CRAB).final / "script.py").write_bytes(b"\xff\xfe")
    assert past_successes(tmp_path) == []
    assert past_successes(tmp_path / "nowhere") == []


def test_the_latest_answer_to_a_question_counts(tmp_path: Path) -> None:
    for day, script in (("01", "old = 1\n"), ("03", "new = 1\n"), ("02", "middle = 1\n")):
        run(tmp_path, CRAB, script).update_manifest(created=f"2026-01-{day}T00:00:00+00:00")
    assert [document.snippet.text for document in past_successes(tmp_path)] == ["new = 1\n"]


def test_what_answered_the_same_request_is_not_shown_for_it(tmp_path: Path) -> None:
    run(tmp_path, CRAB)
    run(tmp_path, CUBE)
    assert [document.heading for document in past_successes(tmp_path, CRAB.upper())] == [CUBE]


@pytest.mark.parametrize(
    "asked",
    [
        CRAB,
        CRAB.lower() + ".",
        CRAB.replace("Fit a power law to", "Please fit a power-law to"),
        CRAB.replace("Nebula ", ""),
        "With reflected regions, the Crab Nebula's spectrum: a power law fit from 1 to 10 TeV",
    ],
)
def test_a_request_in_other_words_is_the_same_task(asked: str) -> None:
    assert same_task(asked, CRAB)


@pytest.mark.parametrize("asked", [CUBE, "How many runs lie within 2 deg of the Crab Nebula?", "", "light curve"])
def test_another_request_is_another_task(asked: str) -> None:
    assert not same_task(asked, CRAB)


def test_the_state_of_the_runs_changes_with_them(tmp_path: Path) -> None:
    assert state(tmp_path / "nowhere") == ""
    folder = run(tmp_path, CRAB)
    before = state(tmp_path)
    assert folder.name in before
    run(tmp_path, CUBE)
    assert state(tmp_path) != before
