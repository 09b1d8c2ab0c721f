"""Significance map with ring background: where in a field is an excess, how significant, and how clean is the rest?

Answers the largest significance of the map and its position, significance, excess, counts and background in the
correlation circle at a given position, and mean and width of the significances outside the exclusion (0 and 1 where the
background is right). The background of each position is measured run by run in a ring around it, along the acceptance of
the IRF background model. For full-enclosure IRFs with a background model.

Not for: background scaled to the whole field of view (fov_significance_map), a source model fitted at each position
(ts_map), counts with reflected regions (reflected_significance), a flux or a spectrum.

Follows: tutorial ring_background of Gammapy 2.1.
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
from gammapy.datasets import MapDataset, MapDatasetOnOff
from gammapy.estimators import ExcessMapEstimator
from gammapy.makers import AdaptiveRingBackgroundMaker, MapDatasetMaker, RingBackgroundMaker, SafeMaskMaker
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
ENERGY_BINS = 6  # logarithmic bins in which the acceptance is computed; the map sums over them
OFFSET_MAX = 2.0  # deg, largest offset of events from the pointing
EXCLUSION_RADIUS = 0.4  # deg around the target, kept out of the background and of the distribution; 0 for none
EXCLUDED_CIRCLES = []  # further ones, as [ra, dec, radius] in deg, ICRS
CORRELATION_RADIUS = 0.1  # deg, counts are summed in circles of this radius
RING_METHOD = "ring"  # ring of fixed size, or adaptive: pushed outwards where too little of it is left
RING_OUTER_MAX = 1.2  # deg, outer radius that an adaptive ring may reach
RING_OUTER_RADIUS = None  # deg; None for inner radius plus width
RING_RADIUS = 0.5  # deg, inner
RING_WIDTH = 0.3  # deg
ALPHA_MAX = 0.1  # acceptance in the correlation circle over that in the ring, above which an adaptive ring moves out
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
ring_width = RING_WIDTH if RING_OUTER_RADIUS is None else RING_OUTER_RADIUS - RING_RADIUS
assert ring_width > 0, "the ring has no width"
assert CORRELATION_RADIUS < RING_RADIUS, (
    "the ring begins inside the correlation circle, so that a source is in its background"
)
energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=ENERGY_BINS, unit="TeV")
energy_axis_true = MapAxis.from_energy_bounds(
    ENERGY_MIN / 3, ENERGY_MAX * 3, nbin=10, per_decade=True, unit="TeV", name="energy_true"
)
n_pixels = 2 * round(MAP_WIDTH / PIXEL_SIZE / 2) + 1
geom = WcsGeom.create(skydir=target, npix=(n_pixels, n_pixels), binsz=PIXEL_SIZE, proj="TAN", axes=[energy_axis])
image = geom.to_image().to_cube([energy_axis.squash()])
circles = [[TARGET_RA, TARGET_DEC, EXCLUSION_RADIUS], *EXCLUDED_CIRCLES] if EXCLUSION_RADIUS > 0 else EXCLUDED_CIRCLES
excluded = [CircleSkyRegion(SkyCoord(ra, dec, unit="deg"), radius * u.deg) for ra, dec, radius in circles]
exclusion_mask = Map.from_geom(image, data=np.ones(image.data_shape, dtype=bool))
if excluded:
    exclusion_mask = image.region_mask(excluded, inside=False)
assert exclusion_mask.data.any(), "the exclusion covers the whole map"

# Counts, acceptance and the ring around each pixel, run by run; the sum of the runs
dataset_maker = MapDatasetMaker(selection=["counts", "background", "exposure", "edisp"])
safe_mask_maker = SafeMaskMaker(methods=["offset-max"], offset_max=OFFSET_MAX * u.deg)
ring_maker = RingBackgroundMaker(r_in=RING_RADIUS * u.deg, width=ring_width * u.deg, exclusion_mask=exclusion_mask)
if RING_METHOD == "adaptive":
    ring_maker = AdaptiveRingBackgroundMaker(
        r_in=RING_RADIUS * u.deg,
        r_out_max=RING_OUTER_MAX * u.deg,
        width=ring_width * u.deg,
        stepsize=0.1 * u.deg,
        threshold_alpha=ALPHA_MAX
        * (PIXEL_SIZE / CORRELATION_RADIUS) ** 2
        / np.pi,  # Gammapy 2.1 compares single pixels
        exclusion_mask=exclusion_mask,
    )

empty = MapDataset.create(geom, energy_axis_true=energy_axis_true)
stacked = MapDatasetOnOff.create(image, energy_axis_true=energy_axis_true, name="stacked")
for observation in observations:
    dataset = dataset_maker.run(empty.copy(name=f"obs-{observation.obs_id}"), observation)
    dataset = safe_mask_maker.run(dataset, observation)
    assert dataset.mask_safe.data.any(), f"observation {observation.obs_id} does not see the map"
    on_off = ring_maker.run(dataset.to_image())
    no_ring = ~(
        on_off.acceptance_off.data > 0
    )  # neither where the whole ring is excluded, nor where none is large enough
    for off_map in on_off.acceptance, on_off.acceptance_off, on_off.counts_off:
        off_map.data[no_ring] = 0
    on_off.mask_safe.data[no_ring] = False
    stacked.stack(on_off)
print(stacked)

# Sums in the correlation circle around each pixel; neighbouring rings share their events, so OFF counts are not summed
estimator = ExcessMapEstimator(CORRELATION_RADIUS * u.deg, selection_optional=["alpha"], correlate_off=False)
maps = estimator.run(stacked)
print(maps)
significance, excess, counts, alpha = (
    maps[name].reduce_over_axes() for name in ("sqrt_ts", "npred_excess", "counts", "alpha")
)
counts_off = stacked.counts_off.reduce_over_axes()
for sky_map in significance, excess, counts, alpha, counts_off:
    sky_map.data = np.where(
        stacked.mask_safe.data[0], sky_map.data, np.nan
    )  # outside the field of view there is no value

positions = significance.geom.get_coord().skycoord
usable = np.isfinite(significance.data)
inside = positions.separation(target) < SEARCH_RADIUS * u.deg if SEARCH_RADIUS is not None else True
peak_pixel = np.unravel_index(np.argmax(np.where(usable & inside, significance.data, -np.inf)), usable.shape)
assert usable[peak_pixel], "no pixel of the map has a significance"
peak = positions[peak_pixel]
off_values = significance.data[usable & exclusion_mask.data[0]]
assert len(off_values) > 100, "nothing of the map is left outside the exclusion"


# Numbers: functions that give (value, error or None)
def at_target(sky_map):
    value = float(sky_map.get_by_coord(target).squeeze())
    assert np.isfinite(value), "the map has no value at the target: no background could be measured there"
    return value


def n_on():
    return round(at_target(counts))


def excess_error():
    return np.sqrt(n_on() + at_target(alpha) ** 2 * at_target(counts_off))


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
    "excess": lambda: (at_target(excess), excess_error()),
    "n_on": lambda: (n_on(), None),
    "n_off": lambda: (round(at_target(counts_off)), None),
    "alpha": lambda: (at_target(alpha), None),
    "background": lambda: (n_on() - at_target(excess), at_target(alpha) * np.sqrt(at_target(counts_off))),
    "signal_to_background": lambda: (at_target(excess) / (n_on() - at_target(excess)), None),
    "excess_rate": lambda: (at_target(excess) / livetime, excess_error() / livetime),
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
# asked = '\bring[\s-]?(?:background|significance|method|based)\b|\badaptive ring\b|\bring\b(?:[^.;]|\.\d){0,80}\b(?:radius|background)\b|\bRingBackground|\bAdaptiveRing|\b(?:significance|excess|sky|Li ?(?:&|and) ?Ma) (?:map|image)s?\b|\bmaps? of (?:the )?(?:significance|excess)|\bcorrelat(?:ed|ion) (?:radius|excess)\b'
# covers = ["observation_list", "reflected_significance"]
# does = ["a ring background", "a significance or excess map"]
# vocabulary = ["regions", "counts"]
# errors = ["excess", "background", "excess_rate"]
#
# [keys]
# max_significance = ['\b(max(imum)?|peak|highest|largest)( \w+){0,2} (significance|signif|sig|sqrt ts|sigmas?)\b|\b(significance|signif|sig|sqrt ts)( \w+){0,2} (max(imum)?|peak)\b', ""]
# min_significance = ['\b(min(imum)?|lowest)( \w+){0,2} (significance|signif|sig|sqrt ts)\b|\b(significance|signif|sig|sqrt ts)( \w+){0,2} min(imum)?\b', ""]
# off_std = ['\b(std|width|sigma|rms|standard deviation)( \w+){0,4} (off|background|bkg|outside|significances?|sig|distribution)\b|\b(off|background|bkg|outside|significances?|signif|sig|distribution)( \w+){0,3} (std|width|sigma|rms)\b', ""]
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
# n_on = ['(?<!off )\bcounts\b(?! off)', ""]
#
# [said]
# CORRELATION_RADIUS = '\b(?:correlat\w+|top[\s-]?hat|oversampl\w+|integration|smooth\w*)\b(?:[^,;.]{0,12}\bradi(?:us|i)\b)?'
# RING_OUTER_MAX = '\b(?:max(?:imum|imal)?|largest|up to)\b[^,;.]{0,20}\b(?:outer|radius)\b'
# RING_OUTER_RADIUS = '\bouter\b(?:[^,;.]{0,12}\bradi(?:us|i)\b)?'
# RING_RADIUS = '\binner\b(?:[^,;.]{0,12}\bradi(?:us|i)\b)?|\bring\b[^,;.]{0,12}\bradi(?:us|i)\b'
# RING_WIDTH = '(?<!map )(?<!maps )(?<!image )(?<!deg )\bwidth\b|\bring\b(?:[^,;.]|\.\d){0,40}\bwidth\b|\bthick\w*'
# ALPHA_MAX = '\balpha\b|\bacceptance ratio\b'
# SEARCH_RADIUS = '\b(?:max\w*|peak|highest|largest|brightest)\b[^,;.]{0,40}\bwithin\b|\bsearch\b'
#
# [choices.RING_METHOD]
# adaptive = '\badaptive\b'
#
# [fixed]
# STACKED = "any"
# AEFF_MAX_PERCENT = 0.0
# ///
