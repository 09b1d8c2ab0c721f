"""Observations whose pointing lies within a cone: how many, which ones, and their livetime."""

import json
import os
from pathlib import Path

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore

DATA_STORE = ""  # folder below GAMMAPY_DATA
TARGET_RA = 0.0  # deg, ICRS
TARGET_DEC = 0.0  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg
RESULTS = {"n_obs": ["n_obs", ""]}

data_store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"]) / DATA_STORE)
target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
table = data_store.obs_table.select_sky_circle(target, SELECTION_RADIUS * u.deg)
table.sort("OBS_ID")
obs_ids = [int(obs_id) for obs_id in table["OBS_ID"]]
assert obs_ids, "no observation passes the selection"
livetime = table["LIVETIME"].quantity.sum()

known = {
    "n_obs": lambda: len(obs_ids),
    "obs_ids": lambda: obs_ids,
    "first_obs_id": lambda: obs_ids[0],
    "last_obs_id": lambda: obs_ids[-1],
    "livetime": lambda: livetime,
    "mean_livetime": lambda: livetime / len(obs_ids),
}
result = {}
for key, (quantity, unit) in RESULTS.items():
    value = known[quantity]()
    result[key] = float(value.to_value(unit)) if isinstance(value, u.Quantity) else value
Path("result.json").write_text(json.dumps(result, indent=2))
print(result)
