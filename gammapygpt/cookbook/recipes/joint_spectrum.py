"""Joint spectrum: which one spectral model fits the data of several instruments (H.E.S.S., MAGIC, Fermi-LAT) together?

Answers spectral parameters and fluxes of one model, fitted at once to everything that is given: DL3 data of several
telescopes, with full-enclosure IRFs (reflected regions, containment correction) or point-like ones (RAD_MAX, wobble
regions); spectra in OGIP files; map data sets, such as those of Fermi-LAT (with their own background model); flux
points of other instruments. Counts and significance are reported for each instrument. Nothing accounts for differences
of the energy scales. With absorption by the extragalactic background light (EBL), parameters are intrinsic.

Not for: one instrument, see reflected_spectrum, point_like_spectrum, spectrum_from_ogip or stacked_3d.

Follows: tutorials analysis_mwl, magic and spectral_analysis (Gammapy 2.1).
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
from astropy.io import fits
from astropy.time import Time
from gammapy.data import DataStore
from gammapy.datasets import Datasets, FluxPointsDataset, SpectrumDataset, SpectrumDatasetOnOff
from gammapy.estimators import FluxPoints, FluxPointsEstimator
from gammapy.makers import (
    ReflectedRegionsBackgroundMaker,
    SafeMaskMaker,
    SpectrumDatasetMaker,
    WobbleRegionsFinder,
)
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import EBLAbsorptionNormSpectralModel, Model, SkyModel
from regions import CircleSkyRegion, PointSkyRegion

DATA_STORES = ["hess-dl3-dr1", "magic/rad_max/data"]  # folders below GAMMAPY_DATA with DL3 data; [] for none
DATA_FILES = []  # files below GAMMAPY_DATA: PHA (or their folders), data sets (.yaml), flux points (.ecsv, .fits)
FERMI_DATASETS = None  # data sets (.yaml) of Fermi-LAT below GAMMAPY_DATA, where DATA_FILES has none; None for none
TARGET_RA = 83.6331  # deg, ICRS, the source
TARGET_DEC = 22.0145  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids of all data stores and PHA files; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
ENERGY_MIN = 0.05  # TeV, reconstructed, of DL3 and PHA data
ENERGY_MAX = 50.0  # TeV, reconstructed, of DL3 and PHA data
ENERGY_RANGES = {}  # TeV, [lower, upper] for single data stores or PHA files, such as {"hess-dl3-dr1": [0.7, 20.0]}
BINS_PER_DECADE = 10  # of reconstructed energy
AEFF_MAX_PERCENT = 10.0  # safe energies: effective area above this percentage of its maximum; 0 for no such threshold
ON_RADIUS = 0.11  # deg, for full-enclosure IRFs; point-like ones have their own
EXCLUSION_RADIUS = 0.3  # deg around the target, kept out of reflected regions; 0 for none
N_OFF_REGIONS = 3  # OFF positions per observation, for point-like IRFs
SPECTRAL_MODEL = "pl"  # pl power law, ecpl power law with exponential cut-off, lp log parabola (natural logarithm)
REFERENCE_ENERGY = 1.0  # TeV
START = {"amplitude": 1e-11}  # where the fit starts: index, amplitude (cm-2 s-1 TeV-1), lambda_ (TeV-1), alpha, beta
FIXED = {}  # parameters kept at a value, such as {"index": 2.0}
EBL_ABSORPTION = False  # whether the model is absorbed by the extragalactic background light on its way
REDSHIFT = None  # of the source, for the absorption
EBL_MODEL = "dominguez"  # dominguez, franceschini, franceschini17, saldana-lopez21 or finke
EBL_NORM = 1.0  # optical depth relative to that of the EBL model
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "index": ["parameter", "index", ""],
    "amplitude": ["parameter", "amplitude", "cm-2 s-1 TeV-1"],
    "flux_1_10TeV": ["flux", 1.0, 10.0, "cm-2 s-1"],
    "energy_flux_1_10TeV_erg": ["energy_flux", 1.0, 10.0, "erg cm-2 s-1"],
    "n_on": ["n_on", ""],
    "n_obs": ["n_obs", ""],
    "livetime_h": ["livetime", "h"],
}

assert REDSHIFT is not None or not EBL_ABSORPTION, "absorption by the background light needs the redshift"
folder = Path(os.environ["GAMMAPY_DATA"])
target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")


def select_observations(name):
    """The observations of one data store, and whether their IRFs are point-like."""
    data_store = DataStore.from_dir(folder / name)
    obs_table = data_store.obs_table
    if SELECTION_RADIUS is not None:
        obs_table = obs_table.select_sky_circle(target, SELECTION_RADIUS * u.deg)
    if OBS_IDS is not None:
        obs_table = obs_table[np.isin(obs_table["OBS_ID"], OBS_IDS)]
    if DATES is not None:
        start, stop = Time(DATES, scale="utc")
        obs_table = obs_table[(obs_table.time_start >= start) & (obs_table.time_start < stop)]
    obs_table.sort("OBS_ID")
    assert len(obs_table) > 0, f"no observation of {name} passes the selection"
    hdu_table = data_store.hdu_table[np.isin(data_store.hdu_table["OBS_ID"], obs_table["OBS_ID"])]
    files = {data_store.hdu_table.base_dir / hdu["FILE_DIR"].strip() / hdu["FILE_NAME"].strip() for hdu in hdu_table}
    missing = sorted(file.name for file in files if not file.is_file())
    assert not missing, f"{name} names files that are not there: {missing}"
    observations = data_store.get_observations(obs_table["OBS_ID"], required_irf="point-like")
    assert len(observations) == len(obs_table), f"an observation of {name} lacks events or IRFs"
    kinds = {observation.aeff.is_pointlike for observation in observations}
    assert len(kinds) == 1, f"{name} has point-like and full-enclosure IRFs"
    return observations, kinds.pop()


def reduce_observations(name):
    """Spectra with OFF counts of one data store, and its observations."""
    observations, point_like = select_observations(name)
    low, high = ENERGY_RANGES.get(name, [ENERGY_MIN, ENERGY_MAX])
    energy_axis = MapAxis.from_energy_bounds(low, high, nbin=BINS_PER_DECADE, per_decade=True, unit="TeV")
    energy_axis_true = MapAxis.from_energy_bounds(
        low / 10, high * 5, nbin=20, per_decade=True, unit="TeV", name="energy_true"
    )
    exclusion_mask = None
    if EXCLUSION_RADIUS > 0 and not point_like:
        sky = WcsGeom.create(skydir=target, width=10 * u.deg, binsz=0.02, proj="TAN")
        exclusion_mask = sky.region_mask([CircleSkyRegion(target, EXCLUSION_RADIUS * u.deg)], inside=False)
    on_region = PointSkyRegion(target) if point_like else CircleSkyRegion(target, ON_RADIUS * u.deg)
    empty = SpectrumDataset.create(RegionGeom.create(on_region, axes=[energy_axis]), energy_axis_true=energy_axis_true)
    dataset_maker = SpectrumDatasetMaker(
        selection=["counts", "exposure", "edisp"], containment_correction=not point_like
    )
    background_maker = ReflectedRegionsBackgroundMaker(
        region_finder=WobbleRegionsFinder(n_off_regions=N_OFF_REGIONS) if point_like else None,
        exclusion_mask=exclusion_mask,
    )
    safe_mask_maker = SafeMaskMaker(methods=["aeff-max"], aeff_percent=AEFF_MAX_PERCENT)
    reduced = Datasets()
    for observation in observations:
        dataset = dataset_maker.run(empty.copy(name=f"{name} {observation.obs_id}"), observation)
        dataset = background_maker.run(dataset, observation)
        assert dataset.counts_off is not None, f"no OFF regions fit in observation {observation.obs_id}"
        if AEFF_MAX_PERCENT > 0:
            dataset = safe_mask_maker.run(dataset, observation)
        reduced.append(dataset)
    return reduced, observations


def read_spectra(name):
    """Spectra in OGIP files: one file, or those of a folder that hold counts and name their effective area."""
    path = folder / name
    reduced = Datasets()
    for file in sorted(path.glob("*.fits*")) if path.is_dir() else [path]:
        with fits.open(file) as hdus:
            if "SPECTRUM" not in hdus or "ANCRFILE" not in hdus["SPECTRUM"].header or "bkg" in file.name:
                continue
        dataset = SpectrumDatasetOnOff.read(file)
        if OBS_IDS is not None and dataset.name not in map(str, OBS_IDS):
            continue
        assert dataset.counts_off is not None, f"{file.name} has no background file"
        low, high = ENERGY_RANGES.get(name, [ENERGY_MIN, ENERGY_MAX])
        axis = dataset.counts.geom.axes["energy"]
        inside = (axis.edges_min > 0.999 * low * u.TeV) & (axis.edges_max < 1.001 * high * u.TeV)
        dataset.mask_safe.data &= inside.reshape(dataset.mask_safe.data.shape)
        assert dataset.mask_safe.data.any(), f"no safe bin of {file.name} lies in the energy range"
        reduced.append(dataset.copy(name=f"{name} {dataset.name}"))
    assert len(reduced) > 0, f"there is no spectrum in {name}"
    return reduced


# Data of each instrument: spectra, map data sets, flux points
names = list(dict.fromkeys([*DATA_STORES, *DATA_FILES]))
if FERMI_DATASETS is not None and not any(name.endswith(("yaml", "yml")) for name in names):
    names.append(FERMI_DATASETS)
instruments, all_observations = {}, []
for name in names:
    path = folder / name
    assert path.exists(), f"there is no {name}"
    if (path / "obs-index.fits.gz").is_file():
        reduced, observations = reduce_observations(name)
        label = str(observations[0].events.table.meta.get("TELESCOP", name)).strip()
        all_observations.extend(observations)
    elif path.suffix in (".yaml", ".yml"):
        models_file = path.with_name(path.name.replace("_datasets", "_models"))
        reduced = Datasets.read(path, filename_models=models_file if models_file != path else None)
        label = reduced[0].name
    elif path.is_dir() or (".fits" in path.name and "SPECTRUM" in [hdu[1] for hdu in fits.info(path, output=False)]):
        reduced, label = read_spectra(name), path.name if path.is_dir() else path.parent.name
    else:
        reduced, label = Datasets([FluxPointsDataset(data=FluxPoints.read(path), name=path.stem)]), path.stem
    label = label.lower()
    instruments[label] = Datasets([*instruments.get(label, []), *reduced])
assert len(instruments) > 1, f"a joint fit needs the data of several instruments: {list(instruments)}"
if OBS_IDS is not None:
    found = {
        int(one.name.split()[-1])
        for group in instruments.values()
        for one in group
        if one.tag == "SpectrumDatasetOnOff"
    }
    assert found == set(OBS_IDS), f"observations {sorted(set(OBS_IDS) - found)} are in no data store"

# One spectral model for all; in map data sets it replaces that of the source at the target
intrinsic = Model.create(SPECTRAL_MODEL, "spectral", reference=REFERENCE_ENERGY * u.TeV)
for name, value in {**START, **FIXED}.items():
    intrinsic.parameters[name].value = value
    intrinsic.parameters[name].frozen = name in FIXED
spectrum = intrinsic
if EBL_ABSORPTION:
    ebl = EBLAbsorptionNormSpectralModel.read_builtin(EBL_MODEL, redshift=REDSHIFT, alpha_norm=EBL_NORM)
    spectrum = intrinsic * ebl
datasets = Datasets([dataset for group in instruments.values() for dataset in group])
maps = [dataset for dataset in datasets if dataset.tag == "MapDataset"]
others = [dataset.name for dataset in datasets if dataset.tag != "MapDataset"]
models = [SkyModel(spectral_model=spectrum, name="source", datasets_names=others)] if others else []
for dataset in maps:
    assert dataset.models is not None, f"{dataset.name} comes without models"
    sources = [model for model in dataset.models if isinstance(model, SkyModel)]
    near = [model for model in sources if model.position and model.position.separation(target) < 0.1 * u.deg]
    assert len(near) == 1, f"{len(near)} sources of {dataset.name} lie at the target"
    near[0].spectral_model = spectrum
    for model in sources:
        if model.datasets_names is None:  # or it would count twice in the spectra
            model.datasets_names = [other.name for other in maps if model in other.models]
    models.extend(model for model in dataset.models if model not in models)
datasets.models = models

# Fit
fit_result = Fit().run(datasets)
print(fit_result)
print(datasets.models.to_parameters_table())
assert fit_result.success, f"the fit did not converge: {fit_result.optimize_result.message}"


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


on_off = {
    label: Datasets([dataset for dataset in group if dataset.tag == "SpectrumDatasetOnOff"])
    for label, group in instruments.items()
}
tables = {label: group.info_table(cumulative=True)[-1] for label, group in on_off.items() if len(group) > 0}
n_on = {label: int(total["counts"]) for label, total in tables.items()}
n_off = {label: int(total["counts_off"]) for label, total in tables.items()}
excess = {label: float(total["excess"]) for label, total in tables.items()}
livetime = sum(observation.observation_live_time_duration for observation in all_observations)
known = {
    "n_obs": lambda: (sum(len(group) for group in on_off.values()), None),
    "n_instruments": lambda: (len(instruments), None),
    "livetime": lambda: (livetime, None),
    "n_on": lambda: (sum(n_on.values()), None),
    "n_off": lambda: (sum(n_off.values()), None),
    "excess": lambda: (sum(excess.values()), None),
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
    "fit_statistic": lambda: (fit_result.total_stat, None),
    "fit_success": lambda: (int(fit_result.success), None),
    "pivot_energy": lambda: (intrinsic.pivot_energy, None),
}
for label, total in tables.items():
    known |= {
        f"n_on_{label}": lambda label=label: (n_on[label], None),
        f"n_off_{label}": lambda label=label: (n_off[label], None),
        f"excess_{label}": lambda label=label: (excess[label], None),
        f"significance_{label}": lambda total=total: (float(total["sqrt_ts"]), None),
        f"livetime_{label}": lambda total=total: (total["livetime"] * u.s, None),
    }

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    assert quantity.removesuffix("_error") in known, f"{quantity}, but the instruments are {list(instruments)}"
    value, error = known[quantity.removesuffix("_error")](*arguments)
    if quantity.endswith("_error"):
        value, error = error, None
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
result["_meta"] = {
    "units": units,
    "obs_ids": [int(observation.obs_id) for observation in all_observations],
    "instruments": {label: [dataset.name for dataset in group] for label, group in instruments.items()},
    "counts": {label: {"on": n_on[label], "off": n_off[label], "excess": excess[label]} for label in tables},
    "fit_success": bool(fit_result.success),
    "covariance_success": bool(fit_result.covariance_result.success),
    "fit": {"message": fit_result.optimize_result.message, "statistic": float(fit_result.total_stat)},
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: the model with flux points of each instrument
fig, ax = plt.subplots(figsize=(8, 6))
energies = []
for label, group in instruments.items():
    if isinstance(group[0], FluxPointsDataset):
        points = group[0].data
    else:
        axis = group[0].counts.geom.axes["energy"]
        counts = group.stack_reduce(name=f"stacked {label}") if len(group) > 1 else group[0]
        inside = (counts.mask_safe.data & (counts.counts.data > 0)).any(axis=(1, 2))
        first, last = np.flatnonzero(inside)[[0, -1]]
        edges = axis.edges[first : last + 2 : max(1, (last + 1 - first) // 6)]
        source = next(name for name in group.models.names if group.models[name].spectral_model is spectrum)
        points = FluxPointsEstimator(energy_edges=edges, source=source).run(group)
    points.plot(ax=ax, sed_type="e2dnde", label=label)
    energies.extend(points.geom.axes["energy"].edges.to_value("TeV"))
energy_bounds = min(energies) * u.TeV, max(energies) * u.TeV
spectrum.plot(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde", label="joint fit")
spectrum.plot_error(ax=ax, energy_bounds=energy_bounds, sed_type="e2dnde")
ax.set_xlim(energy_bounds)
ax.legend()
fig.savefig("joint_sed.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bjoint(?:ly)?\b[^.;]{0,80}\b(?:MAGIC|VERITAS|Fermi|LAT|HAWC|instruments|telescopes|experiments)\b|\bmulti-?[\s-]?(?:instrument|mission|wavelength)\b|\b(?:several|both|two|three|four|different|all) (?:instruments|telescopes|experiments)\b|\b(?:HESS|MAGIC|VERITAS|Fermi(?:-?LAT)?|LAT)(?: data)?,? (?:and|\+|plus|with|together with) (?:the )?(?:HESS|MAGIC|VERITAS|Fermi(?:-?LAT)?|LAT)\b'
# perhaps = '\bjoint(?:ly)?(?: fit| analysis)?(?: with)?\b|\bcombin\w+\b|\bsimultaneous\w*\b'
# covers = ["observation_list", "reflected_significance", "reflected_spectrum", "point_like_spectrum", "spectrum_from_ogip", "ebl_absorption"]
# vocabulary = ["spectrum", "counts"]
# errors = ["parameter", "cutoff", "dnde", "e2dnde", "flux", "energy_flux",
#           "intrinsic_dnde", "intrinsic_flux", "intrinsic_energy_flux"]
# required = ["DATA_STORES|DATA_FILES"]
#
# [keys]
# n_on_hess = ['\b(?:n ?on|on counts|counts)\b.*\bhess\b|\bhess\b.*\b(?:n ?on|on counts|counts)\b', "", ""]
# n_off_hess = ['\b(?:n ?off|off counts)\b.*\bhess\b|\bhess\b.*\b(?:n ?off|off counts)\b', "", ""]
# excess_hess = ['\bexcess\b.*\bhess\b|\bhess\b.*\bexcess\b', "", ""]
# significance_hess = ['\b(?:significance|sigma|sqrt ?ts)\b.*\bhess\b|\bhess\b.*\b(?:significance|sigma|sqrt ?ts)\b', "", ""]
# livetime_hess = ['\blive ?time\b.*\bhess\b|\bhess\b.*\blive ?time\b', "h", ""]
# n_on_magic = ['\b(?:n ?on|on counts|counts)\b.*\bmagic\b|\bmagic\b.*\b(?:n ?on|on counts|counts)\b', "", ""]
# n_off_magic = ['\b(?:n ?off|off counts)\b.*\bmagic\b|\bmagic\b.*\b(?:n ?off|off counts)\b', "", ""]
# excess_magic = ['\bexcess\b.*\bmagic\b|\bmagic\b.*\bexcess\b', "", ""]
# significance_magic = ['\b(?:significance|sigma|sqrt ?ts)\b.*\bmagic\b|\bmagic\b.*\b(?:significance|sigma|sqrt ?ts)\b', "", ""]
# livetime_magic = ['\blive ?time\b.*\bmagic\b|\bmagic\b.*\blive ?time\b', "h", ""]
# n_on_veritas = ['\b(?:n ?on|on counts|counts)\b.*\bveritas\b|\bveritas\b.*\b(?:n ?on|on counts|counts)\b', "", ""]
# n_off_veritas = ['\b(?:n ?off|off counts)\b.*\bveritas\b|\bveritas\b.*\b(?:n ?off|off counts)\b', "", ""]
# excess_veritas = ['\bexcess\b.*\bveritas\b|\bveritas\b.*\bexcess\b', "", ""]
# significance_veritas = ['\b(?:significance|sigma|sqrt ?ts)\b.*\bveritas\b|\bveritas\b.*\b(?:significance|sigma|sqrt ?ts)\b', "", ""]
# livetime_veritas = ['\blive ?time\b.*\bveritas\b|\bveritas\b.*\blive ?time\b', "h", ""]
# n_instruments = ['\b(?:n|number of|how many) (?:instruments|telescopes)\b', "", ""]
# n_on = ['\bn ?on\b|\bon counts\b', "", ""]
# n_off = ['\bn ?off\b|\boff counts\b', "", ""]
# excess = ['\bexcess\b', "", ""]
# intrinsic_energy_flux = ['\b(?:intrinsic|de-?absorbed|unabsorbed|emitted)\b.*\b(?:e ?|energy ?)flux\b', "erg cm-2 s-1", "range"]
# intrinsic_dnde = ['\b(?:intrinsic|de-?absorbed|unabsorbed|emitted)\b.*\b(?:dn ?de|diff\w*)\b', "cm-2 s-1 TeV-1", "energy"]
# intrinsic_flux = ['\b(?:intrinsic|de-?absorbed|unabsorbed|emitted)\b.*\bflux\b', "cm-2 s-1", "range"]
#
# [said]
# N_OFF_REGIONS = '\b(?:OFF|wobble|background)[\s-]*(?:regions?|positions?)\b'
#
# [fixed]
# STACKED = false
# CONTAINMENT_CORRECTION = true
# SPATIAL_MODEL = "point"
#
# [choices.FERMI_DATASETS]
# "fermi-3fhl-crab/Fermi-LAT-3FHL_datasets.yaml" = '\bFermi(?:-?LAT)?\b|\bLAT\b|\b3FHL\b'
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
