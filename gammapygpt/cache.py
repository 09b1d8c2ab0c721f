"""Where this program keeps what it has found out, for all runs of a user on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gammapygpt.errors import InfrastructureError

ELSEWHERE = "name another cache folder: export GAMMAPYGPT_CACHE=..."
"""What to do where there is no room in it, or no leave to write."""


def cache_folder() -> Path:
    """`GAMMAPYGPT_CACHE`, or the user's cache folder of this platform; it need not be there yet."""
    import platformdirs

    return Path(os.environ.get("GAMMAPYGPT_CACHE") or platformdirs.user_cache_dir("gammapygpt"))


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Say in one line that something could not be kept.

    Parameters
    ----------
    path : Path
        What was to be written in the block.

    Raises
    ------
    InfrastructureError
        The file system refuses.
    """
    try:
        yield
    except OSError as error:
        said = f"{error.strerror or error}: {error.filename}" if error.filename else f"{error.strerror or error}"
        remedy = f"Free some space, make it writable, or {ELSEWHERE}"
        raise InfrastructureError(f"{path} cannot be written ({said}).", remedy) from None
