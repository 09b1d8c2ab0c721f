# wrong: all pseudo-experiments have the same seed: their spread is 0, and is written as the expected error.
# right: one generator for all.
# fault: seed|spread|zero|std
# written: at the end
# request: Expected statistical spread of the counts of 20 simulated observations (reproducible) with the CTAO South
#   prod5 IRFs ($GAMMAPY_DATA/cta-caldb/Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz): point source,
#   power law of index 2.3 and amplitude 1e-13 cm-2 s-1 TeV-1 at 1 TeV, 5 h livetime, 2 deg offset from the pointing,
#   circle of 0.1 deg radius, 0.1-10 TeV. Write result.json with "mean_counts" and "std_counts".

import json
import os

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from gammapy.data import FixedPointingInfo, Observation, observatory_locations
from gammapy.datasets import SpectrumDataset
from gammapy.irf import load_irf_dict_from_file
from gammapy.makers import SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

irfs = load_irf_dict_from_file(
    os.environ["GAMMAPY_DATA"] + "/cta-caldb/Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz"
)
source = SkyCoord(83.63, 22.01, unit="deg")
pointing = source.directional_offset_by(0 * u.deg, 2 * u.deg)
observation = Observation.create(
    pointing=FixedPointingInfo(fixed_icrs=pointing),
    livetime=5 * u.h,
    irfs=irfs,
    location=observatory_locations["ctao_south"],
)
axis = MapAxis.from_energy_bounds(0.1, 10, nbin=10, per_decade=True, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.03, 50, nbin=20, per_decade=True, unit="TeV", name="energy_true")
geom = RegionGeom.create(CircleSkyRegion(source, 0.1 * u.deg), axes=[axis])
empty = SpectrumDataset.create(geom, energy_axis_true=axis_true, name="ctao")
maker = SpectrumDatasetMaker(selection=["exposure", "edisp", "background"], containment_correction=True)
dataset = maker.run(empty, observation)
spectrum = PowerLawSpectralModel(index=2.3, amplitude="1e-13 cm-2 s-1 TeV-1", reference="1 TeV")
dataset.models = [SkyModel(spectral_model=spectrum, name="source")]

counts = []
for _ in range(20):
    dataset.fake(random_state=42)
    counts.append(dataset.counts.data.sum())
result = {"mean_counts": float(np.mean(counts)), "std_counts": float(np.std(counts))}
print(result)
json.dump(result, open("result.json", "w"))
