# wrong: the selection is made and then forgotten: the livetime is that of all 105 runs.
# right: selected["LIVETIME"].
# fault: livetime|run|select
# written: at the end
# request: How many H.E.S.S. DL3 DR1 runs ($GAMMAPY_DATA/hess-dl3-dr1) point within 1 deg of RX J1713.7-3946 (RA
#   258.39 deg, Dec -39.76 deg, ICRS), and what is their total livetime, corrected for dead time, in hours? Write
#   result.json with "n_obs" and "livetime_h".

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore

data_store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
position = SkyCoord(258.39, -39.76, unit="deg", frame="icrs")
selected = data_store.obs_table.select_sky_circle(position, 1 * u.deg)
result = {
    "n_obs": len(selected),
    "livetime_h": float(data_store.obs_table["LIVETIME"].quantity.sum().to_value("h")),
}
print(result)
with open("result.json", "w") as file:
    json.dump(result, file)
