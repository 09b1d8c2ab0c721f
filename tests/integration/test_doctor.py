"""`gammapygpt doctor` on machines in good and in bad health: real interpreters, a real sandbox, simulated data."""

from __future__ import annotations

import json
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from gammapygpt.commands import doctor
from gammapygpt.data.simulate import simulate
from gammapygpt.settings import Settings


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("doctor") / "data", n_observations=2, livetime_s=300)


@pytest.fixture(scope="module")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing in it; its site-packages."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    return folder


def using(environment: Path) -> Settings:
    return Settings.model_validate({"analysis": {"python": str(environment / "bin" / "python")}})


def ask(*words: str) -> Result:
    app = typer.Typer()
    app.command()(doctor.doctor)
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def user(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user with data and no settings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PHOTON_STORAGE", str(data))
    monkeypatch.delenv("GAMMAPYGPT_CONFIG", raising=False)


@pytest.mark.usefixtures("user")
def test_everything_works_with_simulated_data_and_the_cookbook(data: Path):
    answer = ask("--json")
    report = json.loads(answer.stdout)
    status = {check["name"]: check["status"] for check in report["checks"]}
    assert status == dict.fromkeys(("gammapy", "sandbox", "data", "model cookbook", "retrieval"), "ok")
    assert (answer.exit_code, report["works"]) == (0, True)
    details = {check["name"]: check["detail"] for check in report["checks"]}
    assert "gammapy 2.1" in details["gammapy"]
    assert str(data) in details["data"]
    assert "2 runs" in details["data"]


@pytest.mark.usefixtures("user")
def test_one_broken_part_hides_no_other_and_gives_exit_code_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PHOTON_STORAGE", str(tmp_path / "nowhere"))
    config = tmp_path / "config.toml"
    config.write_text(
        '[backends.farm]\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'
        '[backends.paid]\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "NO_SUCH_KEY"\n'
        '[roles]\ncoder = "farm"\ncritic = "paid"\n[switches]\nretrieval = false\n'
    )
    answer = ask("--config", str(config))
    assert answer.exit_code == 3
    lines = answer.stdout.splitlines()
    starts = [line[:4].strip() for line in lines if not line.startswith(" ")][:-1]
    assert starts == ["ok", "ok", "fail", "ok", "fail", "fail", "ok"]
    assert lines[-1] == "does not work: data, model farm, model paid"
    assert f"{config}:7: the backend 'paid' needs its key in the environment variable NO_SUCH_KEY" in answer.stdout
    assert sum("->" in line for line in lines) >= 3


@pytest.mark.usefixtures("user")
def test_mistakes_in_the_settings_are_the_users():
    answer = ask("--set", "sandbox.wal_s=3")
    assert answer.exit_code == 2
    assert "unknown key 'wal_s'" in answer.stderr


def test_an_environment_without_gammapy_fails_with_what_to_do(bare_environment: Path):
    check = doctor.check_gammapy(using(bare_environment))
    assert check.status == "fail"
    assert "ModuleNotFoundError: No module named 'gammapy'" in check.detail
    assert "analysis.python" in check.remedy


def test_an_interpreter_that_is_not_there_fails_with_what_to_do(tmp_path: Path):
    check = doctor.guarded("gammapy", doctor.check_gammapy, using(tmp_path))
    assert check.status == "fail"
    assert "analysis.python" in check.remedy


def test_an_untested_companion_is_a_warning_that_names_the_tested_version(tmp_path: Path):
    """The packages of this environment, with a regions that says it is 0.12 before them."""
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "main.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (site / "regions-0.12.dist-info").mkdir()
    (site / "regions-0.12.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: regions\nVersion: 0.12\n")
    check = doctor.check_gammapy(using(environment))
    assert check.status == "warn"
    assert "regions 0.12," in check.detail
    assert "pip install" in check.remedy
    assert "regions" in check.remedy
    assert "<0.12" in check.remedy
    assert "astropy" not in check.remedy


def test_a_check_that_breaks_is_a_failed_check():
    def broken(settings: Settings) -> doctor.Check:
        raise RuntimeError("the roof is off")

    check = doctor.guarded("roof", broken, Settings())
    assert (check.status, check.detail) == ("fail", "RuntimeError: the roof is off")


def test_no_sandbox_is_a_warning():
    settings = Settings.model_validate(
        {"sandbox": {"provider": "unsafe-local"}, "analysis": {"python": sys.executable}}
    )
    check = doctor.check_sandbox(settings)
    assert check.status == "warn"
    assert "sandbox.provider auto" in check.remedy


def test_a_broken_store_beside_a_good_one_is_a_warning(data: Path, tmp_path: Path):
    (tmp_path / "good").symlink_to(data)
    settings = Settings.model_validate({"data": {"path": str(tmp_path)}})
    assert doctor.check_data(settings).status == "ok"
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "obs-index.fits.gz").write_bytes(b"cut off")
    check = doctor.check_data(settings)
    assert check.status == "warn"
    assert "good/dl3-simulated (2 runs); not readable: broken: " in check.detail
    alone = doctor.check_data(Settings.model_validate({"data": {"path": str(tmp_path / "broken")}}))
    assert alone.status == "fail"
    assert "data simulate" in alone.remedy
