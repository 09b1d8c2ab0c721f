"""Runs at once on each saver, a server that restarts, connections that break: every run has its own answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from subprocess import run as run_program

from postgres_server import PostgresServer, binaries

from faults.trial import Trial
from gammapygpt.data.simulate import simulate
from gammapygpt.runs.history import all_runs

AT_ONCE = 16
CRASHES = "import json\nvalue = [1, 2][5]\njson.dump({{'n_obs': value}}, open('result.json', 'w'))"
RIGHT = "import json\nvalue = {number}\njson.dump({{'n_obs': value}}, open('result.json', 'w'))"


def trials(place: Path, seed: int, tries: int) -> Iterator[Trial]:
    """Both savers; `tries` and `seed` change nothing, as nothing here is drawn."""
    data = simulate(place / "data")
    yield from at_once(place / "sqlite", data, "", AT_ONCE)
    if binaries() is None:
        yield Trial("runs at once (Postgres)", survived=False, detail="not tried: there is no Postgres server here")
        return
    with PostgresServer() as server:
        yield from at_once(place / "postgres", data, server.database(), AT_ONCE)
        yield restarted(place / "restart", data, server)


def at_once(place: Path, data: Path, store: str, number: int) -> list[Trial]:
    """So many processes begin at the same time with a database that is not there yet."""
    fault = f"{number} runs at once ({'Postgres' if store else 'SQLite'})"
    with ThreadPoolExecutor(number) as pool:
        said = list(pool.map(lambda one: asked(place, data, store, one), range(number)))
    names = [folder.name for folder in all_runs(place / "runs")]
    lost = "" if len(names) == number else f"{len(names)} run folders for {number} runs"
    return [Trial(fault, survived=not (one or lost), detail=one or lost) for one in said]


def asked(place: Path, data: Path, store: str, number: int) -> str:
    """One run in a process of its own, whose answer is its number; gives what went wrong."""
    line = [sys.executable, "-m", "gammapygpt", "run", "How many observations are there?", "--json", "--quiet"]
    done = run_program(
        [*line, "--config", str(settings(place, data, store, number))], capture_output=True, text=True, check=False
    )
    if "locked" in done.stderr or done.returncode:
        return f"run {number}: exit code {done.returncode}, {done.stdout[-300:]} {done.stderr[-300:]}"
    told = json.loads(done.stdout)
    right = told["result"] == {"n_obs": number} and told["failures"] == ["runtime", None]
    return "" if right else f"run {number}: {told['result']}, {told['failures']}"


def settings(place: Path, data: Path, store: str, number: int) -> Path:
    """A settings file whose scripted coder fails once, then answers with the number of the run."""
    own = place / f"run-{number}"
    own.mkdir(parents=True)
    drafts = [draft.format(number=number) for draft in (CRASHES, RIGHT)]
    (own / "replies.toml").write_text(
        "".join(f'[[reply]]\nrole = "coder"\nscript = {json.dumps(draft)}\n' for draft in drafts)
    )
    (own / "config.toml").write_text(
        f'default_backend = "test"\n[backends.test]\nkind = "scripted"\nreplies = "{own / "replies.toml"}"\n'
        f'abilities = []\n[data]\npath = "{data}"\n[runs]\nfolder = "{place / "runs"}"\ncheckpoints = "{store}"\n'
        "[switches]\nplanner = false\ncritic = false\nretrieval = false\n[sandbox]\nwarm = false\n"
    )
    return own / "config.toml"


def restarted(place: Path, data: Path, server: PostgresServer) -> Trial:
    """The server goes while a run is under way, and is back before the run gives up."""
    from gammapygpt.session import start
    from gammapygpt.settings_loading import load_settings

    fault = "the Postgres server restarts between two checkpoints"
    begun = start("How many observations are there?", load_settings(settings(place, data, server.database(), 4)))
    with ExitStack() as ending:
        events = begun.stream()
        ending.callback(events.close)
        next(events)
        server.stop()
        server.start()
        list(events)
    right = begun.outcome is not None and begun.outcome.result == {"n_obs": 4}
    return Trial(fault, survived=right, detail="" if right else str(begun.outcome))
