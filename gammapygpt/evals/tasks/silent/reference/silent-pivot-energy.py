import json, os
import astropy.units as u
from gammapy.datasets import SpectrumDatasetOnOff
from gammapy.modeling import Fit
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel


def fitted(reference):
    """Power law fitted with its amplitude at this energy."""
    file = os.path.join(os.environ["GAMMAPY_DATA"], "PKS2155-steady", "pks2155-304_steady.fits.gz")
    dataset = SpectrumDatasetOnOff.read(file)
    pwl = PowerLawSpectralModel(index=3, amplitude="2e-12 cm-2 s-1 TeV-1", reference=reference)
    dataset.models = [SkyModel(pwl, name="pks2155")]
    assert Fit().run([dataset]).success
    return pwl


pivot = fitted(1 * u.TeV).pivot_energy
pwl = fitted(pivot)  # there the errors of amplitude and index are independent
result = {
    "index": float(pwl.index.value),
    "pivot_TeV": float(pivot.to_value("TeV")),
    "dnde_pivot": float(pwl.amplitude.quantity.to_value("cm-2 s-1 TeV-1")),
    "dnde_pivot_err": float(pwl.amplitude.error),
}
print(result)
json.dump(result, open("result.json", "w"))
