# looks wrong: a script of functions, a table of keys, numbers that pass through many hands.
# right: it is the same analysis.
# request: Spectrum of the Crab Nebula from the H.E.S.S. DL3 DR1 runs 23523, 23526, 23559 and 23592
#   ($GAMMAPY_DATA/hess-dl3-dr1): ON circle of 0.11 deg radius at RA 83.633 deg, Dec 22.0145 deg (ICRS),
#   reflected-regions background (exclude 0.3 deg around the source), power law with reference energy 1 TeV fitted to
#   reconstructed energies 1-10 TeV. Write result.json with "index" (positive photon index), "index_err" and
#   "flux_1_10TeV" (photon flux 1-10 TeV in cm-2 s-1).

"""Spectrum of the Crab Nebula with reflected regions."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import DatasetsMaker, ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion


@dataclass
class Config:
    ra: float = 83.633
    dec: float = 22.0145
    on_radius: float = 0.11
    exclusion: float = 0.3
    runs: tuple = (23523, 23526, 23559, 23592)
    e_min: float = 1.0
    e_max: float = 10.0


def reduce(config):
    store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"]) / "hess-dl3-dr1")
    position = SkyCoord(config.ra, config.dec, unit="deg")
    sky = WcsGeom.create(skydir=position, width=6, binsz=0.02, proj="TAN")
    mask = sky.region_mask([CircleSkyRegion(position, config.exclusion * u.deg)], inside=False)
    axis = MapAxis.from_energy_bounds(config.e_min, config.e_max, nbin=10, unit="TeV")
    axis_true = MapAxis.from_energy_bounds(
        config.e_min / 10, config.e_max * 10, nbin=20, per_decade=True, unit="TeV", name="energy_true"
    )
    geom = RegionGeom.create(CircleSkyRegion(position, config.on_radius * u.deg), axes=[axis])
    makers = [
        SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"], containment_correction=True),
        ReflectedRegionsBackgroundMaker(exclusion_mask=mask),
        SafeMaskMaker(methods=["aeff-max"], aeff_percent=10),
    ]
    empty = SpectrumDataset.create(geom, energy_axis_true=axis_true, name="crab")
    return DatasetsMaker(makers, stack_datasets=False).run(empty, store.get_observations(list(config.runs)))


def fit(datasets):
    spectrum = PowerLawSpectralModel(index=2.5, amplitude="3e-11 cm-2 s-1 TeV-1", reference="1 TeV")
    datasets.models = [SkyModel(spectral_model=spectrum, name="crab")]
    outcome = Fit().run(datasets)
    if not outcome.success:
        raise RuntimeError(outcome.optimize_result.message)
    return spectrum


def numbers(spectrum, config):
    known = {
        "index": lambda: spectrum.index.value,
        "index_err": lambda: spectrum.index.error,
        "flux_1_10TeV": lambda: spectrum.integral(config.e_min * u.TeV, config.e_max * u.TeV).to_value("cm-2 s-1"),
    }
    return {key: float(function()) for key, function in known.items()}


def main():
    config = Config()
    datasets = Datasets(reduce(config))
    result = numbers(fit(datasets), config)
    Path("result.json").write_text(json.dumps(result, indent=2))
    print(result)


if __name__ == "__main__":
    main()
