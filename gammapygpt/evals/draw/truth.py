"""What is true of a field, as an analysis would count it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gammapygpt.data import instrument
from gammapygpt.data.observe import Field

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mean_factor(field: Field) -> float:
    """Mean flux of all runs over that of the source."""
    return sum(field.factors) / len(field.factors) if field.factors else 1.0


def flux(field: Field, low_tev: float, high_tev: float, moment: int = 0) -> float:
    """Integral of E^moment dN/dE, mean of all runs, in TeV^moment cm-2 s-1; by Simpson's rule in ln E."""
    import numpy as np
    from scipy.integrate import simpson

    energy = np.geomspace(low_tev, high_tev, 4001)
    return float(simpson(field.source.dnde(energy) * energy ** (1 + moment), x=np.log(energy))) * mean_factor(field)


def expected_excess(field: Field, low_tev: float, high_tev: float, radius_deg: float) -> float:
    """Gamma rays of all runs in a range of reconstructed energy and a circle around the source.

    Energy dispersion as simulated; containment at the true energy.
    """
    import numpy as np
    from scipy.special import ndtr

    edges = instrument.energy_grid(*instrument.TRUE_RANGE_TEV, per_decade=400)
    energy = instrument.bin_centres(edges)
    bias, width = instrument.energy_dispersion(energy, field.offset_deg)
    low, high = (ndtr((np.log(edge / energy) - bias) / width) for edge in (low_tev, high_tev))
    area_cm2 = instrument.effective_area_m2(energy, field.offset_deg) * 1e4
    detected = field.source.dnde(energy) * area_cm2 * np.diff(edges) * (high - low)
    inside = containment(energy, field.offset_deg, radius_deg)
    livetime_s = field.livetime_s * field.n_observations
    return float(np.sum(detected * inside)) * livetime_s * mean_factor(field)


def containment(energy_true: NDArray, offset_deg: float, radius_deg: float) -> NDArray:
    """Fraction of the gamma rays of a point source within a radius."""
    import numpy as np

    sigma, tail = instrument.psf_sigma_deg(energy_true, offset_deg), instrument.PSF_TAIL_FRACTION
    lost = (1 - tail) * np.exp(-0.5 * (radius_deg / sigma) ** 2)
    inside: NDArray = 1 - lost - tail * np.exp(-0.5 * (radius_deg / sigma / instrument.PSF_TAIL_WIDTH) ** 2)
    return inside


def described(field: Field) -> dict[str, Any]:
    """The truth in words and numbers, for the task's `truth` table."""
    import math

    source = field.source
    told: dict[str, Any] = {
        "source_ra_deg": source.ra_deg,
        "source_dec_deg": source.dec_deg,
        "index": source.index,
        "amplitude_1TeV": source.amplitude,
    }
    if not math.isinf(source.cutoff_tev):
        told["cutoff_tev"] = source.cutoff_tev
    if field.factors:
        told["flux_factors"] = list(field.factors)
    return told | {
        "n_observations": field.n_observations,
        "livetime_s": field.livetime_s,
        "offset_deg": field.offset_deg,
        "first_obs_id": field.first_obs_id,
    }
