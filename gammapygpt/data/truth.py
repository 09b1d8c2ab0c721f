"""What an analysis of simulated data should find, and within which errors; in the form that `--expect` takes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gammapygpt.data import instrument
from gammapygpt.data.observe import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIT_RANGE_TEV = (1.0, 10.0)
"""The errors are those of a fit in this range; a wider fit does better."""
ON_RADIUS_DEG = 0.11
OFF_REGIONS = 8
N_SIGMA = 3.0
INDEX_SYSTEMATIC = 0.02
FLUX_SYSTEMATIC = 0.02
"""What binning, ON radius and the like may change, as a fraction."""
POSITION_SYSTEMATIC_DEG = 0.005
"""A quarter of the usual pixel."""
ERG_PER_TEV = 1.602176634


def truth_path(folder: Path) -> Path:
    """Where the truth of a simulated data folder is: beside it, out of reach of scripts that see the folder."""
    return folder.parent / f"{folder.name}-truth.toml"


def write_truth(path: Path, source: Source, n_observations: int, livetime_s: float, inputs: dict[str, Any]) -> None:
    """Write the expected results and all inputs of a simulation.

    Parameters
    ----------
    path : Path
        The TOML file.
    source : Source
        The true source.
    n_observations : int
        Number of runs.
    livetime_s : float
        Of each run, in s.
    inputs : dict
        Arguments of `simulate`; `offset_deg` among them.
    """
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment("The truth of simulated data. Keep it out of the data folder."))
    document.add("simulation", tomlkit.item(inputs))
    tables = tomlkit.aot()
    for entry in expected_results(source, n_observations, livetime_s, inputs["offset_deg"]):
        tables.append(tomlkit.item(entry))
    document.add("expected", tables)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def expected_results(source: Source, n_observations: int, livetime_s: float, offset_deg: float) -> list[dict[str, Any]]:
    """The `[[expected]]` tables: key, type, value, tolerance, unit, why."""
    import numpy as np

    rows, energy, signal, noise = _fit_expectation(source, n_observations * livetime_s, offset_deg)
    covariance = np.linalg.inv(rows.T @ np.diag(signal**2 / noise) @ rows)
    amplitude = source.amplitude * source.reference_tev**source.index
    flux, eflux = (_power_law_integral(amplitude, source.index, moment) for moment in (0, 1))

    def relative_tolerance(moment: int) -> float:
        step = 1e-4
        up, down = (_power_law_integral(1, source.index + sign * step, moment) for sign in (1, -1))
        gradient = np.array([1.0, (math.log(up) - math.log(down)) / (2 * step)])
        return N_SIGMA * float(np.sqrt(gradient @ covariance @ gradient)) + FLUX_SYSTEMATIC

    low, high = FIT_RANGE_TEV

    def entry(key: str, value: float, unit: str, why: str = "", **tolerance: float) -> dict[str, Any]:
        why = why or f"{N_SIGMA:g} sigma of a fit from {low:g} to {high:g} TeV, and analysis choices"
        rounded = {name: float(f"{size:.3g}") for name, size in tolerance.items()}
        return {"key": key, "type": "float", "value": value, **rounded, "unit": unit, "why": why}

    position = N_SIGMA * _position_error(energy, signal, noise, offset_deg) + POSITION_SYSTEMATIC_DEG
    spread = position / math.cos(math.radians(source.dec_deg)) if abs(source.dec_deg) < 89 else 180.0
    why = f"{N_SIGMA:g} sigma and a quarter of a pixel"
    index_error, amplitude_error = np.sqrt(np.diag(covariance))[::-1]
    return [
        entry("index", source.index, "", abs_tol=N_SIGMA * index_error + INDEX_SYSTEMATIC),
        entry("amplitude", amplitude, "cm-2 s-1 TeV-1", rel_tol=N_SIGMA * amplitude_error + FLUX_SYSTEMATIC),
        entry("flux_1_10TeV", flux, "cm-2 s-1", rel_tol=relative_tolerance(0)),
        entry("energy_flux_1_10TeV_erg", eflux * ERG_PER_TEV, "erg cm-2 s-1", rel_tol=relative_tolerance(1)),
        entry("ra_deg", source.ra_deg, "deg", why, abs_tol=spread),
        entry("dec_deg", source.dec_deg, "deg", why, abs_tol=position),
        {"key": "n_obs", "type": "int", "value": n_observations, "abs_tol": 0, "unit": "", "why": "a count"},
    ]


def _power_law_integral(amplitude: float, index: float, moment: int) -> float:
    """Integral of E^moment dN/dE from 1 to 10 TeV, amplitude at 1 TeV."""
    power = moment + 1 - index
    return amplitude * (math.log(10) if abs(power) < 1e-9 else (10**power - 1) / power)


def _fit_expectation(source: Source, livetime_s: float, offset_deg: float) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Per energy bin of an ON-OFF analysis: d ln(excess) / d(ln amplitude, index), energy, excess, its variance.

    Energy dispersion is neglected: for errors that is good enough.
    """
    import numpy as np

    edges = instrument.energy_grid(*FIT_RANGE_TEV, per_decade=20)
    energy, width = instrument.bin_centres(edges), np.diff(edges)
    area_cm2 = instrument.effective_area_m2(energy, offset_deg) * 1e4
    sigma = instrument.psf_sigma_deg(energy, offset_deg)
    tail = instrument.PSF_TAIL_FRACTION
    lost = (1 - tail) * np.exp(-0.5 * (ON_RADIUS_DEG / sigma) ** 2)
    lost += tail * np.exp(-0.5 * (ON_RADIUS_DEG / sigma / instrument.PSF_TAIL_WIDTH) ** 2)
    signal = source.dnde(energy) * area_cm2 * livetime_s * width * (1 - lost)
    solid_angle = math.pi * math.radians(ON_RADIUS_DEG) ** 2
    background = instrument.background_rate(energy, offset_deg) * livetime_s / instrument.DEADC * width * solid_angle
    noise = signal + background * (1 + 1 / OFF_REGIONS)
    return np.column_stack([np.ones_like(energy), -np.log(energy)]), energy, signal, noise


def _position_error(energy: NDArray, signal: NDArray, noise: NDArray, offset_deg: float) -> float:
    """Error of the mean position on one axis, in deg, from the events in the ON region."""
    import numpy as np

    tail = instrument.PSF_TAIL_FRACTION
    variance = instrument.psf_sigma_deg(energy, offset_deg) ** 2 * (1 - tail + tail * instrument.PSF_TAIL_WIDTH**2)
    return float(1 / np.sqrt(np.sum(signal**2 / noise / variance)))
