"""Model flux: what are photon flux, energy flux, dN/dE and SED peak of a given spectral model, with propagated errors?

Answers integral photon and energy fluxes in an energy range, differential flux and E^2 dN/dE at an energy, local
spectral index, peak of the spectral energy distribution, pivot energy, and fluxes in Crab units, of a power law,
exponential cut-off power law, log parabola or (smoothly) broken power law whose parameters are given. Errors are
propagated through the covariance of the parameters, where their errors are given.

Not for: a spectrum that has to be fitted (reflected_spectrum, flux_points_fit); absorption by the extragalactic
background light (ebl_absorption); models in a YAML file (model_yaml).

Follows: tutorial Fitting and error propagation (api/model_management, model gallery of spectral models).
"""

import json
from pathlib import Path

import astropy.units as u
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from gammapy.modeling.models import Model, create_crab_spectral_model

SPECTRAL_MODEL = "pl"  # pl power law, ecpl power law with exponential cut-off, lp log parabola
BREAK = "none"  # none, sharp or smooth: a break between two power laws instead
INDEX = None  # photon index (positive), below a break
ALPHA = None  # index of a log parabola at the reference energy; None for INDEX
BETA = None  # curvature of a log parabola
LOGARITHM = "natural"  # natural or log10: the logarithm of the energy that BETA goes with
AMPLITUDE = None  # cm-2 s-1 TeV-1, at the reference energy
REFERENCE_ENERGY = None  # TeV; None for 1 TeV, or where a sharp break is
CUTOFF_ENERGY = None  # TeV; None without cut-off
INDEX_2 = None  # photon index above a break; None without break
BREAK_ENERGY = None  # TeV; None without break
SMOOTHNESS = 1.0  # parameter beta of a smooth break
INDEX_ERROR = None  # 1 sigma; None for no errors
ALPHA_ERROR = None  # 1 sigma; None for INDEX_ERROR
AMPLITUDE_ERROR = None  # cm-2 s-1 TeV-1, 1 sigma
CUTOFF_ENERGY_ERROR = None  # TeV, 1 sigma
BETA_ERROR = None  # 1 sigma
CORRELATION = 0.0  # coefficient of correlation between amplitude and index, from -1 to 1
CRAB_MODEL = "meyer"  # spectrum of the Crab for Crab units: meyer, hegra, hess_pl, hess_ecpl, magic_lp, magic_ecpl
ENERGY_MIN = 1.0  # TeV, of the fluxes whose key names no energies
ENERGY_MAX = 10.0  # TeV
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "flux_1_10TeV": ["flux", 1.0, 10.0, "cm-2 s-1"],
    "energy_flux_1_10TeV_erg": ["energy_flux", 1.0, 10.0, "erg cm-2 s-1"],
    "dnde_1TeV": ["dnde", 1.0, "cm-2 s-1 TeV-1"],
}

# The model
assert AMPLITUDE is not None, "the flux of a model needs its AMPLITUDE"
slope = INDEX if ALPHA is None else ALPHA
assert slope is not None, "the flux of a model needs its INDEX (or ALPHA)"
tag = "ecpl" if CUTOFF_ENERGY is not None and SPECTRAL_MODEL == "pl" else SPECTRAL_MODEL
assert CUTOFF_ENERGY is None or tag == "ecpl", f"{tag} has no cut-off energy"
assert BETA is None or tag == "lp", f"{tag} has no curvature BETA; a log parabola has"
assert ALPHA is None or tag == "lp", f"{tag} has no ALPHA; a log parabola has"
reference = REFERENCE_ENERGY or (BREAK_ENERGY if BREAK == "sharp" else 1.0)
index = {"lp": "alpha"}.get(tag, "index")  # the name of the parameter that is the slope
pars = {index: slope, "amplitude": AMPLITUDE * u.Unit("cm-2 s-1 TeV-1"), "reference": reference * u.TeV}
errors = {index: INDEX_ERROR if ALPHA_ERROR is None else ALPHA_ERROR, "amplitude": AMPLITUDE_ERROR}
if BREAK != "none":
    assert tag == "pl", "a break goes with a power law alone"
    assert INDEX_2 is not None, "a broken power law needs the index above the break, INDEX_2"
    assert BREAK_ENERGY is not None, "a broken power law needs its BREAK_ENERGY"
    tag, index = {"sharp": "bpl", "smooth": "sbpl"}[BREAK], "index1"
    pars = {"index1": slope, "index2": INDEX_2, "ebreak": BREAK_ENERGY * u.TeV, "amplitude": pars["amplitude"]}
    errors = {"index1": INDEX_ERROR, "amplitude": AMPLITUDE_ERROR}
    if BREAK == "smooth":
        pars |= {"beta": SMOOTHNESS, "reference": reference * u.TeV}
    elif reference != BREAK_ENERGY:  # Gammapy takes the amplitude at the break
        assert not any(errors.values()), "for errors, give the amplitude of a broken power law at its break"
        pars["amplitude"] *= (BREAK_ENERGY / reference) ** -(slope if reference < BREAK_ENERGY else INDEX_2)
elif tag == "lp":
    assert BETA is not None, "a log parabola needs its curvature BETA"
    per_natural = {"natural": 1.0, "log10": 1 / np.log(10)}[LOGARITHM]
    pars["beta"] = BETA * per_natural
    errors["beta"] = BETA_ERROR and BETA_ERROR * per_natural
elif tag == "ecpl":
    assert CUTOFF_ENERGY is not None, "an exponential cut-off power law needs its CUTOFF_ENERGY"
    pars["lambda_"] = 1 / (CUTOFF_ENERGY * u.TeV)
    errors["lambda_"] = CUTOFF_ENERGY_ERROR and CUTOFF_ENERGY_ERROR / CUTOFF_ENERGY**2
spectrum = Model.create(tag, "spectral", **pars)

# Covariance of its parameters, from their errors and the correlation between amplitude and index
errors = {name: error for name, error in errors.items() if error}
names = spectrum.parameters.names
sigmas = np.array([errors.get(name, 0.0) for name in names])
correlation = np.eye(len(names))
correlation[names.index("amplitude"), names.index(index)] = CORRELATION
correlation[names.index(index), names.index("amplitude")] = CORRELATION
spectrum.covariance = np.outer(sigmas, sigmas) * correlation
print(spectrum)


# Numbers: functions of energies in TeV that give (value, error or None)
def model_value(evaluate, evaluate_error):
    """The value of the model, and the mean of its asymmetric errors where the parameters have errors."""

    def value_and_error(*energies):
        energies = (energies or (ENERGY_MIN, ENERGY_MAX)) * u.TeV
        if not errors:
            return evaluate(*energies), None
        _, low, high = evaluate_error(*energies)
        return evaluate(*energies), (low + high) / 2

    return value_and_error


def parameter(name):
    assert name in names, f"{spectrum.tag[0]} has no {name}"
    error = spectrum.parameters[name].error * spectrum.parameters[name].unit
    return spectrum.parameters[name].quantity, error if name in errors else None


def sed_peak():
    """Energy of the maximum of E^2 dN/dE, in fine steps where the model has no formula for it."""
    if hasattr(spectrum, "e_peak"):
        peak = spectrum.e_peak
        assert tag != "lp" or spectrum.beta.value > 0, "a log parabola that curves upwards has no maximum"
    else:
        energies = np.geomspace(1e-6, 1e6, 1_200_001) * u.TeV
        highest = np.argmax(energies**2 * spectrum(energies))
        peak = energies[highest] if 0 < highest < len(energies) - 1 else np.nan * u.TeV
    assert np.isfinite(peak), f"the spectral energy distribution of {spectrum.tag[0]} has no maximum"
    return peak, None


def pivot_energy():
    """Energy where the relative error of the flux is smallest."""
    assert {"amplitude", index} <= set(errors), "a pivot energy needs the errors of amplitude and index"
    return spectrum.pivot_energy, None


def cutoff():
    value, error = parameter("lambda_")
    return 1 / value, None if error is None else error / value**2


crab = create_crab_spectral_model(CRAB_MODEL)


def crab_units(quantity):
    """A quantity over that of the Crab, in the same energies."""
    evaluate = {"flux": crab.integral, "energy_flux": crab.energy_flux, "dnde": crab}[quantity]

    def value_and_error(*energies):
        value, error = known[quantity](*energies)
        one = evaluate(*((energies or (ENERGY_MIN, ENERGY_MAX)) * u.TeV))
        return value / one, None if error is None else error / one

    return value_and_error


known = {
    "parameter": parameter,
    "cutoff": cutoff,
    "dnde": model_value(spectrum, spectrum.evaluate_error),
    "e2dnde": lambda energy: tuple(
        None if value is None else (energy * u.TeV) ** 2 * value for value in known["dnde"](energy)
    ),
    "flux": model_value(spectrum.integral, spectrum.integral_error),
    "energy_flux": model_value(spectrum.energy_flux, spectrum.energy_flux_error),
    "spectral_index": lambda energy: (spectrum.spectral_index(energy * u.TeV), None),
    "sed_peak": sed_peak,
    "sed_peak_value": lambda: (sed_peak()[0] ** 2 * spectrum(sed_peak()[0]), None),
    "pivot_energy": pivot_energy,
    "crab_flux": crab_units("flux"),
    "crab_energy_flux": crab_units("energy_flux"),
    "crab_dnde": crab_units("dnde"),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")](*arguments)
    if quantity.endswith("_error"):
        assert error is not None, "an error needs those of the parameters"
        value, error = error, None
    result[key] = value if isinstance(value, int) else float(np.squeeze(u.Quantity(value).to_value(unit)))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(np.squeeze(u.Quantity(error).to_value(unit)))
result["_meta"] = {
    "units": units,
    "model": {name: str(spectrum.parameters[name].quantity) for name in names},
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: spectral energy distribution
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
energy_bounds = [min(0.1, ENERGY_MIN), max(100, ENERGY_MAX)] * u.TeV
spectrum.plot(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", label=spectrum.tag[0])
if errors:
    spectrum.plot_error(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde")
crab.plot(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", label=f"Crab ({CRAB_MODEL})", ls="--")
ax.legend()
fig.savefig("sed.png", dpi=120)
plt.close()

# /// recipe
# asked = '\b(?:amplitude|normali[sz]ation|norm|prefactor|flux density|differential flux|N_?0|Phi_?0|F_?0)\b[^.;\d]{0,25}\d[\d.]*e-\d+|\berror propagation\b|\bpropagat\w+\b[^.;]{0,40}\b(?:errors?|uncertaint\w+)\b|\bCrab units?\b'
# perhaps = '\bbroken power[\s-]*law\b|\bpower[\s-]*law\b|\blog[\s-]*parabol\w*|\bflux(?:es)?\b|\bspectral model\b|\benergy distribution\b'
# never = '(?:^|[.;:,]\s*|\band )(?:re-?)?fit\b|\bfit(?:ting)? (?:a|an|the|it|this|all|of|to)\b'
# covers = ["reflected_spectrum"]
# vocabulary = []
# errors = ["parameter", "cutoff", "dnde", "e2dnde", "flux", "energy_flux", "crab_flux", "crab_energy_flux", "crab_dnde"]
# required = ["AMPLITUDE", "INDEX|ALPHA"]
#
# [keys]
# crab_energy_flux = ['\benergy flux\b.{0,40}\b(?:crab|cu)\b|\b(?:crab|cu)\b.{0,20}\benergy flux\b', "", "range"]
# crab_dnde = ['\b(?:dn ?de|differential)\b.{0,40}\b(?:crab|cu)\b|\b(?:crab|cu)\b.{0,20}\b(?:dn ?de|differential)\b', "", "energy"]
# crab_flux = ['\bcrab\b|\bc\.?u\.?$', "", "range"]
# pivot_energy = ['\bpivot\b|\bdecorrelation\b', "TeV", ""]
# sed_peak_value = ['\b(?:peak|max\w*)\b.{0,20}\b(?:flux|value|e ?2 ?dn ?de)\b|\b(?:flux|value|e ?2 ?dn ?de)\b.{0,12}\b(?:peak|max\w*)\b', "erg cm-2 s-1", ""]
# sed_peak = ['\bpeaks?\b|\be ?max sed\b', "TeV", ""]
# spectral_index = ['\b(?:local|spectral|photon)? ?(?:index|slope) at\b|\blocal index\b|\beffective index\b', "", "energy"]
# cutoff = ['\b(?:e|energy)? ?cut ?-?off(?: energy)?\b|\be ?c(?:ut)?\b', "TeV", ""]
# "parameter lambda_" = ['\blambda\b', "TeV-1", ""]
# e2dnde = ['\be ?2 ?dn ?de\b|\bnu ?f ?nu\b|\bsed\b', "erg cm-2 s-1", "energy"]
# energy_flux = ['\be(?:nergy)? ?flux\b', "erg cm-2 s-1", "range"]
# dnde = ['\bdn ?de\b|\bdiff(?:erential)?(?: \w+)? flux\b|\bflux density\b', "cm-2 s-1 TeV-1", "energy"]
# flux = ['\b(?:photon ?|integral ?)?flux\b|\bphi\b|\bf\b', "cm-2 s-1", "range"]
#
# [said]
# INDEX_2 = '\bindex_?2\b|\bsecond (?:photon |spectral )?index\b|\b(?:index|slope) (?:above|after|beyond)\b|\bhigh[\s-]energy index\b|\bGamma_?2\b'
# BREAK_ENERGY = '\bbreak\w*\b'
# SMOOTHNESS = '\bsmoothness\b|\bsmoothing\b'
# CUTOFF_ENERGY_ERROR = '\bcut-?\s?off\b.{0,20}(?:\berror\b|\buncertainty\b|\+/-|±)'
# BETA_ERROR = '\b(?:beta|curvature)\b.{0,20}(?:\berror\b|\buncertainty\b|\+/-|±)'
# CORRELATION = '\bcorrelat\w+'
#
# [choices.BREAK]
# smooth = '\bsmooth\w*[\s-]+broken\b'
# sharp = '\bbroken power[\s-]*law\b'
#
# [choices.LOGARITHM]
# log10 = '\blog_?10\b|\bdecimal logarithm\b|\bbase[\s-]10\b'
#
# [choices.CRAB_MODEL]
# hess_ecpl = '\bhess_ecpl\b'
# hess_pl = '\bhess_pl\b'
# magic_ecpl = '\bmagic_ecpl\b'
# magic_lp = '\bmagic_lp\b'
# hegra = '\bhegra\b'
# meyer = '\bmeyer\b'
# ///
