"""Two campaigns against each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_up_campaign import record, verdicts, written
from numpy.testing import assert_allclose
from typer.testing import CliRunner, Result

from gammapygpt.cli import app


def compare(*arguments: Path | str) -> Result:
    return CliRunner().invoke(app, ["bench", "compare", *map(str, arguments)])


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """The first campaign wins seven tasks of eight in full, and is as good in cookbook; one task has changed."""
    tasks = "abcdefgh"
    first = verdicts({**dict.fromkeys(tasks, "R"), "changed": "R"}) + verdicts(dict.fromkeys(tasks, "RF"), "cookbook")
    second = verdicts({**dict.fromkeys(tasks[:7], "F"), "h": "W"}) + verdicts(dict.fromkeys(tasks, "FR"), "cookbook")
    second += [record("changed", task_sha256="new"), record("a", "peer")]
    return written(tmp_path / "before", first), written(tmp_path / "after", second)


def test_the_same_tasks_are_compared_and_changed_ones_left_out(two):
    done = compare(*two, "--json")
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.output)
    full, cookbook = found["comparisons"]
    assert found["configurations"] == ["full", "cookbook"]
    assert (full["tasks"], full["wins"], full["losses"], full["other_form"]) == (8, 8, 0, ["changed"])
    assert_allclose((full["p"], full["p_corrected"]), (2 / 256, 4 / 256))
    assert (cookbook["difference"], cookbook["ties"], cookbook["p"]) == (0, 8, 1)
    assert found["only_second"] == ["peer"]


def test_a_person_reads_what_was_left_out_and_what_could_not_have_been_seen(two):
    lines = compare(*two).output.splitlines()
    assert lines[1].split()[:4] == ["configuration", "tasks", "before", "after"]
    assert lines[2].split()[:2] == ["full", "8"]
    text = "\n".join(lines)
    assert "full: left out, because the campaigns answered different forms of them: changed." in text
    assert "Only in after: peer." in text
    assert "With 8 common tasks, in one comparison alone: at least 6 tasks must differ" in text
    assert "50 % (1 of 2)" in text, "called passed but wrong, over all cells of the second campaign"


def test_what_cannot_be_compared_is_refused_in_one_line(tmp_path):
    cases = {
        "no task in common": verdicts({"z": "R"}),
        "never mixed": verdicts({"a": "R"}, scoring="validator-in-loop"),
        "no configuration in common": verdicts({"a": "R"}, "peer"),
        "different forms (a)": [record("a", task_sha256="new")],
        "not judged in both yet": verdicts({"a": "I"}),
    }
    here = written(tmp_path / "here", verdicts({"a": "R"}))
    for said, records in cases.items():
        done = compare(here, written(tmp_path / "there", records))
        assert done.exit_code == 2
        assert said in done.output
        assert len(done.output.strip().splitlines()) == 1
