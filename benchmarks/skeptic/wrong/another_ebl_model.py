# wrong: the model of Franceschini is used, asked was that of Dominguez.
# right: read_builtin("dominguez", ...).
# fault: EBL|franceschini|dominguez
# written: after the rules
# request: A blazar at redshift z = 0.116 has an intrinsic power law with amplitude 1e-11 cm-2 s-1 TeV-1 at 1 TeV and
#   photon index 2.8. Absorb it with the EBL model of Dominguez et al. (2011). Write result.json with
#   "transmission_1TeV" (observed over intrinsic flux at 1 TeV) and "flux_0p3_5TeV" (absorbed photon flux 0.3-5 TeV,
#   cm-2 s-1).

import json

import astropy.units as u
from gammapy.modeling.models import EBLAbsorptionNormSpectralModel, PowerLawSpectralModel

redshift = 0.116
intrinsic = PowerLawSpectralModel(index=2.8, amplitude="1e-11 cm-2 s-1 TeV-1", reference="1 TeV")
absorption = EBLAbsorptionNormSpectralModel.read_builtin("franceschini", redshift=redshift)
observed = intrinsic * absorption

energy = 1 * u.TeV
result = {
    "transmission_1TeV": float((observed(energy) / intrinsic(energy)).to_value("")),
    "flux_0p3_5TeV": float(observed.integral(0.3 * u.TeV, 5 * u.TeV).to_value("cm-2 s-1")),
}
print(result)
with open("result.json", "w") as f:
    json.dump(result, f)
