"""Stacked 3D fit: where is a source, how large, and what is its spectrum, from one map dataset in energy and position?

Answers position with errors (ICRS and galactic), width or radius, spectral index, amplitude, fluxes and flux points of a
point source, Gaussian or disk, its significance and that of its extension; fitted together with the IRF background,
which is scaled to the field of view. For full-enclosure IRFs with PSF and background model.

Not for: counts or a spectrum in one circle with reflected regions (reflected_significance, reflected_spectrum),
several sources in one field, a data set that is already reduced (map_dataset_fit).

Follows: tutorial analysis_3d of Gammapy 2.1.
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
from gammapy.estimators import FluxPointsEstimator
from gammapy.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from gammapy.maps import MapAxis, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import FoVBackgroundModel, Model, SkyModel
from regions import CircleSkyRegion

DATA_STORE = "hess-dl3-dr1"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 83.6331  # deg, ICRS, centre of the ON region
TARGET_DEC = 22.0145  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
MAP_WIDTH = 3.0  # deg, side of the square map centred on the target
PIXEL_SIZE = 0.02  # deg
ENERGY_MIN = 0.5  # TeV, reconstructed
ENERGY_MAX = 20.0  # TeV, reconstructed
ENERGY_BINS = 8  # number of logarithmic bins between them
OFFSET_MAX = 2.0  # deg, largest offset of events from the pointing
BACKGROUND_METHOD = "scale"  # per observation, outside the exclusion: scale (norm) or fit (norm and tilt)
FREE_TILT = False  # True fits a tilt of the background spectrum beside its norm
EXCLUSION_RADIUS = 0.4  # deg around the target, kept out of the background normalisation; 0 for none
SPATIAL_MODEL = "point"  # point, gauss (symmetric Gaussian) or disk (uniform)
POSITION_RANGE = 0.5  # deg, how far the fitted position may move from the target; 0 keeps it there
SPECTRAL_MODEL = "pl"  # pl power law, ecpl power law with exponential cut-off, lp log parabola (natural logarithm)
REFERENCE_ENERGY = 1.0  # TeV
START = {"amplitude": 1e-11}  # where the fit starts: sigma or r_0 (deg), index, amplitude (cm-2 s-1 TeV-1), lambda_ ...
FIXED = {}  # parameters kept at a value, such as {"index": 2.0} or {"sigma": 0.1}
FLUX_POINT_EDGES = None  # TeV, such as [1, 2, 4, 8]; None for no flux points
SED_TABLE = "sed.ecsv"  # file for the flux points
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "index": ["parameter", "index", ""],
    "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
    "flux_1_10TeV": ["flux", 1.0, 10.0, "cm-2 s-1"],
    "ra_deg": ["ra", "deg"],
    "dec_deg": ["dec", "deg"],
    "background_norm": ["background_norm", ""],
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

# Stack all observations into one map dataset; true energies reach further than reconstructed ones
energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=ENERGY_BINS, unit="TeV")
if FLUX_POINT_EDGES:  # the edges of flux points have to be edges of bins
    edges = np.unique([ENERGY_MIN, *FLUX_POINT_EDGES, ENERGY_MAX])
    n_bins = np.ceil(np.diff(np.log(edges)) / np.log(ENERGY_MAX / ENERGY_MIN) * ENERGY_BINS - 1e-6).astype(int)
    fine = [np.geomspace(low, high, n + 1)[:-1] for low, high, n in zip(edges[:-1], edges[1:], n_bins, strict=True)]
    energy_axis = MapAxis.from_energy_edges(np.append(np.concatenate(fine), edges[-1]) * u.TeV)
energy_axis_true = MapAxis.from_energy_bounds(
    ENERGY_MIN / 3, ENERGY_MAX * 3, nbin=10, per_decade=True, unit="TeV", name="energy_true"
)
geom = WcsGeom.create(skydir=target, width=MAP_WIDTH * u.deg, binsz=PIXEL_SIZE, proj="TAN", axes=[energy_axis])
stacked = MapDataset.create(geom, energy_axis_true=energy_axis_true, name="stacked")
exclusion_mask = None
if EXCLUSION_RADIUS > 0:
    exclusion_mask = geom.to_image().region_mask([CircleSkyRegion(target, EXCLUSION_RADIUS * u.deg)], inside=False)

dataset_maker = MapDatasetMaker()
safe_mask_maker = SafeMaskMaker(methods=["offset-max"], offset_max=OFFSET_MAX * u.deg)
background_maker = FoVBackgroundMaker(method=BACKGROUND_METHOD, exclusion_mask=exclusion_mask)
for observation in observations:
    cutout = stacked.cutout(
        observation.get_pointing_icrs(observation.tmid),
        width=2 * (OFFSET_MAX + 0.3) * u.deg,
        name=f"obs-{observation.obs_id}",
    )
    dataset = dataset_maker.run(cutout, observation)
    dataset = safe_mask_maker.run(dataset, observation)
    dataset = background_maker.run(dataset, observation)
    stacked.stack(dataset)
print(stacked)

# Fit; bounds and a small first step on the position keep Minuit from stepping out of the map
spectrum = Model.create(SPECTRAL_MODEL, "spectral", reference=REFERENCE_ENERGY * u.TeV)
shape = Model.create(SPATIAL_MODEL, "spatial", lon_0=target.ra, lat_0=target.dec, frame="icrs")
if SPATIAL_MODEL == "disk":
    shape.edge_width.value = 0.1  # of the radius: sharper than a pixel, the likelihood has jumps and the fit gets stuck
model = SkyModel(spectral_model=spectrum, spatial_model=shape, name="source")
for position, cos in (shape.lon_0, np.cos(target.dec.rad)), (shape.lat_0, 1.0):
    position.min, position.max = position.value - POSITION_RANGE / cos, position.value + POSITION_RANGE / cos
    position.error = 0.01
    position.frozen = POSITION_RANGE == 0
for name, value in {**START, **FIXED}.items():
    model.parameters[name].value = value
    model.parameters[name].frozen = name in FIXED
background = FoVBackgroundModel(dataset_name="stacked")
background.parameters["tilt"].frozen = not FREE_TILT
stacked.models = [model, background]
fit_result = Fit().run([stacked])
print(fit_result)
print(stacked.models.to_parameters_table())
assert fit_result.success, f"the fit did not converge: {fit_result.optimize_result.message}"
moved = shape.position.separation(target).deg
assert POSITION_RANGE == 0 or moved < 0.99 * POSITION_RANGE, "the position ran to the end of POSITION_RANGE"

if FLUX_POINT_EDGES:
    estimator = FluxPointsEstimator(energy_edges=FLUX_POINT_EDGES * u.TeV, source="source", selection_optional=["ul"])
    flux_points = estimator.run([stacked])
    flux_points.write(SED_TABLE, sed_type="dnde", overwrite=True)
    print(flux_points.to_table(sed_type="dnde", formatted=True)["e_ref", "dnde", "dnde_err", "sqrt_ts"])


# Numbers: functions that give (value, error or None)
def parameter(name):
    return model.parameters[name].quantity, model.parameters[name].error * model.parameters[name].unit


def cutoff():
    value, error = parameter("lambda_")
    return 1 / value, error / value**2


def model_value(evaluate, evaluate_error):
    """A function of energies in TeV: the value of the best fit, and the mean of its asymmetric errors."""

    def value_and_error(*energies):
        _, low, high = evaluate_error(*energies * u.TeV)
        return evaluate(*energies * u.TeV), (low + high) / 2

    return value_and_error


def stat_with(source):
    """Fit statistic of the same counts with another source model, or none; the background is fitted again."""
    other = stacked.copy(name="other")
    other_background = FoVBackgroundModel(dataset_name="other")
    other_background.parameters["tilt"].frozen = not FREE_TILT
    other.models = [*source, other_background]
    result = Fit().run([other])
    assert result.success, f"the fit for comparison did not converge: {result.optimize_result.message}"
    return result.total_stat


def test_statistic():
    """Twice the log likelihood ratio with and without the source."""
    return stat_with([]) - fit_result.total_stat, None


def extension_test_statistic():
    """Twice the log likelihood ratio of an extended and a point source."""
    other = model.copy(name="other-source")
    if SPATIAL_MODEL == "point":
        other.spatial_model = Model.create("gauss", "spatial", sigma=0.1 * u.deg, frame="icrs")
        other.spatial_model.sigma.min = 0
    else:
        other.spatial_model = Model.create("point", "spatial", frame="icrs")
    for name in "lon_0", "lat_0":
        one, another = shape.parameters[name], other.spatial_model.parameters[name]
        another.value, another.min, another.max, another.frozen = one.value, one.min, one.max, one.frozen
        another.error = 0.01
    difference = stat_with([other]) - fit_result.total_stat
    return (-difference if SPATIAL_MODEL == "point" else difference), None


def root(statistic):
    return lambda: (np.sqrt(max(statistic()[0], 0)), None)


def place(coordinate):
    """A coordinate of the fitted position, with the error from those of longitude and latitude and their correlation."""
    step = 1e-4 * u.deg
    longitude, latitude = shape.lon_0.quantity, shape.lat_0.quantity
    steps = SkyCoord([longitude + step, longitude], [latitude, latitude + step], frame="icrs")
    gradient = ((coordinate(steps) - coordinate(shape.position)) / step).to_value("")
    covariance = model.covariance.get_subcovariance([shape.lon_0, shape.lat_0]).data
    return coordinate(shape.position), np.sqrt(gradient @ covariance @ gradient) * u.deg


def position_uncertainty():
    """Larger half-axis of the 1 sigma error ellipse."""
    to_sky = np.diag([np.cos(shape.lat_0.quantity), 1])
    covariance = model.covariance.get_subcovariance([shape.lon_0, shape.lat_0]).data
    return np.sqrt(np.linalg.eigvalsh(to_sky @ covariance @ to_sky).max()) * u.deg, None


def flux_point(low, high):
    """Photon flux in the band between two of FLUX_POINT_EDGES."""
    assert FLUX_POINT_EDGES, "no flux points were asked for"
    band = {"energy": FLUX_POINT_EDGES.index(low)}
    assert np.isclose(flux_points.geom.axes["energy"].edges_max[band["energy"]], high * u.TeV), "not one band"
    return flux_points.flux.slice_by_idx(band).quantity.squeeze(), flux_points.flux_err.slice_by_idx(
        band
    ).quantity.squeeze()


ontime = sum(observation.observation_time_duration for observation in observations)
livetime = sum(observation.observation_live_time_duration for observation in observations)
norm, tilt = background.parameters["norm"], background.parameters["tilt"]
known = {
    "n_obs": lambda: (len(observations), None),
    "livetime": lambda: (livetime, None),
    "mean_livetime": lambda: (livetime / len(observations), None),
    "ontime": lambda: (ontime, None),
    "dead_time_fraction": lambda: (1 - (livetime / ontime).to_value(""), None),
    "counts": lambda: (int(stacked.counts.data[stacked.mask_safe.data].sum()), None),
    "background": lambda: (stacked.npred_background().data[stacked.mask_safe.data].sum(), None),
    "excess": lambda: (stacked.npred_signal().data[stacked.mask_safe.data].sum(), None),
    "parameter": parameter,
    "cutoff": cutoff,
    "ra": lambda: place(lambda position: position.ra),
    "dec": lambda: place(lambda position: position.dec),
    "glon": lambda: place(lambda position: position.galactic.l),
    "glat": lambda: place(lambda position: position.galactic.b),
    "position_uncertainty": position_uncertainty,
    "separation": lambda: (shape.position.separation(target), None),
    "background_norm": lambda: (norm.value, norm.error),
    "background_tilt": lambda: (tilt.value, tilt.error),
    "dnde": model_value(spectrum, spectrum.evaluate_error),
    "e2dnde": lambda energy: tuple((energy * u.TeV) ** 2 * value for value in known["dnde"](energy)),
    "flux": model_value(spectrum.integral, spectrum.integral_error),
    "energy_flux": model_value(spectrum.energy_flux, spectrum.energy_flux_error),
    "pivot_energy": lambda: (spectrum.pivot_energy, None),
    "test_statistic": test_statistic,
    "significance": root(test_statistic),
    "extension_test_statistic": extension_test_statistic,
    "extension_significance": root(extension_test_statistic),
    "flux_point": flux_point,
    "n_flux_points": lambda: (len(FLUX_POINT_EDGES or [None]) - 1, None),
    "fit_statistic": lambda: (fit_result.total_stat, None),
    "fit_success": lambda: (int(fit_result.success), None),
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
    "fit_success": bool(fit_result.success),
    "covariance_success": bool(fit_result.covariance_result.success),
    "fit": {"message": fit_result.optimize_result.message, "statistic": float(fit_result.total_stat)},
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: residual significance with the fitted position
residuals = stacked.plot_residuals_spatial(method="diff/sqrt(model)", vmin=-1, vmax=1)
residuals.plot(shape.lon_0.value, shape.lat_0.value, "k+", transform=residuals.get_transform("icrs"))
plt.savefig("residuals.png", dpi=120)
plt.close()

# /// recipe
# asked = '(?<!\w)3-?D\b|\bthree[\s-]dimensional|\bcubes?\b|\bmap ?datasets?\b|\b(FoV|field[\s-]of[\s-]view)[\s-]background|\bspatial(ly)?\b|\bmorpholog\w+|\bextension\b|\bfree position\b|\bposition,? (and )?(width|radius|size)'
# covers = ["observation_list", "reflected_significance", "reflected_spectrum", "map_dataset_fit"]
# vocabulary = ["cube", "spectrum", "counts"]
# errors = ["parameter", "cutoff", "dnde", "e2dnde", "flux", "energy_flux", "flux_point", "ra", "dec", "glon", "glat", "background_norm", "background_tilt"]
#
# [keys]
# background_norm = ['^norm$', ""]
# extension_significance = ['\b(extension|extent|extended|ext) (significance|signif|sqrt ts|sigmas?)\b|\b(significance|signif|sqrt ts)( of)?( the)? (extension|extent|ext)\b', ""]
# extension_test_statistic = ['\b(extension|extended|ext) (ts|test statistic)\b|\b(ts|test statistic)( of)?( the)? (extension|extended|ext)\b', ""]
# background_tilt = ['\btilt\b', ""]
#
# [choices.BACKGROUND_METHOD]
# scale = '\bscaled?\b|\bnormali[sz]ed\b|\bfree\b[^.;]{0,40}\btilt\b|\btilt\b[^.;]{0,20}\bfree\b'
# fit = '\b(?:norm(?:alisation|alization)? and tilt|tilt)\b'
#
# [choices.FREE_TILT]
# true = '\bfree\b[^.;]{0,40}\btilt\b|\btilt\b[^.;]{0,20}\bfree\b'
#
# [fixed]
# STACKED = true
# ///
