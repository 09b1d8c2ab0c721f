"""Dark matter flux: what gamma-ray flux does annihilation (or decay) of dark matter of a mass give in a channel?

Answers photon flux, energy flux and dN/dE of annihilating dark matter for a mass, channel, cross-section and J factor
(or of decaying dark matter for a lifetime and D factor), with the PPPC4 or CosmiXs spectra; photons per annihilation;
and the J factor of a profile (NFW, Einasto ...) in a circle around the Galactic centre.

Not for: limits on dark matter from data; sources with other spectra (model_flux).

Follows: tutorial Dark matter spatial and spectral models (astrophysics/astro_dark_matter).
"""

import json
import os
from functools import cache
from itertools import pairwise
from pathlib import Path

import astropy.units as u
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from gammapy.astro.darkmatter import (
    DarkMatterAnnihilationSpectralModel,
    DarkMatterDecaySpectralModel,
    PrimaryFlux,
    profiles,
)

MASS = None  # TeV, of the dark matter particle
CHANNEL = None  # b, t, W, Z, tau, mu, e, q, c, g, gamma, h ...: what it annihilates or decays into
PROCESS = "annihilation"  # annihilation or decay
CROSS_SECTION = 3e-26  # cm3 s-1, velocity-averaged, of annihilation
LIFETIME = 4.3e17  # s, of decay
J_FACTOR = None  # GeV2 cm-5, of annihilation; None for that of PROFILE within J_RADIUS
D_FACTOR = None  # GeV cm-2, of decay; None for that of PROFILE within J_RADIUS
DIRAC = False  # True for Dirac particles (factor 4), False for Majorana particles (factor 2)
REDSHIFT = 0.0  # of the halo
SPECTRA = "pppc4"  # pppc4 or cosmixs: where the spectra per annihilation are from
PROFILE = None  # nfw, einasto, burkert, isothermal or moore: the halo of the Milky Way; None for a given factor
SCALE_RADIUS = None  # kpc, of the profile; None for Gammapy's own
LOCAL_DENSITY = 0.39  # GeV cm-3, at the Sun
DISTANCE = 8.5  # kpc, of the Sun from the Galactic centre
J_RADIUS = None  # deg, of the circle around the Galactic centre, with a PROFILE
ENERGY_MIN = 0.1  # TeV, of the fluxes whose key names no energies
ENERGY_MAX = 100.0  # TeV; nothing is emitted above the mass
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "flux": ["flux", "cm-2 s-1"],
    "energy_flux_erg": ["energy_flux", "erg cm-2 s-1"],
    "photons": ["photons", ""],
}

# Spectrum of one annihilation or decay
annihilates = PROCESS == "annihilation"
assert annihilates or PROCESS == "decay", "PROCESS is annihilation or decay"
file = {"pppc4": "PPPC4DMID/AtProduction_gammas.dat", "cosmixs": "cosmixs/AtProduction-Gamma.dat"}[SPECTRA]
path = Path(os.environ["GAMMAPY_DATA"]) / "dark_matter_spectra" / file
assert path.is_file(), f"there is no file dark_matter_spectra/{file} below GAMMAPY_DATA"


# Line-of-sight integral of a halo, in rings around the Galactic centre
@cache
def halo_factor():
    """J factor (density squared) or D factor (density) within J_RADIUS; GeV2 cm-5 or GeV cm-2."""
    kinds = {
        "nfw": profiles.NFWProfile,
        "einasto": profiles.EinastoProfile,
        "burkert": profiles.BurkertProfile,
        "isothermal": profiles.IsothermalProfile,
        "moore": profiles.MooreProfile,
    }
    assert PROFILE in kinds, "say the J_FACTOR (D_FACTOR for decay), or the PROFILE of the halo"
    assert J_RADIUS is not None, "say the radius around the Galactic centre, J_RADIUS"
    profiles.DMProfile.DISTANCE_GC = DISTANCE * u.kpc
    profiles.DMProfile.LOCAL_DENSITY = LOCAL_DENSITY * u.Unit("GeV cm-3")
    profile = kinds[PROFILE](**({} if SCALE_RADIUS is None else {"r_s": SCALE_RADIUS * u.kpc}))
    profile.scale_to_local_density()
    edges = np.append(0, np.geomspace(1e-3 * J_RADIUS, J_RADIUS, 41))
    factor = 0
    for low, high in pairwise(edges):
        angle = np.radians((low + high) / 2)
        near = np.tan(angle) * DISTANCE * u.kpc  # as in JFactory, with finer steps near the pole of the integrand
        once = {"separation": angle, "ndecade": 1e5, "squared": annihilates}
        line_of_sight = 2 * profile.integral(near, DISTANCE * u.kpc, **once)
        line_of_sight += profile.integral(DISTANCE * u.kpc, 4 * DISTANCE * u.kpc, **once)
        factor += line_of_sight * 2 * np.pi * (np.cos(np.radians(low)) - np.cos(np.radians(high)))
    return factor


@cache
def primary_flux():
    """Photons per energy of one annihilation, or of one decay, which has half the energy."""
    assert MASS is not None, "say the MASS of the particle"
    assert CHANNEL is not None, "say the CHANNEL"
    return PrimaryFlux(mDM=MASS * u.TeV * (1 if annihilates else 0.5), channel=CHANNEL, source=SPECTRA)


@cache
def spectrum():
    """The flux at Earth."""
    assert MASS is not None, "say the MASS of the particle"
    assert CHANNEL is not None, "say the CHANNEL"
    settings = {"mass": MASS * u.TeV, "channel": CHANNEL, "z": REDSHIFT, "source": SPECTRA}
    if annihilates:
        factor = halo_factor() if J_FACTOR is None else J_FACTOR * u.Unit("GeV2 cm-5")
        scale = CROSS_SECTION / DarkMatterAnnihilationSpectralModel.THERMAL_RELIC_CROSS_SECTION.to_value("cm3 s-1")
        return DarkMatterAnnihilationSpectralModel(jfactor=factor, scale=scale, k=4 if DIRAC else 2, **settings)
    factor = halo_factor() if D_FACTOR is None else D_FACTOR * u.Unit("GeV cm-2")
    scale = DarkMatterDecaySpectralModel.LIFETIME_AGE_OF_UNIVERSE.to_value("s") / LIFETIME
    return DarkMatterDecaySpectralModel(jfactor=factor, scale=scale, **settings)


# Numbers: functions of energies in TeV that give (value, error or None)
def up_to_the_mass(low, high):
    """An energy range without what lies above the highest energy that is emitted."""
    highest = MASS * (1 if annihilates else 0.5) / (1 + REDSHIFT)
    assert low < highest, f"nothing is emitted above {highest:g} TeV"
    return low * u.TeV, min(high, highest) * u.TeV


def flux(low=ENERGY_MIN, high=ENERGY_MAX):
    model = spectrum()
    return np.squeeze(model.integral(*up_to_the_mass(low, high), ndecade=1000)), None


def energy_flux(low=ENERGY_MIN, high=ENERGY_MAX):
    model = spectrum()
    return np.squeeze(model.energy_flux(*up_to_the_mass(low, high), ndecade=1000)), None


def photons(low=ENERGY_MIN, high=ENERGY_MAX):
    """Photons of one annihilation or decay at the source."""
    model = primary_flux()
    return np.squeeze(model.integral(*up_to_the_mass(low, high), ndecade=1000)), None


def sed_peak():
    """Energy of the maximum of E^2 dN/dE."""
    model = spectrum()
    energies = np.geomspace(1e-4, 1, 4001) * up_to_the_mass(0, np.inf)[1]
    return energies[np.argmax(energies**2 * np.squeeze(model(energies)))], None


known = {
    "flux": flux,
    "energy_flux": energy_flux,
    "photons": photons,
    "dnde": lambda energy: (np.squeeze(spectrum()(energy * u.TeV)), None),
    "e2dnde": lambda energy: ((energy * u.TeV) ** 2 * known["dnde"](energy)[0], None),
    "sed_peak": sed_peak,
    "jfactor": lambda: (J_FACTOR * u.Unit("GeV2 cm-5") if J_FACTOR is not None else halo_factor(), None),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, _ = known[quantity](*arguments)
    result[key] = value if isinstance(value, int) else float(u.Quantity(value).to_value(unit))
    units[key] = unit
result["_meta"] = {
    "units": units,
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: spectrum of one annihilation, or the profile of the halo
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
if MASS is not None:
    energies = np.geomspace(1e-5, 1, 2001) * MASS * (1 if annihilates else 0.5) * u.TeV
    ax.loglog(energies, (energies**2 * np.squeeze(primary_flux()(energies))).to("TeV"))
    ax.set(xlabel="Energy [TeV]", ylabel="E$^2$ dN/dE [TeV]", title=f"{PROCESS} into {CHANNEL}, {MASS:g} TeV")
    ax.set_ylim(1e-5 * MASS, MASS)
else:
    ax.bar([PROFILE], [halo_factor().value])
    ax.set(yscale="log", ylabel=f"[{halo_factor().unit}]", title=f"within {J_RADIUS:g} deg")
fig.savefig("dark_matter.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bdark[\s-]matter\b|\bDM (?:annihil\w*|decay\w*|mass|particles?|flux)\b|\bWIMPs?\b|\bJ[\s-]?factors?\b|\bannihilat\w+\b'
# covers = ["model_flux", "reflected_spectrum"]
# vocabulary = []
# errors = []
#
# [keys]
# jfactor = ['\b[jd] ?-?factor\b|\bjfact\w*\b|^j$', "GeV2 cm-5", ""]
# photons = ['\bphotons? (?:per|yield|number)\b|\b(?:n ?|number of )(?:photons|gammas?)\b|\byield\b|\bper annihilation\b', "", "range"]
# sed_peak = ['\bpeaks?\b', "TeV", ""]
# e2dnde = ['\be ?2 ?dn ?de\b|\bnu ?f ?nu\b|\bsed\b', "erg cm-2 s-1", "energy"]
# energy_flux = ['\be(?:nergy)? ?flux\b', "erg cm-2 s-1", "range"]
# dnde = ['\bdn ?de\b|\bdiff(?:erential)?(?: \w+)? flux\b|\bflux density\b', "cm-2 s-1 TeV-1", "energy"]
# flux = ['\b(?:photon ?|integral ?)?flux\b|\bphi\b', "cm-2 s-1", "range"]
#
# [said]
# MASS = '\bmass\b|\bm_?(?:DM|chi)\b|\bparticles?\b|\bWIMPs?\b|\bdark[\s-]matter\b'
# CROSS_SECTION = '\bcross[\s-]?section\b|\bsigma[\s_]?v\b|<sigma'
# LIFETIME = '\blifetime\b|\btau\b'
# J_FACTOR = '\bJ[\s-]?factors?\b|\bJ\b'
# D_FACTOR = '\bD[\s-]?factors?\b|\bD\b'
# SCALE_RADIUS = '\bscale radius\b|\br_?s\b'
# LOCAL_DENSITY = '\blocal\b|\bdensity\b|\brho\b'
# DISTANCE = '\bdistance\b'
# J_RADIUS = '\bwithin\b|\bcircle\b|\bradius\b|\baround\b'
#
# [choices.PROCESS]
# decay = '\bdecay\w*\b'
# annihilation = '\bannihil\w*\b'
#
# [choices.CHANNEL]
# b = '\bb[\s-]?(?:b(?:ar)?|anti-?b|quarks?)\b|\bb\s?\\?bar|\bbbar\b|\bbottom\b|\bb channel\b|\bchannel[s:]? (?:is )?b\b'
# tau = '\btau[+\s-]|\btaus?\b'
# W = '\bW[\s]?[+-]?\s?W\b|\bW\+|\bW bosons?\b'
# mu = '\bmu[+\s-]|\bmuons?\b'
# t = '\bt[\s-]?t(?:bar)?\b|\btop quarks?\b'
# Z = '\bZ\s?Z\b|\bZ bosons?\b'
# e = '\be\+\s?e-|\belectrons?\b'
#
# [choices.PROFILE]
# nfw = '\bNFW\b|\bNavarro\b'
# einasto = '\bEinasto\b'
# burkert = '\bBurkert\b'
# isothermal = '\bisothermal\b'
# moore = '\bMoore\b'
#
# [choices.SPECTRA]
# cosmixs = '\bCosmiXs\b'
# pppc4 = '\bPPPC'
#
# [choices.DIRAC]
# true = '\bDirac\b'
# false = '\bMajorana\b'
# ///
