"""`gammapygpt data`: simulate a DL3 data store, fetch the public one of H.E.S.S., look into what is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammapygpt.commands.common import ConfigOption, JsonOption, SetOption, assignments, command, print_json, sub_app
from gammapygpt.errors import UserError
from gammapygpt.runs.results import clean, one_line

if TYPE_CHECKING:
    from gammapygpt.data.fetch import Progress
    from gammapygpt.data.info import StoreDescription
    from gammapygpt.settings import Settings

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


@app.command()
@command
def fetch(
    release: Annotated[str, typer.Argument(help="Name of the release: hess-dl3-dr1.", show_default=False)],
    folder: Annotated[
        Path | None, typer.Option(help="Data folder; else data.path, PHOTON_STORAGE or GAMMAPY_DATA.")
    ] = None,
    url: Annotated[str, typer.Option(help="Where the release is; else data.hess_url of the settings.")] = "",
    config: ConfigOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download a public data release, with its terms; a download that broke off is continued."""
    from gammapygpt.data.fetch import fetch_hess_dl3_dr1
    from gammapygpt.data.info import describe
    from gammapygpt.settings_loading import load_settings

    if release != "hess-dl3-dr1":
        raise UserError(f"there is no release {release!r}.", "There is: hess-dl3-dr1.")
    loaded = load_settings(config, assignments(settings))
    where = folder or wanted_folder(loaded)
    with progress_shown() as progress:
        made = fetch_hess_dl3_dr1(
            where, url or loaded.data.hess_url, progress=progress, say=lambda text: typer.echo(text, err=True)
        )
    (store,) = [store for store in describe(made).stores if store.path == release]
    if as_json:
        print_json({"folder": made, "store": store})
        return
    typer.echo(store_line(store))
    typer.echo(f"to use it: export PHOTON_STORAGE={made}")


@app.command()
@command
def info(
    folder: Annotated[
        Path | None, typer.Argument(help="Data folder; else data.path, PHOTON_STORAGE or GAMMAPY_DATA.")
    ] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which DL3 data stores a data folder holds, and what is wrong with them."""
    from gammapygpt.data.info import describe
    from gammapygpt.data.stores import find_data
    from gammapygpt.settings_loading import load_settings

    found = describe(folder or find_data(load_settings(config, assignments(settings))))
    if as_json:
        print_json(found.model_dump())
        return
    typer.echo(f"{found.folder}: {len(found.stores)} data store{'' if len(found.stores) == 1 else 's'}")
    for store in found.stores:
        typer.echo(clean(store_line(store)))
    for skipped in found.skipped:
        typer.echo(clean(f"{one_line(skipped.path)}: cannot be read: {skipped.reason}"))


def wanted_folder(settings: Settings) -> Path:
    """The data folder that the user has named, which need not exist yet.

    Raises
    ------
    UserError
        None was named.
    """
    for named in (settings.data.path, os.environ.get("PHOTON_STORAGE"), os.environ.get("GAMMAPY_DATA")):
        if named:
            return Path(named)
    raise UserError(
        "where to? Neither data.path nor PHOTON_STORAGE nor GAMMAPY_DATA is set.", "Name a folder with --folder FOLDER."
    )


def store_line(store: StoreDescription) -> str:
    """What one data store holds, with one more line for each thing to know."""
    livetime = "livetime unknown" if store.livetime_s is None else f"livetime {store.livetime_s / 3600:.2f} h"
    telescopes = f" of {', '.join(store.telescopes)}" if store.telescopes else ""
    lines = [f"{one_line(store.path)}: {store.n_observations} observations{telescopes}, {livetime}"]
    lines += [f"  responses: {', '.join(store.irfs) or 'none'}"]
    if store.missing:
        shown = ", ".join(store.missing[:3]) + (", ..." if len(store.missing) > 3 else "")
        lines += [f"  missing: {len(store.missing)} files that the index names: {shown}"]
    if store.terms:
        lines += [f"  terms of use: {', '.join(store.terms)}"]
    return "\n".join(lines)


@contextmanager
def progress_shown() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal; in a pipe one line for each tenth of the files. Both on standard error."""
    if not sys.stderr.isatty():
        yield plain_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False)
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)

        def show(step: Progress) -> None:
            part = step.received / step.size if step.size else 0.0
            name = f"{step.number}/{step.files} {Path(step.file).name}"
            bar.update(task, total=step.files, completed=step.number - 1 + part, description=name)

        yield show


def plain_progress(step: Progress) -> None:
    """Tell of a finished file, of some ten in all."""
    if step.received == step.size and (step.number % max(step.files // 10, 1) == 0 or step.number == step.files):
        typer.echo(f"{step.number}/{step.files} {step.file}", err=True)
