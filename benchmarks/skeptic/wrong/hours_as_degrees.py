# wrong: the right ascension is given in hours (5.5755 h) and read as degrees: the selection finds no run, and 0 is
#   reported as if the archive had none.
# right: SkyCoord("5.5755h", ...) or 83.633 deg.
# fault: position|run|observation|coordinate|RA
# written: after the rules
# request: How many H.E.S.S. DL3 DR1 runs ($GAMMAPY_DATA/hess-dl3-dr1) point within 2 deg of the Crab Nebula (RA
#   83.633 deg, Dec 22.0145 deg, ICRS)? Write result.json with "n_obs".

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore

data_store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
position = SkyCoord(5.5755, 22.0145, unit="deg", frame="icrs")
selected = data_store.obs_table.select_sky_circle(position, 2 * u.deg)
result = {
    "n_obs": len(selected),
}
print(result)
with open("result.json", "w") as file:
    json.dump(result, file)
