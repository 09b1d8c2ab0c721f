"""Theta-squared distribution: how are the events around a target spread in theta2, ON against OFF, and what excess?

Answers ON and OFF counts within a cut on theta (the angle between event and target), excess and Li & Ma significance,
and the counts in bins of theta squared. OFF positions lie opposite to the target in each run (or all around the
pointing), at its offset. Works on any DL3 events, full-enclosure or point-like.

Not for: the largest possible OFF statistics or an exclusion mask, see reflected_significance; fluxes, see
reflected_spectrum.

Follows: tutorial theta_square_plot (Gammapy 2.1).
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
from astropy.time import Time
from gammapy.data import DataStore
from gammapy.makers.utils import ThetaSquaredTable
from gammapy.maps import MapAxis
from gammapy.stats import WStatCountsStatistic
from gammapy.visualization import plot_theta_squared_table

DATA_STORE = "hess-dl3-dr1"  # folder below GAMMAPY_DATA that holds the two index tables
TARGET_RA = 83.6331  # deg, ICRS
TARGET_DEC = 22.0145  # deg, ICRS
SELECTION_RADIUS = 2.0  # deg, largest distance of the pointing from the target; None for any
OBS_IDS = None  # list of observation ids; None for all
DATES = None  # [start, stop] in UTC, e.g. ["2006-01-01", "2007-01-01"], of the start of observations; None for all
ENERGY_MIN = None  # TeV, reconstructed; None for any
ENERGY_MAX = None  # TeV, reconstructed; None for any
ON_RADIUS = 0.11  # deg, cut on theta: events closer to the target than this count as ON
THETA2_CUT = None  # deg2, the same cut as theta squared; None for the square of ON_RADIUS
THETA2_MAX = None  # deg2, end of the distribution; None for 0.2, or less where ON and OFF would overlap
THETA2_BINS = 20  # number of bins of the distribution, from 0 to its end
N_OFF_REGIONS = 1  # OFF positions per run: 1 opposite to the target, more evenly around the pointing
RESULTS = {  # key in result.json: [quantity of `known` below, unit]
    "n_on": ["n_on", ""],
    "n_off": ["n_off", ""],
    "alpha": ["alpha", ""],
    "excess": ["excess", ""],
    "significance": ["significance", ""],
    "theta2_cut_deg2": ["theta2_cut", "deg2"],
    "n_obs": ["n_obs", ""],
    "livetime_h": ["livetime", "h"],
}

# Select observations
data_store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"]) / DATA_STORE)
target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
obs_table = data_store.obs_table
if SELECTION_RADIUS is not None:
    obs_table = obs_table.select_sky_circle(target, SELECTION_RADIUS * u.deg)
if OBS_IDS is not None:
    obs_table = obs_table[np.isin(obs_table["OBS_ID"], OBS_IDS)]
if DATES is not None:
    start, stop = Time(DATES, scale="utc")
    obs_table = obs_table[(obs_table.time_start >= start) & (obs_table.time_start < stop)]
obs_table.sort("OBS_ID")
assert len(obs_table) > 0, "no observation passes the selection"
if OBS_IDS is not None:
    assert len(obs_table) == len(set(OBS_IDS)), "some of OBS_IDS are not in the selection"
hdu_table = data_store.hdu_table[np.isin(data_store.hdu_table["OBS_ID"], obs_table["OBS_ID"])]
files = {data_store.hdu_table.base_dir / hdu["FILE_DIR"].strip() / hdu["FILE_NAME"].strip() for hdu in hdu_table}
missing = sorted(file.name for file in files if not file.is_file())
assert not missing, f"{DATA_STORE} names files that are not there: {missing}"
observations = data_store.get_observations(obs_table["OBS_ID"], required_irf=[])
assert len(observations) == len(obs_table), "an observation lacks events"

# How far the distribution can reach: neighbouring positions on the circle around the pointing must stay apart
offset = min(observation.get_pointing_icrs(observation.tmid).separation(target) for observation in observations)
theta2_room = (offset.deg * np.sin(np.pi / (N_OFF_REGIONS + 1))) ** 2
theta2_cut = ON_RADIUS**2 if THETA2_CUT is None else THETA2_CUT
assert theta2_cut < theta2_room, f"ON and OFF overlap: a run points {offset.deg:.2f} deg from the target"
theta2_max = min(0.2, 0.9 * theta2_room) if THETA2_MAX is None else THETA2_MAX
assert theta2_max < theta2_room, f"ON and OFF overlap: the distribution can reach {theta2_room:.3f} deg2 at most"


# Counts around the target and around its OFF positions, per bin of theta squared and below the cut
def theta_squared(edges):
    """Table of ON and OFF counts between edges (deg2) of theta squared, summed over all observations."""
    energy_range = [ENERGY_MIN or 0, ENERGY_MAX or np.inf] * u.TeV
    maker = ThetaSquaredTable(
        observations=observations,
        theta_squared_axis=MapAxis.from_edges(edges, interp="lin", unit="deg2", name="theta_squared"),
        position=target,
        energy_edges=energy_range,
        off_regions_number=N_OFF_REGIONS,
    )
    table = maker.run()
    assert maker.off_regions_number == N_OFF_REGIONS, "OFF regions overlap, choose fewer"
    return table


distribution = theta_squared(np.linspace(0, theta2_max, THETA2_BINS + 1))
print(distribution)
inside = theta_squared([0, theta2_cut])
n_on, n_off, alpha = int(inside["counts"][0]), int(inside["counts_off"][0]), float(inside["alpha"][0])
statistic = WStatCountsStatistic(n_on, n_off, alpha)

# Numbers: (value, error or None)
excess_error = np.sqrt(n_on + alpha**2 * n_off)
livetime = sum(observation.observation_live_time_duration for observation in observations)
ontime = sum(observation.observation_time_duration for observation in observations)
known = {
    "n_obs": (len(observations), None),
    "livetime": (livetime, None),
    "mean_livetime": (livetime / len(observations), None),
    "ontime": (ontime, None),
    "dead_time_fraction": (1 - livetime / ontime, None),
    "n_on": (n_on, None),
    "n_off": (n_off, None),
    "alpha": (alpha, None),
    "excess": (float(statistic.n_sig), excess_error),
    "background": (float(statistic.n_bkg), alpha * np.sqrt(n_off)),
    "significance": (float(statistic.sqrt_ts), None),  # Li & Ma 1983, equation 17
    "signal_to_background": (float(statistic.n_sig / statistic.n_bkg) if n_off else np.nan, None),
    "excess_rate": (statistic.n_sig / livetime, excess_error / livetime),
    "theta_cut": (theta2_cut**0.5 * u.deg, None),
    "theta2_cut": (theta2_cut * u.deg**2, None),
    "theta2_max": (theta2_max * u.deg**2, None),
    "n_off_regions": (N_OFF_REGIONS, None),
    "theta2_edges": ([0.0, *distribution["theta2_max"].tolist()], None),
    "on_histogram": (distribution["counts"].tolist(), None),
    "off_histogram": (distribution["counts_off"].tolist(), None),
    "excess_histogram": (distribution["excess"].tolist(), None),
}

units = {}
result = {}
for key, (quantity, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")]
    if quantity.endswith("_error"):
        value, error = error, None
    result[key] = value if isinstance(value, (int, str, list)) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
    if error is not None:
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
result["_meta"] = {
    "units": units,
    "obs_ids": [int(observation.obs_id) for observation in observations],
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: counts, excess and significance against theta squared, with the cut
plt.figure(figsize=(8, 6))
plot_theta_squared_table(distribution)
for ax in plt.gcf().axes:
    ax.axvline(theta2_cut, color="k", linestyle=":")
plt.xlabel("Theta squared [deg$^2$]")
plt.savefig("theta_squared.png", dpi=120)
plt.close()

# /// recipe
# asked = '\btheta[\s-]*(?:squared?|2|\^2|\*\*2)\b|\bsquared angular distance\b|\bangular distribution\b|\b(?:opposite|mirror\w*) (?:\w+ )?(?:regions?|positions?|side)\b'
# perhaps = '\breflected\b|\bopposite\b|\btheta[\s-]cut\b'
# covers = ["observation_list", "reflected_significance", "point_like_spectrum", "events_in_region"]
# vocabulary = ["regions", "counts"]
# errors = ["excess", "background", "excess_rate"]
#
# [keys]
# theta2_edges = ['\b(?:edges?|bins)\b', "", ""]
# on_histogram = ['\bon\b.*\b(?:hist\w*|distribution|bins|per bin|list)\b|\b(?:hist\w*|distribution)\b.*\bon\b', "", ""]
# off_histogram = ['\boff\b.*\b(?:hist\w*|distribution|bins|per bin|list)\b|\b(?:hist\w*|distribution)\b.*\boff\b', "", ""]
# excess_histogram = ['\bexcess\b.*\b(?:hist\w*|distribution|bins|per bin|list)\b', "", ""]
# n_off_regions = ['\b(?:n|num(?:ber)?(?: of)?) off (?:regions?|positions?)\b', "", ""]
# theta2_cut = ['\btheta ?(?:2|squared?) ?(?:cut|max)?\b', "deg2", ""]
# theta_cut = ['\btheta ?(?:cut|max)?\b|\bradius\b', "deg", ""]
#
# [said]
# THETA2_CUT = '\bcuts?\b|\bbelow\b|\bwithin\b|\binside\b|\bless\b|\bsmaller\b|<|\bcounts\b'
# THETA2_MAX = '\bup to\b|\bdistribution\b|\bhistogram\b|\brange\b|\bend\w*\b|\bfrom 0\b|\b0 (?:to|-)|\baxis\b|\bplot\b'
# THETA2_BINS = '\bbins?\b'
# N_OFF_REGIONS = '\boff[\s-]*(?:regions?|positions?)\b|\breflected (?:regions?|positions?)\b|\bwobble\b'
#
# [fixed]
# EXCLUSION_RADIUS = 0.0
# SPATIAL_MODEL = "point"
# ///
