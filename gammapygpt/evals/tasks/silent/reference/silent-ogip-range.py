import json, os
import astropy.units as u
from gammapy.datasets import Datasets, SpectrumDatasetOnOff
from gammapy.modeling import Fit
from gammapy.modeling.models import LogParabolaSpectralModel, SkyModel

folder = os.path.join(os.environ["GAMMAPY_DATA"], "joint-crab", "spectra", "hess")
files = [os.path.join(folder, f"pha_obs{obs_id}.fits") for obs_id in (23523, 23526, 23559, 23592)]
datasets = Datasets([SpectrumDatasetOnOff.read(file) for file in files])
assert all(0 < dataset.mask_safe.data.sum() < dataset.mask_safe.data.size for dataset in datasets)  # from QUALITY
spectrum = LogParabolaSpectralModel(amplitude="3.8e-11 cm-2 s-1 TeV-1", reference="1 TeV", alpha=2.5, beta=0.1)
datasets.models = [SkyModel(spectrum, name="crab")]
assert Fit().run(datasets).success
result = {
    "alpha": float(spectrum.alpha.value),
    "beta": float(spectrum.beta.value),
    "flux_1_10TeV": float(spectrum.integral(1 * u.TeV, 10 * u.TeV).to_value("cm-2 s-1")),
}
print(result)
json.dump(result, open("result.json", "w"))
