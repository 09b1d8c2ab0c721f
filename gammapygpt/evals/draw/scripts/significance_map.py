"""Excess and significance maps, with background from a ring or from the field of view."""

import json
import os
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import MapDataset, MapDatasetOnOff
from gammapy.estimators import ExcessMapEstimator
from gammapy.makers import FoVBackgroundMaker, MapDatasetMaker, RingBackgroundMaker, SafeMaskMaker
from gammapy.maps import MapAxis, WcsGeom
from regions import CircleSkyRegion

DATA_STORE = ""  # folder below GAMMAPY_DATA
TARGET_RA = 0.0  # deg, ICRS, centre of the map
TARGET_DEC = 0.0  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target
MAP_WIDTH = 3.0  # deg
PIXEL_SIZE = 0.02  # deg
ENERGY_MIN = 1.0  # TeV, reconstructed
ENERGY_MAX = 10.0  # TeV, reconstructed
ENERGY_BINS = 4  # in which the acceptance is computed
OFFSET_MAX = 2.0  # deg, of events from the pointing
EXCLUSION_RADIUS = 0.3  # deg around the target, kept out of the background; 0 for none
BACKGROUND = "ring"  # ring, or fov for the background model scaled to the counts
RING_RADIUS = 0.5  # deg, inner
RING_WIDTH = 0.3  # deg
CORRELATION_RADIUS = 0.1  # deg
RESULTS = {"significance": ["significance", ""]}

data_store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"]) / DATA_STORE)
target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
table = data_store.obs_table.select_sky_circle(target, SELECTION_RADIUS * u.deg)
observations = data_store.get_observations(table["OBS_ID"])
assert len(observations) > 0, "no observation passes the selection"

energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=ENERGY_BINS, unit="TeV")
energy_axis_true = MapAxis.from_energy_bounds(ENERGY_MIN / 3, ENERGY_MAX * 2, nbin=8, unit="TeV", name="energy_true")
geom = WcsGeom.create(skydir=target, width=MAP_WIDTH, binsz=PIXEL_SIZE, proj="TAN", axes=[energy_axis])
exclusion_mask = None
if EXCLUSION_RADIUS > 0:
    exclusion_mask = ~geom.to_image().region_mask([CircleSkyRegion(target, EXCLUSION_RADIUS * u.deg)])
dataset_maker = MapDatasetMaker(selection=["counts", "background", "exposure"])
safe_mask_maker = SafeMaskMaker(methods=["offset-max"], offset_max=OFFSET_MAX * u.deg)
empty = MapDataset.create(geom, energy_axis_true=energy_axis_true, name="empty")

if BACKGROUND == "ring":
    ring_mask = None if exclusion_mask is None else exclusion_mask.to_cube([energy_axis.squash()])
    background_maker = RingBackgroundMaker(r_in=RING_RADIUS * u.deg, width=RING_WIDTH * u.deg, exclusion_mask=ring_mask)
    image = geom.to_image().to_cube([energy_axis.squash()])
    stacked = MapDatasetOnOff.create(image, energy_axis_true=energy_axis_true, name="stacked")
else:
    background_maker = FoVBackgroundMaker(method="scale", exclusion_mask=exclusion_mask)
    stacked = MapDataset.create(geom, energy_axis_true=energy_axis_true, name="stacked")
for observation in observations:
    dataset = dataset_maker.run(empty.copy(name=f"obs-{observation.obs_id}"), observation)
    dataset = safe_mask_maker.run(dataset, observation)
    if BACKGROUND == "ring":
        dataset = dataset.to_image()
    stacked.stack(background_maker.run(dataset, observation))

estimator = ExcessMapEstimator(
    correlation_radius=CORRELATION_RADIUS * u.deg,
    selection_optional=[],
    correlate_off=False,
    energy_edges=[ENERGY_MIN, ENERGY_MAX] * u.TeV,
)
maps = estimator.run(stacked)
significance = maps["sqrt_ts"].reduce_over_axes()
row, column = np.unravel_index(np.nanargmax(significance.data), significance.data.shape)
peak = significance.geom.pix_to_coord((column, row))


def at_target(name):
    return float(maps[name].reduce_over_axes().get_by_coord({"skycoord": target}).squeeze())


known = {
    "max_significance": lambda: (float(np.nanmax(significance.data)), None),
    "peak_ra": lambda: (peak[0], None),
    "peak_dec": lambda: (peak[1], None),
    "significance": lambda: (at_target("sqrt_ts"), None),
    "excess": lambda: (at_target("npred_excess"), np.sqrt(at_target("counts"))),
    "n_on": lambda: (round(at_target("counts")), None),
    "background": lambda: (at_target("counts") - at_target("npred_excess"), None),
}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity](*arguments)
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
Path("result.json").write_text(json.dumps(result, indent=2))
print(result)
