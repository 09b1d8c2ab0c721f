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
    factor = result["time"] / SOURCE["LIVETIME"]
    on, signal, background = factor * on, factor * signal, factor * background
    assert np.sqrt(2 * (on * np.log(on / background) - signal)) == pytest.approx(5, rel=1e-6)


@pytest.mark.slow
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


@pytest.mark.slow
def test_simulated_spectra_scatter_around_what_is_expected(run):
    results = {
        "n_on": ["n_on", ""],
        "std_n_on": ["std_n_on", ""],
        "excess": ["excess", ""],
        "significance": ["significance", ""],
        "signal": ["npred_signal", ""],
        "background": ["npred_background", ""],
        "detected": ["detected_fraction", ""],
    }
    there = {"OFFSET": 1.0, "ENERGY_MIN": 0.1, "ENERGY_MAX": 10.0, "N_OBSERVATIONS": 60, "SEED": 1}
    result = run("spectrum_simulation", results, **{**SOURCE, "LIVETIME": 1.0}, **there)
    expected = result["signal"] + result["background"]
    assert result["n_on"] == pytest.approx(expected, abs=4 * np.sqrt(expected / 60))
    assert result["std_n_on"] == pytest.approx(np.sqrt(expected), rel=0.35)
    assert result["excess"] == pytest.approx(result["signal"], abs=4 * np.sqrt(1.2 * expected / 60))
    assert 0 <= result["detected"] <= 1
    assert (result["significance"] > 5) == (result["detected"] > 0.5)


def test_a_fit_to_a_simulated_spectrum_finds_the_truth(run):
    results = {"index": ["parameter", "index", ""], "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"]}
    there = {"OFFSET": 0.5, "ENERGY_MIN": 0.1, "ENERGY_MAX": 10.0, "SEED": 7, "ALPHA_ON_OFF": None}
    first = run("spectrum_simulation", results, **{**SOURCE, "AMPLITUDE": 4e-12}, **there)
    assert abs(first["index"] - SOURCE["INDEX"]) < 4 * first["index_err"] < 0.2
    assert abs(first["amplitude"] - 4e-12) < 4 * first["amplitude_err"] < 1e-12
    assert first["_meta"]["fit_success"] is True


def test_sensitivity_is_the_flux_of_a_source_at_five_sigma(run, hess_data: Path):
    """In a bin: the excess is that of Li & Ma at 5 sigma, the flux that excess over area, time and containment."""
    results = {
        "sensitivity": ["e2dnde", 1.2, "erg cm-2 s-1"],
        "excess": ["excess", 1.2, ""],
        "background": ["background", 1.2, ""],
        "limit": ["criterion", 1.2, ""],
        "high": ["criterion", 25.0, ""],
    }
    axis = {"ENERGY_MIN": 0.1, "ENERGY_MAX": 100.0, "ENERGY_BINS": 15}
    result = run("sensitivity", results, IRF_FILE=SOUTH, LIVETIME=5.0, OFFSET=1.5, **axis)
    alpha, excess, background = 0.2, result["excess"], result["background"]
    on, off = excess + background, background / alpha
    li_ma = on * np.log((1 + alpha) / alpha * on / (on + off)) + off * np.log((1 + alpha) * off / (on + off))
    assert np.sqrt(2 * li_ma) == pytest.approx(5, abs=0.01)
    assert (result["limit"], result["high"]) == ("significance", "gamma")
    low, high = 1.0, 10 ** (1 / 5)
    per_flux = signal_without_dispersion(hess_data, 1, 1e3, low, high) / SOURCE["AMPLITUDE"] * 0.68
    shape = (low * high) ** (1 - SOURCE["INDEX"] / 2)  # E^2 dN/dE at the centre, for an amplitude of one at 1 TeV
    assert result["sensitivity"] == pytest.approx(1.602177 * shape * excess / per_flux, rel=0.08)


@pytest.mark.slow
def test_sampled_events_are_as_many_as_expected(run, tmp_path: Path):
    results = {
        "all": ["n_events", ""],
        "source": ["n_source", ""],
        "background": ["n_background", ""],
        "expected_source": ["expected_source", ""],
        "expected_background": ["expected_background", ""],
        "on": ["n_source_on", ""],
    }
    there = {"OFFSET": 0.5, "ENERGY_MIN": 2.0, "ENERGY_MAX": 50.0, "MAP_WIDTH": 2.0, "PIXEL_SIZE": 0.1, "SEED": 3}
    result = run("event_sampling", results, **{**SOURCE, "AMPLITUDE": 4e-12}, **there, ON_RADIUS=0.3)
    for origin in ("source", "background"):
        expected = result[f"expected_{origin}"]
        assert expected > 20
        assert result[origin] == pytest.approx(expected, abs=4 * np.sqrt(expected))
    assert result["all"] == result["source"] + result["background"]
    assert result["on"] > 0.9 * result["source"]
    assert len(fits.getdata(tmp_path / "run0" / "events.fits", "EVENTS")) == result["all"]


MAKE_DATASET = """
import json
import astropy.units as u
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.irf import EDispKernelMap
from gammapy.maps import MapAxis, RegionGeom, RegionNDMap
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel

axis = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=5)
true = axis.copy(name="energy_true")
geom = RegionGeom.create("icrs;circle(0, 0, 0.1)", axes=[axis])
exposure = RegionNDMap.from_geom(geom.to_image().to_cube([true]), data=1e14, unit="cm2 s")
background = RegionNDMap.from_geom(geom, data=20.0)
edisp = EDispKernelMap.from_diagonal_response(axis, true, geom=geom.to_image())
dataset = SpectrumDataset(name="empty", exposure=exposure, background=background, edisp=edisp)
model = SkyModel(PowerLawSpectralModel(index=2.2, amplitude="3e-12 cm-2 s-1 TeV-1"), name="source")
dataset.models = [model]
dataset.counts = dataset.npred()
model.spectral_model.index.value = 2.5
Datasets([dataset]).write("data/two.yaml", filename_models="data/models.yaml", overwrite=True)
open("result.json", "w").write(json.dumps({"counts": dataset.counts.data.squeeze().tolist()}))
"""


def test_datasets_are_read_judged_and_fitted(tmp_path: Path, hess_data: Path):
    """Counts are those that index 2.2 predicts; the models in the file have 2.5."""
    (tmp_path / "data").mkdir()
    counts = np.array(run_script(MAKE_DATASET, tmp_path, hess_data)["counts"])
    results = {
        "n": ["n_datasets", ""],
        "counts": ["counts", ""],
        "npred": ["npred", ""],
        "stat": ["fit_statistic", ""],
        "start": ["start_parameter", "index", ""],
        "index": ["parameter", "index", ""],
        "best": ["refit_statistic", ""],
        "low": ["energy_min", "TeV"],
    }
    script = fill(
        recipes()["dataset_yaml"], {"DATASETS_FILE": "two.yaml", "MODEL_FILE": "models.yaml", "RESULTS": results}
    )
    (tmp_path / "run").mkdir()
    result = run_script(script, tmp_path / "run", tmp_path / "data")
    edges = 10 ** (np.arange(6) / 5)

    def npred(index: float) -> np.ndarray:
        power = 1 - index
        return 3e-12 * 1e14 * np.diff(edges**power) / power + 20

    def cash(expected: np.ndarray) -> float:
        return 2 * float(np.sum(expected - counts * np.log(expected)))

    assert counts == pytest.approx(npred(2.2), rel=1e-4)
    assert result["n"] == 1
    assert result["counts"] == pytest.approx(counts.sum())
    assert result["npred"] == pytest.approx(npred(2.5).sum(), rel=1e-4)
    assert result["stat"] == pytest.approx(cash(npred(2.5)), rel=1e-6)
    assert result["best"] == pytest.approx(cash(npred(2.2)), rel=1e-6)
    assert result["start"] == 2.5
    assert result["index"] == pytest.approx(2.2, abs=0.01)
    assert result["low"] == pytest.approx(1.0)
    assert (tmp_path / "run" / "datasets.yaml").is_file()
