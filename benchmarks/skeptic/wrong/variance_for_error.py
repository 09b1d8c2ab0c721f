# wrong: the variance is written as the error.
# right: spectrum.index.error.
# fault: error|varianc|_err
# written: after the rules
# request: Spectrum of the Crab Nebula from the H.E.S.S. DL3 DR1 runs 23523, 23526, 23559 and 23592
#   ($GAMMAPY_DATA/hess-dl3-dr1): ON circle of 0.11 deg radius at RA 83.633 deg, Dec 22.0145 deg (ICRS),
#   reflected-regions background (exclude 0.3 deg around the source), power law with reference energy 1 TeV fitted to
#   reconstructed energies 1-10 TeV. Write result.json with "index" (positive photon index), "index_err" and
#   "flux_1_10TeV" (photon flux 1-10 TeV in cm-2 s-1).

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

data_store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
crab = SkyCoord(83.633, 22.0145, unit="deg", frame="icrs")
observations = data_store.get_observations([23523, 23526, 23559, 23592])

on_region = CircleSkyRegion(crab, 0.11 * u.deg)
sky = WcsGeom.create(skydir=crab, width=6 * u.deg, binsz=0.02, proj="TAN")
exclusion_mask = ~sky.region_mask([CircleSkyRegion(crab, 0.3 * u.deg)])

energy_axis = MapAxis.from_energy_bounds(1, 10, nbin=10, per_decade=True, unit="TeV", name="energy")
energy_axis_true = MapAxis.from_energy_bounds(0.1, 100, nbin=20, per_decade=True, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on_region, axes=[energy_axis]), energy_axis_true=energy_axis_true)

maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"], containment_correction=True)
background_maker = ReflectedRegionsBackgroundMaker(exclusion_mask=exclusion_mask)
safe_mask_maker = SafeMaskMaker(methods=["aeff-max"], aeff_percent=10)

datasets = Datasets()
for observation in observations:
    dataset = maker.run(empty.copy(name=str(observation.obs_id)), observation)
    dataset = background_maker.run(dataset, observation)
    dataset = safe_mask_maker.run(dataset, observation)
    datasets.append(dataset)

spectrum = PowerLawSpectralModel(index=2.5, amplitude="3e-11 cm-2 s-1 TeV-1", reference="1 TeV")
model = SkyModel(spectral_model=spectrum, name="crab")
datasets.models = [model]
fit_result = Fit().run(datasets)
print(fit_result)

result = {
    "index": float(spectrum.index.value),
    "index_err": float(spectrum.index.error**2),
    "flux_1_10TeV": float(spectrum.integral(1 * u.TeV, 10 * u.TeV).to_value("cm-2 s-1")),
}
with open("result.json", "w") as file:
    json.dump(result, file, indent=2)
