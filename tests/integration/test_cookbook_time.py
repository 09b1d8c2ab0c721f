"""Light curves from simulated runs: a source that does not vary is found not to vary, at the flux that went in."""

from __future__ import annotations

from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from cookbook_requests import photon_flux, run_script

from gammapygpt.cookbook.book import fill, recipes

TARGET = {"DATA_STORE": "dl3-simulated", "TARGET_RA": 83.633, "TARGET_DEC": 22.0145}


def events_near_the_source(data: Path, radius_deg: float, low: float, high: float, runs: tuple[int, ...]) -> int:
    """Events of some runs in a circle and an energy range (TeV), from the event tables alone."""
    source = SkyCoord(TARGET["TARGET_RA"], TARGET["TARGET_DEC"], unit="deg")
    count = 0
    for path in sorted((data / "dl3-simulated").rglob("*.fits*")):
        if "index" not in path.name and (events := Table.read(path, hdu="EVENTS")).meta["OBS_ID"] in runs:
            near = SkyCoord(events["RA"], events["DEC"], unit="deg").separation(source).deg < radius_deg
            count += int(np.sum(near & (events["ENERGY"] >= low) & (events["ENERGY"] < high)))
    return count


def test_light_curve_of_a_constant_source(simulated_data: Path, tmp_path: Path):
    parameters = {**TARGET, "ENERGY_MIN": 1.0, "ENERGY_MAX": 10.0, "AEFF_MAX_PERCENT": 0.0, "INDEX": 2.5}
    results = recipes()["light_curve"].constants["RESULTS"].default
    more = {"n_on": ["n_on", ""], "weighted": ["flux_weighted_mean", "cm-2 s-1"], "start": ["time_first", "d"]}
    more["flux_mean_2_5TeV"] = ["flux_mean", 2.0, 5.0, "cm-2 s-1"]
    script = fill(recipes()["light_curve"], {**parameters, "RESULTS": results | more})
    result = run_script(script, tmp_path, simulated_data)
    true = photon_flux(simulated_data, 1, 10)
    assert result["n_points"] == result["n_obs"] == result["ndf"] + 1 == 4
    assert result["flux_mean"] == pytest.approx(true, abs=3.5 * result["flux_mean_err"])
    assert result["flux_mean_err"] < 0.1 * true
    assert result["flux_mean_2_5TeV"] == pytest.approx(
        photon_flux(simulated_data, 2, 5), abs=3.5 * result["flux_mean_2_5TeV_err"]
    )
    assert result["flux_min"] < true < result["flux_max"]
    assert result["n_on"] == events_near_the_source(simulated_data, 0.11, 1, 10, runs=(1, 2, 3, 4))
    assert result["p_value"] > 1e-3
    table = Table.read(tmp_path / "light_curve.ecsv")
    flux, error = np.squeeze(table["flux"]), np.squeeze(table["flux_err"])
    assert flux.argmax() == result["i_max"]
    weighted = np.average(flux, weights=error**-2)
    assert result["weighted"] == pytest.approx(weighted, rel=1e-6)
    assert result["chi2"] == pytest.approx(np.sum((flux - weighted) ** 2 / error**2), rel=1e-6)
    runs = Table.read(simulated_data / "dl3-simulated" / "obs-index.fits.gz")
    reference = runs.meta["MJDREFI"] + runs.meta["MJDREFF"]
    assert result["start"] == pytest.approx(
        reference + min(runs["TSTART"]) / 86400, abs=0.001
    )  # TT is 1 min ahead of UTC
    assert result["_meta"]["fit_success"] is True
    assert (tmp_path / "light_curve.png").stat().st_size > 1000


def test_bins_of_minutes_share_the_events_of_a_run(simulated_data: Path, tmp_path: Path):
    parameters = {**TARGET, "OBS_IDS": [1], "TIME_BIN_WIDTH": 12.0, "AEFF_MAX_PERCENT": 0.0, "INDEX": 2.5}
    wanted = {
        "n": ["n_points", ""],
        "fluxes": ["fluxes", "cm-2 s-1"],
        "times": ["times", "d"],
        "mean": ["flux_mean", "cm-2 s-1"],
        "n_on": ["n_on", ""],
    }
    script = fill(recipes()["light_curve"], {**parameters, "RESULTS": wanted})
    result = run_script(script, tmp_path, simulated_data)
    assert result["n"] == len(result["fluxes"]) == len(result["times"]) == 3  # a run of half an hour
    assert all(
        round((b - a) * 1440, 6) % 12 == pytest.approx(0, abs=1e-4)
        for a, b in zip(result["times"], result["times"][1:], strict=False)
    )
    assert result["n_on"] == events_near_the_source(simulated_data, 0.11, 1, 10, runs=(1,))
    assert result["mean"] == pytest.approx(np.mean(result["fluxes"]), rel=1e-6)
    assert result["mean"] == pytest.approx(photon_flux(simulated_data, 1, 10), abs=3.5 * result["mean_err"])


@pytest.mark.parametrize("form", ["flux", "likelihood"])
def test_variability_of_a_light_curve_in_a_file(form: str, tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    start = Time(60000.0, format="mjd", scale="tt")
    minutes = np.arange(4) * 10 / 1440
    table = Table(
        {
            "time_min": start.mjd + minutes,
            "time_max": start.mjd + minutes + 10 / 1440,
            "e_ref": np.full((4, 1), 3.0) * u.TeV,
            "e_min": np.full((4, 1), 1.0) * u.TeV,
            "e_max": np.full((4, 1), 9.0) * u.TeV,
            "flux": np.array([[1], [2], [4], [3]]) * 1e-11 * u.Unit("cm-2 s-1"),
            "flux_err": np.full((4, 1), 1e-12) * u.Unit("cm-2 s-1"),
        },
        meta={"SED_TYPE": "flux", "MJDREFI": 0, "MJDREFF": 0.0, "TIMESYS": "tt", "TIMEUNIT": "d"},
    )
    if form == "likelihood":  # norms of a soft spectrum, whose flux is not dN/dE times the width of the band
        table["norm"], table["norm_err"] = table["flux"].value / 2e-11, table["flux_err"].value / 2e-11
        table["ref_flux"] = np.full((4, 1), 2e-11) * u.Unit("cm-2 s-1")
        table["ref_dnde"] = np.full((4, 1), 5e-13) * u.Unit("cm-2 s-1 TeV-1")
        table["ref_eflux"] = np.full((4, 1), 3e-11) * u.Unit("TeV cm-2 s-1")
        table.remove_columns(["flux", "flux_err"])
        table.meta["SED_TYPE"] = "likelihood"
    table.write(folder / "curve.ecsv")
    names = ["fvar", "chi2", "ndf", "excess_variance", "flux_ratio", "variability_amplitude", "i_max", "n_blocks"]
    wanted = {name: [name, ""] for name in names} | {
        "doubling_min": ["doubling_time", "min"],
        "halving_min": ["halving_time", "min"],
        "flux_max": ["flux_max", "cm-2 s-1"],
        "time_max": ["time_max", "d"],
        "duration_min": ["duration", "min"],
    }
    recipe = recipes()["variability_of_light_curve"]
    script = fill(recipe, {"DATA_FILE": "curve.ecsv", "TIME_SCALE": "utc", "RESULTS": wanted})
    result = run_script(script, tmp_path, folder)
    assert result["chi2"] == pytest.approx((1.5**2 + 0.5**2 + 1.5**2 + 0.5**2) / 0.1**2)
    assert result["ndf"] == 3
    variance = (5 / 3 - 0.01) / 2.5**2
    assert result["excess_variance"] == pytest.approx(variance)
    assert result["fvar"] == pytest.approx(variance**0.5)
    assert (result["flux_max"], result["flux_max_err"]) == pytest.approx((4e-11, 1e-12))
    assert (result["flux_ratio"], result["variability_amplitude"], result["i_max"]) == pytest.approx((4, 0.6, 2))
    assert result["doubling_min"] == pytest.approx(10)
    assert result["halving_min"] == pytest.approx(10 / np.log2(4 / 3))
    assert result["duration_min"] == pytest.approx(40)
    assert result["time_max"] == pytest.approx((start + 25 * u.min).utc.mjd, abs=1e-8)
    assert 2 <= result["n_blocks"] <= 4
    assert (tmp_path / "light_curve.png").stat().st_size > 1000
