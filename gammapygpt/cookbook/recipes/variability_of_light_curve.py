"""Variability of a light curve in a file: is the flux constant, by how much and how fast does it vary, when is the maximum?

Answers the number of points, largest, smallest and mean flux, time of the maximum, chi2 of a constant flux and its
p-value, excess variance, fractional and point-to-point variability, doubling and halving time, variability amplitude and
the number of Bayesian blocks, from flux points in time that were estimated before (a FITS or ECSV file of Gammapy).

Not for: making a light curve from observations (light_curve), correlations between two light curves, periods.

Follows: tutorial variability_estimation of Gammapy 2.1. (Of a file of norms, Gammapy forgets the reference spectrum and takes
the flux as dN/dE times the width of the band; here it is norm times reference flux, as the file says.)
"""

import json
import os
from pathlib import Path

import astropy.units as u
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from astropy.stats import bayesian_blocks
from astropy.table import Table
from gammapy.estimators import FluxPoints
from gammapy.stats import compute_flux_doubling, compute_fpp, compute_fvar
from scipy.stats import chi2 as chi2_distribution

DATA_FILE = "estimators/pks2155_hess_lc/pks2155_hess_lc.fits"  # file below GAMMAPY_DATA, FITS or ECSV
ENERGY_MIN = None  # TeV, lower edge of the energy band to be used; None where there is one band
ENERGY_MAX = None  # TeV, upper edge of that band
TIME_SCALE = "utc"  # of the times in result.json: utc, tt or tdb
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments ..., unit]
    "n_points": ["n_points", ""],
    "flux_mean": ["flux_mean", "cm-2 s-1"],
    "flux_max": ["flux_max", "cm-2 s-1"],
    "flux_min": ["flux_min", "cm-2 s-1"],
    "time_max_mjd": ["time_max", "d"],
    "chi2": ["chi2", ""],
    "ndf": ["ndf", ""],
    "p_value": ["p_value", ""],
    "excess_variance": ["excess_variance", ""],
}

# Read, and choose the energy band
path = Path(os.environ["GAMMAPY_DATA"]) / DATA_FILE
assert path.is_file(), f"there is no file {DATA_FILE} below GAMMAPY_DATA"
light_curve = FluxPoints.read(path, format="lightcurve")
print(light_curve)
assert light_curve.geom.axes.names == ["energy", "time"], "the file holds no light curve"
energy_axis, time_axis = light_curve.geom.axes["energy"], light_curve.geom.axes["time"]
bands = list(zip(energy_axis.edges_min.to_value("TeV"), energy_axis.edges_max.to_value("TeV"), strict=True))
names = ", ".join(f"{low:.3g}-{high:.3g} TeV" for low, high in bands)
wanted = [
    number
    for number, (low, high) in enumerate(bands)
    if ENERGY_MIN is None or np.allclose([low, high], [ENERGY_MIN, ENERGY_MAX], rtol=0.01)
]
assert len(wanted) == 1, f"one energy band has to be chosen of those that the light curve has: {names}"
light_curve = light_curve.slice_by_idx({"energy": slice(wanted[0], wanted[0] + 1)})
flux = light_curve.flux.quantity.squeeze(axis=(1, 2, 3)).to("cm-2 s-1")
flux_err = light_curve.flux_err.quantity.squeeze(axis=(1, 2, 3)).to("cm-2 s-1")
table = Table.read(path) if path.suffix == ".ecsv" else Table.read(path, hdu="FLUXPOINTS")
if "norm" in table.colnames and "ref_flux" in table.colnames:
    reference_flux = table["ref_flux"].quantity.reshape(len(table), -1)[:, wanted[0]]
    flux, flux_err = (
        norm.data.squeeze(axis=(1, 2, 3)) * reference_flux.to("cm-2 s-1")
        for norm in (light_curve.norm, light_curve.norm_err)
    )

# Points without a flux or an error are left out
good = np.isfinite(flux) & (flux_err > 0)
print(f"{np.sum(~good)} of {len(flux)} time bins have no flux and are left out")
assert good.any(), "no point of the light curve has a flux with an error"
flux, flux_err, times = flux[good], flux_err[good], time_axis.time_mid[good]
time_min, time_max = time_axis.time_min[good], time_axis.time_max[good]
i_max, i_min = int(np.argmax(flux)), int(np.argmin(flux))

# Variability
weights = flux_err**-2
weighted_mean, weighted_mean_err = np.sum(weights * flux) / np.sum(weights), np.sum(weights) ** -0.5
chi2, ndf = float(np.sum(weights * (flux - weighted_mean) ** 2)), len(flux) - 1
assert ndf > 0, "variability needs two points or more"
excess_variance = ((np.var(flux, ddof=1) - np.mean(flux_err**2)) / np.mean(flux) ** 2).to_value("")


# Numbers: functions that give (value, error or None)
def fractional_variability(compute):
    """Gammapy takes the root of the modulus of the excess variance; below zero it is not defined."""
    assert excess_variance > 0, f"fractional variability is not defined: the excess variance is {excess_variance:.2g}"
    return tuple(u.Quantity(value).to_value("") for value in compute(flux, flux_err))


def doubling(name):
    """Shortest time in which the flux would double (or halve), from neighbouring points."""
    found = compute_flux_doubling(flux, flux_err, (times - times[0]).to("min"), axis=1)
    value, error = found[name].squeeze(), found[f"{name}_err"].squeeze()
    assert np.isfinite(value), f"no two neighbouring points between which the flux is {name}"
    return value, error


def flux_ratio():
    assert flux[i_min] > 0, "the smallest flux is not above zero, so that no ratio is defined"
    ratio = (flux[i_max] / flux[i_min]).to_value("")
    return ratio, ratio * np.hypot(flux_err[i_max] / flux[i_max], flux_err[i_min] / flux[i_min]).to_value("")


def variability_amplitude():
    """Difference of largest and smallest flux over their sum."""
    high, low, high_err, low_err = flux[i_max], flux[i_min], flux_err[i_max], flux_err[i_min]
    error = 2 * np.hypot(high * low_err, low * high_err) / (high + low) ** 2
    return ((high - low) / (high + low)).to_value(""), error.to_value("")


def n_blocks():
    """Bayesian blocks: pieces of the light curve in which the flux is constant."""
    edges = bayesian_blocks(t=times.mjd, x=flux.value, sigma=flux_err.value, fitness="measures")
    return len(edges) - 1, None


def mjd(time):
    return getattr(time, TIME_SCALE).mjd * u.d, None


known = {
    "n_points": lambda: (len(flux), None),
    "n_bands": lambda: (len(bands), None),
    "energy_min": lambda: (bands[wanted[0]][0] * u.TeV, None),
    "energy_max": lambda: (bands[wanted[0]][1] * u.TeV, None),
    "flux_max": lambda: (flux[i_max], flux_err[i_max]),
    "flux_min": lambda: (flux[i_min], flux_err[i_min]),
    "flux_first": lambda: (flux[0], flux_err[0]),
    "flux_last": lambda: (flux[-1], flux_err[-1]),
    "flux_mean": lambda: (np.mean(flux), np.sqrt(np.sum(flux_err**2)) / len(flux)),
    "flux_median": lambda: (np.median(flux), None),
    "flux_std": lambda: (np.std(flux, ddof=1), None),
    "flux_weighted_mean": lambda: (weighted_mean, weighted_mean_err),
    "fluxes": lambda: (flux, None),
    "flux_ratio": flux_ratio,
    "i_max": lambda: (i_max, None),
    "i_min": lambda: (i_min, None),
    "time_max": lambda: mjd(times[i_max]),
    "time_min": lambda: mjd(times[i_min]),
    "time_max_iso": lambda: (str(getattr(times[i_max], TIME_SCALE).isot), None),
    "time_min_iso": lambda: (str(getattr(times[i_min], TIME_SCALE).isot), None),
    "time_first": lambda: mjd(time_min[0]),
    "time_last": lambda: mjd(time_max[-1]),
    "duration": lambda: ((time_max[-1] - time_min[0]).to("h"), None),
    "bin_width": lambda: (np.median((time_max - time_min).to("min")), None),
    "times": lambda: mjd(times),
    "chi2": lambda: (chi2, None),
    "ndf": lambda: (ndf, None),
    "chi2_ndf": lambda: (chi2 / ndf, None),
    "p_value": lambda: (float(chi2_distribution.sf(chi2, ndf)), None),
    "excess_variance": lambda: (excess_variance, None),
    "fvar": lambda: fractional_variability(compute_fvar),
    "fpp": lambda: fractional_variability(compute_fpp),
    "doubling_time": lambda: doubling("doubling"),
    "halving_time": lambda: doubling("halving"),
    "variability_amplitude": variability_amplitude,
    "n_blocks": n_blocks,
    "n_change_points": lambda: (n_blocks()[0] - 1, None),
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
    "energies_TeV": [float(edge) for edge in bands[wanted[0]]],
    "time_scale": TIME_SCALE,
    "n_left_out": int(np.sum(~good)),
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: the light curve with its weighted mean
fig, ax = plt.subplots(figsize=(8, 5), layout="constrained")
half_widths = [one.to_datetime() for one in (time_max - time_min) / 2]
ax.errorbar(times.datetime, flux.value, yerr=flux_err.value, xerr=half_widths, fmt="o", label=DATA_FILE)
ax.axhline(weighted_mean.value, color="0.5", ls="--", label="weighted mean")
ax.set(
    ylabel=f"flux {bands[wanted[0]][0]:.3g}-{bands[wanted[0]][1]:.3g} TeV [cm-2 s-1]", xlabel=f"time ({times.scale})"
)
fig.autofmt_xdate()
ax.legend()
plt.savefig("light_curve.png", dpi=120)
plt.close()

# /// recipe
# asked = '\blight[\s-]?curve (?:file|in the file)\b|\b(?:fractional|point-to-point) (?:variability|variance|excess)\b|\bf_?var\b|\bexcess variance\b|\bBayesian blocks\b'
# perhaps = '\blight[\s-]?curves?\b|\bvariab\w+'
# covers = ["light_curve", "reflected_significance"]
# does = ["a light curve"]
# vocabulary = []
# errors = ["flux_max", "flux_min", "flux_first", "flux_last", "flux_mean", "flux_weighted_mean", "flux_ratio", "fvar", "fpp", "doubling_time", "halving_time", "variability_amplitude"]
# required = ["DATA_FILE"]
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
# n_points = ['\b(n|number of)( \w+)? ?(points|bins|intervals|time bins)\b|^n lc$', ""]
# n_bands = ['\b(n|number of)( energy)? bands\b', ""]
# n_change_points = ['\bchange ?points?\b', ""]
# n_blocks = ['\b(n|number of)?( bayesian)? ?blocks?\b', ""]
# variability_amplitude = ['\b(relative )?variability amplitude\b|\bamplitude of (the )?variab\w+|\b(max min over sum|contrast)\b', ""]
# duration = ['\bduration\b|\btime span\b|\blength of the light ?curve\b', "h"]
# bin_width = ['\bbin (width|size)\b|\bbinning\b', "min"]
# energy_min = ['\b(energy|e) min(imum)?\b', "TeV"]
# energy_max = ['\b(energy|e) max(imum)?\b', "TeV"]
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
# flux_weighted_mean = ['^(?!.*\b(energy|e) ?flux).*(?:\bweighted\b|\bconstant\b)', "cm-2 s-1"]
# flux_mean = ['^(?!.*\b(energy|e) ?flux).*(?:\b(mean|average|avg)( \w+)? (flux|f)\b|\b(flux|f)( \w+)? (mean|average|avg)\b)', "cm-2 s-1"]
# flux_median = ['^(?!.*\b(energy|e) ?flux).*(?:\bmedian\b)', "cm-2 s-1"]
# flux_max = ['^(?!.*\b(energy|e) ?flux).*(?:\b(max(imum)?|peak|highest|largest|brightest)( \w+){0,3} (flux|f)\b|\b(flux|f|phi)( \w+){0,2} (max(imum)?|peak|highest|largest|brightest)\b)', "cm-2 s-1"]
# flux_min = ['^(?!.*\b(energy|e) ?flux).*(?:\b(min(imum)?|lowest|smallest|faintest)( \w+){0,3} (flux|f)\b|\b(flux|f|phi)( \w+){0,2} (min(imum)?|lowest|smallest|faintest)\b)', "cm-2 s-1"]
# flux_first = ['^(?!.*\b(energy|e) ?flux).*(?:\bfirst\b.*\bflux\b|\bflux\b.*\bfirst\b)', "cm-2 s-1"]
# flux_last = ['^(?!.*\b(energy|e) ?flux).*(?:\blast\b.*\bflux\b|\bflux\b.*\blast\b)', "cm-2 s-1"]
# flux_std = ['^(?!.*\b(energy|e) ?flux).*(?:\b(flux|f)( \w+)? (std|standard deviation|rms|scatter)\b|\b(std|standard deviation|rms|scatter)( \w+){0,3} flux(es)?\b|^(rms|std|scatter)$)', "cm-2 s-1"]
# fluxes = ['^(?!.*\b(energy|e) ?flux).*(?:\bfluxes\b|\bflux (list|values|points)\b|\blist of (the )?flux)', "cm-2 s-1"]
#
# [choices.TIME_SCALE]
# tt = '\bTT\b|\bterrestrial time\b'
# tdb = '\bTDB\b|\bbarycentric\b'
# utc = '\bUTC\b'
# ///
