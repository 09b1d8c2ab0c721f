"""What all commands share: options, errors as one line with the right exit code, JSON on standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec, TypeVar

import typer

from gammapygpt.errors import GammapyGPTError, UserError

P = ParamSpec("P")
R = TypeVar("R")

INTERRUPTED = 130

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file; else GAMMAPYGPT_CONFIG, else the user's own.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, and nothing else there.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting for this once; may be repeated.")
]
RunsOption = Annotated[Path | None, typer.Option("--runs", help="Folder of the runs; else that of the settings.")]
DataOption = Annotated[Path | None, typer.Option(help="Data folder; else PHOTON_STORAGE, then GAMMAPY_DATA.")]
ExpectOption = Annotated[Path | None, typer.Option(help="TOML file with [[expected]] values; no agent ever sees them.")]
SandboxOption = Annotated[str | None, typer.Option(help="Sandbox provider, by name.")]
PythonOption = Annotated[str | None, typer.Option(help="Interpreter with Gammapy in which scripts run.")]


def fail(error: GammapyGPTError) -> NoReturn:
    """Say what went wrong in one line on standard error, and leave with the exit code of the error.

    With GAMMAPYGPT_DEBUG set the error is raised on instead, so that the traceback shows.
    """
    if debugging():
        raise error
    from gammapygpt.runs.results import clean

    typer.echo(f"gammapygpt: {clean(' '.join(str(error).split()))}", err=True)
    raise typer.Exit(error.exit_code)


def debugging() -> bool:
    """Whether tracebacks are wanted."""
    return os.environ.get("GAMMAPYGPT_DEBUG", "") not in ("", "0")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn our errors, Ctrl-C, a closed pipe and what a disk refuses into what a shell expects."""
    try:
        yield
    except GammapyGPTError as error:
        fail(error)
    except KeyboardInterrupt as error:
        if debugging():
            raise
        typer.echo("gammapygpt: interrupted.", err=True)
        raise typer.Exit(getattr(error, "exit_code", INTERRUPTED)) from None
    except BrokenPipeError:
        # The reader (`head`, a pager) has gone. Nothing may be flushed to it when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except OSError as error:
        from gammapygpt.disk import refusal

        if debugging() or not (said := refusal(error, Path.cwd())):
            raise
        fail(said)


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a command: `plain_errors` around it."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with plain_errors():
            result = function(*args, **kwargs)
            sys.stdout.flush()  # a closed pipe shows here, not when the interpreter ends
            return result

    return run


def sub_app(help_text: str) -> typer.Typer:
    """A group of commands; errors that are not ours keep Python's own traceback, which shows no local variables."""
    return typer.Typer(help=help_text, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def words(text: str) -> list[str]:
    """What an option names between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def print_json(value: Any) -> None:
    """One JSON object on standard output; numbers that are not finite become null, paths text."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    typer.echo(text.encode("utf-8", "backslashreplace").decode("utf-8"))  # half characters become JSON escapes


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    return plain(value.item()) if hasattr(value, "item") else str(value)


def assignments(pairs: Sequence[str] | None) -> dict[str, str]:
    """`KEY=VALUE` options as the overrides of `load_settings`.

    Raises
    ------
    UserError
        One of them has no `=`.
    """
    from gammapygpt.keys import looks_like_key

    found: dict[str, str] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            shown = "***" if looks_like_key(pair) else repr(pair)
            raise UserError(f"--set {shown} is not KEY=VALUE.", "Write for example --set budget.attempts=3.")
        found[key.strip()] = value.strip()
    return found


def overrides(
    settings: Sequence[str] | None,
    *,
    data: Path | None = None,
    runs: Path | None = None,
    given: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the command line sets over the file and the environment: `--set`, then the options that were given.

    Parameters
    ----------
    settings
        `KEY=VALUE` options.
    data, runs
        Folders.
    given
        Dotted keys and the values of other options; None where one was not given.
    """
    folders = {
        "data.path": str(data.expanduser().resolve()) if data else None,
        "runs.folder": str(runs) if runs else None,
    }
    options = {**folders, **(given or {})}
    return {**assignments(settings), **{key: value for key, value in options.items() if value is not None}}


def runs_folder(runs: Path | None, config: Path | None) -> Path:
    """The folder that the user named, else that of the settings."""
    from gammapygpt.settings_loading import load_settings

    return (runs or Path(load_settings(config).runs.folder)).expanduser().resolve()
