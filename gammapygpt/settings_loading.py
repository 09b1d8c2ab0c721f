"""From file, environment and command line to `Settings`, remembering where each value came from for the errors."""

from __future__ import annotations

import copy
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from gammapygpt import settings_file
from gammapygpt.errors import UserError
from gammapygpt.keys import looks_like_key, read_key
from gammapygpt.settings import Origins, Settings, without_secrets
from gammapygpt.settings_file import Key, SettingsFile, closest, dotted

PREFIX = "GAMMAPYGPT_"
NOT_SETTINGS = {"GAMMAPYGPT_CONFIG", "GAMMAPYGPT_CACHE", "GAMMAPYGPT_DEBUG"}
"""Variables of ours that mean something else."""
MAY_HOLD_SECRETS = {"api_key_env", "password_env", "checkpoints"}
"""Keys whose wrong values are never shown: somebody may have put there what belongs elsewhere."""


def load_settings(
    config: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Defaults, then the settings file, then GAMMAPYGPT_SECTION__KEY of the environment, then the command line.

    Parameters
    ----------
    config
        Settings file; None means GAMMAPYGPT_CONFIG, then `config.toml` in the platform's configuration folder, if any.
    overrides
        Dotted keys and their values, as in ``{"budget.attempts": 3}``; text is read as in the environment.
    environ
        The environment; None means that of this process.

    Raises
    ------
    UserError
        Unknown key, wrong type, bad address, unknown backend, broken TOML: the first of them, with file and line.
    """
    settings, problems = read_settings(config, overrides or {}, of_ours() if environ is None else environ)
    if problems or settings is None:
        raise problems[0]
    return settings


def of_ours() -> dict[str, str]:
    """The variables of this process that mean something to us: no crash can show the others, where keys are."""
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}


def check_key(settings: Settings, backend_name: str, environ: Mapping[str, str] | None = None) -> None:
    """Make sure that a backend exists and that its key is where the settings say.

    Raises
    ------
    UserError
        Says which environment variable is missing for which backend, and where that was asked for; or what is wrong
        with the file of the key.
    """
    backend = settings.backends.get(backend_name)
    if backend is None:
        raise no_such_backend(backend_name, settings.backends)
    if backend.api_key_file:
        read_key("", backend.api_key_file, f"Backend {backend_name!r}")
    variable = backend.api_key_env
    if variable and not (os.environ if environ is None else environ).get(variable, "").strip():
        where = settings.origin_near("backends", backend_name, "api_key_env")
        raise UserError(
            f"{where + ': ' if where else ''}the backend {backend_name!r} needs its key in the environment variable "
            f"{variable}, which is not set.",
            f"Type `export {variable}=...`, or choose another backend: `--backend cookbook` needs no key.",
        )


def read_settings(
    config: Path | None, overrides: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[Settings | None, list[UserError]]:
    """The settings, or all that is wrong with them. A file that cannot be read at all is raised."""
    return merge(settings_file.read_chosen(config, environ), overrides, environ)


def merge(
    file: SettingsFile | None, overrides: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[Settings | None, list[UserError]]:
    """Lay environment and command line over a file, and validate the whole."""
    values: dict[str, Any] = copy.deepcopy(file.values) if file else {}
    origins = Origins({key: f"{file.shown}:{line}" for key, line in file.lines.items()} if file else {})
    for name in sorted(environ):  # a section comes before its keys
        if name.startswith(PREFIX) and name not in NOT_SETTINGS and environ[name].strip():
            key = _known_key(name.removeprefix(PREFIX).split("__"), values)
            _lay(values, origins, key, environ[name].strip(), f"environment variable {name}")
    for name, value in overrides.items():
        _lay(values, origins, settings_file.split_key(name), value, f"option {name}")
    if keys := list(_keys_in(values, origins)):
        return None, keys
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        return None, _explain(error, values, origins)
    settings._origins = origins
    return settings, list(_unfit(settings))


def _lay(values: dict[str, Any], origins: Origins, key: Key, value: Any, origin: str) -> None:
    """Set one value, and note where it and the tables made for it came from."""
    table = values
    for depth, part in enumerate(key[:-1], start=1):
        if not isinstance(table.get(part), dict):
            table[part] = {}
            origins[key[:depth]] = origin
        table = table[part]
    table[key[-1]] = value
    origins[key] = origin


def _known_key(parts: Iterable[str], values: Any) -> Key:
    """The key that a variable means: the environment can write neither small letters nor hyphens nor dots."""
    key: Key = ()
    for part in parts:
        table = values if isinstance(values, dict) else {}
        name = next((known for known in table if re.sub(r"[-.]", "_", known).lower() == part.lower()), part.lower())
        key, values = (*key, name), table.get(name)
    return key


def _keys_in(values: Any, origins: Origins, above: Key = ()) -> Iterator[UserError]:
    """A line for each value, or name, that looks like a key; the key is not in it."""
    if isinstance(values, dict):
        for name, value in values.items():
            if looks_like_key(name):
                yield _no_key(origins, above, "a name")
            else:
                yield from _keys_in(value, origins, (*above, name))
    elif isinstance(values, list):
        for value in values:
            yield from _keys_in(value, origins, above)
    elif isinstance(values, str) and looks_like_key(values):
        yield _no_key(origins, above, f"the value of {above[-1]!r}")


def _no_key(origins: Origins, key: Key, what: str) -> UserError:
    where = next((origins[key[:n]] for n in range(len(key), 0, -1) if key[:n] in origins), "")
    place = f" in [{dotted(key[:-1])}]" if key[:-1] else ""
    return UserError(
        f"{where + ': ' if where else ''}{what}{place} looks like a key, and none belongs into the settings.",
        "Put it into an environment variable or a file, and name that: api_key_env, api_key_file.",
    )


def _explain(error: ValidationError, values: dict[str, Any], origins: Origins) -> list[UserError]:
    """One line for each key with an error, in the words of the settings file."""
    found: dict[Key, tuple[int, UserError]] = {}
    for detail in error.errors(include_url=False):
        key = _known_part(detail["loc"], values)
        depth = len(detail["loc"])
        if key in found and found[key][0] >= depth:
            continue  # of the alternatives of a union, the one that got furthest
        where = next((origins[key[:n]] for n in range(len(key), 0, -1) if key[:n] in origins), "")
        found[key] = (
            depth,
            UserError(f"{where + ': ' if where else ''}{_say(key, detail['type'], detail['msg'], detail['input'])}"),
        )
    return sorted((line for _, line in found.values()), key=_line)


def _line(error: UserError) -> int:
    """The line that an error names; what is not of the file comes after it."""
    line = re.match(r"[^\s]+:(\d+): ", error.message)
    return int(line.group(1)) if line else sys.maxsize


def _known_part(location: tuple[int | str, ...], values: Any) -> Key:
    """The part of an error's location that the user wrote; the rest is pydantic's own (list items, union members)."""
    key: list[str] = []
    for part in location:
        if not isinstance(values, dict) or part not in values:
            break
        key.append(str(part))
        values = values[part]
    return tuple(key)


def _say(key: Key, kind: str, message: str, value: Any) -> str:
    *table, name = key or ("settings",)
    place = f"in [{dotted(table)}]" if table else "at the top level"
    if kind == "extra_forbidden":  # never show the value: it may be a key that was put in the wrong place
        known = _names_in(Settings, table)
        guess = closest(name, known)
        return f"unknown key {name!r} {place}{guess or '; known are ' + ', '.join(known)}"
    if name not in _names_in(Settings, table) and table == ["roles"]:
        known = _names_in(Settings, table)
        return f"unknown role {name!r} {place}{closest(name, known) or '; known are ' + ', '.join(known)}"
    if kind in ("model_type", "dict_type"):
        return f"{dotted(key)} should be a table of keys, not {_shown(value)}"
    said = message.removeprefix("Value error, ").removeprefix("Input ").removeprefix("List ").split(", unable to")[0]
    unsure = isinstance(value, dict) or (isinstance(value, str) and re.search("[@?#]", value))
    private = unsure or "key" in name or name in MAY_HOLD_SECRETS
    showing = "" if private else f", not {_shown(value)}"
    return f"{name} {place} {said}{showing}"


def _shown(value: Any) -> str:
    text = without_secrets(repr(value))
    return text if len(text) <= 60 else text[:57] + "..."


def _names_in(model: type[BaseModel], table: Iterable[str]) -> list[str]:
    """The keys that a table of the settings may have."""
    kind: Any = model
    for part in table:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(part)
            kind = field.annotation if field else None
        else:  # a dict: any name, then what it holds
            kind = get_args(kind)[1] if get_args(kind) else None
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return list(kind.model_fields)
    return list(get_args(get_args(kind)[0])) if get_args(kind) else []


def _unfit(settings: Settings) -> Iterable[UserError]:
    """What each key by itself does not show."""
    named = {("default_backend",): settings.default_backend} | {("roles", str(r)): b for r, b in settings.roles.items()}
    for key, backend_name in named.items():
        if backend_name not in settings.backends:
            yield no_such_backend(backend_name, settings.backends, settings.origin(*key), f"{dotted(key)} names ")
    if (name := settings.retrieval.embeddings) and not getattr(settings.backends.get(name), "embedding_model", ""):
        where = settings.origin("retrieval", "embeddings")
        if name not in settings.backends:
            yield no_such_backend(name, settings.backends, where, "retrieval.embeddings names ")
        else:
            yield UserError(f"{where + ': ' if where else ''}the backend {name!r} has no 'embedding_model'.")
    for name, backend in settings.backends.items():
        where = settings.origin_near("backends", name)
        if backend.api_key_env and backend.api_key_file:
            yield UserError(
                f"{where + ': ' if where else ''}the backend {name!r} names both a variable and a file of its key."
            )
        needed = {
            "openai": ("model", "base_url"),
            "local": ("model",),
            "scripted": ("replies",),
            "cookbook": (),
        }[backend.kind]
        for missing in needed:
            if not getattr(backend, missing):
                yield UserError(f"{where + ': ' if where else ''}the backend {name!r} has no {missing!r}.")


def no_such_backend(name: str, known: Iterable[str], where: str = "", lead: str = "") -> UserError:
    """The error for a name that no backend has, with the nearest one that there is."""
    import tomllib

    known = list(known)
    said = f"{where + ': ' if where else ''}{lead or 'there is no '}backend {name!r}"
    said += ", which is not defined" if lead else ""
    if guess := closest(name, known):
        return UserError(said + guess)
    if name in tomllib.loads(settings_file.template())["backends"]:
        return UserError(
            said + ".",
            f"It is one of the presets that `gammapygpt config init` writes; now there are: {', '.join(known)}.",
        )
    return UserError(
        said + ".", f"There are: {', '.join(known)}; `gammapygpt config init` writes a file with the usual ones."
    )
