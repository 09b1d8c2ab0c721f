# looks wrong: no containment correction, and fluxes.
# right: the MAGIC IRFs are point-like: their theta cut (RAD_MAX) is in the effective area already.
# request: Spectrum of the Crab Nebula from the MAGIC DL3 runs in $GAMMAPY_DATA/magic/rad_max/data: point-like IRFs
#   with RAD_MAX, wobble background with one OFF region, power law with reference energy 1 TeV. Write result.json with
#   "index" and "index_err".

import json
import os

from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import (
    ReflectedRegionsBackgroundMaker,
    SafeMaskMaker,
    SpectrumDatasetMaker,
    WobbleRegionsFinder,
)
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from regions import PointSkyRegion

data_store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "magic", "rad_max", "data"))
observations = data_store.get_observations(required_irf="point-like")
target = SkyCoord(83.63, 22.01, unit="deg")
axis = MapAxis.from_energy_bounds("0.08 TeV", "20 TeV", nbin=5, per_decade=True)
axis_true = MapAxis.from_energy_bounds("0.01 TeV", "100 TeV", nbin=10, per_decade=True, name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(PointSkyRegion(target), axes=[axis]), energy_axis_true=axis_true)

maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"])
bkg_maker = ReflectedRegionsBackgroundMaker(region_finder=WobbleRegionsFinder(n_off_regions=1))
safe_mask_maker = SafeMaskMaker(methods=["aeff-default"])
datasets = Datasets()
for obs in observations:
    dataset = maker.run(empty.copy(name=str(obs.obs_id)), obs)
    datasets.append(safe_mask_maker.run(bkg_maker.run(dataset, obs), obs))

model = PowerLawSpectralModel(index=2.5, amplitude="3e-11 cm-2 s-1 TeV-1", reference="1 TeV")
datasets.models = [SkyModel(model, name="crab")]
print(Fit().run(datasets))
result = {"index": float(model.index.value), "index_err": float(model.index.error)}
with open("result.json", "w") as file:
    json.dump(result, file)
