"""Recipes for other instruments than H.E.S.S., in words, on what the data folder has of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from cookbook_requests import ask_for_script, run_script

from gammapygpt.data.stores import find_stores

pytestmark = pytest.mark.slow
CRAB = SkyCoord(83.633, 22.0145, unit="deg")
AT = "the Crab Nebula (RA 83.633 deg, Dec 22.0145 deg)"
MAGIC = (
    f"Spectrum of {AT} from the MAGIC runs in $GAMMAPY_DATA/magic/rad_max/data, which have point-like IRFs and an"
    " energy-dependent cut: log parabola, 80 GeV to 20 TeV, 3 OFF regions. Write result.json with"
    ' "n_on", "n_off", "significance", "flux_1_10TeV", "alpha" (of the log parabola) and "beta".'
)
VERITAS = (
    f"Significance of {AT} in the VERITAS data ($GAMMAPY_DATA/veritas/crab-point-like-ED), 0.3-30 TeV, 5 OFF regions."
    ' Write result.json with "n_on", "n_off" and "significance".'
)
MISSING = f"Spectrum of {AT} from the MAGIC runs in $GAMMAPY_DATA/joint-crab/dl3/magic, 0.1-10 TeV."
REDUCED = (
    "Fit a power law, absorbed by the EBL of Dominguez at z = 0.116, to the reduced OGIP spectrum"
    " $GAMMAPY_DATA/PKS2155-steady/pks2155-304_steady.fits.gz of PKS 2155-304. Write result.json with"
    ' "n_on", "n_off", "index", "flux_0p6_6TeV" and "intrinsic_flux_0p6_6TeV".'
)
JOINT = (
    f"Multi-instrument fit of a log parabola (reference energy 1 TeV) to {AT}: the Fermi-LAT data set"
    " $GAMMAPY_DATA/fermi-3fhl-crab/Fermi-LAT-3FHL_datasets.yaml and the PHA spectra of H.E.S.S. runs 23523 and 23526"
    " in $GAMMAPY_DATA/joint-crab/spectra/hess. Write result.json with"
    ' "alpha", "beta", "amplitude" and "n_on_hess" (ON counts of H.E.S.S.).'
)


def answer(text: str, folder: Path, data: Path, *needed: str) -> dict:
    for name in needed:
        if not (data / name).exists():
            pytest.skip(f"no {name} in the data folder")
    return run_script(ask_for_script(text, find_stores(data)), folder, data)


def li_and_ma(n_on: int, n_off: int, alpha: float) -> float:
    """Significance after Li & Ma 1983, equation 17."""
    total = n_on + n_off
    on, off = n_on * np.log((1 + alpha) / alpha * n_on / total), n_off * np.log((1 + alpha) * n_off / total)
    return float(np.sqrt(2 * (on + off)))


def counted(file: Path, low: float, high: float, n_off: int, cut: Table | float) -> tuple[int, int]:
    """Events at the Crab and at OFF positions around the pointing, within a cut (deg) that may depend on energy."""
    table, header = Table.read(file, hdu="EVENTS"), fits.getheader(file, "EVENTS")
    positions, energies = SkyCoord(table["RA"], table["DEC"], unit="deg"), table["ENERGY"].quantity.to_value("TeV")
    pointing = SkyCoord(header["RA_PNT"], header["DEC_PNT"], unit="deg")
    if isinstance(cut, float):
        largest = np.full(len(energies), cut)
    else:
        bins = np.searchsorted(cut["ENERG_LO"][0], energies, side="right") - 1
        largest = cut["RAD_MAX"][0].ravel()[np.clip(bins, 0, cut["RAD_MAX"][0].size - 1)]
    counts = []
    for turn in range(n_off + 1):
        angle = pointing.position_angle(CRAB) + turn * 360 / (n_off + 1) * u.deg
        centre = pointing.directional_offset_by(angle, pointing.separation(CRAB))
        inside = (positions.separation(centre).deg < largest) & (energies >= low) & (energies < high)
        counts.append(int(inside.sum()))
    return counts[0], sum(counts[1:])


def test_an_index_that_tells_no_livetime(hess_data: Path, tmp_path: Path):
    text = (
        f"How many MAGIC runs point within 1 deg of {AT}, and what is their livetime? $GAMMAPY_DATA/magic/rad_max/data"
    )
    result = answer(text, tmp_path, hess_data, "magic/rad_max/data")
    files = (hess_data / "magic/rad_max/data").glob("2013*.fits")
    assert result["n_obs"] == 2
    assert result["livetime_h"] == pytest.approx(sum(fits.getheader(one, "EVENTS")["LIVETIME"] for one in files) / 3600)
    assert result["mean_zenith_deg"] == pytest.approx(18.0, abs=0.1)  # 20.3 and 15.7 deg in the index of joint-crab


def test_magic(hess_data: Path, tmp_path: Path):
    result = answer(MAGIC, tmp_path, hess_data, "magic/rad_max/data")
    files = sorted((hess_data / "magic/rad_max/data").glob("2013*.fits"))
    counts = [counted(file, 0.08, 20, 3, fits.getdata(file, "RAD_MAX")) for file in files]
    n_on, n_off = (sum(one) for one in zip(*counts, strict=True))
    assert result["n_on"] == n_on
    assert result["n_off"] == pytest.approx(n_off, abs=3)
    assert result["significance"] == pytest.approx(li_and_ma(n_on, n_off, 1 / 3), rel=0.01)
    # Aleksic et al. 2015, JHEAp 5, 30: 3.23e-11 cm-2 s-1 TeV-1 at 1 TeV, 2.47 and 0.24 (for log10), from many more runs
    assert result["flux_1_10TeV"] == pytest.approx(2.0e-11, abs=3 * result["flux_1_10TeV_err"])
    assert result["beta"] == pytest.approx(0.24 / np.log(10), abs=3 * result["beta_err"])


def test_veritas(hess_data: Path, tmp_path: Path):
    result = answer(VERITAS, tmp_path, hess_data, "veritas/crab-point-like-ED")
    files = sorted((hess_data / "veritas/crab-point-like-ED").glob("6408*.fits.gz"))
    counts = [counted(file, 0.3, 30, 5, float(fits.getheader(file, "EFFECTIVE AREA")["RAD_MAX"])) for file in files]
    n_on, n_off = (sum(one) for one in zip(*counts, strict=True))
    assert result["n_on"] == n_on
    assert result["n_off"] == pytest.approx(n_off, abs=3)
    assert result["significance"] == pytest.approx(li_and_ma(n_on, n_off, 1 / 5), rel=0.02)


def test_a_run_whose_file_is_missing(hess_data: Path, tmp_path: Path):
    with pytest.raises(AssertionError, match=r"names files that are not there: \['run_05029747_DL3.fits'\]"):
        answer(MISSING, tmp_path, hess_data, "joint-crab/dl3/magic")


def test_reduced_spectra(hess_data: Path, tmp_path: Path):
    result = answer(REDUCED, tmp_path, hess_data, "PKS2155-steady", "ebl/ebl_dominguez11.fits.gz")
    good = {}
    for kind in ("", "_bkg"):
        table = Table.read(hess_data / f"PKS2155-steady/pks2155-304_steady{kind}.fits.gz", hdu="SPECTRUM")
        good[kind] = int(table["COUNTS"][2:].sum())  # the first two of ten bins are below the safe energies
    assert (result["n_on"], result["n_off"]) == (good[""], good["_bkg"])
    # without absorption the index is 3.41; that light at this redshift softens it by 0.95 at 0.7 TeV, 0.77 at 1.2 TeV
    assert result["index"] == pytest.approx(3.41 - 0.85, abs=result["index_err"])
    assert 1.5 < result["intrinsic_flux_0p6_6TeV"] / result["flux_0p6_6TeV"] < 4


def test_fermi_and_hess_together(hess_data: Path, tmp_path: Path):
    """As with one SkyModel for all data sets, fitted by hand with Gammapy 2.1."""
    result = answer(JOINT, tmp_path, hess_data, "fermi-3fhl-crab", "joint-crab/spectra/hess")
    assert result["alpha"] == pytest.approx(2.3705, abs=0.002)
    assert result["beta"] == pytest.approx(0.029906, abs=0.0005)
    assert result["amplitude"] == pytest.approx(3.4019e-11, rel=0.005)
    assert result["amplitude_err"] == pytest.approx(1.757e-12, rel=0.02)
    assert result["n_on_hess"] == 250
