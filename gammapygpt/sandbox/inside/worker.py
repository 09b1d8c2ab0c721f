"""The program inside the sandbox: confines itself, imports what it is told to, waits for one script and becomes it.

Standard library only, Python 3.9 and newer: the analysis interpreter need not be the agent's.

    supervisor                             worker  (argv[1]: number of the inherited control socket, or a path)
    {"uid", "imports", ...}           ->
                                      <-   {"ready": true, ...} + descriptors of the writable folders
    {"source", "script", "mark", ...} ->
                                      <-   {"mark", "exception", "line", "facts", ...}  when the script is over
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import shutil
import socket
import sys
import types
from typing import Any

import confine  # type: ignore[import-not-found]
import observe  # type: ignore[import-not-found]
import reporter  # type: ignore[import-not-found]

OURS = ("confine", "facts_data", "facts_fit", "notes", "observe", "record", "reporter", "wrapping")
"""Modules of this folder."""


def receive(control: socket.socket) -> Any:
    """One line of JSON, or the end of this process when the supervisor is gone."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = control.recv(1 << 16)
        if not chunk:
            os._exit(0)
        line += chunk
    return json.loads(line)


def make_private_folders(fonts: list[str]) -> None:
    """The folders that libraries want to write to, so that none of them complains on stderr; a font list or two."""
    for name in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        os.makedirs(os.environ[name], mode=0o700, exist_ok=True)
    for path in fonts:  # matplotlib would take its time to make its own
        with contextlib.suppress(OSError):
            shutil.copyfile(path, os.path.join(os.environ["MPLCONFIGDIR"], os.path.basename(path)))


def call(place: str) -> tuple[socket.socket, Any]:
    """The control socket, inherited or called by path, and the setup."""
    if place.isdigit():
        control = socket.socket(fileno=int(place))
        return control, receive(control)
    control = socket.socket(socket.AF_UNIX)
    control.connect(place)
    control.sendall(b"control\n")
    with open(os.path.join(os.path.dirname(place), "setup.json")) as file:
        return control, json.load(file)


def prepare(control: socket.socket, setup: Any, seen: Any) -> None:
    """From a fresh interpreter to a confined one with its imports done, where `seen` is a reporter that listens."""
    if setup["uid"] is not None:
        confine.drop_privileges(setup["uid"])
    if setup.get("keeper"):
        confine.die_with_parent()
    if setup.get("landlock"):
        confine.restrict_paths(**setup["landlock"])
    if setup.get("seccomp"):
        confine.install_seccomp(bytes.fromhex(setup["seccomp"]))
    if setup.get("modes_fixed"):
        observe.tolerate_fixed_modes(setup["writable"])
    os.chdir(setup["workspace"])
    make_private_folders(setup["fonts"])
    observe.watch_deprecations()
    observe.watch_pyplot()
    seen.watch()
    for name in setup["imports"]:
        with contextlib.suppress(ImportError):  # the script will meet it again, and report it as its own
            importlib.import_module(name)
    if setup["imports"]:
        gc.collect()
        gc.freeze()  # leaving the interpreter then walks the script's objects only: 0.3 s instead of 1.2 s
    observe.forget_deprecations()
    seen.forget()
    data_readable = not setup["data"] or os.access(setup["data"], os.R_OK | os.X_OK)
    folders = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in setup["writable"]]
    reply = {"ready": True, "version": sys.version, "data_readable": data_readable}
    socket.send_fds(control, [json.dumps(reply).encode() + b"\n"], folders)
    for folder in folders:
        os.close(folder)


def main() -> None:
    """Prepare, take the one job, and hand over to it."""
    control, setup = call(sys.argv[1])
    seen = reporter.Reporter()
    try:
        prepare(control, setup, seen)
    except OSError as error:
        control.sendall(json.dumps({"ready": False, "error": f"{type(error).__name__}: {error}"}).encode() + b"\n")
        os._exit(1)
    job, pid = receive(control), os.getpid()
    # out of the way of scripts that close the first descriptors, and of their children that exec
    report = socket.socket(fileno=observe.high_descriptor(control.detach()))
    path = job["script"]
    source = job["source"].encode("utf-8", "surrogatepass")
    with open(path, "wb") as file:
        file.write(source)
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    sys.argv = [path]
    sys.path[0] = os.path.dirname(path)  # until now the folder of this program
    for name in OURS:  # a script may have modules of these names
        sys.modules.pop(name, None)
    confine.set_limits(job["limits"])
    outcome = observe.run_as_main(source, path, module.__dict__)
    confine.relax_memory()
    outcome["figures"] = observe.save_figures()
    if os.getpid() == pid:  # a child that the script forked comes here as well
        observe.send(report, {**outcome, "mark": job["mark"], "facts": seen.collect(module.__dict__)})
    observe.leave(outcome)


main()
