"""Events in a region: how many events (photon candidates) lie within a radius of a position, at which rate and energies?

Answers the number of events in a circle (or in the whole field of view), their rate per livetime, their lowest, median
and highest energy, the first and the last time, and the counts of each observation. Events are gamma-like and include
the background: nothing is subtracted.

Not for: an excess or a significance, see reflected_significance or theta_squared; fluxes, see reflected_spectrum; which
observations there are, see observation_list.

Follows: tutorials hess and cta (Gammapy 2.1).
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
from gammapy.maps import MapAxis

DATA_STORE = "hess-dl3-dr1"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 83.6331  # deg, ICRS, centre of the region
TARGET_DEC = 22.0145  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
ON_RADIUS = 0.11  # deg, of the region; None for the whole field of view
ENERGY_MIN = None  # TeV, reconstructed; None for any
ENERGY_MAX = None  # TeV, reconstructed; None for any
OFFSET_MAX = None  # deg, largest offset of events from the pointing; None for any
RESULTS = {  # key in result.json: [quantity of `known` below, unit]
    "n_events": ["n_events", ""],
    "rate_per_min": ["rate", "min-1"],
    "energy_min_TeV": ["min_energy", "TeV"],
    "energy_median_TeV": ["median_energy", "TeV"],
    "energy_max_TeV": ["max_energy", "TeV"],
    "first_time": ["first_time", ""],
    "last_time": ["last_time", ""],
    "n_obs": ["n_obs", ""],
    "livetime_h": ["livetime", "h"],
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
hdu_table = data_store.hdu_table[np.isin(data_store.hdu_table["OBS_ID"], obs_table["OBS_ID"])]
files = {data_store.hdu_table.base_dir / hdu["FILE_DIR"].strip() / hdu["FILE_NAME"].strip() for hdu in hdu_table}
missing = sorted(file.name for file in files if not file.is_file())
assert not missing, f"{DATA_STORE} names files that are not there: {missing}"
observations = data_store.get_observations(obs_table["OBS_ID"], required_irf=[])
assert len(observations) == len(obs_table), "an observation lacks events"

# Select events
selected = []
for observation in observations:
    events = observation.events
    inside = np.ones(len(events.table), dtype=bool)
    if ON_RADIUS is not None:
        inside &= events.radec.separation(target) <= ON_RADIUS * u.deg
    if ENERGY_MIN is not None:
        inside &= events.energy >= ENERGY_MIN * u.TeV
    if ENERGY_MAX is not None:
        inside &= events.energy < ENERGY_MAX * u.TeV
    if OFFSET_MAX is not None:
        inside &= events.offset <= OFFSET_MAX * u.deg
    selected.append(events.select_row_subset(inside))
    print(f"observation {observation.obs_id}: {inside.sum()} of {len(inside)} events")
n_events = [len(events.table) for events in selected]
assert sum(n_events) > 0, "no event passes the selection"
energy = np.concatenate([events.energy.to("TeV") for events in selected])
time = Time(np.concatenate([events.time.tt.mjd for events in selected]), format="mjd", scale="tt")
livetime = sum(observation.observation_live_time_duration for observation in observations)
ontime = sum(observation.observation_time_duration for observation in observations)

# Numbers: (value, error or None)
known = {
    "n_obs": (len(observations), None),
    "livetime": (livetime, None),
    "mean_livetime": (livetime / len(observations), None),
    "ontime": (ontime, None),
    "dead_time_fraction": (1 - livetime / ontime, None),
    "n_events": (sum(n_events), None),
    "n_events_all": (sum(len(observation.events.table) for observation in observations), None),
    "n_events_per_observation": (n_events, None),
    "rate": (sum(n_events) / livetime, np.sqrt(sum(n_events)) / livetime),
    "min_energy": (energy.min(), None),
    "max_energy": (energy.max(), None),
    "mean_energy": (energy.mean(), None),
    "median_energy": (np.median(energy), None),
    "first_time": (time.min().utc.iso, None),
    "last_time": (time.max().utc.iso, None),
    "time_span": ((time.max() - time.min()).to("h"), None),
}

units = {}
result = {}
for key, (quantity, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")]
    if quantity.endswith("_error"):
        value, error = error, None
    result[key] = value if isinstance(value, (int, str, list)) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
result["_meta"] = {
    "units": units,
    "obs_ids": [int(observation.obs_id) for observation in observations],
    "n_events": n_events,
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: where the selected events lie, and their energies
fig, (ax_sky, ax_energy) = plt.subplots(ncols=2, figsize=(10, 4), layout="constrained")
for events in selected:
    lon, lat = target.spherical_offsets_to(events.radec)
    ax_sky.plot(lon.deg, lat.deg, "k.", markersize=2)
ax_sky.set(xlabel="Offset in RA [deg]", ylabel="Offset in Dec [deg]", aspect="equal")
ax_sky.invert_xaxis()
energy_axis = MapAxis.from_energy_bounds(energy.min(), energy.max() * 1.001, nbin=20)
ax_energy.hist(energy.value, bins=energy_axis.edges.to_value("TeV"))
ax_energy.set(xlabel="Energy [TeV]", ylabel="Events", xscale="log", yscale="log")
fig.savefig("events.png", dpi=120)
plt.close()

# /// recipe
# asked = '(?:\bhow many|\bnumber of|\bcount(?: the)?|\bn) (?:\S+ )?(?:events?|photons?)\b|\bevent (?:rate|count|number)s?\b|\bn_?events\b'
# perhaps = '\bevents?\b|\bphotons?\b|\bcounts?\b'
# covers = ["observation_list", "point_like_spectrum"]
# required = ["ON_RADIUS"]
# vocabulary = ["counts"]
# errors = ["rate"]
#
# [keys]
# n_events_per_observation = ['\b(?:per|by|in each|of each|for each)(?: of the)? (?:run|observation)s?\b', "", ""]
# n_events_all = ['\b(?:all|total) events?\b', "", ""]
# rate = ['\brates?\b', "s-1", ""]
# n_events = ['\b(?:n|num(?:ber)?(?: of)?|how many|count(?: of)?) ?(?:events?|photons?)\b|\bevents?(?: count)?$|^n$|^counts?$', "", ""]
# median_energy = ['\bmedian (?:event )?e(?:nergy)?\b|\be(?:nergy)? median\b', "TeV", ""]
# mean_energy = ['\b(?:mean|average) (?:event )?e(?:nergy)?\b|\be(?:nergy)? mean\b', "TeV", ""]
# max_energy = ['\b(?:max(?:imum)?|highest|largest) (?:event |photon )?e(?:nergy)?\b|\be(?:nergy)? ?max\b', "TeV", ""]
# min_energy = ['\b(?:min(?:imum)?|lowest|smallest) (?:event |photon )?e(?:nergy)?\b|\be(?:nergy)? ?min\b', "TeV", ""]
# time_span = ['\btime span\b|\bspan\b|\bduration\b', "h", ""]
# first_time = ['\b(?:first|earliest|start)(?: event)? (?:time|date)\b|\btime (?:of (?:the )?)?(?:first|min|start)\b', "", ""]
# last_time = ['\b(?:last|latest|stop|end)(?: event)? (?:time|date)\b|\btime (?:of (?:the )?)?(?:last|max|stop|end)\b', "", ""]
#
# [said]
# ON_RADIUS = '(?<!point )(?<!points )(?<!pointed )(?<!pointing )(?<!runs )\bwithin\b|\bradius\b|\bcircle\b|\bcircular\b|\bcone\b|\bregion\b|\baround\b|\bcloser than\b|\btheta\b|\bon\b'
#
# [choices.ON_RADIUS]
# none = '\b(?:whole|entire|full) (?:field of view|FoV|camera|observations?|runs?|data)\b|\bin total\b|\ball (?:the )?events\b'
# ///
