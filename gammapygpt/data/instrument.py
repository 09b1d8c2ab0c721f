"""The simulated telescope array: its responses as formulas. Of the size of H.E.S.S. phase I, like no real instrument.

Events are drawn from the formulas; the IRF tables are the formulas on a grid so fine that interpolation adds nothing.
Energies are in TeV, angles in deg; arguments broadcast as numpy does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray

TELESCOPE = "SIMIACT"
N_TELESCOPES = 4
DEADC = 0.95
"""Livetime over ontime."""
THRESHOLD_TEV = 0.5
"""Below it the effective area falls steeply; `LO_THRES` of the tables."""
MAXIMUM_TEV = 100.0
"""`HI_THRES` of the tables."""
TRUE_RANGE_TEV = (0.05, 200.0)
RECO_RANGE_TEV = (0.1, 100.0)
"""Events outside are not kept."""
MAX_OFFSET_DEG = 3.0
"""Radius of the field of view."""
PSF_TAIL_FRACTION = 0.25
PSF_TAIL_WIDTH = 2.18
"""Of the wide Gaussian, in widths of the narrow one."""


def effective_area_m2(energy_true: NDArray, offset: NDArray | float) -> NDArray:
    """Effective area after cuts, in m2."""
    import numpy as np

    camera_edge = np.exp(-0.5 * (np.asarray(offset) / 1.8) ** 2)
    return 3.0e5 * energy_true**0.15 / (1 + (0.45 / energy_true) ** 4) * camera_edge


def energy_dispersion(energy_true: NDArray, offset: NDArray | float) -> tuple[NDArray, NDArray]:
    """Mean and width of ln(energy / energy_true): events at the threshold are those that fluctuated upwards."""
    import numpy as np

    width = (0.12 + 0.04 * energy_true**-0.5) * (1 + 0.05 * np.asarray(offset))
    bias = 0.1 * np.exp(-energy_true / 0.4) * np.ones_like(width)
    return bias, width


def psf_sigma_deg(energy_true: NDArray, offset: NDArray | float) -> NDArray:
    """Width of the narrow one of the two Gaussians; 68 % containment is 1.82 times that, 0.1 deg at 1 TeV."""
    import numpy as np

    return 0.055 * energy_true**-0.1 * (1 + 0.05 * np.asarray(offset) ** 2)


def background_rate(energy: NDArray, offset: NDArray | float) -> NDArray:
    """Rate of misidentified cosmic rays per reconstructed energy, in s-1 TeV-1 sr-1.

    Per second of ontime: background rates of GADF are not corrected for dead time.
    """
    import numpy as np

    camera = np.exp(-0.5 * (np.asarray(offset) / 1.4) ** 2)
    return 500.0 * energy**-2.7 / (1 + (0.3 / energy) ** 6) * camera


def energy_grid(low: float, high: float, per_decade: int) -> NDArray:
    """Edges of logarithmic bins, in TeV."""
    import numpy as np

    return np.geomspace(low, high, round(per_decade * np.log10(high / low)) + 1)


def bin_centres(edges: NDArray) -> NDArray:
    """Logarithmic centres of bins."""
    import numpy as np

    return np.sqrt(edges[:-1] * edges[1:])
