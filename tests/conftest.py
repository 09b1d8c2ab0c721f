"""Where the tests find data: H.E.S.S. DL3 DR1 if this machine has it, simulated DL3 everywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def gammapy_data() -> Path | None:
    """The data folder with `hess-dl3-dr1`: PHOTON_STORAGE, then GAMMAPY_DATA, then ../shared/data/gammapy-data."""
    for folder in (
        os.environ.get("PHOTON_STORAGE"),
        os.environ.get("GAMMAPY_DATA"),
        REPOSITORY.parent / "shared" / "data" / "gammapy-data",
    ):
        if folder and (Path(folder) / "hess-dl3-dr1" / "obs-index.fits.gz").is_file():
            return Path(folder).resolve()
    return None


@pytest.fixture(scope="session")
def hess_data() -> Path:
    """The real H.E.S.S. data, or a skip that says what is missing."""
    folder = gammapy_data()
    if folder is None:
        pytest.skip("no hess-dl3-dr1 under PHOTON_STORAGE, GAMMAPY_DATA or ../shared/data/gammapy-data")
    return folder
