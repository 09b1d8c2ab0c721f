"""Reflected-regions significance: is there a source at this position, how many ON and OFF counts, how strong an excess?

Answers the ON and OFF counts, excess, background, Li & Ma significance, signal-to-background ratio and excess rate in
one circular ON region, summed over all observations and energies. For full-enclosure IRFs.

Not for: fluxes or spectra, see reflected_spectrum; limits on the flux where nothing is seen, see flux_upper_limit;
point-like IRFs (MAGIC, VERITAS), see point_like_spectrum.

Follows: tutorial spectral_analysis (Gammapy 2.1).
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
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import Map, MapAxis, RegionGeom, WcsGeom
from gammapy.visualization import plot_spectrum_datasets_off_regions
from regions import CircleSkyRegion

DATA_STORE = "hess-dl3-dr1"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 83.6331  # deg, ICRS, centre of the ON region
TARGET_DEC = 22.0145  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
ON_RADIUS = 0.11  # deg
EXCLUSION_RADIUS = 0.3  # deg around the target, kept out of the OFF regions; 0 for none
ENERGY_MIN = 0.1  # TeV, reconstructed
ENERGY_MAX = 100.0  # TeV, reconstructed
AEFF_MAX_PERCENT = 0.0  # safe energies: effective area above this percentage of its maximum; 0 for no such threshold
RESULTS = {  # key in result.json: [quantity of `known` below, unit]
    "n_on": ["n_on", ""],
    "n_off": ["n_off", ""],
    "alpha": ["alpha", ""],
    "excess": ["excess", ""],
    "background": ["background", ""],
    "significance": ["significance", ""],
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
observations = data_store.get_observations(obs_table["OBS_ID"])
assert len(observations) == len(obs_table), "an observation lacks events or IRFs"

# Counts in the ON region, and in all OFF regions that fit; the edges of the axis are the energies asked for
on_region = CircleSkyRegion(target, ON_RADIUS * u.deg)
energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=10, per_decade=True, unit="TeV")
energy_axis_true = MapAxis.from_energy_bounds(
    ENERGY_MIN / 5, ENERGY_MAX * 5, nbin=10, per_decade=True, unit="TeV", name="energy_true"
)
exclusion_mask = None
if EXCLUSION_RADIUS > 0:
    sky = WcsGeom.create(skydir=target, width=10 * u.deg, binsz=0.02, proj="TAN")
    exclusion_mask = sky.region_mask([CircleSkyRegion(target, EXCLUSION_RADIUS * u.deg)], inside=False)

empty = SpectrumDataset.create(RegionGeom.create(on_region, axes=[energy_axis]), energy_axis_true=energy_axis_true)
dataset_maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"])
background_maker = ReflectedRegionsBackgroundMaker(exclusion_mask=exclusion_mask)
safe_mask_maker = SafeMaskMaker(methods=["aeff-max"], aeff_percent=AEFF_MAX_PERCENT)

datasets = Datasets()
for observation in observations:
    dataset = dataset_maker.run(empty.copy(name=str(observation.obs_id)), observation)
    dataset = background_maker.run(dataset, observation)
    assert dataset.counts_off is not None, f"no OFF region fits in observation {observation.obs_id}"
    if AEFF_MAX_PERCENT > 0:
        dataset = safe_mask_maker.run(dataset, observation)
    datasets.append(dataset)
print(datasets.info_table()["name", "counts", "counts_off", "alpha", "sqrt_ts"])

# Numbers of the sum over observations: (value, error or None)
total = datasets.info_table(cumulative=True)[-1]
n_on, n_off, alpha = int(total["counts"]), int(total["counts_off"]), float(total["alpha"])
excess_error = np.sqrt(n_on + alpha**2 * n_off)
livetime = sum(observation.observation_live_time_duration for observation in observations)
ontime = sum(observation.observation_time_duration for observation in observations)
known = {
    "n_obs": (len(observations), None),
    "livetime": (livetime, None),
    "mean_livetime": (livetime / len(observations), None),
    "ontime": (ontime, None),
    "dead_time_fraction": (1 - livetime / ontime, None),
    "n_on": (n_on, None),
    "n_off": (n_off, None),
    "alpha": (alpha, None),
    "excess": (total["excess"], excess_error),
    "background": (total["background"], alpha * np.sqrt(n_off)),
    "significance": (total["sqrt_ts"], None),  # Li & Ma 1983, equation 17
    "signal_to_background": (total["excess"] / total["background"], None),
    "excess_rate": (total["excess"] / livetime, excess_error / livetime),
}

units = {}
result = {}
for key, (quantity, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")]
    if quantity.endswith("_error"):
        value, error = error, None
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
result["_meta"] = {
    "units": units,
    "obs_ids": [int(observation.obs_id) for observation in observations],
    "n_off_regions": [round(1 / float(dataset.alpha.data.max())) for dataset in datasets],
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: counts with the ON region (white) and the OFF regions
sky = WcsGeom.create(skydir=target, width=5 * u.deg, binsz=0.05, proj="TAN")
counts = Map.from_geom(sky)
for observation in observations:
    counts.fill_events(observation.events.select_energy([ENERGY_MIN, ENERGY_MAX] * u.TeV))
ax = counts.smooth(0.05 * u.deg).plot(add_cbar=True)
on_region.to_pixel(ax.wcs).plot(ax=ax, edgecolor="white")
plot_spectrum_datasets_off_regions(datasets=datasets, ax=ax)
plt.savefig("regions.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bsignifican|\bexcess\b|\bdetect|(?-i:\bON) counts|\bn_on\b|\bLi ?(?:&|and) ?Ma\b|\bsignal[\s-]to'
# perhaps = '\breflected\b|\bsigmas?\b|\bis there (?:a|any) (?:source|signal|emission|excess)\b'
# covers = ["observation_list"]
# vocabulary = ["regions", "counts"]
# errors = ["excess", "background", "excess_rate"]
#
# [fixed]
# STACKED = true
# CONTAINMENT_CORRECTION = "any"
# SPATIAL_MODEL = "point"
# ///
