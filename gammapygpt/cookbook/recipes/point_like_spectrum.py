"""Point-like spectrum: what is the energy spectrum, significance or flux of a source from point-like IRFs (RAD_MAX)?

Answers ON and OFF counts, significance, spectral parameters, fluxes and flux points from data with point-like IRFs
(MAGIC, VERITAS and others): the responses hold for events within a cut on the angle to the source, fixed (keyword
RAD_MAX) or energy-dependent (table RAD_MAX), and there is no containment to correct for. OFF counts come from the same
cut around positions on the circle around the pointing (wobble regions). Counts are those at safe energies.

Not for: full-enclosure IRFs (H.E.S.S., CTAO), see reflected_spectrum; position or extension, see stacked_3d; data of
several instruments together, see joint_spectrum.

Follows: tutorials magic, veritas and ebl (Gammapy 2.1).
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
from gammapy.makers import (
    ReflectedRegionsBackgroundMaker,
    SafeMaskMaker,
    SpectrumDatasetMaker,
    WobbleRegionsFinder,
)
from gammapy.maps import Map, MapAxis, RegionGeom, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import EBLAbsorptionNormSpectralModel, Model, SkyModel
from gammapy.visualization import plot_spectrum_datasets_off_regions
from regions import CircleSkyRegion, PointSkyRegion

DATA_STORE = "magic/rad_max/data"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 83.6331  # deg, ICRS, the source
TARGET_DEC = 22.0145  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
ON_RADIUS = None  # deg, the cut that the IRFs must have been made for; None for whatever they say
N_OFF_REGIONS = 3  # OFF positions per observation, spread evenly on the circle around the pointing with the source
EXCLUSION_RADIUS = 0.0  # deg around the target, where no OFF position may lie; 0 for none
ENERGY_MIN = 0.1  # TeV, reconstructed; lower edge of the fit
ENERGY_MAX = 100.0  # TeV, reconstructed; upper edge of the fit
BINS_PER_DECADE = 10  # of reconstructed energy
AEFF_MAX_PERCENT = 10.0  # safe energies: effective area above this percentage of its maximum; 0 for no such threshold
STACKED = False  # True fits the sum of all observations instead of all jointly
SPECTRAL_MODEL = "pl"  # pl power law, ecpl power law with exponential cut-off, lp log parabola (natural logarithm)
REFERENCE_ENERGY = 1.0  # TeV
START = {"amplitude": 1e-11}  # where the fit starts: index, amplitude (cm-2 s-1 TeV-1), lambda_ (TeV-1), alpha, beta
FIXED = {}  # parameters kept at a value, such as {"index": 2.0}
EBL_ABSORPTION = False  # whether the model is absorbed by the extragalactic background light on its way
REDSHIFT = None  # of the source, for the absorption
EBL_MODEL = "dominguez"  # dominguez, franceschini, franceschini17, saldana-lopez21 or finke
EBL_NORM = 1.0  # optical depth relative to that of the EBL model
FLUX_POINT_EDGES = None  # TeV, such as [1, 2, 4, 8]; None for one point in every three bins of safe energy
SED_TABLE = "sed.ecsv"  # file for the flux points
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "index": ["parameter", "index", ""],
    "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
    "flux_1_10TeV": ["flux", 1.0, 10.0, "cm-2 s-1"],
    "energy_flux_1_10TeV_erg": ["energy_flux", 1.0, 10.0, "erg cm-2 s-1"],
    "n_on": ["n_on", ""],
    "excess": ["excess", ""],
    "significance": ["significance", ""],
    "n_obs": ["n_obs", ""],
    "livetime_h": ["livetime", "h"],
}

assert REDSHIFT is not None or not EBL_ABSORPTION, "absorption by the background light needs the redshift"

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
hdu_table = data_store.hdu_table[np.isin(data_store.hdu_table["OBS_ID"], obs_table["OBS_ID"])]
files = {data_store.hdu_table.base_dir / hdu["FILE_DIR"].strip() / hdu["FILE_NAME"].strip() for hdu in hdu_table}
missing = sorted(file.name for file in files if not file.is_file())
assert not missing, f"{DATA_STORE} names files that are not there: {missing}"
observations = data_store.get_observations(obs_table["OBS_ID"], required_irf="point-like")
assert len(observations) == len(obs_table), "an observation lacks events or IRFs"
for observation in observations:
    assert observation.aeff.is_pointlike, f"observation {observation.obs_id} has no point-like IRFs"
    if ON_RADIUS is not None:
        cut = observation.rad_max.quantity.to_value("deg")
        assert np.allclose(cut, ON_RADIUS, rtol=0.01), f"the IRFs hold for cuts of {cut.min():g}-{cut.max():g} deg"

# Energy axes: the range asked for and the edges of the flux points are edges of bins; true energies reach further
edges = np.unique([ENERGY_MIN, *(FLUX_POINT_EDGES or []), ENERGY_MAX])
edges = edges[(edges >= ENERGY_MIN) & (edges <= ENERGY_MAX)]
n_bins = np.ceil(np.diff(np.log10(edges)) * BINS_PER_DECADE - 1e-6).astype(int)
fine = [np.geomspace(low, high, n + 1)[:-1] for low, high, n in zip(edges[:-1], edges[1:], n_bins, strict=True)]
energy_axis = MapAxis.from_energy_edges(np.append(np.concatenate(fine), ENERGY_MAX) * u.TeV)
energy_axis_true = MapAxis.from_energy_bounds(
    ENERGY_MIN / 10, ENERGY_MAX * 5, nbin=20, per_decade=True, unit="TeV", name="energy_true"
)

# Counts within the cut around source and OFF positions, with the exposure and energy dispersion of each observation
on_region = PointSkyRegion(target)
exclusion_mask = None
if EXCLUSION_RADIUS > 0:
    sky = WcsGeom.create(skydir=target, width=10 * u.deg, binsz=0.02, proj="TAN")
    exclusion_mask = sky.region_mask([CircleSkyRegion(target, EXCLUSION_RADIUS * u.deg)], inside=False)

empty = SpectrumDataset.create(RegionGeom.create(on_region, axes=[energy_axis]), energy_axis_true=energy_axis_true)
dataset_maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"])
background_maker = ReflectedRegionsBackgroundMaker(
    region_finder=WobbleRegionsFinder(n_off_regions=N_OFF_REGIONS), exclusion_mask=exclusion_mask
)
safe_mask_maker = SafeMaskMaker(methods=["aeff-max"], aeff_percent=AEFF_MAX_PERCENT)

datasets = Datasets()
for observation in observations:
    dataset = dataset_maker.run(empty.copy(name=str(observation.obs_id)), observation)
    dataset = background_maker.run(dataset, observation)
    assert dataset.counts_off is not None, f"{N_OFF_REGIONS} OFF regions overlap in observation {observation.obs_id}"
    if AEFF_MAX_PERCENT > 0:
        dataset = safe_mask_maker.run(dataset, observation)
    datasets.append(dataset)
print(datasets.info_table()["name", "counts", "counts_off", "alpha", "sqrt_ts"])
total = datasets.info_table(cumulative=True)[-1]
datasets_of_observations = datasets
stacked = datasets.stack_reduce(name="stacked")
if STACKED:
    datasets = Datasets([stacked])

# Fit
intrinsic = Model.create(SPECTRAL_MODEL, "spectral", reference=REFERENCE_ENERGY * u.TeV)
for name, value in {**START, **FIXED}.items():
    intrinsic.parameters[name].value = value
    intrinsic.parameters[name].frozen = name in FIXED
spectrum = intrinsic
if EBL_ABSORPTION:
    ebl = EBLAbsorptionNormSpectralModel.read_builtin(EBL_MODEL, redshift=REDSHIFT, alpha_norm=EBL_NORM)
    spectrum = intrinsic * ebl
datasets.models = [SkyModel(spectral_model=spectrum, name="source")]
fit_result = Fit().run(datasets)
print(fit_result)
print(datasets.models.to_parameters_table())
assert fit_result.success, f"the fit did not converge: {fit_result.optimize_result.message}"

# Flux points, in bins whose edges exist on the energy axis
if FLUX_POINT_EDGES is None:
    first, last = np.flatnonzero(stacked.mask_safe.data & (stacked.counts.data > 0))[[0, -1]]
    FLUX_POINT_EDGES = energy_axis.edges[first : last + 2 : 3].to_value("TeV").tolist()
estimator = FluxPointsEstimator(energy_edges=FLUX_POINT_EDGES * u.TeV, source="source")
flux_points = estimator.run(datasets)
flux_points.write(SED_TABLE, sed_type="dnde", overwrite=True)
print(flux_points.to_table(sed_type="dnde", formatted=True)["e_ref", "dnde", "dnde_err", "sqrt_ts"])


# Numbers: functions that give (value, error or None)
def parameter(name):
    fitted = intrinsic.parameters[name]
    return fitted.quantity, None if fitted.frozen else fitted.error * fitted.unit


def cutoff():
    value, error = parameter("lambda_")
    return 1 / value, None if error is None else error / value**2


def model_value(evaluate, evaluate_error):
    """A function of energies in TeV: the value of the best fit, and the mean of its asymmetric errors."""

    def value_and_error(*energies):
        _, low, high = evaluate_error(*energies * u.TeV)
        return evaluate(*energies * u.TeV), (low + high) / 2

    return value_and_error


def unabsorbed(evaluate, evaluate_error):
    """The same for what the source emits."""

    def value_and_error(*energies):
        assert EBL_ABSORPTION, "an intrinsic flux belongs to a model with EBL absorption"
        return model_value(evaluate, evaluate_error)(*energies)

    return value_and_error


def transmission(energy):
    """Fraction of the photons of an energy in TeV that the EBL lets through."""
    assert EBL_ABSORPTION, "the model has no EBL absorption"
    return ebl(energy * u.TeV), None


def rad_max(energy):
    """Cut on the angle to the source at an energy in TeV, in the first observation."""
    offset = observations[0].get_pointing_icrs(observations[0].tmid).separation(target)
    return observations[0].rad_max.evaluate(energy=energy * u.TeV, offset=offset).squeeze(), None


def flux_point(low, high):
    """Photon flux in the band between two of FLUX_POINT_EDGES."""
    band = {"energy": FLUX_POINT_EDGES.index(low)}
    assert np.isclose(flux_points.geom.axes["energy"].edges_max[band["energy"]], high * u.TeV), "not one band"
    return flux_points.flux.slice_by_idx(band).quantity.squeeze(), flux_points.flux_err.slice_by_idx(
        band
    ).quantity.squeeze()


n_on, n_off, alpha = int(total["counts"]), int(total["counts_off"]), float(total["alpha"])
safe = stacked.mask_safe.data.squeeze()
livetime = sum(observation.observation_live_time_duration for observation in observations)
ontime = sum(observation.observation_time_duration for observation in observations)
known = {
    "n_obs": lambda: (len(observations), None),
    "livetime": lambda: (livetime, None),
    "mean_livetime": lambda: (livetime / len(observations), None),
    "ontime": lambda: (ontime, None),
    "dead_time_fraction": lambda: (1 - livetime / ontime, None),
    "n_on": lambda: (n_on, None),
    "n_off": lambda: (n_off, None),
    "alpha": lambda: (alpha, None),
    "excess": lambda: (total["excess"], np.sqrt(n_on + alpha**2 * n_off)),
    "background": lambda: (total["background"], alpha * np.sqrt(n_off)),
    "significance": lambda: (total["sqrt_ts"], None),  # Li & Ma 1983, equation 17
    "signal_to_background": lambda: (total["excess"] / total["background"], None),
    "excess_rate": lambda: (total["excess"] / livetime, np.sqrt(n_on + alpha**2 * n_off) / livetime),
    "parameter": parameter,
    "cutoff": cutoff,
    "dnde": model_value(spectrum, spectrum.evaluate_error),
    "e2dnde": lambda energy: tuple((energy * u.TeV) ** 2 * value for value in known["dnde"](energy)),
    "flux": model_value(spectrum.integral, spectrum.integral_error),
    "energy_flux": model_value(spectrum.energy_flux, spectrum.energy_flux_error),
    "intrinsic_dnde": unabsorbed(intrinsic, intrinsic.evaluate_error),
    "intrinsic_flux": unabsorbed(intrinsic.integral, intrinsic.integral_error),
    "intrinsic_energy_flux": unabsorbed(intrinsic.energy_flux, intrinsic.energy_flux_error),
    "transmission": transmission,
    "rad_max": rad_max,
    "flux_point": flux_point,
    "n_flux_points": lambda: (flux_points.geom.axes["energy"].nbin, None),
    "pivot_energy": lambda: (intrinsic.pivot_energy, None),
    "fit_statistic": lambda: (fit_result.total_stat, None),
    "fit_success": lambda: (int(fit_result.success), None),
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
    "n_off_regions": [round(1 / float(dataset.alpha.data.max())) for dataset in datasets_of_observations],
    "fit_success": bool(fit_result.success),
    "covariance_success": bool(fit_result.covariance_result.success),
    "fit": {"message": fit_result.optimize_result.message, "statistic": float(fit_result.total_stat)},
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: spectral energy distribution
ax = flux_points.plot(sed_type="e2dnde", label="flux points")
energy_bounds = FLUX_POINT_EDGES[0] * u.TeV, FLUX_POINT_EDGES[-1] * u.TeV
spectrum.plot(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", label="best fit")
spectrum.plot_error(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde")
if EBL_ABSORPTION:
    intrinsic.plot(
        ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", linestyle="--", label="without EBL absorption"
    )
ax.legend()
plt.savefig("sed.png", dpi=120)
plt.close()

# Figure: counts with the source and the OFF positions
counts = Map.create(skydir=target, width=4, binsz=0.04, proj="TAN")
for observation in observations:
    counts.fill_events(observation.events)
ax = counts.plot(add_cbar=True)
ax.plot(TARGET_RA, TARGET_DEC, "w*", transform=ax.get_transform("icrs"))
plot_spectrum_datasets_off_regions(datasets=datasets_of_observations, ax=ax)
plt.savefig("regions.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bpoint-?like (?:IRFs?|instrument|responses?|DL3|data|analysis)\b|\bRAD_?MAX\b|\bMAGIC\b|\bVERITAS\b|\bwobble[\s-]regions?\b'
# perhaps = '\breflected\b|\bpoint-?like\b|\benergy[\s-]dependent (?:\w+ )?(?:cut|theta|radius)\b|\btheta cut\b'
# covers = ["observation_list", "reflected_significance", "reflected_spectrum", "ebl_absorption", "irf_lookup"]
# vocabulary = ["regions", "spectrum", "safe", "counts"]
# errors = ["parameter", "cutoff", "dnde", "e2dnde", "flux", "energy_flux", "excess", "background", "excess_rate",
#           "intrinsic_dnde", "intrinsic_flux", "intrinsic_energy_flux"]
#
# [keys]
# rad_max = ['\brad ?max\b|\btheta ?cut\b', "deg", "energy"]
# intrinsic_energy_flux = ['\b(?:intrinsic|de-?absorbed|unabsorbed|emitted)\b.*\b(?:e ?|energy ?)flux\b', "erg cm-2 s-1", "range"]
# intrinsic_dnde = ['\b(?:intrinsic|de-?absorbed|unabsorbed|emitted)\b.*\b(?:dn ?de|diff\w*)\b', "cm-2 s-1 TeV-1", "energy"]
# intrinsic_flux = ['\b(?:intrinsic|de-?absorbed|unabsorbed|emitted)\b.*\bflux\b', "cm-2 s-1", "range"]
# transmission = ['\btransmission\b|\babsorption (?:factor|fraction)\b', "", "energy"]
#
# [said]
# N_OFF_REGIONS = '\b(?:OFF|wobble|background|reflected)[\s-]*(?:regions?|positions?)\b'
#
# [choices.EBL_ABSORPTION]
# false = '\b(?:no|not|without|ignor\w+|neglect\w+)\b[^.,;]{0,25}\b(?:EBL\b|extragalactic background|absor\w+)'
# true = '\bEBL\b|\bextragalactic[\s-]background(?: light)?\b|\b(?:un|de-?)?absor(?:b\w*|ption)\b|\bintrinsic\b'
#
# [choices.EBL_MODEL]
# dominguez = '\bdom[i\u00ed]nguez\b(?: et al\.?)?'
# franceschini17 = '\bfranceschini\b.{0,15}\b(?:20)?17\b'
# franceschini = '\bfranceschini\b(?: et al\.?)?'
# saldana-lopez21 = '\bsalda[n\u00f1]a'
# finke = '\bfinke\b(?: et al\.?)?'
#
# [fixed]
# CONTAINMENT_CORRECTION = false
# SPATIAL_MODEL = "point"
# ///
