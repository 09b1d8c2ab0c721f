"""Recipes that look things up or evaluate a model, against FITS tables read by hand and against formulas."""

from __future__ import annotations

import re
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table
from cookbook_requests import run_script
from scipy.integrate import quad
from scipy.interpolate import RegularGridInterpolator
from scipy.optimize import curve_fit

from gammapygpt.cookbook import fill, recipes

SOUTH = "cta-caldb/Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz"
RUN = "hess-dl3-dr1/data/hess_dl3_dr1_obs_id_023523.fits.gz"
MAGIC = "magic/rad_max/data/20131004_05029747_DL3_CrabNebula-W0.40+035.fits"
HGPS = "catalogs/hgps_catalog_v1.fits.gz"


@pytest.fixture
def run(tmp_path: Path, hess_data: Path):
    """Run a recipe with some of its constants, on the real data, in a folder `run0`, `run1` ...; its result."""

    def run_recipe(name: str, results: dict[str, list[Any]], data: Path = hess_data, **constants: Any) -> dict:
        folder = tmp_path / f"run{len(list(tmp_path.glob('run*')))}"
        folder.mkdir()
        return run_script(fill(recipes()[name], {**constants, "RESULTS": results}), folder, data)

    return run_recipe


def need(data: Path, *files: str) -> None:
    for file in files:
        if not (data / file).exists():
            pytest.skip(f"no {file} in the data folder")


def columns(data: Path, file: str, hdu: str, *names: str) -> list[np.ndarray]:
    table = fits.getdata(data / file, hdu)
    return [np.squeeze(table[name]).astype(float) for name in names]


def centers(low: np.ndarray, high: np.ndarray, scale: str) -> np.ndarray:
    return np.sqrt(low * high) if scale == "log" else (low + high) / 2


def effective_area(data: Path, file: str, hdu: str, energy: float, offset: float) -> float:
    """m2, linear in the logarithm of energy and in offset."""
    low, high, near, far, area = columns(data, file, hdu, "ENERG_LO", "ENERG_HI", "THETA_LO", "THETA_HI", "EFFAREA")
    points = centers(near, far, "lin"), np.log(centers(low, high, "log"))
    return float(RegularGridInterpolator(points, area)((offset, np.log(energy))))


def test_irfs_of_a_run_are_those_of_its_file(run, hess_data: Path, tmp_path: Path):
    results = {
        "aeff_1TeV_m2": ["aeff", 1.0, "m2"],
        "aeff_30TeV_cm2": ["aeff", 30.0, "cm2"],
        "r68": ["psf_r68", 1.0, "deg"],
        "r80": ["psf_radius", 1.0, "arcmin"],
        "inside": ["psf_containment", 1.0, ""],
        "resolution": ["energy_resolution", 1.0, ""],
        "bias": ["energy_bias", 1.0, ""],
        "background": ["background_rate", 1.0, "s-1 TeV-1 sr-1"],
        "threshold": ["aeff_threshold", "TeV"],
    }
    store = {"DATA_STORE": "hess-dl3-dr1", "OBS_IDS": [23523], "OFFSET": 0.5}
    result = run("irf_lookup", results, **store, CONTAINMENT_PERCENT=80.0, ON_RADIUS=0.12)
    assert result["aeff_1TeV_m2"] == pytest.approx(effective_area(hess_data, RUN, "AEFF", 1.0, 0.5), rel=1e-3)
    assert result["aeff_30TeV_cm2"] == pytest.approx(1e4 * effective_area(hess_data, RUN, "AEFF", 30, 0.5), rel=1e-3)

    names = ["ENERG_LO", "ENERG_HI", "THETA_LO", "THETA_HI", "RAD_LO", "RAD_HI", "RPSF"]
    low, high, near, far, inner, outer, density = columns(hess_data, RUN, "PSF", *names)
    shape = RegularGridInterpolator(
        (centers(near, far, "lin"), np.log(centers(low, high, "log"))), np.moveaxis(density, 0, -1)
    )((0.5, 0.0))
    ring = 2 * np.pi * centers(inner, outer, "lin") * (outer - inner) * np.radians(1) ** 2
    contained = np.append(0, np.cumsum(shape * ring))
    edges = np.append(inner, outer[-1])
    assert result["r68"] == pytest.approx(np.interp(0.68, contained, edges), rel=0.01)
    assert result["r80"] == pytest.approx(60 * np.interp(0.80, contained, edges), rel=0.01)
    assert result["inside"] == pytest.approx(np.interp(0.12, edges, contained), rel=0.01)

    names = ["ENERG_LO", "ENERG_HI", "MIGRA_LO", "MIGRA_HI", "MATRIX"]
    low, high, least, most, matrix = columns(hess_data, RUN, "EDISP", *names)
    weights = matrix[1][:, np.argmin(abs(np.log(low * high)))] * (most - least)  # 0.5 deg is a node; near 1 TeV
    ratio = centers(least, most, "lin")
    mean = np.average(ratio, weights=weights)
    assert result["bias"] == pytest.approx(mean - 1, abs=0.01)
    assert result["resolution"] == pytest.approx(np.sqrt(np.average((ratio - mean) ** 2, weights=weights)), rel=0.05)

    low, high, left, right, rate = columns(hess_data, RUN, "BKG", "ENERG_LO", "ENERG_HI", "DETX_LO", "DETX_HI", "BKG")
    x = centers(left, right, "lin")
    rates = rate[:, abs(x) < 0.1][:, :, abs(x - 0.5) < 0.1].mean(axis=(1, 2))  # MeV-1 s-1 sr-1, along DETX
    filled = rates > 0
    expected = 1e6 * np.exp(np.interp(0, np.log(centers(low, high, "log"))[filled], np.log(rates[filled])))
    assert result["background"] == pytest.approx(expected, rel=0.05)

    at = effective_area(hess_data, RUN, "AEFF", result["threshold"], 0.5)
    grid = [effective_area(hess_data, RUN, "AEFF", energy, 0.5) for energy in np.geomspace(0.02, 90, 200)]
    assert at / max(grid) == pytest.approx(0.10, abs=0.002)
    assert result["_meta"]["irfs"].startswith("full-enclosure")
    assert result["_meta"]["obs_ids"] == [23523]
    assert (tmp_path / "run0" / "irfs.png").stat().st_size > 1000


def test_irfs_of_a_file_and_of_point_like_data(run, hess_data: Path):
    need(hess_data, SOUTH, MAGIC)
    result = run("irf_lookup", {"a": ["aeff", 1.0, "m2"], "r95": ["psf_r95", 1.0, "deg"]}, IRF_FILE=SOUTH, OFFSET=2.0)
    assert result["a"] == pytest.approx(effective_area(hess_data, SOUTH, "EFFECTIVE AREA", 1.0, 2.0), rel=1e-3)
    names = ["SIGMA_1", "SIGMA_2", "SIGMA_3", "AMPL_2", "AMPL_3", "ENERG_LO", "ENERG_HI"]
    *shape, low, high = columns(hess_data, SOUTH, "POINT SPREAD FUNCTION", *names)
    node = np.argmin(abs(np.log(low * high)))  # 1 TeV is a node of energy; 1.5 and 2.5 deg are nodes of offset
    inside = []
    for offset in (1, 2):
        *sigmas, two, three = (column[offset, node] for column in shape)
        parts = [(a * s**2, s) for a, s in zip((1, two, three), sigmas, strict=True) if s > 0]
        within = sum(weight * (1 - np.exp(-0.5 * (result["r95"] / s) ** 2)) for weight, s in parts)
        inside.append(within / sum(weight for weight, _ in parts))
    assert np.mean(inside) == pytest.approx(0.95, abs=0.01)

    magic = {"DATA_STORE": "magic/rad_max/data", "OBS_IDS": [5029747]}
    result = run("irf_lookup", {"cut": ["rad_max", 1.0, "deg"], "offset": ["offset", "deg"]}, **magic)
    low, high, cuts = columns(hess_data, MAGIC, "RAD_MAX", "ENERG_LO", "ENERG_HI", "RAD_MAX")
    assert result["cut"] == pytest.approx(np.interp(0, np.log(centers(low, high, "log")), cuts), abs=0.005)
    assert result["offset"] == pytest.approx(0.4, abs=0.001)
    with pytest.raises(AssertionError, match="point-like IRFs have no psf"):
        run("irf_lookup", {"r68": ["psf_r68", 1.0, "deg"]}, **magic)
    with pytest.raises(AssertionError, match="offset 1 deg is outside the aeff"):
        run("irf_lookup", {"a": ["aeff", 1.0, "m2"]}, **magic, OFFSET=1.0)


def separations(table: Table, ra: float, dec: float) -> np.ndarray:
    """deg, from the cosine formula."""
    first, second = np.radians(table["DEJ2000"].astype(float)), np.radians(dec)
    turned = np.radians(table["RAJ2000"].astype(float) - ra)
    cosine = np.sin(first) * np.sin(second) + np.cos(first) * np.cos(second) * np.cos(turned)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_the_nearest_hgps_source_and_its_best_spectrum(run, hess_data: Path):
    """A source with two Gaussians, whose sky_model() integrates to an energy."""
    need(hess_data, HGPS)
    table = Table.read(hess_data / HGPS, hdu="HGPS_SOURCES")
    ra, dec = 276.4, -13.9
    nearest = table[np.argmin(separations(table, ra, dec))]
    assert nearest["Spatial_Model"].endswith("Gaussian")
    results = {
        "name": ["name", ""],
        "flux": ["flux", 1.0, 10.0, "cm-2 s-1"],
        "energy_flux": ["energy_flux", 1.0, 10.0, "erg cm-2 s-1"],
        "index": ["parameter", "index", ""],
        "cutoff": ["cutoff", "TeV"],
        "n": ["n_within", ""],
        "list": ["names_within", ""],
        "size": ["extension", "deg"],
        "kind": ["source_class", ""],
        "brightest": ["brightest_name", ""],
    }
    result = run("catalogue_lookup", results, CATALOGUE_FILE=HGPS, TARGET_RA=ra, TARGET_DEC=dec, SEARCH_RADIUS=4.0)

    def dnde(energy: float) -> float:
        part = energy / nearest["Energy_Spec_ECPL_Pivot"]
        cut = np.exp(-energy * nearest["Lambda_Spec_ECPL"])
        return nearest["Flux_Spec_ECPL_Diff_Pivot"] * part ** -nearest["Index_Spec_ECPL"] * cut

    assert nearest["Spectral_Model"].strip() == "ECPL"
    assert result["name"] == nearest["Source_Name"].strip()
    assert result["flux"] == pytest.approx(quad(dnde, 1, 10)[0], rel=2e-3)
    assert result["energy_flux"] == pytest.approx(1.602177 * quad(lambda e: e * dnde(e), 1, 10)[0], rel=2e-3)
    assert 0 < result["flux_err"] < 0.3 * result["flux"]
    assert result["index"] == pytest.approx(float(nearest["Index_Spec_ECPL"]))
    assert result["cutoff"] == pytest.approx(1 / float(nearest["Lambda_Spec_ECPL"]))
    assert result["n"] == len(result["list"]) == np.sum(separations(table, ra, dec) <= 4.0)
    assert result["size"] == pytest.approx(float(nearest["Size"]))
    assert result["kind"] == nearest["Source_Class"].strip()
    assert result["brightest"] in result["list"]


@pytest.mark.parametrize(
    ("catalogue", "source", "energy", "expected"),
    [
        ("3fhl", "Crab Nebula", 0.1, ("Flux_Density", "PowerLaw_Index", "Pivot_Energy")),
        ("3hwc", "3HWC J0534+220", 7.0, ("spec0_dnde", None, None)),
        ("gamma-cat", "Crab nebula", 1.0, ("spec_dnde_1TeV", None, None)),
    ],
)
def test_differential_flux_of_a_named_source(run, hess_data: Path, catalogue, source, energy, expected):
    files = {
        "3fhl": "catalogs/fermi/gll_psch_v13.fit.gz",
        "3hwc": "catalogs/3HWC.ecsv",
        "gamma-cat": "catalogs/gammacat/gammacat.fits.gz",
    }
    need(hess_data, files[catalogue])
    results = {"dnde": ["dnde", energy, "cm-2 s-1 TeV-1"]}
    result = run("catalogue_lookup", results, CATALOGUE=catalogue, SOURCE_NAME=source)
    table = Table.read(hess_data / files[catalogue], **({} if catalogue == "3hwc" else {"hdu": 1}))
    names = table[{"3fhl": "ASSOC1", "3hwc": "source_name", "gamma-cat": "common_name"}[catalogue]]
    row = table[[str(name).strip() == source for name in names]][0]
    amplitude, index, pivot = expected
    value = row[amplitude]
    if index:
        value *= 1e3 * (energy * 1e3 / row[pivot]) ** -row[index]  # per GeV and GeV in the file
    assert result["dnde"] == pytest.approx(float(value), rel=2e-3)


def test_classes_and_sources_that_are_not_there(run, hess_data: Path):
    need(hess_data, HGPS)
    table = Table.read(hess_data / HGPS, hdu="HGPS_SOURCES")
    results = {"n": ["n_sources", ""], "kind": ["source_class", ""]}
    place = {"CATALOGUE": "hgps", "TARGET_RA": 258.4, "TARGET_DEC": -39.8}
    result = run("catalogue_lookup", results, SOURCE_CLASS="Binary", **place)
    assert result == result | {"n": int(np.sum(table["Source_Class"] == "Binary")), "kind": "Binary"}
    with pytest.raises(AssertionError, match="no source 'HESS J0000'"):
        run("catalogue_lookup", results, CATALOGUE="hgps", SOURCE_NAME="HESS J0000")
    flux = {"flux": ["flux", "cm-2 s-1"]}
    with pytest.raises(AssertionError, match="WCDA and KM2A: choose"):
        run("catalogue_lookup", flux, CATALOGUE="1LHAASO", TARGET_RA=83.63, TARGET_DEC=22.01)


def test_fluxes_and_errors_of_a_power_law(run):
    """Errors as linear propagation has them, through a covariance with correlation."""
    results = {
        "flux": ["flux", 1.0, 10.0, "cm-2 s-1"],
        "energy_flux": ["energy_flux", 1.0, 10.0, "erg cm-2 s-1"],
        "dnde": ["dnde", 3.0, "cm-2 s-1 TeV-1"],
        "pivot": ["pivot_energy", "TeV"],
        "crab": ["crab_flux", 1.0, 10.0, "percent"],
    }
    index, amplitude, index_error, error, correlation = 2.4, 3e-12, 0.05, 2e-13, 0.6
    given = {"INDEX": index, "AMPLITUDE": amplitude, "INDEX_ERROR": index_error, "AMPLITUDE_ERROR": error}
    result = run("model_flux", results, **given, CORRELATION=correlation, CRAB_MODEL="hess_pl")

    def flux(amplitude: float, index: float) -> float:
        return amplitude * (1 - 10 ** (1 - index)) / (index - 1)

    def propagated(function) -> float:
        per_amplitude = function(1.0, index) * error
        per_index = (function(amplitude, index + 1e-4) - function(amplitude, index - 1e-4)) / 2e-4 * index_error
        return np.sqrt(per_amplitude**2 + per_index**2 + 2 * correlation * per_amplitude * per_index)

    assert result["flux"] == pytest.approx(flux(amplitude, index), rel=1e-6)
    assert result["flux_err"] == pytest.approx(propagated(flux), rel=0.04)
    energy_flux = 1.602177 * amplitude * (1 - 10 ** (2 - index)) / (index - 2)
    assert result["energy_flux"] == pytest.approx(energy_flux, rel=1e-5)
    assert result["dnde"] == pytest.approx(amplitude * 3**-index, rel=1e-6)
    assert result["dnde_err"] == pytest.approx(propagated(lambda a, i: a * 3**-i), rel=0.04)
    assert result["pivot"] == pytest.approx(np.exp(correlation * error / (amplitude * index_error)), rel=1e-3)
    assert result["crab"] == pytest.approx(100 * flux(amplitude, index) / flux(3.45e-11, 2.63), rel=1e-4)


def test_curved_models(run):
    results = {"peak": ["sed_peak", "TeV"], "flux": ["flux", 0.5, 20.0, "cm-2 s-1"]}
    lp = {"SPECTRAL_MODEL": "lp", "ALPHA": 1.8, "BETA": 0.2, "AMPLITUDE": 1e-12, "REFERENCE_ENERGY": 2.0}
    result = run("model_flux", results, **lp)
    assert result["peak"] == pytest.approx(2.0 * np.exp((2 - 1.8) / (2 * 0.2)), rel=1e-4)
    expected = quad(lambda e: 1e-12 * (e / 2) ** -(1.8 + 0.2 * np.log(e / 2)), 0.5, 20)[0]
    assert result["flux"] == pytest.approx(expected, rel=2e-3)

    decimal = run("model_flux", results, **{**lp, "BETA": 0.2 * log(10)}, LOGARITHM="log10")
    assert decimal["flux"] == pytest.approx(expected, rel=2e-3)

    result = run("model_flux", results, INDEX=1.5, AMPLITUDE=1e-12, CUTOFF_ENERGY=4.0)
    assert result["peak"] == pytest.approx(2.0, rel=1e-4)
    assert result["flux"] == pytest.approx(quad(lambda e: 1e-12 * e**-1.5 * np.exp(-e / 4), 0.5, 20)[0], rel=2e-3)

    broken = {"INDEX": 1.6, "INDEX_2": 2.9, "BREAK_ENERGY": 3.0, "AMPLITUDE": 1e-12, "REFERENCE_ENERGY": 1.0}
    result = run("model_flux", results, **broken, BREAK="sharp")
    below = quad(lambda e: 1e-12 * e**-1.6, 0.5, 3)[0]
    above = quad(lambda e: 1e-12 * 3**-1.6 * (e / 3) ** -2.9, 3, 20)[0]
    assert result["flux"] == pytest.approx(below + above, rel=0.01)
    assert result["peak"] == pytest.approx(3.0, rel=1e-3)
    with pytest.raises(AssertionError, match="PowerLawSpectralModel has no maximum"):
        run("model_flux", {"peak": ["sed_peak", "TeV"]}, INDEX=2.2, AMPLITUDE=1e-12)


def test_ebl_absorption_is_that_of_the_table(run, hess_data: Path):
    file = "ebl/ebl_franceschini_2017.fits.gz"
    need(hess_data, file)
    results = {
        "transmission": ["transmission", 1.0, ""],
        "tau": ["optical_depth", 1.0, ""],
        "horizon": ["horizon", "TeV"],
        "flux": ["flux", 0.2, 5.0, "cm-2 s-1"],
        "intrinsic": ["intrinsic_flux", 0.2, 5.0, "cm-2 s-1"],
    }
    source = {"REDSHIFT": 0.2, "EBL_MODEL": "franceschini17", "INDEX": 2.5, "AMPLITUDE": 1e-11}
    result = run("ebl_absorption", results, **source, EBL_NORM=1.2)
    spectra = fits.getdata(hess_data / file, "SPECTRA")
    low, high = (fits.getdata(hess_data / file, "ENERGIES")[name] * 1e-9 for name in ("ENERG_LO", "ENERG_HI"))
    row = np.argmin(abs(np.squeeze(spectra["PARAMVAL"]) - 0.2))
    depths = -1.2 * np.log(np.maximum(spectra["INTPSPEC"][row].astype(float), 1e-300))

    def depth(energy: float) -> float:
        return float(np.interp(np.log(energy), np.log(np.sqrt(low * high)), depths))

    assert result["tau"] == pytest.approx(depth(1.0), rel=0.01)
    assert result["transmission"] == pytest.approx(np.exp(-depth(1.0)), rel=0.01)
    assert depth(result["horizon"]) == pytest.approx(1, abs=0.01)
    assert result["intrinsic"] == pytest.approx(1e-11 * (0.2**-1.5 - 5**-1.5) / 1.5, rel=1e-4)
    expected = quad(lambda e: 1e-11 * e**-2.5 * np.exp(-depth(e)), 0.2, 5)[0]
    assert result["flux"] == pytest.approx(expected, rel=0.01)

    observed = run("ebl_absorption", results, **source, EBL_NORM=1.2, MODEL_IS="observed")
    expected = quad(lambda e: 1e-11 * e**-2.5 * np.exp(depth(e)), 0.2, 5)[0]
    assert observed["intrinsic"] == pytest.approx(expected, rel=0.01)
    with pytest.raises(AssertionError, match="redshifts from"):
        run("ebl_absorption", results, **{**source, "REDSHIFT": 7.0})


def model_file(folder: Path, **parameters: tuple[float, str]) -> Path:
    """A data folder with a model file as Gammapy writes them: an exponential cut-off power law."""
    spectral = {
        "type": "ExpCutoffPowerLawSpectralModel",
        "parameters": [{"name": n, "value": v, "unit": unit} for n, (v, unit) in parameters.items()],
    }
    source = {"name": "source", "type": "SkyModel", "spectral": spectral}
    (folder / "data" / "models").mkdir(parents=True)
    path = folder / "data" / "models" / "ecpl.yaml"
    path.write_text(yaml.safe_dump({"components": [source]}), encoding="utf-8")
    return path


def test_a_model_file_is_read_changed_and_written(run, tmp_path: Path):
    amplitude = "cm-2 s-1 TeV-1"
    parameters = {"index": (1.7, ""), "amplitude": (2e-12, amplitude), "reference": (1.0, "TeV")}
    model_file(tmp_path, **parameters, lambda_=(0.25, "TeV-1"))
    results = {
        "flux": ["flux", 1.0, 10.0, "cm-2 s-1"],
        "energy_flux": ["energy_flux", 1.0, 10.0, "erg cm-2 s-1"],
        "peak": ["sed_peak", "TeV"],
        "new_flux": ["flux_changed", 1.0, 10.0, "cm-2 s-1"],
    }
    read = {"MODEL_FILE": "models/ecpl.yaml", "INDEX": 2.2, "OUTPUT_FILE": "softer.yaml"}
    result = run("model_yaml", results, data=tmp_path / "data", **read)

    def dnde(energy: float, index: float) -> float:
        return 2e-12 * energy**-index * np.exp(-energy / 4)

    assert result["flux"] == pytest.approx(quad(dnde, 1, 10, args=(1.7,))[0], rel=2e-3)
    in_erg = 1.602177 * quad(lambda e: e * dnde(e, 1.7), 1, 10)[0]
    assert result["energy_flux"] == pytest.approx(in_erg, rel=2e-3)
    assert result["peak"] == pytest.approx((2 - 1.7) * 4)
    assert result["new_flux"] == pytest.approx(quad(dnde, 1, 10, args=(2.2,))[0], rel=2e-3)
    written = yaml.safe_load((tmp_path / "run0" / "softer.yaml").read_text(encoding="utf-8"))["components"][0]
    assert written["spectral"]["parameters"][0] == {"name": "index", "value": 2.2}
    with pytest.raises(AssertionError, match=r"no file models/other.yaml below GAMMAPY_DATA"):
        run("model_yaml", results, data=tmp_path / "data", MODEL_FILE="models/other.yaml")


def test_a_model_is_written_from_its_parameters(run, tmp_path: Path):
    results = {"flux": ["flux_changed", 1.0, 10.0, "cm-2 s-1"], "size": ["parameter", "sigma", "deg"]}
    place = {"TARGET_RA": 83.63, "TARGET_DEC": 22.01, "EXTENSION": 0.3}
    given = {"INDEX": 2.0, "AMPLITUDE": 1e-12, "MODEL_NAME": "nebula", "OUTPUT_FILE": "nebula.yaml"}
    result = run("model_yaml", results | {"flux": ["flux", 1.0, 10.0, "cm-2 s-1"]}, **given, **place)
    assert result["flux"] == pytest.approx(0.9e-12, rel=1e-4)
    assert result["size"] == pytest.approx(0.3)
    written = yaml.safe_load((tmp_path / "run0" / "nebula.yaml").read_text(encoding="utf-8"))["components"][0]
    assert written["name"] == "nebula"
    with pytest.raises(AssertionError, match="nothing is changed"):
        run("model_yaml", results, **given, **place)


def flux_points_file(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A data folder with an SED that follows no model exactly: energies, fluxes and errors."""
    energy = np.geomspace(0.5, 20, 8)
    error = 0.1 * 2e-12 * energy**-2.3
    dnde = 2e-12 * energy**-2.3 * np.exp(-energy / 15) + error * np.array([0.5, -1, 0.3, 0.9, -0.6, 0.2, -0.4, 0.1])
    table = Table({"e_ref": energy, "dnde": dnde, "dnde_err": error}, meta={"SED_TYPE": "dnde"})
    table["e_ref"].unit = "TeV"
    table["dnde"].unit = table["dnde_err"].unit = "cm-2 s-1 TeV-1"
    (folder / "data").mkdir()
    table.write(folder / "data" / "sed.ecsv")
    return energy, dnde, error


def test_a_fit_to_flux_points_is_the_least_squares_fit(run, tmp_path: Path):
    energy, dnde, error = flux_points_file(tmp_path)
    results = {
        "index": ["parameter", "index", ""],
        "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
        "chi2": ["chi2", ""],
        "ndf": ["ndf", ""],
        "flux": ["flux", 1.0, 10.0, "cm-2 s-1"],
    }
    result = run("flux_points_fit", results, data=tmp_path / "data", DATA_FILE="sed.ecsv")

    def power_law(energy, amplitude, index):
        return amplitude * 1e-12 * energy**-index

    best, covariance = curve_fit(power_law, energy, dnde, [2, 2.3], error, absolute_sigma=True)
    assert result["amplitude"] == pytest.approx(best[0] * 1e-12, rel=1e-3)
    assert result["index"] == pytest.approx(best[1], abs=2e-3)
    assert result["index_err"] == pytest.approx(np.sqrt(covariance[1, 1]), rel=0.1)
    chi2 = np.sum(((dnde - power_law(energy, *best)) / error) ** 2)
    assert (result["chi2"], result["ndf"]) == (pytest.approx(chi2, rel=1e-3), 6)
    expected = best[0] * 1e-12 * (1 - 10 ** (1 - best[1])) / (best[1] - 1)
    assert result["flux"] == pytest.approx(expected, rel=1e-3)

    results = {"delta": ["delta_chi2", ""], "chi2": ["chi2", ""], "cutoff": ["cutoff", "TeV"], "n": ["n_points", ""]}
    curved = run("flux_points_fit", results, data=tmp_path / "data", DATA_FILE="sed.ecsv", SPECTRAL_MODEL="ecpl")
    assert curved["delta"] == pytest.approx(chi2 - curved["chi2"], rel=1e-3)
    assert abs(curved["cutoff"] - 15) < 3 * curved["cutoff_err"]
    assert curved["n"] == 8


def test_dark_matter_flux_is_that_of_the_table(run, hess_data: Path):
    file = "dark_matter_spectra/PPPC4DMID/AtProduction_gammas.dat"
    need(hess_data, file)
    results = {
        "flux": ["flux", 0.1, 1000.0, "cm-2 s-1"],
        "photons": ["photons", 0.1, 1.0, ""],
        "dnde": ["dnde", 0.2, "cm-2 s-1 TeV-1"],
    }
    halo = {"MASS": 1.0, "CHANNEL": "tau", "J_FACTOR": 2e21, "CROSS_SECTION": 1e-25}
    result = run("dark_matter_flux", results, **halo)
    with (hess_data / file).open() as lines:
        column = next(lines).split().index(r"\[Tau]")
        rows = np.array([line.split() for line in lines if line.split()[0] in ("1000", "1000.")], dtype=float)
    logarithm, per_decade = rows[:, 1], rows[:, column]  # dN / dlog10(x) at 1 TeV
    above = np.linspace(-1, 0, 5001)
    photons = np.trapezoid(np.interp(above, logarithm, per_decade), above)
    factor = 1e-25 * 2e21 / (8 * np.pi * 1000**2)
    assert result["photons"] == pytest.approx(photons, rel=0.01)
    assert result["flux"] == pytest.approx(photons * factor, rel=0.01)
    at = np.interp(np.log10(0.2), logarithm, per_decade) / (0.2 * np.log(10))
    assert result["dnde"] == pytest.approx(at * factor, rel=0.01)


@pytest.mark.slow
def test_the_j_factor_of_a_halo_is_its_line_of_sight_integral(run):
    halo = {"PROFILE": "einasto", "SCALE_RADIUS": 20.0, "LOCAL_DENSITY": 0.4, "DISTANCE": 8.0, "J_RADIUS": 2.0}
    result = run("dark_matter_flux", {"j": ["jfactor", "GeV2 cm-5"]}, **halo)

    def shape(radius: np.ndarray) -> np.ndarray:
        return np.exp(-2 / 0.17 * (radius / 20) ** 0.17)

    angles = np.radians(np.geomspace(1e-3, 2, 200))
    steps = np.append(-np.geomspace(8, 1e-6, 4000), np.geomspace(1e-6, 24, 4000))  # kpc from the closest approach
    radius = np.sqrt((8 * np.sin(angles))[:, None] ** 2 + steps**2)
    column = np.trapezoid((0.4 * shape(radius) / shape(np.array(8.0))) ** 2, steps, axis=1) * 3.0857e21
    assert result["j"] == pytest.approx(np.trapezoid(column * 2 * np.pi * np.sin(angles), angles), rel=0.02)


def test_every_key_of_the_recipes_is_a_quantity_that_they_report():
    """The block at the end of a recipe names what its script knows, and the other way round."""
    names = ["irf_lookup", "catalogue_lookup", "model_flux", "ebl_absorption", "model_yaml", "counts_prediction"]
    names += ["spectrum_simulation", "sensitivity", "event_sampling", "flux_points_fit", "dark_matter_flux"]
    for name in [*names, "dataset_yaml"]:
        recipe = recipes()[name]
        for quantity in recipe.about.keys:
            stem = quantity.split()[0].removesuffix("_changed")
            found = f'"{stem}":' in recipe.source or stem.startswith("psf_r")
            assert found, f"{name} does not report {quantity}"
        assert {quantity.removesuffix("_changed") for quantity in recipe.about.errors} <= set(
            re.findall(r'"(\w+)":', recipe.source)
        )
