import json, os
import astropy.units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
pos = SkyCoord(83.633, 22.0145, unit="deg", frame="icrs")
on = CircleSkyRegion(pos, 0.07 * u.deg)
excl_geom = WcsGeom.create(skydir=pos, width=6 * u.deg, binsz=0.02, proj="TAN", frame="icrs")
exclusion = ~excl_geom.region_mask([CircleSkyRegion(pos, 0.3 * u.deg)])
axis = MapAxis.from_energy_bounds(1, 20, nbin=10, per_decade=True, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.05, 200, nbin=20, per_decade=True, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on, axes=[axis]), energy_axis_true=axis_true)
# full-enclosure response: without the correction the flux is that of the events inside 0.07 deg alone
maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"], containment_correction=True)
bkg = ReflectedRegionsBackgroundMaker(exclusion_mask=exclusion)
datasets = Datasets()
for obs in store.get_observations([23523, 23526]):
    datasets.append(bkg.run(maker.run(empty.copy(name=str(obs.obs_id)), obs), obs))
model = SkyModel(PowerLawSpectralModel(index=2.6, amplitude="4e-11 cm-2 s-1 TeV-1", reference="1 TeV"), name="crab")
datasets.models = [model]
assert Fit().run(datasets).success
pwl = model.spectral_model
result = {
    "index": float(pwl.index.value),
    "flux_1_10TeV": float(pwl.integral(1 * u.TeV, 10 * u.TeV).to_value("cm-2 s-1")),
}
print(result)
json.dump(result, open("result.json", "w"))
