"""Values of constants in plain English, as the cookbook reads them back."""

from __future__ import annotations

from typing import Any

from gammapygpt.cookbook.keys import ABOVE_TO

MODELS = {"pl": "power law", "lp": "log parabola", "ecpl": "power law with an exponential cut-off"}
SHAPES = {"point": "point source", "gauss": "Gaussian", "disk": "disk"}
PARAMETERS = {"lambda_": "cut-off", "r_0": "disk radius"}
PHRASES = {
    "SELECTION_RADIUS": "observations that point within {} deg of the source",
    "ON_RADIUS": "ON region of {} deg radius",
    "EXCLUSION_RADIUS": "exclusion radius {} deg",
    "OFFSET_MAX": "events within {} deg of the pointing",
    "ENERGY_BINS": "{} energy bins",
    "BINS_PER_DECADE": "{} bins per decade",
    "AEFF_MAX_PERCENT": "safe energies where the effective area is above {} % of its maximum",
    "REFERENCE_ENERGY": "reference energy {} TeV",
    "MAP_WIDTH": "map of {0} x {0} deg",
    "PIXEL_SIZE": "pixels of {} deg",
    "CORRELATION_RADIUS": "correlation radius {} deg",
    "RING_RADIUS": "inner ring radius {} deg",
    "RING_OUTER_MAX": "maximum outer radius {} deg",
    "RING_WIDTH": "ring width {} deg",
    "FLUX_POINTS": "{} flux points",
    "INDEX": "photon index {}",
    "ALPHA": "alpha = {}",
    "BETA": "beta = {}",
    "AMPLITUDE": "amplitude {} cm-2 s-1 TeV-1",
    "CUTOFF_ENERGY": "cut-off at {} TeV",
    "REDSHIFT": "redshift {}",
    "LIVETIME": "livetime {} h",
    "OFFSET": "offset of {} deg from the pointing",
    "SEED": "seed {}",
    "CONFIDENCE_LEVEL": "confidence level {}",
    "TIME_BIN_WIDTH": "time bins of {} min",
    "ZENITH_MAX": "zenith angles below {} deg",
}
"""Of numbers, in the unit of the constant."""
SWITCHES: dict[tuple[str, Any], str] = {
    ("EXCLUSION_RADIUS", 0.0): "no exclusion region",
    ("AEFF_MAX_PERCENT", 0.0): "no safe mask",
    ("CONTAINMENT_CORRECTION", True): "with containment correction",
    ("CONTAINMENT_CORRECTION", False): "no containment correction",
    ("EBL_ABSORPTION", True): "absorption by the extragalactic background light",
    ("STACKED", True): "observations stacked",
    ("STACKED", False): "observations not stacked",
    ("POSITION_RANGE", 0.0): "position fixed",
}
"""Of choices that are made in words."""


def phrase(name: str, value: Any) -> str:
    """A value in words; empty where there are none for it."""
    if name == "SPECTRAL_MODEL":
        return f"spectral model: {MODELS[value]}"
    if name == "SPATIAL_MODEL":
        return f"spatial model: {SHAPES[value]}"
    if name == "FIXED":
        return ", ".join(f"{PARAMETERS.get(one, one)} fixed to {fixed_value(one, at)}" for one, at in value.items())
    if name == "FLUX_POINT_EDGES":
        return f"flux points in bins with edges {', '.join(f'{edge:g}' for edge in value)} TeV"
    if isinstance(value, bool | int | float) and (name, value) in SWITCHES:
        return SWITCHES[name, value]
    return PHRASES[name].format(plain(value)) if name in PHRASES else ""


def fixed_value(parameter: str, value: float) -> str:
    """Of a parameter that is not fitted, in the unit in which people give it."""
    return {"lambda_": f"{plain(1 / value)} TeV", "sigma": f"{plain(value)} deg", "r_0": f"{plain(value)} deg"}.get(
        parameter, plain(value)
    )


def energy_range(low: Any, high: Any) -> str:
    """Limits of energies in TeV; one of them may be None."""
    if low is not None and high is not None and high < ABOVE_TO:
        return f"{plain(low)}-{plain(high)} TeV"
    return f"above {plain(low)} TeV" if low is not None else f"up to {plain(high)} TeV"


def plain(value: Any) -> str:
    """A number as people write it."""
    return f"{value:.9g}" if isinstance(value, float) else str(value)
