# looks wrong: acceptances typed by hand.
# right: they are given in the request.
# written: at the end
# request: Sensitivity of CTAO North
#   ($GAMMAPY_DATA/cta-caldb/Prod5-North-20deg-AverageAz-4LSTs09MSTs.180000s-v0.1.fits.gz) for 50 h of livetime, at 0.5
#   deg offset from the pointing, circle of 0.1 deg radius, two bins over 0.1-10 TeV, 5 sigma, ten counts, 5 %
#   background systematics, alpha 0.2. Write result.json with "e2dnde_erg" (E2 dN/dE of the first bin in erg cm-2 s-1).

import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import FixedPointingInfo, Observation, observatory_locations
from gammapy.datasets import SpectrumDataset, SpectrumDatasetOnOff
from gammapy.estimators import SensitivityEstimator
from gammapy.irf import load_irf_dict_from_file
from gammapy.makers import SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from regions import CircleSkyRegion

irfs = load_irf_dict_from_file(
    os.environ["GAMMAPY_DATA"] + "/cta-caldb/Prod5-North-20deg-AverageAz-4LSTs09MSTs.180000s-v0.1.fits.gz"
)
source = SkyCoord(0, 0.5, unit="deg")
pointing = FixedPointingInfo(fixed_icrs=SkyCoord(0, 0, unit="deg"))
obs = Observation.create(pointing=pointing, irfs=irfs, livetime=50 * u.h, location=observatory_locations["ctao_north"])
axis = MapAxis.from_energy_bounds("0.1 TeV", "10 TeV", nbin=2)
axis_true = MapAxis.from_energy_bounds("0.03 TeV", "50 TeV", nbin=60, name="energy_true")
geom = RegionGeom.create(CircleSkyRegion(source, 0.1 * u.deg), axes=[axis])
maker = SpectrumDatasetMaker(selection=["exposure", "edisp", "background"], containment_correction=True)
dataset = maker.run(SpectrumDataset.create(geom, energy_axis_true=axis_true, name="ctao"), obs)
onoff = SpectrumDatasetOnOff.from_spectrum_dataset(dataset=dataset, acceptance=1, acceptance_off=5)
table = SensitivityEstimator(gamma_min=10, n_sigma=5, bkg_syst_fraction=0.05).run(onoff)
print(table)
with open("result.json", "w") as file:
    json.dump({"e2dnde_erg": float(table["e2dnde"].quantity[0].to_value("erg cm-2 s-1"))}, file)
