# looks wrong: an index that is not frozen, a source that is not detected.
# right: the estimator keeps the shape, and gives a limit.
# written: at the end
# request: Upper limit (95 % confidence) on the flux of NGC 253 between 1 and 10 TeV, H.E.S.S. DL3 DR1 runs 29024,
#   29072, 29118 and 29487 ($GAMMAPY_DATA/hess-dl3-dr1): ON circle of 0.11 deg radius at RA 11.888 deg, Dec -25.288 deg
#   (ICRS), reflected regions, photon index 2.5. Write result.json with "flux_ul" (cm-2 s-1).

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.estimators import FluxPointsEstimator
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
position = SkyCoord(11.888, -25.288, unit="deg")
observations = store.get_observations([29024, 29072, 29118, 29487])
axis = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=8)
axis_true = MapAxis.from_energy_bounds("0.3 TeV", "30 TeV", nbin=30, name="energy_true")
geom = RegionGeom.create(CircleSkyRegion(position, 0.11 * u.deg), axes=[axis])
maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"], containment_correction=True)
datasets = Datasets()
for obs in observations:
    dataset = maker.run(SpectrumDataset.create(geom, energy_axis_true=axis_true, name=str(obs.obs_id)), obs)
    dataset = ReflectedRegionsBackgroundMaker().run(dataset, obs)
    datasets.append(SafeMaskMaker(methods=["aeff-max"]).run(dataset, obs))
model = PowerLawSpectralModel(index=2.5, amplitude="1e-12 cm-2 s-1 TeV-1", reference="1 TeV")
datasets.models = [SkyModel(model, name="ngc253")]
estimator = FluxPointsEstimator(energy_edges=[1, 10] * u.TeV, source="ngc253", selection_optional=["ul"], n_sigma_ul=2)
points = estimator.run(datasets)
limit = points.flux_ul.quantity.squeeze().to_value("cm-2 s-1")
with open("result.json", "w") as file:
    json.dump({"flux_ul": float(limit)}, file)
