"""Light curve: how does the flux of a source change with time, run by run, night by night or in bins of some minutes?

Answers the photon flux in each time bin with upper limits where it is not significant, the largest and smallest flux and
when, mean flux, chi2 of a constant flux and its p-value, fractional variability, doubling time. Counts come from one circle
with reflected regions; in each bin only the norm is fitted, the spectral shape is given or that of the whole data set.
For full-enclosure IRFs.

Not for: a light curve that is already in a file (variability_of_light_curve), a spectrum for each time bin, periodic
sources (phase-resolved), point-like IRFs.

Follows: tutorials light_curve, light_curve_flare and variability_estimation of Gammapy 2.1.
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
from gammapy.estimators import LightCurveEstimator
from gammapy.estimators.utils import compute_lightcurve_doublingtime, compute_lightcurve_fpp, compute_lightcurve_fvar
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import Model, SkyModel
from regions import CircleSkyRegion
from scipy.stats import chi2 as chi2_distribution
from scipy.stats import norm as normal_distribution

DATA_STORE = "hess-dl3-dr1"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 329.7169  # deg, ICRS, centre of the ON region
TARGET_DEC = -30.2256  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-07-01", "2006-08-01"], of the start of observations; None for all
TIME_BINS = "run"  # one point a run (observation), hour, night, week, month or year (from noon to noon at the site)
TIME_BIN_WIDTH = None  # min, of bins of equal width instead; None for TIME_BINS
TIME_BINS_START = None  # UTC, like "2006-07-29T20:30", of the first bin of equal width; None for the first run
TIME_BINS_STOP = None  # UTC, after which no bin of equal width begins; None for the last run
LIVETIME_MIN = 0.0  # min, time bins with less are left out
TIME_SCALE = "utc"  # of the times in result.json: utc, tt or tdb
ON_RADIUS = 0.11  # deg
EXCLUSION_RADIUS = 0.3  # deg around the target, kept out of the OFF regions; 0 for none
CONTAINMENT_CORRECTION = True  # for the part of the PSF outside the ON region, as of a point source
ENERGY_MIN = 1.0  # TeV, reconstructed; fluxes are integrals from here
ENERGY_MAX = 10.0  # TeV, reconstructed; to here
BINS_PER_DECADE = 10  # of reconstructed energy
AEFF_MAX_PERCENT = 10.0  # safe energies: effective area above this percentage of its maximum; 0 for no such threshold
SPECTRAL_MODEL = "pl"  # pl power law, ecpl power law with exponential cut-off, lp log parabola (natural logarithm)
REFERENCE_ENERGY = 1.0  # TeV
START = {"amplitude": 1e-11}  # where the fit starts: index, amplitude (cm-2 s-1 TeV-1), lambda_ (TeV-1), alpha, beta
INDEX = None  # photon index of the power law where it is given; None fits it
FIXED = {}  # other parameters given; what is not given is fitted once, to the whole data set
UPPER_LIMIT_BELOW = 2.0  # sqrt(TS): less significant points are upper limits
CONFIDENCE_LEVEL = 0.95  # of upper limits
LIGHT_CURVE_TABLE = "light_curve.ecsv"  # file for the light curve
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "n_points": ["n_points", ""],
    "flux_mean": ["flux_mean", "cm-2 s-1"],
    "flux_max": ["flux_max", "cm-2 s-1"],
    "flux_min": ["flux_min", "cm-2 s-1"],
    "i_max": ["i_max", ""],
    "time_max_mjd": ["time_max", "d"],
    "chi2": ["chi2", ""],
    "ndf": ["ndf", ""],
    "p_value": ["p_value", ""],
    "excess_variance": ["excess_variance", ""],
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
observations = data_store.get_observations(obs_table["OBS_ID"], required_irf=["aeff", "edisp"])
assert len(observations) == len(obs_table), "an observation lacks events or IRFs"
assert not observations[0].aeff.is_pointlike, "the IRFs are point-like: their ON region is not a circle of free radius"


# Time bins: each holds whole observations, or the pieces of observations that lie in it
def night_of(observation):
    """Date on which the night begins; days change at noon of local mean time."""
    local_time = observation.tstart.utc + observation.observatory_earth_location.lon.hour * u.h
    return Time(np.floor(local_time.mjd - 0.5) + 0.5, format="mjd").to_datetime().date()


def bin_of(observation):
    night = night_of(observation)
    return {
        "run": observation.obs_id,
        "night": night,
        "week": night.isocalendar()[:2],
        "month": (night.year, night.month),
        "year": night.year,
    }[TIME_BINS]


time_bins = {}
width = 60.0 if TIME_BINS == "hour" else TIME_BIN_WIDTH
assert width is not None or (TIME_BINS_START, TIME_BINS_STOP) == (None, None), "start or stop without a width of bins"
origin = Time(TIME_BINS_START, scale="utc") if TIME_BINS_START else min(o.gti.time_start[0] for o in observations)
for observation in sorted(observations, key=lambda one: one.gti.time_start[0]):
    if width is None:
        time_bins.setdefault(bin_of(observation), []).append(observation)
        continue
    observation = observation.copy(in_memory=True)  # read once for all its pieces
    span = Time([observation.gti.time_start[0], observation.gti.time_stop[-1]])
    first, last = ((span - origin) / (width * u.min)).to_value("")
    if TIME_BINS_STOP is not None:
        last = min(last, ((Time(TIME_BINS_STOP, scale="utc") - origin) / (width * u.min)).to_value("") - 1e-6)
    for number in range(max(int(np.floor(first)), 0), int(np.ceil(last))):
        edges = (origin + np.array([number, number + 1]) * width * u.min).tt
        piece = observation.select_time(edges)
        if piece.gti.time_sum > 0 * u.s:
            time_bins.setdefault(number, []).append(piece)

for name, pieces in list(time_bins.items()):
    livetime = sum(piece.observation_live_time_duration for piece in pieces)
    if livetime < LIVETIME_MIN * u.min:
        print(f"left out: {livetime.to('min'):.1f} from {pieces[0].gti.time_start[0].utc.iso} UTC on")
        del time_bins[name]
assert time_bins, "no time bin has the livetime asked for"
time_intervals = [
    (origin + np.array([name, name + 1]) * width * u.min).tt
    if width is not None
    else Time([pieces[0].gti.time_start[0], pieces[-1].gti.time_stop[-1]])
    for name, pieces in time_bins.items()
]
used = {piece.obs_id for pieces in time_bins.values() for piece in pieces}
print(f"not in any time bin: {[one.obs_id for one in observations if one.obs_id not in used]}")
observations = [one for one in observations if one.obs_id in used]

# Energy axes: the range asked for is one of whole bins; true energies reach further
n_bins = max(1, int(np.ceil(np.log10(ENERGY_MAX / ENERGY_MIN) * BINS_PER_DECADE - 1e-6)))
energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=n_bins, unit="TeV")
energy_axis_true = MapAxis.from_energy_bounds(
    ENERGY_MIN / 10, ENERGY_MAX * 5, nbin=20, per_decade=True, unit="TeV", name="energy_true"
)

# Counts in the ON region and in all OFF regions that fit, with the exposure and energy dispersion of each piece
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
for number, piece in enumerate(piece for pieces in time_bins.values() for piece in pieces):
    dataset = dataset_maker.run(empty.copy(name=f"{piece.obs_id}-{number}"), piece)
    dataset = background_maker.run(dataset, piece)
    assert dataset.counts_off is not None, f"no OFF region fits in observation {piece.obs_id}"
    if AEFF_MAX_PERCENT > 0:
        dataset = safe_mask_maker.run(dataset, piece)
    assert dataset.mask_safe is None or dataset.mask_safe.data.any(), f"no safe energies in observation {piece.obs_id}"
    datasets.append(dataset)
print(datasets.info_table()["name", "counts", "counts_off", "alpha", "sqrt_ts"])
total = datasets.info_table(cumulative=True)[-1]

# Fit the spectrum to the sum of all data; the light curve keeps its shape
spectrum = Model.create(SPECTRAL_MODEL, "spectral", reference=REFERENCE_ENERGY * u.TeV)
given = {**FIXED, **({} if INDEX is None else {"index": INDEX})}
for name, value in {**START, **given}.items():
    spectrum.parameters[name].value = value
    spectrum.parameters[name].frozen = name in given
stacked = datasets.stack_reduce(name="stacked")
stacked.models = [SkyModel(spectral_model=spectrum, name="source")]
fit_result = Fit().run([stacked])
print(fit_result)
print(stacked.models.to_parameters_table())
assert fit_result.success, f"the fit did not converge: {fit_result.optimize_result.message}"
if spectrum.parameters["amplitude"].value <= 0:  # no source on average: any positive amplitude gives the shape
    spectrum.parameters["amplitude"].value = START["amplitude"]

# Light curve; upper limits take long and are estimated where a point needs one
datasets.models = stacked.models
asks_for_limits = any("upper_limit" in entry[0] for entry in RESULTS.values())
estimator = LightCurveEstimator(
    energy_edges=[ENERGY_MIN, ENERGY_MAX] * u.TeV,
    time_intervals=time_intervals,
    source="source",
    selection_optional=["ul"] if asks_for_limits else None,
    n_sigma_ul=normal_distribution.isf((1 - CONFIDENCE_LEVEL) / 2),
)
light_curve = estimator.run(datasets)
if not asks_for_limits and np.any(light_curve.sqrt_ts.data < UPPER_LIMIT_BELOW):
    estimator.selection_optional = ["ul"]
    light_curve = estimator.run(datasets)
light_curve.sqrt_ts_threshold_ul = UPPER_LIMIT_BELOW
light_curve.write(LIGHT_CURVE_TABLE, format="lightcurve", sed_type="flux", overwrite=True)
print(light_curve.to_table(format="lightcurve", sed_type="flux")["time_min", "time_max", "flux", "flux_err", "sqrt_ts"])

flux = light_curve.flux.quantity.squeeze(axis=(1, 2, 3)).to("cm-2 s-1")
flux_err = light_curve.flux_err.quantity.squeeze(axis=(1, 2, 3)).to("cm-2 s-1")
flux_ul = np.full(flux.shape, np.nan) * flux.unit
if estimator.selection_optional:
    flux_ul = light_curve.flux_ul.quantity.squeeze(axis=(1, 2, 3)).to("cm-2 s-1")
sqrt_ts = light_curve.sqrt_ts.data.squeeze(axis=(1, 2, 3))
time_axis = light_curve.geom.axes["time"]
bad = [
    str(time.iso) for time, ok in zip(time_axis.time_mid.utc, np.isfinite(flux) & (flux_err > 0), strict=True) if not ok
]
assert not bad, f"the flux could not be estimated in the time bins around {', '.join(bad)} (UTC)"
assert time_axis.nbin == len(time_intervals), "a time bin was lost"
i_max, i_min = int(np.argmax(flux)), int(np.argmin(flux))


# Numbers: functions that give (value, error or None)
def parameter(name):
    return spectrum.parameters[name].quantity, spectrum.parameters[name].error * spectrum.parameters[name].unit


def in_band(values, errors):
    """A function of two energies in TeV, by default those of the light curve: a flux with its error, scaled with the shape."""

    def value_and_error(low=ENERGY_MIN, high=ENERGY_MAX):
        band, whole = (
            spectrum.integral(low * u.TeV, high * u.TeV),
            spectrum.integral(ENERGY_MIN * u.TeV, ENERGY_MAX * u.TeV),
        )
        return values * (band / whole).to_value(""), None if errors is None else errors * (band / whole).to_value("")

    return value_and_error


def energy_flux(value, error):
    """A function of two energies in TeV: the energy flux that belongs to a photon flux of the light curve."""

    def value_and_error(low=ENERGY_MIN, high=ENERGY_MAX):
        ratio = spectrum.energy_flux(low * u.TeV, high * u.TeV) / spectrum.integral(
            ENERGY_MIN * u.TeV, ENERGY_MAX * u.TeV
        )
        return value * ratio, error * ratio

    return value_and_error


def total_flux(low=ENERGY_MIN, high=ENERGY_MAX):
    """Of the fit to the whole data set."""
    _, below, above = spectrum.integral_error(low * u.TeV, high * u.TeV)
    return spectrum.integral(low * u.TeV, high * u.TeV), (below + above) / 2


weights = flux_err**-2
weighted_mean, weighted_mean_err = np.sum(weights * flux) / np.sum(weights), np.sum(weights) ** -0.5
chi2, ndf = float(np.sum(weights * (flux - weighted_mean) ** 2)), len(flux) - 1
excess_variance = float((np.var(flux, ddof=1) - np.mean(flux_err**2)) / np.mean(flux) ** 2) if ndf > 0 else np.nan


def several(value):
    assert ndf > 0, "variability needs two points or more"
    return value


def fractional_variability(table, name):
    """In the row of the only energy band; Gammapy takes the root of the modulus of the excess variance."""
    several(None)
    assert excess_variance > 0, f"fractional variability is not defined: the excess variance is {excess_variance:.2g}"
    return table[name][0].item(), table[f"{name}_err"][0].item()


def doubling(name):
    """Shortest time in which the flux would double (or halve), from neighbouring points."""
    several(None)
    table = compute_lightcurve_doublingtime(light_curve)
    value, error = table[f"{name}time"].quantity.squeeze(), table[f"{name}_err"].quantity.squeeze()
    assert np.isfinite(value), f"no two neighbouring points between which the flux is {name}"
    return value, error


def flux_ratio():
    assert flux[i_min] > 0, "the smallest flux is not above zero, so that no ratio is defined"
    ratio = (flux[i_max] / flux[i_min]).to_value("")
    return ratio, ratio * np.hypot(flux_err[i_max] / flux[i_max], flux_err[i_min] / flux[i_min]).to_value("")


def time_of(number):
    """MJD of the middle of a time bin."""
    return getattr(time_axis.time_mid[number], TIME_SCALE).mjd * u.d, None


def run_of(number):
    assert (width, TIME_BINS) == (None, "run"), "a point is one observation only where there is one point a run"
    return int(list(time_bins)[number]), None


ontime = sum(observation.observation_time_duration for observation in observations)
livetime = sum(observation.observation_live_time_duration for observation in observations)
n_on, n_off, alpha = int(total["counts"]), int(total["counts_off"]), float(total["alpha"])
known = {
    "n_obs": lambda: (len(observations), None),
    "livetime": lambda: (livetime, None),
    "mean_livetime": lambda: (livetime / len(observations), None),
    "ontime": lambda: (ontime, None),
    "n_nights": lambda: (len({night_of(observation) for observation in observations}), None),
    "dead_time_fraction": lambda: (1 - (livetime / ontime).to_value(""), None),
    "n_on": lambda: (n_on, None),
    "n_off": lambda: (n_off, None),
    "alpha": lambda: (alpha, None),
    "excess": lambda: (total["excess"], np.sqrt(n_on + alpha**2 * n_off)),
    "background": lambda: (total["background"], alpha * np.sqrt(n_off)),
    "significance": lambda: (total["sqrt_ts"], None),
    "signal_to_background": lambda: (total["excess"] / total["background"], None),
    "excess_rate": lambda: (total["excess"] / livetime, np.sqrt(n_on + alpha**2 * n_off) / livetime),
    "n_points": lambda: (len(flux), None),
    "n_upper_limits": lambda: (int(np.sum(sqrt_ts < UPPER_LIMIT_BELOW)), None),
    "n_significant": lambda: (int(np.sum(sqrt_ts >= UPPER_LIMIT_BELOW)), None),
    "flux_max": in_band(flux[i_max], flux_err[i_max]),
    "flux_min": in_band(flux[i_min], flux_err[i_min]),
    "flux_first": in_band(flux[0], flux_err[0]),
    "flux_last": in_band(flux[-1], flux_err[-1]),
    "flux_mean": in_band(np.mean(flux), np.sqrt(np.sum(flux_err**2)) / len(flux)),
    "energy_flux_max": energy_flux(flux[i_max], flux_err[i_max]),
    "energy_flux_min": energy_flux(flux[i_min], flux_err[i_min]),
    "energy_flux_mean": energy_flux(np.mean(flux), np.sqrt(np.sum(flux_err**2)) / len(flux)),
    "flux_median": in_band(np.median(flux), None),
    "flux_std": lambda low=ENERGY_MIN, high=ENERGY_MAX: in_band(several(np.std(flux, ddof=1)), None)(low, high),
    "flux_weighted_mean": in_band(weighted_mean, weighted_mean_err),
    "flux": total_flux,
    "flux_ratio": flux_ratio,
    "fluxes": in_band(flux, None),
    "flux_errors": in_band(flux_err, None),
    "flux_upper_limits": in_band(flux_ul, None),
    "flux_upper_limit_min": in_band(np.min(flux_ul), None),
    "flux_upper_limit_max": in_band(np.max(flux_ul), None),
    "i_max": lambda: (i_max, None),
    "i_min": lambda: (i_min, None),
    "time_max": lambda: time_of(i_max),
    "time_min": lambda: time_of(i_min),
    "time_max_iso": lambda: (str(getattr(time_axis.time_mid[i_max], TIME_SCALE).isot), None),
    "time_min_iso": lambda: (str(getattr(time_axis.time_mid[i_min], TIME_SCALE).isot), None),
    "time_first": lambda: (getattr(time_axis.time_min[0], TIME_SCALE).mjd * u.d, None),
    "time_last": lambda: (getattr(time_axis.time_max[-1], TIME_SCALE).mjd * u.d, None),
    "times": lambda: time_of(slice(None)),
    "obs_id_max": lambda: run_of(i_max),
    "obs_id_min": lambda: run_of(i_min),
    "max_significance": lambda: (float(np.max(sqrt_ts)), None),
    "chi2": lambda: (several(chi2), None),
    "ndf": lambda: (several(ndf), None),
    "chi2_ndf": lambda: (several(chi2) / ndf, None),
    "p_value": lambda: (float(chi2_distribution.sf(several(chi2), ndf)), None),
    "excess_variance": lambda: (several(excess_variance), None),
    "fvar": lambda: fractional_variability(compute_lightcurve_fvar(light_curve), "fvar"),
    "fpp": lambda: fractional_variability(compute_lightcurve_fpp(light_curve), "fpp"),
    "doubling_time": lambda: doubling("doubling"),
    "halving_time": lambda: doubling("halving"),
    "parameter": parameter,
    "pivot_energy": lambda: (spectrum.pivot_energy, None),
    "fit_statistic": lambda: (fit_result.total_stat, None),
    "fit_success": lambda: (int(fit_result.success), None),
}


def plain(value, unit):
    """Numbers in their unit, lists of them, and text, as JSON takes them."""
    return value if isinstance(value, (int, str)) else u.Quantity(value).to_value(unit).tolist()


units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")](*arguments)
    if quantity.endswith("_error"):
        value, error = error, None
    result[key] = plain(value, unit)
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = plain(error, unit)
result["_meta"] = {
    "units": units,
    "obs_ids": [int(observation.obs_id) for observation in observations],
    "fit_success": bool(fit_result.success),
    "covariance_success": bool(fit_result.covariance_result.success),
    "fit": {"message": fit_result.optimize_result.message, "statistic": float(fit_result.total_stat)},
    "energies_TeV": [ENERGY_MIN, ENERGY_MAX],
    "time_scale": TIME_SCALE,
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: flux in each time bin with the mean
fig, ax = plt.subplots(figsize=(8, 5), layout="constrained")
light_curve.plot(ax=ax, sed_type="flux", axis_name="time", marker="o")
ax.axhline(weighted_mean.value, color="0.5", ls="--", label="weighted mean")
ax.set_ylabel(f"flux {ENERGY_MIN:g}-{ENERGY_MAX:g} TeV [cm-2 s-1]")
ax.legend()
plt.savefig("light_curve.png", dpi=120)
plt.close()


# /// recipe
# asked = '\blight[\s-]?curves?\b|\b(?:run|observation|night)[\s-]?wise (?:\w+ )?flux|\bflux(?:es)? (?:versus|vs|against|as a function of) time\b|\bflux(?:es)?\b(?:[^.;]|\.\d){0,30}\b(?:(?:per|in each|of each|for each|of every) (?:run|observation|night)|run by run|night by night)\b|\bflux(?:es)?\b(?:[^.;]|\.\d){0,60}\b(?:chang(?:e|es|ed|ing)|var(?:y|ies|ied)|evol(?:ve|ves|ved|ution))\b|\bfrom (?:run to run|night to night)\b|\bone (?:flux )?point (?:per|for each|an?) (?:run|observation|night)\b|\bvariab(?:le|ility)\b|\btime series\b|\b(?:run|observation|night)[\s-](?:by|to)[\s-](?:run|observation|night)\b(?:[^.;]|\.\d){0,30}\bflux|\bflux\b(?:[^.;]|\.\d){0,40}\bconstant\b'
# perhaps = '\b(?:run|observation|night)[\s-]?wise\b|\bnightly\b|\bflar(?:e|ing)\b'
# covers = ["observation_list", "reflected_significance", "reflected_spectrum", "flux_upper_limit", "variability_of_light_curve"]
# vocabulary = ["regions", "counts"]
# errors = ["energy_flux_max", "energy_flux_min", "energy_flux_mean", "flux_max", "flux_min", "flux_first", "flux_last", "flux_mean", "flux_weighted_mean", "flux", "flux_ratio", "fvar", "fpp", "doubling_time", "halving_time", "parameter", "cutoff", "excess", "background", "excess_rate"]
# does = ["reflected regions", "a sensitivity or an upper limit"]
# band = true
#
# [keys]
# i_max = ['^(i|idx|position|index) ?(of )?(the )?(flux )?(max(imum)?|peak|brightest)\b|^(flux )?(max(imum)?|peak|brightest)( \w+)? (i|idx|position|index)$|^arg ?max\b', ""]
# i_min = ['^(i|idx|position|index) ?(of )?(the )?(flux )?(min(imum)?|faintest)\b|^(flux )?(min(imum)?|faintest)( \w+)? (i|idx|position|index)$|^arg ?min\b', ""]
# time_max_iso = ['\b(iso|isot|utc|date|datetime)\b.*\b(max(imum)?|peak|brightest)\b|\b(max(imum)?|peak|brightest)\b.*\b(iso|isot|date|datetime)\b', ""]
# time_min_iso = ['\b(iso|isot|utc|date|datetime)\b.*\b(min(imum)?|faintest)\b|\b(min(imum)?|faintest)\b.*\b(iso|isot|date|datetime)\b', ""]
# time_max = ['\bmjd\b.*\b(max(imum)?|peak|brightest)\b|\b(max(imum)?|peak|brightest)\b.*\bmjd\b', "d"]
# time_min = ['\bmjd\b.*\b(min(imum)?|faintest)\b|\b(min(imum)?|faintest)\b.*\bmjd\b', "d"]
# time_first = ['\bmjd\b.*\b(first|start)\b|\b(first|start)\b.*\bmjd\b', "d"]
# time_last = ['\bmjd\b.*\b(last|stop|end)\b|\b(last|stop|end)\b.*\bmjd\b', "d"]
# times = ['^(times|mjds?)( mjd)?$|\blist of (times|mjds)\b', "d"]
# obs_id_max = ['\b(brightest|peak|max(imum)?)( flux)? (run|obs|observation)( id)?\b|\b(run|obs|observation)( id)?( of| with| at)?( the)? (max(imum)?|peak|brightest|highest)\b', ""]
# obs_id_min = ['\b(faintest|min(imum)?)( flux)? (run|obs|observation)( id)?\b|\b(run|obs|observation)( id)?( of| with| at)?( the)? (min(imum)?|faintest|lowest)\b', ""]
# n_upper_limits = ['\b(n|number of)( flux)? ?(upper limits?|uls?)\b', ""]
# n_significant = ['\b(n|number of) ?(significant|detect\w+|signif)\b', ""]
# n_nights = ['\b(n|number of) ?nights\b', ""]
# n_points = ['\b(n|number of)( \w+)? ?(points|bins|intervals|time bins)\b|^n lc$', ""]
# fvar = ['\bf ?var\b|\bfractional (rms )?varia\w+|\bfractional excess variance', ""]
# fpp = ['\bf ?pp\b|\bpoint[ -]to[ -]point\b', ""]
# excess_variance = ['\bexcess variance\b|\bnxs\b|\bsigma (2 )?nxs\b', ""]
# chi2_ndf = ['\bchi ?(2|sq\w*|\^2) ?(per|over|/|by)? ?(ndf|dof|ndof|nu|degrees? of freedom)\b|\breduced chi|\bchi ?(2|sq\w*) red', ""]
# p_value = ['\bp ?-?val(ue)?s?\b|\bprob(ability)?\b', ""]
# ndf = ['\b(ndf|dof|ndof|degrees of freedom)\b', ""]
# chi2 = ['\bchi ?(2|sq\w*|\^2)|\bchi-?squared?\b', ""]
# doubling_time = ['\bdoubl(e|ing)\b', "min"]
# halving_time = ['\bhal(f|ve|ving)\b', "min"]
# flux_ratio = ['\bratio\b|\bmax(imum)? (over|to|by|/) min(imum)?\b', ""]
# max_significance = ['\b(max(imum)?|peak|highest|largest) (significance|sqrt ts|sigmas?)\b|\b(significance|sqrt ts) (max(imum)?|peak)\b', ""]
# energy_flux_max = ['\b(max(imum)?|peak|highest|largest|brightest)( \w+){0,3} (energy ?flux|e ?flux)\b|\b(energy ?flux|e ?flux)( \w+){0,2} (max(imum)?|peak|highest|largest|brightest)\b', "erg cm-2 s-1", "range"]
# energy_flux_min = ['\b(min(imum)?|lowest|smallest|faintest)( \w+){0,3} (energy ?flux|e ?flux)\b|\b(energy ?flux|e ?flux)( \w+){0,2} (min(imum)?|lowest|smallest|faintest)\b', "erg cm-2 s-1", "range"]
# energy_flux_mean = ['\b(mean|average|avg)( \w+){0,1} (energy ?flux|e ?flux)\b|\b(energy ?flux|e ?flux)( \w+){0,1} (mean|average|avg)\b', "erg cm-2 s-1", "range"]
# flux_upper_limit_min = ['^(?!.*\b(energy|e) ?flux).*(?:\b(min(imum)?|lowest|smallest|strictest) (flux )?(upper limit|ul)\b|\b(upper limit|ul) min(imum)?\b)', "cm-2 s-1", "range"]
# flux_upper_limit_max = ['^(?!.*\b(energy|e) ?flux).*(?:\b(max(imum)?|highest|largest) (flux )?(upper limit|ul)\b|\b(upper limit|ul) max(imum)?\b)', "cm-2 s-1", "range"]
# flux_upper_limits = ['^(?!.*\b(energy|e) ?flux).*(?:\b(upper limits|uls)\b)', "cm-2 s-1", "range"]
# flux_weighted_mean = ['^(?!.*\b(energy|e) ?flux).*(?:\bweighted\b|\bconstant\b)', "cm-2 s-1", "range"]
# flux_mean = ['^(?!.*\b(energy|e) ?flux).*(?:\b(mean|average|avg)( \w+)? (flux|f)\b|\b(flux|f)( \w+)? (mean|average|avg)\b)', "cm-2 s-1", "range"]
# flux_median = ['^(?!.*\b(energy|e) ?flux).*(?:\bmedian\b)', "cm-2 s-1", "range"]
# flux_max = ['^(?!.*\b(energy|e) ?flux).*(?:\b(max(imum)?|peak|highest|largest|brightest)( \w+){0,3} (flux|f)\b|\b(flux|f|phi)( \w+){0,2} (max(imum)?|peak|highest|largest|brightest)\b)', "cm-2 s-1", "range"]
# flux_min = ['^(?!.*\b(energy|e) ?flux).*(?:\b(min(imum)?|lowest|smallest|faintest)( \w+){0,3} (flux|f)\b|\b(flux|f|phi)( \w+){0,2} (min(imum)?|lowest|smallest|faintest)\b)', "cm-2 s-1", "range"]
# flux_first = ['^(?!.*\b(energy|e) ?flux).*(?:\bfirst\b.*\bflux\b|\bflux\b.*\bfirst\b)', "cm-2 s-1", "range"]
# flux_last = ['^(?!.*\b(energy|e) ?flux).*(?:\blast\b.*\bflux\b|\bflux\b.*\blast\b)', "cm-2 s-1", "range"]
# flux_std = ['^(?!.*\b(energy|e) ?flux).*(?:\b(flux(es)?|f)( \w+)? (std|standard deviation|rms|scatter)\b|\b(std|standard deviation|rms|scatter)( \w+){0,3} flux(es)?\b|^(rms|std|scatter)$)', "cm-2 s-1", "range"]
# fluxes = ['^(?!.*\b(energy|e) ?flux).*(?:\bfluxes\b|\bflux (list|values|points)\b|\blist of (the )?flux)', "cm-2 s-1", "range"]
# flux = ['^(?!.*\b(energy|e) ?flux).*(?:\b(total|overall|whole|fitted|joint|stacked)\b.*\bflux\b|\bflux\b.*\b(total|overall|whole|all (runs|data))\b)', "cm-2 s-1", "range"]
# "parameter index" = ['^(photon |spectral )?(index|gamma)\b|\b(photon|spectral) index\b', ""]
# "parameter beta" = ['\bbeta\b|\bcurvature\b', ""]
# "parameter amplitude" = ['\bamplitude\b|\bprefactor\b', "cm-2 s-1 TeV-1"]
# fit_statistic = ['\b(fit|total) ?stat(istic)?\b', ""]
# fit_success = ['\bconverge\w*\b|\bfit ok\b|\bsuccess\b', ""]
#
# [said]
# TIME_BIN_WIDTH = '\bbins?\b|\bbinn\w+|\bbinwidth\b|\bintervals?\b|\bslices?\b|\btime (?:steps?|resolution)\b|\blight ?curve\b|\bevery\b'
# LIVETIME_MIN = '\blive ?time\b|\bexposures?\b|\bat least\b|\bshorter\b|\bless than\b|\blonger\b|\bmore than\b'
# UPPER_LIMIT_BELOW = '\b(?:below|under|less significant than|smaller than)\b(?=.{0,15}\b(?:sigma|significan))|\bsigma\b'
#
# [choices.TIME_BINS]
# run = '\b(?:run|observation)[\s-]?wise\b|\b(?:per|each|every) (?:single )?(?:run|observation)\b|\b(?:run|observation)[\s-](?:by|to)[\s-](?:run|observation)\b'
# hour = '\bhourly\b|\bper hour\b|\bhour[\s-]by[\s-]hour\b'
# night = '\bnight(?:ly|[\s-]?wise)\b|\b(?:per|each|every) (?:night|day)\b|\bdaily\b|\b(?:night|day)[\s-](?:by|to)[\s-](?:night|day)\b'
# week = '\bweekly\b|\b(?:per|each|every) week\b|\bweek[\s-]by[\s-]week\b'
# month = '\bmonthly\b|\b(?:per|each|every) month\b|\bmonth[\s-]by[\s-]month\b'
# year = '\byearly\b|\bannual\w*\b|\b(?:per|each|every) (?:year|season)\b|\byear[\s-]by[\s-]year\b'
#
# [choices.TIME_SCALE]
# tt = '\bTT\b|\bterrestrial time\b'
# tdb = '\bTDB\b|\bbarycentric\b'
# utc = '\bUTC\b'
#
# [fixed]
# STACKED = "any"
# ///
