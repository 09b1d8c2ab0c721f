"""Stacked 3D analysis: position, index and flux of a point source over the background model of the field of view."""

import json
import os
from pathlib import Path

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import MapDataset
from gammapy.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from gammapy.maps import MapAxis, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import FoVBackgroundModel, PointSpatialModel, PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

DATA_STORE = ""  # folder below GAMMAPY_DATA
TARGET_RA = 0.0  # deg, ICRS, centre of the map; the fit starts there
TARGET_DEC = 0.0  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target
MAP_WIDTH = 3.0  # deg
PIXEL_SIZE = 0.04  # deg
ENERGY_MIN = 1.0  # TeV, reconstructed
ENERGY_MAX = 10.0  # TeV, reconstructed
ENERGY_BINS = 6
BINS_PER_DECADE_TRUE = 10
OFFSET_MAX = 2.0  # deg, of events from the pointing
EXCLUSION_RADIUS = 0.4  # deg around the target, kept out when the background is normalised run by run
POSITION_FREE = True
RESULTS = {"index": ["parameter", "index", ""]}

data_store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"]) / DATA_STORE)
target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
table = data_store.obs_table.select_sky_circle(target, SELECTION_RADIUS * u.deg)
observations = data_store.get_observations(table["OBS_ID"])
assert len(observations) > 0, "no observation passes the selection"

energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=ENERGY_BINS, unit="TeV")
energy_axis_true = MapAxis.from_energy_bounds(
    ENERGY_MIN / 3, ENERGY_MAX * 2, nbin=BINS_PER_DECADE_TRUE, per_decade=True, unit="TeV", name="energy_true"
)
geom = WcsGeom.create(skydir=target, width=MAP_WIDTH, binsz=PIXEL_SIZE, proj="TAN", axes=[energy_axis])
exclusion_mask = ~geom.to_image().region_mask([CircleSkyRegion(target, EXCLUSION_RADIUS * u.deg)])
dataset_maker = MapDatasetMaker()
safe_mask_maker = SafeMaskMaker(methods=["offset-max"], offset_max=OFFSET_MAX * u.deg)
background_maker = FoVBackgroundMaker(method="scale", exclusion_mask=exclusion_mask)
stacked = MapDataset.create(geom, energy_axis_true=energy_axis_true, name="stacked")
for observation in observations:
    dataset = dataset_maker.run(stacked.copy(name=f"obs-{observation.obs_id}"), observation)
    stacked.stack(background_maker.run(safe_mask_maker.run(dataset, observation), observation))

spectrum = PowerLawSpectralModel(index=2.3, amplitude="1e-11 cm-2 s-1 TeV-1", reference="1 TeV")
place = PointSpatialModel(lon_0=target.ra, lat_0=target.dec, frame="icrs")
for coordinate in (place.lon_0, place.lat_0):  # without a step of that size Minuit begins with one of many degrees
    coordinate.min, coordinate.max, coordinate.error = coordinate.value - 0.5, coordinate.value + 0.5, 0.01
    coordinate.frozen = not POSITION_FREE
place.lon_0.min, place.lon_0.max = place.lon_0.value - 2, place.lon_0.value + 2
stacked.models = [SkyModel(spectrum, place, name="source"), FoVBackgroundModel(dataset_name="stacked")]
fit_result = Fit().run([stacked])
print(fit_result)
assert fit_result.success, "the fit did not converge"


def parameter(name):
    fitted = {"ra": place.lon_0, "dec": place.lat_0}.get(name) or spectrum.parameters[name]
    return fitted.quantity, fitted.error * fitted.unit


def separation():
    found = SkyCoord(place.lon_0.quantity, place.lat_0.quantity, frame="icrs")
    return found.separation(target), None


def integral(value, value_and_errors):
    def between(low, high):
        _, below, above = value_and_errors(low * u.TeV, high * u.TeV)
        return value(low * u.TeV, high * u.TeV), (below + above) / 2

    return between


known = {
    "parameter": parameter,
    "separation": separation,
    "flux": integral(spectrum.integral, spectrum.integral_error),
    "energy_flux": integral(spectrum.energy_flux, spectrum.energy_flux_error),
}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity](*arguments)
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
Path("result.json").write_text(json.dumps(result, indent=2))
print(result)
