# wrong: galactic longitude and latitude are read as right ascension and declination: the nearest source of the
#   catalogue is another one, hundreds of degrees away.
# right: SkyCoord(l, b, unit="deg", frame="galactic").
# fault: galactic|ICRS|position|frame|coordinate
# request: Which source of the H.E.S.S. Galactic Plane Survey ($GAMMAPY_DATA/catalogs/hgps_catalog_v1.fits.gz) is
#   nearest to galactic longitude l = 320.33 deg, latitude b = -1.19 deg, and what is its flux between 1 and 10 TeV
#   from its preferred spectral model? Write result.json with "name" and "flux_1_10TeV" (cm-2 s-1).

import json
import os

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from gammapy.catalog import SourceCatalogHGPS

catalog = SourceCatalogHGPS(os.path.join(os.environ["GAMMAPY_DATA"], "catalogs", "hgps_catalog_v1.fits.gz"))
position = SkyCoord(320.33, -1.19, unit="deg")
nearest = catalog[int(np.argmin(position.separation(catalog.positions)))]
flux = nearest.spectral_model().integral(1 * u.TeV, 10 * u.TeV)
result = {"name": nearest.name, "flux_1_10TeV": float(flux.to_value("cm-2 s-1"))}
print(result)
with open("result.json", "w") as f:
    json.dump(result, f)
