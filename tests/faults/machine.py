"""What a machine does to a run: a disk that is full, read-only or shut, and signals that ask it to end.

Each time the program has to say in one line what is the matter and how to go on, and to leave nothing behind; and once
the machine is well again, `gammapygpt resume` has to come to what an undisturbed run comes to.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from scripted_server import ScriptedServer

from faults import left
from faults.course import Course, Ended, answers, differences, ended
from faults.kills import DELAY_S, PAUSE_S, Moment, Stage, Watched, moments, stage, watched
from faults.kills import recorded as recorded_calls
from faults.trial import Trial
from gammapygpt.data.simulate import simulate

DISK_MB = 24
FULL = ("The disk is full", "Free some space")
ROOM = ("disk", "Free some space")
SHUT = ("cannot be written", "Make it writable")
GOES_ON = ("`gammapygpt resume ", "` goes on with it.")


class Fault(NamedTuple):
    """Something that a machine does."""

    name: str
    codes: tuple[int, ...]
    """With one of which the program ends."""
    says: tuple[str, ...]
    """What the last line on standard error holds."""
    begin: Callable[[Watched], object]
    end: Callable[[Course], object] = lambda course: None
    orderly: bool = False
    """Whether the model call in flight is waited for."""
    disk: str = ""
    """The folder of a course that is on a small disk of its own."""


@contextmanager
def disk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """A small disk that only those see who are sent there; it is gone when this ends, however it ends.

    Parameters
    ----------
    folder
        Where it is mounted.

    Yields
    ------
    tuple
        Where its root is seen from here, and what sends a command there.
    """
    folder.mkdir(parents=True)
    mount = f"mount -t tmpfs -o size={DISK_MB}m tmpfs '{folder}' && echo ready && exec cat"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["unshare", "--mount", "sh", "-c", mount], **pipes) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"ready\n", "ask `can_mount` first"
        yield Path(f"/proc/{keeper.pid}/root"), ["nsenter", f"--mount=/proc/{keeper.pid}/ns/mnt"]
        keeper.stdin.close()


def can_mount() -> bool:
    """Whether this machine lets us have a disk of our own."""
    command = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def fill(folder: Path, room: int = 0) -> None:
    """Leave so many bytes on the disk of a folder."""
    with (folder / "ballast").open("wb", buffering=0) as ballast:
        try:
            while (free := free_bytes(folder) - room) > 0:
                ballast.write(bytes(min(free, 1 << 20)))
        except OSError:
            """There is no room left."""


def free_bytes(place: Path) -> int:
    system = os.statvfs(place)
    return system.f_bavail * system.f_frsize


def remount(how: str) -> Callable[[Course], None]:
    """Make the disk of the runs `ro` or `rw`; one that is being written to is busy at times."""

    def remounted(course: Course) -> None:
        mount = [*course.before, "mount", "-o", f"remount,{how}", str(course.place / "runs")]
        while subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
            time.sleep(0.01)

    return remounted


def sent(*signals: signal.Signals, apart_s: float = 0.0) -> Callable[[Watched], None]:
    """Signals, one after the other, to the program alone."""

    def send(seen: Watched) -> None:
        for one in signals:
            seen.process.send_signal(one)
            time.sleep(apart_s)

    return send


def sent_to_all(seen: Watched) -> None:
    """SIGTERM to a program and to all that it has started, as SLURM does."""
    from gammapygpt.sandbox.processes import tree

    for pid in tree(seen.process.pid)[0][::-1]:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            """It has just ended."""


def signals(draw: random.Random) -> list[Fault]:
    """What asks a run to end."""
    apart = draw.uniform(0.0, 0.3)
    return [
        Fault("SIGTERM", (143,), GOES_ON, sent(signal.SIGTERM), orderly=True),
        Fault("SIGTERM to all processes (SLURM)", (143,), GOES_ON, sent_to_all, orderly=True),
        Fault("SIGTERM twice", (143,), GOES_ON, sent(signal.SIGTERM, signal.SIGTERM, apart_s=apart)),
        Fault("Ctrl-C", (130,), GOES_ON, sent(signal.SIGINT)),
        Fault("Ctrl-C twice", (130,), GOES_ON, sent(signal.SIGINT, signal.SIGINT, apart_s=apart)),
        Fault("terminal closed (SIGHUP)", (129,), GOES_ON, sent(signal.SIGHUP)),
    ]


def disks(draw: random.Random) -> list[Fault]:
    """What a disk does, on one of its own."""
    room = int(2 ** draw.uniform(14, 22))
    return [
        filled("disk full", FULL, "runs"),
        filled("disk nearly full", FULL, "runs", room),
        filled("disk of temporary files full", ROOM, "tmp"),
    ]


def filled(name: str, says: tuple[str, ...], folder: str, room: int = 0) -> Fault:
    """The disk of a folder is full but for so many bytes, until it is emptied."""

    def begin(seen: Watched) -> None:
        fill(seen.course.seen(folder), room)

    def end(course: Course) -> None:
        (course.seen(folder) / "ballast").unlink(missing_ok=True)

    return Fault(name, (3,), says, begin, end, disk=folder)


def struck(course: Course, moment: Moment, fault: Fault) -> Ended:
    """Begin a run, let something happen to it at a moment, and wait for its end."""
    seen = watched(course)
    while seen.process.poll() is None and not moment.come(seen):
        time.sleep(0.001)
    if seen.process.poll() is None:
        fault.begin(seen)
    return ended(seen.process)


def tried(course: Course, stage: Stage, moment: Moment, fault: Fault) -> Trial | None:
    """A run that something happens to, and its `resume`; None where it came to its end before."""
    known = left.children()
    end = struck(course, moment, fault)
    if end.code == 0:
        return None
    lost = [*told_wrong(end, fault), *left.orphans(known)]
    fault.end(course)
    lost += left.behind(course)
    time.sleep(0.1)  # a request that is still in the server's queue
    in_flight = len(course.server.requests) - len(recorded_calls(course))
    if in_flight > (0 if fault.orderly else 1):
        lost.append(f"{in_flight} calls were given up")
    last = ended(course.resume() if course.folder() else course.run())
    lost += [*differences(course, last, stage.known, in_flight), *left.orphans(known)]
    return Trial(f"{fault.name}, when {moment.name}", not lost, "; ".join(lost))


def told_wrong(end: Ended, fault: Fault) -> list[str]:
    """What is wrong with the last words of a program."""
    last = end.said.rstrip("\n").rpartition("\n")[2]
    right = end.code in fault.codes and last.startswith("gammapygpt: ") and all(word in last for word in fault.says)
    return [] if right and "Traceback" not in end.said else [f"exit code {end.code}, said {end.said[-800:]!r}"]


def shut(place: Path, stage: Stage, draw: random.Random) -> Iterator[Trial]:
    """A run whose folder cannot be written when it is resumed."""
    found = moments(draw, stage.known.seconds, late=True)
    with ScriptedServer(answers(DELAY_S, PAUSE_S)) as server, disk(place / "runs") as (root, there):
        course = Course(place, server, stage.data, stage.cache, stage.settings, there, root)
        kill = Fault("kill", (-9,), (), sent(signal.SIGKILL))
        struck(course, found[0], kill)
        remount("ro")(course)
        refused = ended(course.resume())
        remount("rw")(course)
        yield from resumed_after("read-only run folder", course, stage, refused)
    with ScriptedServer(answers(DELAY_S, PAUSE_S)) as server:
        course = Course(place / "not-ours", server, stage.data, stage.cache, stage.settings)
        struck(course, found[0], kill)
        folder = course.folder()
        assert folder is not None
        # the owner, without root's leave to pass over permissions
        course.before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]
        lock = folder / ".lock"
        lock.touch()  # one that was killed early has none yet
        for path in (lock, folder):
            path.chmod(0o555)
        refused = ended(course.resume())
        folder.chmod(0o755)
        lock.chmod(0o644)
        course.before = []
        yield from resumed_after("run folder without write permission", course, stage, refused)


def resumed_after(name: str, course: Course, stage: Stage, refused: Ended) -> Iterator[Trial]:
    """What a run comes to after a `resume` that was refused."""
    fault = Fault(name, (2, 3), SHUT, lambda seen: None)
    in_flight = len(course.server.requests) - len(recorded_calls(course))
    lost = [*told_wrong(refused, fault), *differences(course, ended(course.resume()), stage.known, in_flight)]
    yield Trial(name, not lost, "; ".join(lost))


def trials(place: Path, seed: int, tries: int) -> Iterator[Trial]:
    """Each signal at some moments; a disk that fills up at many; folders that are shut.

    Parameters
    ----------
    place, seed, tries
        An empty folder; where chance begins; the number of kills elsewhere, of which a share is tried here.
    """
    known, draw = stage(place / "undisturbed", simulate(place / "data"), place / "cache"), random.Random(seed)
    with left.adopted():
        for number in range(max(1, tries // 30)):
            for fault in signals(draw):
                yield from met(place / f"{number} {fault.name}", known, draw, fault)
        if can_mount():
            for number in range(max(1, tries // 6)):
                for fault in disks(draw):
                    yield from met(place / f"{number} {fault.name}", known, draw, fault)
            yield from shut(place / "shut", known, draw)


def met(place: Path, known: Stage, draw: random.Random, fault: Fault) -> Iterator[Trial]:
    """A run that meets a fault at a moment that chance draws; nothing where it was at its end before."""
    moment = draw.choice(moments(draw, known.known.seconds, late=False)[1:11])
    with ScriptedServer(answers(DELAY_S, PAUSE_S)) as server, ExitStack() as stack:
        root, there = stack.enter_context(disk(place / fault.disk)) if fault.disk else (Path("/"), [])
        course = Course(place, server, known.data, known.cache, known.settings, there, root)
        if trial := tried(course, known, moment, fault):
            yield trial
