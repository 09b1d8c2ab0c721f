import json, os
import numpy as np
from astropy.time import Time
from gammapy.estimators import FluxPoints

file = os.path.join(os.environ["GAMMAPY_DATA"], "estimators", "pks2155_hess_lc", "pks2155_hess_lc.fits")
light_curve = FluxPoints.read(file, format="lightcurve")
late = light_curve.geom.axes["time"].time_min > Time("2006-07-29T23:15:00", scale="utc")
flux = light_curve.flux.quantity.to_value("cm-2 s-1").ravel()[late]
error = light_curve.flux_err.quantity.to_value("cm-2 s-1").ravel()[late]
# what the measurement errors add to the variance is no variability of the source (Vaughan et al. 2003)
intrinsic = flux.var(ddof=1) - np.mean(error**2)
result = {
    "n_points": len(flux),
    "fvar": float(np.sqrt(intrinsic) / flux.mean()),
}
print(result)
json.dump(result, open("result.json", "w"))
