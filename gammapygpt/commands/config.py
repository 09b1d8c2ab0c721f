"""`gammapygpt config`: write, show, change and check the settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gammapygpt.commands.common import ConfigOption, JsonOption, SetOption, assignments, command, print_json, sub_app
from gammapygpt.errors import UserError
from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from gammapygpt.settings import Settings
    from gammapygpt.settings_file import Key

app = sub_app("The settings: one TOML file, then the environment, then the command line.")


@app.command()
@command
def init(
    config: ConfigOption = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a commented settings file with presets: OpenAI, Blablador, Ollama, vLLM, llama.cpp."""
    from gammapygpt import settings_file

    path = settings_file.chosen_path(config, os.environ)
    if path.exists() and not force:
        raise UserError(
            f"{settings_file.shown(path)} is already there.",
            "`config init --force` writes over it; `config set` edits it.",
        )
    settings_file.write(path, settings_file.template())
    typer.echo(f"wrote {settings_file.shown(path)}")


@app.command()
@command
def show(config: ConfigOption = None, settings: SetOption = None, as_json: JsonOption = False) -> None:
    """Print the settings in force, with where each came from. Never prints a key or a password."""
    from gammapygpt.settings import public_settings
    from gammapygpt.settings_loading import load_settings

    loaded = load_settings(config, assignments(settings))
    if as_json:
        print_json({"settings": public_settings(loaded), "keys": keys_set(loaded), "origins": _origins(loaded)})
    else:
        typer.echo(as_toml(loaded), nl=False)


@app.command("set")
@command
def set_value(
    key: Annotated[str, typer.Argument(help="Dotted, as in sandbox.wall_s or backends.openai.model.")],
    value: Annotated[str, typer.Argument(help='The new value; "none" for no limit, a,b,c for a list.')],
    config: ConfigOption = None,
) -> None:
    """Change one value in the settings file; comments stay. Nothing is written unless the whole file is valid then."""
    from gammapygpt import settings_file

    path = settings_file.chosen_path(config, os.environ)
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else settings_file.template()
    settings_file.write(path, edited(path, text, settings_file.split_key(key), value))
    typer.echo(f"wrote {settings_file.shown(path)}")


@app.command()
@command
def check(config: ConfigOption = None, settings: SetOption = None) -> None:
    """Validate the settings and look for the keys of the backends in use; exit code 2 when something is wrong."""
    from gammapygpt import settings_file
    from gammapygpt.settings_loading import check_key, of_ours, read_settings

    path = settings_file.chosen_path(config, os.environ)
    loaded, problems = read_settings(config, assignments(settings), of_ours())
    if loaded is not None:
        for name in backends_in_use(loaded):
            try:
                if name in loaded.backends:
                    check_key(loaded, name)
            except UserError as error:
                problems.append(error)
    for problem in problems:
        typer.echo(clean(f"error  {problem}"))
    if problems:
        raise typer.Exit(UserError.exit_code)
    assert loaded is not None
    typer.echo(f"ok     {settings_file.shown(path)}" + ("" if path.exists() else " is not there; the defaults hold"))
    for line in _backend_lines(loaded):
        typer.echo(line)


def backends_in_use(settings: Settings) -> list[str]:
    """Names of the default backend and of those of the roles, each once."""
    return list(dict.fromkeys([settings.default_backend, *settings.roles.values()]))


def _backend_lines(settings: Settings) -> list[str]:
    used = backends_in_use(settings)
    lines = []
    for name, backend in settings.backends.items():
        variable, file = backend.api_key_env, backend.api_key_file
        key = f"key from {file}" if file else "needs no key"
        if variable:
            key = f"{variable} is {'set' if keys_set(settings)[variable] else 'not set'}"
        lines.append(f"{'ok    ' if name in used else 'unused'} backend {name}: {key}")
    return lines


def keys_set(settings: Settings) -> dict[str, bool]:
    """Which of the environment variables that hold keys are set."""
    names = [backend.api_key_env for backend in settings.backends.values() if backend.api_key_env]
    return {name: bool(os.environ.get(name, "").strip()) for name in names}


def _origins(settings: Settings) -> dict[str, str]:
    """Where each value that is not a default came from, by dotted key."""
    from gammapygpt.settings_file import dotted

    return {dotted(key): settings.origin(*key) for key in _leaves(settings.model_dump()) if settings.origin(*key)}


def _leaves(values: dict[str, Any], above: Key = ()) -> list[Key]:
    found: list[Key] = []
    for name, value in values.items():
        found += _leaves(value, (*above, name)) if isinstance(value, dict) and value else [(*above, name)]
    return found


def as_toml(settings: Settings) -> str:
    """The settings as a valid settings file without secrets; a comment says where a value came from."""
    import tomlkit

    from gammapygpt.settings import public_settings

    keys = keys_set(settings)

    def fill(table: Any, values: dict[str, Any], above: Key) -> Any:
        for name, value in values.items():
            if isinstance(value, dict):
                table.add(name, fill(tomlkit.table(is_super_table=name == "backends"), value, (*above, name)))
                continue
            item = tomlkit.item("none" if value is None else value)
            notes = [settings.origin(*above, name)]
            if name == "api_key_env" and value:
                notes.insert(0, "set" if keys[value] else "not set")
            if said := "; ".join(note for note in notes if note):
                item.comment(said)
            table.add(name, item)
        return table

    return tomlkit.dumps(fill(tomlkit.document(), public_settings(settings), ()))


def edited(path: Path, text: str, key: Key, value: str) -> str:
    """The text of a settings file after one value was changed.

    Raises
    ------
    UserError
        The key is unknown, the value does not fit, or the file would not be valid for another reason.
    """
    from tomlkit.exceptions import TOMLKitError

    from gammapygpt import settings_file
    from gammapygpt.settings_loading import merge

    settings, problems = merge(settings_file.parse(path, text), {settings_file.dotted(key): value}, {})
    if problems or settings is None:
        raise problems[0]
    typed: Any = settings.model_dump(mode="json")
    for part in key:
        typed = typed[part]
    by_hand = UserError(f"{settings_file.shown(path)}: {settings_file.dotted(key)} must be changed by hand there.")
    try:
        after = _with_value(text, key, "none" if typed is None else typed)
    except (TOMLKitError, ValueError) as error:
        raise by_hand from error
    if merge(settings_file.parse(path, after), {}, {})[0] != settings:
        raise by_hand
    return after


def _with_value(text: str, key: Key, value: Any) -> str:
    """A TOML text with one value set; tables are added where they are missing, comments stay."""
    import tomlkit
    from tomlkit.items import InlineTable

    document = tomlkit.parse(text)
    table: Any = document
    for part in key[:-1]:
        if part not in table:
            table[part] = tomlkit.inline_table() if isinstance(table, InlineTable) else tomlkit.table()
        table = table[part]
    item = tomlkit.item(value)
    if key[-1] in table and hasattr(table[key[-1]], "trivia"):
        old = table[key[-1]].trivia
        item.trivia.comment_ws, item.trivia.comment, item.trivia.trail = old.comment_ws, old.comment, old.trail
    table[key[-1]] = item
    return tomlkit.dumps(document)
