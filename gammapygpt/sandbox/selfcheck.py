"""The properties of a sandbox, tried for real in a few seconds: what `doctor` runs, on the machine where it matters."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from gammapygpt.errors import InfrastructureError
from gammapygpt.sandbox.base import Limits, Sandbox, SelfCheck
from gammapygpt.sandbox.launch import INSIDE
from gammapygpt.state import Execution
from gammapygpt.temporary import temporary_folder

SMALL = Limits(wall_s=10, cpu_s=10, memory_mb=256, processes=24, file_mb=8, workspace_mb=16, files=50, output_kb=16)

BREACHES = """
import ctypes, json, os, socket, sys

libc = ctypes.CDLL(None, use_errno=True)
found = {}

def breach(name, function):
    try:
        result = function()
    except Exception as error:
        found[name] = ''
    else:
        found[name] = str(result)[:80] or 'done'

def raises(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), 'refused')
    return result

def secret_in_environment():
    seen = str(dict(os.environ))
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            seen += open(f'/proc/{pid}/environ', errors='replace').read()
        except OSError:
            pass
    assert SECRET in seen

breach('network', lambda: socket.create_connection(('127.0.0.1', PORT), 2))
breach('other sockets', lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM))
breach('files of the host', lambda: open(FILE).read())
breach('known answers of tasks', lambda: open(PROGRAM).read())
breach('environment of the agent', secret_in_environment)
breach('changes of the data', lambda: open(os.environ['GAMMAPY_DATA'] + '/data', 'a'))
breach('new files beside the data', lambda: open(os.environ['GAMMAPY_DATA'] + '/breach', 'w'))
breach('changes of files of the host', lambda: open(FILE, 'a'))
breach('kernel settings', lambda: open('/proc/sys/kernel/core_pattern', 'r+'))
breach('root', lambda: 0 in os.getresuid() or 1 / 0)
breach('signals to the agent', lambda: os.kill(AGENT, 0))
breach('new namespaces', lambda: raises(libc.unshare(0x10000000)))
breach('ptrace', lambda: raises(libc.ptrace(0, 0, 0, 0)))
breach('mounts', lambda: raises(libc.mount(b't', b'/tmp', b'tmpfs', 0, None)))
breach('memory of the parent', lambda: open(f'/proc/{os.getppid()}/mem', 'rb'))
json.dump(found, open('result.json', 'w'))
"""

LIMITED: dict[str, tuple[str, str]] = {
    "time": ("while True: pass", "wall"),
    "memory": ("x = []\nwhile True: x.append(bytearray(b'x') * (8 << 20))", "memory"),
    "processes": (
        "import os, time\nfor i in range(99):\n    if os.fork() == 0: time.sleep(9); os._exit(0)",
        "processes",
    ),
    "disk": ("for i in range(9): open(str(i), 'wb').write(bytes(7 << 20))", "disk"),
    "number of files": ("for i in range(300): open(str(i), 'w')", "files"),
}

DAEMON = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", WORD])
os.wait()
"""


def self_check(sandbox: Sandbox) -> list[SelfCheck]:
    """Try to break out and to overstep each limit.

    Returns
    -------
    list of SelfCheck
        One for each property; `passed` means that it holds. Each costs 0.1 to 1 s, together below 10 s.

    Raises
    ------
    InfrastructureError
        The sandbox does not run at all.
    """
    # a script without isolation would really do what is tried here
    unsafe = SelfCheck(name="isolation", passed=False, detail="there is none")
    checks = [unsafe] if sandbox.name == "unsafe-local" else _breaches(sandbox)
    for name, (script, stopped_by) in LIMITED.items():
        execution = _run(sandbox, script, wall_s=0.5 if stopped_by == "wall" else SMALL.wall_s)
        detail = "" if execution.stopped_by == stopped_by else f"{execution.stopped_by}, {execution.exception}"
        checks.append(SelfCheck(name=f"limit on {name}", passed=not detail, detail=detail))
    return [*checks, _daemon(sandbox)]


def _run(
    sandbox: Sandbox, script: str, wall_s: float, look: Callable[[Path], None] = lambda workspace: None
) -> Execution:
    with temporary_folder() as folder:
        execution = sandbox.run(script, SMALL.model_copy(update={"wall_s": wall_s}), folder)
        look(folder)
    return execution


def _breaches(sandbox: Sandbox) -> list[SelfCheck]:
    found: dict[str, str] = {}

    def look(workspace: Path) -> None:
        result = workspace / "result.json"
        if result.is_file():
            found.update(json.loads(result.read_text()))

    with temporary_folder() as host, socket.create_server(("127.0.0.1", 0)) as server:
        data, private = host / "data", host / "private"
        for place in (data, private):
            place.mkdir()
            (place / place.name).write_text("of the host")
        os.chmod(host, 0o755)
        names = {
            "PORT": server.getsockname()[1],
            "FILE": str(private / "private"),
            "PROGRAM": str(INSIDE / "worker.py"),  # of a folder that is hidden as a whole
            "AGENT": os.getpid(),
            "SECRET": f"HOME={os.environ.get('HOME', '/nowhere')}",
        }
        head = "\n".join(f"{name} = {value!r}" for name, value in names.items())
        execution = _run(sandbox.over(str(data)), head + BREACHES, SMALL.wall_s, look)
    if not found:
        raise InfrastructureError(f"The sandbox {sandbox.name} runs nothing: {execution.traceback or execution.stderr}")
    return [SelfCheck(name=f"no {name}", passed=not what, detail=what) for name, what in found.items()]


def _daemon(sandbox: Sandbox) -> SelfCheck:
    """A process that a script leaves behind in a session of its own dies with the sandbox; known by a word of ours."""
    word = f"left-behind-{secrets.token_hex(8)}"
    _run(sandbox, f"WORD = {word!r}\n{DAEMON}", SMALL.wall_s)
    left = [entry for entry in os.listdir("/proc") if entry.isdigit() and _lives_with(entry, word)]
    return SelfCheck(name="no survivors", passed=not left, detail=", ".join(left))


def _lives_with(pid: str, word: str) -> bool:
    """A living process with this word on its command line."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return "\nState:\tZ" not in status and word.encode() in command
