"""Models: which one, parameters that were given or to be fixed, the reference energy, the redshift."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gammapygpt.checks.asked.case import Case, any_same, asked_finding, differs, listed
from gammapygpt.checks.outcome import is_number
from gammapygpt.checks.physics.facts import Parameter
from gammapygpt.cookbook.about import About
from gammapygpt.cookbook.keys import quantity
from gammapygpt.state import Finding

SPECTRA = {
    "pl": ("PowerLaw", "power law"),
    "ecpl": ("ExpCutoff", "power law with exponential cut-off"),
    "lp": ("LogParabola", "log-parabola"),
}
SHAPES = {"gauss": "GaussianSpatialModel", "disk": "DiskSpatialModel"}
CONFIDENCE = re.compile(
    r"(?i)(\d\d(?:\.\d+)?)\s*%\s*(?:confidence|c\.?l\b|upper|limit)|confidence (?:level )?(?:of )?(\d\d(?:\.\d+)?)\s*%"
)
SIGMAS = ((99.5, 2.5, 3.2), (98.5, 2.2, 2.7), (94.0, 1.6, 2.1), (89.0, 1.2, 1.7), (65.0, 0.4, 1.1))
"""From a confidence level (%) on, the n_sigma_ul that are meant, one- or two-sided."""
AT_ENERGY = {"parameter", "dnde", "e2dnde"}
"""Quantities that depend on the reference energy."""


def parameters(case: Case) -> list[Parameter]:
    """Parameters of everything that was fitted or is alive."""
    return [one for fit in case.facts.fits for one in fit.parameters] + case.facts.models


def kinds(case: Case, ending: str) -> set[str]:
    """Classes of the models that were fitted."""
    return {one.kind for fit in case.facts.fits for one in fit.parameters if one.kind.endswith(ending)}


def spectral_model(case: Case) -> Iterator[Finding]:
    """The spectrum that was fitted is the one that was asked for."""
    wanted, seen = str(case.values.get("SPECTRAL_MODEL", "")), kinds(case, "SpectralModel")
    if wanted not in SPECTRA or not seen:
        return
    begins, name = SPECTRA[wanted]
    plain = {kind for kind in seen if not kind.startswith(("PowerLawNorm", "EBL"))}
    if plain and not any(kind.removeprefix("Super").startswith(begins) for kind in plain):
        text = f"{listed(sorted(plain))} is fitted, asked was a {name}"
        yield differs(case, "asked-model", "SPECTRAL_MODEL", text, "Fit that model.", certain=wanted != "pl")


def spatial_model(case: Case) -> Iterator[Finding]:
    """The shape that was fitted, likewise; in words only, hence a warning."""
    wanted, seen = str(case.values.get("SPATIAL_MODEL", "")), kinds(case, "SpatialModel")
    if wanted in SHAPES and seen and SHAPES[wanted] not in seen and "GeneralizedGaussianSpatialModel" not in seen:
        text = f"{listed(sorted(seen))} is fitted, asked was {SHAPES[wanted]}"
        yield differs(case, "asked-model", "SPATIAL_MODEL", text, "Fit that shape.", certain=False)


def fixed(case: Case) -> Iterator[Finding]:
    """Parameters that were to be kept at a value."""
    for name, value in (case.values.get("FIXED") or {}).items():
        seen = [one for one in parameters(case) if one.name == name and one.value is not None]
        if not seen or not is_number(value):
            continue
        if not any(one.frozen and any_same(float(value), [one.value], 1e-3) for one in seen):
            free = all(not one.frozen for one in seen)
            how = "free" if free else f"fixed to {listed([one.value for one in seen if one.frozen and one.value])}"
            text = f"`{name}` was to be fixed to {value:g}, and is {how} in the run"
            remedy = f"Set {name}.value = {value:g} and {name}.frozen = True before anything is fitted."
            yield differs(case, "asked-parameter", "FIXED", text, remedy, certain=True)


def reference_energy(case: Case) -> Iterator[Finding]:
    """Amplitudes are those at the reference energy that was asked for."""
    wanted = case.asked("REFERENCE_ENERGY")
    seen = [one.value for one in parameters(case) if one.name == "reference" and one.unit == "TeV" and one.value]
    if wanted is None or not seen or any_same(wanted, seen):
        return
    about = About(vocabulary=["spectrum"])
    names = [quantity(one.key, one.meaning, one.unit, about) for one in case.read.wanted]
    matters = any(one is not None and one.name in AT_ENERGY and "amplitude" in one.arguments for one in names)
    text = f"The reference energy is {listed(seen, 'TeV')}, asked was {wanted:g} TeV"
    certain = matters or not case.occurs(wanted)
    remedy = "Set reference to the energy of the request: the amplitude is the flux at that energy."
    yield differs(case, "asked-reference-energy", "REFERENCE_ENERGY", text, remedy, certain=certain)


def redshift(case: Case) -> Iterator[Finding]:
    """The redshift is the one that was given."""
    wanted = case.asked("REDSHIFT")
    seen = [one.value for one in parameters(case) if one.name == "redshift" and one.value is not None]
    if wanted is not None and seen and not any_same(wanted, seen, 1e-3):
        text = f"The models have a redshift of {listed(seen)}, given was {wanted:g}"
        yield differs(case, "asked-redshift", "REDSHIFT", text, "Compare the digits with the request.", certain=True)


def given_spectrum(case: Case) -> Iterator[Finding]:
    """Index and amplitude of a source that is only predicted or simulated."""
    if case.facts.fits or case.facts.n_fits:
        return
    for name, parameter in (("INDEX", "index"), ("AMPLITUDE", "amplitude")):
        wanted = case.asked(name)
        seen = [one.value for one in case.facts.models if one.name == parameter and one.value]
        if wanted is not None and seen and not any_same(wanted, seen) and not case.occurs(wanted):
            text = f"The model has {parameter} = {listed(seen)}, given was {wanted:g}"
            yield differs(case, "asked-parameter", name, text, "Use the number of the request.")


def confidence(case: Case) -> Iterator[Finding]:
    """Upper limits have the confidence level that was asked for."""
    match = CONFIDENCE.search(case.read.text)
    limits = [one.n_sigma_ul for one in case.facts.points if one.nan_limits is not None and one.n_sigma_ul]
    if match is None or not limits:
        return
    level = float(next(filter(None, match.groups())))
    low, high = next(((low, high) for least, low, high in SIGMAS if level >= least), (0.0, 9.0))
    if not any(low <= one <= high for one in limits):
        text = f"The upper limits are those of {listed(limits)} sigma, asked was a confidence of {level:g} %"
        remedy = "Set n_sigma_ul of the estimator: 2 is 95.4 %, 3 is 99.7 %."
        yield asked_finding("asked-confidence", text, remedy, fact=f"n_sigma_ul = {listed(limits)}")


RULES = (confidence, spectral_model, spatial_model, fixed, reference_energy, redshift, given_spectrum)
