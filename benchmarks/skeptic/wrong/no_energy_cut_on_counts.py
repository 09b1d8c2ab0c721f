# wrong: events are counted at all energies, asked were 1 to 30 TeV.
# right: events.select_energy([1, 30] * u.TeV).
# fault: energ|30|TeV
# written: after the rules
# request: ON counts of the Crab Nebula in H.E.S.S. DL3 DR1 run 23523 ($GAMMAPY_DATA/hess-dl3-dr1) within 0.11 deg of
#   RA 83.633 deg, Dec 22.0145 deg (ICRS), reconstructed energies 1-30 TeV. Write result.json with "n_on".

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
events = store.obs(23523).events
crab = SkyCoord(83.633, 22.0145, unit="deg")
n_on = int((events.radec.separation(crab) < 0.11 * u.deg).sum())
with open("result.json", "w") as file:
    json.dump({"n_on": n_on}, file)
