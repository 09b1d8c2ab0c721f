import json, os
import numpy as np
import astropy.units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion
from gammapy.data import FixedPointingInfo, Observation, observatory_locations
from gammapy.datasets import SpectrumDataset
from gammapy.irf import load_irf_dict_from_file
from gammapy.makers import SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling.models import ExpCutoffPowerLawSpectralModel, SkyModel
irfs = load_irf_dict_from_file(
    os.path.join(os.environ["GAMMAPY_DATA"], "cta-caldb", "Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz")
)
pointing = SkyCoord(0, 0, unit="deg", frame="icrs")
source = pointing.directional_offset_by(0 * u.deg, 1.5 * u.deg)
obs = Observation.create(
    pointing=FixedPointingInfo(fixed_icrs=pointing), irfs=irfs, livetime=20 * u.h,
    location=observatory_locations["ctao_south"],
)
on = CircleSkyRegion(source, 0.1 * u.deg)
axis = MapAxis.from_energy_bounds(0.1, 100, nbin=10, per_decade=True, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.01, 200, nbin=20, per_decade=True, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on, axes=[axis]), energy_axis_true=axis_true, name="sim")
maker = SpectrumDatasetMaker(selection=["exposure", "edisp", "background"], containment_correction=True)
dataset = maker.run(empty, obs)
spectrum = ExpCutoffPowerLawSpectralModel(
    index=2.0, amplitude="1.2e-13 cm-2 s-1 TeV-1", reference="1 TeV", lambda_="0.1 TeV-1"
)
dataset.models = [SkyModel(spectrum, name="source")]
signal = dataset.npred_signal().data.ravel()
background = dataset.npred_background().data.ravel()
# likelihood ratio of the expected (Asimov) counts, all bins together; background known
ts = 2 * np.sum((signal + background) * np.log(1 + signal / background) - signal)
result = {
    "npred_signal": float(signal.sum()),
    "npred_background": float(background.sum()),
    "sqrt_ts": float(np.sqrt(ts)),
}
print(result)
json.dump(result, open("result.json", "w"))
