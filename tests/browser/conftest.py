"""The real page: a server of its own, Debian's Chromium without a window, the real graph and sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from ports import free_port
from scripted_server import ScriptedServer

PATIENCE = 300_000
"""Milliseconds that a page may take; nothing is measured by it."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, or a skip that says what is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install 'gammapygpt[dev]'")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        program = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield program
        program.close()


@pytest.fixture
def user(browser) -> Iterator[Callable[[str], Any]]:
    """Open a page as a user of one's own, e.g. `user(server.url)`; what it asks of other machines is an error."""
    contexts, abroad = [], []

    def user(address: str) -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 1100}, accept_downloads=True)
        context.on("request", lambda request: abroad.append(request.url) if leaves(request.url) else None)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        return page

    yield user
    for context in contexts:
        context.close()
    assert not abroad, "the page asks other machines for something"


def leaves(url: str) -> bool:
    """Whether a request leaves this machine."""
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Any, str], None]:
    """Keep a picture of a page, in the folder that SCREENSHOTS names or with the test's files."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)

    def picture(page: Any, name: str) -> None:
        page.mouse.move(0, 0)
        page.locator("[data-test-script-state=notRunning]").wait_for()  # what was there before is gone
        page.locator("[data-testid=stSkeleton]").first.wait_for(state="detached")
        page.evaluate("document.fonts.ready")
        page.screenshot(path=folder / f"{name}.png")

    return picture


class WebServer:
    """`gammapygpt web` on a free port; a model server on loopback stands behind its backend `model`."""

    def __init__(self, folder: Path, data: Path, cache: Path) -> None:
        self.folder, self.data, self.cache = folder, data, cache
        self.runs = folder / "runs"
        self.model = ScriptedServer()
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on another port than the last time."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/"
        config = self.folder / "config.toml"
        config.write_text(
            f'[backends.model]\nkind = "openai"\nmodel = "m"\nbase_url = "{self.model.url}"\nabilities = []\n'
            '[backends.keyed]\nkind = "openai"\nmodel = "m"\nbase_url = "https://example.org/v1"\n'
            'api_key_env = "A_KEY_THAT_NOBODY_HAS"\n'
            "[switches]\nretrieval = false\n[sandbox]\nverify = false\n"
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GAMMAPYGPT_")}
        environment |= {"GAMMAPYGPT_CACHE": str(self.cache), "XDG_CONFIG_HOME": str(self.folder)}
        options = ["--port", str(port), "--runs", str(self.runs), "--data", str(self.data), "--config", str(config)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gammapygpt", "web", *options], env=environment, stdout=log, stderr=log
            )
        for _ in range(PATIENCE // 100):
            try:
                urlopen(f"{self.url}_stcore/health").close()
                return
            except OSError:
                assert self._process.poll() is None, (self.folder / "server.log").read_text()
                time.sleep(0.1)

    def stop(self) -> None:
        """End it; runs go on."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def run_at(self, address: str) -> Path:
        """Folder of the run that an address names."""
        return self.runs / address.partition("run=")[2]


@pytest.fixture(scope="session")
def server(simulated_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """One server for all tests of this process; a test that restarts it leaves it running."""
    folder = tmp_path_factory.mktemp("web")
    base = tmp_path_factory.getbasetemp()
    cache = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"  # as all other tests have it
    served = WebServer(folder, simulated_data, cache)
    with served.model:
        served.start()
        yield served
        served.stop()
