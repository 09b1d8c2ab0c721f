"""What must be the same when a run is taken up again, and what to call it when it is not."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from gammapygpt.errors import UserError


def changed_settings(then: dict[str, Any], current: dict[str, Any]) -> list[str]:
    """Dotted names of the settings that matter to a run and differ; backends that no agent speaks through do not."""
    used = {name for dump in (then, current) for name in (dump["default_backend"], *dump["roles"].values())}
    before, after = _flat(_relevant(then, used)), _flat(_relevant(current, used))
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def _relevant(settings: dict[str, Any], backends: set[str]) -> dict[str, Any]:
    kept = {name: section for name, section in settings.items() if name != "runs"}
    return {**kept, "backends": {name: value for name, value in settings["backends"].items() if name in backends}}


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, part in value.items():
        found |= _flat(part, f"{prefix}.{key}" if prefix else str(key))
    return found


def changed_data(then: dict[str, Any], path: Path, seen: dict[str, str]) -> str:
    if then["path"] != str(path):
        return f"the folder was {then['path']}, now it is {path}"
    before = then["index_checksums"]
    changed = sorted(name for name in before.keys() | seen.keys() if before.get(name) != seen.get(name))
    return f"index tables of {', '.join(changed)}"


def digest(path: Path) -> str:
    """sha256 of a file.

    Raises
    ------
    UserError
        It cannot be read.
    """
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.", "Name a file that exists.") from error
