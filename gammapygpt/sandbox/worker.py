"""One started worker, seen from the supervisor: its processes, its pipes, its control socket, its end."""

from __future__ import annotations

import array
import contextlib
import json
import os
import secrets
import select
import socket
import subprocess
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from gammapygpt import temporary
from gammapygpt.disk import FULL, refusal
from gammapygpt.errors import InfrastructureError
from gammapygpt.sandbox import processes
from gammapygpt.sandbox.base import Limits
from gammapygpt.sandbox.capture import Capture
from gammapygpt.sandbox.interpreter import Interpreter
from gammapygpt.sandbox.launch import Launch, Order, Provider
from gammapygpt.sandbox.spawn import spawn

READY_S = 180.0
"""Longest wait for an interpreter with Gammapy imported, in seconds; 3 to 11 s on a machine of 2 cores."""
DEATH_S = 10.0
_alive: weakref.WeakValueDictionary[int, Worker] = weakref.WeakValueDictionary()
"""Of this process."""
leaving = threading.Event()
"""Set when this program was told to end; those who told it may have told its sandboxes, too."""


class Worker:
    """An interpreter inside, waiting for its one script.

    Raises
    ------
    InfrastructureError
        It cannot be started, or does not become ready.
    """

    def __init__(self, provider: Provider, interpreter: Interpreter, data: str, limits: Limits, imports: list[str]):
        self.provider = provider.name
        self.limits = limits
        self.folders: list[int] = []
        self.ready = False
        self.hung_up = False
        """Whether it was ended because this program is about to leave."""
        self.mark = secrets.token_hex(16)
        """What the report must bear to be the worker's."""
        self._namespace: int | None = None
        self._remove_folder: Callable[[], object] = lambda: None
        self.control, control = socket.socketpair()
        self.leash, leash = socket.socketpair()
        try:
            order = Order(interpreter, data, limits, control.fileno(), leash.fileno())
            self.launch = provider.launch(order)
            if self.launch.folder is not None:  # also when this program ends with a worker still waiting
                self._remove_folder = weakref.finalize(self, temporary.remove, self.launch.folder)
            if self.launch.listener is None:
                self._start([control.fileno(), leash.fileno()])
            else:
                self._leave_setup(imports)
                self._start([])
        except OSError as error:
            self._let_go()
            full = refusal(error, temporary.below()) if error.errno in FULL else None
            raise full or InfrastructureError(f"The sandbox {provider.name} cannot be started: {error}.") from error
        except BaseException:
            self._let_go()
            raise
        finally:
            control.close()
            leash.close()
        _alive[id(self)] = self
        if self.launch.listener is None:
            self._send({**self.launch.setup, "imports": imports})

    def _leave_setup(self, imports: list[str]) -> None:
        """Where no descriptor can be inherited: a file beside the socket, so that the worker need not wait for us."""
        assert self.launch.folder is not None
        setup = self.launch.folder / "job" / "setup.json"
        setup.write_text(json.dumps({**self.launch.setup, "imports": imports}))
        setup.chmod(0o644)

    def _take_calls(self, listener: socket.socket, end: float) -> None:
        """Keeper and worker call, each saying who it is; nobody else can afterwards."""
        waiting = {"leash", "control"}
        while waiting:
            watched: list[Any] = [listener, self.pidfd]
            readable, _, _ = select.select(watched, [], [], max(0.0, end - time.monotonic()))
            if listener not in readable:
                self._fail("ended before it was ready" if readable else "was not ready in time")
            connection, _ = listener.accept()
            name = b""
            while not name.endswith(b"\n") and (byte := connection.recv(1)):
                name += byte
            getattr(self, name.decode().strip()).close()
            setattr(self, name.decode().strip(), connection)
            waiting.discard(name.decode().strip())
        assert self.launch.folder is not None
        (self.launch.folder / "job" / "socket").unlink()
        listener.close()

    def _let_go(self) -> None:
        self.control.close()
        self.leash.close()
        launch: Launch | None = getattr(self, "launch", None)
        if launch is not None and launch.listener is not None:
            launch.listener.close()
        self._remove_folder()

    def _start(self, inherited: list[int]) -> None:
        launch = self.launch
        out_read, out_write = os.pipe()
        error_read, error_write = os.pipe()
        self.stdout, self.stderr = Capture(out_read), Capture(error_read)
        try:
            self.process: subprocess.Popen[bytes] = spawn(
                launch.argv,
                env=launch.env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out_write,
                stderr=error_write,
                pass_fds=[*inherited, *launch.descriptors],
                start_new_session=True,
            )
            self.pidfd = processes.handle(self.process.pid)
        except OSError:
            self.stdout.close()
            self.stderr.close()
            raise
        finally:
            for descriptor in (out_write, error_write, *launch.descriptors):
                os.close(descriptor)

    def _send(self, message: dict[str, Any]) -> None:
        # a worker that has died says why on stderr, not here
        with contextlib.suppress(OSError):
            self.control.sendall(json.dumps(message).encode() + b"\n")

    def wait_ready(self, timeout_s: float = READY_S) -> dict[str, Any]:
        """Wait until the imports are done; returns what the worker says about itself.

        Raises
        ------
        InfrastructureError
            With what the sandbox printed.
        """
        if self.ready:
            return {}
        line = b""
        end = time.monotonic() + timeout_s
        if self.launch.listener is not None:
            self._take_calls(self.launch.listener, end)
        while not line.endswith(b"\n"):
            self._await_message(end)
            try:
                chunk, ancillary, _, _ = self.control.recvmsg(1 << 16, socket.CMSG_SPACE(8 * 4))
            except ConnectionResetError:  # it died before it read what we sent
                chunk, ancillary = b"", []
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    self.folders += array.array("i", content)
            if not chunk:
                self._fail("ended before it was ready")
            line += chunk
        answer: dict[str, Any] = json.loads(line)
        if not answer.get("ready"):
            self._fail(str(answer.get("error")))
        if not answer["data_readable"]:
            self._fail("cannot read the data folder: it needs the permissions r-x for others (chmod -R a+rX)")
        if self.launch.namespace:
            self._hold_namespace()
        self.stdout.forget()
        self.stderr.forget()
        self.ready = True
        return answer

    def _await_message(self, end: float) -> None:
        """Until the control socket has something, emptying the pipes meanwhile."""
        while True:
            pipes: list[Any] = [capture.fd for capture in (self.stdout, self.stderr) if capture.open]
            readable, _, _ = select.select([self.control, *pipes], [], [], max(0.0, end - time.monotonic()))
            if not readable:
                self._fail("was not ready in time")
            for capture in (self.stdout, self.stderr):
                if capture.open and capture.fd in readable:
                    capture.read()
            if self.control in readable:
                return

    def _fail(self, what: str) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
        self.stdout.drain()
        self.stderr.drain()
        said = " ".join((self.stderr.text() + self.stdout.text()).split())[-600:]
        raise InfrastructureError(f"The sandbox {self.provider} {what}." + (f" It said: {said}" if said else ""))

    def _hold_namespace(self) -> None:
        """Keep hold of the namespace's first process: when that is dead, everything in it is."""
        pids, _ = processes.tree(self.process.pid)
        if len(pids) < 2:
            self._fail("has no process inside")
        try:
            self._namespace = processes.handle(pids[1])
        except OSError as error:
            self._fail(f"lost its first process: {error}")

    def submit(self, source: str, limits: dict[str, float]) -> None:
        """Hand over the script; from here on nothing that comes from inside is to be trusted."""
        self._send({"source": source, "script": self.launch.script, "limits": limits, "mark": self.mark})

    def kill(self) -> None:
        """End every process inside, and wait until they are gone."""
        if not self.launch.namespace:
            self._pull_leash()
        if self._namespace is not None:
            # the namespace first: its first process is then still the child of one that waits for it
            processes.kill(self._namespace)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1.0)
        self.process.kill()
        self.process.wait()
        if self._namespace is not None:
            readable, _, _ = select.select([self._namespace], [], [], DEATH_S)
            if not readable:
                raise InfrastructureError(f"The sandbox {self.provider} does not die.", "Look for stuck processes.")

    def hang_up(self) -> None:
        """End every process inside, without waiting for it; from any thread."""
        self.hung_up = True
        with contextlib.suppress(OSError):
            self.leash.shutdown(socket.SHUT_RDWR)

    def _pull_leash(self) -> None:
        """The keeper kills all that descends from it, and ends last."""
        self.leash.close()
        try:
            self.process.wait(DEATH_S)
        except subprocess.TimeoutExpired:
            raise InfrastructureError(
                f"The sandbox {self.provider} does not die.", "Look for stuck processes."
            ) from None

    def close(self) -> None:
        """Kill what is left and give everything back; harmless the second time."""
        if self.pidfd < 0:
            return
        try:
            self.kill()
        finally:
            self._let_go()
            self.stdout.close()
            self.stderr.close()
            for descriptor in (self.pidfd, self._namespace, *self.folders):
                if descriptor is not None:
                    os.close(descriptor)
            self.pidfd, self._namespace, self.folders = -1, None, []


def end_all(within_s: float) -> None:
    """End all sandboxes of this process, which is about to leave while other threads are still at work with them."""
    leaving.set()
    workers = [worker for one in _alive.valuerefs() if (worker := one()) is not None]
    for worker in workers:
        worker.hang_up()
    end = time.monotonic() + within_s
    while any(worker.process.poll() is None for worker in workers) and time.monotonic() < end:
        time.sleep(0.005)
