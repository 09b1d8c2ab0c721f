# wrong: a free position without limits and steps: the first step of Minuit is a hundred degrees wide at RA 228, the
#   fit fails, and the start values are written, success=False unread.
# right: limits and a small error on lon_0 and lat_0, and a look at fit_result.success.
# fault: converge|success
# request: 3D analysis of MSH 15-52 with H.E.S.S. DL3 DR1 runs 20282, 20283, 20301 and 20302
#   ($GAMMAPY_DATA/hess-dl3-dr1): one stacked map of 3 x 3 deg centred on RA 228.529 deg, Dec -59.1575 deg (ICRS), 0.05
#   deg pixels, reconstructed energies 1-10 TeV in 5 bins, events within 2 deg of the pointing; background IRF scaled
#   per run outside a 0.4 deg circle around the source. Fit a Gaussian with free position and width and a power law
#   (reference energy 1 TeV) together with a free background norm. Write result.json with "index" (positive),
#   "flux_1_10TeV" (cm-2 s-1), "ra_deg", "dec_deg" and "sigma_deg".

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import MapDataset
from gammapy.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from gammapy.maps import MapAxis, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import FoVBackgroundModel, GaussianSpatialModel, PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

data_store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
msh = SkyCoord(228.529, -59.1575, unit="deg", frame="icrs")
observations = data_store.get_observations([20282, 20283, 20301, 20302])

energy_axis = MapAxis.from_energy_bounds(1, 10, nbin=5, unit="TeV", name="energy")
energy_axis_true = MapAxis.from_energy_bounds(0.5, 20, nbin=8, per_decade=True, unit="TeV", name="energy_true")
geom = WcsGeom.create(skydir=msh, width=3 * u.deg, binsz=0.05, proj="TAN", frame="icrs", axes=[energy_axis])
stacked = MapDataset.create(geom, energy_axis_true=energy_axis_true, name="msh-stacked")

maker = MapDatasetMaker()
safe_mask_maker = SafeMaskMaker(methods=["offset-max"], offset_max=2 * u.deg)
exclusion_mask = ~geom.to_image().region_mask([CircleSkyRegion(msh, 0.4 * u.deg)])
background_maker = FoVBackgroundMaker(method="scale", exclusion_mask=exclusion_mask)
for observation in observations:
    pointing = observation.get_pointing_icrs(observation.tmid)
    cutout = stacked.cutout(pointing, width=4.5 * u.deg, name=f"obs-{observation.obs_id}")
    dataset = maker.run(cutout, observation)
    dataset = safe_mask_maker.run(dataset, observation)
    dataset = background_maker.run(dataset)
    stacked.stack(dataset)

spatial = GaussianSpatialModel(lon_0=msh.ra, lat_0=msh.dec, sigma=0.1 * u.deg, frame="icrs")
spectral = PowerLawSpectralModel(index=2.5, amplitude="4e-11 cm-2 s-1 TeV-1", reference="1 TeV")
source = SkyModel(spectral_model=spectral, spatial_model=spatial, name="msh")
stacked.models = [source, FoVBackgroundModel(dataset_name="msh-stacked")]
Fit().run([stacked])

result = {
    "index": float(spectral.index.value),
    "flux_1_10TeV": float(spectral.integral(1 * u.TeV, 10 * u.TeV).to_value("cm-2 s-1")),
    "ra_deg": float(spatial.lon_0.value),
    "dec_deg": float(spatial.lat_0.value),
    "sigma_deg": float(spatial.sigma.value),
}
print(json.dumps(result))
with open("result.json", "w") as file:
    json.dump(result, file)
