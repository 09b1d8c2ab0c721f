"""TS map: at which positions of a field does a source model improve the fit, by how much, and with what flux?

Answers the largest sqrt(TS) and its position, TS, flux and its error at a given position, the number of peaks above a
threshold and the brightest of them, for a point source or a Gaussian of given width with a power law of given index. The
IRF background model is scaled run by run to the counts outside the exclusion. For full-enclosure IRFs with PSF and
background model.

Not for: significance from counts in circles (ring_significance_map, fov_significance_map), the fit of position,
extension or index (stacked_3d), a survey of many fields.

Follows: tutorials detect and cta_data_analysis of Gammapy 2.1.
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
from gammapy.estimators import TSMapEstimator
from gammapy.estimators.utils import find_peaks
from gammapy.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from gammapy.maps import Map, MapAxis, WcsGeom
from gammapy.modeling.models import Model, PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

DATA_STORE = "hess-dl3-dr1"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 228.529  # deg, ICRS, centre of the map
TARGET_DEC = -59.1575  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
MAP_WIDTH = 3.0  # deg, side of the square map centred on the target
PIXEL_SIZE = 0.04  # deg
ENERGY_MIN = 0.6  # TeV, reconstructed
ENERGY_MAX = 10.0  # TeV, reconstructed
BINS_PER_DECADE = 5  # of reconstructed energy; one norm is fitted to all bins
OFFSET_MAX = 2.0  # deg, largest offset of events from the pointing
EXCLUSION_RADIUS = 0.4  # deg around the target, kept out of the background and of the distribution; 0 for none
EXCLUDED_CIRCLES = []  # further ones, as [ra, dec, radius] in deg, ICRS
SPATIAL_MODEL = "point"  # of the source that is tried at each position: point or gauss (symmetric Gaussian)
SOURCE_SIGMA = 0.1  # deg, width of the Gaussian
INDEX = 2.0  # photon index of its power law
KERNEL_WIDTH = None  # deg, side of the square in which the source is compared with the counts; None for wide enough
BACKGROUND_METHOD = "scale"  # per observation, outside the exclusion: scale (norm) or fit (norm and tilt)
SQRT_TS_THRESHOLD = 5.0  # sqrt(TS) above which a maximum is a peak
PEAK_DISTANCE = 0.25  # deg, smallest distance between peaks
SEARCH_RADIUS = None  # deg around the target in which the largest sqrt(TS) is looked for; None for the whole map
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments ..., unit]
    "max_sqrt_ts": ["max_significance", ""],
    "peak_ra_deg": ["peak_ra", "deg"],
    "peak_dec_deg": ["peak_dec", "deg"],
    "n_peaks": ["n_peaks", ""],
    "sqrt_ts_at_target": ["significance", ""],
    "flux_at_target": ["flux", "cm-2 s-1"],
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
observations = data_store.get_observations(obs_table["OBS_ID"], required_irf=["aeff", "edisp", "psf", "bkg"])
assert len(observations) == len(obs_table), "an observation lacks events, or an IRF such as the background model"

# Geometry: an odd number of pixels, so that the target is the middle of one
n_bins = max(1, int(np.ceil(np.log10(ENERGY_MAX / ENERGY_MIN) * BINS_PER_DECADE - 1e-6)))
energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=n_bins, unit="TeV")
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

# Counts, IRFs and scaled background, run by run; the sum of the runs
dataset_maker = MapDatasetMaker()
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

# At each position the norm of the source model is fitted to the counts around it
assert SPATIAL_MODEL in ("point", "gauss"), "the source that is tried is a point or a Gaussian"
sigma = SOURCE_SIGMA if SPATIAL_MODEL == "gauss" else 0
shape = Model.create(SPATIAL_MODEL, "spatial", **({"sigma": sigma * u.deg} if sigma else {}))
spectrum = PowerLawSpectralModel(index=INDEX)
estimator = TSMapEstimator(
    kernel_model=SkyModel(spectral_model=spectrum, spatial_model=shape),
    kernel_width=(KERNEL_WIDTH or 1 + 6 * sigma) * u.deg,
    energy_edges=[ENERGY_MIN, ENERGY_MAX] * u.TeV,
)
maps = estimator.run(stacked)
print(maps)
names = ("sqrt_ts", "flux", "flux_err", "npred_excess")
significance, flux, flux_err, excess = (maps[name].reduce_over_axes() for name in names)
seen = stacked.mask_safe.reduce_over_axes(func=np.logical_or).data
for sky_map in significance, flux, flux_err, excess:
    sky_map.data = np.where(seen, sky_map.data, np.nan)  # outside the field of view there is no value

positions = significance.geom.get_coord().skycoord
usable = np.isfinite(significance.data)
inside = positions.separation(target) < SEARCH_RADIUS * u.deg if SEARCH_RADIUS is not None else True
peak_pixel = np.unravel_index(np.argmax(np.where(usable & inside, significance.data, -np.inf)), usable.shape)
assert usable[peak_pixel], "no pixel of the map has a significance"
peak = positions[peak_pixel]
off_values = significance.data[usable & exclusion_mask.data]
peaks = find_peaks(
    significance.copy(data=np.where(usable & inside, significance.data, -np.inf)),
    threshold=SQRT_TS_THRESHOLD,
    min_distance=PEAK_DISTANCE * u.deg,
)
print(peaks)


# Numbers: functions that give (value, error or None)
def at_target(sky_map):
    value = float(sky_map.get_by_coord(target).squeeze())
    assert np.isfinite(value), "the map has no value at the target: no background could be measured there"
    return value


def scaled(value, error):
    """A function of two energies in TeV, by default those of the map: a flux with its error, by the power law."""

    def value_and_error(low=ENERGY_MIN, high=ENERGY_MAX):
        whole = spectrum.integral(ENERGY_MIN * u.TeV, ENERGY_MAX * u.TeV)
        ratio = (spectrum.integral(low * u.TeV, high * u.TeV) / whole).to_value("")
        return value() * ratio * flux.unit, error() * ratio * flux.unit

    return value_and_error


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
    "peak_flux": scaled(lambda: flux.data[peak_pixel], lambda: flux_err.data[peak_pixel]),
    "n_peaks": lambda: (len(peaks), None),
    "significance": lambda: (at_target(significance), None),
    "test_statistic": lambda: (np.sign(at_target(significance)) * at_target(significance) ** 2, None),
    "max_test_statistic": lambda: (significance.data[peak_pixel] ** 2, None),
    "flux": scaled(lambda: at_target(flux), lambda: at_target(flux_err)),
    "excess": lambda: (at_target(excess), None),
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

# Figure: sqrt(TS) and flux with the peaks, and the distribution of sqrt(TS) outside the exclusion
fig = plt.figure(figsize=(15, 4.5), layout="constrained")
for number, (sky_map, title) in enumerate([(significance, "sqrt(TS)"), (flux, f"flux [{flux.unit}]")], start=1):
    ax = fig.add_subplot(1, 3, number, projection=sky_map.geom.wcs)
    sky_map.plot(ax=ax, add_cbar=True)
    if len(peaks) > 0:
        ax.scatter(peaks["ra"], peaks["dec"], transform=ax.get_transform("icrs"), s=200, color="none", edgecolor="w")
    ax.set_title(title)
ax = fig.add_subplot(1, 3, 3)
bins = np.linspace(-5, max(5, significance.data[usable].max()), 60)
ax.hist(significance.data[usable], bins=bins, density=True, alpha=0.4, label="all pixels")
ax.hist(off_values, bins=bins, density=True, alpha=0.6, label="outside the exclusion")
ax.plot(bins, np.exp(-(bins**2) / 2) / np.sqrt(2 * np.pi), "k--", label="normal")
ax.set(yscale="log", ylim=(1e-4, 1), xlabel="sqrt(TS)")
ax.legend()
plt.savefig("ts_map.png", dpi=120)
plt.close()


# /// recipe
# asked = '\bTS[\s-]?(?:map|image)s?\b|\btest[\s-]statistic (?:map|image)s?\b|\bTSMap\w*|\bflux (?:map|image)s?\b|\bsource (?:detection|finding|search)\b'
# covers = ["observation_list", "reflected_significance", "ring_significance_map", "fov_significance_map"]
# does = ["the background of the field of view", "a significance or excess map"]
# vocabulary = ["counts"]
# errors = ["flux", "peak_flux"]
# band = true
#
# [keys]
# max_test_statistic = ['\b(max(imum)?|peak|highest|largest)( \w+){0,2} ts\b(?<!sqrt ts)|(?<!sqrt )\bts( \w+){0,2} (max(imum)?|peak)\b', ""]
# max_significance = ['\b(max(imum)?|peak|highest|largest)( \w+){0,2} (significance|signif|sig|sqrt ts|sigmas?)\b|\b(significance|signif|sig|sqrt ts)( \w+){0,2} (max(imum)?|peak)\b', ""]
# min_significance = ['\b(min(imum)?|lowest)( \w+){0,2} (significance|signif|sig|sqrt ts)\b|\b(significance|signif|sig|sqrt ts)( \w+){0,2} min(imum)?\b', ""]
# n_peaks = ['\b(n|number of)( \w+)? ?(peaks|sources|detections|hot ?spots)\b', ""]
# off_std = ['\b(std|width|sigma|rms|standard deviation)( \w+){0,4} (off|background|bkg|outside|significances?|sig|distribution|sqrt ts)\b|\b(off|background|bkg|outside|significances?|signif|sig|distribution|sqrt ts)( \w+){0,3} (std|width|sigma|rms)\b', ""]
# off_mean = ['\bmean( \w+){0,4} (off|background|bkg|outside|significances?|sig|distribution|sqrt ts)\b|\b(off|background|bkg|outside|significances?|signif|sig|distribution|sqrt ts)( \w+){0,3} mean\b', ""]
# background_norm = ['\b(background|bkg|fov|mean) norm\w*|\bnorm\w* (of the )?(background|bkg)\b', ""]
# peak_ra = ['\bra\b|\bright ascension\b', "deg"]
# peak_dec = ['\bdec(lination)?\b', "deg"]
# peak_glon = ['\bglon\b|\bgalactic longitude\b|^(peak )?l( peak)?$', "deg"]
# peak_glat = ['\bglat\b|\bgalactic latitude\b|^(peak )?b( peak)?$', "deg"]
# peak_separation = ['\b(separation|offset|distance)\b', "deg"]
# peak_flux = ['\b(peak|max(imum)?|brightest)( \w+){0,2} flux\b|\bflux( \w+){0,2} (peak|max(imum)?|brightest)\b', "cm-2 s-1", "range"]
# flux = ['\bflux\b', "cm-2 s-1", "range"]
# significance = ['\bsignificance\b|\bsignif\b|\bsig\b|\bsqrt ?ts\b|\b(n ?)?sigmas?\b', ""]
# test_statistic = ['\bts\b|\btest statistic\b', ""]
# excess = ['\bexcess\b|\bn ?(gamma|signal|excess)\b|\bnpred\b', ""]
# total_counts = ['\btotal( \w+)? (counts|events)\b|\b(counts|events) total\b|\b(n|number of) events\b|^counts$', ""]
#
# [said]
# SOURCE_SIGMA = '\bsigma\b|\bwidth of the (?:source|Gaussian)\b|\bgaussian(?: kernel| source| model)?\b'
# KERNEL_WIDTH = '\bkernel\b'
# SQRT_TS_THRESHOLD = '\bthreshold\b|\babove\b|\bsigma\b|\bsqrt\(?TS\)?\b'
# PEAK_DISTANCE = '\b(?:apart|min(?:imum|imal)?[\s-]distance|distance between|separated by)\b'
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
