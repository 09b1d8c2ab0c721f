"""Simulate DL3 data stores with known truth: a few wobble runs around a point source, or around several."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gammapygpt.data.gadf import observation_file, write_index, write_observation
from gammapygpt.data.observe import Field, Source, expected_events, record_events
from gammapygpt.data.truth import truth_path, write_truth
from gammapygpt.errors import InfrastructureError, UserError

STORE = "dl3-simulated"
"""Name of the data store in the data folder."""
MAX_EVENTS = 5_000_000
README = """\
Simulated gamma-ray data (DL3, GADF 0.2) of an instrument that does not exist
=============================================================================

Made by `gammapygpt data simulate`: wobble runs around one point source. Nothing here was measured.
Do with it what you like.
"""


def simulate(
    folder: Path,
    *,
    ra_deg: float = 83.633,
    dec_deg: float = 22.0145,
    index: float = 2.5,
    amplitude: float = 3.5e-11,
    reference_tev: float = 1.0,
    n_observations: int = 4,
    livetime_s: float = 1800.0,
    offset_deg: float = 0.5,
    seed: int = 0,
) -> Path:
    """Write a DL3 data store into `folder/dl3-simulated`, and the truth beside the folder.

    The same arguments give the same files, byte for byte. The truth is `truth.truth_path(folder)`: scripts that can
    read the data cannot read it.

    Parameters
    ----------
    folder : Path
        The data folder to be (PHOTON_STORAGE, GAMMAPY_DATA); new or empty.
    ra_deg, dec_deg : float
        Position of the source (ICRS), in deg.
    index, amplitude, reference_tev : float
        Power law dN/dE = amplitude (E / reference)^-index, amplitude in cm-2 s-1 TeV-1, reference in TeV.
    n_observations : int
        Number of runs.
    livetime_s : float
        Of each run, in s.
    offset_deg : float
        Between source and pointing, in deg.
    seed : int
        Of the random generator.

    Returns
    -------
    Path
        The data folder, absolute.

    Raises
    ------
    UserError
        An argument makes no sense, or the folder is not empty. Nothing was changed.
    InfrastructureError
        The files could not be written.
    """
    inputs = {name: value for name, value in locals().items() if name != "folder"}
    _check(**inputs)
    folder = Path(folder).expanduser().absolute()
    source = Source(ra_deg % 360, dec_deg, index, amplitude, reference_tev)
    if expected_events(source, livetime_s, offset_deg) * n_observations > MAX_EVENTS:
        raise UserError(
            f"That would be more than {MAX_EVENTS:,} events.", "Lower amplitude, livetime or number of runs."
        )
    truth = truth_path(folder)
    _refuse_to_overwrite(folder, truth)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            made = Path(temporary) / "folder"
            write_store(made / STORE, [Field(source, n_observations, livetime_s, offset_deg)], seed)
            write_truth(Path(temporary) / "truth", source, n_observations, livetime_s, inputs)
            _refuse_to_overwrite(folder, truth)
            os.replace(made, folder)
            shutil.move(Path(temporary) / "truth", truth)
    except OSError as error:
        raise InfrastructureError(f"Cannot write {folder}: {error}.", "Choose another folder.") from error
    return folder


def write_store(store: Path, fields: Sequence[Field], seed: int, readme: str = README) -> None:
    """Simulate one data store; each source is seen in the runs of its own field alone.

    Parameters
    ----------
    store : Path
        Its folder, new.
    fields : sequence of Field
        Farther apart than the field of view is wide, with ids of their own.
    seed : int
        Of the random generator; the events of a run depend on it, on the run's id and on the field alone.
    readme : str
        Says where the data come from.
    """
    import numpy as np

    (store / "data").mkdir(parents=True)
    runs, counts = [], []
    for field in fields:
        for number, run in enumerate(field.runs()):
            rng = np.random.default_rng([seed, run.obs_id])
            events = record_events(run, field.source_in(number), field.offset_deg, rng)
            write_observation(store / "data" / observation_file(run), run, events)
            runs.append(run)
            counts.append(int(events.time.size))
    write_index(store, runs, counts)
    (store / "README.txt").write_text(readme, encoding="utf-8")


def _check(
    *,
    ra_deg: float,
    dec_deg: float,
    index: float,
    amplitude: float,
    reference_tev: float,
    n_observations: int,
    livetime_s: float,
    offset_deg: float,
    seed: int,
) -> None:
    """Refuse what makes no sense, with the range that does."""
    ranges = {
        "right ascension": (ra_deg, -360, 360, "deg"),
        "declination": (dec_deg, -90, 90, "deg"),
        "index": (index, 0, 6, ""),
        "amplitude": (amplitude, 1e-16, 1e-6, "cm-2 s-1 TeV-1"),
        "reference energy": (reference_tev, 1e-3, 1e3, "TeV"),
        "number of observations": (n_observations, 1, 1000, ""),
        "livetime of a run": (livetime_s, 60, 36000, "s"),
        "offset": (offset_deg, 0, 2, "deg"),
        "seed": (seed, 0, 2**63, ""),
    }
    for name, (value, low, high, unit) in ranges.items():
        if not math.isfinite(value) or not low <= value <= high:
            raise UserError(f"The {name} is {value:g}.", f"Give a value from {low:g} to {high:g} {unit}".rstrip() + ".")


def _refuse_to_overwrite(folder: Path, truth: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file.", "Name a folder that is new or empty.")
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"The folder {folder} is not empty.", "Name a folder that is new or empty.")
    if truth.exists():
        raise UserError(f"{truth} exists, the truth of an earlier simulation.", "Remove it or choose another folder.")
