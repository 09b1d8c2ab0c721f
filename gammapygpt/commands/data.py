"""`gammapygpt data`: simulate a DL3 data store, fetch the public one of H.E.S.S., look into what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammapygpt.commands.common import JsonOption, command, print_json, sub_app

app = sub_app("DL3 data: simulate, fetch, look into.")


@app.command()
@command
def simulate(
    folder: Annotated[Path, typer.Argument(help="Data folder to be; new or empty.", show_default=False)],
    ra: Annotated[float, typer.Option(help="Right ascension of the source (ICRS), in deg.")] = 83.633,
    dec: Annotated[float, typer.Option(help="Declination of the source (ICRS), in deg.")] = 22.0145,
    index: Annotated[float, typer.Option(help="Spectral index of the power law, positive.")] = 2.5,
    amplitude: Annotated[float, typer.Option(help="At the reference energy, in cm-2 s-1 TeV-1.")] = 3.5e-11,
    reference: Annotated[float, typer.Option(help="Reference energy, in TeV.")] = 1.0,
    observations: Annotated[int, typer.Option(help="Number of wobble runs.")] = 4,
    livetime: Annotated[float, typer.Option(help="Of each run, in s.")] = 1800.0,
    offset: Annotated[float, typer.Option(help="Between source and pointing, in deg.")] = 0.5,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Simulate wobble runs around a point source, with the truth in a file beside the folder."""
    from gammapygpt.data.simulate import simulate as make
    from gammapygpt.data.truth import truth_path

    made = make(
        folder,
        ra_deg=ra,
        dec_deg=dec,
        index=index,
        amplitude=amplitude,
        reference_tev=reference,
        n_observations=observations,
        livetime_s=livetime,
        offset_deg=offset,
        seed=seed,
    )
    if as_json:
        print_json({"folder": made, "truth": truth_path(made), "observations": observations})
        return
    typer.echo(f"{observations} observations in {made}")
    typer.echo(f"truth in {truth_path(made)} (for `gammapygpt run --expect`; scripts never see it)")
    typer.echo(f"to use it: export PHOTON_STORAGE={made}")
