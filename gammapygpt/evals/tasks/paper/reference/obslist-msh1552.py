import json, os
import numpy as np
import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
pos = SkyCoord(228.5290, -59.1575, unit="deg", frame="icrs")
table = store.obs_table.select_sky_circle(pos, 1.0 * u.deg)
offset = SkyCoord(table["RA_PNT"], table["DEC_PNT"], unit="deg", frame="icrs").separation(pos)
result = {
    "n_obs": len(table),
    "livetime_h": float(table["LIVETIME"].quantity.sum().to_value("h")),
    "mean_offset_deg": float(np.mean(offset.deg)),
}
print(result)
json.dump(result, open("result.json", "w"))
