"""Fit of a map dataset whose counts are just what a known source and background predict: that source comes out."""

from __future__ import annotations

from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from cookbook_requests import run_script
from scipy.optimize import minimize_scalar

from gammapygpt.cookbook.book import fill, recipes

RA, DEC, INDEX, AMPLITUDE, NORM = 83.6, 22.0, 2.2, 2e-11, 1.2
RESULTS = {
    "index": ["parameter", "index", ""],
    "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
    "flux": ["flux", 1.0, 10.0, "cm-2 s-1"],
    "norm": ["background_norm", ""],
    "ts": ["test_statistic", ""],
    "counts": ["counts", ""],
    "ra_deg": ["ra", "deg"],
    "dec_deg": ["dec", "deg"],
}


@pytest.fixture(scope="module")
def reduced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A folder with `dataset.fits` and `models.yaml`, and the TS of the source by hand."""
    from gammapy.datasets import MapDataset
    from gammapy.irf import EDispKernelMap, PSFMap
    from gammapy.maps import Map, MapAxis, WcsGeom
    from gammapy.modeling.models import (
        FoVBackgroundModel,
        Models,
        PointSpatialModel,
        PowerLawSpectralModel,
        SkyModel,
    )

    folder = tmp_path_factory.mktemp("reduced")
    energy = MapAxis.from_energy_bounds(1, 10, nbin=4, unit="TeV")
    true = MapAxis.from_energy_bounds(0.5, 20, nbin=6, unit="TeV", name="energy_true")
    geom = WcsGeom.create(skydir=(RA, DEC), npix=(25, 25), binsz=0.05, axes=[energy])
    dataset = MapDataset(
        counts=Map.from_geom(geom),
        background=Map.from_geom(geom, data=0.5 * np.ones(geom.data_shape)),
        exposure=Map.from_geom(geom.to_image().to_cube([true]), data=1e13, unit="cm2 s"),
        psf=PSFMap.from_gauss(true, sigma=0.07 * u.deg),
        edisp=EDispKernelMap.from_diagonal_response(energy, true, geom=geom.to_image()),
        mask_safe=Map.from_geom(geom, data=np.ones(geom.data_shape, dtype=bool)),
        name="reduced",
    )
    source = SkyModel(
        PowerLawSpectralModel(index=INDEX, amplitude=AMPLITUDE * u.Unit("cm-2 s-1 TeV-1")),
        PointSpatialModel(lon_0=RA * u.deg, lat_0=DEC * u.deg, frame="icrs"),
        name="known",
    )
    background = FoVBackgroundModel(dataset_name="reduced")
    background.parameters["norm"].value = NORM
    dataset.models = Models([source, background])
    dataset.counts.data = dataset.npred().data
    dataset.write(folder / "dataset.fits")
    source.spectral_model.index.value, source.spectral_model.amplitude.value = 2.5, 1e-11
    background.parameters["norm"].value = 1.0
    Models([source, background]).write(folder / "models.yaml")

    counts = dataset.counts.data

    def cash(predicted: np.ndarray) -> float:
        return 2 * float(np.sum(predicted - counts * np.log(predicted)))

    without = minimize_scalar(lambda norm: cash(norm * np.full(counts.shape, 0.5)), bounds=(0.5, 5), method="bounded")
    return folder, without.fun - cash(counts)


def assert_known(result: dict, test_statistic: float) -> None:
    assert result["index"] == pytest.approx(INDEX, abs=2e-3)
    assert result["amplitude"] == pytest.approx(AMPLITUDE, rel=2e-3)
    assert result["flux"] == pytest.approx(AMPLITUDE * (1 - 10 ** (1 - INDEX)) / (INDEX - 1), rel=2e-3)
    assert result["norm"] == pytest.approx(NORM, rel=2e-3)
    assert result["ts"] == pytest.approx(test_statistic, rel=2e-3)
    assert (result["ra_deg"], result["dec_deg"]) == pytest.approx((RA, DEC), abs=2e-3)
    assert 0.01 < result["index_err"] < 0.3
    assert result["_meta"]["fit_success"] is True


def test_models_of_a_file(reduced: tuple[Path, float], tmp_path: Path):
    folder, test_statistic = reduced
    given = {"DATA_FILE": "dataset.fits", "MODEL_FILE": "models.yaml", "RESULTS": RESULTS}
    result = run_script(fill(recipes()["map_dataset_fit"], given), tmp_path, folder)
    assert_known(result, test_statistic)
    assert result["_meta"]["source"] == "known"
    assert (tmp_path / "residuals.png").stat().st_size > 1000


def test_a_source_at_a_position(reduced: tuple[Path, float], tmp_path: Path):
    folder, test_statistic = reduced
    given = {"DATA_FILE": "dataset.fits", "TARGET_RA": RA + 0.03, "TARGET_DEC": DEC - 0.03, "RESULTS": RESULTS}
    result = run_script(fill(recipes()["map_dataset_fit"], given), tmp_path, folder)
    assert_known(result, test_statistic)
    assert 0.001 < result["ra_deg_err"] < 0.02


def test_energies_between_the_edges_of_bins_are_refused(reduced: tuple[Path, float], tmp_path: Path):
    given = {"DATA_FILE": "dataset.fits", "MODEL_FILE": "models.yaml", "ENERGY_MIN": 2.0}
    with pytest.raises(AssertionError, match=r"2 TeV is no edge of the data set's bins: 1, 1.778"):
        run_script(fill(recipes()["map_dataset_fit"], given), tmp_path, reduced[0])
