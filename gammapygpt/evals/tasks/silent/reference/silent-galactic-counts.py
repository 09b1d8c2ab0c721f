import json, os
import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "cta-1dc", "index", "gps"))
centre = SkyCoord(359.94, -0.05, unit="deg", frame="galactic")
mirrored = SkyCoord(0.06, -1.0, unit="deg", frame="galactic")
result = {"n_source": 0, "n_control": 0}
for obs in store.get_observations():
    events = obs.events
    hard = events.energy > 1 * u.TeV
    result["n_source"] += int((hard & (events.radec.separation(centre) < 0.1 * u.deg)).sum())
    result["n_control"] += int((hard & (events.radec.separation(mirrored) < 0.3 * u.deg)).sum())
print(result)
json.dump(result, open("result.json", "w"))
