"""Drop checkpoints that nothing goes on from. Never those of a run under way, or of one that can be resumed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from gammapygpt.errors import UserError
from gammapygpt.graph import checkpoints as kept
from gammapygpt.runs.folder import RunFolder, read_json
from gammapygpt.runs.history import UNFINISHED, all_runs, at_work
from gammapygpt.runs.place import FOLDER_ID, Place, place_in, place_of
from gammapygpt.settings import RunsSettings


class Pruned(NamedTuple):
    """What was dropped, or would be."""

    checkpoints: int = 0
    bytes: int = 0
    ended: int = 0
    """Runs that ended and had checkpoints to drop."""
    gone: int = 0
    """Runs whose folder is gone."""
    kept: int = 0
    """Runs under way, or that can be resumed."""

    def plus(self, weight: tuple[int, int], **more: int) -> Pruned:
        """The same with what one more run frees."""
        sums = {name: getattr(self, name) + number for name, number in more.items()}
        return self._replace(checkpoints=self.checkpoints + weight[0], bytes=self.bytes + weight[1], **sums)


def prune_runs(runs: Path, settings: RunsSettings, *, keep_last: bool = True, days: float = 0.0, dry: bool) -> Pruned:
    """Drop what nothing goes on from, in every store that runs of a folder have.

    Parameters
    ----------
    runs
        The folder of the runs.
    settings
        The store that runs whose folder is gone may have had.
    keep_last
        Leave the last checkpoint of each run that ended.
    days
        Leave runs that ended less than so many days ago.
    dry
        Drop nothing.

    Raises
    ------
    UserError, InfrastructureError
        As `graph.checkpoints.opened`.
    """
    pruned = Pruned()
    stores: dict[str, Place] = {}
    for place in [place_in(settings), *(place_of(folder) for folder in all_runs(runs))]:
        stores.setdefault(place.store, place)
    for place in stores.values():
        if place.store or (runs / "checkpoints.sqlite").is_file():
            pruned = _prune_store(place, runs, pruned, keep_last=keep_last, days=days, dry=dry)
    return pruned


def _prune_store(place: Place, runs: Path, pruned: Pruned, *, keep_last: bool, days: float, dry: bool) -> Pruned:
    before = pruned.checkpoints
    with kept.opened(place, runs) as saver:
        threads = saver.threads(*_names_of(place, runs))  # before the folders: one that begins has its folder first
        folders = [RunFolder(path) for path in runs.iterdir() if path.is_dir()]
        known = {place_of(folder).thread for folder in folders}
        for thread in threads:
            if thread not in known:
                pruned = pruned.plus(saver.weight(thread, keep_last=False), gone=1)
                if not dry:
                    saver.drop(thread, keep_last=False)
        for folder in folders:
            if place_of(folder).store != place.store:
                continue
            weight = (0, 0)
            for thread in _ended(folder, days):
                weight = saver.weight(thread, keep_last=keep_last)
                if weight[0] and not dry:
                    folder.update_manifest(pruned="all but the last" if keep_last else "all")
                    saver.drop(thread, keep_last=keep_last)
            pruned = pruned.plus(weight, ended=int(weight[0] > 0), kept=int(_goes_on(folder)))
        if pruned.checkpoints > before and not dry:
            saver.tidy()
    return pruned


def _names_of(place: Place, runs: Path) -> list[str]:
    """How a shared database knows a folder of runs; other folders are nobody's business here."""
    if not place.store:
        return []
    return [str(read_json(runs / FOLDER_ID).get("id", "of no folder"))]


def _goes_on(folder: RunFolder) -> bool:
    return folder.manifest().get("status") in UNFINISHED


def _ended(folder: RunFolder, days: float) -> Iterator[str]:
    """The thread of a run that ended so many days ago, with the run's lock held; none of another run."""
    if at_work(folder) or not folder.manifest():
        return
    try:
        with folder.lock():
            manifest = folder.manifest()
            ended = manifest.get("finished", "")
            if ended and not _goes_on(folder) and _age(ended) >= timedelta(days=days):
                yield place_of(folder).thread
    except UserError:
        """Another process has it."""


def _age(moment: str) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(moment)
