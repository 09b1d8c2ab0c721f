# wrong: the bright source itself is in the rings of its surroundings and nothing is excluded: too much background
#   next to it, holes around it, a biased excess.
# right: RingBackgroundMaker(..., exclusion_mask=...) with 0.3 deg around the Crab.
# fault: exclusion
# request: Ring-background significance map of the Crab Nebula from H.E.S.S. DL3 DR1 runs 23523 and 23526
#   ($GAMMAPY_DATA/hess-dl3-dr1): 3 x 3 deg, 0.05 deg pixels, reconstructed energies 1-10 TeV, ring with inner radius
#   0.5 deg and width 0.3 deg, 0.3 deg around RA 83.633 deg, Dec 22.0145 deg excluded from the background, correlation
#   radius 0.1 deg. Write result.json with "max_significance" and "background_at_source".

import json
import os

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import MapDataset, MapDatasetOnOff
from gammapy.estimators import ExcessMapEstimator
from gammapy.makers import MapDatasetMaker, RingBackgroundMaker, SafeMaskMaker
from gammapy.maps import MapAxis, WcsGeom

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
crab = SkyCoord(83.633, 22.0145, unit="deg")
axis = MapAxis.from_energy_bounds(1, 10, nbin=4, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.5, 20, nbin=10, unit="TeV", name="energy_true")
geom = WcsGeom.create(skydir=crab, width=3 * u.deg, binsz=0.05, proj="TAN", axes=[axis])
image = geom.to_image().to_cube([axis.squash()])

ring_maker = RingBackgroundMaker(r_in=0.5 * u.deg, width=0.3 * u.deg)
maker = MapDatasetMaker(selection=["counts", "background", "exposure"])
safe = SafeMaskMaker(methods=["offset-max"], offset_max=2 * u.deg)
stacked = MapDatasetOnOff.create(image, energy_axis_true=axis_true, name="stacked")
for obs in store.get_observations([23523, 23526]):
    empty = MapDataset.create(geom, energy_axis_true=axis_true, name=f"obs-{obs.obs_id}")
    dataset = safe.run(maker.run(empty, obs), obs)
    stacked.stack(ring_maker.run(dataset.to_image()))

maps = ExcessMapEstimator(correlation_radius=0.1 * u.deg, selection_optional=[]).run(stacked)
significance = maps["sqrt_ts"].data[0]
background = maps["npred_background"].get_by_coord({"skycoord": crab, "energy": 3 * u.TeV})
result = {
    "max_significance": float(np.nanmax(significance)),
    "background_at_source": float(np.squeeze(background)),
}
print(result)
json.dump(result, open("result.json", "w"))
