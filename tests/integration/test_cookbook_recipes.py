"""Each recipe on simulated data finds the truth that went into it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from cookbook_requests import ask_for_script, photon_flux, run_script

from gammapygpt.data.stores import find_stores
from gammapygpt.data.truth import truth_path

TARGET = "RA 83.633 deg, Dec 22.0145 deg"
POWER_LAW = f"Reflected-regions spectrum of the source at {TARGET}: power law, 0.7-30 TeV, ON radius 0.15 deg."
CUT_OFF = f"Reflected-regions spectrum at {TARGET}: exponential cut-off power law, 0.7-30 TeV, stack runs 1 and 3."
PARABOLA = (
    f"Reflected-regions spectrum at {TARGET}: log parabola, 0.7-30 TeV, runs 2, 4, flux points with edges 1, 3, 9 TeV."
)
SIGNIFICANCE = f"Significance of the source at {TARGET} with reflected regions, 0.7-30 TeV, ON radius 0.15 deg."
CUBE = f"3D fit of a point source with a power law at {TARGET}: 0.7-30 TeV, 6 bins, 2.5 x 2.5 deg, 0.05 deg pixels."
RUNS = f"How many runs point within 2 deg of {TARGET}, and what is their livetime?"


def truth(data: Path) -> dict[str, dict]:
    """The expected numbers by key: value and tolerance."""
    return {entry["key"]: entry for entry in tomllib.loads(truth_path(data).read_text(encoding="utf-8"))["expected"]}


def assert_true(result: dict, data: Path, *keys: str) -> None:
    for key in keys:
        entry = truth(data)[key]
        tolerance = {"abs": entry["abs_tol"]} if "abs_tol" in entry else {"rel": entry["rel_tol"]}
        assert result[key] == pytest.approx(entry["value"], **tolerance), key


def test_observation_list(simulated_data: Path, tmp_path: Path):
    result = run_script(ask_for_script(RUNS, find_stores(simulated_data)), tmp_path, simulated_data)
    assert_true(result, simulated_data, "n_obs")
    assert len(result["obs_ids"]) == result["n_obs"] == len(result["_meta"]["obs_ids"])
    assert 0 < result["livetime_h"] <= result["ontime_h"]
    assert (tmp_path / "pointings.png").stat().st_size > 1000


def test_reflected_significance(simulated_data: Path, tmp_path: Path):
    result = run_script(ask_for_script(SIGNIFICANCE, find_stores(simulated_data)), tmp_path, simulated_data)
    assert result["significance"] > 10
    assert result["excess"] == pytest.approx(result["n_on"] - result["alpha"] * result["n_off"], rel=1e-4)
    assert result["background"] == pytest.approx(result["alpha"] * result["n_off"], rel=1e-4)
    assert result["excess_err"] > result["n_on"] ** 0.5
    assert min(result["_meta"]["n_off_regions"]) >= 3
    assert (tmp_path / "regions.png").stat().st_size > 1000


def test_reflected_spectrum_of_a_power_law(simulated_data: Path, tmp_path: Path):
    result = run_script(ask_for_script(POWER_LAW, find_stores(simulated_data)), tmp_path, simulated_data)
    keys = ["index", "amplitude", "flux_1_10TeV", "energy_flux_1_10TeV_erg", "n_obs"]
    assert_true(result, simulated_data, *keys)
    for key in keys[:4]:
        assert abs(result[key] - truth(simulated_data)[key]["value"]) < 3.5 * result[f"{key}_err"], key
    assert result["_meta"]["fit_success"] is True
    assert result["_meta"]["units"]["amplitude"] == "cm-2 s-1 TeV-1"
    assert (tmp_path / "sed.png").stat().st_size > 1000
    assert "e_ref" in (tmp_path / "sed.ecsv").read_text(encoding="utf-8")


def test_a_cut_off_is_not_found_where_there_is_none(simulated_data: Path, tmp_path: Path):
    script = ask_for_script(CUT_OFF + ' Report "lambda" (1/TeV).', find_stores(simulated_data))
    result = run_script(script, tmp_path, simulated_data)
    assert abs(result["lambda"]) < 3.5 * result["lambda_err"]
    assert result["_meta"]["analysis"]["STACKED"] is True
    assert result["_meta"]["obs_ids"] == [1, 3]


def test_log_parabola_and_flux_points(simulated_data: Path, tmp_path: Path):
    text = PARABOLA + ' Report "beta", "flux_1_3TeV" (photon flux) and "n_points" (number of flux points).'
    result = run_script(ask_for_script(text, find_stores(simulated_data)), tmp_path, simulated_data)
    assert abs(result["beta"]) < 3.5 * result["beta_err"]
    assert result["n_points"] == 2
    assert result["_meta"]["obs_ids"] == [2, 4]
    source = tomllib.loads(truth_path(simulated_data).read_text(encoding="utf-8"))["expected"]
    by_key = {entry["key"]: entry["value"] for entry in source}
    power = by_key["index"] - 1
    flux = by_key["amplitude"] * (1 - 3**-power) / power
    assert result["flux_1_3TeV"] == pytest.approx(flux, abs=3.5 * result["flux_1_3TeV_err"])


def test_stacked_3d(simulated_data: Path, tmp_path: Path):
    more = (
        ' Report "index", "amplitude", "flux_1_10TeV", "ra_deg", "dec_deg", "glon_deg", "glat_deg", "n_obs" and'
        ' "background_norm".'
    )
    result = run_script(ask_for_script(CUBE + more, find_stores(simulated_data)), tmp_path, simulated_data)
    assert_true(result, simulated_data, "index", "amplitude", "flux_1_10TeV", "ra_deg", "dec_deg", "n_obs")
    galactic = SkyCoord(result["ra_deg"], result["dec_deg"], unit="deg").galactic
    assert (result["glon_deg"], result["glat_deg"]) == pytest.approx((galactic.l.deg, galactic.b.deg), abs=1e-6)
    on_sky = np.hypot(result["ra_deg_err"] * np.cos(np.radians(result["dec_deg"])), result["dec_deg_err"])
    turned = np.hypot(result["glon_deg_err"] * np.cos(galactic.b.rad), result["glat_deg_err"])
    assert turned == pytest.approx(on_sky, rel=0.01)  # the error ellipse turns, its size stays
    assert result["background_norm"] == pytest.approx(1, abs=5 * result["background_norm_err"])
    assert result["_meta"]["fit_success"] is True
    assert (tmp_path / "residuals.png").stat().st_size > 1000


@pytest.mark.slow
def test_a_point_source_in_3d_has_no_extension(simulated_data: Path, tmp_path: Path):
    more = ' Flux points with edges 1, 3, 10 TeV. Report "ts", "ts_ext" (of the extension), "tilt" and "flux_1_3TeV".'
    result = run_script(ask_for_script(CUBE + more, find_stores(simulated_data)), tmp_path, simulated_data)
    assert result["ts"] > 400
    assert -0.1 < result["ts_ext"] < 9
    assert result["tilt"] == 0, "fixed unless it is asked for"
    true = photon_flux(simulated_data, 1, 3)
    assert result["flux_1_3TeV"] == pytest.approx(true, abs=3.5 * result["flux_1_3TeV_err"])
