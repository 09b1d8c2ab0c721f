import json, os
import astropy.units as u
from gammapy.catalog import SourceCatalog3HWC

catalog = SourceCatalog3HWC(os.path.join(os.environ["GAMMAPY_DATA"], "catalogs", "3HWC.ecsv"))
pwl = catalog["3HWC J1825-134"].sky_model().spectral_model
result = {
    "dnde_1TeV": float(pwl(1 * u.TeV).to_value("cm-2 s-1 TeV-1")),
    "energy_flux_1_10TeV_erg": float(pwl.energy_flux(1 * u.TeV, 10 * u.TeV).to_value("erg cm-2 s-1")),
}
print(result)
json.dump(result, open("result.json", "w"))
