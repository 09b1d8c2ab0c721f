"""IRF look-up: what are effective area, PSF containment radius, energy resolution and background rate of an instrument?

Answers the instrument response functions at an energy and offset: effective area, containment radius of the
point-spread function (angular resolution), energy resolution and bias, background rate, directional cut rad_max,
and the energy where the effective area exceeds a percentage of its maximum. Of one observation (run) of a data
store, or of a file with IRFs.

Not for: effective area times livetime folded with a spectrum (counts_prediction); flux sensitivity (sensitivity).

Follows: tutorial Instrument response functions (details/irfs).
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
from gammapy.data import DataStore
from gammapy.irf import load_irf_dict_from_file

DATA_STORE = None  # folder below GAMMAPY_DATA that holds the two index tables; None with IRF_FILE
OBS_IDS = None  # list with the one observation id whose response is looked up; None with IRF_FILE
IRF_FILE = None  # file below GAMMAPY_DATA with IRFs; None for those of an observation
OFFSET = None  # deg, from the pointing; None for that of the target
TARGET_RA = None  # deg, ICRS; None for on-axis, or the only offset that a file is made for
TARGET_DEC = None  # deg, ICRS
CONTAINMENT_PERCENT = 68.0  # how much of the PSF is inside the quantity psf_radius, in percent
ON_RADIUS = 0.1  # deg, of the circle for psf_containment and on_background_rate
AEFF_MAX_PERCENT = 10.0  # percent of the largest effective area that aeff_threshold is the first energy to exceed
ENERGY_MIN = 1.0  # TeV, reconstructed; of background rates between energies that the key does not give
ENERGY_MAX = 10.0  # TeV, reconstructed
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "offset_deg": ["offset", "deg"],
    "aeff_1TeV_m2": ["aeff", 1.0, "m2"],
    "aeff_10TeV_m2": ["aeff", 10.0, "m2"],
    "aeff_max_m2": ["aeff_max", "m2"],
    "aeff_threshold_TeV": ["aeff_threshold", "TeV"],
    "psf_r68_1TeV_deg": ["psf_r68", 1.0, "deg"],
    "energy_resolution_1TeV": ["energy_resolution", 1.0, ""],
    "energy_bias_1TeV": ["energy_bias", 1.0, ""],
    "background_rate_1TeV": ["background_rate", 1.0, "s-1 TeV-1 sr-1"],
}

# Read the IRFs, of a file or of an observation
folder = Path(os.environ["GAMMAPY_DATA"])
pointing = None
if IRF_FILE is not None:
    assert (folder / IRF_FILE).is_file(), f"there is no file {IRF_FILE} below GAMMAPY_DATA"
    irfs = load_irf_dict_from_file(folder / IRF_FILE)
else:
    assert DATA_STORE is not None, "say whose response: IRF_FILE, or DATA_STORE with one id in OBS_IDS"
    assert len(OBS_IDS or []) == 1, "the response is that of one observation: give one id in OBS_IDS"
    observation = DataStore.from_dir(folder / DATA_STORE).obs(OBS_IDS[0], required_irf=["aeff"])
    pointing = observation.get_pointing_icrs(observation.tmid)
    irfs = {name: getattr(observation, name) for name in observation.available_irfs}
    if observation.rad_max is not None:
        irfs["rad_max"] = observation.rad_max
assert "aeff" in irfs, "there is no effective area"
is_pointlike = irfs["aeff"].is_pointlike
for name, irf in irfs.items():
    print(name, irf, sep="\n")

# Offset from the pointing
offset_axis = irfs["aeff"].axes["offset"]
if OFFSET is not None:
    offset = OFFSET * u.deg
elif TARGET_RA is not None:
    assert pointing is not None, "a file with IRFs has no pointing: give OFFSET, not a target"
    offset = pointing.separation(SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")).to("deg")
else:
    offset = 0 * u.deg if offset_axis.nbin > 1 else offset_axis.center[0]
print(f"offset from the pointing: {offset:.3f}")


def response(name, **coords):
    """One of the IRFs, after a look whether it is there and covers the coordinates."""
    kind = "point-like" if is_pointlike else "full-enclosure"
    assert name in irfs, f"these {kind} IRFs have no {name}, they have {', '.join(irfs)}"
    for axis, value in coords.items():
        low, high = irfs[name].axes[axis].edges[[0, -1]]
        assert low <= value <= high, f"{axis} {value:g} is outside the {name}, which goes from {low:g} to {high:g}"
    return irfs[name]


# Numbers: functions of an energy in TeV that give (value, error or None)
def aeff(energy):
    coords = {"energy_true": energy * u.TeV, "offset": offset}
    return response("aeff", **coords).evaluate(**coords).squeeze(), None


def aeff_curve():
    """Effective area at many energies: the energies, and the areas."""
    energies = np.geomspace(*irfs["aeff"].axes["energy_true"].edges[[0, -1]], 5001)
    return energies, response("aeff", offset=offset).evaluate(energy_true=energies, offset=offset).squeeze()


def aeff_peak():
    energies, areas = aeff_curve()
    return energies[np.argmax(areas)], None


def aeff_threshold():
    """The first true energy with more than AEFF_MAX_PERCENT of the largest effective area."""
    energies, areas = aeff_curve()
    return energies[areas > AEFF_MAX_PERCENT / 100 * areas.max()][0], None


def psf_radius(energy, percent=CONTAINMENT_PERCENT):
    """The radius with a percentage of the PSF inside, in fine steps of the radius."""
    coords = {"energy_true": energy * u.TeV, "offset": offset}
    psf = response("psf", **coords)
    radius = psf.containment_radius(fraction=percent / 100, factor=100, **coords).squeeze()
    inside = psf.containment(rad=radius, **coords).squeeze()
    assert abs(inside - percent / 100) < 0.01, f"no radius in the table has {percent} % of the PSF inside"
    return u.Quantity(radius), None


def psf_containment(energy):
    coords = {"energy_true": energy * u.TeV, "offset": offset}
    return response("psf", **coords).containment(rad=ON_RADIUS * u.deg, **coords).squeeze(), None


def migration(energy):
    """Bins of the ratio of reconstructed to true energy at a true energy: their edges and probabilities."""
    coords = {"energy_true": energy * u.TeV, "offset": offset}
    edisp = response("edisp", **coords)
    ratio = edisp.axes["migra"]
    density = edisp.evaluate(migra=ratio.center, **coords).squeeze()
    probability = (density * ratio.bin_width).to_value("")
    assert probability.sum() > 0, f"the energy dispersion is empty at {energy} TeV"
    return ratio.edges.value, probability / probability.sum()


def energy_bias(energy):
    """Mean of the ratio less one."""
    edges, probability = migration(energy)
    return np.sum(probability * (edges[:-1] + edges[1:]) / 2) - 1, None


def energy_resolution(energy):
    """Standard deviation (RMS) of the ratio, as in EDispKernel.get_resolution; constant density inside the bins."""
    edges, probability = migration(energy)
    squares = np.diff(edges**3) / np.diff(edges) / 3
    return np.sqrt(np.sum(probability * squares) - (1 + energy_bias(energy)[0]) ** 2), None


def energy_resolution_68(energy):
    """Half of the width of the central 68 % of the ratio."""
    edges, probability = migration(energy)
    low, high = np.interp([0.16, 0.84], np.append(0, np.cumsum(probability)), edges)
    return (high - low) / 2, None


def bkg_coords():
    """Where the background is looked up: its rate may depend on the direction; this is along positive longitudes."""
    if response("bkg").has_offset_axis:
        return {"offset": offset}
    return {"fov_lon": offset, "fov_lat": 0 * u.deg}


def background_rate(energy):
    coords = {"energy": energy * u.TeV, **bkg_coords()}
    return response("bkg", **coords).evaluate(**coords).squeeze(), None


def background_integral(low=ENERGY_MIN, high=ENERGY_MAX):
    """Rate per solid angle between two reconstructed energies."""
    bkg = response("bkg", energy=low * u.TeV, **bkg_coords())
    response("bkg", energy=high * u.TeV)
    energies = np.geomspace(low, high, 1001) * u.TeV
    return np.trapezoid(bkg.evaluate(energy=energies, **bkg_coords()), energies), None


def on_background_rate(low=ENERGY_MIN, high=ENERGY_MAX):
    """Rate in a circle of ON_RADIUS, over which the rate per solid angle hardly changes."""
    solid_angle = 2 * np.pi * (1 - np.cos(ON_RADIUS * u.deg)) * u.sr
    return background_integral(low, high)[0] * solid_angle, None


def rad_max(energy=1.0):
    coords = {"energy": energy * u.TeV, "offset": offset}
    return response("rad_max", **coords).evaluate(**coords).squeeze(), None


def default_threshold():
    """The energy that the file itself calls safe (keyword LO_THRES)."""
    assert "LO_THRES" in irfs["aeff"].meta, "the effective area names no threshold (LO_THRES)"
    return irfs["aeff"].meta["LO_THRES"] * u.TeV, None


known = {
    "offset": lambda: (offset, None),
    "is_pointlike": lambda: (int(is_pointlike), None),
    "irfs": lambda: (sorted(irfs), None),
    "aeff": aeff,
    "aeff_max": lambda: (aeff_curve()[1].max(), None),
    "aeff_peak_energy": aeff_peak,
    "aeff_threshold": aeff_threshold,
    "default_threshold": default_threshold,
    "psf_radius": psf_radius,
    **{f"psf_r{n}": lambda energy, percent=n: psf_radius(energy, percent) for n in (50, 68, 80, 90, 95, 99)},
    "psf_containment": psf_containment,
    "energy_bias": energy_bias,
    "energy_resolution": energy_resolution,
    "energy_resolution_68": energy_resolution_68,
    "background_rate": background_rate,
    "background_integral": background_integral,
    "on_background_rate": on_background_rate,
    "rad_max": rad_max,
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, _ = known[quantity](*arguments)
    result[key] = value if isinstance(value, (int, str, list)) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
result["_meta"] = {
    "units": units,
    "irfs": f"{'point-like' if is_pointlike else 'full-enclosure'}: {', '.join(sorted(irfs))}",
    "offset_deg": float(offset.to_value("deg")),
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
if IRF_FILE is None:
    result["_meta"]["obs_ids"] = OBS_IDS
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: what depends on energy, at the offset
fig, axes = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
energies, areas = aeff_curve()
axes[0].loglog(energies[areas > 0], areas[areas > 0].to("m2"))
axes[0].set(xlabel="True energy [TeV]", ylabel="Effective area [m$^2$]", title=f"offset {offset:.2f}")
if "psf" in irfs:
    centers = irfs["psf"].axes["energy_true"].center
    for percent in (68, 95):
        radii = irfs["psf"].containment_radius(fraction=percent / 100, energy_true=centers, offset=offset)
        axes[1].semilogx(centers, radii.to("deg"), label=f"{percent} % containment")
    axes[1].set(xlabel="True energy [TeV]", ylabel="Radius [deg]", ylim=(0, None))
    axes[1].legend()
elif "rad_max" in irfs:
    centers = irfs["rad_max"].axes["energy"].center
    radii = irfs["rad_max"].evaluate(energy=centers, offset=offset).squeeze()
    axes[1].semilogx(centers, np.broadcast_to(radii, centers.shape, subok=True).to("deg"), "o-")
    axes[1].set(xlabel="Reconstructed energy [TeV]", ylabel="rad_max [deg]", ylim=(0, None))
if "edisp" in irfs:
    irfs["edisp"].plot_bias(ax=axes[2], offset=offset)
fig.savefig("irfs.png", dpi=120)
plt.close()

# /// recipe
# asked = '\beffective areas?\b(?!\s+(?:above|exceed|at least|larger|greater|of at least|threshold|below|falls))|\binstrument(?:al)? responses?\b|\bIRFs? at\b|\bIRFs? (?:of|for) (?:the )?(?:run|observation)\b|\benergy (?:dispersion|resolution|bias)\b|\b(?:containment|PSF) radi(?:us|i)\b|\bPSF (?:size|width|at)\b|\bangular resolution\b|\bbackground rate (?:at|of|per|in s)\b|\brad_?max\b|\br_?(?:68|95)\b|\bevaluate the (?:IRFs?|PSF)\b'
# perhaps = '\bIRFs?\b|\bPSF\b'
# covers = ["point_like_spectrum"]
# vocabulary = []
# errors = []
# required = ["IRF_FILE|OBS_IDS", "OFFSET|TARGET_RA"]
#
# [keys]
# psf_r50 = ['\br ?50\b|\b50 ?(?:%|percent)', "deg", "energy"]
# psf_r68 = ['\br ?68\b|\b68 ?(?:%|percent)|\bangular resolution\b', "deg", "energy"]
# psf_r80 = ['\br ?80\b|\b80 ?(?:%|percent)', "deg", "energy"]
# psf_r90 = ['\br ?90\b|\b90 ?(?:%|percent)', "deg", "energy"]
# psf_r95 = ['\br ?95\b|\b95 ?(?:%|percent)', "deg", "energy"]
# psf_r99 = ['\br ?99\b|\b99 ?(?:%|percent)', "deg", "energy"]
# psf_radius = ['\bcontainment radius\b|\bpsf (?:radius|size|width)\b|\bradius\b|^psf$', "deg", "energy"]
# psf_containment = ['\bcontainment\b|\bcontained\b|\bpsf\b.{0,20}\bfraction\b', "", "energy"]
# default_threshold = ['\blo ?thres\b|\b(?:default|header|safe)\b.{0,20}\bthresh', "TeV", ""]
# aeff_threshold = ['\bthresh(?:old)?\b|\be ?(?:thr|min)\b|\b(?:e|energy)\b.{0,40}\b(?:where|at which|above which|exceeds?|percent)\b|\b(?:e|energy) aeff\b', "TeV", ""]
# aeff_peak_energy = ['\b(?:e|energy)\b.{0,20}\b(?:max(?:imum)?|peak|largest)\b|\bpeak energy\b|\be ?(?:peak|max)\b', "TeV", ""]
# aeff_max = ['\b(?:max(?:imum)?|peak|largest)\b.{0,20}\b(?:aeff|area)\b|\b(?:aeff|area) (?:max(?:imum)?|peak)\b', "m2", ""]
# aeff = ['\b(?:aeff|a eff|eff(?:ective)? ?area|area)\b', "m2", "energy"]
# on_background_rate = ['\bon (?:background|bkg) rate\b|\b(?:background|bkg) rate (?:in|inside|on|region)\b', "s-1", "range"]
# background_integral = ['\bintegra(?:l|ted) (?:background|bkg)\b|\b(?:background|bkg)(?: rate)? integra(?:l|ted)\b', "s-1 sr-1", "range"]
# background_rate = ['\b(?:background|bkg)\b', "s-1 TeV-1 sr-1", "energy"]
# energy_resolution_68 = ['\bresolution ?68\b|\b(?:half[\s-]?width|quantile)\b', "", "energy"]
# energy_resolution = ['\bresolution\b|\be ?res\b', "", "energy"]
# energy_bias = ['\be?bias\b', "", "energy"]
# rad_max = ['\brad ?max\b|\b(?:directional|theta) cut\b', "deg", "energy"]
# offset = ['\boffset\b|\bseparation\b', "deg", ""]
# is_pointlike = ['\bpoint ?like\b', "", ""]
# irfs = ['\birfs?\b', "", ""]
#
# [said]
# CONTAINMENT_PERCENT = '\bcontainment\b|\bpsf\b'
#
# [choices.OFFSET]
# "0.0" = '\bon[\s-]axis\b'
#
# [choices.IRF_FILE]
# "cta-caldb/Prod5-South-20deg-AverageAz-14MSTs37SSTs.180000s-v0.1.fits.gz" = '\bCTAO?[\s-]+South\b|\bsouthern (?:CTAO? )?array\b'
# "cta-caldb/Prod5-North-20deg-AverageAz-4LSTs09MSTs.180000s-v0.1.fits.gz" = '\bCTAO?[\s-]+North\b|\bnorthern (?:CTAO? )?array\b'
#
# [fixed]
# SPATIAL_MODEL = "any"
# ///
