"""Upper limit on the flux of a point source at a position, for a power law of given index."""

import json
import os
from pathlib import Path

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.estimators import FluxPointsEstimator
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

DATA_STORE = ""  # folder below GAMMAPY_DATA
TARGET_RA = 0.0  # deg, ICRS, centre of the ON region
TARGET_DEC = 0.0  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target
ON_RADIUS = 0.11  # deg
EXCLUSION_RADIUS = 0.3  # deg around the target, kept out of the OFF regions; 0 for none
ENERGY_MIN = 1.0  # TeV, reconstructed
ENERGY_MAX = 10.0  # TeV, reconstructed
ENERGY_BINS = 1  # many with few counts each would bias the limit
BINS_PER_DECADE_TRUE = 20
CONTAINMENT_CORRECTION = True  # for the part of the PSF outside the ON region
AEFF_MAX_PERCENT = 0  # safe energies: effective area above this percentage of its maximum; 0 for all
INDEX = 2.5
N_SIGMA = 2.0  # of the limit, two-sided
FLUX_MIN = 1.0  # TeV, of the band of the flux
FLUX_MAX = 10.0  # TeV
RESULTS = {"flux_ul": ["flux_ul", "cm-2 s-1"]}

data_store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"]) / DATA_STORE)
target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
table = data_store.obs_table.select_sky_circle(target, SELECTION_RADIUS * u.deg)
observations = data_store.get_observations(table["OBS_ID"])
assert len(observations) > 0, "no observation passes the selection"

energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=ENERGY_BINS, unit="TeV")
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
total = datasets.info_table(cumulative=True)[-1]
stacked = datasets.stack_reduce(name="stacked")

spectrum = PowerLawSpectralModel(index=INDEX, amplitude="1e-12 cm-2 s-1 TeV-1", reference="1 TeV")
stacked.models = [SkyModel(spectrum, name="source")]
estimator = FluxPointsEstimator(
    energy_edges=[FLUX_MIN, FLUX_MAX] * u.TeV, source="source", selection_optional=["ul"], n_sigma_ul=N_SIGMA
)
flux_points = estimator.run(stacked)

known = {
    "n_on": lambda: (int(total["counts"]), None),
    "significance": lambda: (total["sqrt_ts"], 1.0),
    "flux_ul": lambda: (flux_points.flux_ul.quantity.squeeze(), None),
    "energy_flux_ul": lambda: (flux_points.eflux_ul.quantity.squeeze(), None),
    "best_flux": lambda: (flux_points.flux.quantity.squeeze(), flux_points.flux_err.quantity.squeeze()),
}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity](*arguments)
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
Path("result.json").write_text(json.dumps(result, indent=2))
print(result)
