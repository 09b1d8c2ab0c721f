"""What no script may read: this program, wherever a copy of it lies, for it holds tasks with their known answers."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gammapygpt.sandbox.interpreter import SYSTEM_FOLDERS, Interpreter
from gammapygpt.sandbox.launch import OURS, places_of_data

NAME = OURS.name
COPIES = (
    NAME,
    f"*/{NAME}",
    f"src/*/{NAME}",  # pip install -e git+...
    f"lib*/python3*/*-packages/{NAME}",
    f"local/lib*/python3*/*-packages/{NAME}",
    f"envs/*/lib/python3*/site-packages/{NAME}",  # conda
)
"""Where a copy may lie, below a folder that scripts see."""
OF_A_CHECKOUT = (".git", "build", "dist", "tests", "benchmarks")
"""What lies beside a copy in its repository, and holds the same or tells of it."""


def secrets(interpreter: Interpreter, data: str) -> list[Path]:
    """Folders of the host that hold a copy of this program, each at its real place; none is below another.

    Parameters
    ----------
    interpreter : Interpreter
        Its folders are shown, and it may have a copy of its own.
    data : str
        Folder of the host; empty for none.
    """
    used = [Path(os.path.realpath(folder)) for folder in (*interpreter.folders, *filter(None, [data]))]
    found = {OURS, *(Path(os.path.realpath(copy)) for copy in interpreter.copies)}
    for folder in {*used, *map(Path, SYSTEM_FOLDERS)}:
        copies = (copy for pattern in COPIES for copy in glob.iglob(f"{glob.escape(str(folder))}/{pattern}/evals/"))
        found |= {Path(os.path.realpath(copy)).parent for copy in copies}
    beside = {place for copy in found for place in _beside(copy) if not any(one.is_relative_to(place) for one in used)}
    ordered = sorted(place for place in found | beside if os.path.isdir(place))
    return [place for place in ordered if not any(other in place.parents for other in ordered)]


def _beside(copy: Path) -> Iterator[Path]:
    """The rest of a repository; nothing where the copy is installed."""
    if os.path.isfile(copy.parent / "pyproject.toml"):
        yield from (copy.parent / name for name in OF_A_CHECKOUT)


def hidden_places(binds: Iterable[tuple[str, str]], secret: Sequence[Path]) -> list[str]:
    """Where secrets would be seen inside; no place is below another.

    Parameters
    ----------
    binds : iterable of (str, str)
        Place on the host and place inside of each folder that is shown.
    secret : sequence of Path
        See `secrets`.
    """
    found = []
    for source, place in binds:
        real = Path(os.path.realpath(source))
        for one in secret:
            if one.is_relative_to(real):
                found.append(os.path.normpath(os.path.join(place, one.relative_to(real))))
            elif real.is_relative_to(one) and os.path.isdir(real):  # a link in the data folder that leads there
                found.append(place)
    return [place for place in dict.fromkeys(found) if not any(_below(place, other) for other in found)]


def is_shown(path: Path, interpreter: Interpreter, data: str) -> bool:
    """Whether scripts over this data folder can read a file of the host."""
    binds = [(folder, folder) for folder in (*SYSTEM_FOLDERS, *interpreter.folders)] + places_of_data(data, "/data")
    real = path.resolve()
    return any(real.is_relative_to(os.path.realpath(source)) for source, _ in binds) and not any(
        real.is_relative_to(secret) for secret in secrets(interpreter, data)
    )


def _below(place: str, other: str) -> bool:
    return place != other and Path(place).is_relative_to(other)
