"""What must be the same when a run is taken up again, and what to call it when it is not."""

from __future__ import annotations

from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gammapygpt.errors import UserError
from gammapygpt.settings import Settings, public_settings

ELSEWHERE = (
    "base_url",
    "api_key_env",
    "api_key_file",
    "timeout_s",
    "retries",
    "requests_per_minute",
    "parallel_requests",
)
"""Settings of a backend that say where and how patiently it is asked; they may change on the way."""


def changed_settings(then: dict[str, Any], current: dict[str, Any]) -> list[str]:
    """Dotted names of the settings that matter to a run and differ; backends that no agent speaks through do not.

    One that the earlier version did not have is as by default; one that this version does not have any more counts
    where it was switched on.
    """
    used = {name for dump in (then, current) for name in (dump["default_backend"], *dump["roles"].values())}
    then, by_default = of_this_version(then)
    before = _flat(_relevant(by_default, used)) | _flat(_relevant(then, used))
    after = _flat(_relevant(current, used))
    changed = (key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return sorted(key for key in changed if key.rpartition(".")[2] not in ELSEWHERE)


def of_this_version(kept: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings without those that are gone and were off, and the same with what has come since at its default."""
    kept = deepcopy(kept)
    try:
        return kept, public_settings(Settings.model_validate(kept))
    except ValidationError as error:
        gone = [one["loc"] for one in error.errors() if one["type"] == "extra_forbidden" and not one["input"]]
    for *way, name in gone:
        section: Any = kept
        for part in way:
            section = section[part]
        del section[name]
    return of_this_version(kept) if gone else (kept, kept)


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
