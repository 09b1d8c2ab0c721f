"""Model YAML file: read, evaluate, change and write a Gammapy model file: what are fluxes and parameters of its models?

Answers photon flux, energy flux, dN/dE, peak of the spectral energy distribution and parameters of a model in a Gammapy
YAML file; the same after parameters were changed, the file written and read back. Without a file to read, it writes a
model of given parameters, and evaluates what it reads back.

Not for: fluxes of a model without a file (model_flux); fitting (dataset_yaml, reflected_spectrum).

Follows: tutorial Modelling and serialisation (api/models, api/model_management).
"""

import json
import os
from pathlib import Path

import astropy.units as u
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from gammapy.modeling.models import GaussianSpatialModel, Model, Models, PointSpatialModel, SkyModel

MODEL_FILE = None  # file below GAMMAPY_DATA with the model; None to write a model of the parameters below
MODEL_NAME = None  # name of the model in the file; None where it has one sky model only
OUTPUT_FILE = "model.yaml"  # file that is written
NEW_MODEL = "pl"  # kind of a model: pl power law, ecpl power law with exponential cut-off, lp log parabola
INDEX = None  # photon index, new value; None to leave it
ALPHA = None  # index of a log parabola, new value; None to leave it
BETA = None  # curvature of a log parabola, new value; None to leave it
AMPLITUDE = None  # cm-2 s-1 TeV-1, new value; None to leave it
REFERENCE_ENERGY = None  # TeV, new value; None to leave it
CUTOFF_ENERGY = None  # TeV, new value; None to leave it
CHANGES = {}  # other parameters with new values, in the units of the file, such as {"sigma": 0.2}
TARGET_RA = None  # deg, ICRS, of a new model; None for no spatial model
TARGET_DEC = None  # deg, ICRS
EXTENSION = None  # deg, sigma of a Gaussian; None for a point source
ENERGY_MIN = 1.0  # TeV, of the fluxes whose key names no energies
ENERGY_MAX = 10.0  # TeV
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "flux_1_10TeV": ["flux", 1.0, 10.0, "cm-2 s-1"],
    "energy_flux_1_10TeV_erg": ["energy_flux", 1.0, 10.0, "erg cm-2 s-1"],
    "index": ["parameter", "index", ""],
}

# Read the model, or make one
given = {
    "index": INDEX,
    "alpha": ALPHA,
    "beta": BETA,
    "amplitude": AMPLITUDE and AMPLITUDE * u.Unit("cm-2 s-1 TeV-1"),
    "reference": REFERENCE_ENERGY and REFERENCE_ENERGY * u.TeV,
    "lambda_": CUTOFF_ENERGY and 1 / (CUTOFF_ENERGY * u.TeV),
}
given = {name: value for name, value in given.items() if value is not None}
if MODEL_FILE is not None:
    path = Path(os.environ["GAMMAPY_DATA"]) / MODEL_FILE
    assert path.is_file(), f"there is no file {MODEL_FILE} below GAMMAPY_DATA: it is not in this copy of the data"
    models = Models.read(path)
    sky_models = [model.name for model in models if isinstance(model, SkyModel)]
    assert MODEL_NAME in sky_models if MODEL_NAME else len(sky_models) == 1, f"choose one of the models {sky_models}"
    name = MODEL_NAME or sky_models[0]
else:
    tag = "ecpl" if CUTOFF_ENERGY is not None and NEW_MODEL == "pl" else NEW_MODEL
    needed = {"pl": ["index"], "ecpl": ["index", "lambda_"], "lp": ["alpha", "beta"]}[tag] + ["amplitude"]
    missing = [parameter for parameter in needed if parameter not in given]
    assert not missing, f"a new model {tag} needs its {', '.join(missing)}; or say which MODEL_FILE to read"
    name = MODEL_NAME or "source"
    spatial_model = None
    if TARGET_RA is not None:
        place = {"lon_0": TARGET_RA * u.deg, "lat_0": TARGET_DEC * u.deg, "frame": "icrs"}
        spatial_model = PointSpatialModel(**place)
        if EXTENSION is not None:
            spatial_model = GaussianSpatialModel(sigma=EXTENSION * u.deg, **place)
    spectral_model = Model.create(tag, "spectral", **given)
    models = Models([SkyModel(spectral_model=spectral_model, spatial_model=spatial_model, name=name)])
print(models)
before = models[name].spectral_model

# Change parameters, write, read back
changed = models.copy()
changes = {**given, **CHANGES} if MODEL_FILE is not None else CHANGES
for parameter_name, value in changes.items():
    parameters = changed[name].parameters
    assert parameter_name in parameters.names, f"{name} has no {parameter_name}, only {', '.join(parameters.names)}"
    parameter = parameters[parameter_name]
    parameter.quantity = value if isinstance(value, u.Quantity) else value * parameter.unit
changed.write(OUTPUT_FILE, overwrite=True)
read_back = Models.read(OUTPUT_FILE)
print(read_back)
after = read_back[name].spectral_model


# Numbers, of the model before and after: functions of energies in TeV that give (value, error or None)
def has_errors(spectrum):
    return any(parameter.error > 0 for parameter in spectrum.parameters)


def model_value(spectrum, evaluate, evaluate_error):
    """The value of a model, and the mean of its asymmetric errors where its parameters have errors."""

    def value_and_error(*energies):
        energies = (energies or (ENERGY_MIN, ENERGY_MAX)) * u.TeV
        if not has_errors(spectrum):
            return evaluate(*energies), None
        _, low, high = evaluate_error(*energies)
        return evaluate(*energies), (low + high) / 2

    return value_and_error


def sed_peak(spectrum):
    """Energy of the maximum of E^2 dN/dE, in fine steps where the model has no formula for it."""
    if hasattr(spectrum, "e_peak"):
        peak = spectrum.e_peak
        assert "beta" not in spectrum.parameters.names or spectrum.beta.value > 0, "it curves upwards: no maximum"
    else:
        energies = np.geomspace(1e-6, 1e6, 1_200_001) * u.TeV
        highest = np.argmax(energies**2 * spectrum(energies))
        peak = energies[highest] if 0 < highest < len(energies) - 1 else np.nan * u.TeV
    assert np.isfinite(peak), f"the spectral energy distribution of {spectrum.tag[0]} has no maximum"
    return peak, None


def parameter_of(which):
    def value_and_error(parameter_name):
        parameters = which[name].parameters
        assert parameter_name in parameters.names, f"{name} has no {parameter_name}, only {', '.join(parameters.names)}"
        one = parameters[parameter_name]
        return one.quantity, one.error * one.unit if one.error > 0 else None

    return value_and_error


def known_of(spectrum, which):
    """What can be said of a model."""
    dnde = model_value(spectrum, spectrum, spectrum.evaluate_error)
    return {
        "flux": model_value(spectrum, spectrum.integral, spectrum.integral_error),
        "energy_flux": model_value(spectrum, spectrum.energy_flux, spectrum.energy_flux_error),
        "dnde": dnde,
        "e2dnde": lambda energy: tuple(
            None if value is None else (energy * u.TeV) ** 2 * value for value in dnde(energy)
        ),
        "sed_peak": lambda: sed_peak(spectrum),
        "parameter": parameter_of(which),
        "cutoff": lambda: (1 / parameter_of(which)("lambda_")[0], None),
    }


known = {
    **known_of(before, models),
    **{f"{quantity}_changed": value for quantity, value in known_of(after, read_back).items()},
    "spectral_type": lambda: (before.tag[0], None),
    "model_names": lambda: (list(models.names), None),
    "n_models": lambda: (len(models), None),
    "n_parameters": lambda: (len(models[name].parameters), None),
    "n_free_parameters": lambda: (len(models[name].parameters.free_parameters), None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    assert changes or "_changed" not in quantity, f"nothing is changed: no new value for {key}"
    value, error = known[quantity.removesuffix("_error")](*arguments)
    if quantity.endswith("_error"):
        assert error is not None, "the file gives no error of it"
        value, error = error, None
    result[key] = value
    if not isinstance(value, (int, str, list)):
        result[key] = float(np.squeeze(u.Quantity(value).to_value(unit)))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(np.squeeze(u.Quantity(error).to_value(unit)))
result["_meta"] = {
    "units": units,
    "model": name,
    "changed": {parameter_name: str(value) for parameter_name, value in changes.items()},
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: spectral energy distributions
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
energy_bounds = [min(0.1, ENERGY_MIN), max(100, ENERGY_MAX)] * u.TeV
before.plot(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", label=f"{name}: {before.tag[0]}")
if changes:
    label = ", ".join(f"{parameter_name} = {value:g}" for parameter_name, value in changes.items())
    after.plot(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", label=label, ls="--")
top = ax.get_ylim()[1]
ax.set_ylim(max(ax.get_ylim()[0], 1e-5 * top), top)
ax.legend()
fig.savefig("model.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bmodels?[\s-](?:YAML[\s-])?files?\b|\bYAML\b|\.ya?ml\b|\bserialis\w+|\bserializ\w+'
# perhaps = '\benergy distribution\b'
# never = '(?:^|[.;:,]\s*|\band )(?:re-?)?fit\b|\bfit(?:ting)? (?:a|an|the|it|this|all|of|to)\b'
# covers = ["model_flux"]
# vocabulary = []
# errors = ["flux", "energy_flux", "dnde", "e2dnde", "parameter", "flux_changed", "energy_flux_changed", "dnde_changed", "e2dnde_changed", "parameter_changed"]
# required = ["MODEL_FILE|AMPLITUDE"]
#
# [keys]
# sed_peak_changed = ['\bpeaks?\b.*\b(?:changed|new|modified|after|written|back|index ?\d)\b|\b(?:changed|new|modified|after|back)\b.*\bpeaks?\b', "TeV", ""]
# sed_peak = ['\bpeaks?\b', "TeV", ""]
# energy_flux_changed = ['\be(?:nergy)? ?flux\b.*\b(?:changed|new|modified|after|written|back|index ?\d?)|\b(?:changed|new|modified|after|back)\b.*\be(?:nergy)? ?flux\b', "erg cm-2 s-1", "range"]
# dnde_changed = ['\bdn ?de\b.*\b(?:changed|new|modified|after|written|back|index ?\d?)|\b(?:changed|new|modified|after|back)\b.*\bdn ?de\b', "cm-2 s-1 TeV-1", "energy"]
# flux_changed = ['\bflux\b.*\b(?:changed|new|modified|after|written|back|index ?\d?)|\b(?:changed|new|modified|after|back)\b.*\bflux\b', "cm-2 s-1", "range"]
# "parameter_changed index" = ['\b(?:changed|new|modified|after|back)\b.*\bindex\b|\bindex\b.*\b(?:changed|new|modified|after|back)\b', "", ""]
# n_free_parameters = ['\b(?:n|number of) free\b', "", ""]
# n_parameters = ['\b(?:n|number of) parameters\b', "", ""]
# n_models = ['\b(?:n|number of) (?:models|components)\b', "", ""]
# model_names = ['\bnames\b', "", ""]
# spectral_type = ['\b(?:type|tag|kind)\b', "", ""]
# cutoff = ['\b(?:e|energy)? ?cut ?-?off(?: energy)?\b|\be ?c(?:ut)?\b', "TeV", ""]
# "parameter lambda_" = ['\blambda\b', "TeV-1", ""]
# "parameter alpha" = ['\balpha\b', "", ""]
# "parameter beta" = ['\bbeta\b|\bcurvature\b', "", ""]
# "parameter index" = ['\bindex\b|\bslope\b', "", ""]
# "parameter reference" = ['\breference(?: energy)?\b', "TeV", ""]
# e2dnde = ['\be ?2 ?dn ?de\b|\bnu ?f ?nu\b|\bsed\b', "erg cm-2 s-1", "energy"]
# energy_flux = ['\be(?:nergy)? ?flux\b', "erg cm-2 s-1", "range"]
# dnde = ['\bdn ?de\b|\bdiff(?:erential)?(?: \w+)? flux\b|\bflux density\b', "cm-2 s-1 TeV-1", "energy"]
# "parameter amplitude" = ['\bamplitude\b|\bampl?\b|\bnorm(?:alisation|alization)?\b', "cm-2 s-1 TeV-1", ""]
# flux = ['\b(?:photon ?|integral ?)?flux\b|\bphi\b|\bf\b', "cm-2 s-1", "range"]
#
# [said]
# MODEL_FILE = '\bread\b|\bload\b|\bopen\b|\bfile\b'
# OUTPUT_FILE = '\bwrit\w+\b|\bsav\w+\b'
# EXTENSION = '\bextension\b|\bsigma\b|\bgauss\w*\b|\bextended\b'
#
# [choices.NEW_MODEL]
# ecpl = '\bECPL\b|\bexponential\w*[\s-]+cut-?\s?off\b|\bcut-?\s?off power'
# lp = '\blog[\s-]*parabol\w*'
# pl = '\bpower[\s-]*law\b'
#
# [fixed]
# SPECTRAL_MODEL = "any"
# SPATIAL_MODEL = "any"
# ///
