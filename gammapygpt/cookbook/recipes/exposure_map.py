"""Exposure and livetime map: how long and how deep was a position observed, what exposure and effective livetime at an energy?

Answers the exposure (effective area times livetime) at a position and an energy, the livetime of all observations that
see it, its on-axis equivalent (what an observation of the same exposure on axis would have lasted), mean effective area
and offset, and the largest exposure of the map. Each observation counts with its own offset.

Not for: the effective area at an offset of one observation (irf_lookup), the number and livetime of observations alone
(observation_list), counts in a region (events_in_region).

Follows: how-to "Make an on-axis equivalent livetime map" and tutorial makers of Gammapy 2.1. (Its function
make_effective_livetime_map takes the map's centre for the pointing of each observation; here it is their own.)
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
from gammapy.maps import Map, WcsGeom

DATA_STORE = "hess-dl3-dr1"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 83.6331  # deg, ICRS, the position, and the centre of the map
TARGET_DEC = 22.0145  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
OFFSET_MAX = None  # deg, how far from its pointing an observation sees; None for as far as its effective area is known
REFERENCE_ENERGY = 1.0  # TeV, true energy where a result names none
MAP_WIDTH = 5.0  # deg, side of the square map centred on the target
PIXEL_SIZE = 0.05  # deg
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (true energies in TeV) ..., unit]
    "exposure_m2s": ["exposure", "m2 s"],
    "livetime_h": ["livetime", "h"],
    "effective_livetime_h": ["effective_livetime", "h"],
    "mean_offset_deg": ["mean_offset", "deg"],
    "n_obs": ["n_obs", ""],
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
observations = data_store.get_observations(obs_table["OBS_ID"], required_irf=["aeff"])
assert len(observations) == len(obs_table), "an observation lacks events or the effective area"

# Effective area, livetime and pointing of each observation
areas = [observation.aeff for observation in observations]
livetimes = [observation.observation_live_time_duration for observation in observations]
pointings = [observation.get_pointing_icrs(observation.tmid) for observation in observations]


def per_observation(positions, energy):
    """Livetime (s) and exposure (m2 s) that each observation adds at positions; nothing beyond its field of view."""
    for area, livetime, pointing in zip(areas, livetimes, pointings, strict=True):
        offset = positions.separation(pointing)
        reach = area.axes["offset"].edges[-1] if OFFSET_MAX is None else OFFSET_MAX * u.deg
        seen = offset <= reach
        effective_area = area.evaluate(energy_true=energy * u.TeV, offset=np.minimum(offset, reach))
        yield livetime * seen, (livetime * effective_area * seen).to("m2 s")


def in_range(energy):
    lowest, highest = areas[0].axes["energy_true"].edges[[0, -1]]
    assert lowest <= energy * u.TeV <= highest, f"the effective area is known from {lowest:.3g} to {highest:.3g}"
    return energy


# Map at the energy of the first result that has one
energies = [entry[1] for entry in RESULTS.values() if len(entry) > 2]
map_energy = in_range(energies[0] if energies else REFERENCE_ENERGY)
geom = WcsGeom.create(skydir=target, width=MAP_WIDTH * u.deg, binsz=PIXEL_SIZE, proj="TAN")


def map_at(energy):
    sky_map = Map.from_geom(geom, unit="m2 s")
    for _, exposure in per_observation(geom.get_coord().skycoord, in_range(energy)):
        sky_map.data += exposure.value
    return sky_map


exposure_map = map_at(map_energy)
exposure_map.write("exposure_map.fits", overwrite=True)


# Numbers: functions that give (value, error or None)
def at_target(energy):
    """Livetime and exposure of each observation at the target."""
    livetime, exposure = zip(*per_observation(target, in_range(energy)), strict=True)
    return u.Quantity(livetime), u.Quantity(exposure)


def exposure(energy=REFERENCE_ENERGY):
    return at_target(energy)[1].sum(), None


def effective_livetime(energy=REFERENCE_ENERGY):
    """Each observation's exposure over its own effective area on axis."""
    on_axis = u.Quantity([area.evaluate(energy_true=energy * u.TeV, offset=0 * u.deg) for area in areas]).squeeze()
    return (at_target(energy)[1] / on_axis).sum(), None


seen = at_target(map_energy)[0]
assert seen.sum() > 0 * u.s, "no observation sees the target"
offsets = u.Quantity([target.separation(pointing) for pointing in pointings])
ontime = sum(one.observation_time_duration for one, live in zip(observations, seen, strict=True) if live > 0)
known = {
    "n_obs": lambda: (int(np.sum(seen > 0)), None),
    "livetime": lambda: (seen.sum(), None),
    "mean_livetime": lambda: (seen.sum() / np.sum(seen > 0), None),
    "ontime": lambda: (ontime, None),
    "dead_time_fraction": lambda: (1 - (seen.sum() / ontime).to_value(""), None),
    "exposure": exposure,
    "effective_livetime": effective_livetime,
    "mean_effective_area": lambda energy=REFERENCE_ENERGY: (exposure(energy)[0] / seen.sum(), None),
    "mean_offset": lambda: (np.average(offsets, weights=seen), None),
    "min_offset": lambda: (offsets.min(), None),
    "max_offset": lambda: (offsets[seen > 0].max(), None),
    "max_exposure": lambda energy=REFERENCE_ENERGY: (map_at(energy).quantity.max(), None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")](*arguments)
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
result["_meta"] = {
    "units": units,
    "obs_ids": [int(one.obs_id) for one, live in zip(observations, seen, strict=True) if live > 0],
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: exposure with the pointings
ax = exposure_map.plot(add_cbar=True)
for pointing in pointings:
    ax.scatter(pointing.ra.deg, pointing.dec.deg, transform=ax.get_transform("icrs"), marker="+", color="w")
ax.scatter(TARGET_RA, TARGET_DEC, transform=ax.get_transform("icrs"), marker="x", color="k")
ax.set_title(f"exposure at {map_energy:g} TeV")
plt.savefig("exposure_map.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bexposure\b(?! time)|\b(?:effective|equivalent|on-axis equivalent) live ?time\b|\blive ?time (?:map|at (?:the|a|this|that) position)\b|\bobservation time map\b'
# covers = ["observation_list"]
# vocabulary = ["counts"]
#
# [keys]
# max_exposure = ['\b(max(imum)?|peak|largest) exposure\b|\bexposure (max(imum)?|peak)\b', "m2 s", "energy"]
# effective_livetime = ['\b(effective|equivalent|on axis|corrected)( \w+){0,2} live ?time\b|\blive ?time( \w+)? (effective|equivalent|eff)\b|\beff live ?time\b', "h", "energy"]
# mean_effective_area = ['\b(mean |average )?(effective area|aeff)\b', "m2", "energy"]
# exposure = ['\bexposure\b(?! time)', "m2 s", "energy"]
# mean_offset = ['\b(mean|average) (offset|separation|distance)\b', "deg"]
# min_offset = ['\b(min(imum)?|smallest) (offset|separation|distance)\b', "deg"]
# max_offset = ['\b(max(imum)?|largest) (offset|separation|distance)\b', "deg"]
# ///
