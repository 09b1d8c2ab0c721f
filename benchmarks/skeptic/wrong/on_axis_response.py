# wrong: area and PSF are those on axis, asked was an offset of 0.7 deg.
# right: offset=0.7 * u.deg.
# fault: offset|axis
# request: Effective area and 68 % containment radius of the PSF at a true energy of 1 TeV and at 0.7 deg offset from
#   the pointing, for H.E.S.S. DL3 DR1 run 23523 ($GAMMAPY_DATA/hess-dl3-dr1). Write result.json with "aeff_1TeV_m2"
#   (m2) and "psf_r68_1TeV_deg" (deg).

import json
import os

import astropy.units as u
from gammapy.data import DataStore

data_store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
obs = data_store.obs(23523)
offset = 0 * u.deg
aeff = obs.aeff.evaluate(energy_true=1 * u.TeV, offset=offset)
r68 = obs.psf.containment_radius(energy_true=1 * u.TeV, offset=offset, fraction=0.68)

result = {"aeff_1TeV_m2": aeff.to_value("m2").item(), "psf_r68_1TeV_deg": r68.to_value("deg").item()}
print(result)
with open("result.json", "w") as file:
    json.dump(result, file)
