"""Draw tasks from a seed: data, requests, reference scripts and known answers; the same seed gives the same files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gammapygpt.errors import GammapyGPTError, InfrastructureError, UserError
from gammapygpt.evals.draw.archive import Archive, draw_archive
from gammapygpt.evals.draw.judging import Answers, DrawAgain, answers
from gammapygpt.evals.draw.writing import write_task

if TYPE_CHECKING:
    from numpy.random import Generator

    from gammapygpt.evals.draw.draft import Draft

PER_ARCHIVE = 5
"""Tasks that share a data store."""
TRIES = 12
"""For one task, until its tolerances tell right from wrong."""
MAX_TASKS = 500
KINDS = Path(__file__).parent / "kinds"


def kinds() -> list[str]:
    """Names of the kinds of tasks; a new file in `kinds/` is a new kind."""
    return sorted(path.stem.replace("_", "-") for path in KINDS.glob("[a-z]*.py"))


def draw(
    folder: Path, seed: int, number: int, wanted: Sequence[str] = (), say: Callable[[str], None] = lambda line: None
) -> list[Path]:
    """Draw tasks into `folder/tasks`, over data in `folder/data`.

    Parameters
    ----------
    folder : Path
        New or empty.
    seed : int
        The same seed, number and kinds give the same files, byte for byte.
    number : int
        Of tasks.
    wanted : sequence of str
        Kinds; all if there are none.
    say : callable
        Is told of each task.

    Returns
    -------
    list of Path
        The files of the tasks.

    Raises
    ------
    UserError
        An argument makes no sense, or the folder is not empty. Nothing was changed.
    GammapyGPTError
        A reference script is too far from the truth. Nothing was written.
    InfrastructureError
        The files could not be written.
    """
    chosen = checked(seed, number, wanted)
    folder = Path(folder).expanduser().absolute()
    refuse_to_overwrite(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            made = Path(temporary) / "drawn"
            names = [path.name for path in write_tasks(made, seed, in_turn(seed, number, chosen), say)]
            refuse_to_overwrite(folder)
            os.replace(made, folder)
    except OSError as error:
        raise InfrastructureError(f"Cannot write {folder}: {error}.", "Choose another folder.") from error
    return [folder / "tasks" / name for name in names]


def write_tasks(folder: Path, seed: int, order: Sequence[str], say: Callable[[str], None]) -> list[Path]:
    """Archive by archive: simulate what the tasks look at, then draw them."""
    written = []
    for start in range(0, len(order), PER_ARCHIVE):
        group = order[start : start + PER_ARCHIVE]
        which = start // PER_ARCHIVE
        archive = draw_archive(f"archive-{which + 1}", generator(seed, 0, which))
        archive.write(folder / "data", {module(kind).FIELD for kind in group})
        say(f"data/{archive.store}: simulated")
        for place, kind in enumerate(group, start):
            name = f"drawn-{seed}-{place + 1:02d}-{kind}"
            draft, found = one_task(archive, kind, seed, place, folder / "data")
            written.append(write_task(folder / "tasks", name, kind, draft, found, archive.field(module(kind).FIELD)))
            say(f"{name}: {len(found.accepted)} accepted variants, {len(found.wrong)} wrong answers")
    return written


def one_task(archive: Archive, kind: str, seed: int, place: int, data: Path) -> tuple[Draft, Answers]:
    """A draft whose tolerances tell right from wrong: the first of a few."""
    reason = ""
    for attempt in range(TRIES):
        try:
            draft: Draft = module(kind).draft(archive, generator(seed, 1, place, attempt))
            return draft, answers(draft, data)
        except (DrawAgain, AssertionError) as why:  # a script's own: no fit, no counts
            reason = str(why)
    raise GammapyGPTError(f"No {kind} task came out of {TRIES} tries: {reason}.", "Take another seed.")


def module(kind: str) -> Any:
    """The module of a kind."""
    return import_module(f"gammapygpt.evals.draw.kinds.{kind.replace('-', '_')}")


def generator(*seeds: int) -> Generator:
    """One stream of random numbers for each thing that is drawn, so that none depends on how many came before."""
    import numpy as np

    return np.random.default_rng(list(seeds))


def in_turn(seed: int, number: int, chosen: Sequence[str]) -> list[str]:
    """The kind of each task: all in turn, each turn shuffled."""
    rng = generator(seed, 2)
    order: list[str] = []
    while len(order) < number:
        order += [chosen[place] for place in rng.permutation(len(chosen))]
    return order[:number]


def checked(seed: int, number: int, wanted: Sequence[str]) -> list[str]:
    """The kinds to draw.

    Raises
    ------
    UserError
        Number or seed make no sense, or a kind does not exist.
    """
    if not 1 <= number <= MAX_TASKS:
        raise UserError(f"{number} tasks?", f"Give a number from 1 to {MAX_TASKS}.")
    if seed < 0:
        raise UserError(f"The seed is {seed}.", "Give 0 or more.")
    unknown = [kind for kind in wanted if kind not in kinds()]
    if unknown:
        raise UserError(f"there is no kind {unknown[0]!r}.", f"The kinds are {', '.join(kinds())}.")
    return list(dict.fromkeys(wanted)) or kinds()


def refuse_to_overwrite(folder: Path) -> None:
    """Raise UserError where something is already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not an empty folder.", "Name a folder that is new or empty.")
