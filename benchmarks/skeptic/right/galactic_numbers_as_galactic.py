# looks wrong: a position that is not the one of the request at first sight.
# right: l and b are read in the galactic frame.
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
position = SkyCoord(l=320.33 * u.deg, b=-1.19 * u.deg, frame="galactic").icrs
nearest = catalog[int(np.argmin(position.separation(catalog.positions)))]
flux = nearest.spectral_model().integral(1 * u.TeV, 10 * u.TeV)
result = {"name": nearest.name, "flux_1_10TeV": float(flux.to_value("cm-2 s-1"))}
print(result)
with open("result.json", "w") as f:
    json.dump(result, f)
