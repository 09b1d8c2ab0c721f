import json, os
from astropy.coordinates import SkyCoord
from regions import PointSkyRegion
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SpectrumDatasetMaker, WobbleRegionsFinder
from gammapy.maps import MapAxis, RegionGeom

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "magic", "rad_max", "data"))
observations = store.get_observations([5029747, 5029748], required_irf="point-like")
on = PointSkyRegion(SkyCoord(83.6331, 22.0145, unit="deg", frame="icrs"))  # its radius is that of RAD_MAX
axis = MapAxis.from_energy_bounds(0.1, 10, nbin=5, per_decade=True, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.01, 100, nbin=10, per_decade=True, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on, axes=[axis]), energy_axis_true=axis_true)
maker = SpectrumDatasetMaker(selection=["counts"])
bkg = ReflectedRegionsBackgroundMaker(region_finder=WobbleRegionsFinder(n_off_regions=3))
datasets = Datasets()
for obs in observations:
    datasets.append(bkg.run(maker.run(empty.copy(name=str(obs.obs_id)), obs), obs))
row = datasets.info_table(cumulative=True)[-1]
result = {
    "n_on": int(row["counts"]),
    "n_off": int(row["counts_off"]),
    "excess": float(row["excess"]),
    "significance": float(row["sqrt_ts"]),
}
print(result)
json.dump(result, open("result.json", "w"))
