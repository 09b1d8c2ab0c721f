"""Significance map with field-of-view background: where is an excess over the background model scaled to each run?

Answers the largest significance of the map and its position, significance, excess, counts and background in the
correlation circle at a given position, and mean and width of the significances outside the exclusion (0 and 1 where the
background is right). The IRF background model is scaled run by run to the counts outside the exclusion, and then taken
as known. For full-enclosure IRFs with a background model; also where sources or diffuse emission leave no room for rings.

Not for: a background measured in a ring (ring_significance_map), a source model fitted at each position (ts_map), the
fit of a source (stacked_3d).

Follows: tutorials analysis_3d and cta_data_analysis of Gammapy 2.1.
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
from gammapy.datasets import MapDataset
from gammapy.estimators import ExcessMapEstimator
from gammapy.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from gammapy.maps import Map, MapAxis, WcsGeom
from regions import CircleSkyRegion

DATA_STORE = "hess-dl3-dr1"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 228.529  # deg, ICRS, centre of the map
TARGET_DEC = -59.1575  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
MAP_WIDTH = 4.0  # deg, side of the square map centred on the target
PIXEL_SIZE = 0.02  # deg
ENERGY_MIN = 0.6  # TeV, reconstructed
ENERGY_MAX = 10.0  # TeV, reconstructed
ENERGY_BINS = 6  # logarithmic bins in which the background is scaled or fitted; the map sums over them
OFFSET_MAX = 2.0  # deg, largest offset of events from the pointing
EXCLUSION_RADIUS = 0.4  # deg around the target, kept out of the background and of the distribution; 0 for none
EXCLUDED_CIRCLES = []  # further ones, as [ra, dec, radius] in deg, ICRS
CORRELATION_RADIUS = 0.1  # deg, counts are summed in circles of this radius
BACKGROUND_METHOD = "scale"  # per observation, outside the exclusion: scale (norm) or fit (norm and tilt)
SEARCH_RADIUS = None  # deg around the target in which the largest significance is looked for; None for the whole map
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments ..., unit]
    "max_significance": ["max_significance", ""],
    "peak_ra_deg": ["peak_ra", "deg"],
    "peak_dec_deg": ["peak_dec", "deg"],
    "significance_at_target": ["significance", ""],
    "excess_at_target": ["excess", ""],
    "counts_at_target": ["n_on", ""],
    "background_at_target": ["background", ""],
    "significance_mean_off": ["off_mean", ""],
    "significance_width_off": ["off_std", ""],
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
observations = data_store.get_observations(obs_table["OBS_ID"], required_irf=["aeff", "edisp", "bkg"])
assert len(observations) == len(obs_table), "an observation lacks events, or an IRF such as the background model"

# Geometry: an odd number of pixels, so that the target is the middle of one
energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=ENERGY_BINS, unit="TeV")
energy_axis_true = MapAxis.from_energy_bounds(
    ENERGY_MIN / 3, ENERGY_MAX * 3, nbin=10, per_decade=True, unit="TeV", name="energy_true"
)
n_pixels = 2 * round(MAP_WIDTH / PIXEL_SIZE / 2) + 1
geom = WcsGeom.create(skydir=target, npix=(n_pixels, n_pixels), binsz=PIXEL_SIZE, proj="TAN", axes=[energy_axis])
circles = [[TARGET_RA, TARGET_DEC, EXCLUSION_RADIUS], *EXCLUDED_CIRCLES] if EXCLUSION_RADIUS > 0 else EXCLUDED_CIRCLES
excluded = [CircleSkyRegion(SkyCoord(ra, dec, unit="deg"), radius * u.deg) for ra, dec, radius in circles]
exclusion_mask = Map.from_geom(geom.to_image(), data=np.ones(geom.to_image().data_shape, dtype=bool))
if excluded:
    exclusion_mask = geom.to_image().region_mask(excluded, inside=False)
assert exclusion_mask.data.any(), "the exclusion covers the whole map"

# Counts and scaled background, run by run; the sum of the runs
dataset_maker = MapDatasetMaker(selection=["counts", "background", "exposure", "edisp"])
safe_mask_maker = SafeMaskMaker(methods=["offset-max"], offset_max=OFFSET_MAX * u.deg)
background_maker = FoVBackgroundMaker(method=BACKGROUND_METHOD, exclusion_mask=exclusion_mask)
stacked = MapDataset.create(geom, energy_axis_true=energy_axis_true, name="stacked")
norms = []
for observation in observations:
    cutout = stacked.cutout(
        observation.get_pointing_icrs(observation.tmid),
        width=2 * (OFFSET_MAX + 0.3) * u.deg,
        name=f"obs-{observation.obs_id}",
    )
    dataset = dataset_maker.run(cutout, observation)
    dataset = safe_mask_maker.run(dataset, observation)
    assert dataset.mask_safe.data.any(), f"observation {observation.obs_id} does not see the map"
    dataset = background_maker.run(dataset, observation)
    assert dataset.mask_safe.data.any(), f"the background of observation {observation.obs_id} could not be scaled"
    norms.append(dataset.background_model.parameters["norm"].value)
    stacked.stack(dataset)
print(stacked)
print("background norms", np.round(norms, 3))

# Sums in the correlation circle around each pixel, over all energies; the background is taken as known
estimator = ExcessMapEstimator(CORRELATION_RADIUS * u.deg, sum_over_energy_groups=True)
maps = estimator.run(stacked)
print(maps)
significance, excess, counts = (maps[name].reduce_over_axes() for name in ("sqrt_ts", "npred_excess", "counts"))
seen = stacked.mask_safe.reduce_over_axes(func=np.logical_or).data
for sky_map in significance, excess, counts:
    sky_map.data = np.where(seen, sky_map.data, np.nan)  # outside the field of view there is no value
positions = significance.geom.get_coord().skycoord
usable = np.isfinite(significance.data)
inside = positions.separation(target) < SEARCH_RADIUS * u.deg if SEARCH_RADIUS is not None else True
peak_pixel = np.unravel_index(np.argmax(np.where(usable & inside, significance.data, -np.inf)), usable.shape)
assert usable[peak_pixel], "no pixel of the map has a significance"
peak = positions[peak_pixel]
off_values = significance.data[usable & exclusion_mask.data]
assert len(off_values) > 100, "nothing of the map is left outside the exclusion"


# Numbers: functions that give (value, error or None)
def at_target(sky_map):
    value = float(sky_map.get_by_coord(target).squeeze())
    assert np.isfinite(value), "the map has no value at the target: no background could be measured there"
    return value


def n_on():
    return round(at_target(counts))


ontime = sum(observation.observation_time_duration for observation in observations)
livetime = sum(observation.observation_live_time_duration for observation in observations)
known = {
    "n_obs": lambda: (len(observations), None),
    "livetime": lambda: (livetime, None),
    "mean_livetime": lambda: (livetime / len(observations), None),
    "ontime": lambda: (ontime, None),
    "dead_time_fraction": lambda: (1 - (livetime / ontime).to_value(""), None),
    "max_significance": lambda: (significance.data[peak_pixel], None),
    "min_significance": lambda: (np.min(significance.data[usable]), None),
    "peak_ra": lambda: (peak.ra, None),
    "peak_dec": lambda: (peak.dec, None),
    "peak_glon": lambda: (peak.galactic.l, None),
    "peak_glat": lambda: (peak.galactic.b, None),
    "peak_separation": lambda: (peak.separation(target), None),
    "peak_excess": lambda: (excess.data[peak_pixel], None),
    "peak_counts": lambda: (round(counts.data[peak_pixel].item()), None),
    "max_excess": lambda: (np.max(excess.data[usable]), None),
    "significance": lambda: (at_target(significance), None),
    "excess": lambda: (at_target(excess), np.sqrt(n_on())),
    "n_on": lambda: (n_on(), None),
    "background": lambda: (n_on() - at_target(excess), None),
    "signal_to_background": lambda: (at_target(excess) / (n_on() - at_target(excess)), None),
    "excess_rate": lambda: (at_target(excess) / livetime, np.sqrt(n_on()) / livetime),
    "background_norm": lambda: (np.mean(norms), None),
    "off_mean": lambda: (np.mean(off_values), None),
    "off_std": lambda: (np.std(off_values), None),
    "total_counts": lambda: (int(stacked.counts.data[stacked.mask_safe.data].sum()), None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")](*arguments)
    if quantity.endswith("_error"):
        value, error = error, None
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
result["_meta"] = {
    "units": units,
    "obs_ids": [int(observation.obs_id) for observation in observations],
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: significance and excess, and the distribution of significances with the normal one
fig = plt.figure(figsize=(15, 4.5), layout="constrained")
for number, (sky_map, title) in enumerate([(significance, "significance"), (excess, "excess counts")], start=1):
    ax = fig.add_subplot(1, 3, number, projection=sky_map.geom.wcs)
    sky_map.plot(ax=ax, add_cbar=True)
    ax.scatter(peak.ra.deg, peak.dec.deg, transform=ax.get_transform("icrs"), marker="+", color="w")
    for region in excluded:
        region.to_pixel(sky_map.geom.wcs).plot(ax=ax, edgecolor="w", linestyle="--")
    ax.set_title(f"{title} in circles of {CORRELATION_RADIUS:g} deg")
ax = fig.add_subplot(1, 3, 3)
bins = np.linspace(-5, max(5, significance.data[usable].max()), 60)
ax.hist(significance.data[usable], bins=bins, density=True, alpha=0.4, label="all pixels")
ax.hist(off_values, bins=bins, density=True, alpha=0.6, label="outside the exclusion")
ax.plot(bins, np.exp(-(bins**2) / 2) / np.sqrt(2 * np.pi), "k--", label="normal")
ax.set(yscale="log", ylim=(1e-4, 1), xlabel="significance")
ax.legend(title=f"outside: mean {off_values.mean():.2f}, width {off_values.std():.2f}")
plt.savefig("significance_map.png", dpi=120)
plt.close()

# /// recipe
# asked = '\b(?:significance|excess|sky|correlat\w+)\b(?:[^.;]|\.\d){0,200}(?<!not )(?<!no )(?<!without )(?<!than )(?<!instead of )(?<!ring )\b(?:FoV|field[\s-]of[\s-]view|IRF)[\s-](?:background|normali[sz]\w+)\b|\b(?:FoV|field[\s-]of[\s-]view|IRF)[\s-](?:background|normali[sz]\w+)\b(?:[^.;]|\.\d){0,200}\b(?:significance|excess|sky) (?:map|image)s?\b'
# covers = ["observation_list", "reflected_significance", "ring_significance_map", "stacked_3d"]
# does = ["the background of the field of view", "a significance or excess map"]
# vocabulary = ["counts"]
# errors = ["excess", "excess_rate"]
#
# [keys]
# max_significance = ['\b(max(imum)?|peak|highest|largest)( \w+){0,2} (significance|signif|sig|sqrt ts|sigmas?)\b|\b(significance|signif|sig|sqrt ts)( \w+){0,2} (max(imum)?|peak)\b', ""]
# min_significance = ['\b(min(imum)?|lowest)( \w+){0,2} (significance|signif|sig|sqrt ts)\b|\b(significance|signif|sig|sqrt ts)( \w+){0,2} min(imum)?\b', ""]
# off_std = ['\b(std|width|sigma|rms|standard deviation)( \w+){0,4} (off|background|bkg|outside|significances?|sig|distribution)\b|\b(off|background|bkg|outside|significances?|signif|sig|distribution)( \w+){0,3} (std|width|sigma|rms)\b', ""]
# background_norm = ['\b(background|bkg|fov|mean) norm\w*|\bnorm\w* (of the )?(background|bkg)\b', ""]
# off_mean = ['\bmean( \w+){0,4} (off|background|bkg|outside|significances?|sig|distribution)\b|\b(off|background|bkg|outside|significances?|signif|sig|distribution)( \w+){0,3} mean\b', ""]
# peak_ra = ['\bra\b|\bright ascension\b', "deg"]
# peak_dec = ['\bdec(lination)?\b', "deg"]
# peak_glon = ['\bglon\b|\bgalactic longitude\b|^(peak )?l( peak)?$', "deg"]
# peak_glat = ['\bglat\b|\bgalactic latitude\b|^(peak )?b( peak)?$', "deg"]
# peak_separation = ['\b(separation|offset|distance)\b', "deg"]
# max_excess = ['\bmax(imum)? excess\b|\bexcess max(imum)?\b', ""]
# peak_excess = ['\bpeak excess\b|\bexcess( \w+){0,2} (peak|max(imum)?)\b', ""]
# peak_counts = ['\bpeak (on )?counts\b|\b(on )?counts( \w+){0,2} (peak|max(imum)?)\b', ""]
# total_counts = ['\btotal( \w+)? (counts|events)\b|\b(counts|events) total\b|\b(n|number of) events\b', ""]
# n_on = ['(?<!off )\bcounts\b(?! off)|\bn ?on\b', ""]
# signal_to_background = ['\bsignal (to|over) (background|noise)\b|\bs ?(to|over) ?b\b|\bs b ratio\b', ""]
# significance = ['\bsignificance\b|\bsignif\b|\bsig\b|\bsqrt ?ts\b|\bli ?(and )?ma\b|\b(n ?)?sigmas?\b', ""]
# excess_rate = ['\bexcess rate\b|\bgamma(-ray)? rate\b', "min-1"]
# excess = ['\bexcess\b|\bn ?(gamma|signal|excess)\b', ""]
# background = ['\b(background|bkg)( counts)?\b', ""]
#
# [said]
# CORRELATION_RADIUS = '\b(?:correlat\w+|top[\s-]?hat|oversampl\w+|integration|smooth\w*)\b(?:[^,;.]{0,12}\bradi(?:us|i)\b)?'
# SEARCH_RADIUS = '\b(?:max\w*|peak|highest|largest|brightest)\b[^,;.]{0,40}\bwithin\b|\bsearch\b'
#
# [choices.BACKGROUND_METHOD]
# fit = '\b(?:norm(?:alisation|alization)? and tilt|tilt)\b'
# scale = '\bscaled?\b|\bnormali[sz]ed\b'
#
# [fixed]
# STACKED = "any"
# AEFF_MAX_PERCENT = 0.0
# ///
