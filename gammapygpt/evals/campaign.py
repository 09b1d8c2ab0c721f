"""A campaign: every task answered by every configuration, some times over. Started again it fills what is missing.

CAMPAIGN/
  campaign.json   what was asked for, with which settings, on which machine
  cells/          one record for each cell, written whole when the cell has ended
  runs/CELL/      the run of each cell, with checkpoints of its own
  table.jsonl     all records, one a line: `pandas.read_json(path, lines=True)`
  .lock           held by the process that drives it
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.evals.cell import CELLS, CellSpec, keep, lost, read_record, run_cell
from gammapygpt.evals.configuration import Configuration
from gammapygpt.evals.record import TABLE, Record, Scoring, read_table
from gammapygpt.evals.task import Task
from gammapygpt.evals.workers import Pool
from gammapygpt.private import private_folder
from gammapygpt.run import now
from gammapygpt.runs.changes import changed_settings
from gammapygpt.runs.folder import one_process, write_file, write_json
from gammapygpt.settings import Settings, public_settings
from gammapygpt.settings_loading import load_settings

ABOUT = "campaign.json"
PATIENCE = 5
"""Infrastructure failures in a row after which a campaign stops: the next would fail too."""
PLACES = {"data": "path", "analysis": "python", "retrieval": "gammapy_source", "runs": "folder"}
"""Settings that name folders of one machine: no part of what a campaign is, and nobody else's business."""


@dataclass(frozen=True)
class Campaign:
    """The folder of a campaign."""

    folder: Path

    def about(self) -> dict[str, Any]:
        """What `campaign.json` says; empty for a new one."""
        try:
            value = json.loads((self.folder / ABOUT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise UserError(f"cannot read {self.folder / ABOUT} ({error}).", "Choose another folder.") from error
        return value if isinstance(value, dict) else {}

    def records(self) -> list[Record]:
        """Those there are, in the order that was planned."""
        planned = {name: number for number, name in enumerate(self.about().get("planned", []))}
        found = [record for file in (self.folder / CELLS).glob("*.json") if (record := read_record(file))]
        return sorted(found, key=lambda record: (planned.get(record.cell, len(planned)), record.cell))

    def restore(self) -> None:
        """Take up the records of a table that came without its cells, as one in a repository does."""
        if (self.folder / TABLE).is_file():
            for record in read_table(self.folder / TABLE):
                keep(record, self.folder / CELLS / f"{record.cell}.json")

    def write_table(self) -> Path:
        """All records as JSON lines."""
        file = self.folder / TABLE
        write_file(file, "".join(record.model_dump_json() + "\n" for record in self.records()))
        return file

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep the campaign to one driver; the lock ends with the process.

        Raises
        ------
        UserError
            Another process drives it, or the folder cannot be made.
        """
        try:
            private_folder(self.folder)
            (self.folder / ".lock").touch()
        except OSError as error:
            raise UserError(f"cannot write to {self.folder}: {error.strerror}.", "Name another folder.") from error
        under_way = f"the campaign in {self.folder} is under way in another process."
        with one_process(self.folder / ".lock", UserError(under_way, "Wait for it, or name another folder.")):
            yield


def cells(
    campaign: Campaign,
    tasks: Sequence[Task],
    configurations: Sequence[Configuration],
    epochs: int,
    scoring: Scoring,
    config: Path | None,
    overrides: dict[str, Any],
) -> list[CellSpec]:
    """Every cell: the first epoch of all configurations before the second of any."""
    return [
        CellSpec(
            campaign=campaign.folder.resolve(),
            task=task.path,
            configuration=configuration,
            epoch=epoch,
            scoring=scoring,
            config=config.resolve() if config else None,
            overrides=overrides,
        )
        for epoch in range(1, epochs + 1)
        for configuration in configurations
        for task in tasks
    ]


def prepare(campaign: Campaign, planned: Sequence[CellSpec], settings: Settings, command: str) -> None:
    """Write down what is asked for, beside what was asked for before.

    Raises
    ------
    UserError
        The campaign began with other settings or another scoring: its cells could not be compared.
    """
    about, dumped = campaign.about(), without_places(public_settings(settings))
    campaign.restore()
    if about:
        if changed := changed_settings(about["settings"], dumped):
            raise UserError(
                f"settings have changed since the campaign in {campaign.folder} began: {', '.join(changed)}.",
                "Set them back, or name another folder.",
            )
        if planned and about["scoring"] != planned[0].scoring:
            raise UserError(
                f"the campaign in {campaign.folder} is scored {about['scoring']}, and the two are never mixed.",
                "Name another folder.",
            )
    names = [spec.name for spec in planned]
    arms = {one.name: one.model_dump() for one in (spec.configuration for spec in planned)}
    write_json(
        campaign.folder / ABOUT,
        {
            "created": about.get("created", now()),
            "command": command,
            "commands": list(dict.fromkeys([*about.get("commands", []), command])),
            "scoring": planned[0].scoring if planned else about.get("scoring", "blind"),
            "planned": list(dict.fromkeys([*about.get("planned", []), *names])),
            "configurations": {**about.get("configurations", {}), **arms},
            "machine": machine(),
            "settings": dumped,
        },
    )


def without_places(dumped: dict[str, Any]) -> dict[str, Any]:
    """Settings as plain data that name no folder of this machine."""
    return {name: {**part, PLACES[name]: ""} if name in PLACES else part for name, part in dumped.items()}


def missing(planned: Sequence[CellSpec]) -> list[CellSpec]:
    """Cells without a record, and those where the infrastructure failed."""
    known = ((spec, read_record(spec.file)) for spec in planned)
    return [spec for spec, record in known if record is None or record.verdict == "infrastructure"]


def fill(campaign: Campaign, specs: Sequence[CellSpec], pool: Pool, tell: Callable[[Record], None]) -> None:
    """Run cells that are missing, and write the table whatever happens.

    Raises
    ------
    InfrastructureError
        So many cells failed in a row for no fault of theirs that the next would fail too.
    """
    failing = 0
    try:
        for spec, came in pool.run(run_as_planned, specs):
            record = came if isinstance(came, Record) else lost(spec, str(came))
            tell(record)
            failing = failing + 1 if record.verdict == "infrastructure" else 0
            if failing >= PATIENCE:
                raise InfrastructureError(
                    f"The last {failing} cells failed for no fault of theirs: {record.reason}",
                    "Mend it, and give the same command again.",
                )
    finally:
        campaign.write_table()


def run_as_planned(spec: CellSpec) -> Record:
    """Run a cell, where the settings are those that the campaign was planned with.

    Raises
    ------
    UserError
        They are not: this is a machine with another settings file or another environment.
    """
    check_settings(spec.campaign, spec.config, json.dumps(spec.overrides, sort_keys=True))
    return run_cell(spec)


@lru_cache(maxsize=1)
def check_settings(folder: Path, config: Path | None, overrides: str) -> None:
    """Compare the settings here with those of `campaign.json`; once in a process.

    Raises
    ------
    UserError
        They differ.
    """
    here = without_places(public_settings(load_settings(config, json.loads(overrides))))
    if changed := changed_settings(Campaign(folder).about()["settings"], here):
        raise UserError(
            f"the settings of a worker on {platform.node()} are not those of the campaign: {', '.join(changed)}.",
            "Write them into one file, and name it with --config; variables of your shell do not reach the workers.",
        )


def without_data(tasks: Sequence[Task], data: Path) -> dict[str, list[str]]:
    """By task, the data sets that it needs and that are not there."""
    gone = {task.id: [name for name in task.datasets if not (data / name).exists()] for task in tasks}
    return {task: names for task, names in gone.items() if names}


def machine() -> str:
    """What it runs on, without naming it: `x86_64, Linux, 2 cores, Python 3.11.2`."""
    return f"{platform.machine()}, {platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}"
