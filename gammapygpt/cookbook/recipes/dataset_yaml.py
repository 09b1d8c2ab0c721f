"""Datasets YAML file: what are counts, npred, fit statistic and refitted parameters of Gammapy datasets in YAML files?

Answers how many datasets there are, their counts, predicted counts and energy range, the fit statistic of the models in
the file, and the parameters before and after a refit; and writes datasets and models back.

Not for: a file of models alone (model_yaml); spectra in OGIP files; data that have to be reduced from events.

Follows: tutorials Datasets (details/datasets) and Multi instrument joint 3D and 1D analysis (analysis-3d/analysis_mwl).
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
from gammapy.datasets import Datasets
from gammapy.modeling import Fit
from gammapy.modeling.models import Models, SkyModel

DATASETS_FILE = None  # file below GAMMAPY_DATA, YAML, with the datasets
MODEL_FILE = None  # file below GAMMAPY_DATA, YAML, with their models; None for none
MODEL_NAME = None  # name of the sky model for parameters and fluxes; None where there is one only
DATASET_NAME = None  # name of one dataset to report on; None for all
FIXED = {}  # parameters of the sky model kept at a value in the refit, such as {"index": 2.0}
OUTPUT_FILE = "datasets.yaml"  # file that the datasets are written to, with their models beside it
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "n_datasets": ["n_datasets", ""],
    "counts": ["counts", ""],
    "npred": ["npred", ""],
    "fit_statistic": ["fit_statistic", ""],
}

# Read datasets and models
folder = Path(os.environ["GAMMAPY_DATA"])
assert DATASETS_FILE is not None, "say which DATASETS_FILE to read"
for file in (DATASETS_FILE, MODEL_FILE):
    assert file is None or (folder / file).is_file(), f"there is no file {file} below GAMMAPY_DATA"
datasets = Datasets.read(folder / DATASETS_FILE, filename_models=MODEL_FILE and folder / MODEL_FILE)
if DATASET_NAME is not None:
    assert DATASET_NAME in datasets.names, f"there is no dataset {DATASET_NAME}, only {', '.join(datasets.names)}"
    datasets = Datasets([datasets[DATASET_NAME]])
print(datasets)
models = datasets.models or Models([])
sky_models = [model.name for model in models if isinstance(model, SkyModel)]
start = models.copy()


def source():
    """The sky model that is asked about, as it is now."""
    chosen = sky_models if MODEL_NAME is None else [MODEL_NAME]
    assert len(chosen) == 1, f"choose one of the sky models as MODEL_NAME: {', '.join(sky_models) or 'there is none'}"
    assert chosen[0] in sky_models, f"there is no sky model {chosen[0]}, only {', '.join(sky_models)}"
    return models[chosen[0]]


@cache
def refit():
    """Fit the free parameters of all models to all datasets."""
    assert len(models) > 0, "a fit needs models: MODEL_FILE"
    for name, value in FIXED.items():
        source().parameters[name].value, source().parameters[name].frozen = value, True
    result = Fit().run(datasets)
    if not result.success:  # once more, from where it stopped
        result = Fit().run(datasets)
    print(result)
    assert result.success, f"the fit did not converge: {result.optimize_result.message}"
    return result


# Numbers: functions that give (value, error or None); those of the models as they were read come first
def total(attribute):
    """Sum of a map over all datasets, inside the safe and the fit mask."""

    def value_and_error():
        parts = []
        for dataset in datasets:
            values = getattr(dataset, attribute)
            values = values() if callable(values) else values
            assert values is not None, f"the dataset {dataset.name} has no {attribute.replace('_', ' ')}"
            mask = dataset.mask.data if dataset.mask is not None else np.True_
            parts.append(float(np.where(mask, values.data, 0).sum()))
        return sum(parts), None

    return value_and_error


def energy_range(place):
    """Lowest or highest reconstructed energy inside the masks of a dataset."""
    edges = []
    for dataset in datasets:
        axis = dataset.counts.geom.axes["energy"]
        used = np.ones(axis.nbin, dtype=bool)
        if dataset.mask is not None:
            used = dataset.mask.data.reshape(axis.nbin, -1).any(axis=1)
        edges.append((axis.edges_min if place == "min" else axis.edges_max)[used].to("TeV"))
    return (min if place == "min" else max)(getattr(edge, place)() for edge in edges), None


def parameter_of(which):
    def value_and_error(name):
        model = start[source().name] if which == "start" else source()
        if which == "fitted":
            refit()
        assert name in model.parameters.names, f"{model.name} has no {name}, only {', '.join(model.parameters.names)}"
        found = model.parameters[name]
        return found.quantity, found.error * found.unit if found.error > 0 else None

    return value_and_error


def model_value(name, error_name):
    """A function of energies in TeV: a flux of the refitted sky model, and the mean of its asymmetric errors."""

    def value_and_error(*energies):
        refit()
        spectrum = source().spectral_model
        _, low, high = getattr(spectrum, error_name)(*energies * u.TeV)
        return getattr(spectrum, name)(*energies * u.TeV), (low + high) / 2

    return value_and_error


as_read = {
    "n_datasets": (len(datasets), None),
    "names": (list(datasets.names), None),
    "model_names": (list(models.names), None),
}
npred_as_read = total("npred")() if len(models) > 0 else None
statistic_as_read = float(datasets.stat_sum()) if len(models) > 0 else None


def of_models(value):
    assert value is not None, "this needs models: MODEL_FILE"
    return value


known = {
    **{name: lambda value=value: value for name, value in as_read.items()},
    "counts": total("counts"),
    "npred": lambda: of_models(npred_as_read),
    "background": total("npred_background"),
    "excess": total("excess"),
    "energy_min": lambda: energy_range("min"),
    "energy_max": lambda: energy_range("max"),
    "n_bins": lambda: (
        sum(
            int(np.sum(dataset.mask.data if dataset.mask is not None else dataset.counts.data >= 0))
            for dataset in datasets
        ),
        None,
    ),
    "fit_statistic": lambda: (of_models(statistic_as_read), None),
    "start_parameter": parameter_of("start"),
    "parameter": parameter_of("fitted"),
    "refit_statistic": lambda: (refit().total_stat, None),
    "flux": model_value("integral", "integral_error"),
    "energy_flux": model_value("energy_flux", "energy_flux_error"),
    "dnde": model_value("__call__", "evaluate_error"),
    "fit_success": lambda: (int(refit().success), None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")](*arguments)
    if quantity.endswith("_error"):
        value, error = error, None
    result[key] = value
    if not isinstance(value, (int, str, list)):
        result[key] = float(np.squeeze(u.Quantity(value).to_value(unit)))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(np.squeeze(u.Quantity(error).to_value(unit)))
datasets.write(OUTPUT_FILE, filename_models=Path(OUTPUT_FILE).stem + "_models.yaml", overwrite=True)
result["_meta"] = {
    "units": units,
    "datasets": list(datasets.names),
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
if refit.cache_info().currsize > 0:
    result["_meta"]["fit_success"] = bool(refit().success)
    result["_meta"]["covariance_success"] = bool(refit().covariance_result.success)
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: counts and predicted counts of each dataset
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for dataset in datasets:
    axis = dataset.counts.geom.axes["energy"]
    ax.errorbar(
        axis.center,
        dataset.counts.data.reshape(axis.nbin, -1).sum(axis=1),
        xerr=axis.as_plot_xerr,
        fmt="o",
        label=f"{dataset.name}: counts",
    )
    if len(models) > 0:
        ax.step(axis.center, dataset.npred().data.reshape(axis.nbin, -1).sum(axis=1), where="mid", label="predicted")
ax.loglog()
ax.set(xlabel=f"Energy [{axis.unit}]", ylabel="Counts")
ax.legend()
fig.savefig("counts.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bdatasets?[\s-](?:YAML|file)s?\b|\bDatasets\.read\b|\b\w*datasets?\.ya?ml\b|\bYAML\b[^.;]{0,40}\bdatasets?\b'
# perhaps = '\bFermi(?:-LAT)?\b|\b[234]FHL\b|\b[1-4]FGL\b'
# covers = ["model_yaml", "reflected_spectrum", "model_flux", "catalogue_lookup", "map_dataset_fit"]
# vocabulary = []
# errors = ["parameter", "start_parameter", "flux", "energy_flux", "dnde"]
# required = ["DATASETS_FILE"]
#
# [keys]
# n_datasets = ['\b(?:n|number of) ?datasets\b', "", ""]
# names = ['\bdataset names?\b|\bnames\b', "", ""]
# model_names = ['\bmodel names?\b', "", ""]
# n_bins = ['\b(?:n|number of) ?bins\b', "", ""]
# npred = ['\bn ?pred\w*\b|\bpredicted (?:counts|events)\b', "", ""]
# background = ['\bbackground\b|\bbkg\b', "", ""]
# excess = ['\bexcess\b', "", ""]
# counts = ['\bcounts\b|\bevents\b', "", ""]
# energy_min = ['\b(?:e|energy) ?min\b|\b(?:min\w*|lowest) (?:e|energy)\b', "TeV", ""]
# energy_max = ['\b(?:e|energy) ?max\b|\b(?:max\w*|highest) (?:e|energy)\b', "TeV", ""]
# refit_statistic = ['\bstat\w*\b.{0,20}\b(?:after|refit\w*|fit|best|min\w*)\b|\b(?:after|refit\w*|best|min\w*)\b.{0,20}\bstat\w*', "", ""]
# fit_statistic = ['\bstat\w*\b|\bcash\b|\blikelihood\b', "", ""]
# "start_parameter index" = ['\b(?:start|initial|before|file|input)\b.{0,15}\bindex\b|\bindex\b.{0,15}\b(?:start|initial|before|file|input)\b', "", ""]
# "start_parameter amplitude" = ['\b(?:start|initial|before|file|input)\b.{0,15}\bampl\w*\b|\bampl\w*\b.{0,15}\b(?:start|initial|before|file|input)\b', "cm-2 s-1 TeV-1", ""]
# "parameter alpha" = ['\balpha\b', "", ""]
# "parameter beta" = ['\bbeta\b|\bcurvature\b', "", ""]
# "parameter index" = ['\bindex\b|\bslope\b', "", ""]
# "parameter lambda_" = ['\blambda\b', "TeV-1", ""]
# energy_flux = ['\be(?:nergy)? ?flux\b', "erg cm-2 s-1", "range"]
# dnde = ['\bdn ?de\b|\bdiff(?:erential)?(?: \w+)? flux\b', "cm-2 s-1 TeV-1", "energy"]
# "parameter amplitude" = ['\bampl\w*\b|\bnorm\w*\b', "cm-2 s-1 TeV-1", ""]
# flux = ['\b(?:photon ?|integral ?)?flux\b', "cm-2 s-1", "range"]
# fit_success = ['\bconverge\w*\b|\bsuccess\b', "", ""]
#
# [said]
# DATASETS_FILE = '\bdatasets?\b'
# MODEL_FILE = '\bmodels?\b'
# OUTPUT_FILE = '\bwrit\w+\b|\bsav\w+\b'
#
# [fixed]
# SPECTRAL_MODEL = "any"
# SPATIAL_MODEL = "any"
# STACKED = false
# ///
