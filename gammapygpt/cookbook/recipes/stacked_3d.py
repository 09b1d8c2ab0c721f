"""Stacked 3D fit: where is a source, how large, and what is its spectrum, from one map dataset in energy and position?

Answers position, width or radius, spectral index, amplitude and fluxes of a point source, Gaussian or disk, fitted
together with the IRF background, scaled to the field of view. For full-enclosure IRFs with a background model.

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
EXCLUSION_RADIUS = 0.4  # deg around the target, kept out of the background normalisation; 0 for none
SPATIAL_MODEL = "point"  # point, gauss (symmetric Gaussian) or disk (uniform)
POSITION_RANGE = 0.5  # deg, how far the fitted position may move from the target; 0 keeps it there
SPECTRAL_MODEL = "pl"  # pl power law, ecpl power law with exponential cut-off, lp log parabola (natural logarithm)
REFERENCE_ENERGY = 1.0  # TeV
START = {"amplitude": 1e-11}  # where the fit starts: sigma or r_0 (deg), index, amplitude (cm-2 s-1 TeV-1), lambda_ ...
FIXED = {}  # parameters kept at a value, such as {"index": 2.0} or {"sigma": 0.1}
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
stacked.models = [model, FoVBackgroundModel(dataset_name="stacked")]
fit_result = Fit().run([stacked])
print(fit_result)
print(stacked.models.to_parameters_table())
assert fit_result.success, f"the fit did not converge: {fit_result.optimize_result.message}"


# Numbers: functions that give (value, error or None)
def parameter(name):
    return model.parameters[name].quantity, model.parameters[name].error * model.parameters[name].unit


def extension():
    assert SPATIAL_MODEL != "point", "a point source has no width or radius"
    return parameter({"gauss": "sigma", "disk": "r_0"}[SPATIAL_MODEL])


def cutoff():
    value, error = parameter("lambda_")
    return 1 / value, error / value**2


def model_value(evaluate, evaluate_error):
    """A function of energies in TeV: the value of the best fit, and the mean of its asymmetric errors."""

    def value_and_error(*energies):
        _, low, high = evaluate_error(*energies * u.TeV)
        return evaluate(*energies * u.TeV), (low + high) / 2

    return value_and_error


def test_statistic():
    """Twice the log likelihood ratio with and without the source; the background is fitted again."""
    without = stacked.copy(name="without")
    without.models = [FoVBackgroundModel(dataset_name="without")]
    return Fit().run([without]).total_stat - fit_result.total_stat, None


def position_uncertainty():
    """Larger half-axis of the 1 sigma error ellipse, if its axes were RA and Dec."""
    return max(parameter("lon_0")[1] * np.cos(shape.lat_0.quantity), parameter("lat_0")[1]), None


background_norm = stacked.background_model.parameters["norm"]
known = {
    "n_obs": lambda: (len(observations), None),
    "livetime": lambda: (sum(observation.observation_live_time_duration for observation in observations), None),
    "counts": lambda: (int(stacked.counts.data[stacked.mask_safe.data].sum()), None),
    "background": lambda: (stacked.npred_background().data[stacked.mask_safe.data].sum(), None),
    "excess": lambda: (stacked.npred_signal().data[stacked.mask_safe.data].sum(), None),
    "parameter": parameter,
    "extension": extension,
    "cutoff": cutoff,
    "ra": lambda: (shape.position.ra, parameter("lon_0")[1]),
    "dec": lambda: parameter("lat_0"),
    "glon": lambda: (shape.position.galactic.l, None),
    "glat": lambda: (shape.position.galactic.b, None),
    "position_uncertainty": position_uncertainty,
    "separation": lambda: (shape.position.separation(target), None),
    "background_norm": lambda: (background_norm.value, background_norm.error),
    "dnde": model_value(spectrum, spectrum.evaluate_error),
    "e2dnde": lambda energy: tuple((energy * u.TeV) ** 2 * value for value in known["dnde"](energy)),
    "flux": model_value(spectrum.integral, spectrum.integral_error),
    "energy_flux": model_value(spectrum.energy_flux, spectrum.energy_flux_error),
    "pivot_energy": lambda: (spectrum.pivot_energy, None),
    "test_statistic": test_statistic,
    "significance": lambda: (np.sqrt(max(test_statistic()[0], 0)), None),
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
# covers = ["observation_list", "reflected_significance", "reflected_spectrum"]
# vocabulary = ["cube", "spectrum", "counts"]
# errors = ["parameter", "extension", "cutoff", "dnde", "e2dnde", "flux", "energy_flux", "ra", "dec", "background_norm"]
#
# [keys]
# "parameter sigma" = ['\bsigma\b', "deg"]
# "parameter r_0" = ['\bradius\b|\br ?0\b|\br disk\b', "deg"]
# extension = ['\bwidth\b|\bextension\b|\bextent\b|\bsize\b', "deg"]
#
# [choices.BACKGROUND_METHOD]
# fit = '\b(norm(alisation|alization)? and tilt|tilt)\b'
# scale = '\bscaled?\b|\bnormali[sz]ed\b'
#
# [fixed]
# STACKED = true
# ///
