"""Spectrum from reflected regions: parameters and fluxes of a model fitted to all observations, and flux points."""

import json
import os
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.estimators import FluxPointsEstimator
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import ExpCutoffPowerLawSpectralModel, PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

DATA_STORE = ""  # folder below GAMMAPY_DATA
TARGET_RA = 0.0  # deg, ICRS, centre of the ON region
TARGET_DEC = 0.0  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target
ON_RADIUS = 0.11  # deg
EXCLUSION_RADIUS = 0.3  # deg around the target, kept out of the OFF regions; 0 for none
ENERGY_MIN = 1.0  # TeV, reconstructed
ENERGY_MAX = 10.0  # TeV, reconstructed
BINS_PER_DECADE = 10  # of reconstructed energy
BINS_PER_DECADE_TRUE = 20
CONTAINMENT_CORRECTION = True  # for the part of the PSF outside the ON region
AEFF_MAX_PERCENT = 0  # safe energies: effective area above this percentage of its maximum; 0 for all
STACKED = False  # True fits the sum of all observations instead of all jointly
CUTOFF = False  # whether the power law is cut off exponentially
REFERENCE_ENERGY = 1.0  # TeV
FLUX_POINT_EDGES = []  # TeV; none for no flux points
RESULTS = {"index": ["parameter", "index", ""]}

data_store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"]) / DATA_STORE)
target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
table = data_store.obs_table.select_sky_circle(target, SELECTION_RADIUS * u.deg)
observations = data_store.get_observations(table["OBS_ID"])
assert len(observations) > 0, "no observation passes the selection"

# The edges of the flux points are edges of bins
edges = np.unique([ENERGY_MIN, *FLUX_POINT_EDGES, ENERGY_MAX])
n_bins = np.ceil(np.diff(np.log10(edges)) * BINS_PER_DECADE - 1e-6).astype(int)
parts = [np.geomspace(low, high, n + 1)[:-1] for low, high, n in zip(edges[:-1], edges[1:], n_bins, strict=True)]
energy_axis = MapAxis.from_energy_edges(np.append(np.concatenate(parts), ENERGY_MAX) * u.TeV)
energy_axis_true = MapAxis.from_energy_bounds(
    ENERGY_MIN / 5, ENERGY_MAX * 3, nbin=BINS_PER_DECADE_TRUE, per_decade=True, unit="TeV", name="energy_true"
)
on_region = CircleSkyRegion(target, ON_RADIUS * u.deg)
exclusion_mask = None
if EXCLUSION_RADIUS > 0:
    sky = WcsGeom.create(skydir=target, width=6, binsz=0.02, proj="TAN")
    exclusion_mask = ~sky.region_mask([CircleSkyRegion(target, EXCLUSION_RADIUS * u.deg)])

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
    datasets.append(safe_mask_maker.run(dataset, observation) if AEFF_MAX_PERCENT > 0 else dataset)
if STACKED:
    datasets = Datasets([datasets.stack_reduce(name="stacked")])

spectrum = PowerLawSpectralModel(index=2.3, amplitude="1e-11 cm-2 s-1 TeV-1", reference=REFERENCE_ENERGY * u.TeV)
if CUTOFF:
    spectrum = ExpCutoffPowerLawSpectralModel(
        index=2, amplitude="5e-11 cm-2 s-1 TeV-1", lambda_="0.1 TeV-1", reference=REFERENCE_ENERGY * u.TeV
    )
datasets.models = [SkyModel(spectrum, name="source")]
fit_result = Fit().run(datasets)
print(fit_result)
assert fit_result.success, "the fit did not converge"
if FLUX_POINT_EDGES:
    flux_points = FluxPointsEstimator(energy_edges=FLUX_POINT_EDGES * u.TeV, source="source").run(datasets)


def parameter(name):
    return spectrum.parameters[name].quantity, spectrum.parameters[name].error * spectrum.parameters[name].unit


def cutoff():
    value, error = parameter("lambda_")
    return 1 / value, error / value**2


def integral(value, value_and_errors):
    def between(low, high):
        _, below, above = value_and_errors(low * u.TeV, high * u.TeV)
        return value(low * u.TeV, high * u.TeV), (below + above) / 2

    return between


def flux_point(low, high):
    point = {"energy": FLUX_POINT_EDGES.index(low)}
    assert FLUX_POINT_EDGES.index(high) == point["energy"] + 1, "not one band"
    value, error = (getattr(flux_points, name).slice_by_idx(point).quantity for name in ("flux", "flux_err"))
    return value.squeeze(), error.squeeze()


known = {
    "n_obs": lambda: (len(observations), None),
    "parameter": parameter,
    "cutoff": cutoff,
    "flux": integral(spectrum.integral, spectrum.integral_error),
    "energy_flux": integral(spectrum.energy_flux, spectrum.energy_flux_error),
    "flux_point": flux_point,
}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity](*arguments)
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
Path("result.json").write_text(json.dumps(result, indent=2))
print(result)
