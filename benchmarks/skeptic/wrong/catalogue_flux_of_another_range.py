# wrong: the column Flux_Map of the catalogue is the flux above 1 TeV, asked was 1 to 10 TeV; and it is of the map,
#   not of the spectral model.
# right: spectral_model().integral(1 * u.TeV, 10 * u.TeV).
# fault: Flux_Map|flux|range|energ
# written: after the rules
# request: Flux of HESS J1514-591 between 1 and 10 TeV from its preferred spectral model in the H.E.S.S. Galactic
#   Plane Survey ($GAMMAPY_DATA/catalogs/hgps_catalog_v1.fits.gz). Write result.json with "flux_1_10TeV" (cm-2 s-1).

import json
import os

from gammapy.catalog import SourceCatalogHGPS

catalog = SourceCatalogHGPS(os.path.join(os.environ["GAMMAPY_DATA"], "catalogs", "hgps_catalog_v1.fits.gz"))
source = catalog["HESS J1514-591"]
flux = source.data["Flux_Map"]
with open("result.json", "w") as file:
    json.dump({"flux_1_10TeV": float(flux.to_value("cm-2 s-1"))}, file)
