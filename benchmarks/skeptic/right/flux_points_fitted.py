# looks wrong: a fit without observations, exposures or masks.
# right: it is a fit to flux points.
# written: at the end
# request: Fit a log-parabola with reference energy 1 TeV to the H.E.S.S. flux points of the Crab Nebula in
#   $GAMMAPY_DATA/estimators/crab_hess_fp/crab_hess_fp.fits. Write result.json with "alpha" and "beta".

import json
import os

from gammapy.datasets import FluxPointsDataset
from gammapy.estimators import FluxPoints
from gammapy.modeling import Fit
from gammapy.modeling.models import LogParabolaSpectralModel, SkyModel

path = os.path.join(os.environ["GAMMAPY_DATA"], "estimators", "crab_hess_fp", "crab_hess_fp.fits")
points = FluxPoints.read(path)
model = SkyModel(
    spectral_model=LogParabolaSpectralModel(amplitude="1e-11 cm-2 s-1 TeV-1", reference="1 TeV", alpha=2.3, beta=0.1),
    name="crab",
)
dataset = FluxPointsDataset(data=points, models=[model], name="hess")
result = Fit().run([dataset])
print(result)
spectrum = model.spectral_model
output = {name: float(getattr(spectrum, name).value) for name in ("alpha", "beta")}
with open("result.json", "w") as file:
    json.dump(output, file)
