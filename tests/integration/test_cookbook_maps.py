"""Maps of a simulated source: it is found where it was put, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from cookbook_requests import photon_flux, run_script

from gammapygpt.cookbook.book import fill, recipes
from gammapygpt.data import instrument

SOURCE = SkyCoord(83.633, 22.0145, unit="deg")
GIVEN = {
    "DATA_STORE": "dl3-simulated",
    "TARGET_RA": 83.633,
    "TARGET_DEC": 22.0145,
    "ENERGY_MIN": 1.0,
    "ENERGY_MAX": 10.0,
    "ENERGY_BINS": 3,
    "PIXEL_SIZE": 0.04,
    "MAP_WIDTH": 3.0,
    "CORRELATION_RADIUS": 0.12,
}


def counts_in_circles(data: Path, radius_deg: float) -> tuple[int, int]:
    """Events between 1 and 10 TeV in a circle at the source, and in one as far from the pointing on its other side."""
    at_source = mirrored = 0
    for path in sorted((data / "dl3-simulated").rglob("*.fits*")):
        if "index" in path.name:
            continue
        events = Table.read(path, hdu="EVENTS")
        events = events[(events["ENERGY"] >= 1) & (events["ENERGY"] < 10)]
        pointing = SkyCoord(events.meta["RA_PNT"], events.meta["DEC_PNT"], unit="deg")
        opposite = pointing.directional_offset_by(SOURCE.position_angle(pointing), SOURCE.separation(pointing))
        places = SkyCoord(events["RA"], events["DEC"], unit="deg")
        at_source += int(np.sum(places.separation(SOURCE).deg < radius_deg))
        mirrored += int(np.sum(places.separation(opposite).deg < radius_deg))
    return at_source, mirrored


@pytest.mark.parametrize("name", ["ring_significance_map", "fov_significance_map"])
def test_significance_map(name: str, simulated_data: Path, tmp_path: Path):
    results = recipes()[name].constants["RESULTS"].default | {"separation_deg": ["peak_separation", "deg"]}
    result = run_script(fill(recipes()[name], {**GIVEN, "RESULTS": results}), tmp_path, simulated_data)
    assert result["separation_deg"] < 0.08  # two pixels: noise moves the maximum of a flat-topped peak
    peak = SkyCoord(result["peak_ra_deg"], result["peak_dec_deg"], unit="deg")
    assert peak.separation(SOURCE).deg == pytest.approx(result["separation_deg"], abs=1e-6)
    assert 15 < result["significance_at_target"] <= result["max_significance"]
    # pixels of 0.04 deg make a circle of 0.12 deg uncertain by half a pixel
    smaller, larger = (counts_in_circles(simulated_data, radius)[0] for radius in (0.10, 0.14))
    assert smaller <= result["counts_at_target"] <= larger
    _, mirrored = counts_in_circles(simulated_data, 0.12)
    assert result["background_at_target"] == pytest.approx(mirrored, abs=3.5 * np.sqrt(mirrored) + 0.1 * mirrored)
    assert result["excess_at_target"] == pytest.approx(result["counts_at_target"] - result["background_at_target"])
    # correlated pixels: about 500 independent circles, whose mean and width are known to 0.05
    assert result["significance_mean_off"] == pytest.approx(0, abs=0.2)
    assert result["significance_width_off"] == pytest.approx(1, abs=0.15)
    assert result["n_obs"] == len(result["_meta"]["obs_ids"]) == 4
    assert (tmp_path / "significance_map.png").stat().st_size > 1000


def test_ts_map(simulated_data: Path, tmp_path: Path):
    given = {name: value for name, value in GIVEN.items() if name in recipes()["ts_map"].constants}
    results = recipes()["ts_map"].constants["RESULTS"].default
    more = {"separation_deg": ["peak_separation", "deg"], "width": ["off_std", ""], "f": ["flux", 2.0, 5.0, "cm-2 s-1"]}
    given |= {"INDEX": 2.5, "BINS_PER_DECADE": 3, "MAP_WIDTH": 1.6, "KERNEL_WIDTH": 0.6}
    script = fill(recipes()["ts_map"], {**given, "RESULTS": results | more})
    result = run_script(script, tmp_path, simulated_data)
    assert result["separation_deg"] < 0.05
    assert result["n_peaks"] == 1
    assert result["max_sqrt_ts"] >= result["sqrt_ts_at_target"] > 15
    true = photon_flux(simulated_data, 1, 10)
    assert result["flux_at_target"] == pytest.approx(true, abs=3.5 * result["flux_at_target_err"])
    assert result["flux_at_target_err"] < 0.1 * true
    assert result["f"] == pytest.approx(result["flux_at_target"] * photon_flux(simulated_data, 2, 5) / true, rel=1e-6)
    assert result["width"] == pytest.approx(1, abs=0.3)  # some 60 independent places
    assert (tmp_path / "ts_map.png").stat().st_size > 1000


def test_exposure_map(simulated_data: Path, tmp_path: Path):
    given = {name: GIVEN[name] for name in ("DATA_STORE", "TARGET_RA", "TARGET_DEC")}
    wanted = {
        "exposure_1TeV": ["exposure", 1.0, "cm2 s"],
        "exposure_8TeV": ["exposure", 8.0, "cm2 s"],
        "max_exposure_1TeV": ["max_exposure", 1.0, "cm2 s"],
        "livetime_s": ["livetime", "s"],
        "effective_s": ["effective_livetime", 1.0, "s"],
        "offset_deg": ["mean_offset", "deg"],
        "n_obs": ["n_obs", ""],
    }
    result = run_script(fill(recipes()["exposure_map"], {**given, "RESULTS": wanted}), tmp_path, simulated_data)
    runs = Table.read(simulated_data / "dl3-simulated" / "obs-index.fits.gz")
    pointings = SkyCoord(runs["RA_PNT"], runs["DEC_PNT"], unit="deg")
    offsets, livetime = pointings.separation(SOURCE).deg, np.array(runs["LIVETIME"])
    assert result["n_obs"] == len(runs)
    assert result["livetime_s"] == pytest.approx(livetime.sum(), rel=1e-6)
    assert result["offset_deg"] == pytest.approx(np.average(offsets, weights=livetime), abs=1e-6)
    for energy in (1.0, 8.0):  # the simulated instrument, known as a formula; tables of it are interpolated
        true = sum(livetime * instrument.effective_area_m2(np.array(energy), offsets) * 1e4)
        assert result[f"exposure_{energy:.0f}TeV"] == pytest.approx(true, rel=0.01)
    on_axis = instrument.effective_area_m2(np.array(1.0), 0.0) * 1e4
    assert result["effective_s"] == pytest.approx(result["exposure_1TeV"] / on_axis, rel=0.01)
    assert result["effective_s"] < result["livetime_s"]
    assert result["max_exposure_1TeV"] >= 0.99 * result["exposure_1TeV"]
    assert (tmp_path / "exposure_map.png").stat().st_size > 1000
