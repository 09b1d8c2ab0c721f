"""Catalogue look-up: which source of a gamma-ray catalogue is nearest to a position, what are its type, flux and index?

Answers name, position, separation, class, association, extension and significance of a catalogue source, its fluxes
and spectral parameters from the spectral model that the catalogue prefers, and how many catalogue sources lie within a
radius. For HGPS, gamma-cat, 3FHL, 4FGL, 2HWC, 3HWC and 1LHAASO.

Not for: a flux measured from events (reflected_spectrum); fluxes of a model that is given (model_flux).

Follows: tutorial Source catalogs (details/catalog).
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
from gammapy.catalog import (
    SourceCatalog1LHAASO,
    SourceCatalog2HWC,
    SourceCatalog3FHL,
    SourceCatalog3HWC,
    SourceCatalog4FGL,
    SourceCatalogGammaCat,
    SourceCatalogHGPS,
)

CATALOGUE = None  # hgps, gamma-cat, 3fhl, 4fgl, 2hwc, 3hwc or 1LHAASO; None to tell it from CATALOGUE_FILE
CATALOGUE_FILE = None  # file below GAMMAPY_DATA; None for where Gammapy looks for the catalogue
TARGET_RA = None  # deg, ICRS, centre of the search; None for where the source is
TARGET_DEC = None  # deg, ICRS
SOURCE_NAME = None  # of a source or its object; None, or a name that the catalogue has not: nearest to target
SOURCE_CLASS = None  # only sources of this class, such as PWN; None for all
SEARCH_RADIUS = 5.0  # deg around the target, of numbers and lists of sources whose key names no radius
SPECTRAL_FIT = "best"  # best, or pl or ecpl (HGPS), extended (2HWC), WCDA or KM2A (1LHAASO)
ENERGY_MIN = 1.0  # TeV, of the fluxes whose key names no energies
ENERGY_MAX = 10.0  # TeV
RESULTS = {  # key in result.json: [quantity of `known` below, its arguments (energies in TeV) ..., unit]
    "name": ["name", ""],
    "separation_deg": ["separation", "deg"],
    "ra_deg": ["ra", "deg"],
    "dec_deg": ["dec", "deg"],
    "source_class": ["source_class", ""],
    "flux_1_10TeV": ["flux", 1.0, 10.0, "cm-2 s-1"],
    "n_within": ["n_within", ""],
}

# Read the catalogue
catalogues = {  # the class that reads it, and how the names of its files begin
    "hgps": (SourceCatalogHGPS, "hgps_catalog"),
    "gamma-cat": (SourceCatalogGammaCat, "gammacat"),
    "3fhl": (SourceCatalog3FHL, "gll_psch"),
    "4fgl": (SourceCatalog4FGL, "gll_psc_"),
    "2hwc": (SourceCatalog2HWC, "2HWC"),
    "3hwc": (SourceCatalog3HWC, "3HWC"),
    "1LHAASO": (SourceCatalog1LHAASO, "1LHAASO"),
}
tag = CATALOGUE
if tag is None:
    assert CATALOGUE_FILE is not None, "say which catalogue: CATALOGUE or CATALOGUE_FILE"
    tag = next((tag for tag, (_, start) in catalogues.items() if Path(CATALOGUE_FILE).name.startswith(start)), None)
assert tag in catalogues, f"the catalogue is none of {', '.join(catalogues)}"
read_catalogue = catalogues[tag][0]
if CATALOGUE_FILE is None:
    catalogue = read_catalogue()
else:
    path = Path(os.environ["GAMMAPY_DATA"]) / CATALOGUE_FILE
    assert path.is_file(), f"there is no file {CATALOGUE_FILE} below GAMMAPY_DATA"
    catalogue = read_catalogue(path)
print(catalogue)

# What the catalogue calls its columns
columns = {
    "hgps": {
        "source_class": "Source_Class",
        "association": "Identified_Object",
        "significance": "Sqrt_TS",
        "extension": "Size",
        "tabulated_flux": "Flux_Spec_Int_1TeV",  # above 1 TeV
    },
    "gamma-cat": {
        "source_class": "classes",
        "association": "other_names",
        "significance": "significance",
        "extension": "morph_sigma",
        "tabulated_flux": "spec_flux_1TeV",  # above 1 TeV
    },
    "3fhl": {
        "source_class": "CLASS",
        "association": "ASSOC1",
        "significance": "Signif_Avg",
        "redshift": "Redshift",
        "tabulated_flux": "Flux",  # 10 GeV to 1 TeV
    },
    "4fgl": {
        "source_class": "CLASS1",
        "association": "ASSOC1",
        "significance": "Signif_Avg",
        "tabulated_flux": "Flux1000",  # 1 GeV to 100 GeV
    },
    "2hwc": {"ts": "ts", "extension": "spec0_radius"},
    "3hwc": {"ts": "ts", "extension": "spec0_radius"},
    "1LHAASO": {"association": "ASSO_Name", "ts": "TS", "extension": "r39"},
}[tag]

# Select sources: those of a class, the one asked for, and those around the target
if SOURCE_CLASS is not None:
    assert "source_class" in columns, f"the catalogue {tag} gives no classes"
    classes = [str(value).lower().replace(" ", "").split(",") for value in catalogue.table[columns["source_class"]]]
    catalogue = catalogue[np.array([SOURCE_CLASS.lower() in those for those in classes])]
    assert len(catalogue.table) > 0, f"no source of the class {SOURCE_CLASS}"
positions = catalogue.positions.icrs
names = [catalogue.source_name(index) for index in range(len(catalogue.table))]
target = None
if TARGET_RA is not None:
    target = SkyCoord(TARGET_RA, TARGET_DEC, unit="deg", frame="icrs")
source = None
if SOURCE_NAME is not None:
    try:
        source = catalogue[SOURCE_NAME]
    except KeyError:
        print(f"the catalogue {tag} has no {SOURCE_NAME!r} among {', '.join(names)}")
        assert target is not None, f"the catalogue {tag} has no source {SOURCE_NAME!r}, and no position is given"
if source is None and target is not None:
    source = catalogue[int(np.argmin(positions.separation(target)))]
print(source)


def chosen():
    """The source that is asked about."""
    assert source is not None, "say which source: a position (TARGET_RA, TARGET_DEC) or SOURCE_NAME"
    return source


def position():
    return positions[chosen().row_index]


def within(radius=SEARCH_RADIUS):
    """Indices of the sources within a radius in deg around the target, the nearest first."""
    separations = positions.separation(position() if target is None else target)
    order = np.argsort(separations)
    return order[separations[order] <= radius * u.deg]


def spectral_model(one):
    """The spectral model of a source: of the fit that the catalogue prefers, or of SPECTRAL_FIT."""
    if tag == "1LHAASO":  # a model for each detector; upper limits are none
        detectors = [which for which in ("WCDA", "KM2A") if which in one.data.Model_a + one.data.Model_b]
        models = {which: one.sky_model(which) for which in detectors}
        models = {which: model.spectral_model for which, model in models.items() if model is not None}
        which = next(iter(models)) if SPECTRAL_FIT == "best" and len(models) == 1 else SPECTRAL_FIT
        assert which in models, f"{one.name} has spectra of {' and '.join(models)}: choose one as SPECTRAL_FIT"
        return models[which]
    several = SPECTRAL_FIT != "best" and tag in ("hgps", "2hwc")
    model = one.spectral_model(which=SPECTRAL_FIT) if several else one.spectral_model()
    assert model is not None, f"the catalogue gives no spectrum of {one.name}"
    assert several or SPECTRAL_FIT in ("best", model.tag[1]), f"the catalogue gives {model.tag[0]} for {one.name}"
    return model


# Numbers: functions that give (value, error or None)
def column(name):
    """What a column says about the source; no unit where the catalogue gives none."""
    if tag == "1LHAASO" and SPECTRAL_FIT in chosen().data.Model_b:
        name = f"{name}_b" if f"{name}_b" in chosen().data else name  # its second model
    value = chosen().data[name]
    assert value is not np.ma.masked, f"the catalogue gives no {name} of {chosen().name}"
    return value.strip() if isinstance(value, str) else u.Quantity(value), None


def described(quantity):
    """A quantity that stands in a column, under the catalogue's own name for it."""

    def value_and_error():
        assert quantity in columns, f"the catalogue {tag} has no {quantity.replace('_', ' ')}"
        return column(columns[quantity])

    return value_and_error


def significance():
    """Square root of the test statistic, where the catalogue gives that alone."""
    if "ts" in columns:
        return np.sqrt(column(columns["ts"])[0]), None
    return column(columns["significance"])


def parameter(name):
    spectrum = spectral_model(chosen())
    assert name in spectrum.parameters.names, f"the spectrum is a {spectrum.tag[0]} and has no {name}"
    return spectrum.parameters[name].quantity, spectrum.parameters[name].error * spectrum.parameters[name].unit


def cutoff():
    value, error = parameter("lambda_")
    return 1 / value, error / value**2


def model_value(name, error_name):
    """A function of energies in TeV: the value of the spectral model, and the mean of its asymmetric errors."""

    def value_and_error(*energies):
        spectrum = spectral_model(chosen())
        energies = (energies or (ENERGY_MIN, ENERGY_MAX)) * u.TeV
        _, low, high = getattr(spectrum, error_name)(*energies)
        return getattr(spectrum, name)(*energies), (low + high) / 2

    return value_and_error


def brightest(*radius):
    """The source within a radius in deg with the largest photon flux between ENERGY_MIN and ENERGY_MAX."""
    fluxes = {}
    for index in within(*radius):
        flux = spectral_model(catalogue[int(index)]).integral(ENERGY_MIN * u.TeV, ENERGY_MAX * u.TeV)
        fluxes[names[index]] = flux.to("cm-2 s-1")
    name = max(fluxes, key=fluxes.get)
    return name, fluxes[name]


known = {
    "name": lambda: (chosen().name, None),
    "ra": lambda: (position().ra, None),
    "dec": lambda: (position().dec, None),
    "glon": lambda: (position().galactic.l, None),
    "glat": lambda: (position().galactic.b, None),
    "separation": lambda: (position().separation(position() if target is None else target), None),
    "source_class": described("source_class"),
    "association": described("association"),
    "extension": described("extension"),
    "significance": significance,
    "redshift": described("redshift"),
    "tabulated_flux": described("tabulated_flux"),
    "column": column,
    "n_within": lambda *radius: (len(within(*radius)), None),
    "names_within": lambda *radius: ([names[index] for index in within(*radius)], None),
    "n_sources": lambda: (len(names), None),
    "brightest_name": lambda *radius: (brightest(*radius)[0], None),
    "brightest_flux": lambda *radius: (brightest(*radius)[1], None),
    "spectral_type": lambda: (spectral_model(chosen()).tag[1], None),
    "reference_energy": lambda: (parameter("reference")[0], None),
    "parameter": parameter,
    "cutoff": cutoff,
    "dnde": model_value("__call__", "evaluate_error"),
    "e2dnde": lambda energy: tuple((energy * u.TeV) ** 2 * value for value in known["dnde"](energy)),
    "flux": model_value("integral", "integral_error"),
    "energy_flux": model_value("energy_flux", "energy_flux_error"),
}

units = {}
result = {}
for key, (quantity, *arguments, unit) in RESULTS.items():
    value, error = known[quantity.removesuffix("_error")](*arguments)
    if quantity.endswith("_error"):
        value, error = error, None
    result[key] = value if isinstance(value, (int, str, list)) else float(u.Quantity(value).to_value(unit))
    assert not isinstance(result[key], float) or np.isfinite(result[key]), f"{chosen().name} has no {quantity}"
    units[key] = unit
    if error is not None and np.isfinite(error):
        result[f"{key}_err"] = float(u.Quantity(error).to_value(unit))
result["_meta"] = {
    "units": units,
    "catalogue": f"{catalogue.description}, {len(names)} sources",
    "source": source.name if source is not None else "",
    "analysis": {name: value for name, value in globals().items() if name.isupper() and name != "RESULTS"},
}
Path("result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

# Figure: the sources around the target, or all of them
fig, ax = plt.subplots(figsize=(6, 6), layout="constrained")
centre = SkyCoord(0, 0, unit="deg", frame="galactic").icrs
if source is not None:
    centre = position() if target is None else target
lon, lat = centre.spherical_offsets_to(positions)
around = within() if source is not None else np.arange(len(names))
ax.scatter(lon[around].deg, lat[around].deg, label=f"{len(around)} sources of {tag}")
for index in around[:20]:
    ax.annotate(names[index], (lon[index].deg, lat[index].deg), fontsize=7, xytext=(3, 3), textcoords="offset points")
if source is not None:
    ax.plot(lon[source.row_index].deg, lat[source.row_index].deg, "r*", markersize=12, label=source.name)
ax.plot(0, 0, "k+", markersize=12, label="centre")
ax.set(xlabel="Offset in RA [deg]", ylabel="Offset in Dec [deg]", aspect="equal")
if source is not None:
    ax.set(xlim=(-1.05 * SEARCH_RADIUS, 1.05 * SEARCH_RADIUS), ylim=(-1.05 * SEARCH_RADIUS, 1.05 * SEARCH_RADIUS))
ax.invert_xaxis()
ax.legend(fontsize=8)
fig.savefig("sources.png", dpi=120)
plt.close()

# /// recipe
# asked = '\bcatalog(ue)?s?\b|\b[234]FGL\b|\b[23]FHL\b|\bHGPS\b|\bgamma-?cat\b|\b[23]HWC\b|\b1LHAASO\b|\bplane survey\b'
# perhaps = '\bnearest source\b|\bsources? (?:within|near|around)\b'
# never = '(?:^|[.;:,]\s*|\band )(?:re-?)?fit\b|\bfit(?:ting)? (?:a|an|the|it|this|all|of|to)\b'
# covers = ["reflected_spectrum", "reflected_significance", "stacked_3d"]
# vocabulary = []
# required = ["CATALOGUE|CATALOGUE_FILE"]
# errors = ["parameter", "cutoff", "dnde", "e2dnde", "flux", "energy_flux"]
#
# [keys]
# brightest_name = ['\bbrightest\b(?!.*\bflux\b)', "", "angle"]
# brightest_flux = ['\bbrightest\b.*\bflux\b|\bflux\b.*\bbrightest\b', "cm-2 s-1", "angle"]
# names_within = ['\b(names|list)\b', "", "angle"]
# n_sources = ['\b(?:total|all|whole|entire|full)\b|\bn (?:pwne?|snrs?|unids?|unidentified|binar\w+|composites?|bll?\w*|fsrqs?)$|\bn in catalog\w*', "", ""]
# n_within = ['\bn ?(?:sources|neighbou?rs)?$|\bn (?:sources )?(?:within|near|around)\b|\b(?:number|how many|count)\b.{0,40}\b(?:within|around|sources)\b|\bn \w+ within\b', "", "angle"]
# source_class = ['\b(class|type|kind)\b(?!.*\b(spectr\w+|model)\b)', "", ""]
# spectral_type = ['\b(spectr(al|um)|model)\b.{0,20}\b(type|model|shape|name)\b|\bmodel\b', "", ""]
# association = ['\bassoc\w*|\bidentified\b|\bcounterpart\b|\bcommon name\b', "", ""]
# name = ['\bname\b|\b(nearest|closest) source\b|^source$', "", ""]
# separation = ['\bsep(aration)?\b|\bdistance\b|\boffset\b', "deg", ""]
# glon = ['\bglon\b|\bgalactic longitude\b|^l$', "deg", ""]
# glat = ['\bglat\b|\bgalactic latitude\b|^b$', "deg", ""]
# ra = ['\br\.?a\b|\bright ascension\b', "deg", ""]
# dec = ['\bdec(lination)?\b', "deg", ""]
# extension = ['\bextension\b|\bextent\b|\bsize\b|\bsigma\b|\bradius\b|\br39\b', "deg", ""]
# significance = ['\bsignificance\b|\bsqrt ?ts\b', "", ""]
# redshift = ['\bredshift\b|^z$', "", ""]
# tabulated_flux = ['\btabulated\b', "cm-2 s-1", ""]
# reference_energy = ['\b(reference|pivot)( energy)?\b|\be ?(ref|0|pivot)\b', "TeV", ""]
# cutoff = ['\b(e|energy)? ?cut ?-?off( energy)?\b|\be ?c(ut)?\b', "TeV", ""]
# "parameter lambda_" = ['\blambda\b|\binverse cut', "TeV-1", ""]
# "parameter beta" = ['\bbeta\b|\bcurvature\b', "", ""]
# "parameter alpha" = ['\balpha\b', "", ""]
# "parameter index" = ['\bindex\b|\bgamma\b|\bslope\b', "", ""]
# e2dnde = ['\be ?2 ?dn ?de\b|\bnu ?f ?nu\b', "erg cm-2 s-1", "energy"]
# energy_flux = ['\b(e ?flux|energy ?flux)\b', "erg cm-2 s-1", "range"]
# dnde = ['\bdn ?de\b|\bdiff(erential)?( \w+)? flux\b|\bflux density\b', "cm-2 s-1 TeV-1", "energy"]
# "parameter amplitude" = ['\bamplitude\b|\bampl?\b|\bnorm(alisation|alization)?\b|\b(phi|n|f) ?0\b|\bprefactor\b', "cm-2 s-1 TeV-1", ""]
# flux = ['\b(photon ?|integral ?)?flux\b|\bphi\b|\bf\b', "cm-2 s-1", "range"]
#
# [fixed]
# SPECTRAL_MODEL = "any"
# SPATIAL_MODEL = "any"
#
# [choices.CATALOGUE]
# hgps = '\bHGPS\b|\bgalactic plane survey\b|\bhgps_catalog'
# gamma-cat = '\bgamma-?cat\b'
# 3fhl = '\b3FHL\b|gll_psch'
# 4fgl = '\b4FGL\b|gll_psc_'
# 2hwc = '\b2HWC\b'
# 3hwc = '\b3HWC\b'
# 1LHAASO = '\b1LHAASO\b|\bfirst LHAASO catalog'
#
# [choices.SPECTRAL_FIT]
# WCDA = '\bWCDA\b'
# KM2A = '\bKM2A\b'
# extended = '\bextended (?:source )?(?:fit|model|spectrum|assumption)\b'
# ecpl = '\b(?:ECPL|cut-?\s?off(?: power[\s-]?law)?) (?:model|fit|spectrum|parameters?)\b'
# pl = '(?<!not the )(?<!not )(?<!than the )(?<!of the )(?<!off )\bpower[\s-]?law (?:model|fit|spectrum|parameters?)\b'
# best = '\b(?:best|preferred)\b'
#
# [choices.SOURCE_CLASS]
# pwn = '\b(?:how many|number of|only|all)\b[^.;?]{0,60}\b(?:PWNe?|pulsar wind nebul\w+)\b|\b(?:nearest|closest) (?:known )?(?:PWNe?|pulsar wind nebul\w+)\b'
# snr = '\b(?:how many|number of|only|all)\b[^.;?]{0,60}\b(?:SNRs?|supernova remnants?)\b|\b(?:nearest|closest) (?:known )?(?:SNRs?|supernova remnants?)\b'
# unid = '\b(?:how many|number of|only|all)\b[^.;?]{0,60}\b(?:unid\w*)\b|\b(?:nearest|closest) (?:known )?(?:unid\w*)\b'
# binary = '\b(?:how many|number of|only|all)\b[^.;?]{0,60}\b(?:binar(?:y|ies))\b|\b(?:nearest|closest) (?:known )?(?:binar(?:y|ies))\b'
# composite = '\b(?:how many|number of|only|all)\b[^.;?]{0,60}\b(?:composites?)\b|\b(?:nearest|closest) (?:known )?(?:composites?)\b'
# bll = '\b(?:how many|number of|only|all)\b[^.;?]{0,60}\b(?:BL[\s-]?Lacs?)\b|\b(?:nearest|closest) (?:known )?(?:BL[\s-]?Lacs?)\b'
# fsrq = '\b(?:how many|number of|only|all)\b[^.;?]{0,60}\b(?:FSRQs?)\b|\b(?:nearest|closest) (?:known )?(?:FSRQs?)\b'
# ///
