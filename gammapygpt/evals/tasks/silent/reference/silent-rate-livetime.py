import json, os
import astropy.units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion
from gammapy.data import DataStore
from gammapy.datasets import SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
obs = store.obs(33791)
pos = SkyCoord(329.7169, -30.2256, unit="deg", frame="icrs")
on = CircleSkyRegion(pos, 0.11 * u.deg)
excl_geom = WcsGeom.create(skydir=pos, width=6 * u.deg, binsz=0.02, proj="TAN", frame="icrs")
exclusion = ~excl_geom.region_mask([CircleSkyRegion(pos, 0.3 * u.deg)])
axis = MapAxis.from_energy_bounds(0.3, 100, nbin=10, per_decade=True, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.1, 200, nbin=10, per_decade=True, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on, axes=[axis]), energy_axis_true=axis_true, name="run")
dataset = SpectrumDatasetMaker(selection=["counts"]).run(empty, obs)
dataset = ReflectedRegionsBackgroundMaker(exclusion_mask=exclusion).run(dataset, obs)
livetime = obs.observation_live_time_duration.to_value("min")
result = {"excess_per_min": float(dataset.info_dict()["excess"]) / livetime, "livetime_min": livetime}
print(result)
json.dump(result, open("result.json", "w"))
