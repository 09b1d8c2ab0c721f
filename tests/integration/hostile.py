"""A host worth attacking: listeners, secrets, data, canaries; and sandboxes on it, of root and of an ordinary user."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import stat
import tempfile
import threading
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gammapygpt.errors import GammapyGPTError
from gammapygpt.sandbox import Limits, bubblewrap, landlock, launch, local
from gammapygpt.sandbox.interpreter import Interpreter, interpreter
from gammapygpt.sandbox.single_use import SingleUseSandbox
from gammapygpt.state import Execution

ORDINARY = 61_001
SECRET = "canary-c0ffee"
MARK = f"sandbox-mark-{uuid.uuid4().hex}"
TIGHT = Limits(wall_s=6, cpu_s=6, memory_mb=512, processes=32, file_mb=16, workspace_mb=32, files=100, output_kb=16)


class Host:
    """What a script must neither touch nor reach. Everything here belongs to the user who starts the sandbox."""

    def __init__(self, uid: int) -> None:
        self.uid = uid
        self.folder = Path(tempfile.mkdtemp(prefix="hostile-"))
        self.data, self.private = self.folder / "data", self.folder / "private"
        for place in (self.data, self.private):
            place.mkdir()
        (self.data / "events.fits").write_text("not to be changed")
        (self.private / "secret.txt").write_text(SECRET)
        for place in (self.folder, *self.folder.rglob("*")):
            os.chown(place, uid, uid)
            place.chmod(0o755)
        self.contacts: list[str] = []
        self._sockets: list[socket.socket] = []
        self.tcp = self._listen(socket.AF_INET, ("127.0.0.1", 0))
        self.abstract = f"\0{MARK}-{uid}"
        self._listen(socket.AF_UNIX, self.abstract)
        self.unix = str(self.private / "daemon.sock")
        self._listen(socket.AF_UNIX, self.unix)
        os.chmod(self.unix, 0o777)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.setblocking(False)
        self.udp = self._udp.getsockname()[1]
        self.before = self.state()

    def _listen(self, family: int, address: tuple[str, int] | str) -> int:
        server = socket.socket(family, socket.SOCK_STREAM)
        server.bind(address)
        server.listen()
        self._sockets.append(server)
        threading.Thread(target=self._accept, args=(server, str(address)), daemon=True).start()
        return server.getsockname()[1] if family == socket.AF_INET else 0

    def _accept(self, server: socket.socket, name: str) -> None:
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return
            self.contacts.append(name)

    def state(self) -> dict[str, tuple[str, int, int, float]]:
        """Content, mode, owner and time of everything that is to stay as it is."""
        found = {}
        for place in (self.folder, *self.folder.rglob("*")):
            status = place.lstat()
            content = hashlib.sha256(place.read_bytes()).hexdigest() if stat.S_ISREG(status.st_mode) else ""
            found[str(place)] = (content, status.st_mode, status.st_uid, status.st_mtime)
        return found

    def untouched(self) -> bool:
        """Nobody knocked, nothing changed, nothing is still running."""
        with suppress(BlockingIOError):
            self.contacts.append(f"udp {self._udp.recv(100)!r}")
        assert self.contacts == []
        assert self.state() == self.before
        assert survivors() == []
        return True

    def close(self) -> None:
        for server in self._sockets:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
        self._udp.close()
        shutil.rmtree(self.folder)


def survivors() -> list[int]:
    """Living processes that were started in one of our sandboxes."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            dead = "\nState:\tZ" in (process / "status").read_text()
            if not dead and MARK.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def interpreter_for(uid: int) -> Interpreter:
    """The analysis interpreter where this user can start it, else the system's."""
    ours = interpreter()
    if uid == 0:
        return ours
    folders = {parent for folder in ours.folders for parent in (Path(folder), *Path(folder).parents)}
    if all(folder.stat().st_mode & 0o005 == 0o005 for folder in folders):
        return ours
    return interpreter("/usr/bin/python3")


@contextmanager
def marked() -> Iterator[None]:
    """Every process inside carries our mark in its environment."""
    plain = launch.environment
    for module in (bubblewrap, local):
        module.environment = lambda *arguments: {**plain(*arguments), "SANDBOX_MARK": MARK}
    try:
        yield
    finally:
        for module in (bubblewrap, local):
            module.environment = plain


class Attacked:
    """One kind of sandbox, started by one user, on a host of its own."""

    def __init__(self, provider: str, uid: int) -> None:
        self.uid = uid
        self.provider: launch.Provider
        if provider == "bubblewrap":
            self.provider = bubblewrap.Bubblewrap(bubblewrap.programs()[0])
        else:
            self.provider = landlock.Landlock()
        python = interpreter_for(uid if provider == "bubblewrap" or uid else ORDINARY)
        self.python = python.executable
        self.host = Host(uid)
        self.sandbox = SingleUseSandbox(self.provider, python, str(self.host.data), TIGHT, warm=False)

    def run(self, script: str, **limits: float) -> Execution:
        """Run a script as the sandbox's user would; whatever it does, the host is untouched."""
        names = {"TCP": self.host.tcp, "UDP": self.host.udp, "UNIX": self.host.unix, "ABSTRACT": self.host.abstract}
        names |= {"PRIVATE": str(self.host.private), "SECRET": SECRET, "SUPERVISOR": os.getpid()}
        head = "; ".join(f"{name} = {value!r}" for name, value in names.items())
        bounds = TIGHT.model_copy(update=limits)
        execution = self._as_user(f"{head}\n{script}", bounds)
        assert self.host.untouched()
        return execution

    def _as_user(self, script: str, bounds: Limits) -> Execution:
        with tempfile.TemporaryDirectory(prefix="hostile-") as workspace, marked():
            os.chown(workspace, self.uid, self.uid)
            if os.geteuid() == self.uid:
                return self.sandbox.run(script, bounds, Path(workspace))
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                self._child(script, bounds, Path(workspace), write)
            os.close(write)
            with os.fdopen(read, "rb") as answer:
                text = answer.read()
            assert os.waitpid(child, 0)[1] == 0, text.decode()
            return Execution.model_validate_json(text)

    def _child(self, script: str, bounds: Limits, workspace: Path, write: int) -> None:
        """An agent that belongs to an ordinary user for good."""
        try:
            os.setgroups([])
            os.setresgid(self.uid, self.uid, self.uid)
            os.setresuid(self.uid, self.uid, self.uid)
            os.write(write, self.sandbox.run(script, bounds, workspace).model_dump_json().encode())
            os._exit(0)
        except BaseException:
            os.write(write, traceback.format_exc().encode())
            os._exit(1)

    def usable(self) -> str:
        """Empty if a script runs here, else why not."""
        try:
            return "" if self._as_user("print(1)", TIGHT).stdout == "1\n" else "nothing came out"
        except (GammapyGPTError, AssertionError) as error:
            return str(error)[-400:]
