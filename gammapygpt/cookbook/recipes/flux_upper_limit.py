"""Upper limit: what is the flux upper limit of a source that is not detected, above an energy or in a range?

Answers upper limits on photon flux, energy flux, differential flux and excess counts of a point source at a position,
for a power law of a given index, with ON and OFF counts, excess and significance; it also says whether the source is
detected. A limit is where the fit statistic of the counts in its energy band, summed over all observations, has risen
by the square of a number of sigmas above its minimum (which may lie at a negative flux); the number is that of the
confidence level in the two-sided sense (0.95 is 1.96 sigma, 0.9545 is 2 sigma, as Gammapy has it) or in the one-sided
one (0.95 is 1.64 sigma). For full-enclosure IRFs, background from reflected regions.

Not for: sources that are detected, see reflected_spectrum; maps of limits; sensitivities of future observations.

Follows: tutorials spectral_analysis and non_detected_source (Gammapy 2.1).
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
from gammapy.estimators import FluxPointsEstimator
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import Map, MapAxis, RegionGeom, WcsGeom
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from gammapy.stats import WStatCountsStatistic
from gammapy.visualization import plot_spectrum_datasets_off_regions
from regions import CircleSkyRegion
from scipy.stats import norm

DATA_STORE = "hess-dl3-dr1"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 187.2779  # deg, ICRS, centre of the ON region
TARGET_DEC = 2.0524  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
ON_RADIUS = 0.11  # deg
EXCLUSION_RADIUS = 0.3  # deg around the target, kept out of the OFF regions; 0 for none
CONTAINMENT_CORRECTION = True  # for the part of the PSF outside the ON region, as of a point source
ENERGY_MIN = None  # TeV, reconstructed, of the events used; None for those between the energies of each limit
ENERGY_MAX = 100.0  # TeV, reconstructed, of the events used
BINS_PER_DECADE = 10  # of reconstructed energy
AEFF_MAX_PERCENT = 10.0  # safe energies: effective area above this percentage of its maximum; 0 for no such threshold
INDEX = 2.5  # photon index of the power law
REFERENCE_ENERGY = 1.0  # TeV
CONFIDENCE_LEVEL = 0.95  # of the upper limits
SIDES = 2  # 2 for the sigmas of a two-sided interval of that confidence, 1 for a one-sided one
N_SIGMA = None  # number of sigmas of the limits; None for that of the confidence level
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "flux_ul": ["flux_ul", 1.0, 10.0, "cm-2 s-1"],
    "n_on": ["n_on", ""],
    "n_off": ["n_off", ""],
    "alpha": ["alpha", ""],
    "excess": ["excess", ""],
    "significance": ["significance", ""],
    "detected": ["detected", ""],
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

# Energies: the bands of the limits are edges of bins; integrals to infinity have events up to ENERGY_MAX
bands = list(dict.fromkeys((entry[1], min(entry[2], ENERGY_MAX)) for entry in RESULTS.values() if len(entry) == 4))
if ENERGY_MIN is not None or not bands:
    bands = [(ENERGY_MIN or 0.1, ENERGY_MAX)]
energy_min, energy_max = min(low for low, _ in bands), max(high for _, high in bands)
edges = np.unique(bands)
n_bins = np.ceil(np.diff(np.log10(edges)) * BINS_PER_DECADE - 1e-6).astype(int)
fine = [np.geomspace(low, high, n + 1)[:-1] for low, high, n in zip(edges[:-1], edges[1:], n_bins, strict=True)]
energy_axis = MapAxis.from_energy_edges(np.append(np.concatenate(fine), energy_max) * u.TeV)
energy_axis_true = MapAxis.from_energy_bounds(
    energy_min / 10, energy_max * 5, nbin=20, per_decade=True, unit="TeV", name="energy_true"
)

# Counts in the ON region and in all OFF regions that fit, with the exposure and energy dispersion of each observation
on_region = CircleSkyRegion(target, ON_RADIUS * u.deg)
exclusion_mask = None
if EXCLUSION_RADIUS > 0:
    sky = WcsGeom.create(skydir=target, width=10 * u.deg, binsz=0.02, proj="TAN")
    exclusion_mask = sky.region_mask([CircleSkyRegion(target, EXCLUSION_RADIUS * u.deg)], inside=False)

empty = SpectrumDataset.create(RegionGeom.create(on_region, axes=[energy_axis]), energy_axis_true=energy_axis_true)
dataset_maker = SpectrumDatasetMaker(
    selection=["counts", "exposure", "edisp"], containment_correction=CONTAINMENT_CORRECTION
)
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
total = datasets.info_table(cumulative=True)[-1]

# Upper limits: the norm of the power law in each band, from the counts in it; few counts in many bins would bias it
stacked = datasets.stack_reduce(name="stacked")
n_sigma = norm.isf((1 - CONFIDENCE_LEVEL) / SIDES) if N_SIGMA is None else N_SIGMA
spectrum = PowerLawSpectralModel(
    index=INDEX, amplitude=1e-12 * u.Unit("cm-2 s-1 TeV-1"), reference=REFERENCE_ENERGY * u.TeV
)
stacked.models = [SkyModel(spectral_model=spectrum, name="source")]
estimator = FluxPointsEstimator(
    source="source", n_sigma_ul=n_sigma, selection_optional=["ul"], sum_over_energy_groups=True
)
flux_points = {}
for band in {*bands, (energy_min, energy_max)}:
    estimator.energy_edges = band * u.TeV
    flux_points[band] = estimator.run([stacked])
for band, point in flux_points.items():
    print(band, point.to_table(sed_type="likelihood")["e_min", "e_max", "norm", "norm_err", "norm_ul", "sqrt_ts"])
    assert point.success.data.all(), f"the fit of the norm did not converge in {band} TeV"
    assert point.norm_ul.data > 0, f"so far below the background that there is no upper limit in {band} TeV"


# Numbers: functions that give (value, error or None)
def scaled(quantity, evaluate):
    """A function of energies in TeV: a multiple of the power law's value, by the norm or its limit in their band."""

    def value_and_error(*energies):
        own = (energies[0], min(energies[-1], ENERGY_MAX))
        point = flux_points.get(own, flux_points[energy_min, energy_max])
        value = evaluate(*energies * u.TeV)
        if quantity == "norm_ul":
            return point.norm_ul.data.item() * value, None
        return point.norm.data.item() * value, point.norm_err.data.item() * value

    return value_and_error


n_on, n_off, alpha = int(total["counts"]), int(total["counts_off"]), float(total["alpha"])
statistic = WStatCountsStatistic(n_on, n_off, alpha)
excess_error = np.sqrt(n_on + alpha**2 * n_off)
significance = float(statistic.sqrt_ts)  # Li & Ma 1983, equation 17
livetime = sum(observation.observation_live_time_duration for observation in observations)
ontime = sum(observation.observation_time_duration for observation in observations)
safe = stacked.mask_safe.data.squeeze()
known = {
    "n_obs": lambda: (len(observations), None),
    "livetime": lambda: (livetime, None),
    "mean_livetime": lambda: (livetime / len(observations), None),
    "ontime": lambda: (ontime, None),
    "dead_time_fraction": lambda: (1 - livetime / ontime, None),
    "n_on": lambda: (n_on, None),
    "n_off": lambda: (n_off, None),
    "alpha": lambda: (alpha, None),
    "excess": lambda: (total["excess"], excess_error),
    "background": lambda: (total["background"], alpha * np.sqrt(n_off)),
    "significance": lambda: (significance, None),
    "signal_to_background": lambda: (total["excess"] / total["background"], None),
    "excess_rate": lambda: (total["excess"] / livetime, excess_error / livetime),
    "excess_ul": lambda: (float(statistic.compute_upper_limit(n_sigma)), None),
    "flux_ul": scaled("norm_ul", spectrum.integral),
    "energy_flux_ul": scaled("norm_ul", spectrum.energy_flux),
    "dnde_ul": scaled("norm_ul", spectrum),
    "amplitude_ul": lambda: known["dnde_ul"](REFERENCE_ENERGY),
    "best_flux": scaled("norm", spectrum.integral),
    "best_dnde": scaled("norm", spectrum),
    "detected": lambda: (int(significance >= 5), None),
    "confidence_level": lambda: (1 - SIDES * norm.sf(n_sigma), None),
    "n_sigma": lambda: (n_sigma, None),
    "safe_energy_min": lambda: (energy_axis.edges_min[safe].min(), None),
    "safe_energy_max": lambda: (energy_axis.edges_max[safe].max(), None),
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
    "detected": significance >= 5,
    "upper_limits": {
        "n_sigma": float(n_sigma),
        "confidence_two_sided": float(1 - 2 * norm.sf(n_sigma)),
        "confidence_one_sided": float(1 - norm.sf(n_sigma)),
        "energies_TeV": bands,
        "negative_excess": bool(statistic.n_sig < 0),
    },
    "fit_success": bool(all(point.success.data.all() for point in flux_points.values())),
    "n_off_regions": [round(1 / float(dataset.alpha.data.max())) for dataset in datasets],
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: counts with the ON region (white) and the OFF regions
sky = WcsGeom.create(skydir=target, width=5 * u.deg, binsz=0.05, proj="TAN")
counts = Map.from_geom(sky)
for observation in observations:
    counts.fill_events(observation.events.select_energy([energy_min, energy_max] * u.TeV))
ax = counts.smooth(0.05 * u.deg).plot(add_cbar=True)
on_region.to_pixel(ax.wcs).plot(ax=ax, edgecolor="white")
plot_spectrum_datasets_off_regions(datasets=datasets, ax=ax)
plt.savefig("regions.png", dpi=120)
plt.close()

# Figure: limits on the differential flux in their bands
fig, ax = plt.subplots()
for band, point in flux_points.items():
    energy = np.geomspace(*band) * u.TeV
    limit = point.norm_ul.data.item() * energy**2 * spectrum(energy)
    ax.loglog(
        energy.value, limit.to_value("erg cm-2 s-1"), label=f"{n_sigma:.2f} sigma limit, {band[0]:g}-{band[1]:g} TeV"
    )
ax.set(xlabel="Energy [TeV]", ylabel="E$^2$ dN/dE [erg cm$^{-2}$ s$^{-1}$]")
ax.legend()
fig.savefig("upper_limits.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bupper[\s-]limits?\b|\bUL\b|\bnon-?detection\b|\bnot detected\b|\bundetected\b'
# perhaps = '\breflected\b'
# covers = ["observation_list", "reflected_significance", "reflected_spectrum"]
# vocabulary = ["regions", "safe", "counts"]
# errors = ["excess", "background", "excess_rate", "best_flux", "best_dnde"]
# required = ["INDEX"]
#
# [keys]
# excess_ul = ['\b(?:excess|counts?|events?|signal|n)\b.*\b(?:ul|upper|limit)\b|\b(?:ul|upper limit)\b.*\b(?:excess|counts|events|signal)\b', "", ""]
# energy_flux_ul = ['\b(?:e ?|energy ?)flux\b.*\b(?:ul|upper|limit)\b|\b(?:ul|upper limit)\b.*\benergy flux\b', "erg cm-2 s-1", "range"]
# dnde_ul = ['\b(?:dn ?de|diff\w*)\b.*\b(?:ul|upper|limit)\b|\b(?:ul|upper limit)\b.*\b(?:dn ?de|differential)\b', "cm-2 s-1 TeV-1", "energy"]
# amplitude_ul = ['\b(?:ampl\w*|norm\w*)\b.*\b(?:ul|upper|limit)\b|\b(?:ul|upper limit)\b.*\b(?:ampl\w*|norm\w*)\b', "cm-2 s-1 TeV-1", ""]
# flux_ul = ['\b(?:flux|integral|f)\b.*\b(?:ul|upper|limit)\b|\b(?:ul|upper limit|limit)\b', "cm-2 s-1", "range"]
# best_dnde = ['\b(?:best|fit\w*|measured)\b.*\b(?:dn ?de|diff\w*)\b', "cm-2 s-1 TeV-1", "energy"]
# best_flux = ['\b(?:best|fit\w*|measured)\b.*\bflux\b|\bflux\b.*\b(?:best|fit\w*|measured)\b', "cm-2 s-1", "range"]
# detected = ['\b(?:is )?detect\w*\b', "", ""]
# confidence_level = ['\bconfidence\b|\bcl\b', "", ""]
# n_sigma = ['\bn ?sigma\b', "", ""]
#
# [said]
# N_SIGMA = '\bsigma (?:(?:flux|confidence) )?(?:upper[\s-])?(?:limits?|UL|confidence)\b'
#
# [choices.SIDES]
# 1 = '\b(?:one|single|1)-?[\s-]?sided\b'
# 2 = '\b(?:two|2)-?[\s-]?sided\b'
#
# [fixed]
# STACKED = "any"
# SPECTRAL_MODEL = "pl"
# SPATIAL_MODEL = "point"
# ///
