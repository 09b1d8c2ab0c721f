"""Fetch the first public test data release of H.E.S.S. (DL3 DR1) and check every file.

The default address is the copy in the gammapy-data collection, file by file: it has the background models, and its
checksums come with this package. The original release is one archive (hess_dl3_dr1.tar.gz at mpi-hd.mpg.de and
zenodo.org/record/1421099): other index tables, no background models, so those checksums do not apply to it. An address
that ends in .tar.gz, or a folder that holds such an archive instead of index tables, is taken as well.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from gammapygpt.data.download import NotThere, alone, download, sha256_of
from gammapygpt.data.stores import BROKEN, index_tables, read_table
from gammapygpt.errors import InfrastructureError, UserError

if TYPE_CHECKING:
    import httpx

HESS_TERMS = """\
H.E.S.S. DL3 public test data release 1 (HESS DL3 DR1, H.E.S.S. collaboration, 2018), licence CC BY 4.0.
Test data: no scientific publications may be derived from them, no new claims about the sources.
Attribution: "This work made use of data from the H.E.S.S. DL3 public test data release 1 (HESS DL3 DR1, H.E.S.S.
collaboration, 2018)." These terms (README.txt) must be included in all copies in full or part of the data."""
INDEX_TABLES = ("obs-index.fits.gz", "hdu-index.fits.gz")
CHECKSUM_LISTS = ("SHA256SUMS", "checksums.sha256")
LARGEST_RELEASE = 2 * 10**9
"""Bytes that an archive may unpack to."""


@dataclass(frozen=True)
class Release:
    """A public data release."""

    name: str
    """Of its folder in the data folder."""
    archive: str
    """File name of the archive, where it is published as one."""
    terms: str
    checksums: Mapping[str, str]
    """sha256 by path."""


@dataclass(frozen=True)
class Progress:
    """Where a download stands."""

    file: str
    number: int
    """Of this file, from 1."""
    files: int
    received: int
    """Bytes of this file."""
    size: int | None
    """Of this file; None where the server does not say."""


@dataclass(frozen=True)
class _Download:
    """What the steps of one download share."""

    client: httpx.Client
    base: str
    release: Release
    folder: Path
    """Hidden; becomes the store in one step when everything is there."""
    checksums: Mapping[str, str]
    progress: Callable[[Progress], None]
    say: Callable[[str], None]
    pause_s: float

    def get(self, name: str, number: int = 1, total: int = 1) -> Path:
        """Download one file of the release unless it is there; give back where it is."""
        target = self.folder / name
        expected = self.checksums.get(name, "")

        def report(received: int, size: int | None) -> None:
            self.progress(Progress(name, number, total, received, size))

        if target.is_file() and (not expected or sha256_of(target) == expected):
            report(target.stat().st_size, target.stat().st_size)
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        download(self.client, self.base + quote(name), target, sha256=expected, report=report, pause_s=self.pause_s)
        return target


def hess_dl3_dr1() -> Release:
    """The H.E.S.S. release, with the checksums of its copy in gammapy-data."""
    checksums = _parse_checksums(files("gammapygpt.data").joinpath("hess_dl3_dr1.sha256").read_text("utf-8"))
    return Release("hess-dl3-dr1", "hess_dl3_dr1.tar.gz", HESS_TERMS, checksums)


def fetch_hess_dl3_dr1(
    folder: Path,
    url: str,
    *,
    progress: Callable[[Progress], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Download H.E.S.S. DL3 DR1 into `folder/hess-dl3-dr1`. A download that broke off is continued.

    Parameters
    ----------
    folder : Path
        The data folder (PHOTON_STORAGE, GAMMAPY_DATA); made if it does not exist.
    url : str
        Folder with the index tables, or the archive.
    progress : callable
        Told where each file stands.
    say : callable
        Told the terms of use before anything is downloaded, and notes later.

    Returns
    -------
    Path
        The data folder, absolute.

    Raises
    ------
    UserError
        The address is none, or `folder/hess-dl3-dr1` holds something else.
    InfrastructureError
        The server fails, a file is missing or has a wrong checksum, the disk is full.
    """
    return fetch_release(hess_dl3_dr1(), folder, url, progress=progress, say=say)


def fetch_release(
    release: Release,
    folder: Path,
    url: str,
    *,
    progress: Callable[[Progress], None] | None = None,
    say: Callable[[str], None] | None = None,
    pause_s: float = 1.0,
) -> Path:
    """Download a release of DL3 data; see `fetch_hess_dl3_dr1`. `pause_s` is the time before the first retry."""
    import httpx

    base, archive = _address(url, release.archive)
    folder = Path(folder).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file.", "Name a folder.")
    target, staging = folder / release.name, folder / f".{release.name}.part"
    say = say or (lambda text: None)
    say(release.terms)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder / f".{release.name}.lock", say):
            if target.exists():
                _check_existing(target, release.checksums)
                return folder
            staging.mkdir(exist_ok=True)
            with httpx.Client(follow_redirects=True, timeout=30) as client:
                job = _Download(client, base, release, staging, {}, progress or (lambda step: None), say, pause_s)
                done = _fetch(job, archive)
            os.replace(done, target)
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise InfrastructureError(f"Cannot write to {folder}: {error}.", "Choose another folder.") from error
    return folder


def _address(url: str, archive: str) -> tuple[str, str]:
    """Base address with a slash at its end, and the name of the archive if the address names one."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UserError(f"{url!r} is not an address.", "Set data.hess_url to one that begins with https://.")
    if parts.path.endswith((".tar.gz", ".tgz")):
        base, _, name = url.rpartition("/")
        return f"{base}/", name
    return url.rstrip("/") + "/", ""


def _check_existing(target: Path, checksums: Mapping[str, str]) -> None:
    differing = [name for name, checksum in checksums.items() if not _is(target / name, checksum)]
    if differing or len(index_tables(target)) < 2:
        what = f"{len(differing)} files are missing or differ ({', '.join(differing[:3])})" if differing else "no index"
        raise UserError(f"{target} exists and is not the release: {what}.", "Move it away and fetch again.")


def _is(path: Path, checksum: str) -> bool:
    return path.is_file() and sha256_of(path) == checksum


def _fetch(job: _Download, archive: str) -> Path:
    """Fetch everything and give back the folder with the complete store."""
    job = replace(job, checksums=_published_checksums(job) | dict(job.release.checksums))
    if archive:
        return _fetch_archive(job, archive)
    try:
        index = job.get("hdu-index.fits.gz")
    except NotThere:
        if not job.release.archive:
            raise
        return _fetch_archive(job, job.release.archive)
    described = [name for name in job.checksums if re.fullmatch(r"(readme|licen[cs]e)[.\w]*", name, re.IGNORECASE)]
    names = [*described, *_data_files(index), *INDEX_TABLES]
    for number, name in enumerate(names, start=1):
        job.get(name, number, len(names))
    unknown = [name for name in names if name not in job.checksums]
    if unknown:
        job.say(f"No checksum is known for {len(unknown)} of {len(names)} files.")
    for name in CHECKSUM_LISTS:
        (job.folder / name).unlink(missing_ok=True)
    return job.folder


def _published_checksums(job: _Download) -> dict[str, str]:
    """The list of checksums beside the files on the server, if there is one."""
    for name in CHECKSUM_LISTS:
        (job.folder / name).unlink(missing_ok=True)
        try:
            return _parse_checksums(job.get(name).read_text("utf-8", errors="replace"))
        except NotThere:
            continue
    return {}


def _parse_checksums(text: str) -> dict[str, str]:
    """`sha256sum` output: path to checksum."""
    lines = (re.fullmatch(r"([0-9a-fA-F]{64}) [ *](?:\./)?(.+)", line.strip()) for line in text.splitlines())
    return {match[2]: match[1].lower() for match in lines if match}


def _data_files(hdu_index: Path) -> list[str]:
    """The files that an HDU index names, none of them outside the store."""
    try:
        columns, _ = read_table(hdu_index, "FILE_DIR", "FILE_NAME")
        pairs = zip(columns["FILE_DIR"], columns["FILE_NAME"], strict=True)
    except BROKEN as error:
        raise InfrastructureError(f"{hdu_index.name} of the release cannot be read: {error}.") from error
    names = {str(PurePosixPath(directory.strip()) / name.strip()) for directory, name in pairs}
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not name.isprintable():
            raise InfrastructureError(f"The release names a file outside its folder: {name!r}.", "Do not trust it.")
    return sorted(names)


def _fetch_archive(job: _Download, archive: str) -> Path:
    """Fetch and unpack the release as one archive."""
    path = job.get(archive)
    unpacked = job.folder / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        _unpack(path, unpacked)
        store = next((index.parent for index in sorted(unpacked.rglob("hdu-index.fits*"))), None)
        if store is None or len(index_tables(store)) < 2:
            raise InfrastructureError(f"{archive} holds no index tables.", "Choose another address (data.hess_url).")
        missing = [name for name in _data_files(index_tables(store)[1]) if not (store / name).is_file()]
        if missing:
            raise InfrastructureError(f"{archive} lacks {len(missing)} files that its index names, {missing[0]} first.")
    except InfrastructureError:
        path.unlink()
        shutil.rmtree(unpacked, ignore_errors=True)
        raise
    if archive not in job.checksums:
        job.say(f"No checksum is known for {archive}.")
    if any(not _is(store / name, checksum) for name, checksum in job.release.checksums.items()):
        job.say("This is not the copy of gammapy-data: background models (for 3D analyses) may be missing.")
    return store


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack without leaving the folder (links and absolute paths are refused) and without filling the disk."""
    if not hasattr(tarfile, "data_filter"):
        raise InfrastructureError("This Python cannot unpack archives safely.", "Use Python 3.11.4 or newer.")
    total = 0
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                total += member.size
                if total > LARGEST_RELEASE:
                    raise InfrastructureError(f"{archive.name} would unpack to more than {LARGEST_RELEASE:,} bytes.")
                tar.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InfrastructureError(
            f"{archive.name} cannot be unpacked: {error}.", "It was discarded; fetch again."
        ) from error
