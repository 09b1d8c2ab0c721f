# wrong: the time bins end before the last run: its point is missing, and nobody is told.
# right: no time_intervals, or those of all GTIs.
# fault: run|bin|point|observation|cover|33791
# request: Run-wise light curve (one point per run) of the PKS 2155-304 flare from H.E.S.S. DL3 DR1 runs 33787 to
#   33791 ($GAMMAPY_DATA/hess-dl3-dr1): photon flux between 0.7 and 20 TeV, ON circle of 0.11 deg radius at RA 329.7169
#   deg, Dec -30.2256 deg (ICRS), reflected-regions background (exclude 0.3 deg around the source), containment
#   correction, no energy threshold other than 0.7 TeV, power law with the photon index fixed to 3.4. Write result.json
#   with "n_points", "flux_max" and "flux_min" (cm-2 s-1).

import json
import os

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.time import Time
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.estimators import LightCurveEstimator
from gammapy.makers import ReflectedRegionsBackgroundMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
pks = SkyCoord(329.7169, -30.2256, unit="deg")
observations = store.get_observations([33787, 33788, 33789, 33790, 33791])

on = CircleSkyRegion(pks, 0.11 * u.deg)
sky = WcsGeom.create(skydir=pks, width=6 * u.deg, binsz=0.02, proj="TAN")
exclusion = ~sky.region_mask([CircleSkyRegion(pks, 0.3 * u.deg)])
axis = MapAxis.from_energy_bounds(0.7, 20, nbin=12, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.1, 100, nbin=20, per_decade=True, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on, axes=[axis]), energy_axis_true=axis_true)
maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"], containment_correction=True)
bkg_maker = ReflectedRegionsBackgroundMaker(exclusion_mask=exclusion)
datasets = Datasets()
for obs in observations:
    datasets.append(bkg_maker.run(maker.run(empty.copy(name=str(obs.obs_id)), obs), obs))

spectrum = PowerLawSpectralModel(index=3.4, amplitude="5e-11 cm-2 s-1 TeV-1", reference="1 TeV")
spectrum.index.frozen = True
datasets.models = [SkyModel(spectrum, name="pks2155")]
intervals = [Time([obs.tstart, obs.tstop]) for obs in observations[:-1]]
lc = LightCurveEstimator(energy_edges=[0.7, 20] * u.TeV, source="pks2155", time_intervals=intervals).run(datasets)
flux = np.squeeze(lc.flux.quantity.to_value("cm-2 s-1"))

result = {"n_points": len(flux), "flux_max": float(flux.max()), "flux_min": float(flux.min())}
print(result)
json.dump(result, open("result.json", "w"))
