"""`report` and `export`: a run as a page, finished or not, and taken out of its folder."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gammapygpt.cli import app
from gammapygpt.runs.folder import RunFolder, write_file, write_json
from gammapygpt.state import Attempt, Draft, Execution, Finding, Validation

RIGHT = 'import json\nprint("counting")\njson.dump({"n_obs": 4}, open("result.json", "w"))\n'
WRONG = "import json\nprint(missing)\n"
SECRET = "tell-no-one"


@pytest.fixture
def finished(tmp_path: Path) -> RunFolder:
    """A run whose second attempt passed."""
    run = begun(tmp_path, "count the observations")
    run.keep_attempt(
        Attempt(
            number=2,
            author="coder",
            how="repair",
            script=RIGHT,
            execution=Execution(provider="bubblewrap", exit_code=0, wall_s=1.5, stdout="counting\n"),
            validation=Validation(passed=True, result={"n_obs": 4}),
        )
    )
    attempts = [
        {"number": 1, "author": "coder", "how": "first", "failure": "api", "summary": "gone"},
        {"number": 2, "author": "coder", "how": "repair", "failure": None, "summary": "The script ran."},
    ]
    run.update_manifest(status="passed", best=2, attempts=attempts, result={"n_obs": 4}, units={"n_obs": ""})
    run.final.mkdir()
    write_file(run.final / "script.py", RIGHT)
    write_json(run.final / "result.json", {"n_obs": 4})
    write_file(run.final / "notebook.ipynb", "{}")
    (run.final / "events.fits.gz").write_bytes(b"private")
    return run


def begun(place: Path, text: str) -> RunFolder:
    """A run of which one attempt has failed, and whose second one is being written."""
    run = RunFolder.new(place, text)
    settings = {"backends": {"mine": {"kind": "openai", "base_url": f"https://me:{SECRET}@example.org/v1"}}}
    run.update_manifest(
        run=run.name,
        created="2026-11-24T10:00:00+00:00",
        status="running",
        request={"text": text, "results": [], "expect_file": f"/home/{SECRET}/crab.toml"},
        settings=settings,
        overrides={"backends.mine.base_url": f"https://me:{SECRET}@example.org/v1"},
        versions={"gammapygpt": "0.1", "gammapy": "2.1"},
        data={"path": "/data", "index_checksums": {"mine": "ab" * 32}},
    )
    run.append_event({"event": "planned", "steps": ["count them"], "recipe": ""})
    run.append_event({"event": "drafted", "attempt": 1, "how": "first", "fault": ""})
    run.keep_draft(Draft(author="coder", number=1, script=WRONG), [])
    finding = Finding(gate="api", kind="api", message="no name `missing`", line=2)
    run.keep_attempt(Attempt(number=1, author="coder", script=WRONG, findings=[finding], failure="api"))
    run.append_event({"event": "attempted", "attempt": 1, "failure": "api", "summary": "gone", "seconds": None})
    return run


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_report_is_made_anew_from_the_folder(finished: RunFolder) -> None:
    result = call("report", "observations", "--runs", str(finished.path.parent))
    page = finished.final / "report.html"
    assert Path(result.stdout.strip()) == page.resolve()
    text = page.read_text()
    assert "count the observations" in text
    assert "What it changed in the script of attempt 1" in text
    assert "no name `missing`" in text
    assert "1.5 s in the sandbox" in text
    assert SECRET not in text


def test_report_of_a_run_that_is_not_finished(tmp_path: Path) -> None:
    run = begun(tmp_path / "runs", "count them")
    page = tmp_path / "page.html"
    assert call("report", "--runs", str(run.path.parent), "--output", str(page)).exit_code == 0
    text = page.read_text()
    assert "not finished" in text
    assert "there are no numbers to rely on yet" in text
    assert "count them" in text
    assert "no name `missing`" in text
    assert not run.final.exists(), "nothing is put into a run that is still at work"


def test_report_of_a_run_that_waits_for_an_answer(tmp_path: Path) -> None:
    run = begun(tmp_path / "runs", "count them")
    question = {"about": "plan", "number": 0, "plan": {"steps": ["count <all>"]}, "script": "", "findings": []}
    run.update_manifest(status="interrupted", reason="waits for the user to approve the plan", question=question)
    text = Path(call("report", "--runs", str(run.path.parent)).stdout.strip()).read_text()
    assert "Waits for you to approve the plan" in text
    assert "count &lt;all&gt;" in text


def test_attempts_that_a_fork_took_over_have_their_verdict(finished: RunFolder, tmp_path: Path) -> None:
    forked = RunFolder.new(tmp_path / "forked", "count them")
    forked.update_manifest(status="running", request={"text": "count them"}, forked={"run": finished.name})
    forked.copy_attempts(finished, [1])
    text = Path(call("report", "--runs", str(forked.path.parent)).stdout.strip()).read_text()
    assert f"Forked from run {finished.name}" in text
    assert "no name `missing`" in text
    assert ">api</span>" in text


def test_place_that_cannot_be_written_is_a_mistake_of_the_user(finished: RunFolder) -> None:
    result = call("report", "--runs", str(finished.path.parent), "--output", "/nowhere/page.html")
    assert result.exit_code == 2
    assert "cannot write /nowhere/page.html" in result.stderr


def test_open_asks_the_browser_where_there_is_a_display(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setattr("webbrowser._tryorder", None)
    monkeypatch.setattr("webbrowser._browsers", {})
    monkeypatch.setenv("BROWSER", str(browser))
    page = Path(call("report", "--open", "--runs", str(finished.path.parent)).stdout.strip())
    assert (tmp_path / "opened").read_text().strip() == page.as_uri()


def test_open_says_where_there_is_no_display(finished: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = call("report", "--open", "--runs", str(finished.path.parent))
    assert result.exit_code == 0
    assert "no display here" in result.stderr


@pytest.mark.parametrize(("form", "ending"), [("script", ".py"), ("notebook", ".ipynb"), ("report", ".html")])
def test_one_file_is_named_after_the_run_unless_the_user_names_it(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, ending: str
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--to", form, "--runs", str(finished.path.parent)]
    assert Path(call("export", *options).stdout.strip()) == tmp_path.resolve() / f"{finished.name}{ending}"
    assert call("export", finished.name, "mine", *options).exit_code == 0
    assert (tmp_path / "mine").read_text() == (tmp_path / f"{finished.name}{ending}").read_text()


def test_zip_holds_the_answer_and_no_data_and_no_secrets(finished: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "run.zip"
    result = call("export", finished.name, str(out), "--runs", str(finished.path.parent))
    assert "left out, since they may hold data: events.fits.gz" in result.stderr
    with zipfile.ZipFile(out) as archive:
        held = {name.removeprefix(f"{finished.name}/"): archive.read(name) for name in archive.namelist()}
    assert set(held) == {
        "script.py",
        "result.json",
        "notebook.ipynb",
        "report.html",
        "manifest.json",
        "attempts/01/script.py",
        "attempts/02/script.py",
    }
    assert not [name for name, content in held.items() if SECRET.encode() in content]
    assert json.loads(held["manifest.json"])["request"]["expect_file"] == "crab.toml"


def test_run_without_an_answer_has_no_script_to_take(tmp_path: Path) -> None:
    run = begun(tmp_path, "count them")
    result = call("export", "--to", "script", "--runs", str(run.path.parent))
    assert result.exit_code == 2
    assert "has no script.py: no attempt has passed" in result.stderr


def test_crate_is_read_back_by_the_library(finished: RunFolder, tmp_path: Path) -> None:
    rocrate = pytest.importorskip("rocrate.rocrate")
    out = tmp_path / "crate"
    assert (
        call("export", finished.name, str(out), "--to", "ro-crate", "--runs", str(finished.path.parent)).exit_code == 0
    )
    crate = rocrate.ROCrate(out)
    assert {entity.id for entity in crate.data_entities} == {
        path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()
    } - {"ro-crate-metadata.json"}
    running = crate.dereference("#running")
    assert running["instrument"] == crate.mainEntity == crate.dereference("script.py")
    assert running["result"] == [crate.dereference("result.json")]
    assert [entity["name"] for entity in running["object"]] == ["mine"]
    assert "ab" * 32 in running["object"][0]["identifier"]
    assert crate.dereference("#gammapy")["softwareVersion"] == "2.1"
    assert crate.dereference("#result/n_obs")["value"] == 4
    assert crate.root_dataset["conformsTo"][0]["version"] == "0.5"
    again = call("export", finished.name, str(out), "--to", "ro-crate", "--runs", str(finished.path.parent))
    assert again.exit_code == 2
    assert "is not empty" in again.stderr


def test_crate_as_a_zip_of_a_run_without_an_answer(tmp_path: Path) -> None:
    rocrate = pytest.importorskip("rocrate.rocrate")
    run = begun(tmp_path / "runs", "count them")
    out = tmp_path / "crate.zip"
    assert call("export", run.name, str(out), "--to", "ro-crate", "--runs", str(run.path.parent)).exit_code == 0
    crate = rocrate.ROCrate(out)
    assert crate.dereference("#writing")["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert crate.dereference("#running") is None
