import json, os
import astropy.units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
pos = SkyCoord(258.39, -39.76, unit="deg", frame="icrs")
table = store.obs_table
offset = SkyCoord(table["RA_PNT"], table["DEC_PNT"], unit="deg", frame="icrs").separation(pos).deg
ids = list(table["OBS_ID"][(offset > 0.65) & (offset < 1.0)])
on = CircleSkyRegion(pos, 0.6 * u.deg)
excl_geom = WcsGeom.create(skydir=pos, width=6 * u.deg, binsz=0.02, proj="TAN", frame="icrs")
exclusion = ~excl_geom.region_mask([CircleSkyRegion(pos, 0.6 * u.deg)])
axis = MapAxis.from_energy_bounds(0.6, 30, nbin=10, per_decade=True, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.05, 200, nbin=20, per_decade=True, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on, axes=[axis]), energy_axis_true=axis_true)
maker = SpectrumDatasetMaker(selection=["counts"])
bkg = ReflectedRegionsBackgroundMaker(exclusion_mask=exclusion)
datasets = Datasets()
for obs in store.get_observations(ids):
    dataset = bkg.run(maker.run(empty.copy(name=str(obs.obs_id)), obs), obs)
    assert dataset.counts_off is not None, obs.obs_id
    datasets.append(dataset)
row = datasets.info_table(cumulative=True)[-1]
result = {"n_on": int(row["counts"]), "excess": float(row["excess"]), "significance": float(row["sqrt_ts"])}
print(result)
json.dump(result, open("result.json", "w"))
