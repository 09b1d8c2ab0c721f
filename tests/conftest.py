"""Where the tests find data: H.E.S.S. DL3 DR1 if this machine has it, simulated DL3 everywhere."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import pytest
from postgres_server import binaries, new_database, shared_server
from scripted_server import ScriptedServer

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests see neither the settings nor the keys of whoever runs them; what was found out once is shared by all."""
    without_settings(monkeypatch, tmp_path_factory)


@pytest.fixture(scope="module")
def no_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The same for what is made once for a module, before the first of its tests."""
    with pytest.MonkeyPatch.context() as patch:
        without_settings(patch, tmp_path_factory)
        yield


def without_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An environment without settings, and with a cache that all tests share."""
    for name in [name for name in os.environ if name.startswith("GAMMAPYGPT_")]:
        monkeypatch.delenv(name)
    shared = shared_folder(tmp_path_factory)
    (shared / "no-settings" / "astropy").mkdir(parents=True, exist_ok=True)  # astropy warns where it is missing
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shared / "no-settings"))
    monkeypatch.setenv("GAMMAPYGPT_CACHE", str(shared / "cache"))


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all tests of one test run, whatever the number of pytest-xdist workers."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was found out once, for programs that are started before the first test."""
    return shared_folder(tmp_path_factory) / "cache"


def gammapy_data() -> Path | None:
    """The data folder with `hess-dl3-dr1`: PHOTON_STORAGE, then GAMMAPY_DATA, then ../shared/data/gammapy-data."""
    for folder in (
        os.environ.get("PHOTON_STORAGE"),
        os.environ.get("GAMMAPY_DATA"),
        REPOSITORY.parent / "shared" / "data" / "gammapy-data",
    ):
        if folder and (Path(folder) / "hess-dl3-dr1" / "obs-index.fits.gz").is_file():
            return Path(folder).resolve()
    return None


@pytest.fixture(scope="session")
def hess_data() -> Path:
    """The real H.E.S.S. data, or a skip that says what is missing."""
    folder = gammapy_data()
    if folder is None:
        pytest.skip("no hess-dl3-dr1 under PHOTON_STORAGE, GAMMAPY_DATA or ../shared/data/gammapy-data")
    return folder


@pytest.fixture(scope="session")
def gammapy_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Examples and documentation of the installed Gammapy, or a skip that says why there are none."""
    from gammapygpt.knowledge import sources

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAMMAPYGPT_CACHE", str(shared_folder(tmp_path_factory) / "cache"))
        tree = sources.source_tree(version("gammapy"))
    if tree.folder is None:
        pytest.skip(tree.reason)
    return tree.folder


@pytest.fixture
def scripted_server() -> Iterator[Callable[..., ScriptedServer]]:
    """Start OpenAI-compatible servers with these replies, e.g. `scripted_server({"text": "..."})`; see that module."""
    with ExitStack() as servers:
        yield lambda *replies: servers.enter_context(ScriptedServer(list(replies)))


@pytest.fixture(scope="session")
def postgres_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real Postgres server on loopback, or a skip that says what is missing."""
    pytest.importorskip(
        "langgraph.checkpoint.postgres", reason="no Postgres client: pip install 'gammapygpt[postgres]'"
    )
    if binaries() is None:
        pytest.skip("no Postgres server here (apt-get install postgresql)")
    with shared_server(shared_folder(tmp_path_factory)) as port:
        yield port


@pytest.fixture
def postgres(postgres_port: int) -> str:
    """The address of an empty Postgres database."""
    return new_database(postgres_port)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    """Either kind of `runs.checkpoints`, each in its turn."""
    return "" if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture(scope="session")
def simulated_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with simulated DL3 (store `dl3-simulated`: 4 runs, Crab-like source); its truth lies beside it.

    Made once per test run, whatever the number of pytest-xdist workers. Treat it as read-only.
    """
    from gammapygpt.data.simulate import simulate

    if "PYTEST_XDIST_WORKER" not in os.environ:
        return simulate(tmp_path_factory.mktemp("simulated") / "data")
    common = tmp_path_factory.getbasetemp().parent
    folder = common / "simulated" / "data"
    with (common / "simulated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder if folder.is_dir() else simulate(folder)
