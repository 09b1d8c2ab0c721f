"""Flux points fit: what power law, log parabola or cut-off fits flux points (an SED) that a file or catalogue has?

Answers spectral parameters with errors, chi2 and degrees of freedom, fluxes and pivot energy of a fit to flux points
that exist already, in one file or several (FITS or ECSV), or in a catalogue; and how much better a curved model fits.

Not for: flux points that have to be made from events (reflected_spectrum); upper limits do not enter the chi2.

Follows: tutorial Flux point fitting (analysis-1d/sed_fitting).
"""

import json
import os
from functools import cache
from pathlib import Path

import astropy.units as u
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from gammapy.catalog import SourceCatalog3FHL, SourceCatalog4FGL, SourceCatalogGammaCat, SourceCatalogHGPS
from gammapy.datasets import Datasets, FluxPointsDataset
from gammapy.estimators import FluxPoints
from gammapy.modeling import Fit
from gammapy.modeling.models import EBLAbsorptionNormSpectralModel, Model, SkyModel
from scipy.stats import chi2 as chi2_distribution

DATA_FILE = None  # file below GAMMAPY_DATA with flux points, FITS or ECSV; None for those of a catalogue
MORE_DATA_FILES = []  # further files below GAMMAPY_DATA, fitted together with the first
CATALOGUE = None  # hgps, gamma-cat, 3fhl or 4fgl, for the flux points of SOURCE_NAME; None for a file
SOURCE_NAME = None  # of a source in the catalogue
SPECTRAL_MODEL = "pl"  # pl power law, ecpl power law with exponential cut-off, lp log parabola (natural logarithm)
COMPARED_MODEL = None  # pl, ecpl or lp, fitted besides for delta_chi2; None for a power law
REFERENCE_ENERGY = 1.0  # TeV
FIXED = {}  # parameters kept at a value, such as {"index": 2.0}
REDSHIFT = None  # of the source, for a model that is absorbed by the EBL; None for no absorption
EBL_MODEL = "dominguez"  # dominguez, franceschini, franceschini17, finke or saldana-lopez21
STATISTIC = "chi2"  # chi2, profile (likelihood profiles, where the file has them) or distrib (with upper limits)
ENERGY_MIN = None  # TeV, lowest energy of points that are fitted; None for all
ENERGY_MAX = None  # TeV, highest energy of points that are fitted; None for all
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "index": ["parameter", "index", ""],
    "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
    "chi2": ["chi2", ""],
    "ndf": ["ndf", ""],
    "flux_1_10TeV": ["flux", 1.0, 10.0, "cm-2 s-1"],
}

# Read the flux points
folder = Path(os.environ["GAMMAPY_DATA"])
flux_points = {}
if DATA_FILE is not None:
    for file in [DATA_FILE, *MORE_DATA_FILES]:
        assert (folder / file).is_file(), f"there is no file {file} below GAMMAPY_DATA"
        flux_points[Path(file).name] = FluxPoints.read(folder / file)
else:
    catalogues = {
        "hgps": SourceCatalogHGPS,
        "gamma-cat": SourceCatalogGammaCat,
        "3fhl": SourceCatalog3FHL,
        "4fgl": SourceCatalog4FGL,
    }
    assert CATALOGUE in catalogues, "say which flux points: DATA_FILE, or CATALOGUE and SOURCE_NAME"
    assert SOURCE_NAME is not None, "say whose flux points: SOURCE_NAME"
    flux_points[f"{CATALOGUE} {SOURCE_NAME}"] = catalogues[CATALOGUE]()[SOURCE_NAME].flux_points
datasets = Datasets()
for name, points in flux_points.items():
    assert points.geom.axes.names == ["energy"], f"{name} holds no SED, but axes {points.geom.axes.names}"
    print(points.to_table(sed_type="dnde", formatted=True))
    energies = points.geom.axes["energy"].center
    inside = (energies >= (ENERGY_MIN or 0) * u.TeV) & (energies <= (ENERGY_MAX or np.inf) * u.TeV)
    mask = inside.reshape(points.geom.data_shape)
    datasets.append(FluxPointsDataset(data=points, name=name, mask_fit=mask, stat_type=STATISTIC))
print(datasets)


# Fit
def start_of(tag):
    """Where the fit starts: at the first and last point that have a flux and are no upper limits."""
    points = datasets[0].data
    used = (datasets[0].mask_fit & datasets[0].mask_safe & (points.dnde.data > 0)).squeeze()
    energy = points.geom.axes["energy"].center.to_value("TeV")[used]
    dnde = points.dnde.quantity.to_value("cm-2 s-1 TeV-1").squeeze()[used]
    assert len(energy) > 1, "a fit needs more than one flux point that is no upper limit"
    index = -np.log(dnde[-1] / dnde[0]) / np.log(energy[-1] / energy[0])
    amplitude = np.exp(np.interp(np.log(REFERENCE_ENERGY), np.log(energy), np.log(dnde)))
    start = {"reference": REFERENCE_ENERGY * u.TeV, "amplitude": amplitude * u.Unit("cm-2 s-1 TeV-1")}
    if tag == "ecpl":
        return {**start, "index": index - 0.5, "lambda_": 0.5 / energy[-1] / u.TeV}
    return {**start, "alpha": index, "beta": 0.1} if tag == "lp" else {**start, "index": index}


@cache
def fit(tag):
    """The fitted model, and the result of the fit."""
    spectrum = Model.create(tag, "spectral", **start_of(tag))
    for name, value in FIXED.items():
        if name in spectrum.parameters.names:
            spectrum.parameters[name].value, spectrum.parameters[name].frozen = value, True
    if REDSHIFT is not None:
        spectrum *= EBLAbsorptionNormSpectralModel.read_builtin(EBL_MODEL, redshift=REDSHIFT)
    model = SkyModel(spectral_model=spectrum, name=f"source-{tag}")
    datasets.models = [model]
    result = Fit().run(datasets)
    assert result.success, f"the fit of {tag} did not converge: {result.optimize_result.message}"
    print(result)
    print(model)
    return spectrum, result


spectrum, fit_result = fit(SPECTRAL_MODEL)
n_points = sum(int((dataset.mask_fit & dataset.mask_safe).sum()) for dataset in datasets)


# Numbers: functions that give (value, error or None)
def parameter(name):
    assert name in spectrum.parameters.names, f"the model has no {name}, only {', '.join(spectrum.parameters.names)}"
    return spectrum.parameters[name].quantity, spectrum.parameters[name].error * spectrum.parameters[name].unit


def cutoff():
    value, error = parameter("lambda_")
    return 1 / value, error / value**2


def ndf():
    return n_points - len(spectrum.parameters.free_parameters)


def delta_chi2():
    """How much smaller the statistic of the curved model is than that of the other."""
    other = COMPARED_MODEL or ("pl" if SPECTRAL_MODEL != "pl" else None)
    assert other not in (None, SPECTRAL_MODEL), "compare with another model: COMPARED_MODEL"
    difference = fit(other)[1].total_stat - fit_result.total_stat
    return -difference if SPECTRAL_MODEL == "pl" else difference


def model_value(evaluate, evaluate_error):
    """A function of energies in TeV: the value of the best fit, and the mean of its asymmetric errors."""

    def value_and_error(*energies):
        _, low, high = evaluate_error(*energies * u.TeV)
        return evaluate(*energies * u.TeV), (low + high) / 2

    return value_and_error


def sed_peak():
    assert hasattr(spectrum, "e_peak"), "the spectral energy distribution of this model has no maximum"
    assert np.isfinite(spectrum.e_peak), "the spectral energy distribution of this fit has no maximum"
    return spectrum.e_peak, None


known = {
    "parameter": parameter,
    "cutoff": cutoff,
    "chi2": lambda: (fit_result.total_stat, None),
    "chi2_of": lambda kind: (fit(kind)[1].total_stat, None),
    "ndf": lambda: (ndf(), None),
    "chi2_per_ndf": lambda: (fit_result.total_stat / ndf(), None),
    "p_value": lambda: (chi2_distribution.sf(fit_result.total_stat, ndf()), None),
    "delta_chi2": lambda: (delta_chi2(), None),
    "curvature_significance": lambda: (np.sqrt(max(delta_chi2(), 0)), None),  # of one more parameter
    "n_points": lambda: (n_points, None),
    "dnde": model_value(spectrum, spectrum.evaluate_error),
    "e2dnde": lambda energy: tuple((energy * u.TeV) ** 2 * value for value in known["dnde"](energy)),
    "flux": model_value(spectrum.integral, spectrum.integral_error),
    "energy_flux": model_value(spectrum.energy_flux, spectrum.energy_flux_error),
    "pivot_energy": lambda: (spectrum.pivot_energy, None),
    "sed_peak": sed_peak,
    "fit_success": lambda: (int(fit_result.success), None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")](*arguments)
    if quantity.endswith("_error"):
        value, error = error, None
    result[key] = value if isinstance(value, int) else float(np.squeeze(u.Quantity(value).to_value(unit)))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(np.squeeze(u.Quantity(error).to_value(unit)))
result["_meta"] = {
    "units": units,
    "fit_success": bool(fit_result.success),
    "covariance_success": bool(fit_result.covariance_result.success),
    "fit": {"message": fit_result.optimize_result.message, "statistic": float(fit_result.total_stat)},
    "points": {dataset.name: int((dataset.mask_fit & dataset.mask_safe).sum()) for dataset in datasets},
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: flux points and best fit
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for dataset in datasets:
    dataset.data.plot(ax=ax, sed_type="e2dnde", label=dataset.name)
edges = [dataset.data.geom.axes["energy"].edges[[0, -1]] for dataset in datasets]
energy_bounds = [min(low for low, _ in edges), max(high for _, high in edges)]
spectrum.plot(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", label="best fit", color="k")
spectrum.plot_error(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde")
ax.legend()
fig.savefig("sed.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bfit\w*\b(?:[^.;]|\.\d){0,60}\b(?:to|from|through) (?:the |these |its |existing )?(?:[\w-]+ ){0,3}flux[\s-]points?\b|\bfit(?:ted|ting)? (?:the |these |existing )?(?:[\w-]+ ){0,2}(?:flux[\s-]points?|SEDs?)\b|\bflux[\s-]points? (?:file|table)s?\b'
# perhaps = '\bSEDs?\b|\bcompar\w+ (?:it |this |that |the fit )?(?:with|to)\b|\bpreferred over\b|\blikelihood[\s-]ratio\b'
# covers = ["reflected_spectrum", "catalogue_lookup"]
# vocabulary = ["spectrum"]
# errors = ["parameter", "cutoff", "dnde", "e2dnde", "flux", "energy_flux"]
# required = ["DATA_FILE|CATALOGUE"]
#
# [keys]
# delta_chi2 = ['\bdelta\b|\bdifference\b|\bimprovement\b|\bts\b|\blikelihood ratio\b', "", ""]
# curvature_significance = ['\bsignificance\b|\bsigmas?\b|\bpreferred\b', "", ""]
# "chi2_of pl" = ['\bchi ?2? ?(?:of )?(?:the )?(?:pl|power law)\b|\b(?:pl|power law) chi ?2\b', "", ""]
# "chi2_of lp" = ['\bchi ?2? ?(?:of )?(?:the )?(?:lp|log parabola)\b|\b(?:lp|log parabola) chi ?2\b', "", ""]
# "chi2_of ecpl" = ['\bchi ?2? ?(?:of )?(?:the )?ecpl\b|\becpl chi ?2\b', "", ""]
# chi2_per_ndf = ['\b(?:reduced|red) ?chi ?2?\b|\bchi ?2? ?(?:per|over|/|red|reduced|ndf|dof)\b|\bchi ?2 (?:ndf|dof)\b', "", ""]
# p_value = ['\bp ?value\b|\bprobability\b', "", ""]
# ndf = ['\bn ?(?:df|dof)\b|\bdof\b|\bdegrees of freedom\b', "", ""]
# chi2 = ['\bchi ?2\b|\bchi ?squared?\b|\b(?:fit|total) ?stat\w*\b|^stat$', "", ""]
# n_points = ['\bn ?(?:flux )?points\b|\bnumber of (?:flux )?points\b', "", ""]
# sed_peak = ['\bpeaks?\b', "TeV", ""]
#
# [choices.CATALOGUE]
# hgps = '\bHGPS\b|\bplane survey\b'
# gamma-cat = '\bgamma-?cat\b'
# 3fhl = '\b3FHL\b'
# 4fgl = '\b4FGL\b'
#
# [choices.STATISTIC]
# profile = '\b(?:likelihood|stat\w*) profiles?\b|\bprofile likelihood\b'
# distrib = '\bdistrib\b|\bincluding (?:the )?upper limits\b'
#
# [choices.EBL_MODEL]
# franceschini17 = '\bFranceschini\b[^,;]{0,25}\b2017\b|\bfranceschini[\s_-]?(?:20)?17\b'
# franceschini = '\bFranceschini\b'
# dominguez = '\bDom[ií]nguez\b'
# saldana-lopez21 = '\bSalda[nñ]a\b'
# finke = '\bFinke\b'
# ///
