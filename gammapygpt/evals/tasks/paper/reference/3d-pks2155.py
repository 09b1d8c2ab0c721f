import json, os
import astropy.units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion
from gammapy.data import DataStore
from gammapy.datasets import MapDataset
from gammapy.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from gammapy.maps import MapAxis, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import FoVBackgroundModel, PointSpatialModel, PowerLawSpectralModel, SkyModel

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
pos = SkyCoord(329.7169, -30.2256, unit="deg", frame="icrs")
table = store.obs_table.select_sky_circle(pos, 1.0 * u.deg)
ids = [row["OBS_ID"] for row in table if row["DATE-OBS"].startswith("2008")]
observations = store.get_observations(list(ids))
axis = MapAxis.from_energy_bounds(0.5, 10, nbin=8, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.2, 20, nbin=10, per_decade=True, unit="TeV", name="energy_true")
geom = WcsGeom.create(skydir=pos, width=3 * u.deg, binsz=0.02, proj="TAN", frame="icrs", axes=[axis])
stacked = MapDataset.create(geom, energy_axis_true=axis_true, name="stacked")
maker = MapDatasetMaker()
safe = SafeMaskMaker(methods=["offset-max"], offset_max=2 * u.deg)
exclusion = ~geom.to_image().region_mask([CircleSkyRegion(pos, 0.4 * u.deg)])
fov = FoVBackgroundMaker(method="scale", exclusion_mask=exclusion)
for o in observations:
    d = maker.run(stacked.cutout(o.get_pointing_icrs(o.tmid), width=4.5 * u.deg, name=f"obs-{o.obs_id}"), o)
    d = fov.run(safe.run(d, o), o)
    stacked.stack(d)
model = SkyModel(
    PowerLawSpectralModel(index=3, amplitude="4e-12 cm-2 s-1 TeV-1", reference="1 TeV"),
    PointSpatialModel(lon_0=pos.ra, lat_0=pos.dec, frame="icrs"),
    name="pks2155",
)
sm = model.spatial_model
# bound the position: Minuit's first step on an unbounded coordinate is huge (scale10) and the fit fails silently
sm.lon_0.min, sm.lon_0.max = pos.ra.deg - 0.5, pos.ra.deg + 0.5
sm.lat_0.min, sm.lat_0.max = pos.dec.deg - 0.5, pos.dec.deg + 0.5
for par, step in [(sm.lon_0, 0.01), (sm.lat_0, 0.01)]:
    par.error = step
stacked.models = [model, FoVBackgroundModel(dataset_name="stacked")]
fit_result = Fit().run([stacked])
assert fit_result.success
s = model.spectral_model
result = {
    "index": float(s.index.value),
    "index_err": float(s.index.error),
    "flux_0p5_5TeV": float(s.integral(0.5 * u.TeV, 5 * u.TeV).to_value("cm-2 s-1")),
    "ra_deg": float(model.spatial_model.lon_0.value),
    "dec_deg": float(model.spatial_model.lat_0.value),
}
print(result)
json.dump(result, open("result.json", "w"))
