import json, os
import numpy as np
import astropy.units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion
from gammapy.data import FixedPointingInfo, Observation, observatory_locations
from gammapy.datasets import SpectrumDataset, SpectrumDatasetOnOff
from gammapy.estimators import SensitivityEstimator
from gammapy.irf import load_irf_dict_from_file
from gammapy.makers import SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling.models import PowerLawSpectralModel
irfs = load_irf_dict_from_file(
    os.path.join(os.environ["GAMMAPY_DATA"], "cta-caldb", "Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz")
)
pointing = SkyCoord(0, 0, unit="deg", frame="icrs")
source = pointing.directional_offset_by(0 * u.deg, 3.0 * u.deg)
obs = Observation.create(
    pointing=FixedPointingInfo(fixed_icrs=pointing), irfs=irfs, livetime=5 * u.h,
    location=observatory_locations["ctao_south"],
)
on = CircleSkyRegion(source, 0.1 * u.deg)
axis = MapAxis.from_energy_bounds(0.1, 100, nbin=5, per_decade=True, unit="TeV", name="energy")
axis_true = MapAxis.from_energy_bounds(0.01, 200, nbin=20, per_decade=True, unit="TeV", name="energy_true")
empty = SpectrumDataset.create(RegionGeom.create(on, axes=[axis]), energy_axis_true=axis_true, name="sim")
maker = SpectrumDatasetMaker(selection=["exposure", "edisp", "background"], containment_correction=True)
dataset = maker.run(empty, obs)
on_off = SpectrumDatasetOnOff.from_spectrum_dataset(dataset=dataset, acceptance=1, acceptance_off=5)
estimator = SensitivityEstimator(
    spectral_model=PowerLawSpectralModel(index=2), gamma_min=10, n_sigma=5, bkg_syst_fraction=0.05
)
table = estimator.run(on_off)
edges = axis.edges.to_value("TeV")
sensitivity = table["e2dnde"].quantity.to_value("erg cm-2 s-1")
result = {
    f"sensitivity_{name}": float(sensitivity[np.searchsorted(edges, energy, side="right") - 1])
    for name, energy in {"0p13TeV": 0.13, "1p3TeV": 1.3, "13TeV": 13}.items()
}
print(result)
json.dump(result, open("result.json", "w"))
