"""The source distribution of the installed Gammapy, for its tutorials and guides: given, or fetched once."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gammapygpt.cache import ELSEWHERE, cache_folder
from gammapygpt.private import private_folder

KEPT = ("examples/", "docs/")
SUFFIXES = {".py", ".rst", ".txt", ".md", ".yaml"}
LARGEST = 50_000_000
"""Bytes of all files that are unpacked together; those of Gammapy 2.1 are 1.6 MB."""
WAIT_S = 6 * 3600.0
"""After a fetch that failed, nothing is tried again for this long, unless asked to."""
LIMIT_S = 300.0
"""For pip; on an idle machine it takes 3 s, and 20 s where it insists on the build tools."""
RELEASE = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?")
PIP_MAY_KNOW = re.compile(
    r"(PATH|HOME|USER|LANG|TMPDIR|SSL_\w+|REQUESTS_CA_BUNDLE|LC_\w+|(PIP|UV|XDG|CONDA)_\w+|\w+_proxy)", re.I
)
"""Variables that pip sees; keys are none of its business, nor of the build scripts that it may run."""
BUILD_MATTERS = re.compile(r"metadata|backend|build|setuptools|subprocess", re.I)
"""In a complaint of pip that is about building, not about the network."""
NO_BUILD = """import os
NAME, VERSION = "gammapy", {version!r}
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = f"{{NAME}}-{{VERSION}}.dist-info"
    os.mkdir(os.path.join(metadata_directory, folder))
    with open(os.path.join(metadata_directory, folder, "METADATA"), "w") as file:
        file.write(f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n")
    return folder
"""
"""A build backend that builds nothing: `pip download` asks for metadata, and would bring and run the build tools."""
WHAT_TO_DO = "Set `retrieval.gammapy_source` to an unpacked source tree, a checkout or a .tar.gz of it."


class SourceTree(NamedTuple):
    """A folder with `examples` and `docs`, or the reason why there is none."""

    folder: Path | None
    reason: str = ""


def source_tree(version: str, given: str = "", python: str = "", *, again: bool = False) -> SourceTree:
    """Where the tutorials of a Gammapy version are; never raises, so that retrieval can do without them.

    Parameters
    ----------
    version
        Of the installed Gammapy.
    given
        The user's own source tree, checkout or `.tar.gz`; empty to fetch the distribution into the cache folder.
    python
        The analysis interpreter, whose pip may serve where ours has none.
    again
        Try even if a fetch failed lately.
    """
    try:
        return _given(Path(given).expanduser()) if given else _cached(version, python, again=again)
    except (OSError, tarfile.TarError, EOFError) as error:
        cache = f"Where {cache_folder()} cannot be written, {ELSEWHERE}"
        return SourceTree(None, f"The sources of Gammapy {version} cannot be used: {error}. {WHAT_TO_DO} {cache}")


def state(version: str, given: str = "") -> str:
    """What `source_tree` would find, without looking into it: changes when its answer may."""
    if given:
        path = Path(given).expanduser()
        return f"{path.resolve()} {path.stat().st_mtime_ns}" if path.exists() else f"{path} is not there"
    if (cache_folder() / "sources" / f"gammapy-{version}").is_dir():
        return "fetched"
    failed = failure(version)
    return f"failed {failed.stat().st_mtime_ns} {failed_lately(failed)}" if failed.is_file() else "not yet fetched"


def failure(version: str) -> Path:
    """The file that tells why the last fetch failed."""
    return cache_folder() / "sources" / f"gammapy-{version}.failed"


def failed_lately(failed: Path) -> bool:
    """The last fetch failed so short a time ago that it is not tried again."""
    return failed.is_file() and 0 <= time.time() - failed.stat().st_mtime < WAIT_S


def _given(path: Path) -> SourceTree:
    if path.is_file():
        mark = f"{path.resolve()} {path.stat().st_mtime_ns} {path.stat().st_size}"
        target = cache_folder() / "sources" / f"given-{hashlib.sha256(mark.encode()).hexdigest()[:16]}"
        if not target.is_dir():
            _unpacked(path, target)
        path = target
    for folder in (path, *sorted(path.glob("gammapy-*"))):
        if (folder / "examples").is_dir() or (folder / "docs" / "user-guide").is_dir():
            return SourceTree(folder)
    what = "holds neither `examples` nor `docs`" if path.exists() else "is not there"
    return SourceTree(None, f"retrieval.gammapy_source: {path} {what}; there are no tutorials to look up.")


def _cached(version: str, python: str, *, again: bool) -> SourceTree:
    """The fetched distribution; a failure is remembered beside it for some hours."""
    folder = cache_folder() / "sources"
    target, failed = folder / f"gammapy-{version}", failure(version)
    if target.is_dir():
        return SourceTree(target)
    if not RELEASE.fullmatch(version):
        which = version or "of an unknown version"
        return SourceTree(None, f"Gammapy {which} is no release with a source distribution. {WHAT_TO_DO}")
    if not again and failed_lately(failed):
        return SourceTree(None, failed.read_text(encoding="utf-8"))
    private_folder(folder)
    reason = _fetched(version, python, target)
    if reason:
        reason = f"The tutorials of Gammapy {version} could not be fetched: {reason}. {WHAT_TO_DO}"
        failed.write_text(reason, encoding="utf-8")
        return SourceTree(None, reason)
    failed.unlink(missing_ok=True)
    return SourceTree(target)


def _fetched(version: str, python: str, target: Path) -> str:
    """Bring the distribution to its place; the reason why that failed, or nothing."""
    reason = "no pip was found"
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as folder:
        backend = Path(folder) / "backend" / "setuptools"
        backend.mkdir(parents=True)
        (backend / "__init__.py").touch()
        (backend / "build_meta.py").write_text(NO_BUILD.format(version=version), encoding="utf-8")
        for pip in pips(python):
            reason = _downloaded([*pip, "download", "--no-build-isolation"], version, folder, backend.parent)
            if BUILD_MATTERS.search(reason):
                reason = _downloaded([*pip, "download"], version, folder)
            if archives := sorted(Path(folder).glob("*.tar.gz")):
                _unpacked(archives[0], target)
                return ""
            if "No module named pip" not in reason:
                break
    return reason


def pips(python: str) -> Iterator[list[str]]:
    """Commands that run pip: ours, the analysis interpreter's, the one that Python brings along, the one uv can get."""
    yield [sys.executable, "-m", "pip"]
    if python and python != sys.executable:
        yield [python, "-m", "pip"]
    try:
        import ensurepip

        bundled = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    except ImportError:  # some distributions leave it out
        bundled = []
    yield from ([sys.executable, str(wheel / "pip")] for wheel in bundled)
    if uv := shutil.which("uv"):
        yield [uv, "tool", "run", "--quiet", "pip"]


def _downloaded(command: list[str], version: str, folder: str, backend: Path | None = None) -> str:
    """Run pip, with a build backend of ours if need be; its last complaint, or nothing."""
    from gammapygpt.settings import without_secrets

    options = ["--no-deps", "--no-binary", "gammapy", "--dest", folder, "--quiet", "--no-input"]
    options += ["--disable-pip-version-check", "--retries", "1", "--timeout", "15"]
    known = {name: value for name, value in os.environ.items() if PIP_MAY_KNOW.fullmatch(name)}
    if backend:
        known |= {"PYTHONPATH": str(backend), "SETUPTOOLS_USE_DISTUTILS": "stdlib"}
    try:
        done = subprocess.run(
            [*command, *options, f"gammapy=={version}"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            cwd=folder,
            env=known,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return type(error).__name__ if isinstance(error, subprocess.TimeoutExpired) else str(error)
    if done.returncode and re.search(r"Retrying|NewConnectionError|timed out", done.stderr):
        return "the package registry could not be reached"
    told = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    complaints = [line for line in told if line.startswith("ERROR")] or told or [f"exit code {done.returncode}"]
    return without_secrets(complaints[-1].removeprefix("ERROR:").strip()).rstrip(".") if done.returncode else ""


def _unpacked(archive: Path, target: Path) -> None:
    """Unpack the text files of the examples and the documentation, all or nothing.

    Raises
    ------
    tarfile.TarError
        It is damaged, too large, or a file of it would lie outside.
    """
    private_folder(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpack-") as folder, tarfile.open(archive) as tar:
        members = []
        for member in tar:
            inside = member.name.partition("/")[2]
            if member.isfile() and inside.startswith(KEPT) and Path(inside).suffix in SUFFIXES:
                members.append(member.replace(name=inside, mode=0o644))
        if not members or sum(member.size for member in members) > LARGEST:
            raise tarfile.TarError(f"{archive.name} is no source distribution of Gammapy")
        tree = Path(folder) / "tree"
        tar.extractall(tree, members, filter="data")
        try:
            tree.replace(target)
        except OSError:  # another process was faster
            if not target.is_dir():
                raise
