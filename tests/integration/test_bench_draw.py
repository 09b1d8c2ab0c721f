"""Drawn tasks: reproducible, true to what was simulated, and answered by whoever does it right."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gammapygpt.cli import app
from gammapygpt.data.observe import Field, Source
from gammapygpt.data.simulate import simulate, write_store
from gammapygpt.errors import GammapyGPTError
from gammapygpt.evals.check import check_task
from gammapygpt.evals.draw.archive import draw_archive
from gammapygpt.evals.draw.draft import Draft, Way
from gammapygpt.evals.draw.draw import generator, kinds, module
from gammapygpt.evals.draw.judging import DrawAgain, answers
from gammapygpt.evals.draw.running import run_script
from gammapygpt.evals.task import read_task, read_tasks, wrong_keys

SEED = 4


def bench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["bench", "draw", *map(str, arguments)])


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks about observation lists, which are cheap."""
    folder = tmp_path_factory.mktemp("drawn") / "fresh"
    result = bench(folder, "--seed", SEED, "--number", 2, "--kinds", "observation-list", "--quiet", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["number"] == 2
    return folder


def test_the_same_seed_gives_the_same_bytes_and_overwrites_nothing(drawn: Path, tmp_path: Path) -> None:
    bench(tmp_path / "again", "--seed", SEED, "--number", 2, "--kinds", "observation-list", "--quiet")
    before = contents(drawn)
    assert contents(tmp_path / "again") == before
    refused = bench(drawn, "--seed", SEED + 1, "--number", 1, "--kinds", "observation-list")
    assert refused.exit_code == 2
    assert refused.stderr.count("\n") == 1
    assert "is not an empty folder" in refused.stderr
    assert contents(drawn) == before


def test_drawn_tasks_are_what_a_task_has_to_be(drawn: Path) -> None:
    tasks = read_tasks([str(drawn / "tasks")])
    assert [task.kind for task in tasks] == ["observation-list"] * 2
    for task in tasks:
        assert check_task(task) == []
        assert task.script is not None
        assert wrong_keys(run_script(task.script.read_text(), drawn / "data"), task.expected) == []
        assert task.truth["values"].items() <= {one.key: one.value for one in task.expected}.items() or task.truth


def test_neither_truth_nor_tasks_are_among_the_data(drawn: Path) -> None:
    assert sorted(path.name for path in drawn.iterdir()) == ["data", "tasks"]
    names = {path.name for path in (drawn / "data").rglob("*") if path.is_file()}
    assert {name.split(".", 1)[1] for name in names} == {"fits.gz", "txt"}


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    for wrong, words in (
        (["--seed", "1", "--kinds", "horoscope"], "there is no kind 'horoscope'"),
        (["--seed", "-1"], "The seed is -1"),
        (["--seed", "1", "--number", "0"], "0 tasks"),
    ):
        result = bench(tmp_path / "fresh", *wrong)
        assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
        assert words in result.stderr


def observation_list(drawn: Path) -> Draft:
    archive = draw_archive("archive-1", generator(SEED, 0, 0))
    for attempt in range(20):
        try:
            found: Draft = module("observation-list").draft(archive, generator(1, attempt))
            return found
        except DrawAgain:
            continue
    raise AssertionError("no draft")


def test_a_wrong_reference_is_not_written(drawn: Path) -> None:
    draft = observation_list(drawn)
    wrong = [replace(one, truth=one.truth * 1.05) if one.unit else one for one in draft.asked]
    with pytest.raises(GammapyGPTError, match="the truth is"):
        answers(replace(draft, asked=wrong), drawn / "data")


def test_a_mistake_that_would_pass_spoils_a_task(drawn: Path) -> None:
    draft = observation_list(drawn)
    with pytest.raises(DrawAgain, match="nothing wrong: the tolerances let it pass"):
        answers(replace(draft, wrong=[Way("nothing wrong", {"SELECTION_RADIUS": draft.constants["SELECTION_RADIUS"]})]),
                drawn / "data")  # fmt: skip


def test_a_store_of_one_steady_field_is_what_simulate_makes(tmp_path: Path) -> None:
    made = simulate(tmp_path / "data", n_observations=1, livetime_s=120, seed=7)
    source = Source(83.633, 22.0145, 2.5, 3.5e-11, 1.0)
    write_store(tmp_path / "one", [Field(source, 1, 120, 0.5)], seed=7)
    assert contents(tmp_path / "one") == contents(made / "dl3-simulated")


def test_sources_are_brighter_in_a_flare_and_fade_above_a_cutoff(tmp_path: Path) -> None:
    from astropy.io import fits

    source = Source(83.633, 22.0145, 2.0, 2e-10, 1.0)
    flare = Field(source, 2, 1800, 0.5, factors=(1.0, 4.0), first_obs_id=11)
    bent = Field(replace(source, ra_deg=120.0, cutoff_tev=2.0), 1, 1800, 0.5, first_obs_id=21)
    write_store(tmp_path / "store", [flare, bent], seed=1)
    energy = {
        number: fits.getdata(tmp_path / "store" / "data" / f"simulated_obs_{number:06d}.fits.gz", "EVENTS")["ENERGY"]
        for number in (11, 12, 21)
    }
    high = {number: int((one > 5).sum()) for number, one in energy.items()}
    assert high[12] > 3 * high[11] > 10 * high[21]


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds())
def test_each_kind_can_be_drawn(kind: str, tmp_path: Path) -> None:
    result = bench(tmp_path / "fresh", "--seed", 11, "--number", 1, "--kinds", kind, "--quiet")
    assert result.exit_code == 0, result.output
    (file,) = (tmp_path / "fresh" / "tasks").glob("*.toml")
    task = read_task(file)
    assert check_task(task) == []
    assert task.script is not None
    assert wrong_keys(run_script(task.script.read_text(), tmp_path / "fresh" / "data"), task.expected) == []


@pytest.mark.slow
def test_the_cookbook_answers_drawn_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = tmp_path / "fresh"
    assert bench(drawn, "--seed", 12, "--number", 2, "--kinds", "observation-list,reflected-spectrum").exit_code == 0
    monkeypatch.chdir(tmp_path)
    for task in read_tasks([str(drawn / "tasks")]):
        arguments = ["run", task.prompt, "--data", str(drawn / "data"), "--backend", "cookbook", "--json", "--quiet"]
        run = CliRunner().invoke(app, arguments)
        assert run.exit_code == 0, run.output
        assert wrong_keys(json.loads(run.stdout)["result"], task.expected) == []
