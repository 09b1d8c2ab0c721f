"""`kill -9` wherever a run may be: between two nodes, in each of them, at every place where it writes, at any time.

A trial kills one run once or several times, at moments that its seed draws; between two kills `gammapygpt resume` goes
on with it. Then a last `resume` brings it to its end, and what it came to is compared with a run that nothing
disturbed. Every kill counts as one try; where a run lost something, all of its kills did.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

from postgres_server import PostgresServer, can_serve
from scripted_server import ScriptedServer

from faults import left
from faults.course import AGENTS, Course, Undisturbed, answers, differences, ended, undisturbed
from faults.trial import Trial
from gammapygpt.data.simulate import simulate
from gammapygpt.llm.journal import Call, recorded_calls

SETTINGS = {
    "": "retrieval = false\n[sandbox]\nwarm = false\n",
    "warm": "retrieval = false\n[sandbox]\nwarm = true\nverify = true\n",
    "retrieval": "[sandbox]\nwarm = false\n",
}
"""Kinds of runs: cold and quick; with sandboxes got ready and a verification; with something looked up."""
DELAY_S, PAUSE_S = 0.15, 0.02
"""Of the scripted model, before a reply and between its pieces."""
LOOK_S = 0.001
"""Between two looks at a process; some files are there for a few ms."""
MOST = 3
"""Kills of one run."""
RETRIEVER = "retriever"
"""Takes part where something is looked up."""


@dataclass
class Watched:
    """A process under way: what can be seen of it since it was started."""

    course: Course
    process: subprocess.Popen[str]
    began: float = field(default_factory=time.monotonic)
    since_ns: int = field(default_factory=time.time_ns)
    asked: int = 0
    """Requests that the server had before."""
    sent: int = 0
    """Bytes of replies that it had sent before."""
    recorded: int = 0
    """Model calls that were on record before."""
    told: int = 0
    """Bytes of events that were there before."""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def events(self) -> list[dict[str, object]]:
        """What it told of."""
        folder, found = self.course.folder(), []
        if folder is None or not (folder / "events.jsonl").is_file():
            return []
        for line in (folder / "events.jsonl").read_bytes()[self.told :].splitlines():
            if line.endswith(b"}"):
                found.append(json.loads(line))
        return found

    def log_size(self) -> int:
        """Bytes in the write-ahead log of the checkpoints."""
        log = self.course.runs / "checkpoints.sqlite-wal"
        return log.stat().st_size if log.exists() else 0

    def told_of(self, event: str, **what: object) -> bool:
        """Whether it told of such an event."""
        return any(one["event"] == event and what.items() <= one.items() for one in self.events())

    def new(self, pattern: str) -> bool:
        """Whether it has written such a file below the runs."""
        for path in self.course.runs.glob(pattern):
            try:
                if path.stat().st_mtime_ns > self.since_ns:
                    return True
            except OSError:  # it was there for an instant
                return True
        return False


class Moment(NamedTuple):
    """When a process is killed."""

    name: str
    """As a line of the matrix."""
    come: Callable[[Watched], bool]


def moments(draw: random.Random, usual_s: float, *, late: bool) -> list[Moment]:
    """All kinds of moments, each somewhere; late ones for a run that was killed before.

    Parameters
    ----------
    draw
        Where chance comes from.
    usual_s
        How long an undisturbed run takes, in s.
    late
        Whether some of the nodes may have had their turn.
    """
    agent = draw.choice(AGENTS[2:] if late else AGENTS)
    attempt, delay, request = draw.choice((1, 2)), draw.uniform(0.0, 0.5), draw.randint(1, 2)
    n_bytes, pages, moment = draw.randint(1, 3000), draw.randint(0, 12), draw.uniform(0.0, usual_s)
    attempt = 2 if late else attempt
    # the log is SQLite's; Postgres keeps its own
    written = after(delay / 20, lambda seen: not seen.log_size() and seen.told_of("took", agent=agent))
    return [
        Moment("it has just begun", lambda seen: seen.course.folder() is not None and seen.seconds > delay),
        Moment("a node begins", lambda seen: seen.told_of("agent", agent=agent)),
        Moment("a node has ended", lambda seen: seen.told_of("took", agent=agent)),
        Moment("a model call is in flight", lambda seen: len(seen.course.server.requests) >= seen.asked + request),
        Moment("a reply comes in", lambda seen: seen.course.server.n_sent >= seen.sent + n_bytes),
        Moment("a reply was recorded", lambda seen: len(recorded(seen.course)) > seen.recorded),
        Moment("a script runs", after(delay, lambda seen: seen.told_of("running", attempt=attempt))),
        Moment("artefacts are collected", lambda seen: seen.new("*/attempts/02/workspace/part-*")),
        Moment("an attempt is written down", lambda seen: seen.new(f"*/attempts/0{attempt}/*.json")),
        Moment("a checkpoint is written", lambda seen: seen.log_size() > 4096 * pages or written(seen)),
        Moment("the answer is laid out", lambda seen: seen.new("*/final/*")),
        Moment("a file is written aside", lambda seen: seen.seconds > delay and seen.new("*/.*.tmp")),
        Moment("any time", lambda seen: seen.seconds >= moment),
    ]


def in_nodes(draw: random.Random) -> list[Moment]:
    """The beginning of each node, its work and its end, in any order; all come in a run that nothing disturbed yet."""
    found = []
    for agent in (RETRIEVER, *AGENTS):
        begins = partial(Watched.told_of, event="agent", agent=agent)
        ends = partial(Watched.told_of, event="took", agent=agent)
        work = {RETRIEVER: begins, "executor": partial(Watched.told_of, event="running")}
        delay = draw.uniform(0.0, DELAY_S / 10 if agent == RETRIEVER else DELAY_S)
        working = after(delay, work.get(agent, partial(asks, agent)))
        named = {"begins": begins, "is at work": working, "has ended": ends}
        found += [Moment(f"{agent} {name}", come) for name, come in named.items()]
    draw.shuffle(found)
    return found


def asks(agent: str, seen: Watched) -> bool:
    """Whether a model call of an agent is in flight."""
    return seen.told_of("agent", agent=agent) and len(seen.course.server.requests) > len(recorded(seen.course))


def after(delay_s: float, come: Callable[[Watched], bool]) -> Callable[[Watched], bool]:
    """Some time after something has come."""
    since: list[float] = []

    def waited(seen: Watched) -> bool:
        if not since and come(seen):
            since.append(time.monotonic())
        return bool(since) and time.monotonic() - since[0] >= delay_s

    return waited


def killed(seen: Watched, moment: Moment) -> bool:
    """Wait for a moment, then `kill -9`; False where the process came to its end before."""
    while seen.process.poll() is None:
        if moment.come(seen):
            seen.process.send_signal(signal.SIGKILL)
            break
        time.sleep(LOOK_S)
    seen.process.communicate()
    return seen.process.returncode == -signal.SIGKILL


def recorded(course: Course) -> list[Call]:
    """The model calls of the run that are on record."""
    folder = course.folder()
    return recorded_calls(folder) if folder else []


class Stage(NamedTuple):
    """What trials of one kind have in common."""

    name: str
    """Of the saver."""
    data: Path
    cache: Path
    settings: str
    known: Undisturbed
    store: Callable[[], str] = str
    """Where the checkpoints of the next run go: a setting, or nothing for SQLite beside the runs."""


def watched(course: Course) -> Watched:
    """Begin or resume the run of this place, to be watched."""
    folder, server = course.folder(), course.server
    told = (folder / "events.jsonl").stat().st_size if folder and (folder / "events.jsonl").exists() else 0
    before = {"asked": len(server.requests), "sent": server.n_sent, "recorded": len(recorded(course)), "told": told}
    return Watched(course, course.resume() if folder else course.run(), **before)


def tried(place: Path, stage: Stage, seed: int, most: int, first: Moment | None = None) -> list[Trial]:
    """Kill one run up to `most` times, and see what the last `resume` makes of it.

    Parameters
    ----------
    place, stage, seed, most
        An empty folder; the kind of run; where chance begins; the number of kills.
    first
        When it is killed for the first time; else chance decides. Lost is also a run in which that moment never came.
    """
    draw, names, lost, known = random.Random(seed), list[str](), list[str](), left.children()
    with ScriptedServer(answers(DELAY_S, PAUSE_S)) as server:
        course = Course(place, server, stage.data, stage.cache, stage.settings + stage.store())
        for number in range(draw.randint(1, most)):
            moment = draw.choice(moments(draw, stage.known.seconds, late=number > 0))
            begun = course.folder() is not None
            moment = first if first and not begun else moment
            if not killed(watched(course), moment):
                if moment is first:
                    names, lost = [f"kill -9: {moment.name}"], ["this moment never came"]
                break
            names.append(f"kill -9: {moment.name} ({stage.name}, {'resumed' if begun else 'fresh'})")
            lost += left.orphans(known)
        time.sleep(0.1)  # a request that is still in the server's queue
        in_flight = len(server.requests) - len(recorded(course))
        end = ended(course.resume() if course.folder() else course.run())
        lost += [*differences(course, end, stage.known, in_flight), *left.orphans(known)]
    if not 0 <= in_flight <= len(names):
        lost.append(f"{in_flight} calls in flight at {len(names)} kills")
    return [Trial(name, not lost, f"seed {seed}: {'; '.join(lost)}" if lost else "") for name in names]


def trials(place: Path, seed: int, tries: int) -> Iterator[Trial]:
    """As many kills as asked for, over both savers and all kinds of runs: of each node first, then wherever it falls.

    Parameters
    ----------
    place, seed, tries
        An empty folder; where chance begins; the number of kills.
    """
    data, cache, draw, done = simulate(place / "data"), place / "cache", random.Random(seed), 0
    known = {kind: stage(place / f"undisturbed {kind}", data, cache, SETTINGS[kind]) for kind in SETTINGS}
    with left.adopted(), postgres() as store:
        swept = [(moment, saver) for saver in (False, store is not None) for moment in in_nodes(draw)]
        for number in count():  # one that ended before its moment came is none
            if done >= tries:
                return
            first, in_postgres = swept.pop() if swept else (None, store is not None and draw.random() < 0.5)
            kind = known[draw.choices(list(SETTINGS), weights=(8, 1, 1))[0]]
            kind = known["retrieval"] if first and first.name.startswith(RETRIEVER) else kind
            kind = kind._replace(name="Postgres", store=store) if in_postgres else kind
            for trial in tried(place / f"run {number}", kind, draw.getrandbits(32), min(MOST, tries - done), first):
                done += 1
                yield trial


@contextmanager
def postgres() -> Iterator[Callable[[], str] | None]:
    """A Postgres server of its own that gives each run an empty database; None where there is none."""
    if not can_serve():
        yield None
        return
    with PostgresServer() as server:
        yield lambda: f'[runs]\ncheckpoints = "{server.database()}"\n'


def stage(place: Path, data: Path, cache: Path, settings: str = SETTINGS[""]) -> Stage:
    """Let a run of this kind come to its end, undisturbed."""
    with ScriptedServer(answers(DELAY_S, PAUSE_S)) as server:
        return Stage("SQLite", data, cache, settings, undisturbed(Course(place, server, data, cache, settings)))
