# wrong: the background of the map is what the IRF predicts, neither scaled nor fitted: what it is off by goes into
#   the source.
# right: FoVBackgroundMaker on each run, and a FoVBackgroundModel with a free norm.
# fault: background
# written: after the rules
# request: 3D analysis of the Crab Nebula with H.E.S.S. DL3 DR1 runs 23523 and 23526 ($GAMMAPY_DATA/hess-dl3-dr1):
#   one stacked map of 3 x 3 deg centred on RA 83.633 deg, Dec 22.0145 deg (ICRS), 0.05 deg pixels, reconstructed
#   energies 1-10 TeV in 5 bins, events within 2 deg of the pointing; background IRF scaled per run outside a 0.4 deg
#   circle around the source. Fit a point source with free position and a power law (reference energy 1 TeV) together
#   with a free background norm. Write result.json with "index" (positive), "index_err", "flux_1_10TeV" (cm-2 s-1),
#   "ra_deg" and "dec_deg".

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import MapDataset
from gammapy.makers import MapDatasetMaker, SafeMaskMaker
from gammapy.maps import MapAxis, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import PointSpatialModel, PowerLawSpectralModel, SkyModel

data_store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
crab = SkyCoord(83.633, 22.0145, unit="deg", frame="icrs")
observations = data_store.get_observations([23523, 23526])

energy_axis = MapAxis.from_energy_bounds(1, 10, nbin=5, unit="TeV", name="energy")
energy_axis_true = MapAxis.from_energy_bounds(0.5, 20, nbin=8, per_decade=True, unit="TeV", name="energy_true")
geom = WcsGeom.create(skydir=crab, width=3 * u.deg, binsz=0.05, proj="TAN", frame="icrs", axes=[energy_axis])
stacked = MapDataset.create(geom, energy_axis_true=energy_axis_true, name="crab-stacked")

maker = MapDatasetMaker()
safe_mask_maker = SafeMaskMaker(methods=["offset-max"], offset_max=2 * u.deg)
for observation in observations:
    pointing = observation.get_pointing_icrs(observation.tmid)
    cutout = stacked.cutout(pointing, width=4.5 * u.deg, name=f"obs-{observation.obs_id}")
    dataset = maker.run(cutout, observation)
    dataset = safe_mask_maker.run(dataset, observation)
    stacked.stack(dataset)

spatial = PointSpatialModel(lon_0=crab.ra, lat_0=crab.dec, frame="icrs")
for parameter in (spatial.lon_0, spatial.lat_0):
    parameter.min, parameter.max = parameter.value - 0.3, parameter.value + 0.3
    parameter.error = 0.01
spectral = PowerLawSpectralModel(index=2.5, amplitude="4e-11 cm-2 s-1 TeV-1", reference="1 TeV")
source = SkyModel(spectral_model=spectral, spatial_model=spatial, name="crab")
stacked.models = [source]
fit_result = Fit().run([stacked])
print(fit_result)

result = {
    "index": float(spectral.index.value),
    "index_err": float(spectral.index.error),
    "flux_1_10TeV": float(spectral.integral(1 * u.TeV, 10 * u.TeV).to_value("cm-2 s-1")),
    "ra_deg": float(spatial.lon_0.value),
    "dec_deg": float(spatial.lat_0.value),
}
print(json.dumps(result))
with open("result.json", "w") as file:
    json.dump(result, file)
