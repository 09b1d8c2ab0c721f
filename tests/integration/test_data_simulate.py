"""`simulate`: reproducible, refuses what makes no sense, loses nothing; the truth is beside the data."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest
from astropy.io import fits

from gammapygpt.data.simulate import simulate
from gammapygpt.data.truth import expected_results, truth_path
from gammapygpt.errors import UserError

SHORT = {"n_observations": 2, "livetime_s": 120.0}


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = simulate(tmp_path / "a", seed=7, **SHORT)
    second = simulate(tmp_path / "b", seed=7, **SHORT)
    other = simulate(tmp_path / "c", seed=8, **SHORT)
    assert contents(first) == contents(second)
    events = "dl3-simulated/data/simulated_obs_000001.fits.gz"
    assert contents(first)[events] != contents(other)[events]


def test_a_run_does_not_depend_on_those_after_it(tmp_path: Path) -> None:
    def positions(name: str, n_observations: int) -> bytes:
        folder = simulate(tmp_path / name, n_observations=n_observations, livetime_s=120)
        with fits.open(folder / "dl3-simulated/data/simulated_obs_000001.fits.gz") as hdus:
            return hdus["EVENTS"].data["RA"].tobytes()

    assert positions("one", 1) == positions("three", 3)


def test_truth_is_beside_the_data_and_nowhere_inside(tmp_path: Path) -> None:
    folder = simulate(tmp_path / "data", index=2.345, amplitude=2e-12, reference_tev=2, **SHORT)
    with (tmp_path / "data-truth.toml").open("rb") as file:
        truth = tomllib.load(file)
    assert truth_path(folder) == tmp_path / "data-truth.toml"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "data-truth.toml"]
    assert truth["simulation"]["index"] == 2.345
    values = {entry["key"]: entry["value"] for entry in truth["expected"]}
    assert values["amplitude"] == pytest.approx(2e-12 * 2**2.345)  # at 1 TeV
    assert values["n_obs"] == 2
    assert not any(b"2.345" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_expected_fluxes_are_integrals_of_the_power_law() -> None:
    from gammapygpt.data.observe import Source

    entries = expected_results(Source(83.6, 22, 2.0, 1e-11, 1), n_observations=4, livetime_s=1800, offset_deg=0.5)
    values = {entry["key"]: entry["value"] for entry in entries}
    assert values["flux_1_10TeV"] == pytest.approx(1e-11 * (1 - 1 / 10))
    assert values["energy_flux_1_10TeV_erg"] == pytest.approx(1e-11 * 2.302585 * 1.602177, rel=1e-6)


def test_expected_errors_shrink_with_the_square_root_of_the_livetime() -> None:
    from gammapygpt.data.observe import Source

    def index_error(livetime_s: float) -> float:
        entries = expected_results(Source(83.6, 22, 2.5, 3e-11, 1), 4, livetime_s, 0.5)
        return entries[0]["abs_tol"] - 0.02  # what analysis choices may change stays

    assert index_error(1800) / index_error(7200) == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"livetime_s": -1.0}, "livetime"),
        ({"n_observations": 0}, "number of observations"),
        ({"dec_deg": 91.0}, "declination"),
        ({"index": float("nan")}, "index"),
        ({"amplitude": 0.0}, "amplitude"),
        ({"offset_deg": 3.0}, "offset"),
        ({"seed": -1}, "seed"),
        ({"amplitude": 1e-6}, "events"),
    ],
)
def test_a_senseless_argument_leaves_nothing_behind(tmp_path: Path, wrong: dict[str, float], words: str) -> None:
    with pytest.raises(UserError, match=words):
        simulate(tmp_path / "data", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "precious.txt").write_text("years of work")
    with pytest.raises(UserError, match="not empty"):
        simulate(folder, **SHORT)
    assert contents(tmp_path).keys() == {"data/precious.txt"}


def test_the_truth_of_an_earlier_simulation_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "data-truth.toml").write_text("# mine")
    with pytest.raises(UserError, match="truth of an earlier simulation"):
        simulate(tmp_path / "data", **SHORT)
    assert contents(tmp_path).keys() == {"data-truth.toml"}


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert simulate(tmp_path / "data", **SHORT) == tmp_path / "data"


@pytest.mark.parametrize(("ra_deg", "dec_deg"), [(0.0, 90.0), (359.99, -89.9), (180.0, 0.0)])
def test_sources_anywhere_on_the_sky(tmp_path: Path, ra_deg: float, dec_deg: float) -> None:
    folder = simulate(tmp_path / "data", ra_deg=ra_deg, dec_deg=dec_deg, **SHORT)
    table = fits.getdata(folder / "dl3-simulated" / "obs-index.fits.gz")
    assert (table["ALT_PNT"] > 20).all()
    assert (table["RA_PNT"] >= 0).all()
    assert (table["RA_PNT"] < 360).all()
