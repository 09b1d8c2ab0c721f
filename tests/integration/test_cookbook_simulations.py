"""Recipes that predict or simulate data, against the IRFs read by hand and against formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from cookbook_requests import run_script
from scipy.integrate import quad

from gammapygpt.cookbook import fill, recipes

SOUTH = "cta-caldb/Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz"
MAGIC = "magic/rad_max/data/20131004_05029747_DL3_CrabNebula-W0.40+035.fits"
SOURCE = {"INDEX": 2.4, "AMPLITUDE": 4e-13, "IRF_FILE": SOUTH, "LIVETIME": 5.0}


@pytest.fixture
def run(tmp_path: Path, hess_data: Path):
    """Run a recipe with some of its constants, on the real data, in a folder `run0`, `run1` ...; its result."""
    for file in (SOUTH, MAGIC):
        if not (hess_data / file).exists():
            pytest.skip(f"no {file} in the data folder")

    def run_recipe(name: str, results: dict[str, list[Any]], **constants: Any) -> dict:
        folder = tmp_path / f"run{len(list(tmp_path.glob('run*')))}"
        folder.mkdir()
        return run_script(fill(recipes()[name], {**constants, "RESULTS": results}), folder, hess_data)

    return run_recipe


def table(data: Path, hdu: str) -> dict[str, np.ndarray]:
    """An IRF of CTAO South: columns without their first axis."""
    rows = fits.getdata(data / SOUTH, hdu)
    return {name: np.squeeze(rows[name]).astype(float) for name in rows.columns.names}


def signal_without_dispersion(data: Path, offset_bin: int, radius: float, low: float, high: float) -> float:
    """Counts of SOURCE at a node of offset: flux times effective area times containment, integrated over energy."""
    aeff, psf = table(data, "EFFECTIVE AREA"), table(data, "POINT SPREAD FUNCTION")
    energy = np.log(np.sqrt(aeff["ENERG_LO"] * aeff["ENERG_HI"]))
    sigma, amplitude = psf["SIGMA_1"][offset_bin], psf["AMPL_2"][offset_bin]
    assert not amplitude.any(), "one Gaussian"
    widths = np.log(np.sqrt(psf["ENERG_LO"] * psf["ENERG_HI"]))[sigma > 0], sigma[sigma > 0]

    def rate(log_energy: float) -> float:
        area = 1e4 * np.interp(log_energy, energy, aeff["EFFAREA"][offset_bin])
        inside = 1 - np.exp(-0.5 * (radius / np.interp(log_energy, *widths)) ** 2)
        return SOURCE["AMPLITUDE"] * np.exp(log_energy * (1 - SOURCE["INDEX"])) * area * inside

    return quad(rate, np.log(low), np.log(high), limit=200, epsrel=1e-4)[0] * SOURCE["LIVETIME"] * 3600


def background_in_circle(data: Path, offset: float, radius: float, low: float, high: float) -> float:
    """Counts: rate per solid angle at an offset, log-log in energy, times solid angle and time."""
    bkg = table(data, "BACKGROUND")
    x = (bkg["DETX_LO"] + bkg["DETX_HI"]) / 2
    rates = bkg["BKG"][abs(x) < 0.15][:, abs(x - offset) < 0.15].mean(axis=(0, 1))
    nodes = np.log(np.sqrt(bkg["ENERG_LO"] * bkg["ENERG_HI"]))[rates > 0], np.log(rates[rates > 0])
    per_sr = quad(
        lambda e: np.exp(np.interp(e, *nodes)) * np.exp(e) * 1e6, np.log(low), np.log(high), limit=200, epsrel=1e-4
    )[0]
    return per_sr * np.pi * np.radians(radius) ** 2 * SOURCE["LIVETIME"] * 3600


def test_predicted_counts_are_flux_times_area_times_time(run, hess_data: Path):
    results = {
        "signal": ["npred_signal", ""],
        "background": ["npred_background", ""],
        "significance": ["significance", ""],
        "time": ["time_needed", "h"],
    }
    there = {"OFFSET": 1.5, "ON_RADIUS": 0.08, "ENERGY_MIN": 0.3, "ENERGY_MAX": 30.0}
    result = run("counts_prediction", results, **SOURCE, **there)
    signal, background = result["signal"], result["background"]
    assert signal == pytest.approx(signal_without_dispersion(hess_data, 1, 0.08, 0.3, 30), rel=0.05)
    assert background == pytest.approx(background_in_circle(hess_data, 1.5, 0.08, 0.3, 30), rel=0.05)
    on = signal + background
    assert result["significance"] == pytest.approx(np.sqrt(2 * (on * np.log(on / background) - signal)), rel=1e-6)

    longer = run("counts_prediction", results, **{**SOURCE, "LIVETIME": result["time"]}, **there)
    assert longer["significance"] == pytest.approx(5, rel=1e-4)


def test_predicted_significance_with_off_regions_and_absorption(run):
    results = {"signal": ["npred_signal", ""], "background": ["npred_background", ""], "s": ["significance", ""]}
    there = {"OFFSET": 1.0, "ENERGY_MIN": 0.1, "ENERGY_MAX": 10.0}
    result = run("counts_prediction", results, **SOURCE, **there, ALPHA_ON_OFF=0.2, REDSHIFT=0.1)
    alpha, on = 0.2, result["signal"] + result["background"]
    off = result["background"] / alpha
    li_ma = on * np.log((1 + alpha) / alpha * on / (on + off)) + off * np.log((1 + alpha) * off / (on + off))
    assert result["s"] == pytest.approx(np.sqrt(2 * li_ma), rel=1e-6)
    bare = run("counts_prediction", results, **SOURCE, **there)
    assert 0.3 * bare["signal"] < result["signal"] < 0.8 * bare["signal"]
    assert bare["background"] == pytest.approx(result["background"])


def test_a_prediction_with_point_like_irfs_has_no_background(run):
    there = {"OFFSET": 0.4, "ENERGY_MIN": 0.3, "ENERGY_MAX": 10.0}
    crab = {"INDEX": 2.6, "AMPLITUDE": 3.5e-11, "IRF_FILE": MAGIC, "LIVETIME": 1.0}
    result = run("counts_prediction", {"rate": ["signal_rate", "min-1"]}, **crab, **there)
    assert 3 < result["rate"] < 10  # MAGIC sees about five photons of the Crab a minute above 300 GeV
    with pytest.raises(AssertionError, match="no background, so that it cannot be predicted"):
        run("counts_prediction", {"s": ["significance", ""]}, **crab, **there)
    with pytest.raises(AssertionError, match=r"offsets from 0\.39"):
        run("counts_prediction", {"s": ["npred_signal", ""]}, **crab, **{**there, "OFFSET": 1.0})
