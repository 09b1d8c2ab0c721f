"""What the analysis environment offers: asked of its interpreter once, inside the sandbox, and kept in a cache file."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from gammapygpt.cache import cache_folder, written
from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.private import private_folder
from gammapygpt.settings import Settings
from gammapygpt.state import Environment, Execution
from gammapygpt.temporary import replaced, temporary_folder

INSIDE = Path(__file__).with_name("inside")
MODULES = ("api_hints", "api_sources", "api_values", "api_returns", "api_types")
"""What `introspect.py` imports, in the order in which they need each other."""
REPORT = "introspection.json"
LIMIT_S = 300.0
"""Enough for importing all of Gammapy on a slow shared file system."""


def environment(settings: Settings) -> Environment:
    """Versions, importable modules and public names of the analysis environment.

    Every submodule is listed for the standard library and for Gammapy and its companions (astropy, regions, numpy,
    scipy, matplotlib, iminuit); of other packages only the top-level name. Private and test modules are left out.

    Raises
    ------
    UserError
        `analysis.python` cannot be started, or cannot import Gammapy.
    InfrastructureError
        The sandbox broke.
    """
    report = introspection(settings)
    return Environment(**{name: report[name] for name in Environment.model_fields})


def api_entries(settings: Settings) -> list[dict[str, Any]]:
    """Public classes and functions of the installed Gammapy.

    Each has `path` (as scripts import it), `kind` (`class` or `function`), `signature`, `doc`, `parameters`
    (name, type, text), `methods` (name, signature, doc) and `attributes` (name, doc). Raises as `environment` does.
    """
    entries: list[dict[str, Any]] = introspection(settings)["api"]
    return entries


def introspection(settings: Settings) -> dict[str, Any]:
    """The whole report of `introspect.py`: from the cache where the environment has not changed since."""
    return read_or_make(cache_file(settings), settings)


def cache_file(settings: Settings) -> Path:
    """Where the report of this analysis environment, as it is now, belongs; changes when a package does."""
    return cache_folder() / "environment" / f"{environment_key(settings)}.json"


def environment_key(settings: Settings) -> str:
    """Hash over the interpreter and the names and versions of what is installed beside it; imports nothing of it."""
    from gammapygpt.sandbox.interpreter import interpreter

    python = interpreter(settings.analysis.python).executable
    folders = [folder for folder in search_path(python) if os.path.isdir(folder)]
    installed = sorted(name for folder in folders for name in packages(folder, os.stat(folder).st_mtime_ns))
    parts = [python, os.path.realpath(python), program(), *installed]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


@functools.lru_cache(maxsize=32)
def packages(folder: str, modified_ns: int) -> list[str]:
    """Names and versions of what is installed in a folder; its time changes when anything is added or removed."""
    return [entry.name for entry in os.scandir(folder) if entry.name.endswith((".dist-info", ".egg-info"))]


@functools.cache
def search_path(python: str) -> tuple[str, ...]:
    """Folders from which an interpreter imports, as it says itself: right for venvs, conda and the user's own site."""
    command = [python, "-c", "import json, sys; print(json.dumps(sys.path[1:]))"]
    home = {"HOME": os.environ.get("HOME", "/")}
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/", env=home, check=True)
        return tuple(json.loads(answer.stdout.splitlines()[-1]))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise InfrastructureError(f"The analysis interpreter {python} did not answer: {error}.") from error


@functools.lru_cache(maxsize=4)
def read(path: str, modified_ns: int) -> dict[str, Any] | None:
    """A cached report, or None when the file is no complete one."""
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) and "api" in report else None


def read_or_make(path: Path, settings: Settings) -> dict[str, Any]:
    """The report in `path`; made once where many processes begin together, and written in one step."""
    if (report := read_if_there(path)) is not None:
        return report
    with written(path):
        private_folder(path.parent)
        lock = path.with_suffix(".lock").open("w")
    with lock:
        with contextlib.suppress(OSError):  # a file system without locks: twice does no harm
            fcntl.flock(lock, fcntl.LOCK_EX)
        return read_if_there(path) or made(path, settings)


def read_if_there(path: Path) -> dict[str, Any] | None:
    """A cached report, if there is a complete one."""
    return read(str(path), path.stat().st_mtime_ns) if path.is_file() else None


def made(path: Path, settings: Settings) -> dict[str, Any]:
    """A new report, kept in `path`."""
    text = introspect_in_sandbox(settings)
    report: dict[str, Any] = json.loads(text)
    with written(path), replaced(path) as file:
        file.write(text.encode())
    return report


@functools.cache
def program() -> str:
    """`introspect.py` as one script that brings its neighbours along."""
    sources = {name: (INSIDE / f"{name}.py").read_text(encoding="utf-8") for name in MODULES}
    main = (INSIDE / "introspect.py").read_text(encoding="utf-8")
    return f"""import sys, types
for name, source in {sources!r}.items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
exec(compile({main!r}, "introspect", "exec"))
"""


def introspect_in_sandbox(settings: Settings) -> str:
    """Run `introspect.py` with the analysis interpreter inside the sandbox; the JSON that it wrote."""
    from gammapygpt.sandbox import Limits, open_sandbox

    with temporary_folder() as workspace:
        sandbox = open_sandbox(settings, "", warm=False)  # so that a failing import is the script's to tell
        ours = Limits(wall_s=LIMIT_S, cpu_s=LIMIT_S)  # those of the settings may be tight, and are meant for models
        execution = sandbox.run(program(), ours, workspace)
        report = workspace / REPORT
        if execution.completed and report.is_file():
            return report.read_text(encoding="utf-8")
    raise failure(execution, sandbox.interpreter.executable)


def failure(execution: Execution, python: str) -> UserError | InfrastructureError:
    """Whose fault it is that there is no report."""
    reason = execution.message or (execution.stderr.strip().splitlines() or ["no reason given"])[-1]
    if execution.exception.endswith("ImportError") or execution.exception.endswith("ModuleNotFoundError"):
        return UserError(
            f"{python} cannot import Gammapy: {reason}.", "Install it there, or set `analysis.python`; see `doctor`."
        )
    why = execution.stopped_by or execution.exception or f"exit code {execution.exit_code}"
    return InfrastructureError(f"Asking the analysis environment failed ({why}): {reason}.", "Try `gammapygpt doctor`.")
