# wrong: the ON region is put where the telescope pointed, 0.5 deg from the source.
# right: the position of the source.
# fault: position|target|RA|centre|pointing|OFF region
# written: after the rules
# request: Detection significance of the Crab Nebula with the H.E.S.S. DL3 DR1 runs ($GAMMAPY_DATA/hess-dl3-dr1)
#   pointed within 2 deg of RA 83.633 deg, Dec 22.0145 deg (ICRS): ON circle of 0.11 deg radius on that position,
#   reconstructed energies 1-30 TeV, reflected regions (as many OFF regions as fit, 0.3 deg around the source
#   excluded), Li & Ma significance of the sum of all runs. No further energy threshold. Write result.json with "n_on",
#   "excess" and "significance".

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from regions import CircleSkyRegion

store = DataStore.from_dir(os.environ["GAMMAPY_DATA"] + "/hess-dl3-dr1")
target = SkyCoord(83.633, 22.0145, unit="deg")
table = store.obs_table.select_sky_circle(target, 2 * u.deg)
observations = store.get_observations(table["OBS_ID"])

geom_image = WcsGeom.create(skydir=target, width=6 * u.deg, binsz=0.02, proj="TAN")
exclusion = geom_image.region_mask([CircleSkyRegion(target, 0.3 * u.deg)], inside=False)
axis = MapAxis.from_energy_bounds("1 TeV", "30 TeV", nbin=5, per_decade=True)

maker = SpectrumDatasetMaker(selection=["counts"])
bkg_maker = ReflectedRegionsBackgroundMaker(exclusion_mask=exclusion)

datasets = Datasets()
for obs in observations:
    centre = obs.get_pointing_icrs(obs.tmid).directional_offset_by(90 * u.deg, 0.4 * u.deg)
    geom = RegionGeom.create(CircleSkyRegion(centre, 0.11 * u.deg), axes=[axis])
    dataset = maker.run(SpectrumDataset.create(geom, name=f"obs-{obs.obs_id}"), obs)
    datasets.append(bkg_maker.run(dataset, obs))

total = datasets.info_table(cumulative=True)[-1]
result = {
    "n_on": int(total["counts"]),
    "excess": float(total["excess"]),
    "significance": float(total["sqrt_ts"]),
}
print(result)
json.dump(result, open("result.json", "w"))
