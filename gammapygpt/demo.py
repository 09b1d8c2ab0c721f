"""`make demo`: the main job on real data, or on simulated data with known truth; no model, no key, no settings file."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import typer

from gammapygpt.commands.common import plain_errors
from gammapygpt.settings import Settings

REQUEST = "Extract the spectrum of the Crab Nebula with reflected regions and fit a power law"
HESS = "hess-dl3-dr1"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "gammapy-data"
"""Where the data of a development checkout lie."""
SIMULATED = Path("demo-data")

PUBLISHED = {"index": 2.63, "index_err": 0.01, "amplitude": 3.45e-11, "amplitude_err": 0.05e-11}
"""Power law of the Crab Nebula with statistical errors, amplitude in cm-2 s-1 TeV-1 at 1 TeV; the
systematic errors are larger, 20 % of the flux: F. Aharonian et al. (H.E.S.S.), A&A 457 (2006) 899."""
ERG_PER_TEV = 1.602176634


def main() -> None:
    """Find or make data, run the main job, show what came out beside what was to be expected."""
    from gammapygpt.commands.run import EXIT, run_until_end
    from gammapygpt.commands.tables import show_run
    from gammapygpt.session import start

    with plain_errors():
        data = real_data()
        reference, of = published(), "Aharonian et al. 2006, A&A 457, 899"
        if data is None:
            data = simulated_data()
            reference, of = truth(data), "the truth of the simulation"
        typer.echo(f"data:    {data}\nrequest: {REQUEST}\n")
        settings = Settings.model_validate({"default_backend": "cookbook", "data": {"path": str(data)}})
        run = start(REQUEST, settings)
        run_until_end(run)
        manifest = run.folder.manifest()
        script = run.folder.final / "script.py"
        if script.is_file():
            typer.echo(f"\n--- script\n{script.read_text(encoding='utf-8').rstrip()}\n---\n")
        show_run(run.folder.path, manifest, reference)
        typer.echo(f"reference: {of}")
    raise typer.Exit(EXIT[manifest["status"]])


def real_data() -> Path | None:
    """The folder with H.E.S.S. DL3 DR1, if this machine has it."""
    places = [os.environ.get("PHOTON_STORAGE"), os.environ.get("GAMMAPY_DATA"), SHARED]
    return next((Path(place) for place in places if place and (Path(place) / HESS).is_dir()), None)


def simulated_data() -> Path:
    """Simulated runs on a Crab-like source below the current folder; made once."""
    from gammapygpt.data.simulate import simulate
    from gammapygpt.data.truth import truth_path

    if not (SIMULATED.is_dir() and truth_path(SIMULATED).is_file()):
        typer.echo("no H.E.S.S. data here: simulating four runs on the Crab Nebula ...")
        simulate(SIMULATED)
    return SIMULATED.resolve()


def truth(data: Path) -> dict[str, Any]:
    """What an analysis of simulated data should find, by key."""
    from gammapygpt.data.truth import truth_path

    tables = tomllib.loads(truth_path(data).read_text(encoding="utf-8"))["expected"]
    return {table["key"]: table["value"] for table in tables}


def published() -> dict[str, float]:
    """The published power law and its integrals from 1 to 10 TeV."""
    amplitude, index = PUBLISHED["amplitude"], PUBLISHED["index"]
    flux = amplitude * (1 - 10 ** (1 - index)) / (index - 1)
    energy_flux = ERG_PER_TEV * amplitude * (1 - 10 ** (2 - index)) / (index - 2)
    return {**PUBLISHED, "flux_1_10TeV": flux, "energy_flux_1_10TeV_erg": energy_flux}


if __name__ == "__main__":
    typer.run(main)
