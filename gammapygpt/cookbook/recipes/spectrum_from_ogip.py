"""Spectrum from OGIP files: what is the spectrum (index, flux, SED) in reduced PHA files with their ARF, RMF and BKG?

Answers counts, significance, spectral parameters, fluxes and flux points from a joint forward-folding fit to spectra
that are reduced already: PHA files that name their background (BKG), effective area (ARF) and energy dispersion (RMF)
files, as Gammapy writes them. The energies of the files hold: their safe bins, cut to the range asked for in whole
bins. With absorption by the extragalactic background light (EBL), parameters are intrinsic, fluxes are observed ones.

Not for: DL3 data, see reflected_spectrum and point_like_spectrum; files with different energy bins or several
instruments, see joint_spectrum; map data sets, see stacked_3d.

Follows: tutorials spectral_analysis, ebl and the OGIP part of datasets (Gammapy 2.1).
"""

import json
import os
from pathlib import Path

import astropy.units as u
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from astropy.io import fits
from gammapy.datasets import Datasets, SpectrumDatasetOnOff
from gammapy.estimators import FluxPointsEstimator
from gammapy.modeling import Fit
from gammapy.modeling.models import EBLAbsorptionNormSpectralModel, Model, SkyModel

DATA_FILES = ["PKS2155-steady/pks2155-304_steady.fits.gz"]  # files below GAMMAPY_DATA: PHA files, folders, patterns (*)
OBS_IDS = None  # list of observation ids, as the files name them; None for all
ENERGY_MIN = None  # TeV, reconstructed; lower edge of the fit; None for the safe bins of the files
ENERGY_MAX = None  # TeV, reconstructed; upper edge of the fit; None for the safe bins of the files
STACKED = False  # True fits the sum of all observations instead of all jointly
SPECTRAL_MODEL = "pl"  # pl power law, ecpl power law with exponential cut-off, lp log parabola (natural logarithm)
REFERENCE_ENERGY = 1.0  # TeV
START = {"amplitude": 1e-11}  # where the fit starts: index, amplitude (cm-2 s-1 TeV-1), lambda_ (TeV-1), alpha, beta
FIXED = {}  # parameters kept at a value, such as {"index": 2.0}
EBL_ABSORPTION = False  # whether the model is absorbed by the extragalactic background light on its way
REDSHIFT = None  # of the source, for the absorption
EBL_MODEL = "dominguez"  # dominguez, franceschini, franceschini17, saldana-lopez21 or finke
EBL_NORM = 1.0  # optical depth relative to that of the EBL model
FLUX_POINT_EDGES = None  # TeV, such as [1, 2, 4, 8]; None for one point in every three bins of safe energy
SED_TABLE = "sed.ecsv"  # file for the flux points
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "index": ["parameter", "index", ""],
    "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
    "flux_1_10TeV": ["flux", 1.0, 10.0, "cm-2 s-1"],
    "energy_flux_1_10TeV_erg": ["energy_flux", 1.0, 10.0, "erg cm-2 s-1"],
    "n_on": ["n_on", ""],
    "excess": ["excess", ""],
    "significance": ["significance", ""],
    "n_obs": ["n_obs", ""],
    "livetime_h": ["livetime", "h"],
}

assert REDSHIFT is not None or not EBL_ABSORPTION, "absorption by the background light needs the redshift"

# Read the spectra, each with what belongs to it


def spectra(path):
    """The file, or those of a folder or a pattern that hold counts and name their effective area."""
    if path.is_file():
        return [path]
    found = []
    for file in sorted(path.glob("*.fits*") if path.is_dir() else path.parent.glob(path.name)):
        with fits.open(file) as hdus:
            if "SPECTRUM" in hdus and "ANCRFILE" in hdus["SPECTRUM"].header and "bkg" not in file.name:
                found.append(file)
    assert found, f"there is no spectrum in {path.name}"
    return found


folder = Path(os.environ["GAMMAPY_DATA"])
files = [file for name in DATA_FILES for file in spectra(folder / name)]
datasets = Datasets()
for file in files:
    dataset = SpectrumDatasetOnOff.read(file)
    if OBS_IDS is None or dataset.name in map(str, OBS_IDS):
        datasets.append(dataset)
assert len(datasets) > 0, "no file has one of these observation ids"
assert OBS_IDS is None or len(datasets) == len(set(OBS_IDS)), "some of OBS_IDS are in no file"
energy_axis = datasets[0].counts.geom.axes["energy"]
assert datasets.energy_axes_are_aligned, "the files have different energy bins"
for dataset in datasets:
    assert dataset.counts_off is not None, f"{dataset.name} has no background file"
    if ENERGY_MIN is not None or ENERGY_MAX is not None:
        low, high = ENERGY_MIN or 0, ENERGY_MAX or np.inf
        inside = (energy_axis.edges_min > 0.999 * low * u.TeV) & (energy_axis.edges_max < 1.001 * high * u.TeV)
        dataset.mask_safe.data &= inside.reshape(dataset.mask_safe.data.shape)
    assert dataset.mask_safe.data.any(), f"no safe bin of {dataset.name} lies in the energy range"
print(datasets.info_table()["name", "counts", "counts_off", "alpha", "sqrt_ts"])
obs_names = datasets.names
livetime = sum(dataset.exposure.meta["livetime"] for dataset in datasets)
total = datasets.info_table(cumulative=True)[-1]
stacked = datasets.stack_reduce(name="stacked")
if STACKED:
    datasets = Datasets([stacked])

# Fit
intrinsic = Model.create(SPECTRAL_MODEL, "spectral", reference=REFERENCE_ENERGY * u.TeV)
for name, value in {**START, **FIXED}.items():
    intrinsic.parameters[name].value = value
    intrinsic.parameters[name].frozen = name in FIXED
spectrum = intrinsic
if EBL_ABSORPTION:
    ebl = EBLAbsorptionNormSpectralModel.read_builtin(EBL_MODEL, redshift=REDSHIFT, alpha_norm=EBL_NORM)
    spectrum = intrinsic * ebl
datasets.models = [SkyModel(spectral_model=spectrum, name="source")]
fit_result = Fit().run(datasets)
print(fit_result)
print(datasets.models.to_parameters_table())
assert fit_result.success, f"the fit did not converge: {fit_result.optimize_result.message}"

# Flux points, in whole bins of the files
if FLUX_POINT_EDGES is None:
    first, last = np.flatnonzero(stacked.mask_safe.data & (stacked.counts.data > 0))[[0, -1]]
    step = max(1, (last + 1 - first) // 6)
    FLUX_POINT_EDGES = energy_axis.edges[first : last + 2 : step].to_value("TeV").tolist()
estimator = FluxPointsEstimator(energy_edges=FLUX_POINT_EDGES * u.TeV, source="source")
flux_points = estimator.run(datasets)
flux_points.write(SED_TABLE, sed_type="dnde", overwrite=True)
print(flux_points.to_table(sed_type="dnde", formatted=True)["e_ref", "dnde", "dnde_err", "sqrt_ts"])


# Numbers: functions that give (value, error or None)
def parameter(name):
    fitted = intrinsic.parameters[name]
    return fitted.quantity, None if fitted.frozen else fitted.error * fitted.unit


def cutoff():
    value, error = parameter("lambda_")
    return 1 / value, None if error is None else error / value**2


def model_value(evaluate, evaluate_error):
    """A function of energies in TeV: the value of the best fit, and the mean of its asymmetric errors."""

    def value_and_error(*energies):
        _, low, high = evaluate_error(*energies * u.TeV)
        return evaluate(*energies * u.TeV), (low + high) / 2

    return value_and_error


def unabsorbed(evaluate, evaluate_error):
    """The same for what the source emits."""

    def value_and_error(*energies):
        assert EBL_ABSORPTION, "an intrinsic flux belongs to a model with EBL absorption"
        return model_value(evaluate, evaluate_error)(*energies)

    return value_and_error


def transmission(energy):
    """Fraction of the photons of an energy in TeV that the EBL lets through."""
    assert EBL_ABSORPTION, "the model has no EBL absorption"
    return ebl(energy * u.TeV), None


def flux_point(low, high):
    """Photon flux between two of FLUX_POINT_EDGES: the model's, scaled to the counts in the bins nearest to the band."""
    band = {"energy": FLUX_POINT_EDGES.index(low)}
    assert FLUX_POINT_EDGES[band["energy"] + 1] == high, "not one band"
    norm, norm_err = (quantity.slice_by_idx(band).data.item() for quantity in (flux_points.norm, flux_points.norm_err))
    flux = spectrum.integral(low * u.TeV, high * u.TeV)
    return norm * flux, norm_err * flux


n_on, n_off, alpha = int(total["counts"]), int(total["counts_off"]), float(total["alpha"])
excess_error = np.sqrt(n_on + alpha**2 * n_off)
safe = stacked.mask_safe.data.squeeze()
known = {
    "n_obs": lambda: (len(obs_names), None),
    "livetime": lambda: (livetime, None),
    "n_on": lambda: (n_on, None),
    "n_off": lambda: (n_off, None),
    "alpha": lambda: (alpha, None),
    "excess": lambda: (total["excess"], excess_error),
    "background": lambda: (total["background"], alpha * np.sqrt(n_off)),
    "significance": lambda: (total["sqrt_ts"], None),  # Li & Ma 1983, equation 17
    "signal_to_background": lambda: (total["excess"] / total["background"], None),
    "excess_rate": lambda: (total["excess"] / livetime, excess_error / livetime),
    "parameter": parameter,
    "cutoff": cutoff,
    "dnde": model_value(spectrum, spectrum.evaluate_error),
    "e2dnde": lambda energy: tuple((energy * u.TeV) ** 2 * value for value in known["dnde"](energy)),
    "flux": model_value(spectrum.integral, spectrum.integral_error),
    "energy_flux": model_value(spectrum.energy_flux, spectrum.energy_flux_error),
    "intrinsic_dnde": unabsorbed(intrinsic, intrinsic.evaluate_error),
    "intrinsic_flux": unabsorbed(intrinsic.integral, intrinsic.integral_error),
    "intrinsic_energy_flux": unabsorbed(intrinsic.energy_flux, intrinsic.energy_flux_error),
    "transmission": transmission,
    "flux_point": flux_point,
    "n_flux_points": lambda: (flux_points.geom.axes["energy"].nbin, None),
    "pivot_energy": lambda: (intrinsic.pivot_energy, None),
    "fit_statistic": lambda: (fit_result.total_stat, None),
    "fit_success": lambda: (int(fit_result.success), None),
    "safe_energy_min": lambda: (energy_axis.edges_min[safe].min(), None),
    "safe_energy_max": lambda: (energy_axis.edges_max[safe].max(), None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")](*arguments)
    if quantity.endswith("_error"):
        value, error = error, None
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
result["_meta"] = {
    "units": units,
    "obs_ids": [int(name) if name.isdecimal() else name for name in obs_names],
    "fit_success": bool(fit_result.success),
    "covariance_success": bool(fit_result.covariance_result.success),
    "fit": {"message": fit_result.optimize_result.message, "statistic": float(fit_result.total_stat)},
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: spectral energy distribution
ax = flux_points.plot(sed_type="e2dnde", label="flux points")
energy_bounds = FLUX_POINT_EDGES[0] * u.TeV, FLUX_POINT_EDGES[-1] * u.TeV
spectrum.plot(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", label="best fit")
spectrum.plot_error(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde")
if EBL_ABSORPTION:
    intrinsic.plot(
        ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", linestyle="--", label="without EBL absorption"
    )
ax.legend()
plt.savefig("sed.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bOGIP\b|\bPHA\b|\bpha_\w+|\bARFs?\b|\bRMFs?\b|\b(?:already|pre-?)[\s-]?(?:reduced|extracted|computed)\b|\breduced spectr\w+'
# covers = ["observation_list", "reflected_significance", "reflected_spectrum", "ebl_absorption"]
# required = ["DATA_FILES"]
# vocabulary = ["regions", "spectrum", "safe", "counts"]
# errors = ["parameter", "cutoff", "dnde", "e2dnde", "flux", "energy_flux", "excess", "background", "excess_rate",
#           "intrinsic_dnde", "intrinsic_flux", "intrinsic_energy_flux"]
#
# [keys]
# intrinsic_energy_flux = ['\b(?:intrinsic|de-?absorbed|unabsorbed|emitted)\b.*\b(?:e ?|energy ?)flux\b', "erg cm-2 s-1", "range"]
# intrinsic_dnde = ['\b(?:intrinsic|de-?absorbed|unabsorbed|emitted)\b.*\b(?:dn ?de|diff\w*)\b', "cm-2 s-1 TeV-1", "energy"]
# intrinsic_flux = ['\b(?:intrinsic|de-?absorbed|unabsorbed|emitted)\b.*\bflux\b', "cm-2 s-1", "range"]
# transmission = ['\btransmission\b|\babsorption (?:factor|fraction)\b', "", "energy"]
#
# [fixed]
# SPATIAL_MODEL = "point"
#
# [choices.EBL_ABSORPTION]
# false = '\b(?:no|not|without|ignor\w+|neglect\w+)\b[^.,;]{0,25}\b(?:EBL\b|extragalactic background|absor\w+)'
# true = '\bEBL\b|\bextragalactic[\s-]background(?: light)?\b|\b(?:un|de-?)?absor(?:b\w*|ption)\b|\bintrinsic\b'
#
# [choices.EBL_MODEL]
# dominguez = '\bdom[i\u00ed]nguez\b(?: et al\.?)?'
# franceschini17 = '\bfranceschini\b.{0,15}\b(?:20)?17\b'
# franceschini = '\bfranceschini\b(?: et al\.?)?'
# saldana-lopez21 = '\bsalda[n\u00f1]a'
# finke = '\bfinke\b(?: et al\.?)?'
# ///
