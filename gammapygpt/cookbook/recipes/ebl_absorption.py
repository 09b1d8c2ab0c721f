"""EBL absorption: how much of a blazar's gamma-ray flux at a redshift does the extragalactic background light absorb?

Answers transmission (observed over intrinsic flux) and optical depth at an energy, the gamma-ray horizon (energy where
the optical depth is one), and absorbed and intrinsic fluxes of a given spectral model, for a redshift and an EBL model
(Dominguez, Franceschini, Finke, Saldana-Lopez).

Not for: fitting an absorbed spectrum to events (reflected_spectrum); predicted counts (counts_prediction).

Follows: tutorial Model gallery, EBL absorption spectral model (model-gallery/spectral/plot_absorbed).
"""

import json
from pathlib import Path

import astropy.units as u
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from gammapy.modeling.models import EBLAbsorptionNormSpectralModel, Model

REDSHIFT = None  # of the source
EBL_MODEL = "dominguez"  # dominguez (2011), franceschini (2008), franceschini17, finke (2010) or saldana-lopez21
EBL_NORM = 1.0  # scales the optical depth
OPTICAL_DEPTH = 1.0  # optical depth that the energy `horizon` is for
MODEL_IS = "intrinsic"  # the spectral model is intrinsic (emitted), or observed (absorbed already)
SPECTRAL_MODEL = "pl"  # pl power law, ecpl power law with exponential cut-off, lp log parabola (natural logarithm)
INDEX = None  # photon index (positive); None without a spectral model
ALPHA = None  # index of a log parabola at the reference energy; None for INDEX
BETA = None  # curvature of a log parabola
AMPLITUDE = None  # cm-2 s-1 TeV-1, at the reference energy; None without a spectral model
REFERENCE_ENERGY = 1.0  # TeV
CUTOFF_ENERGY = None  # TeV, of the exponential cut-off; None without
ENERGY_MIN = 0.1  # TeV, of the fluxes whose key names no energies
ENERGY_MAX = 10.0  # TeV
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "transmission_1TeV": ["transmission", 1.0, ""],
    "optical_depth_1TeV": ["optical_depth", 1.0, ""],
    "horizon_TeV": ["horizon", "TeV"],
}

# Absorption
assert REDSHIFT is not None, "absorption needs a REDSHIFT"
absorption = EBLAbsorptionNormSpectralModel.read_builtin(EBL_MODEL, redshift=REDSHIFT, alpha_norm=EBL_NORM)
first, last = absorption.param[0], absorption.param[-1]
assert first <= REDSHIFT <= last, f"the model {EBL_MODEL} is for redshifts from {first:g} to {last:g}"
print(absorption)

# Spectrum: observed = intrinsic * absorption
slope = INDEX if ALPHA is None else ALPHA
tag = "ecpl" if CUTOFF_ENERGY is not None and SPECTRAL_MODEL == "pl" else SPECTRAL_MODEL
assert CUTOFF_ENERGY is None or tag == "ecpl", f"{tag} has no cut-off energy"
assert BETA is None or tag == "lp", f"{tag} has no curvature BETA; a log parabola has"
assert ALPHA is None or tag == "lp", f"{tag} has no ALPHA; a log parabola has"
intrinsic = observed = None
if slope is not None:
    amplitude = (AMPLITUDE or 1e-12) * u.Unit("cm-2 s-1 TeV-1")  # ratios and peaks do not depend on it
    pars = {"amplitude": amplitude, "reference": REFERENCE_ENERGY * u.TeV}
    pars["alpha" if tag == "lp" else "index"] = slope
    if tag == "lp":
        assert BETA is not None, "a log parabola needs its curvature BETA"
        pars["beta"] = BETA
    if tag == "ecpl":
        assert CUTOFF_ENERGY is not None, "an exponential cut-off power law needs its CUTOFF_ENERGY"
        pars["lambda_"] = 1 / (CUTOFF_ENERGY * u.TeV)
    spectrum = Model.create(tag, "spectral", **pars)
    print(spectrum)
    assert MODEL_IS in ("intrinsic", "observed"), "say whether the spectral model is intrinsic or observed"
    if MODEL_IS == "intrinsic":
        intrinsic, observed = spectrum, spectrum * absorption
    else:  # a negative norm takes the absorption away
        emission = EBLAbsorptionNormSpectralModel.read_builtin(EBL_MODEL, redshift=REDSHIFT, alpha_norm=-EBL_NORM)
        intrinsic, observed = spectrum * emission, spectrum


# Numbers: functions of energies in TeV that give (value, error or None)
def transmission(energy):
    low, high = absorption.energy[[0, -1]].to("TeV")
    assert low <= energy * u.TeV <= high, f"the model {EBL_MODEL} is for energies from {low:.2g} to {high:.4g}"
    return absorption(energy * u.TeV).to(""), None


def horizon():
    """The energy where the optical depth reaches OPTICAL_DEPTH."""
    energies = np.geomspace(*absorption.energy[[0, -1]].to_value("TeV"), 20001) * u.TeV
    depths = -np.log(np.clip(absorption(energies).to_value(""), 1e-300, 1))
    assert depths[0] < OPTICAL_DEPTH < depths[-1], f"no such optical depth at the energies of the model {EBL_MODEL}"
    return energies[np.argmax(depths >= OPTICAL_DEPTH)], None


def flux_of(which, quantity):
    """A function of energies in TeV: a flux of the intrinsic or of the observed spectrum, that of its amplitude."""

    def value_and_error(*energies, amplitude=AMPLITUDE):
        model = {"intrinsic": intrinsic, "observed": observed}[which]
        assert None not in (model, amplitude), "a flux needs a spectral model: INDEX and AMPLITUDE"
        energies = energies or ([ENERGY_MIN, ENERGY_MAX] if quantity != "dnde" else [REFERENCE_ENERGY])
        evaluate = {"flux": model.integral, "energy_flux": model.energy_flux, "dnde": model}[quantity]
        return np.squeeze(evaluate(*energies * u.TeV)), None

    return value_and_error


def ratio_of(quantity):
    """A function of energies in TeV: observed over intrinsic flux, of any amplitude."""

    def value_and_error(*energies):
        parts = [flux_of(which, quantity)(*energies, amplitude=1)[0] for which in ("observed", "intrinsic")]
        return parts[0] / parts[1], None

    return value_and_error


def sed_peak():
    """Energy of the maximum of E^2 dN/dE as observed."""
    assert observed is not None, "a spectral energy distribution needs a spectral model: INDEX and AMPLITUDE"
    energies = np.geomspace(*absorption.energy[[0, -1]].to_value("TeV"), 20001) * u.TeV
    highest = np.argmax(energies**2 * observed(energies))
    assert 0 < highest < len(energies) - 1, "the observed spectral energy distribution has no maximum"
    return energies[highest], None


known = {
    "transmission": transmission,
    "absorbed_fraction": lambda energy: (1 - transmission(energy)[0], None),
    "optical_depth": lambda energy: (-np.log(transmission(energy)[0]), None),
    "horizon": horizon,
    "dnde": flux_of("observed", "dnde"),
    "e2dnde": lambda energy: ((energy * u.TeV) ** 2 * known["dnde"](energy)[0], None),
    "flux": flux_of("observed", "flux"),
    "energy_flux": flux_of("observed", "energy_flux"),
    "intrinsic_dnde": flux_of("intrinsic", "dnde"),
    "intrinsic_e2dnde": lambda energy: ((energy * u.TeV) ** 2 * known["intrinsic_dnde"](energy)[0], None),
    "intrinsic_flux": flux_of("intrinsic", "flux"),
    "intrinsic_energy_flux": flux_of("intrinsic", "energy_flux"),
    "flux_ratio": ratio_of("flux"),
    "energy_flux_ratio": ratio_of("energy_flux"),
    "sed_peak": sed_peak,
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, _ = known[quantity](*arguments)
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    assert np.isfinite(result[key]), f"no finite {quantity} at {arguments} TeV: all is absorbed there"
    units[key] = unit
result["_meta"] = {
    "units": units,
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: transmission, and the spectra
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
energy_bounds = [0.03, 30] * u.TeV
if observed is None:
    energies = np.geomspace(*energy_bounds, 300)
    ax.loglog(energies, absorption(energies), label=f"{EBL_MODEL}, z = {REDSHIFT:g}")
    ax.set(xlabel="Energy [TeV]", ylabel="Transmission", ylim=(1e-3, 2))
else:
    intrinsic.plot(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", label="intrinsic", ls="--")
    observed.plot(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", label=f"{EBL_MODEL}, z = {REDSHIFT:g}")
    energies = np.geomspace(*energy_bounds, 300)
    highest = (energies**2 * observed(energies)).max().to_value(ax.yaxis.units)
    ax.set_ylim(1e-4 * highest, 20 * highest)
ax.legend()
fig.savefig("absorption.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bEBL\b|\bextragalactic[\s-]background|\bgamma[\s-]ray horizon\b|\bde-?absorb\w*|\b(?:absorbed|intrinsic) (?:photon |energy |integral )?(?:flux|spectrum)|\boptical depth\b|\btransmission\b'
# perhaps = '\bredshift\b|\babsor(?:bed|ption)\b|\bintrinsic\b|\bblazar\b|\benergy distribution\b'
# never = '(?:^|[.;:,]\s*|\band )(?:re-?)?fit\b|\bfit(?:ting)? (?:a|an|the|it|this|all|of|to)\b'
# covers = ["model_flux", "reflected_spectrum"]
# vocabulary = []
# errors = []
# required = ["REDSHIFT"]
#
# [keys]
# transmission = ['\btransmi\w+\b|\bsurviv\w+\b|\b(?:absorption|attenuation) factor\b|\bexp(?:onential)? ?(?:of )?(?:minus|-) ?tau\b', "", "energy"]
# absorbed_fraction = ['\babsorbed fraction\b|\bfraction absorbed\b|\bfraction\b.{0,20}\babsorbed\b', "", "energy"]
# horizon = ['\bhorizon\b|\b(?:e|energy)\b.{0,40}\b(?:tau|optical depth)\b|\be ?tau ?\d?\b', "TeV", ""]
# optical_depth = ['\btau\b|\boptical depth\b|\bopacity\b', "", "energy"]
# energy_flux_ratio = ['\benergy flux ratio\b|\bratio\b.{0,30}\benergy flux\w*\b', "", "range"]
# flux_ratio = ['\bratio\b|\b(?:absorbed|observed)\b.{0,20}(?:/|\bover\b).{0,20}\bintrinsic\b', "", "range"]
# sed_peak = ['\bpeaks?\b', "TeV", ""]
# intrinsic_e2dnde = ['\b(?:intrinsic|emitted|unabsorbed|deabsorbed|de absorbed)\b.{0,40}\be ?2 ?dn ?de\b|\be ?2 ?dn ?de\b.{0,40}\b(?:intrinsic|emitted|unabsorbed|deabsorbed|de absorbed)\b', "erg cm-2 s-1", "energy"]
# intrinsic_energy_flux = ['\b(?:intrinsic|emitted|unabsorbed|deabsorbed|de absorbed)\b.{0,40}\be(?:nergy)? ?flux\b|\be(?:nergy)? ?flux\b.{0,40}\b(?:intrinsic|emitted|unabsorbed|deabsorbed|de absorbed)\b', "erg cm-2 s-1", "range"]
# intrinsic_dnde = ['\b(?:intrinsic|emitted|unabsorbed|deabsorbed|de absorbed)\b.{0,40}\b(?:dn ?de|differential)\b|\b(?:dn ?de|differential)\b.{0,40}\b(?:intrinsic|emitted|unabsorbed|deabsorbed|de absorbed)\b', "cm-2 s-1 TeV-1", "energy"]
# intrinsic_flux = ['\b(?:intrinsic|emitted|unabsorbed|deabsorbed|de absorbed)\b.{0,40}\bflux\b|\bflux\b.{0,40}\b(?:intrinsic|emitted|unabsorbed|deabsorbed|de absorbed)\b', "cm-2 s-1", "range"]
# e2dnde = ['\be ?2 ?dn ?de\b|\bnu ?f ?nu\b|\bsed\b', "erg cm-2 s-1", "energy"]
# energy_flux = ['\be(?:nergy)? ?flux\b', "erg cm-2 s-1", "range"]
# dnde = ['\bdn ?de\b|\bdiff(?:erential)?(?: \w+)? flux\b|\bflux density\b', "cm-2 s-1 TeV-1", "energy"]
# flux = ['\b(?:photon ?|integral ?)?flux\b|\bphi\b|\bf\b', "cm-2 s-1", "range"]
#
# [said]
# OPTICAL_DEPTH = '\btau\b|\boptical depth\b'
#
# [choices.EBL_MODEL]
# franceschini17 = '\bFranceschini\b[^,;]{0,25}\b2017\b|\bfranceschini[\s_-]?(?:20)?17\b'
# franceschini = '\bFranceschini\b'
# dominguez = '\bDom[ií]nguez\b'
# saldana-lopez21 = '\bSalda[nñ]a\b'
# finke = '\bFinke\b'
#
# [choices.MODEL_IS]
# intrinsic = '\bintrinsic(?:ally)? (?:power|log|spectr\w+|photon index|index|emission|model)|\bemit(?:s|ted|ting)?\b'
# observed = '\bde-?absorb\w*|\bcorrect\w* for (?:the )?(?:EBL|absorption)|\b(?:observed|measured) (?:power|log|photon index|spectral index|spectrum (?:is|follows))'
# unclear = '\b(?:observed|measured)\b'
# ///
