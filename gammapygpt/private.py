"""Folders and files that are nobody's business but their owner's, whatever the umask says."""

from __future__ import annotations

import os
from pathlib import Path


def private_folder(path: Path) -> Path:
    """Make a folder, and those above it that are missing, for their owner alone; one that is there stays as it is.

    Raises
    ------
    OSError
        It cannot be made.
    """
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(0o700, exist_ok=True)
    return path


def private_file(path: Path) -> Path:
    """Make an empty file for its owner alone; one of theirs that others could read is shut to them.

    Raises
    ------
    OSError
        It cannot be made.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
    try:
        about = os.fstat(descriptor)
        if about.st_mode & 0o077 and about.st_uid == os.getuid():
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return path
