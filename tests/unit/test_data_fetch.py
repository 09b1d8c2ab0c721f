"""Downloads over real sockets: broken off, resumed, corrupt, twice at once, as an archive."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from astropy.table import Table
from file_server import FileServer, serving

from gammapygpt.data.fetch import Progress, Release, fetch_release, hess_dl3_dr1
from gammapygpt.data.stores import find_stores
from gammapygpt.errors import InfrastructureError, UserError

RUNS = ["data/run_1.fits.gz", "data/run_2.fits.gz"]
LARGE = RUNS[0]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small release: index tables, two files of which one is large, a README."""
    folder = tmp_path_factory.mktemp("release")
    Table({"OBS_ID": [1, 2], "RA_PNT": [83.6, 83.7], "DEC_PNT": [22.0, 22.1]}).write(folder / "obs-index.fits.gz")
    names = [Path(name).name for name in RUNS]
    Table({"OBS_ID": [1, 2], "FILE_DIR": ["data"] * 2, "FILE_NAME": names}).write(folder / "hdu-index.fits.gz")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return files | {RUNS[0]: bytes(range(256)) * 4000, RUNS[1]: b"events", "README.txt": b"terms of use"}


@pytest.fixture
def server(store: dict[str, bytes]) -> Iterator[FileServer]:
    with serving(store) as state:
        yield state


@pytest.fixture
def release(store: dict[str, bytes]) -> Release:
    checksums = {name: hashlib.sha256(body).hexdigest() for name, body in store.items()}
    return Release("small-release", "small_release.tar.gz", "Terms: be kind.", checksums)


def fetched(folder: Path) -> dict[str, bytes]:
    here = folder / "small-release"
    return {str(path.relative_to(here)): path.read_bytes() for path in here.rglob("*") if path.is_file()}


def test_release_arrives_whole_with_its_terms(
    tmp_path: Path, server: FileServer, release: Release, store: dict[str, bytes]
) -> None:
    said: list[str] = []
    steps: list[Progress] = []
    folder = fetch_release(release, tmp_path / "data", server.url, progress=steps.append, say=said.append)
    assert folder == tmp_path / "data"
    assert fetched(folder) == store
    assert [found.path for found in find_stores(folder)] == ["small-release"]
    assert said == ["Terms: be kind."]
    last = steps[-1]
    assert (last.number, last.files, last.received) == (5, 5, last.size)
    assert not list(folder.glob(".*.part"))


def test_download_that_breaks_off_goes_on_where_it_was(
    tmp_path: Path, server: FileServer, release: Release, store: dict[str, bytes]
) -> None:
    server.breaks[LARGE] = [300_000, 200_000]
    fetch_release(release, tmp_path, server.url, pause_s=0)
    assert fetched(tmp_path) == store
    assert server.asked_for(LARGE) == ["", "bytes=300000-", "bytes=500000-"]


def test_server_without_ranges_starts_over(
    tmp_path: Path, server: FileServer, release: Release, store: dict[str, bytes]
) -> None:
    server.ranges = False
    server.breaks[LARGE] = [300_000]
    fetch_release(release, tmp_path, server.url, pause_s=0)
    assert fetched(tmp_path) == store
    assert server.asked_for(LARGE) == ["", "bytes=300000-"]


def test_next_call_goes_on_after_the_server_was_gone_for_good(
    tmp_path: Path, server: FileServer, release: Release, store: dict[str, bytes]
) -> None:
    server.breaks[LARGE] = [400_000] + [0] * 20
    with pytest.raises(InfrastructureError, match=r"Cannot download .*run_1.*what has arrived is kept"):
        fetch_release(release, tmp_path, server.url, pause_s=0)
    assert find_stores(tmp_path) == []
    server.breaks.clear()
    server.requests.clear()
    fetch_release(release, tmp_path, server.url)
    assert fetched(tmp_path) == store
    assert server.asked_for(LARGE) == ["bytes=400000-"]
    assert server.asked_for("hdu-index.fits.gz") == []


def test_a_busy_server_is_asked_again(tmp_path: Path, server: FileServer, release: Release) -> None:
    server.busy[LARGE] = 3
    fetch_release(release, tmp_path, server.url, pause_s=0)
    assert len(server.asked_for(LARGE)) == 4


def test_corrupt_file_is_discarded(
    tmp_path: Path, server: FileServer, release: Release, store: dict[str, bytes]
) -> None:
    server.files[LARGE] = b"x" + store[LARGE][1:]
    with pytest.raises(InfrastructureError, match=r"run_1\.fits\.gz arrived with a wrong checksum and was discarded"):
        fetch_release(release, tmp_path, server.url, pause_s=0)
    assert list(tmp_path.rglob("run_1*")) == []
    assert not (tmp_path / "small-release").exists()
    server.files[LARGE] = store[LARGE]
    fetch_release(release, tmp_path, server.url)
    assert fetched(tmp_path) == store


def test_piece_of_another_file_is_replaced(
    tmp_path: Path, server: FileServer, release: Release, store: dict[str, bytes]
) -> None:
    staging = tmp_path / ".small-release.part" / "data"
    staging.mkdir(parents=True)
    (staging / "run_1.fits.gz.part").write_bytes(b"y" * 5000)
    (staging / "run_2.fits.gz.part").write_bytes(b"longer than the file")
    fetch_release(release, tmp_path, server.url, pause_s=0)
    assert fetched(tmp_path) == store


def test_checksums_published_beside_the_files_are_used(tmp_path: Path, server: FileServer, release: Release) -> None:
    lines = [f"{checksum}  {name}" for name, checksum in release.checksums.items()]
    server.files["SHA256SUMS"] = "\n".join(lines).encode()
    server.files[RUNS[1]] = b"changed"
    with pytest.raises(InfrastructureError, match=r"run_2.*wrong checksum"):
        fetch_release(replace(release, checksums={}), tmp_path, server.url, pause_s=0)


def test_files_without_a_known_checksum_are_mentioned(tmp_path: Path, server: FileServer, release: Release) -> None:
    said: list[str] = []
    fetch_release(replace(release, checksums={}), tmp_path, server.url, say=said.append)
    assert said[1:] == ["No checksum is known for 4 of 4 files."]


def test_two_downloads_at_once_share_the_work(
    tmp_path: Path, server: FileServer, release: Release, store: dict[str, bytes]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(fetch_release, release, tmp_path, server.url) for _ in range(2)]
    assert [job.result() for job in jobs] == [tmp_path, tmp_path]
    assert fetched(tmp_path) == store
    assert len(server.asked_for(LARGE)) == 1


def test_what_is_there_already_is_kept(tmp_path: Path, server: FileServer, release: Release) -> None:
    fetch_release(release, tmp_path, server.url)
    server.requests.clear()
    fetch_release(release, tmp_path, server.url)
    assert server.requests == []
    (tmp_path / "small-release" / RUNS[1]).write_bytes(b"my own work")
    with pytest.raises(UserError, match=r"1 files are missing or differ \(data/run_2.fits.gz\).*Move it away"):
        fetch_release(release, tmp_path, server.url)
    assert (tmp_path / "small-release" / RUNS[1]).read_bytes() == b"my own work"


def test_missing_file_is_said_at_once(tmp_path: Path, server: FileServer, release: Release) -> None:
    del server.files[LARGE]
    with pytest.raises(InfrastructureError, match=r"There is no .*run_1.*404"):
        fetch_release(release, tmp_path, server.url)
    assert len(server.asked_for(LARGE)) == 1


def test_index_that_points_outside_is_not_trusted(tmp_path: Path, server: FileServer, release: Release) -> None:
    Table({"OBS_ID": [1], "FILE_DIR": ["../.."], "FILE_NAME": ["profile"]}).write(tmp_path / "hdu-index.fits.gz")
    server.files["hdu-index.fits.gz"] = (tmp_path / "hdu-index.fits.gz").read_bytes()
    with pytest.raises(InfrastructureError, match="outside its folder"):
        fetch_release(replace(release, checksums={}), tmp_path / "data", server.url)


@pytest.mark.parametrize("address", ["", "/data", "ftp://somewhere/release", "https://"])
def test_an_address_must_be_one(tmp_path: Path, release: Release, address: str) -> None:
    with pytest.raises(UserError, match="is not an address"):
        fetch_release(release, tmp_path, address)


def archive_of(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, body in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return packed.getvalue()


def test_release_as_an_archive(tmp_path: Path, server: FileServer, release: Release, store: dict[str, bytes]) -> None:
    server.files = {"small_release.tar.gz": archive_of({f"small_release/{name}": body for name, body in store.items()})}
    server.breaks["small_release.tar.gz"] = [1000]
    fetch_release(release, tmp_path / "found", server.url, pause_s=0)
    fetch_release(release, tmp_path / "named", server.url + "/small_release.tar.gz")
    assert fetched(tmp_path / "found") == fetched(tmp_path / "named") == store
    assert server.asked_for("small_release.tar.gz") == ["", "bytes=1000-", ""]
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == [".small-release.lock", "small-release"]


def test_archive_of_another_edition_is_mentioned(
    tmp_path: Path, server: FileServer, release: Release, store: dict[str, bytes]
) -> None:
    server.files = {"small_release.tar.gz": archive_of(store | {RUNS[1]: b"without background"})}
    said: list[str] = []
    fetch_release(release, tmp_path, server.url, say=said.append)
    assert fetched(tmp_path)[RUNS[1]] == b"without background"
    assert said[1] == "No checksum is known for small_release.tar.gz."
    assert "not the copy of gammapy-data" in said[2]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>login first</html>", "cannot be unpacked"),
        (archive_of({"../../outside": b"x"}), "cannot be unpacked"),
        (archive_of({"readme": b"x"}), "holds no index tables"),
    ],
    ids=["web page", "leaves the folder", "no data"],
)
def test_bad_archive_is_discarded(
    tmp_path: Path, server: FileServer, release: Release, body: bytes, words: str
) -> None:
    server.files = {"small_release.tar.gz": body}
    with pytest.raises(InfrastructureError, match=words):
        fetch_release(release, tmp_path / "data", server.url)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".small-release.lock"]


def test_archive_that_lacks_a_file_is_discarded(
    tmp_path: Path, server: FileServer, release: Release, store: dict[str, bytes]
) -> None:
    server.files = {"small_release.tar.gz": archive_of({k: v for k, v in store.items() if k != LARGE})}
    with pytest.raises(InfrastructureError, match=r"lacks 1 files that its index names, data/run_1"):
        fetch_release(release, tmp_path, server.url)


def test_checksums_of_the_hess_release_come_with_the_package() -> None:
    release = hess_dl3_dr1()
    runs = [name for name in release.checksums if name.startswith("data/hess_dl3_dr1_obs_id_")]
    assert len(runs) == 105
    assert {"obs-index.fits.gz", "hdu-index.fits.gz", "README.txt", "README.md"} == release.checksums.keys() - set(runs)
    assert "CC BY 4.0" in release.terms
