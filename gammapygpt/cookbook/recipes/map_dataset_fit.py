"""Fit of a reduced map dataset: which model parameters, fluxes and significance fit counts and IRFs that lie in a file?

Answers the fitted parameters with errors, fluxes, flux points, TS and predicted counts of a source from one MapDataset
(FITS, or the YAML list of data sets) of any instrument, such as Fermi-LAT: with the models of a YAML file (sources,
isotropic and galactic diffuse emission, background), or with one source at a given position over the background of the
data set.

Not for: observations (DL3) that have still to be reduced (stacked_3d), spectra in OGIP files (spectrum_from_ogip), a joint
fit of several data sets (joint_spectrum).

Follows: tutorials analysis_mwl and fermi_lat of Gammapy 2.1.
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
from gammapy.datasets import Datasets, MapDataset
from gammapy.estimators import FluxPointsEstimator
from gammapy.maps import Map
from gammapy.modeling import Fit
from gammapy.modeling.models import FoVBackgroundModel, Model, Models, SkyModel

DATA_FILE = "fermi-3fhl-crab/Fermi-LAT-3FHL_data_Fermi-LAT.fits"  # file below GAMMAPY_DATA, FITS or YAML
MODEL_FILE = None  # file below GAMMAPY_DATA, like "x.yaml", with all models; None for one source as below
MODEL_NAME = None  # of the model that results are about; None for the only one, or the nearest to the target
TARGET_RA = None  # deg, ICRS, position of the source; None where the model file tells it
TARGET_DEC = None  # deg, ICRS
SPATIAL_MODEL = "point"  # point, gauss or disk; not used with a model file
POSITION_RANGE = 0.5  # deg, how far the fitted position may move; 0 keeps it; not used with a model file
SPECTRAL_MODEL = None  # pl, ecpl or lp; None for that of the model file, or else pl
REFERENCE_ENERGY = 1.0  # TeV; not used with a model file
START = {"amplitude": 1e-11}  # where the fit starts, in deg, cm-2 s-1 TeV-1, TeV-1; not used with a model file
FIXED = {}  # parameters kept at a value, such as {"index": 2.0}
ENERGY_MIN = None  # TeV, reconstructed, an edge of the data set's bins; None for its first
ENERGY_MAX = None  # TeV, reconstructed, an edge of the data set's bins; None for its last
FLUX_POINT_EDGES = None  # TeV, edges of the data set's bins; None for no flux points
SED_TABLE = "sed.ecsv"  # file for the flux points
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
    "ts": ["test_statistic", ""],
    "counts": ["counts", ""],
    "predicted_source_counts": ["excess", ""],
    "predicted_background_counts": ["background", ""],
    "background_norm": ["background_norm", ""],
    "fit_statistic": ["fit_statistic", ""],
}

# Read the data set and the models
folder = Path(os.environ["GAMMAPY_DATA"])
assert (folder / DATA_FILE).is_file(), f"there is no file {DATA_FILE} below GAMMAPY_DATA"
given = Models()
if MODEL_FILE is not None:
    assert (folder / MODEL_FILE).is_file(), f"there is no file {MODEL_FILE} below GAMMAPY_DATA"
    given = Models.read(folder / MODEL_FILE)
if DATA_FILE.lower().endswith((".yaml", ".yml")):
    datasets = Datasets.read(folder / DATA_FILE)
    assert len(datasets) == 1, f"the file lists {len(datasets)} data sets: {', '.join(datasets.names)}"
    dataset = datasets[0]
else:  # a background model of the file is for a data set of a certain name
    names = {name for model in given for name in (model.datasets_names or [])}
    assert len(names) <= 1, f"the models are for several data sets: {', '.join(names)}"
    dataset = MapDataset.read(folder / DATA_FILE, name=names.pop() if names else "dataset")
assert isinstance(dataset, MapDataset), "the file holds no map data set"
print(dataset)

# Energies of the fit: whole bins of the data set
energy_axis = dataset.counts.geom.axes["energy"]
edges = energy_axis.edges.to_value("TeV")
listing = ", ".join(f"{edge:.4g}" for edge in edges)


def edge_near(energy):
    nearest = edges[np.argmin(np.abs(np.log(edges / energy)))]
    assert np.isclose(nearest, energy, rtol=0.02), f"{energy:g} TeV is no edge of the data set's bins: {listing} TeV"
    return nearest


low, high = edge_near(ENERGY_MIN or edges[0]), edge_near(ENERGY_MAX or edges[-1])
inside = (energy_axis.edges_min.to_value("TeV") > low * 0.999) & (energy_axis.edges_max.to_value("TeV") < high * 1.001)
mask = Map.from_geom(dataset.counts.geom, data=np.broadcast_to(inside[:, None, None], dataset.counts.data.shape).copy())
dataset.mask_fit = mask if dataset.mask_fit is None else dataset.mask_fit & mask

# Models: of the file, or one source over the background of the data set
target = None if TARGET_RA is None else SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
if MODEL_FILE is None:
    assert target is not None, "a source without a model file needs a position"
    assert dataset.counts.geom.to_image().contains(target).all(), "the position is not in the map of the data set"
    spectrum = Model.create(SPECTRAL_MODEL or "pl", "spectral", reference=REFERENCE_ENERGY * u.TeV)
    shape = Model.create(SPATIAL_MODEL, "spatial", lon_0=target.ra, lat_0=target.dec, frame="icrs")
    for position, cos in (shape.lon_0, np.cos(target.dec.rad)), (shape.lat_0, 1.0):
        position.min, position.max = position.value - POSITION_RANGE / cos, position.value + POSITION_RANGE / cos
        position.error = 0.01  # a small first step keeps Minuit from stepping out of the map
        position.frozen = POSITION_RANGE == 0
    source = SkyModel(spectral_model=spectrum, spatial_model=shape, name=MODEL_NAME or "source")
    for name, value in START.items():
        source.parameters[name].value = value
    given = Models([source])
    if dataset.background is not None:
        given.append(FoVBackgroundModel(dataset_name=dataset.name))
sources = [model for model in given if isinstance(model, SkyModel) and "amplitude" in model.parameters.names]
if MODEL_NAME is not None:
    sources = [model for model in sources if model.name == MODEL_NAME]
elif target is not None and len(sources) > 1:
    sources = sorted(sources, key=lambda model: model.position.separation(target) if model.position else 180 * u.deg)[
        :1
    ]
assert len(sources) == 1, f"one source has to be named of these: {', '.join(model.name for model in given)}"
source = sources[0]
spectrum, shape = source.spectral_model, source.spatial_model
assert SPECTRAL_MODEL is None or SPECTRAL_MODEL in spectrum.tag, f"the model of the file is a {spectrum.tag[0]}"
assert target is None or shape.position.separation(target) < 0.5 * u.deg, "the model of the file is not at the target"
for name, value in FIXED.items():
    source.parameters[name].value = value
    source.parameters[name].frozen = True

# Fit
dataset.models = given
if dataset.background is None or dataset.background_model is None:
    print("no free background norm: the data set has no background, or no model scales it")
fit = Fit(optimize_opts={"strategy": 1, "migrad_opts": {"ncall": 5000}})  # for amplitudes far from their energies
fit_result = fit.run([dataset])
print(fit_result)
print(dataset.models.to_parameters_table())
assert fit_result.success, f"the fit did not converge: {fit_result.optimize_result.message}"
if FLUX_POINT_EDGES:
    points = [edge_near(energy) for energy in FLUX_POINT_EDGES]
    estimator = FluxPointsEstimator(energy_edges=points * u.TeV, source=source.name, selection_optional=["ul"])
    flux_points = estimator.run([dataset])
    assert flux_points.geom.axes["energy"].nbin == len(points) - 1, "the flux points have other edges"
    flux_points.write(SED_TABLE, sed_type="dnde", overwrite=True)
    print(flux_points.to_table(sed_type="dnde", formatted=True)["e_ref", "dnde", "dnde_err", "sqrt_ts"])


# Numbers: functions that give (value, error or None)
def parameter(name):
    return source.parameters[name].quantity, source.parameters[name].error * source.parameters[name].unit


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
    """Twice the log likelihood ratio with and without the source; all that is free is fitted again."""
    rest = dataset.copy(name=dataset.name)
    rest.models = Models([model for model in given.copy() if model.name != source.name])
    stat = fit.run([rest]).total_stat if rest.models.parameters.free_parameters else rest.stat_sum()
    return stat - fit_result.total_stat, None


def flux_point(low, high):
    """Photon flux in the band between two of FLUX_POINT_EDGES."""
    assert FLUX_POINT_EDGES, "no flux points were asked for"
    band = {"energy": FLUX_POINT_EDGES.index(low)}
    assert FLUX_POINT_EDGES[band["energy"] + 1] == high, "not one band"
    return flux_points.flux.slice_by_idx(band).quantity.squeeze(), flux_points.flux_err.slice_by_idx(
        band
    ).quantity.squeeze()


def background(name):
    assert dataset.background_model is not None, "no model scales the background of the data set"
    return dataset.background_model.parameters[name].value, dataset.background_model.parameters[name].error


def total(sky_map):
    return sky_map.data[dataset.mask.data].sum()


def place(coordinate):
    """A coordinate of the position; its error from those of longitude and latitude, where they are free."""
    free = [shape.lon_0, shape.lat_0]
    value = coordinate(shape.position)
    if all(one.frozen for one in free):
        return value, None
    step = 1e-4 * u.deg
    longitude, latitude = shape.lon_0.quantity, shape.lat_0.quantity
    steps = SkyCoord([longitude + step, longitude], [latitude, latitude + step], frame=shape.frame)
    gradient = ((coordinate(steps) - value) / step).to_value("")
    covariance = source.covariance.get_subcovariance(free).data
    return value, np.sqrt(gradient @ covariance @ gradient) * u.deg


known = {
    "counts": lambda: (int(total(dataset.counts)), None),
    "excess": lambda: (total(dataset.npred_signal(model_names=[source.name])), None),
    "background": lambda: (total(dataset.npred()) - total(dataset.npred_signal(model_names=[source.name])), None),
    "npred": lambda: (total(dataset.npred()), None),
    "parameter": parameter,
    "cutoff": cutoff,
    "ra": lambda: place(lambda position: position.icrs.ra),
    "dec": lambda: place(lambda position: position.icrs.dec),
    "glon": lambda: place(lambda position: position.galactic.l),
    "glat": lambda: place(lambda position: position.galactic.b),
    "background_norm": lambda: background("norm"),
    "background_tilt": lambda: background("tilt"),
    "dnde": model_value(spectrum, spectrum.evaluate_error),
    "e2dnde": lambda energy: tuple((energy * u.TeV) ** 2 * value for value in known["dnde"](energy)),
    "flux": model_value(spectrum.integral, spectrum.integral_error),
    "energy_flux": model_value(spectrum.energy_flux, spectrum.energy_flux_error),
    "flux_point": flux_point,
    "n_flux_points": lambda: (len(FLUX_POINT_EDGES or [None]) - 1, None),
    "pivot_energy": lambda: (spectrum.pivot_energy, None),
    "test_statistic": test_statistic,
    "significance": lambda: (np.sqrt(max(test_statistic()[0], 0)), None),
    "n_free_parameters": lambda: (len(dataset.models.parameters.free_parameters), None),
    "n_models": lambda: (len(given), None),
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
    "source": source.name,
    "models": {model.name: type(model).__name__ for model in given},
    "energies_TeV": [float(low), float(high)],
    "fit_success": bool(fit_result.success),
    "covariance_success": bool(fit_result.covariance_result.success),
    "fit": {"message": fit_result.optimize_result.message, "statistic": float(fit_result.total_stat)},
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: residual significance with the position of the source
residuals = dataset.plot_residuals_spatial(method="diff/sqrt(model)", vmin=-1, vmax=1)
place_of = shape.position.icrs
residuals.plot(place_of.ra.deg, place_of.dec.deg, "k+", transform=residuals.get_transform("icrs"))
plt.savefig("residuals.png", dpi=120)
plt.close()

# /// recipe
# asked = '\b(?:map[\s-]?data[\s-]?sets?|MapDatasets?|(?:reduced|binned|existing|precomputed|DL4) data[\s-]?sets?)\b|\bdata[\s-]?sets? (?:YAML )?file\b'
# covers = ["stacked_3d", "reflected_spectrum", "reflected_significance", "catalogue_lookup", "model_yaml", "model_flux"]
# does = ["other instruments", "a model file", "a catalogue"]
# vocabulary = ["cube", "spectrum"]
# errors = ["parameter", "cutoff", "dnde", "e2dnde", "flux", "energy_flux", "flux_point", "ra", "dec", "glon", "glat", "background_norm", "background_tilt"]
# required = ["DATA_FILE"]
#
# [keys]
# background_norm = ['^norm$', ""]
# background_tilt = ['\btilt\b', ""]
# n_free_parameters = ['\b(n|number of) ?(free )?(parameters|params|par)\b', ""]
# n_models = ['\b(n|number of) ?(models|components|sources)\b', ""]
# npred = ['\bnpred( total)?$|\btotal (predicted|npred)\b|\bpredicted counts\b', ""]
# excess = ['\b(npred|predicted|source|signal) (source|signal|counts)( counts)?\b|\bexcess\b|\bnpred (signal|source)\b', ""]
#
# [said]
# MODEL_FILE = '\bmodels?\b'
# DATA_FILE = '\bdata[\s-]?sets?\b|\bMapDataset\b|\bdata\b|\bmap\b'
# ///
