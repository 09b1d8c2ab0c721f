"""Counts prediction: what would be seen of a source with CTAO or another instrument in some hours, and how significantly?

Answers predicted signal and background counts in a circular ON region without random numbers, the significance
expected (background known perfectly, or measured in OFF regions), and the time needed for a significance such as
5 sigma; for a given spectral model, optionally absorbed by the extragalactic background light, and a file with IRFs.

Not for: random realisations (spectrum_simulation, event_sampling); the faintest detectable flux (sensitivity).

Follows: tutorial 1D spectrum simulation (analysis-1d/spectrum_simulation).
"""

import json
import os
from pathlib import Path

import astropy.units as u
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from astropy.coordinates import SkyCoord
from gammapy.data import FixedPointingInfo, Observation, observatory_locations
from gammapy.datasets import SpectrumDataset
from gammapy.irf import load_irf_dict_from_file
from gammapy.makers import SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling.models import EBLAbsorptionNormSpectralModel, Model, SkyModel
from gammapy.stats import CashCountsStatistic, WStatCountsStatistic
from regions import CircleSkyRegion

IRF_FILE = None  # file below GAMMAPY_DATA with IRFs
LIVETIME = None  # h; None where only the time for a significance is asked
OFFSET = 0.0  # deg, of the source from the pointing
ON_RADIUS = 0.1  # deg; not used with point-like IRFs, which have their own cut
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
ALPHA_ON_OFF = None  # acceptance of the ON region over that of the OFF regions; None where the background is known
N_SIGMA = 5.0  # significance that time_needed is for
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments ..., unit]
    "npred_signal": ["npred_signal", ""],
    "npred_background": ["npred_background", ""],
    "significance": ["significance", ""],
    "time_needed_h": ["time_needed", "h"],
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
assert IRF_FILE is not None, "a prediction needs the file with the IRFs, IRF_FILE"
path = Path(os.environ["GAMMAPY_DATA"]) / IRF_FILE
assert path.is_file(), f"there is no file {IRF_FILE} below GAMMAPY_DATA"
irfs = load_irf_dict_from_file(path)
is_pointlike = irfs["aeff"].is_pointlike
low, high = irfs["aeff"].axes["offset"].edges[[0, -1]]
assert low <= OFFSET * u.deg <= high, f"the IRFs are for offsets from {low:g} to {high:g}"
livetime = (LIVETIME or 1.0) * u.h
pointing = SkyCoord(0, 0, unit="deg", frame="icrs")
observation = Observation.create(
    pointing=FixedPointingInfo(fixed_icrs=pointing),
    irfs=irfs,
    livetime=livetime,
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
    selection=["exposure", "edisp"] + ["background"] * ("bkg" in irfs),
    containment_correction=CONTAINMENT_CORRECTION and not is_pointlike,
)
dataset = maker.run(empty, observation)
dataset.models = [model]
print(dataset)


# Numbers: functions that give (value, error or None)
def npred_signal():
    signal = dataset.npred_signal().data.sum()
    assert np.isfinite(signal), "the prediction is no number: the IRFs have gaps at these energies"
    return signal, None


def npred_background():
    assert dataset.background is not None, "these IRFs have no background, so that it cannot be predicted"
    return dataset.npred_background().data.sum(), None


def significance():
    """Square root of TS of the counts that are expected, summed over energy; Li & Ma (1983) where alpha is given."""
    signal, background = npred_signal()[0], npred_background()[0]
    if ALPHA_ON_OFF is None:
        return np.squeeze(CashCountsStatistic(n_on=signal + background, mu_bkg=background).sqrt_ts), None
    n_off = background / ALPHA_ON_OFF
    return np.squeeze(WStatCountsStatistic(n_on=signal + background, n_off=n_off, alpha=ALPHA_ON_OFF).sqrt_ts), None


def time_needed():
    """Both statistics grow with the time, their square roots with the square root of the time."""
    assert significance()[0] > 0, "no signal is expected"
    return livetime * (N_SIGMA / significance()[0]) ** 2, None


known = {
    "npred_signal": npred_signal,
    "npred_background": npred_background,
    "npred": lambda: (npred_signal()[0] + npred_background()[0], None),
    "n_off": lambda: (npred_background()[0] / ALPHA_ON_OFF, None),
    "significance": significance,
    "time_needed": time_needed,
    "signal_to_background": lambda: (npred_signal()[0] / npred_background()[0], None),
    "signal_rate": lambda: (npred_signal()[0] / livetime, None),
    "background_rate": lambda: (npred_background()[0] / livetime, None),
    "flux": lambda low=ENERGY_MIN, high=ENERGY_MAX: (spectrum.integral(low * u.TeV, high * u.TeV), None),
    "livetime": lambda: (livetime, None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    without_time = quantity in ("time_needed", "signal_rate", "background_rate", "signal_to_background", "flux")
    assert LIVETIME is not None or without_time, f"{quantity} needs the LIVETIME"
    value, _ = known[quantity](*arguments)
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
result["_meta"] = {
    "units": units,
    "irfs": "point-like" if is_pointlike else "full-enclosure",
    "statistic": "Cash" if ALPHA_ON_OFF is None else "WStat (Li & Ma)",
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: predicted counts
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
dataset.npred_signal().plot_hist(ax=ax, label="signal")
if dataset.background is not None:
    dataset.npred_background().plot_hist(ax=ax, label="background")
ax.set(yscale="log", title=f"{livetime:g}, {OFFSET:g} deg offset", ylabel="Predicted counts per bin")
ax.legend()
fig.savefig("counts.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bpredict\w*\b(?:[^.;]|\.\d){0,60}\b(?:counts|events|signal|background|excess|significance)\b|\bwould be (?:seen|detected|expected)\b|\bnpred\b|\bexpected (?:number of )?(?:counts|events|signal|background|excess|significance)\b|\bhow (?:long|many hours|much time)\b(?:[^.;?]|\.\d){0,250}\b(?:detect\w*|sigma|significan\w+)|\b(?:counts|events)\b[^.;]{0,20}\bexpected\b|\bno random\b|\bAsimov\b|\b(?:observing |observation )?(?:time|hours) (?:is |are )?(?:needed|required|necessary)\b'
# perhaps = '\bpredict\w*\b|\bCTAO?\b|\bsimulat\w+|\bprod\d\b'
# never = '(?:^|[.;:,]\s*|\band )(?:re-?)?fit\b|\bfit(?:ting)? (?:a|an|the|it|this|all|of|to)\b'
# covers = ["model_flux", "ebl_absorption", "reflected_spectrum", "reflected_significance"]
# vocabulary = []
# errors = []
# required = ["IRF_FILE", "LIVETIME|N_SIGMA", "AMPLITUDE", "INDEX|ALPHA", "OFFSET"]
#
# [keys]
# time_needed = ['\b(?:time|hours|livetime|exposure|duration)\b.{0,30}\b(?:need\w*|require\w*|necessary|for|to|detect\w*|sigma)\b|\b(?:needed|required|necessary)\b|\bt ?(?:\d ?sigma|detect\w*)\b|\b(?:time|hours|livetime) ?\d? ?sigma\b|^t(?:ime)?$', "h", ""]
# signal_to_background = ['\bsignal (?:to|over) (?:background|noise)\b|\bs ?(?:to|over)? ?b\b', "", ""]
# significance = ['\bsignificance\b|\bsignif\b|\bsqrt ?ts\b|\bsigmas?\b|\bli ?(?:and )?ma\b', "", ""]
# signal_rate = ['\b(?:signal|excess|gamma(?:-ray)?|source)\b.{0,12}\brate\b|^rate$', "min-1", ""]
# background_rate = ['\b(?:background|bkg)\b.{0,12}\brate\b|\brate\b.{0,12}\b(?:background|bkg)\b', "min-1", ""]
# n_off = ['\bn ?off\b|\boff counts\b', "", ""]
# npred_background = ['\bbackground\b|\bbkg\b|\bn ?b(?:kg)?\b', "", ""]
# npred = ['\bnpred(?: total)?$|\btotal\b|\bn ?on\b|\bon counts\b', "", ""]
# npred_signal = ['\bsignal\b|\bexcess\b|\bsource\b|\bn ?(?:s|sig|gamma)\b|\bgammas?\b|\bcounts\b|\bevents\b', "", ""]
# livetime = ['\blive ?time\b', "h", ""]
# flux = ['\bflux\b', "cm-2 s-1", "range"]
#
# [said]
# ALPHA = '\blog[\s-]*parabol\w*[^.;]{0,60}\balpha\b'
# N_SIGMA = '\bsigmas?\b|\bsignificance (?:of|level)\b'
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
