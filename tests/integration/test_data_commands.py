"""`gammapygpt data`: simulate a store, fetch one, look into it, as a user types it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner, Result

from gammapygpt.commands import data


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without settings and data."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("GAMMAPYGPT_CONFIG", "PHOTON_STORAGE", "GAMMAPY_DATA"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a web server on loopback that has a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def type_in(*words: str) -> Result:
    return CliRunner().invoke(data.app, list(words))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A simulated data folder and what `--json` said about it."""
    folder = tmp_path_factory.mktemp("commands") / "data"
    words = "--observations 2 --livetime 300 --ra 10 --dec -30 --index 2.2 --amplitude 5e-11 --seed 3 --json"
    answer = type_in("simulate", str(folder), *words.split())
    assert answer.exit_code == 0, answer.stderr
    return folder, json.loads(answer.stdout)


def test_simulate_writes_what_was_asked_for(simulated: tuple[Path, dict[str, object]]):
    from astropy.table import Table

    folder, said = simulated
    assert said["folder"] == str(folder)
    (index,) = folder.rglob("obs-index.fits.gz")
    pointings = Table.read(index)
    assert len(pointings) == 2
    assert pointings["DEC_PNT"] == pytest.approx([-30, -30], abs=0.6)
    truth = tomllib.loads(Path(str(said["truth"])).read_text())
    assert truth["simulation"]["seed"] == 3
    values = {entry["key"]: entry["value"] for entry in truth["expected"]}
    assert (values["index"], values["amplitude"], values["ra_deg"], values["n_obs"]) == (2.2, 5e-11, 10, 2)


def test_simulate_refuses_a_folder_that_is_in_use_and_arguments_without_sense(
    simulated: tuple[Path, dict[str, object]], tmp_path: Path
):
    folder, _ = simulated
    again = type_in("simulate", str(folder))
    assert (again.exit_code, "not empty" in again.stderr) == (2, True)
    senseless = type_in("simulate", str(tmp_path / "new"), "--dec", "200")
    assert (senseless.exit_code, "declination" in senseless.stderr) == (2, True)
    assert not (tmp_path / "new").exists()


def test_info_says_what_is_there(simulated: tuple[Path, dict[str, object]], monkeypatch: pytest.MonkeyPatch):
    folder, _ = simulated
    named = type_in("info", str(folder))
    assert named.exit_code == 0
    assert named.stdout.splitlines()[0] == f"{folder}: 1 data store"
    assert "dl3-simulated: 2 observations" in named.stdout
    assert "livetime 0.17 h" in named.stdout
    assert "aeff_2d" in named.stdout
    monkeypatch.setenv("PHOTON_STORAGE", str(folder))
    (store,) = json.loads(type_in("info", "--json").stdout)["stores"]
    assert store["livetime_s"] == pytest.approx(600, rel=1e-3)
    assert store["missing"] == []


def test_info_names_missing_files(simulated: tuple[Path, dict[str, object]], tmp_path: Path):
    import shutil

    folder, _ = simulated
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    gone = min((copy / "dl3-simulated" / "data").iterdir())
    gone.unlink()
    assert f"missing: 1 files that the index names: data/{gone.name}" in type_in("info", str(copy)).stdout


def test_info_without_a_data_folder_says_what_to_do():
    answer = type_in("info")
    assert answer.exit_code == 2
    assert "data simulate" in answer.stderr


@pytest.mark.hess
def test_fetch_downloads_the_release_with_its_terms(hess_data: Path, tmp_path: Path):
    with serving(hess_data / "hess-dl3-dr1") as url:
        answer = type_in("fetch", "hess-dl3-dr1", "--folder", str(tmp_path / "new"), "--url", url, "--json")
    assert answer.exit_code == 0, answer.stderr
    said = json.loads(answer.stdout)
    assert said["folder"] == str(tmp_path / "new")
    assert (said["store"]["n_observations"], said["store"]["missing"]) == (105, [])
    assert "hess-dl3-dr1/README.txt" in said["store"]["terms"]
    assert "no scientific publications may be derived" in answer.stderr
    assert (tmp_path / "new" / "hess-dl3-dr1" / "README.txt").is_file()


def test_fetch_says_in_one_line_what_is_wrong(tmp_path: Path):
    unknown = type_in("fetch", "hess-dl4", "--folder", str(tmp_path))
    assert (unknown.exit_code, "There is: hess-dl3-dr1." in unknown.stderr) == (2, True)
    nowhere = type_in("fetch", "hess-dl3-dr1")
    assert (nowhere.exit_code, "--folder FOLDER" in nowhere.stderr) == (2, True)
    (tmp_path / "empty").mkdir()
    with serving(tmp_path / "empty") as url:
        answer = type_in("fetch", "hess-dl3-dr1", "--folder", str(tmp_path / "new"), "--url", url)
    assert answer.exit_code == 3
    assert answer.stderr.splitlines()[-1].startswith("gammapygpt: ")
    assert answer.stdout == ""
    assert not (tmp_path / "new" / "hess-dl3-dr1").exists()
