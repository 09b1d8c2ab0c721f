# wrong: the minus sign of the declination is lost: no run points there.
# right: -30.2256.
# fault: position|run|declination|coordinate
# written: at the end
# request: How many H.E.S.S. DL3 DR1 runs ($GAMMAPY_DATA/hess-dl3-dr1) point within 1 deg of PKS 2155-304 (RA
#   329.7169 deg, Dec -30.2256 deg, ICRS)? Write result.json with "n_obs".

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore

data_store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
position = SkyCoord(329.7169, 30.2256, unit="deg", frame="icrs")
selected = data_store.obs_table.select_sky_circle(position, 1 * u.deg)
result = {
    "n_obs": len(selected),
}
print(result)
with open("result.json", "w") as file:
    json.dump(result, file)
