"""Spectrum simulation: what counts, significance and refitted index do simulated observations (fake counts) give?

Answers ON counts, excess and significance of one simulated observation with an instrument response (CTAO or another),
and of many: means and standard deviations, the fraction that reaches a significance, and the spectral parameters that
fits to the simulated spectra find. The seed is set, so that the numbers come out again.

Not for: predictions without random numbers (counts_prediction); event lists (event_sampling).

Follows: tutorial 1D spectrum simulation (analysis-1d/spectrum_simulation).
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
from astropy.coordinates import SkyCoord
from gammapy.data import FixedPointingInfo, Observation, observatory_locations
from gammapy.datasets import Datasets, SpectrumDataset, SpectrumDatasetOnOff
from gammapy.irf import load_irf_dict_from_file
from gammapy.makers import SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import EBLAbsorptionNormSpectralModel, Model, SkyModel
from regions import CircleSkyRegion

IRF_FILE = None  # file below GAMMAPY_DATA with IRFs
LIVETIME = None  # h, of each observation
OFFSET = 0.0  # deg, of the source from the pointing
ON_RADIUS = 0.1  # deg
CONTAINMENT_CORRECTION = True  # for the part of the PSF outside the ON region, as of a point source
ENERGY_MIN = 0.1  # TeV, reconstructed
ENERGY_MAX = 100.0  # TeV, reconstructed
BINS_PER_DECADE = 10  # of reconstructed energy
SPECTRAL_MODEL = "pl"  # pl power law, ecpl power law with exponential cut-off, lp log parabola (natural logarithm)
INDEX = None  # photon index (positive)
ALPHA = None  # index of a log parabola at the reference energy; None for INDEX
BETA = None  # curvature of a log parabola
AMPLITUDE = None  # cm-2 s-1 TeV-1, at the reference energy
REFERENCE_ENERGY = 1.0  # TeV
CUTOFF_ENERGY = None  # TeV, of the exponential cut-off; None without
REDSHIFT = None  # of the source, whose spectrum is intrinsic then; None for no absorption
EBL_MODEL = "dominguez"  # dominguez, franceschini, franceschini17, finke or saldana-lopez21
EBL_NORM = 1.0  # scales the optical depth
ALPHA_ON_OFF = 0.2  # acceptance of the ON region over that of the OFF regions; None where the background is known
N_OBSERVATIONS = 1  # simulated observations
SEED = 0  # of the random numbers of the first observation; the next ones have the seeds that follow
FIT_MODEL = None  # pl, ecpl or lp, to be fitted to each spectrum with the same absorption; None for the source's own
N_SIGMA = 5.0  # significance that detected_fraction is for
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments ..., unit]
    "n_on": ["n_on", ""],
    "excess": ["excess", ""],
    "significance": ["significance", ""],
    "index": ["parameter", "index", ""],
    "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
}

# Spectral model
slope = INDEX if ALPHA is None else ALPHA
assert slope is not None, "a source needs its INDEX (or ALPHA)"
assert AMPLITUDE is not None, "a source needs its AMPLITUDE"
tag = "ecpl" if CUTOFF_ENERGY is not None and SPECTRAL_MODEL == "pl" else SPECTRAL_MODEL
assert CUTOFF_ENERGY is None or tag == "ecpl", f"{tag} has no cut-off energy"
assert BETA is None or tag == "lp", f"{tag} has no curvature BETA; a log parabola has"
assert ALPHA is None or tag == "lp", f"{tag} has no ALPHA; a log parabola has"
pars = {"amplitude": AMPLITUDE * u.Unit("cm-2 s-1 TeV-1"), "reference": REFERENCE_ENERGY * u.TeV}
pars["alpha" if tag == "lp" else "index"] = slope
if tag == "lp":
    assert BETA is not None, "a log parabola needs its curvature BETA"
    pars["beta"] = BETA
if tag == "ecpl":
    assert CUTOFF_ENERGY is not None, "an exponential cut-off power law needs its CUTOFF_ENERGY"
    pars["lambda_"] = 1 / (CUTOFF_ENERGY * u.TeV)
spectrum = Model.create(tag, "spectral", **pars)
if REDSHIFT is not None:
    spectrum *= EBLAbsorptionNormSpectralModel.read_builtin(EBL_MODEL, redshift=REDSHIFT, alpha_norm=EBL_NORM)
model = SkyModel(spectral_model=spectrum, name="source")
print(model)

# Observation
assert IRF_FILE is not None, "a simulation needs the file with the IRFs, IRF_FILE"
assert LIVETIME is not None, "a simulation needs the LIVETIME"
path = Path(os.environ["GAMMAPY_DATA"]) / IRF_FILE
assert path.is_file(), f"there is no file {IRF_FILE} below GAMMAPY_DATA"
irfs = load_irf_dict_from_file(path)
assert "bkg" in irfs, "these IRFs have no background, so that no observation can be simulated"
low, high = irfs["aeff"].axes["offset"].edges[[0, -1]]
assert low <= OFFSET * u.deg <= high, f"the IRFs are for offsets from {low:g} to {high:g}"
pointing = SkyCoord(0, 0, unit="deg", frame="icrs")
observation = Observation.create(
    pointing=FixedPointingInfo(fixed_icrs=pointing),
    irfs=irfs,
    livetime=LIVETIME * u.h,
    location=observatory_locations["ctao_south"],
)
print(observation)

# Predicted counts in the ON region; true energies reach further than reconstructed ones
n_bins = max(1, round(np.log10(ENERGY_MAX / ENERGY_MIN) * BINS_PER_DECADE))
energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=n_bins, unit="TeV")
energy_axis_true = MapAxis.from_energy_bounds(
    ENERGY_MIN / 10, ENERGY_MAX * 10, nbin=30, per_decade=True, unit="TeV", name="energy_true"
)
position = pointing.directional_offset_by(0 * u.deg, OFFSET * u.deg)
on_region = CircleSkyRegion(position, ON_RADIUS * u.deg)
empty = SpectrumDataset.create(RegionGeom.create(on_region, axes=[energy_axis]), energy_axis_true=energy_axis_true)
maker = SpectrumDatasetMaker(
    selection=["exposure", "edisp", "background"], containment_correction=CONTAINMENT_CORRECTION
)
dataset = maker.run(empty, observation)
dataset.models = [model]
print(dataset)

# Simulated observations: Poisson counts of signal and background in the ON region, and of background in OFF regions
template = dataset
if ALPHA_ON_OFF is not None:
    template = SpectrumDatasetOnOff.from_spectrum_dataset(
        dataset=dataset, acceptance=1, acceptance_off=1 / ALPHA_ON_OFF
    )
    template.models = [model]
datasets = Datasets()
for number in range(N_OBSERVATIONS):
    simulated = template.copy(name=f"obs-{number}")
    simulated.models = [model]
    if ALPHA_ON_OFF is None:
        simulated.fake(random_state=SEED + number)
    else:
        simulated.fake(random_state=SEED + number, npred_background=dataset.npred_background())
    datasets.append(simulated)
table = datasets.info_table()
print(table["name", "counts", "excess", "sqrt_ts"])


# Fits, of the model to each simulated spectrum
def spectrum_to_fit():
    """The model of the fit, starting from the truth where it is of the same kind."""
    kind = FIT_MODEL or tag
    start = pars if kind == tag else {name: pars[name] for name in ("amplitude", "reference")}
    fitted = Model.create(kind, "spectral", **start)
    if REDSHIFT is not None:
        fitted *= EBLAbsorptionNormSpectralModel.read_builtin(EBL_MODEL, redshift=REDSHIFT, alpha_norm=EBL_NORM)
    return fitted


@cache
def fits():
    """The fitted spectra; a fit that did not converge stops all, for leaving it out would bias the rest."""
    spectra = []
    for simulated in datasets:
        source = SkyModel(spectral_model=spectrum_to_fit(), name="source")
        simulated.models = [source]
        result = Fit().run([simulated])
        assert result.success, f"the fit to {simulated.name} did not converge: {result.optimize_result.message}"
        spectra.append(source.spectral_model)
    return spectra


# Numbers: functions that give (value, error or None)
def statistics(values, error=None):
    """Mean of the simulated observations; of a single one, its value and error."""
    return np.mean(values), error if N_OBSERVATIONS == 1 else None


def scatter(values):
    """Standard deviation of the simulated observations."""
    assert N_OBSERVATIONS > 1, "a standard deviation needs more than one simulated observation"
    return np.std(values, ddof=1), None


def parameters(name):
    """Values of a fitted parameter, and its errors."""
    names = fits()[0].parameters.names
    assert name in names, f"the fitted model has no {name}, only {', '.join(names)}"
    found = [spectral_model.parameters[name] for spectral_model in fits()]
    return u.Quantity([one.quantity for one in found]), u.Quantity([one.error * one.unit for one in found])


def fluxes(*energies):
    """Photon fluxes of the fitted spectra between two energies in TeV."""
    energies = (energies or (ENERGY_MIN, ENERGY_MAX)) * u.TeV
    return u.Quantity([spectral_model.integral(*energies) for spectral_model in fits()]).to("cm-2 s-1")


def column(name):
    return np.array(table[name], dtype=float)


known = {
    "n_observations": lambda: (len(datasets), None),
    "n_on": lambda: statistics(column("counts")),
    "n_off": lambda: statistics(column("counts_off")),
    "background": lambda: statistics(column("background")),
    "excess": lambda: statistics(column("excess")),
    "significance": lambda: statistics(column("sqrt_ts")),
    "parameter": lambda name: statistics(parameters(name)[0], parameters(name)[1][0]),
    "flux": lambda *energies: statistics(fluxes(*energies)),
    "std_n_on": lambda: scatter(column("counts")),
    "std_excess": lambda: scatter(column("excess")),
    "std_significance": lambda: scatter(column("sqrt_ts")),
    "std_parameter": lambda name: scatter(parameters(name)[0]),
    "std_flux": lambda *energies: scatter(fluxes(*energies)),
    "mean_uncertainty": lambda name: (np.mean(parameters(name)[1]), None),
    "detected_fraction": lambda: (np.mean(column("sqrt_ts") >= N_SIGMA), None),
    "max_significance": lambda: (column("sqrt_ts").max(), None),
    "min_significance": lambda: (column("sqrt_ts").min(), None),
    "npred_signal": lambda: (dataset.npred_signal().data.sum(), None),
    "npred_background": lambda: (dataset.npred_background().data.sum(), None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")](*arguments)
    if quantity.endswith("_error"):
        assert error is not None, "the error of a mean is not what is meant: ask for the standard deviation"
        value, error = error, None
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
result["_meta"] = {
    "units": units,
    "statistic": "Cash" if ALPHA_ON_OFF is None else "WStat (Li & Ma)",
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
if fits.cache_info().currsize > 0:
    result["_meta"]["fit_success"] = True  # of all fits; else they had stopped the script
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: counts of one observation, or the distribution of many
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
if N_OBSERVATIONS == 1:
    datasets[0].counts.plot_hist(ax=ax, label="simulated ON counts")
    (dataset.npred_signal() + dataset.npred_background()).plot_hist(ax=ax, label="expected")
    ax.set(yscale="log", ylabel="Counts per bin")
    ax.legend()
else:
    ax.hist(column("sqrt_ts"), bins=min(20, N_OBSERVATIONS))
    ax.axvline(N_SIGMA, color="r", ls="--")
    ax.set(xlabel="Significance", ylabel="Simulated observations")
fig.savefig("simulation.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bsimulat\w+ (?:\d+ |many |several |N )?(?:observations?|spectr(?:um|a)|counts|realisations?|realizations?|datasets?)\b|\bfak(?:e|ed|ing)\b|\bMonte[\s-]Carlo\b|\btoys?\b|\brealis?z?ations?\b|\bPoisson(?:ian)? (?:fluctuat\w+|noise|counts|random)\b|\brandom (?:realis|realiz|seed|state|fluctuat)\w*'
# perhaps = '\bsimulat\w+\b'
# never = '\bevent[\s-]?(?:lists?|sampl\w+)\b|\bsample\w* events\b'
# covers = ["counts_prediction", "model_flux", "ebl_absorption", "reflected_spectrum", "reflected_significance"]
# vocabulary = []
# errors = ["parameter"]
# required = ["IRF_FILE", "LIVETIME", "AMPLITUDE", "INDEX|ALPHA", "OFFSET"]
#
# [keys]
# n_observations = ['\bn ?(?:obs|observations|sims?|simulations)\b', "", ""]
# std_significance = ['\b(?:std|sigma|scatter|rms|spread)\b.{0,15}\b(?:signif\w*|sqrt ?ts)\b|\b(?:signif\w*|sqrt ?ts)\b.{0,15}\b(?:std|scatter|rms|spread)\b', "", ""]
# std_excess = ['\b(?:std|scatter|rms|spread)\b.{0,15}\bexcess\b|\bexcess\b.{0,15}\b(?:std|scatter|rms|spread)\b', "", ""]
# std_n_on = ['\b(?:std|scatter|rms|spread)\b.{0,15}\b(?:n ?on|counts)\b|\b(?:n ?on|counts)\b.{0,15}\b(?:std|scatter|rms|spread)\b', "", ""]
# "std_parameter index" = ['\b(?:std|scatter|rms|spread)\b.{0,15}\bindex\b|\bindex\b.{0,15}\b(?:std|scatter|rms|spread)\b', "", ""]
# "std_parameter amplitude" = ['\b(?:std|scatter|rms|spread)\b.{0,15}\bampl\w*\b|\bampl\w*\b.{0,15}\b(?:std|scatter|rms|spread)\b', "cm-2 s-1 TeV-1", ""]
# std_flux = ['\b(?:std|scatter|rms|spread)\b.{0,15}\bflux\b|\bflux\b.{0,15}\b(?:std|scatter|rms|spread)\b', "cm-2 s-1", "range"]
# "mean_uncertainty index" = ['\bmean\b.{0,15}\bindex err\w*|\bmean err\w*.{0,15}\bindex\b', "", ""]
# detected_fraction = ['\bfraction\b|\bdetect\w*\b|\bpower\b', "", ""]
# max_significance = ['\bmax\w*\b.{0,15}\bsignif\w*|\bsignif\w*\b.{0,6}\bmax\w*\b', "", ""]
# min_significance = ['\bmin\w*\b.{0,15}\bsignif\w*|\bsignif\w*\b.{0,6}\bmin\w*\b', "", ""]
# npred_signal = ['\b(?:npred|predicted|expected) (?:signal|excess|source)\b', "", ""]
# npred_background = ['\b(?:npred|predicted|expected) (?:background|bkg)\b', "", ""]
# n_off = ['\bn ?off\b|\boff counts\b', "", ""]
# n_on = ['\bn ?on\b|\bon counts\b|\bcounts\b', "", ""]
# significance = ['\bsignif\w*\b|\bsqrt ?ts\b|\bli ?(?:and )?ma\b', "", ""]
# excess = ['\bexcess\b|\bsignal\b', "", ""]
# background = ['\bbackground\b|\bbkg\b', "", ""]
# "parameter index" = ['\bindex\b|\bslope\b', "", ""]
# "parameter amplitude" = ['\bampl\w*\b|\bnorm\w*\b', "cm-2 s-1 TeV-1", ""]
# "parameter lambda_" = ['\blambda\b', "TeV-1", ""]
# "parameter alpha" = ['\balpha\b', "", ""]
# "parameter beta" = ['\bbeta\b|\bcurvature\b', "", ""]
# flux = ['\bflux\b', "cm-2 s-1", "range"]
#
# [said]
# ALPHA = '\blog[\s-]*parabol\w*[^.;]{0,60}\balpha\b'
# N_OBSERVATIONS = '\bsimulat\w+\b|\bobservations\b|\brealis\w+|\brealiz\w+|\btoys?\b|\btimes\b|\bdatasets\b|\btrials\b'
# N_SIGMA = '\bsigmas?\b'
#
# [fixed]
# SPATIAL_MODEL = "point"
#
# [choices.OFFSET]
# "0.0" = '\bon[\s-]axis\b|\b(?:centre|center) of the (?:field|FoV)|\bno offset\b'
#
# [choices.IRF_FILE]
# "cta-caldb/Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz" = '\bCTAO?[\s-]+South\b|\bsouthern (?:CTAO? )?array\b'
# "cta-caldb/Prod5-North-20deg-AverageAz-4LSTs09MSTs.180000s-v0.1.fits.gz" = '\bCTAO?[\s-]+North\b|\bnorthern (?:CTAO? )?array\b'
#
# [choices.EBL_MODEL]
# franceschini17 = '\bFranceschini\b[^,;]{0,25}\b2017\b|\bfranceschini[\s_-]?(?:20)?17\b'
# franceschini = '\bFranceschini\b'
# dominguez = '\bDom[ií]nguez\b'
# saldana-lopez21 = '\bSalda[nñ]a\b'
# finke = '\bFinke\b'
# ///
