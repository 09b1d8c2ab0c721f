"""Observation list: which and how many observations (runs) point near a position, at which zenith angles, how long?

Answers how many observations (runs) there are, their total livetime and observing time, their ids, zenith angles,
offsets and dates. They are selected by pointing position (cone), id, zenith angle and date, never by a target name.

Not for: events or rates in a region, see events_in_region.

Follows: tutorial hess (Gammapy 2.1).
"""

import json
import os
from pathlib import Path

import astropy.units as u
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.time import Time
from gammapy.data import DataStore

DATA_STORE = "hess-dl3-dr1"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 83.6331  # deg, ICRS
TARGET_DEC = 22.0145  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
ZENITH_MIN = 0.0  # deg, smallest zenith angle of the pointing
ZENITH_MAX = None  # deg, largest zenith angle of the pointing; None for any
RESULTS = {  # key in result.json: [quantity of `known` below, unit]
    "n_obs": ["n_obs", ""],
    "livetime_h": ["livetime", "h"],
    "ontime_h": ["ontime", "h"],
    "mean_zenith_deg": ["mean_zenith", "deg"],
    "first_obs_id": ["first_obs_id", ""],
    "last_obs_id": ["last_obs_id", ""],
    "obs_ids": ["obs_ids", ""],
}

# Select observations
data_store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"]) / DATA_STORE)
target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
obs_table = data_store.obs_table
if SELECTION_RADIUS is not None:
    obs_table = obs_table.select_sky_circle(target, SELECTION_RADIUS * u.deg)
if OBS_IDS is not None:
    obs_table = obs_table[np.isin(obs_table["OBS_ID"], OBS_IDS)]
if DATES is not None:
    start, stop = Time(DATES, scale="utc")
    obs_table = obs_table[(obs_table.time_start >= start) & (obs_table.time_start < stop)]
obs_table.sort("OBS_ID")
assert len(obs_table) > 0, "no observation passes the selection"
if OBS_IDS is not None:
    assert len(obs_table) == len(set(OBS_IDS)), "some of OBS_IDS are not in the selection"
if "MJDREFI" in obs_table.meta:
    obs_table["DATE"] = obs_table.time_start.utc.iso
wanted = {
    "DATE": lambda observation: observation.tstart.utc.iso,
    "ONTIME": lambda observation: observation.observation_time_duration.to("s"),
    "LIVETIME": lambda observation: observation.observation_live_time_duration.to("s"),
    "ZEN_PNT": lambda observation: observation.get_pointing_altaz(observation.tmid).zen.to("deg"),
}
if missing := set(wanted) - set(obs_table.colnames):  # the index does not say, the observations do
    observations = data_store.get_observations(obs_table["OBS_ID"], required_irf=[])
    assert len(observations) == len(obs_table), "an observation lacks events"
    for name in missing:
        values = [wanted[name](observation) for observation in observations]
        obs_table[name] = values if name == "DATE" else u.Quantity(values)
if ZENITH_MIN > 0:
    obs_table = obs_table[obs_table["ZEN_PNT"].quantity >= ZENITH_MIN * u.deg]
if ZENITH_MAX is not None:
    obs_table = obs_table[obs_table["ZEN_PNT"].quantity <= ZENITH_MAX * u.deg]
assert len(obs_table) > 0, "no observation has such a zenith angle"
print(obs_table["OBS_ID", "RA_PNT", "DEC_PNT", "LIVETIME"])

# Numbers
offset = obs_table.pointing_radec.separation(target)
dates = sorted(map(str, obs_table["DATE"]))
obs_ids = [int(obs_id) for obs_id in obs_table["OBS_ID"]]
known = {
    "n_obs": lambda: len(obs_table),
    "livetime": lambda: obs_table["LIVETIME"].quantity.sum(),
    "mean_livetime": lambda: obs_table["LIVETIME"].quantity.mean(),
    "ontime": lambda: obs_table["ONTIME"].quantity.sum(),
    "dead_time_fraction": lambda: 1 - obs_table["LIVETIME"].sum() / obs_table["ONTIME"].sum(),
    "mean_zenith": lambda: obs_table["ZEN_PNT"].quantity.mean(),
    "min_zenith": lambda: obs_table["ZEN_PNT"].quantity.min(),
    "max_zenith": lambda: obs_table["ZEN_PNT"].quantity.max(),
    "mean_offset": lambda: offset.mean(),
    "min_offset": lambda: offset.min(),
    "max_offset": lambda: offset.max(),
    "obs_ids": lambda: obs_ids,
    "first_obs_id": lambda: min(obs_ids),
    "last_obs_id": lambda: max(obs_ids),
    "first_date": lambda: dates[0],
    "last_date": lambda: dates[-1],
}


def plain(value, unit):
    """A number, text or list for JSON, in the unit asked for."""
    if isinstance(value, (int, str, list)):
        return value
    return float(u.Quantity(value).to_value(unit))


result = {key: plain(known[quantity](), unit) for key, (quantity, unit) in RESULTS.items()}
result["_meta"] = {
    "units": {key: unit for key, (_, unit) in RESULTS.items() if unit},
    "obs_ids": obs_ids,
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: pointings around the target
fig, ax = plt.subplots(figsize=(5, 5))
lon, lat = target.spherical_offsets_to(obs_table.pointing_radec)
ax.scatter(lon.deg, lat.deg, label=f"{len(obs_table)} pointings")
ax.plot(0, 0, "r*", label="target")
ax.set(xlabel="Offset in RA [deg]", ylabel="Offset in Dec [deg]", aspect="equal")
ax.invert_xaxis()
ax.legend()
fig.savefig("pointings.png", dpi=120)
plt.close()

# /// recipe
# asked = '\b(?:how many|number of|list|count|which|find|total livetime of)\b[^.;]{0,40}\b(?:runs|observations|pointings)\b|\bobservation (?:list|table|selection)\b'
# perhaps = '\b(?:runs?|observations?|pointings?)\b'
# covers = ["point_like_spectrum"]
# vocabulary = ["counts", "lists"]
# errors = []
#
# [said]
# ZENITH_MIN = '\bzenith\b.{0,30}(?:\b(?:above|over|larger|greater|more|at least|exceeding)\b|>)|\bmin\w* zenith\b'
# ZENITH_MAX = '\bzenith\b.{0,30}(?:\b(?:below|under|less|smaller|lower|at most|up to|within)\b|<)|\bmax\w* zenith\b'
# ///
