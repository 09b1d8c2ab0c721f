"""The analysis interpreter: where it lives, and which folders a sandbox must show for it to start."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel

from gammapygpt.errors import InfrastructureError, UserError

PACKAGES = ("gammapy", "numpy", "scipy", "astropy", "regions", "matplotlib", "iminuit")
"""What an analysis needs; these are shown inside even where they live outside the environment (developer installs)."""

SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
"""Shown inside anyway."""

ASK = """
import importlib.util, json, os, site, sys
def folders(name):
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:
        spec = None
    return list(spec.submodule_search_locations or []) if spec else []
places = [folder for name in %r for folder in folders(name)]
user_site = [p for p in sys.path if p == site.getusersitepackages()]
print(json.dumps(dict(executable=sys.executable, version=sys.version, packages=places, user_site=user_site,
    copies=folders("gammapygpt"), prefixes=[sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix])))
"""


class Interpreter(BaseModel):
    """What one Python said about itself."""

    executable: str
    version: str
    folders: list[str]
    """To be shown inside, read-only, each at its own path; none is below another or below /usr."""
    python_path: list[str]
    """The user's site-packages, if that is where packages come from."""
    copies: list[str]
    """Where it has this program, which need not be the one that runs."""


def _ask(python: str) -> dict[str, list[str] | str]:
    home = os.environ.get("HOME", "/")
    try:
        answer = subprocess.run(
            [python, "-c", ASK % (PACKAGES,)],
            env={"HOME": home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=True,
            text=True,
        )
        return dict(json.loads(answer.stdout.splitlines()[-1]))
    except OSError as error:
        raise UserError(
            f"The analysis interpreter {python} cannot be started: {error.strerror}.",
            "Set analysis.python to a Python that has Gammapy.",
        ) from error
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        raise InfrastructureError(
            f"The analysis interpreter {python} did not answer: {error}.", "Does it start on its own?"
        ) from error


def _outermost(folders: set[str]) -> list[str]:
    """Without what lies below another one, or is shown inside anyway."""
    shown: list[str] = []
    for folder in sorted(folders):
        if not any(Path(folder).is_relative_to(other) for other in (*SYSTEM_FOLDERS, *shown)):
            shown.append(folder)
    return shown


@functools.cache
def interpreter(python: str = "") -> Interpreter:
    """Ask an interpreter where it lives.

    Parameters
    ----------
    python : str
        Path or command; empty for the one that runs this program.

    Raises
    ------
    UserError
        It cannot be started, or is installed in a folder that a sandbox cannot show without showing too much.
    InfrastructureError
        It started and did not answer.
    """
    answer = _ask(python or sys.executable)
    executable = str(answer["executable"])
    # a virtual environment's python is a chain of links, each of which must be there inside
    links = {os.path.dirname(executable), os.path.dirname(os.path.realpath(executable))}
    prefixes = set(answer["prefixes"])
    outside = {folder for folder in links if not any(Path(folder).is_relative_to(p) for p in prefixes)}
    folders = _outermost(prefixes | outside | set(answer["packages"]) | set(answer["user_site"]))
    home = os.path.expanduser("~")
    for folder in folders:
        if folder == "/" or Path(home).is_relative_to(folder):
            raise UserError(
                f"The analysis interpreter {executable} is installed in {folder}, which holds much else.",
                "A sandbox shows that folder to scripts: use a Python in a folder of its own, such as a venv.",
            )
    return Interpreter(
        executable=executable,
        version=str(answer["version"]),
        folders=folders,
        python_path=list(answer["user_site"]),
        copies=list(answer["copies"]),
    )


def font_lists() -> list[Path]:
    """Matplotlib's font caches of this user, so that no sandbox has to make its own; often there is one, or none."""
    caches = [os.environ.get("MPLCONFIGDIR", ""), os.path.expanduser("~/.cache/matplotlib")]
    found: dict[str, Path] = {}
    for cache in filter(None, caches):
        with contextlib.suppress(OSError):
            found |= {path.name: path for path in Path(cache).glob("fontlist-*.json") if os.access(path, os.R_OK)}
    return sorted(found.values())
