import json, os
import numpy as np
import astropy.units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion
from scipy.optimize import brentq
from gammapy.data import FixedPointingInfo, Observation, observatory_locations
from gammapy.datasets import SpectrumDataset
from gammapy.irf import load_irf_dict_from_file
from gammapy.makers import SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from gammapy.stats import WStatCountsStatistic
irfs = load_irf_dict_from_file(
    os.path.join(os.environ["GAMMAPY_DATA"], "cta-caldb", "Prod5-North-20deg-AverageAz-4LSTs09MSTs.180000s-v0.1.fits.gz")
)
pointing = SkyCoord(0, 0, unit="deg", frame="icrs")
source = pointing.directional_offset_by(0 * u.deg, 0.7 * u.deg)
obs = Observation.create(
    pointing=FixedPointingInfo(fixed_icrs=pointing), irfs=irfs, livetime=1 * u.h,
    location=observatory_locations["ctao_north"],
)
on = CircleSkyRegion(source, 0.08 * u.deg)
axis = MapAxis.from_energy_bounds(0.2, 20, nbin=10, per_decade=True, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.01, 200, nbin=20, per_decade=True, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on, axes=[axis]), energy_axis_true=axis_true, name="sim")
maker = SpectrumDatasetMaker(selection=["exposure", "edisp", "background"], containment_correction=True)
dataset = maker.run(empty, obs)
spectrum = PowerLawSpectralModel(index=2.4, amplitude="2e-13 cm-2 s-1 TeV-1", reference="1 TeV")
dataset.models = [SkyModel(spectrum, name="source")]
signal = dataset.npred_signal().data.sum()
background = dataset.npred_background().data.sum()
alpha = 0.2


def significance(hours):
    counts = WStatCountsStatistic(hours * (signal + background), hours * background / alpha, alpha)
    return float(np.squeeze(counts.sqrt_ts))


result = {
    "signal_per_h": float(signal),
    "background_per_h": float(background),
    "hours_5sigma": brentq(lambda hours: significance(hours) - 5, 0.1, 1000),
}
print(result)
json.dump(result, open("result.json", "w"))
