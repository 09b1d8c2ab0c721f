# wrong: the response of CTAO North, asked was South.
# right: the file that the request names.
# fault: file|South|North|IRF
# written: after the rules
# request: With the CTAO South prod5 IRFs
#   ($GAMMAPY_DATA/cta-caldb/Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz), predict what is seen of a
#   point source with a power law of index 2.3 and amplitude 1e-13 cm-2 s-1 TeV-1 at 1 TeV in 5 h livetime at 2 deg
#   offset from the pointing: reconstructed energies 0.1-10 TeV, circle of 0.1 deg radius, PSF containment accounted
#   for, background perfectly known. Write result.json with "npred_signal", "npred_background" and "significance".

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import FixedPointingInfo, Observation, observatory_locations
from gammapy.datasets import SpectrumDataset
from gammapy.irf import load_irf_dict_from_file
from gammapy.makers import SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from gammapy.stats import CashCountsStatistic
from regions import CircleSkyRegion

irfs = load_irf_dict_from_file(
    os.environ["GAMMAPY_DATA"] + "/cta-caldb/Prod5-North-20deg-AverageAz-4LSTs09MSTs.180000s-v0.1.fits.gz"
)
source = SkyCoord(83.63, 22.01, unit="deg")
pointing = source.directional_offset_by(0 * u.deg, 2 * u.deg)
observation = Observation.create(
    pointing=FixedPointingInfo(fixed_icrs=pointing),
    livetime=5 * u.h,
    irfs=irfs,
    location=observatory_locations["ctao_north"],
)
axis = MapAxis.from_energy_bounds(0.1, 10, nbin=10, per_decade=True, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.03, 50, nbin=20, per_decade=True, unit="TeV", name="energy_true")
geom = RegionGeom.create(CircleSkyRegion(source, 0.1 * u.deg), axes=[axis])
empty = SpectrumDataset.create(geom, energy_axis_true=axis_true, name="ctao")
maker = SpectrumDatasetMaker(selection=["exposure", "edisp", "background"], containment_correction=True)
dataset = maker.run(empty, observation)
spectrum = PowerLawSpectralModel(index=2.3, amplitude="1e-13 cm-2 s-1 TeV-1", reference="1 TeV")
dataset.models = [SkyModel(spectral_model=spectrum, name="source")]

signal = float(dataset.npred_signal().data.sum())
background = float(dataset.npred_background().data.sum())
significance = CashCountsStatistic(n_on=signal + background, mu_bkg=background).sqrt_ts
result = {"npred_signal": signal, "npred_background": background, "significance": float(significance)}
print(result)
json.dump(result, open("result.json", "w"))
