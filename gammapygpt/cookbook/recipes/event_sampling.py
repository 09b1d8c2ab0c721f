"""Event sampling: simulate an event list (photons of a source and background) as CTAO or another telescope would record it.

Answers how many events of the source and of the background are sampled in an observation, how many are expected, how
many lie around the source and above an energy; and writes the event list to a FITS file. The seed is set, so that the
events come out again.

Not for: binned spectra with fake counts (spectrum_simulation); expected numbers alone (counts_prediction).

Follows: tutorial Event sampling (analysis-3d/event_sampling).
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
from gammapy.datasets import MapDataset, MapDatasetEventSampler
from gammapy.irf import load_irf_dict_from_file
from gammapy.makers import MapDatasetMaker
from gammapy.maps import Map, MapAxis, WcsGeom
from gammapy.modeling.models import EBLAbsorptionNormSpectralModel, FoVBackgroundModel, Model, SkyModel

IRF_FILE = None  # file below GAMMAPY_DATA with IRFs
LIVETIME = None  # h
TARGET_RA = 0.0  # deg, ICRS, of the source
TARGET_DEC = 0.0  # deg, ICRS
OFFSET = 0.5  # deg, of the source from the pointing, which is north of it
SPATIAL_MODEL = "point"  # point, gauss or disk
EXTENSION = None  # deg, sigma of a Gaussian or radius of a disk
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
SEED = 0  # of the random numbers
ENERGY_MIN = 0.1  # TeV, reconstructed
ENERGY_MAX = 100.0  # TeV, reconstructed
MAP_WIDTH = 4.0  # deg, of the square around the pointing that events are sampled in
PIXEL_SIZE = 0.02  # deg
ON_RADIUS = 0.1  # deg, of the circle around the source for n_on
OUTPUT_FILE = "events.fits"  # file for the event list
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments ..., unit]
    "n_events": ["n_events", ""],
    "n_source": ["n_source", ""],
    "n_background": ["n_background", ""],
    "expected_source": ["expected_source", ""],
    "expected_background": ["expected_background", ""],
}

# Source model
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
place = {"lon_0": TARGET_RA * u.deg, "lat_0": TARGET_DEC * u.deg, "frame": "icrs"}
if SPATIAL_MODEL != "point":
    assert EXTENSION is not None, f"a {SPATIAL_MODEL} needs its EXTENSION"
    place[{"gauss": "sigma", "disk": "r_0"}[SPATIAL_MODEL]] = EXTENSION * u.deg
source = SkyModel(spectral_model=spectrum, spatial_model=Model.create(SPATIAL_MODEL, "spatial", **place), name="source")

# Observation
assert IRF_FILE is not None, "a simulation needs the file with the IRFs, IRF_FILE"
assert LIVETIME is not None, "a simulation needs the LIVETIME"
path = Path(os.environ["GAMMAPY_DATA"]) / IRF_FILE
assert path.is_file(), f"there is no file {IRF_FILE} below GAMMAPY_DATA"
irfs = load_irf_dict_from_file(path)
missing = [name for name in ("aeff", "edisp", "psf", "bkg") if name not in irfs]
assert not missing, f"events are sampled with full-enclosure IRFs; these lack {', '.join(missing)}"
target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
pointing = target.directional_offset_by(0 * u.deg, OFFSET * u.deg)
observation = Observation.create(
    obs_id=1,
    pointing=FixedPointingInfo(fixed_icrs=pointing),
    irfs=irfs,
    livetime=LIVETIME * u.h,
    location=observatory_locations["ctao_south"],
)
print(observation)

# Expected counts of source and background
n_bins = max(1, round(10 * np.log10(ENERGY_MAX / ENERGY_MIN)))
energy_axis = MapAxis.from_energy_bounds(ENERGY_MIN, ENERGY_MAX, nbin=n_bins, unit="TeV")
energy_axis_true = MapAxis.from_energy_bounds(
    ENERGY_MIN / 3, ENERGY_MAX * 3, nbin=20, per_decade=True, unit="TeV", name="energy_true"
)
migra_axis = MapAxis.from_bounds(0.5, 2, nbin=150, node_type="edges", name="migra")
geom = WcsGeom.create(skydir=pointing, width=MAP_WIDTH, binsz=PIXEL_SIZE, axes=[energy_axis])
assert OFFSET < MAP_WIDTH / 2, "the source is outside the map"
empty = MapDataset.create(geom, energy_axis_true=energy_axis_true, migra_axis=migra_axis, name="simulated")
maker = MapDatasetMaker(selection=["exposure", "background", "psf", "edisp"])
dataset = maker.run(empty, observation)
dataset.models = [source, FoVBackgroundModel(dataset_name="simulated")]
print(dataset)

# Sample events, and write them
sampler = MapDatasetEventSampler(random_state=SEED)
events = sampler.run(dataset, observation)
observation.events = events
observation.write(OUTPUT_FILE, include_irfs=False, overwrite=True)
print(events)

# Numbers: functions that give (value, error or None)
origin = np.array(events.table["MC_ID"])  # 1 of the source, 0 of the background
energies = events.energy.to("TeV")
separations = events.radec.separation(target)


def n_above(energy):
    """Sampled events above a reconstructed energy in TeV."""
    return int(np.sum(energies >= energy * u.TeV)), None


known = {
    "n_events": lambda: (len(events.table), None),
    "n_source": lambda: (int(np.sum(origin == 1)), None),
    "n_background": lambda: (int(np.sum(origin == 0)), None),
    "expected_source": lambda: (float(dataset.npred_signal().data.sum()), None),
    "expected_background": lambda: (float(dataset.npred_background().data.sum()), None),
    "n_on": lambda: (int(np.sum(separations < ON_RADIUS * u.deg)), None),
    "n_source_on": lambda: (int(np.sum((separations < ON_RADIUS * u.deg) & (origin == 1))), None),
    "n_above": n_above,
    "max_energy": lambda: (energies.max(), None),
    "min_energy": lambda: (energies.min(), None),
    "mean_energy": lambda: (energies.mean(), None),
    "livetime": lambda: (observation.observation_live_time_duration, None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, _ = known[quantity](*arguments)
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
result["_meta"] = {
    "units": units,
    "pointing": {"ra_deg": float(pointing.ra.deg), "dec_deg": float(pointing.dec.deg)},
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: sampled events
counts = Map.create(skydir=pointing, width=MAP_WIDTH, binsz=max(PIXEL_SIZE, 0.05), map_type="wcs")
counts.fill_events(events)
counts.smooth(0.05 * u.deg).plot(add_cbar=True)
plt.savefig("events.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bevent[\s-]?sampl\w+|\bsampl(?:e|ed|ing) (?:an? |the )?(?:\w+ )?events?\b|\bsimulat\w+ (?:an? |the )?(?:\w+ )?(?:event[\s-]?lists?|events|photons|DL3)\b|\bMapDatasetEventSampler\b|\bMC_ID\b'
# perhaps = '\bsimulat\w+\b'
# covers = ["spectrum_simulation", "counts_prediction", "model_flux", "ebl_absorption", "reflected_spectrum", "events_in_region"]
# vocabulary = []
# errors = []
# required = ["IRF_FILE", "LIVETIME", "AMPLITUDE", "INDEX|ALPHA", "OFFSET"]
#
# [keys]
# expected_background = ['\b(?:expected|predicted|npred)\b.{0,20}\b(?:background|bkg)\b|\b(?:background|bkg)\b.{0,12}\b(?:expected|predicted|npred)\b', "", ""]
# expected_source = ['\b(?:expected|predicted|npred)\b', "", ""]
# n_source_on = ['\b(?:source|signal)\b.{0,20}\b(?:on|region|circle)\b', "", ""]
# n_on = ['\bn ?on\b|\bon (?:counts|events)\b|\b(?:in|inside|within)\b.{0,20}\b(?:circle|region|deg)\b', "", ""]
# n_above = ['\babove\b', "", "energy"]
# n_source = ['\b(?:source|signal|gamma)\b', "", ""]
# n_background = ['\b(?:background|bkg)\b', "", ""]
# max_energy = ['\b(?:max\w*|highest|largest)\b.{0,15}\b(?:e|energy)\b|\b(?:e|energy) max\w*', "TeV", ""]
# min_energy = ['\b(?:min\w*|lowest|smallest)\b.{0,15}\b(?:e|energy)\b|\b(?:e|energy) min\w*', "TeV", ""]
# mean_energy = ['\b(?:mean|average)\b.{0,15}\b(?:e|energy)\b', "TeV", ""]
# n_events = ['\bevents\b|\bn ?(?:total|all)?$|\btotal\b', "", ""]
# livetime = ['\blive ?time\b', "h", ""]
#
# [said]
# EXTENSION = '\bextension\b|\bsigma\b|\bgauss\w*\b|\bdisk\b|\bextended\b|\bwidth of the source\b'
# OUTPUT_FILE = '\bevents?\b|\bwrit\w+\b|\bsav\w+\b'
#
# [choices.OFFSET]
# "0.0" = '\bon[\s-]axis\b|\bat the pointing (?:position|centre|center)\b'
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
