# wrong: the flux is the intrinsic one: the absorption was forgotten, the transmission is that of another function.
# right: integrate the product of both models.
# fault: EBL|absor
# request: A blazar at redshift z = 0.116 has an intrinsic power law with amplitude 1e-11 cm-2 s-1 TeV-1 at 1 TeV and
#   photon index 2.8. Absorb it with the EBL model of Dominguez et al. (2011). Take z = 0.116. Write result.json with
#   "transmission_1TeV" (observed over intrinsic flux at 1 TeV) and "flux_0p3_5TeV" (absorbed photon flux 0.3-5 TeV,
#   cm-2 s-1).

import json

import astropy.units as u
import numpy as np
from gammapy.modeling.models import PowerLawSpectralModel

spectrum = PowerLawSpectralModel(index=2.8, amplitude="1e-11 cm-2 s-1 TeV-1", reference="1 TeV")
distance = 0.116 * 299792.458 / 70  # Mpc
result = {
    "transmission_1TeV": float(np.exp(-distance / 500)),
    "flux_0p3_5TeV": float(spectrum.integral(0.3 * u.TeV, 5 * u.TeV).to_value("cm-2 s-1")),
}
with open("result.json", "w") as f:
    json.dump(result, f)
