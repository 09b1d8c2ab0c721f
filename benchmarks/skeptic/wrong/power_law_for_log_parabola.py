# wrong: the flux points are fitted with a power law; beta is written as 0.
# right: LogParabolaSpectralModel.
# fault: beta|model|constant|stands in
# written: at the end
# request: Fit a log-parabola with reference energy 1 TeV to the H.E.S.S. flux points of the Crab Nebula in
#   $GAMMAPY_DATA/estimators/crab_hess_fp/crab_hess_fp.fits. Write result.json with "alpha" and "beta".

import json
import os

from gammapy.datasets import FluxPointsDataset
from gammapy.estimators import FluxPoints
from gammapy.modeling import Fit
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel

path = os.path.join(os.environ["GAMMAPY_DATA"], "estimators", "crab_hess_fp", "crab_hess_fp.fits")
points = FluxPoints.read(path)
model = SkyModel(
    spectral_model=PowerLawSpectralModel(amplitude="1e-11 cm-2 s-1 TeV-1", reference="1 TeV", index=2.3),
    name="crab",
)
dataset = FluxPointsDataset(data=points, models=[model], name="hess")
result = Fit().run([dataset])
print(result)
spectrum = model.spectral_model
output = {"alpha": float(spectrum.index.value), "beta": 0.0}
with open("result.json", "w") as file:
    json.dump(output, file)
