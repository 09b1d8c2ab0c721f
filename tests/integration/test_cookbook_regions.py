"""Recipes that count events in regions: each against counts from the event tables, or the truth of a simulation."""

from __future__ import annotations

import math
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from cookbook_requests import run_script
from scipy.optimize import brentq
from scipy.special import ndtr, xlogy

from gammapygpt.cookbook import fill, recipes
from gammapygpt.data import instrument
from gammapygpt.data.simulate import STORE, simulate

TARGET = SkyCoord(83.633, 22.0145, unit="deg")
INDEX, AMPLITUDE = 2.5, 3.5e-11  # of all simulations here
RAD_MAX = 0.1  # deg
ABSORBED_FROM = 0.04  # TeV: where the made-up background light begins to absorb, as the square root of energy


@pytest.fixture(scope="module")
def instruments(simulated_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder: the simulated store, a point-like one, one without its files; OGIP spectra; an EBL model."""
    folder = tmp_path_factory.mktemp("instruments") / "data"
    folder.mkdir()
    (folder / STORE).symlink_to(simulated_data / STORE)
    other = simulate(folder.parent / "other", n_observations=2, seed=7)
    shutil.copytree(other / STORE, folder / "point-like")
    for path in (folder / "point-like" / "data").iterdir():
        make_point_like(path)
    (folder / "incomplete").mkdir()
    for name in ("obs-index.fits.gz", "hdu-index.fits.gz"):
        shutil.copy(other / STORE / name, folder / "incomplete")
    (folder / "spectra").mkdir()
    for obs_id in (1, 2):
        write_spectrum(folder / "spectra", simulated_data / STORE, obs_id)
    (folder / "ebl").mkdir()
    write_background_light(folder / "ebl" / "ebl_dominguez11.fits.gz")
    return folder


def make_point_like(path: Path) -> None:
    """Turn the IRFs of one file into those of a cut on the angle to the source."""
    with fits.open(path, mode="update") as hdus:
        axes = hdus["AEFF"].data
        energy = np.sqrt(axes["ENERG_LO"][0] * axes["ENERG_HI"][0])
        sigma = instrument.psf_sigma_deg(energy, axes["THETA_LO"][0][:, None])
        axes["EFFAREA"][0] *= contained(RAD_MAX, sigma)
        for name in ("AEFF", "EDISP"):
            hdus[name].header["HDUCLAS3"] = "POINT-LIKE"
            hdus[name].header["RAD_MAX"] = RAD_MAX
        hdus["EVENTS"].header["TELESCOP"] = "POINTED"


def contained(radius: float, sigma: np.ndarray) -> np.ndarray:
    """Fraction of gamma rays within a radius, both in deg."""
    tail, ratio = instrument.PSF_TAIL_FRACTION, instrument.PSF_TAIL_WIDTH
    inside = [1 - np.exp(-0.5 * (radius / width) ** 2) for width in (sigma, sigma * ratio)]
    return (1 - tail) * inside[0] + tail * inside[1]


def write_background_light(path: Path) -> None:
    """An absorption that makes a power law softer by 0.5, whatever the redshift; in the format of XSPEC tables."""
    edges = np.geomspace(0.01, 1000, 101)
    transmission = np.minimum(1, (np.sqrt(edges[:-1] * edges[1:]) / ABSORBED_FROM) ** -0.5)
    redshifts = np.array([0.01, 0.5])
    tables = {
        "PARAMETERS": Table({"VALUE": [redshifts]}),
        "ENERGIES": Table({"ENERG_LO": edges[:-1] * 1e9, "ENERG_HI": edges[1:] * 1e9}),
        "SPECTRA": Table({"PARAMVAL": redshifts, "INTPSPEC": [transmission, transmission]}),
    }
    hdus = [fits.PrimaryHDU(), *(fits.BinTableHDU(table, name=name) for name, table in tables.items())]
    fits.HDUList(hdus).writeto(path)


def write_spectrum(folder: Path, store: Path, obs_id: int) -> None:
    """One run reduced by hand: counts within 0.1 deg of the target and of 3 OFF positions, with its responses."""
    reco, true = np.geomspace(0.5, 50, 21), np.geomspace(0.05, 200, 109)
    ebounds = fits.BinTableHDU(Table({"CHANNEL": range(20), "E_MIN": reco[:-1] * u.TeV, "E_MAX": reco[1:] * u.TeV}))
    ebounds.name = "EBOUNDS"
    counts = [counted(store, [obs_id], 0.1, 3, low, high) for low, high in pairwise(reco)]
    for kind, number, scale in (("pha", 0, 1.0), ("bkg", 1, 3.0)):
        columns = {"CHANNEL": range(20), "COUNTS": [one[number] for one in counts], "QUALITY": [0] * 20}
        spectrum = fits.BinTableHDU(Table(columns | {"BACKSCAL": [scale] * 20}), name="SPECTRUM")
        spectrum.header.update({"HDUCLASS": "OGIP", "EXPOSURE": 1800.0, "OBS_ID": obs_id})
        if kind == "pha":
            files = {"ANCRFILE": "arf", "BACKFILE": "bkg", "RESPFILE": "rmf"}
            spectrum.header.update({card: f"{name}{obs_id}.fits" for card, name in files.items()})
        fits.HDUList([fits.PrimaryHDU(), spectrum, ebounds]).writeto(folder / f"{kind}{obs_id}.fits")
    energy = np.sqrt(true[:-1] * true[1:])
    axis = {"ENERG_LO": true[:-1] * u.TeV, "ENERG_HI": true[1:] * u.TeV}
    area = instrument.effective_area_m2(energy, 0.5) * contained(0.1, instrument.psf_sigma_deg(energy, 0.5))
    arf = fits.BinTableHDU(Table(axis | {"SPECRESP": area * u.m**2}), name="SPECRESP")
    arf.writeto(folder / f"arf{obs_id}.fits")
    bias, width = instrument.energy_dispersion(energy, 0.5)
    below = ndtr((np.log(reco / energy[:, None]) - bias[:, None]) / width[:, None])
    group = {"N_GRP": [1] * 108, "F_CHAN": [[0]] * 108, "N_CHAN": [[20]] * 108}
    rmf = fits.BinTableHDU(Table(axis | group | {"MATRIX": np.diff(below, axis=1)}), name="MATRIX")
    rmf.header["DETCHANS"] = 20
    fits.HDUList([fits.PrimaryHDU(), rmf, ebounds]).writeto(folder / f"rmf{obs_id}.fits")


def events_of(store: Path, obs_id: int) -> tuple[SkyCoord, np.ndarray, SkyCoord]:
    """Positions and energies (TeV) of the events of one run, and its pointing."""
    path = store / "data" / f"simulated_obs_{obs_id:06d}.fits.gz"
    table, header = Table.read(path, hdu="EVENTS"), fits.getheader(path, "EVENTS")
    pointing = SkyCoord(header["RA_PNT"], header["DEC_PNT"], unit="deg")
    return SkyCoord(table["RA"], table["DEC"], unit="deg"), np.asarray(table["ENERGY"]), pointing


def counted(store: Path, obs_ids: list[int], radius: float, n_off: int, low: float, high: float) -> tuple[int, int]:
    """Events within a radius (deg) of the target and of positions evenly around the pointing; energies in TeV."""
    on = off = 0
    for obs_id in obs_ids:
        positions, energies, pointing = events_of(store, obs_id)
        inside = (energies >= low) & (energies < high)
        angle, offset = pointing.position_angle(TARGET), pointing.separation(TARGET)
        for turn in range(n_off + 1):
            centre = pointing.directional_offset_by(angle + turn * 360 / (n_off + 1) * u.deg, offset)
            n = int((inside & (positions.separation(centre) < radius * u.deg)).sum())
            on, off = (on + n, off) if turn == 0 else (on, off + n)
    return on, off


def run(recipe: str, parameters: dict, folder: Path, data: Path) -> dict:
    target = {"TARGET_RA": float(TARGET.ra.deg), "TARGET_DEC": float(TARGET.dec.deg)}
    own = {name: value for name, value in target.items() if name in recipes()[recipe].constants}
    return run_script(fill(recipes()[recipe], own | parameters), folder, data)


def assert_within_errors(result: dict, truth: dict[str, float]) -> None:
    for key, value in truth.items():
        assert result[key] == pytest.approx(value, abs=3.5 * result[f"{key}_err"] + 0.02 * value), key
        assert result[f"{key}_err"] < 0.3 * value, key


def integral(low: float, high: float, amplitude: float = AMPLITUDE, index: float = INDEX) -> float:
    """Photon flux of a power law between energies in TeV."""
    return amplitude * (low ** (1 - index) - high ** (1 - index)) / (index - 1)


def test_observations_by_zenith_angle(simulated_data: Path, tmp_path: Path):
    zenith = np.sort(Table.read(simulated_data / STORE / "obs-index.fits.gz")["ZEN_PNT"])
    parameters = {"DATA_STORE": STORE, "ZENITH_MIN": 0.0, "ZENITH_MAX": float(zenith[1:3].mean())}
    result = run("observation_list", parameters, tmp_path, simulated_data)
    assert result["n_obs"] == 2
    assert result["mean_zenith_deg"] == pytest.approx(zenith[:2].mean())


@pytest.mark.parametrize(("n_off", "low", "high"), [(1, 0.0, math.inf), (3, 1.0, 5.0)])
def test_theta_squared(n_off: int, low: float, high: float, simulated_data: Path, tmp_path: Path):
    parameters = {
        "DATA_STORE": STORE,
        "N_OFF_REGIONS": n_off,
        "ENERGY_MIN": low or None,
        "ENERGY_MAX": None if math.isinf(high) else high,
        "THETA2_CUT": 0.02,
        "THETA2_BINS": 10,
        "RESULTS": {key: [key, ""] for key in ("n_on", "n_off", "alpha", "excess", "on_histogram", "off_histogram")}
        | {"theta2_edges": ["theta2_edges", "deg2"], "significance": ["significance", ""]},
    }
    result = run("theta_squared", parameters, tmp_path, simulated_data)
    on, off = counted(simulated_data / STORE, [1, 2, 3, 4], 0.02**0.5, n_off, low, high)
    assert result["n_on"] == on
    assert result["n_off"] == pytest.approx(off, abs=2)  # OFF positions are rotated in a plane there
    assert result["alpha"] == pytest.approx(1 / n_off)
    assert result["excess"] == pytest.approx(on - result["n_off"] / n_off)
    assert result["significance"] > 10
    everything = counted(simulated_data / STORE, [1, 2, 3, 4], result["theta2_edges"][-1] ** 0.5, n_off, low, high)
    assert len(result["on_histogram"]) == 10
    assert sum(result["on_histogram"]) == everything[0]
    assert sum(result["off_histogram"]) == pytest.approx(everything[1], abs=4)
    assert (tmp_path / "theta_squared.png").stat().st_size > 1000


def test_theta_squared_where_on_and_off_overlap(simulated_data: Path, tmp_path: Path):
    with pytest.raises(AssertionError, match=r"ON and OFF overlap: a run points 0\.50 deg from the target"):
        run("theta_squared", {"DATA_STORE": STORE, "ON_RADIUS": 0.6}, tmp_path, simulated_data)


def test_events_in_region(simulated_data: Path, tmp_path: Path):
    parameters = {"DATA_STORE": STORE, "OBS_IDS": [1, 3], "ON_RADIUS": 0.7, "ENERGY_MIN": 1.0, "OFFSET_MAX": 0.8}
    result = run("events_in_region", parameters, tmp_path, simulated_data)
    energies = []
    for obs_id in (1, 3):
        positions, energy, pointing = events_of(simulated_data / STORE, obs_id)
        inside = (positions.separation(TARGET) <= 0.7 * u.deg) & (positions.separation(pointing) <= 0.8 * u.deg)
        energies += energy[inside & (energy >= 1)].tolist()
    assert result["n_events"] == len(energies)
    assert result["_meta"]["n_events"][0] + result["_meta"]["n_events"][1] == len(energies)
    assert result["energy_median_TeV"] == pytest.approx(np.median(energies), rel=1e-6)
    assert result["energy_max_TeV"] == pytest.approx(max(energies), rel=1e-6)
    assert result["rate_per_min"] == pytest.approx(len(energies) / 60, rel=1e-6)  # two runs of 30 min livetime
    assert result["rate_per_min_err"] == pytest.approx(len(energies) ** 0.5 / 60, rel=1e-6)
    assert result["first_time"] < result["last_time"]


def test_point_like_spectrum(instruments: Path, tmp_path: Path):
    parameters = {
        "DATA_STORE": "point-like",
        "ENERGY_MIN": 0.7,
        "ENERGY_MAX": 30.0,
        "AEFF_MAX_PERCENT": 0.0,
        "FLUX_POINT_EDGES": [0.7, 30.0],
        "RESULTS": recipes()["point_like_spectrum"].constants["RESULTS"].default
        | {"n_off": ["n_off", ""], "alpha": ["alpha", ""], "rad_max_deg": ["rad_max", 1.0, "deg"]},
    }
    result = run("point_like_spectrum", parameters, tmp_path, instruments)
    on, off = counted(instruments / "point-like", [1, 2], RAD_MAX, 3, 0.7, 30)
    assert result["n_on"] == on
    assert result["n_off"] == pytest.approx(off, abs=2)
    assert result["alpha"] == pytest.approx(1 / 3)
    assert result["rad_max_deg"] == pytest.approx(RAD_MAX)
    assert_within_errors(result, {"index": INDEX, "amplitude": AMPLITUDE, "flux_1_10TeV": integral(1, 10)})
    assert result["_meta"]["n_off_regions"] == [3, 3]


REFUSALS = {
    "full-enclosure IRFs": ("point_like_spectrum", {"DATA_STORE": STORE}, "observation 1 has no point-like IRFs"),
    "another cut": ("point_like_spectrum", {"DATA_STORE": "point-like", "ON_RADIUS": 0.2}, "cuts of 0.1-0.1 deg"),
    "missing files": ("point_like_spectrum", {"DATA_STORE": "incomplete"}, "incomplete names files that are not there"),
    "no events": ("events_in_region", {"DATA_STORE": STORE, "ENERGY_MIN": 99.9}, "no event passes the selection"),
    "no redshift": ("reflected_spectrum", {"DATA_STORE": STORE, "EBL_ABSORPTION": True}, "needs the redshift"),
    "one instrument": ("joint_spectrum", {"DATA_STORES": ["point-like"]}, "needs the data of several instruments"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_answered_stops_with_words(case: str, instruments: Path, tmp_path: Path):
    recipe, parameters, words = REFUSALS[case]
    with pytest.raises(AssertionError, match=words):
        run(recipe, parameters, tmp_path, instruments)


def test_a_spectrum_with_absorption(instruments: Path, tmp_path: Path):
    """The spectrum that arrives is that of the simulation; the one that was emitted is harder by 0.5."""
    parameters = {
        "DATA_STORE": STORE,
        "OBS_IDS": [1, 2],
        "ON_RADIUS": 0.15,
        "ENERGY_MIN": 0.7,
        "ENERGY_MAX": 30.0,
        "EBL_ABSORPTION": True,
        "REDSHIFT": 0.1,
        "STACKED": True,
        "FLUX_POINT_EDGES": [1.0, 10.0],
        "RESULTS": {
            "index": ["parameter", "index", ""],
            "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
            "flux": ["flux", 1.0, 10.0, "cm-2 s-1"],
            "flux_of_point": ["flux_point", 1.0, 10.0, "cm-2 s-1"],
            "intrinsic_flux": ["intrinsic_flux", 1.0, 10.0, "cm-2 s-1"],
            "transmission": ["transmission", 4.0, ""],
        },
    }
    result = run("reflected_spectrum", parameters, tmp_path, instruments)
    emitted = AMPLITUDE / ABSORBED_FROM**0.5
    assert result["transmission"] == pytest.approx((4 / ABSORBED_FROM) ** -0.5, rel=1e-3)
    assert_within_errors(
        result,
        {
            "index": INDEX - 0.5,
            "amplitude": emitted,
            "flux": integral(1, 10),
            "flux_of_point": integral(1, 10),
            "intrinsic_flux": integral(1, 10, emitted, INDEX - 0.5),
        },
    )


@pytest.mark.parametrize("stacked", [False, True])
def test_a_spectrum_from_ogip_files(stacked: bool, instruments: Path, tmp_path: Path):
    parameters = {
        "DATA_FILES": ["spectra"],
        "ENERGY_MIN": 0.7,  # between edges: only whole bins count, from 0.792 TeV
        "ENERGY_MAX": 20.0,
        "STACKED": stacked,
        "FLUX_POINT_EDGES": [1.0, 3.0, 9.0],
        "RESULTS": recipes()["spectrum_from_ogip"].constants["RESULTS"].default
        | {
            "n_off": ["n_off", ""],
            "e_min": ["safe_energy_min", "TeV"],
            "flux_1_3TeV": ["flux_point", 1.0, 3.0, "cm-2 s-1"],
        },
    }
    result = run("spectrum_from_ogip", parameters, tmp_path, instruments)
    edges = np.geomspace(0.5, 50, 21)
    on, off = counted(instruments / STORE, [1, 2], 0.1, 3, edges[2], edges[16])
    assert (result["n_on"], result["n_off"]) == (on, off)
    assert result["e_min"] == pytest.approx(edges[2])
    assert result["livetime_h"] == pytest.approx(1.0)
    assert result["n_obs"] == 2
    truth = {"index": INDEX, "amplitude": AMPLITUDE, "flux_1_10TeV": integral(1, 10), "flux_1_3TeV": integral(1, 3)}
    assert_within_errors(result, truth)


def test_a_joint_spectrum(instruments: Path, tmp_path: Path):
    """One power law for full-enclosure and for point-like data; counts of each as in its own recipe."""
    parameters = {
        "DATA_STORES": [STORE, "point-like"],
        "OBS_IDS": [1, 2],
        "ENERGY_RANGES": {"point-like": [1.0, 30.0]},
        "ENERGY_MIN": 0.7,
        "ENERGY_MAX": 30.0,
        "AEFF_MAX_PERCENT": 0.0,
        "SPECTRAL_MODEL": "pl",
        "START": {"amplitude": 1e-11},
        "RESULTS": {
            "index": ["parameter", "index", ""],
            "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
            "flux": ["flux", 1.0, 10.0, "cm-2 s-1"],
            "n_on_simiact": ["n_on_simiact", ""],
            "n_on_pointed": ["n_on_pointed", ""],
            "n_on": ["n_on", ""],
            "n_obs": ["n_obs", ""],
        },
    }
    result = run("joint_spectrum", parameters, tmp_path, instruments)
    assert result["n_on_simiact"] == pytest.approx(counted(instruments / STORE, [1, 2], 0.11, 1, 0.7, 30)[0], abs=2)
    assert result["n_on_pointed"] == counted(instruments / "point-like", [1, 2], RAD_MAX, 1, 1, 30)[0]
    assert result["n_on"] == result["n_on_simiact"] + result["n_on_pointed"]
    assert result["n_obs"] == 4
    assert_within_errors(result, {"index": INDEX, "amplitude": AMPLITUDE, "flux": integral(1, 10)})


def test_an_upper_limit(simulated_data: Path, tmp_path: Path):
    """Opposite to the source, at an offset of 0.9 deg: the limit on the counts, divided by what a flux would bring."""
    _, _, pointing = events_of(simulated_data / STORE, 1)
    place = pointing.directional_offset_by(TARGET.position_angle(pointing), 0.9 * u.deg)
    parameters = {
        "DATA_STORE": STORE,
        "TARGET_RA": float(place.ra.deg),
        "TARGET_DEC": float(place.dec.deg),
        "OBS_IDS": [1],
        "CONFIDENCE_LEVEL": 0.99,
        "SIDES": 1,
        "INDEX": 2.0,
        "RESULTS": recipes()["flux_upper_limit"].constants["RESULTS"].default
        | {"flux_ul": ["flux_ul", 1.0, 10.0, "cm-2 s-1"], "excess_ul": ["excess_ul", ""], "n_sigma": ["n_sigma", ""]},
    }
    result = run("flux_upper_limit", parameters, tmp_path, simulated_data)
    assert result["detected"] == 0
    assert abs(result["significance"]) < 4
    assert result["n_sigma"] == pytest.approx(2.326, abs=1e-3)  # 99 % of a normal distribution lie below
    limit = limit_on_counts(result["n_on"], result["n_off"], result["alpha"], 2.326)
    assert result["excess_ul"] == pytest.approx(limit, rel=0.01)
    energy = np.geomspace(0.1, 100, 3000)
    bias, width = instrument.energy_dispersion(energy, 0.9)
    recorded = [ndtr((np.log(edge / energy) - bias) / width) for edge in (1, 10)]
    seen = instrument.effective_area_m2(energy, 0.9) * 1e4 * contained(0.11, instrument.psf_sigma_deg(energy, 0.9))
    per_amplitude = 1800 * np.trapezoid(energy**-2.0 * seen * (recorded[1] - recorded[0]), energy)
    # 3 %: responses are interpolated between offsets and energies there
    assert result["flux_ul"] == pytest.approx(limit / per_amplitude * (1 - 1 / 10), rel=0.03)


def limit_on_counts(n_on: int, n_off: int, alpha: float, n_sigma: float) -> float:
    """Signal at which -2 ln L, with the background free, is n_sigma^2 above its minimum."""

    def statistic(signal: float) -> float:
        sum_ = n_on + n_off - (1 + 1 / alpha) * signal
        background = (sum_ + math.sqrt(sum_**2 + 4 * (1 + 1 / alpha) * n_off * signal)) / (2 * (1 + 1 / alpha))
        on, off = signal + background, background / alpha
        return 2 * (on + off - xlogy(n_on, on) - xlogy(n_off, off))

    best = n_on - alpha * n_off
    return brentq(lambda signal: statistic(signal) - statistic(best) - n_sigma**2, best, best + 20 * (n_on + 10) ** 0.5)
