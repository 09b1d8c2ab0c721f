import json, os
import numpy as np
import astropy.units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.estimators import FluxPointsEstimator
from gammapy.makers import ReflectedRegionsBackgroundMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
blazar = SkyCoord(329.7169, -30.2256, unit="deg", frame="icrs")
table = store.obs_table.select_sky_circle(blazar, 1.0 * u.deg)
ids = [row["OBS_ID"] for row in table if row["DATE-OBS"].startswith("2008")]
pos = SkyCoord(330.15, -29.85, unit="deg", frame="icrs")
on = CircleSkyRegion(pos, 0.11 * u.deg)
excl_geom = WcsGeom.create(skydir=pos, width=6 * u.deg, binsz=0.02, proj="TAN", frame="icrs")
exclusion = ~excl_geom.region_mask([CircleSkyRegion(blazar, 0.3 * u.deg)])
axis = MapAxis.from_energy_bounds(0.5, 20, nbin=1, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.05, 200, nbin=20, per_decade=True, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on, axes=[axis]), energy_axis_true=axis_true)
maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"], containment_correction=True)
bkg = ReflectedRegionsBackgroundMaker(exclusion_mask=exclusion)
datasets = Datasets()
for obs in store.get_observations(ids):
    datasets.append(bkg.run(maker.run(empty.copy(name=str(obs.obs_id)), obs), obs))
row = datasets.info_table(cumulative=True)[-1]
pwl = PowerLawSpectralModel(index=2.5, amplitude="1e-13 cm-2 s-1 TeV-1", reference="1 TeV")
pwl.index.frozen = True
datasets.models = [SkyModel(pwl, name="source")]
estimator = FluxPointsEstimator(
    energy_edges=[0.5, 20] * u.TeV, source="source", n_sigma_ul=1.96, selection_optional=["ul"]
)
norm_ul = float(np.squeeze(estimator.run(datasets).norm_ul.data))
result = {
    "n_on": int(row["counts"]),
    "significance": float(row["sqrt_ts"]),
    "flux_ul": norm_ul * float(pwl.integral(1 * u.TeV, 20 * u.TeV).to_value("cm-2 s-1")),
}
print(result)
json.dump(result, open("result.json", "w"))
