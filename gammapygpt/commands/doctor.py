"""`gammapygpt doctor`: what works on this machine, and what to do about what does not. Each part is tried for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gammapygpt.commands.common import ConfigOption, JsonOption, SetOption, assignments, command, print_json
from gammapygpt.errors import GammapyGPTError, InfrastructureError
from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from gammapygpt.settings import Settings

IMPORT_LIMIT_S = 180.0
"""Importing Gammapy takes 4 s on a laptop and up to a minute on a busy cluster file system."""

ASK_GAMMAPY = """\
import importlib.metadata, json, sys
versions = {}
for name in sys.argv[1:]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
error = ""
try:
    import gammapy.datasets, gammapy.estimators, gammapy.makers
except Exception as problem:
    error = f"{type(problem).__name__}: {problem}"
print("\\n" + json.dumps({"python": sys.version.split()[0], "versions": versions, "error": error}))
"""
COMPANIONS = ("gammapy", "regions", "astropy", "numpy", "scipy", "matplotlib", "iminuit")


@dataclass(frozen=True)
class Check:
    """One line of the report. A failure means that `gammapygpt run` would not work."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    remedy: str = ""


Part = tuple[str, Callable[["Settings"], Check]]


@command
def doctor(
    config: ConfigOption = None,
    settings: SetOption = None,
    backend: Annotated[str, typer.Option(help="Look at this backend instead of those in use.")] = "",
    deep: Annotated[bool, typer.Option("--deep", help="Load a local model too, and measure its speed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Try everything that a run needs: Gammapy, sandbox, data, model endpoint, retrieval. Exit code 3 if one fails."""
    from gammapygpt.settings_loading import load_settings

    overrides: dict[str, Any] = dict(assignments(settings))
    if backend:
        overrides |= {"default_backend": backend}
    loaded = load_settings(config, overrides)
    if backend:
        loaded = loaded.model_copy(update={"roles": {}})
    parts, slow = examination(loaded), measurements(loaded) if deep else []
    width = max(len(name) for name, _ in parts + slow) + 2
    found = []
    for check in chain(examine(parts, loaded), examine(slow, loaded, at_once=1)):
        found.append(check)
        if not as_json:
            show(check, width)
    broken = [check.name for check in found if check.status == "fail"]
    if as_json:
        print_json({"works": not broken, "checks": [asdict(check) for check in found]})
    else:
        typer.echo(f"does not work: {', '.join(broken)}" if broken else "all that a run needs works")
    if broken:
        raise typer.Exit(InfrastructureError.exit_code)


def show(check: Check, width: int) -> None:
    """Print one check: coloured on a terminal, plain in a pipe."""
    colour = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "fail": typer.colors.RED}[check.status]
    typer.echo(
        f"{typer.style(f'{check.status:<4}', fg=colour, bold=True)}  {clean(check.name):<{width}}{clean(check.detail)}"
    )
    if check.remedy:
        typer.echo(f"{'':<{width + 6}}-> {clean(check.remedy)}")


def examination(settings: Settings) -> list[Part]:
    """The checks that these settings call for, in the order of a run."""
    backends = dict.fromkeys([settings.default_backend, *settings.roles.values()])
    return [
        ("gammapy", check_gammapy),
        ("sandbox", check_sandbox),
        ("data", check_data),
        *[(f"model {name}", partial(check_model, name)) for name in backends],
        ("retrieval", check_retrieval),
    ]


def measurements(settings: Settings) -> list[Part]:
    """What takes longer, and wants the machine for itself: the speed of the local models in use."""
    names = dict.fromkeys([settings.default_backend, *settings.roles.values()])
    return [(f"speed {name}", partial(check_speed, name)) for name in names if settings.backends[name].kind == "local"]


def examine(parts: list[Part], settings: Settings, at_once: int = 2) -> Iterator[Check]:
    """Carry out all checks; one that breaks is reported and stops no other."""
    with ThreadPoolExecutor(max_workers=at_once) as pool:  # two interpreters import Gammapy at a time, no more
        yield from pool.map(lambda part: guarded(part[0], part[1], settings), parts)


def guarded(name: str, part: Callable[[Settings], Check], settings: Settings) -> Check:
    """Run one part of the examination; whatever it raises becomes a failed check."""
    try:
        return part(settings)
    except GammapyGPTError as error:
        return Check(name, "fail", error.message, error.remedy)
    except Exception as error:
        return Check(name, "fail", f"{type(error).__name__}: {error}", "This is a bug of gammapygpt: please report it.")


def check_gammapy(settings: Settings) -> Check:
    """Import Gammapy in the analysis environment, and compare its companions with the tested versions."""
    python = os.path.expanduser(settings.analysis.python) or sys.executable
    remedy = "Install gammapy there, or name a Python that has it: `gammapygpt config set analysis.python ...`."
    try:
        answer = subprocess.run(
            [python, "-c", ASK_GAMMAPY, *COMPANIONS],
            capture_output=True,
            text=True,
            timeout=IMPORT_LIMIT_S,
            cwd="/",
            env={"HOME": os.environ.get("HOME", "/"), "PATH": os.defpath, "MPLBACKEND": "Agg"},
        )
        report = json.loads(answer.stdout.rstrip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return Check("gammapy", "fail", f"{python} needs more than {IMPORT_LIMIT_S:.0f} s to import it.", remedy)
    except (OSError, ValueError, IndexError) as error:
        return Check("gammapy", "fail", f"{python} does not run ({type(error).__name__}).", remedy)
    versions = report["versions"]
    detail = ", ".join(f"{name} {version}" for name, version in versions.items())
    detail = f"{detail or 'nothing of it'} in {python} (Python {report['python']})"
    untested = _outside(versions)
    fix = f"Install the tested versions: pip install {' '.join(repr(want) for want in untested)}" if untested else ""
    if report["error"]:
        return Check("gammapy", "fail", f"cannot be imported: {report['error']}; {detail}", fix or remedy)
    return Check("gammapy", "warn" if untested else "ok", detail, fix)


def _outside(versions: dict[str, str]) -> list[str]:
    """Our requirements on Gammapy and companions that installed versions do not meet, as pip takes them."""
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in requires("gammapygpt") or []]
    return [
        f"{want.name}{want.specifier}"
        for want in wanted
        if want.name in versions and not want.specifier.contains(versions[want.name], prereleases=True)
    ]


def check_sandbox(settings: Settings) -> Check:
    """Choose a sandbox as a run does, the first one in which a script really runs, and try what it promises."""
    from gammapygpt.sandbox import open_sandbox, probe

    sandbox = open_sandbox(settings, "", warm=False)  # raises, with what to do, when there is none
    detail = f"{sandbox.name}: a script ran in it ({probe(settings)[-1].detail})"
    if settings.sandbox.provider == "unsafe-local":
        return Check(
            "sandbox", "warn", detail, "It protects from nothing: `gammapygpt config set sandbox.provider auto`."
        )
    tried = sandbox.self_check()
    if broken := [f"{one.name} ({one.detail})" for one in tried if not one.passed]:
        remedy = "Choose another provider: `gammapygpt config set sandbox.provider NAME`."
        return Check("sandbox", "fail", f"{sandbox.name} does not keep {', '.join(broken)}", remedy)
    return Check("sandbox", "ok", f"{detail}; {len(tried)} properties hold")


def check_data(settings: Settings) -> Check:
    """Find the data folder and the DL3 data stores in it."""
    from gammapygpt.data.stores import find_data, look

    folder = find_data(settings)
    seen = look(folder)
    broken = "; ".join(f"{store.path}: {store.reason}" for store in seen.skipped[:3])
    remedy = "`gammapygpt data simulate FOLDER` makes data, `gammapygpt data fetch hess-dl3-dr1` downloads real ones."
    if not seen.found:
        return Check("data", "fail", f"no DL3 data store in {folder}{broken and f' ({broken})'}", remedy)
    runs = ", ".join(f"{store.path} ({store.n_observations} runs)" for store in seen.found[:5])
    detail = f"{folder}: {runs}{', ...' if len(seen.found) > 5 else ''}"
    if broken:
        return Check("data", "warn", f"{detail}; not readable: {broken}", f"See `gammapygpt data info {folder}`.")
    return Check("data", "ok", detail)


def check_model(name: str, settings: Settings) -> Check:
    """Look for the key of one backend and ask its endpoint for an answer."""
    from gammapygpt.llm import check_endpoint
    from gammapygpt.settings_loading import check_key

    check_key(settings, name)
    works, detail, remedy = check_endpoint(name, settings)
    return Check(f"model {name}", "fail" if not works else "warn" if remedy else "ok", detail, remedy)


def check_speed(name: str, settings: Settings) -> Check:
    """Load a local model, ask it once and say how fast it was."""
    from gammapygpt.llm.local.models import gigabytes
    from gammapygpt.llm.local.speed import measured

    speed = measured(settings.backends[name])
    detail = (
        f"loaded in {speed.load_s:.1f} s; reads {speed.read:.1f} and writes {speed.written:.1f} tokens/s "
        f"with {speed.threads} threads; holds {gigabytes(speed.memory)} of memory"
    )
    return Check(f"speed {name}", "ok", detail)


def check_retrieval(settings: Settings) -> Check:
    """Look something up that every Gammapy has."""
    from gammapygpt.knowledge.index import opened

    if not settings.switches.retrieval:
        return Check("retrieval", "ok", "switched off")
    index = opened(settings)
    found = index.search("extract a spectrum with reflected regions background", 3)
    described = index.describe()
    detail = f"{sum(described.documents.values())} documents by {described.embedding}, {described.where}"
    if index.troubles:
        return Check("retrieval", "warn", detail, " ".join(index.troubles))
    if not found:
        remedy = "Lower retrieval.threshold, or build it anew: `gammapygpt index build`."
        return Check("retrieval", "warn", f"{detail}; finds nothing about reflected regions", remedy)
    return Check("retrieval", "ok", f"{detail}; finds {found[0].title}")
