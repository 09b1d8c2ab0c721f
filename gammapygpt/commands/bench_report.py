"""`bench report`: what a campaign says, as one page and in Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammapygpt.commands.common import command
from gammapygpt.commands.tables import near

CampaignArgument = Annotated[Path, typer.Argument(help="Folder of a campaign, or its table.", show_default=False)]


@command
def report(
    campaign: CampaignArgument,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; else that of the campaign.")] = None,
) -> None:
    """Write report.html, one page that needs nothing else, and report.md; of an unfinished campaign too."""
    from gammapygpt.evals.evidence import read_evidence
    from gammapygpt.evals.report.write import write_report

    evidence = read_evidence(campaign)
    for path in write_report(evidence, (out or evidence.folder).expanduser()):
        typer.echo(near(path))
