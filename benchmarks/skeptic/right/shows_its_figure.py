# looks wrong: plt.show() in a script that prints its numbers and writes no file.
# right: that is how people write scripts; the numbers are right.
# request: Number of H.E.S.S. DL3 DR1 runs ($GAMMAPY_DATA/hess-dl3-dr1) pointed within 1 deg of RX J1713.7-3946 (RA
#   258.39 deg, Dec -39.76 deg, ICRS), and their total livetime.

import astropy.units as u
import matplotlib.pyplot as plt
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore

data_store = DataStore.from_dir("$GAMMAPY_DATA/hess-dl3-dr1")
rxj = SkyCoord(258.39, -39.76, unit="deg")
selected = data_store.obs_table.select_sky_circle(rxj, 1 * u.deg)
print(len(selected), "runs")
print(f"livetime: {selected['LIVETIME'].quantity.sum().to('h'):.2f}")
plt.hist(selected["ZEN_PNT"])
plt.show()
