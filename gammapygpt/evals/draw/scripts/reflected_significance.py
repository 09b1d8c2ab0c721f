"""Counts in the ON region and in reflected regions, and the significance of the excess."""

import json
import os
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.stats import WStatCountsStatistic
from regions import CircleSkyRegion

DATA_STORE = ""  # folder below GAMMAPY_DATA
TARGET_RA = 0.0  # deg, ICRS, centre of the ON region
TARGET_DEC = 0.0  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target
ON_RADIUS = 0.11  # deg
EXCLUSION_RADIUS = 0.3  # deg around the target, kept out of the OFF regions; 0 for none
ENERGY_MIN = 1.0  # TeV, reconstructed
ENERGY_MAX = 10.0  # TeV, reconstructed
BINS_PER_DECADE = 10  # of reconstructed energy
OFF_REGIONS_MAX = 10000  # in each observation
RESULTS = {"significance": ["significance", ""]}

data_store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"]) / DATA_STORE)
target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
table = data_store.obs_table.select_sky_circle(target, SELECTION_RADIUS * u.deg)
observations = data_store.get_observations(table["OBS_ID"])
assert len(observations) > 0, "no observation passes the selection"

n_bins = int(np.ceil(np.log10(ENERGY_MAX / ENERGY_MIN) * BINS_PER_DECADE))
energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=n_bins, unit="TeV")
energy_axis_true = MapAxis.from_energy_bounds(0.1, 100, nbin=4, per_decade=True, unit="TeV", name="energy_true")
on_region = CircleSkyRegion(target, ON_RADIUS * u.deg)
exclusion_mask = None
if EXCLUSION_RADIUS > 0:
    sky = WcsGeom.create(skydir=target, width=6, binsz=0.02, proj="TAN")
    exclusion_mask = ~sky.region_mask([CircleSkyRegion(target, EXCLUSION_RADIUS * u.deg)])

empty = SpectrumDataset.create(RegionGeom.create(on_region, axes=[energy_axis]), energy_axis_true=energy_axis_true)
dataset_maker = SpectrumDatasetMaker(selection=["counts"])
background_maker = ReflectedRegionsBackgroundMaker(exclusion_mask=exclusion_mask, max_region_number=OFF_REGIONS_MAX)
datasets = Datasets()
for observation in observations:
    dataset = dataset_maker.run(empty.copy(name=str(observation.obs_id)), observation)
    datasets.append(background_maker.run(dataset, observation))

total = datasets.info_table(cumulative=True)[-1]
n_on, n_off, alpha = int(total["counts"]), int(total["counts_off"]), float(total["alpha"])
statistic = WStatCountsStatistic(n_on, n_off, alpha)
excess = n_on - alpha * n_off
excess_error = np.sqrt(n_on + alpha**2 * n_off)
significance = statistic.sqrt_ts
livetime = sum(observation.observation_live_time_duration for observation in observations)

known = {
    "n_obs": (len(observations), None),
    "n_on": (n_on, None),
    "n_off": (n_off, None),
    "excess": (excess, excess_error),
    "background": (alpha * n_off, None),
    "significance": (significance, None),
    "signal_to_background": (excess / (alpha * n_off), None),
    "excess_rate": (excess / livetime, excess_error / livetime),
    "livetime": (livetime, None),
}
result = {}
for key, (quantity, unit) in RESULTS.items():
    value, error = known[quantity]
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
Path("result.json").write_text(json.dumps(result, indent=2))
print(result)
