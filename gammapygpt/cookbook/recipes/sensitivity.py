"""Sensitivity: what is the flux sensitivity of CTAO or another instrument: the faintest flux that is detected in some hours?

Answers the differential flux sensitivity (E^2 dN/dE) in bins of energy and at an energy, what limits it (significance,
number of gamma rays or background systematics), the best energy, and the integral flux sensitivity of an energy range;
for a file with IRFs, a livetime and an offset, with ON regions that follow the PSF or of one radius.

Not for: whether a given source is detected (counts_prediction); upper limits from data.

Follows: tutorial Point source sensitivity (analysis-1d/cta_sensitivity).
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
from gammapy.datasets import SpectrumDataset, SpectrumDatasetOnOff
from gammapy.estimators import FluxPoints, SensitivityEstimator
from gammapy.irf import load_irf_dict_from_file
from gammapy.makers import SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling.models import PowerLawSpectralModel
from regions import CircleSkyRegion

IRF_FILE = None  # file below GAMMAPY_DATA with IRFs
LIVETIME = 50.0  # h
OFFSET = 0.5  # deg, of the source from the pointing
ON_RADIUS = None  # deg; None for the radius that contains CONTAINMENT_PERCENT of the PSF at each energy
CONTAINMENT_PERCENT = 68.0  # how much of the PSF is inside the ON region, in percent, where ON_RADIUS is None
ENERGY_MIN = 0.03  # TeV, reconstructed
ENERGY_MAX = 30.0  # TeV, reconstructed
ENERGY_BINS = 20  # bins of reconstructed energy
INDEX = 2.0  # photon index of the source
N_SIGMA = 5.0  # significance to be reached
GAMMA_MIN = 10  # gamma rays to be reached
BKG_SYST_FRACTION = 0.05  # part of the background that the gamma rays have to exceed
ALPHA_ON_OFF = 0.2  # acceptance of the ON region over that of the OFF regions
TABLE_FILE = "sensitivity.ecsv"  # file for the table of bins
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "e2dnde_1TeV": ["e2dnde", 1.0, "erg cm-2 s-1"],
    "best_e2dnde": ["best_e2dnde", "erg cm-2 s-1"],
    "best_energy_TeV": ["best_energy", "TeV"],
}

# Observation of an empty field
assert IRF_FILE is not None, "a sensitivity needs the file with the IRFs, IRF_FILE"
path = Path(os.environ["GAMMAPY_DATA"]) / IRF_FILE
assert path.is_file(), f"there is no file {IRF_FILE} below GAMMAPY_DATA"
irfs = load_irf_dict_from_file(path)
assert "bkg" in irfs, "these IRFs have no background, on which the sensitivity depends"
assert "psf" in irfs, "these IRFs have no PSF, on which the sensitivity depends"
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


def make_dataset(energy_axis):
    """Expected background and response in the ON region, and in OFF regions, in bins of reconstructed energy."""
    low, high = energy_axis.edges[[0, -1]].to_value("TeV")
    energy_axis_true = MapAxis.from_energy_bounds(
        low / 5, high * 5, nbin=40, per_decade=True, unit="TeV", name="energy_true"
    )
    position = pointing.directional_offset_by(0 * u.deg, OFFSET * u.deg)
    on_region = CircleSkyRegion(position, (ON_RADIUS or 0.1) * u.deg)
    geom = RegionGeom.create(on_region, axes=[energy_axis])
    empty = SpectrumDataset.create(geom, energy_axis_true=energy_axis_true)
    selection = ["exposure", "edisp", "background"]
    maker = SpectrumDatasetMaker(selection=selection, containment_correction=ON_RADIUS is not None)
    dataset = maker.run(empty, observation)
    if ON_RADIUS is None:  # regions that follow the PSF: their background, and the part of the source inside
        radii = observation.psf.containment_radius(
            energy_true=energy_axis.center, offset=OFFSET * u.deg, fraction=CONTAINMENT_PERCENT / 100
        )
        dataset.exposure *= CONTAINMENT_PERCENT / 100
        factor = (1 - np.cos(radii)) / (1 - np.cos(on_region.radius))
        dataset.background *= factor.value.reshape((-1, 1, 1))
    return SpectrumDatasetOnOff.from_spectrum_dataset(dataset=dataset, acceptance=1, acceptance_off=1 / ALPHA_ON_OFF)


# Sensitivity in bins of energy
estimator = SensitivityEstimator(
    spectral_model=PowerLawSpectralModel(index=INDEX, amplitude="1 cm-2 s-1 TeV-1"),
    n_sigma=N_SIGMA,
    gamma_min=GAMMA_MIN,
    bkg_syst_fraction=BKG_SYST_FRACTION,
)
axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=ENERGY_BINS, unit="TeV")
dataset = make_dataset(axis)
table = estimator.run(dataset)
table.write(TABLE_FILE, overwrite=True)
print(table)


# Numbers: functions of energies in TeV that give (value, error or None)
def bin_of(energy):
    """The bin with an energy in it."""
    found = axis.coord_to_idx(energy * u.TeV, clip=False)
    assert found >= 0, f"{energy} TeV is outside the bins, from {ENERGY_MIN} to {ENERGY_MAX} TeV"
    return table[int(np.squeeze(found))]


def e2dnde(energy):
    value = bin_of(energy)["e2dnde"] * table["e2dnde"].unit
    assert np.isfinite(value), f"the instrument sees nothing at {energy} TeV"
    return value, None


def dnde(energy):
    """At the centre of the bin with the energy in it."""
    centre = bin_of(energy)["e_ref"] * table["e_ref"].unit
    return e2dnde(energy)[0] / centre**2, None


def best():
    return table[int(np.nanargmin(table["e2dnde"]))]


def flux(low=ENERGY_MIN, high=ENERGY_MAX):
    """Integral photon flux of a source that is detected in one bin from one energy to another."""
    bins = make_dataset(MapAxis.from_energy_bounds(low, high, nbin=20, unit="TeV"))
    integral = estimator.run(bins.to_image())
    points = FluxPoints.from_table(integral, sed_type="e2dnde", reference_model=estimator.spectral_model)
    return np.squeeze(points.flux.quantity), None


known = {
    "e2dnde": e2dnde,
    "dnde": dnde,
    "excess": lambda energy: (bin_of(energy)["excess"], None),
    "background": lambda energy: (bin_of(energy)["background"], None),
    "criterion": lambda energy: (str(bin_of(energy)["criterion"]), None),
    "best_e2dnde": lambda: (best()["e2dnde"] * table["e2dnde"].unit, None),
    "best_energy": lambda: (best()["e_ref"] * table["e_ref"].unit, None),
    "flux": flux,
    "n_bins": lambda: (len(table), None),
    "livetime": lambda: (LIVETIME * u.h, None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, _ = known[quantity](*arguments)
    result[key] = value if isinstance(value, (int, str)) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
result["_meta"] = {
    "units": units,
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: differential sensitivity, and what limits it
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for criterion, marker in (("significance", "s"), ("gamma", "*"), ("bkg", "v")):
    rows = table[table["criterion"] == criterion]
    widths = [rows["e_ref"] - rows["e_min"], rows["e_max"] - rows["e_ref"]]
    ax.errorbar(rows["e_ref"], rows["e2dnde"], xerr=widths, fmt=marker, label=criterion)
ax.loglog()
ax.set(xlabel="Reconstructed energy [TeV]", ylabel="Sensitivity [erg cm$^{-2}$ s$^{-1}$]", title=f"{LIVETIME:g} h")
ax.legend(title="limited by")
fig.savefig("sensitivity.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bsensitivit(?:y|ies)\b|\b(?:faintest|minimum|minimal|smallest|lowest) (?:detectable )?(?:\w+ )?flux\b|\bminimum detectable\b|\bdetectable flux\b'
# covers = ["counts_prediction", "model_flux"]
# vocabulary = []
# errors = []
# required = ["IRF_FILE", "LIVETIME", "OFFSET"]
#
# [keys]
# best_energy = ['\b(?:e|energy)\b.{0,20}\b(?:best|min\w*|lowest)\b|\b(?:best|optimal)\b.{0,12}\b(?:e|energy)\b', "TeV", ""]
# best_e2dnde = ['\b(?:best|lowest|min\w*)\b', "erg cm-2 s-1", ""]
# criterion = ['\bcriterion\b|\blimit(?:ed|ing)\b', "", "energy"]
# n_bins = ['\bn ?bins\b', "", ""]
# excess = ['\bexcess\b|\bn ?(?:gamma|signal)s?\b', "", "energy"]
# background = ['\bbackground\b|\bbkg\b', "", "energy"]
# flux = ['\bintegral\b|\bflux (?:above|sens\w*)\b|\bphoton flux\b|^flux$', "cm-2 s-1", "range"]
# dnde = ['\bdn ?de\b(?<!e2dnde)(?<!e 2 dnde)|\bdifferential flux\b', "cm-2 s-1 TeV-1", "energy"]
# e2dnde = ['\bsens\w*\b|\be ?2 ?dn ?de\b|\bnu ?f ?nu\b|\bsed\b', "erg cm-2 s-1", "energy"]
# livetime = ['\blive ?time\b', "h", ""]
#
# [said]
# N_SIGMA = '\bsigmas?\b|\bsignificance\b'
# GAMMA_MIN = '\bgamma[\s-]?rays?\b|\bphotons\b|\bexcess (?:counts|events)\b|\bgamma_min\b|\bevents\b|\b(?:minimum|at least)\b[^.;]{0,25}\b(?:gammas?|counts|events)\b'
# BKG_SYST_FRACTION = '\bbackground\b|\bsystematics?\b|\bbkg_syst_fraction\b'
# CONTAINMENT_PERCENT = '\bcontainment\b|\bPSF\b'
#
# [fixed]
# SPATIAL_MODEL = "point"
# SPECTRAL_MODEL = "pl"
#
# [choices.OFFSET]
# "0.0" = '\bon[\s-]axis\b'
#
# [choices.IRF_FILE]
# "cta-caldb/Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz" = '\bCTAO?[\s-]+South\b|\bsouthern (?:CTAO? )?array\b'
# "cta-caldb/Prod5-North-20deg-AverageAz-4LSTs09MSTs.180000s-v0.1.fits.gz" = '\bCTAO?[\s-]+North\b|\bnorthern (?:CTAO? )?array\b'
# ///
