"""Where the file of a model is: found by its sha256, which is computed once and remembered by size and time."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from gammapygpt.cache import cache_folder
from gammapygpt.errors import UserError
from gammapygpt.llm.base import OnWait
from gammapygpt.llm.local.models import KnownModel, known_model
from gammapygpt.private import private_folder


def models_folder() -> Path:
    """Where downloaded models go, and the record of what was verified."""
    return cache_folder() / "models"


def is_path(model: str) -> bool:
    """Whether a model is named by its file."""
    return model.endswith(".gguf") or os.sep in model or model.startswith("~")


def find_file(model: str, folder: str, say: OnWait | None = None) -> Path:
    """The file of a model that a backend names.

    Parameters
    ----------
    model : str
        A known name, or the path of a GGUF file.
    folder : str
        Where the user keeps model files; empty for nowhere.
    say : callable, optional
        Told when a large file is read through.

    Raises
    ------
    UserError
        The model is not on this machine, or there is none of this name.
    """
    if is_path(model):
        path = Path(model).expanduser()
        if not path.is_file():
            raise UserError(f"there is no file {path}.", "Name a GGUF file, or a model of `gammapygpt model list`.")
        return path.resolve()
    wanted = known_model(model)
    found = find_known(wanted, [folder], say)
    if found is None:
        raise UserError(
            f"the model {model} is not on this machine.",
            f"`gammapygpt model fetch {model}` downloads it ({wanted.shown_size}); if you have the file, "
            f"`gammapygpt model fetch {model} --from FILE`.",
        )
    return found


def find_known(model: KnownModel, folders: Iterable[str], say: OnWait | None = None) -> Path | None:
    """The file of a known model: downloaded, or anywhere in these folders, or where it was seen before."""
    for path in _candidates(model, folders):
        with contextlib.suppress(OSError):  # gone meanwhile, or not ours to read
            if sha256(path, say) == model.sha256:
                return path
    return None


def _candidates(model: KnownModel, folders: Iterable[str]) -> Iterator[Path]:
    """Files of the right size, whatever their names: other programs keep models under names of their own."""
    theirs = (_files_in(Path(folder).expanduser()) for folder in folders if folder)
    for place in chain([models_folder() / model.file], map(Path, _record()), *theirs):
        with contextlib.suppress(OSError):
            if place.stat().st_size == model.size:
                yield place.resolve()


def _files_in(folder: Path) -> Iterator[Path]:
    for above, _, names in os.walk(folder):
        yield from (Path(above, name) for name in names)


def sha256(path: Path, say: OnWait | None = None) -> str:
    """Checksum of a file, hexadecimal; read through only when size or time have changed since the last time.

    Raises
    ------
    OSError
        It cannot be read.
    """
    from gammapygpt.data.download import sha256_of

    path = path.resolve()
    seen = path.stat()
    mark = {"size": seen.st_size, "mtime_ns": seen.st_mtime_ns}
    known = _record().get(str(path), {})
    if {key: known.get(key) for key in mark} == mark and isinstance(known.get("sha256"), str):
        return known["sha256"]
    if say:
        say(f"checking {path} (once)")
    computed = sha256_of(path)
    _remember(path, {**mark, "sha256": computed})
    return computed


def _record() -> dict[str, dict[str, Any]]:
    try:
        record = json.loads((models_folder() / "verified.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {path: seen for path, seen in record.items() if isinstance(seen, dict)} if isinstance(record, dict) else {}


def _remember(path: Path, seen: dict[str, Any]) -> None:
    file = models_folder() / "verified.json"
    temporary = file.with_suffix(f".{os.getpid()}.tmp")
    # a record that cannot be written, or loses a line to another process, costs reading the file once more
    with contextlib.suppress(OSError):
        private_folder(file.parent)
        kept = {place: other for place, other in _record().items() if os.path.exists(place)}
        temporary.write_text(json.dumps({**kept, str(path): seen}, indent=1), encoding="utf-8")
        temporary.replace(file)
