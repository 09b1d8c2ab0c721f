"""The web page under load: many sessions at once, reloads, runs that are killed while their page is open."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ports import free_port
from scripted_server import ScriptedServer
from web_tab import Tab

from faults.house import COUNTS, House, wait_for
from faults.trial import Trial
from gammapygpt.data.simulate import simulate
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.history import HELD, status

SESSIONS = 20
SECONDS = 600.0
RELOADS = 5
"""At once, of each page, time and again."""
MARK = re.compile(r"session-\d\d-\d\d\d")
WAITS = f"import time\n\ntime.sleep(5)\n{COUNTS}"


class Served(NamedTuple):
    """A page that is served."""

    house: House
    port: int
    server: ScriptedServer
    """Of the model."""


def trials(place: Path, seed: int, tries: int) -> Iterator[Trial]:
    """All sessions for as long as they take, then kills; `tries` of those, five at the most."""
    with served(place, simulate(place / "data")) as page:
        yield from crowd(page, seed, SESSIONS, SECONDS)
        for number in range(min(tries, 5)):
            yield killed(page, number)


@contextmanager
def served(place: Path, data: Path) -> Iterator[Served]:
    """`gammapygpt web` on a port of its own, with a model whose script takes some seconds."""
    house = House(place / "user", data, "nothing to look for")
    reply = {"text": f"```python\n{WAITS}```", "times": 10**9}
    with ScriptedServer([reply]) as server:
        house.settings(server.url)
        port = free_port()
        log = (house.place / "tmp" / "web.log").open("w")
        process = house.begun("web", "--port", str(port), "--runs", str(house.runs), out=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield Served(house, port, server)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def crowd(page: Served, seed: int, sessions: int, seconds: float) -> Iterator[Trial]:
    """Sessions that ask, look, reload and ask again until the time is up; each is a trial."""
    until = time.monotonic() + seconds
    fault = f"one of {sessions} sessions that ask and reload"
    with ThreadPoolExecutor(sessions) as pool:
        found = [
            pool.submit(session, page, number, random.Random(f"{seed} {number}"), until) for number in range(sessions)
        ]
        for one in found:
            wrong = one.result()
            yield Trial(fault, not wrong, "; ".join(wrong[:5]))
    orphans = [path.name for path in page.house.runs.glob("2*") if status(RunFolder(path)) != "passed"]
    yield Trial("all runs of these sessions", not orphans, f"not passed: {', '.join(orphans)}")


def session(page: Served, number: int, chance: random.Random, until: float) -> list[str]:
    """What went wrong for one user."""
    wrong: list[str] = []
    for count in range(1000):
        if count and time.monotonic() > until:
            break
        mark = f"session-{number:02d}-{count:03d}"
        try:
            wrong += one_request(page, mark, chance)
        except Exception as error:
            wrong.append(f"{mark}: {type(error).__name__}: {error}"[:1500])
            break
    return wrong


def one_request(page: Served, mark: str, chance: random.Random) -> list[str]:
    """Ask, look until it has ended, with storms of reloads in between."""
    with Tab(page.port) as tab:
        run = tab.ask(f'How many observations are there, for {mark}? Write result.json with "n_obs" (integer).')
        wrong = seen(tab, mark)
    folder = RunFolder(page.house.runs / run)
    while status(folder) == "running":
        with ThreadPoolExecutor(RELOADS) as pool:
            for told in pool.map(lambda _: reloaded(page, run, mark), range(RELOADS)):
                wrong += told
        time.sleep(chance.uniform(0.5, 3.0))
    wrong += reloaded(page, run, mark)
    manifest = folder.manifest()
    if (manifest["status"], manifest.get("result")) != ("passed", {"n_obs": 4}):
        wrong.append(f"{mark}: {manifest['status']}, {manifest.get('reason')}, {manifest.get('result')}")
    if mark not in manifest["request"]["text"]:
        wrong.append(f"{mark}: the run {run} is of another request")
    return wrong


def reloaded(page: Served, run: str, mark: str) -> list[str]:
    """The page of a run, opened anew."""
    with Tab(page.port, f"run={run}") as tab:
        return seen(tab, mark)


def seen(tab: Tab, mark: str) -> list[str]:
    """Whether a page shows its own request, and nobody else's beside the list of runs."""
    marks = set(MARK.findall(tab.main))
    return [] if marks == {mark} else [f"the page of {mark} shows {sorted(marks)}"]


def killed(page: Served, number: int) -> Trial:
    """The process of a run is killed while its page is open; the page says so, and goes on with it when told to."""
    mark, wrong = f"session-99-{number:03d}", []
    with Tab(page.port) as tab:
        folder = RunFolder(page.house.runs / tab.ask(f'How many observations, for {mark}? Write "n_obs" (integer).'))
        while not any(event.get("event") == "running" for event in folder.events()):
            time.sleep(0.05)
        os.kill(int((folder.path / HELD).read_text()), signal.SIGKILL)
        while status(folder) == "running":
            time.sleep(0.05)
        tab.drawn({})
        wrong += seen(tab, mark)
        calls = len(page.server.requests)
        tab.press("Resume")
        while status(folder) != "passed":
            if status(folder) not in ("running", "interrupted"):
                wrong.append(f"{status(folder)}: {folder.manifest().get('reason')}")
                break
            time.sleep(0.2)
        tab.drawn({})
        wrong += seen(tab, mark)
        if len(page.server.requests) != calls:
            wrong.append("a completed model call was paid again")
    return Trial("kill -9 of a run whose page is open", not wrong, "; ".join(wrong))
