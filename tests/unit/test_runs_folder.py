"""A run on disk survives what happens to runs."""

import json

import pytest

from gammapygpt.errors import UserError
from gammapygpt.runs.folder import RunFolder, slug
from gammapygpt.runs.history import find_run
from gammapygpt.state import Attempt, Draft, Execution


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Extract the spectrum of the Crab Nebula with reflected regions", "spectrum-crab-nebula"),
        ("../../etc/passwd; rm -rf", "etc-passwd-rm"),
        ("???", "run"),
    ],
)
def test_folder_is_named_after_the_request(text, name):
    assert slug(text) == name


def test_two_runs_of_one_request_have_folders_of_their_own(tmp_path):
    first, second = RunFolder.new(tmp_path, "crab"), RunFolder.new(tmp_path, "crab")
    assert first.path != second.path


def test_manifest_is_updated_entry_by_entry_and_leaves_no_temporary_file(tmp_path):
    folder = RunFolder.new(tmp_path, "crab")
    folder.update_manifest(run=folder.name, status="running")
    folder.update_manifest(status="passed")
    assert folder.manifest() == {"run": folder.name, "status": "passed"}
    assert sorted(path.name for path in folder.path.iterdir()) == ["attempts", "manifest.json"]


def test_attempt_is_on_disk_with_all_its_parts(tmp_path):
    folder = RunFolder.new(tmp_path, "crab")
    folder.keep_draft(Draft(author="coder", number=1, script="x = 1\n"), [{"role": "user", "content": "crab"}])
    execution = Execution(provider="test", exit_code=1, stdout="hello", stderr="Traceback", exception="TypeError")
    folder.keep_attempt(Attempt(number=1, author="coder", script="x = 1\n", failure="api", execution=execution))
    place = folder.path / "attempts" / "01"
    assert (place / "script.py").read_text() == "x = 1\n"
    assert (place / "stdout.txt").read_text() == "hello"
    assert json.loads((place / "execution.json").read_text())["exception"] == "TypeError"
    assert json.loads((place / "messages.json").read_text())[0]["content"] == "crab"


def test_a_torn_event_is_left_out(tmp_path):
    folder = RunFolder.new(tmp_path, "crab")
    folder.append_event({"event": "agent", "agent": "coder"})
    with (folder.path / "events.jsonl").open("a") as file:
        file.write('{"event": "att')
    assert [event["event"] for event in folder.events()] == ["agent"]


def test_a_run_belongs_to_one_process(tmp_path):
    folder = RunFolder.new(tmp_path, "crab")
    with folder.lock(), pytest.raises(UserError, match="under way"), folder.lock():
        pass
    with folder.lock():
        pass


def test_runs_are_found_by_a_part_of_their_name(tmp_path):
    crab, vela = RunFolder.new(tmp_path, "crab"), RunFolder.new(tmp_path, "vela")
    crab.update_manifest(created="2026-01-01", status="interrupted")
    vela.update_manifest(created="2026-01-02", status="passed")
    assert find_run(tmp_path, "crab").name == crab.name
    assert find_run(tmp_path, None).name == vela.name
    assert find_run(tmp_path, None, unfinished=True).name == crab.name
    with pytest.raises(UserError, match="no run"):
        find_run(tmp_path, "m87")
    with pytest.raises(UserError, match="2 runs"):
        find_run(tmp_path, "2")
