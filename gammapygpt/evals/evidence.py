"""What there is of a campaign to be reported, compared or exported: its records, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gammapygpt.errors import UserError
from gammapygpt.evals.campaign import ABOUT, Campaign
from gammapygpt.evals.cell import CELLS
from gammapygpt.evals.record import TABLE, Record, read_table


@dataclass(frozen=True)
class Evidence:
    """The records of a campaign."""

    name: str
    folder: Path
    """Runs are looked for in it; they need not be there."""
    records: list[Record]
    about: dict[str, Any] = field(default_factory=dict)
    """`campaign.json`; empty where there is none."""

    @property
    def missing(self) -> list[str]:
        """Cells that were planned and have no record."""
        there = {record.cell for record in self.records}
        return [cell for cell in self.about.get("planned", []) if cell not in there]


def read_evidence(path: Path) -> Evidence:
    """A campaign from its folder, while it runs too, or from its table alone.

    Raises
    ------
    UserError
        There is no campaign, or its table cannot be read.
    """
    path = path.expanduser()
    folder = path if path.is_dir() else path.parent
    campaign = Campaign(folder)
    about = campaign.about()
    name = path.resolve().name if path.is_dir() else path.stem
    if path.is_dir() and (folder / CELLS).is_dir():
        return Evidence(name, folder, campaign.records(), about)
    if path.is_dir() and about and not (folder / TABLE).exists():
        return Evidence(name, folder, [], about)
    try:
        return Evidence(name, folder, read_table(path), about)
    except FileNotFoundError:
        looked = f"{TABLE} or {ABOUT} in {path}" if path.is_dir() else str(path)
        raise UserError(f"there is no {looked}.", "Name the folder of a campaign, or its table.") from None
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"cannot read the table in {path} ({first}).", "Name the table of a campaign.") from error
