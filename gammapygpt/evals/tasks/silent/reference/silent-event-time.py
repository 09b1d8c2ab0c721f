import json, os
import numpy as np
import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from gammapy.data import DataStore

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
pos = SkyCoord(329.7169, -30.2256, unit="deg", frame="icrs")
table = store.obs_table.select_sky_circle(pos, 1.0 * u.deg)
best = None
for row in table[[date.startswith("2006") for date in table["DATE-OBS"]]]:
    events = store.obs(row["OBS_ID"]).events
    energy = np.where(events.radec.separation(pos) < 0.1 * u.deg, events.energy.to_value("TeV"), 0)
    if best is None or energy.max() > best[0]:
        best = energy.max(), int(row["OBS_ID"]), events.time[energy.argmax()]
energy, obs_id, time = best
result = {
    "energy_TeV": float(energy),
    "obs_id": obs_id,
    "seconds_utc": float((time - Time("2006-07-29T22:00:00", scale="utc")).to_value("s")),
}
print(result, time.utc.isot)
json.dump(result, open("result.json", "w"))
