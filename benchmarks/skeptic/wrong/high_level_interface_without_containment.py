# wrong: the configuration switches the containment correction off.
# right: config.datasets.containment_correction = True.
# fault: containment
# written: at the end
# request: Crab Nebula spectrum with the high-level interface of Gammapy: H.E.S.S. DL3 DR1
#   ($GAMMAPY_DATA/hess-dl3-dr1) runs 23523 and 23526, ON circle of 0.11 deg at RA 83.633 deg, Dec 22.0145 deg (ICRS),
#   reflected regions, 1-10 TeV, power law. Write result.json with "index" and "amplitude" (cm-2 s-1 TeV-1 at 1 TeV).

import json

import astropy.units as u
from gammapy.analysis import Analysis, AnalysisConfig
from gammapy.modeling.models import Models, PowerLawSpectralModel, SkyModel

config = AnalysisConfig()
config.observations.datastore = "$GAMMAPY_DATA/hess-dl3-dr1"
config.observations.obs_ids = [23523, 23526]
config.datasets.type = "1d"
config.datasets.stack = False
config.datasets.on_region = {"frame": "icrs", "lon": "83.633 deg", "lat": "22.0145 deg", "radius": "0.11 deg"}
config.datasets.geom.axes.energy.min = "1 TeV"
config.datasets.geom.axes.energy.max = "10 TeV"
config.datasets.geom.axes.energy.nbins = 10
config.datasets.geom.axes.energy_true.min = "0.3 TeV"
config.datasets.geom.axes.energy_true.max = "40 TeV"
config.datasets.geom.axes.energy_true.nbins = 40
config.datasets.map_selection = ["counts", "exposure", "edisp"]
config.datasets.background.method = "reflected"
config.datasets.safe_mask.methods = ["aeff-max"]
config.datasets.safe_mask.parameters = {"aeff_percent": 10}
config.datasets.containment_correction = False

analysis = Analysis(config)
analysis.get_observations()
analysis.get_datasets()
spectrum = PowerLawSpectralModel(index=2.4, amplitude=4e-11 * u.Unit("cm-2 s-1 TeV-1"), reference=1 * u.TeV)
analysis.set_models(Models([SkyModel(spectral_model=spectrum, name="crab")]))
analysis.run_fit()
print(analysis.fit_result)
amplitude = spectrum.amplitude.quantity.to_value("cm-2 s-1 TeV-1")
with open("result.json", "w") as file:
    json.dump({"index": float(spectrum.index.value), "amplitude": float(amplitude)}, file)
