# wrong: an empty field: the best-fit "flux" of a 1-sigma fluctuation is written as a measurement, without an upper
#   limit.
# right: an upper limit, as was asked for.
# fault: limit|significan|detect|\bul\b
# request: Upper limit (95 % confidence) on the flux between 1 and 10 TeV of a possible point source at RA 187.2779
#   deg, Dec 2.0524 deg (ICRS) from H.E.S.S. DL3 DR1 runs 20275, 25345 and 25511 ($GAMMAPY_DATA/hess-dl3-dr1), ON
#   circle of 0.11 deg radius, reflected regions, power law with index 2.5. Write result.json with "flux_ul_1_10TeV"
#   (cm-2 s-1).

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
position = SkyCoord(187.2779, 2.0524, unit="deg")
observations = store.get_observations([20275, 25345, 25511])
axis = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=8)
axis_true = MapAxis.from_energy_bounds("0.3 TeV", "30 TeV", nbin=30, name="energy_true")
geom = RegionGeom.create(CircleSkyRegion(position, 0.11 * u.deg), axes=[axis])
maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"], containment_correction=True)
bkg_maker = ReflectedRegionsBackgroundMaker()
safe = SafeMaskMaker(methods=["aeff-max"], aeff_percent=10)
datasets = Datasets()
for obs in observations:
    dataset = maker.run(SpectrumDataset.create(geom, energy_axis_true=axis_true, name=str(obs.obs_id)), obs)
    datasets.append(safe.run(bkg_maker.run(dataset, obs), obs))

model = PowerLawSpectralModel(index=2.5, amplitude="1e-12 cm-2 s-1 TeV-1", reference="1 TeV")
model.index.frozen = True
datasets.models = [SkyModel(model, name="source")]
Fit().run(datasets)
flux = model.integral(1 * u.TeV, 10 * u.TeV)
result = {"flux_ul_1_10TeV": abs(float(flux.to_value("cm-2 s-1")))}
print(result)
json.dump(result, open("result.json", "w"))
