"""`bench export`: a campaign in the format of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammapygpt.commands.common import command
from gammapygpt.commands.tables import near
from gammapygpt.errors import UserError


@command
def export(
    campaign: Annotated[Path, typer.Argument(help="Folder of a campaign, or its table.", show_default=False)],
    out: Annotated[Path, typer.Argument(help="Folder of the logs.", show_default=False)],
    inspect: Annotated[bool, typer.Option("--inspect", help="As logs of Inspect AI, for `inspect view`.")] = False,
) -> None:
    """Write a campaign as logs that another tool opens: one for each configuration, the epochs of a task as epochs."""
    from gammapygpt.evals.evidence import read_evidence
    from gammapygpt.evals.export.inspect_logs import write_logs

    if not inspect:
        raise UserError("no format is named.", "Add --inspect for logs of Inspect AI.")
    for path in write_logs(read_evidence(campaign), out.expanduser()):
        typer.echo(near(path))
