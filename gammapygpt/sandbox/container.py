"""Isolation by a container engine: Apptainer as clusters have it, Podman, Docker.

They show the host's system and interpreter, read-only, in an image with nothing in it: nothing is downloaded, and
scripts run with the same Gammapy.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import socket
import subprocess
import tarfile
from pathlib import Path

from gammapygpt import temporary
from gammapygpt.errors import InfrastructureError
from gammapygpt.sandbox.bubblewrap import SHM_MB, TMP_MB, free_place
from gammapygpt.sandbox.hidden import hidden_places, secrets
from gammapygpt.sandbox.interpreter import SYSTEM_FOLDERS, Interpreter, font_lists
from gammapygpt.sandbox.launch import INSIDE, NOBODY, Launch, Order, environment, places_of_data
from gammapygpt.sandbox.seccomp import seccomp_filter

ENGINES = ("apptainer", "podman", "docker")
PASSED_ON = ("PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "CONTAINER_HOST", "APPTAINER_TMPDIR")
"""What the engine itself wants to know; the script sees none of it."""


def empty_tree(interpreter: Interpreter, places: list[str]) -> list[tuple[str, str]]:
    """What the empty image holds: folders to mount on, and links into /usr; pairs of path and link target."""
    folders = ["/usr", "/etc", "/proc", "/dev", "/sys", "/tmp", *interpreter.folders, *places]
    tree = {str(parent): "" for folder in folders for parent in (Path(folder), *Path(folder).parents)}
    tree |= {folder: os.readlink(folder) for folder in SYSTEM_FOLDERS if os.path.islink(folder)}
    return sorted((path, target) for path, target in tree.items() if path != "/")


def as_tar(tree: list[tuple[str, str]]) -> bytes:
    """The empty image as an archive that engines can import."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, target in tree:
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type, entry.linkname = (tarfile.SYMTYPE, target) if target else (tarfile.DIRTYPE, "")
            entry.mode = 0o755
            archive.addfile(entry)
    return buffer.getvalue()


def bind(listener: socket.socket, folder: Path, name: str) -> None:
    """Listen at a name in a folder, however long its path is: the kernel takes 108 bytes."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.close(descriptor)


class Container:
    """See `Provider`.

    Parameters
    ----------
    engine : str
        One of `ENGINES`.
    program : str
        Its path.
    """

    def __init__(self, engine: str, program: str) -> None:
        self.name = "container"
        self.engine = engine
        self.program = program

    def launch(self, order: Order) -> Launch:
        taken = order.interpreter.folders
        workspace, storage, job = (free_place(name, taken) for name in ("/workspace", "/data", "/job"))
        folder = temporary.make()
        try:
            return self._launch(order, folder, workspace, storage, job)
        except BaseException:
            temporary.remove(folder)
            raise

    def _launch(self, order: Order, folder: Path, workspace: str, storage: str, job: str) -> Launch:
        interpreter = order.interpreter
        tree = empty_tree(interpreter, [workspace, storage, job])
        binds = [(place, place) for place in SYSTEM_FOLDERS if os.path.isdir(place) and not os.path.islink(place)]
        binds += [(place, place) for place in ("/etc/ld.so.cache", "/etc/alternatives") if os.path.exists(place)]
        binds += [(place, place) for place in interpreter.folders]
        binds += [(str(self._job(folder)), job), *places_of_data(order.data, storage)]
        nothing = folder / "nothing"
        nothing.mkdir(0o755)
        hidden = hidden_places(binds, secrets(interpreter, order.data))
        binds = [bind for bind in binds if not any(Path(bind[1]).is_relative_to(place) for place in hidden)]
        binds += [(str(nothing), place) for place in hidden]
        variables = environment(storage if order.data else "", "/tmp", interpreter)
        build = self._apptainer if self.engine == "apptainer" else self._engine
        python = interpreter.executable
        inside = [
            *[python, "-E", "-S", f"{job}/keeper.py", f"{job}/socket"],
            *[python, "-u", f"{job}/worker.py", f"{job}/socket"],
        ]
        strict = self.engine == "apptainer"  # it shares the network of the host
        command = build(order, folder, tree, binds, variables, workspace)
        listener = socket.socket(socket.AF_UNIX)
        bind(listener, folder / "job", "socket")
        os.chmod(folder / "job" / "socket", 0o777)
        listener.listen()
        return Launch(
            argv=[*command, *inside],
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            setup={
                "uid": None,
                "workspace": workspace,
                "writable": [workspace, "/tmp"],
                "data": storage if order.data else "",
                "fonts": [f"{job}/{file.name}" for file in font_lists()],
                "seccomp": seccomp_filter(unix_sockets=not strict).hex(),
            },
            script=f"{workspace}/script.py",
            own_users=False,
            private_disk=self.engine != "apptainer",
            folder=folder,
            listener=listener,
        )

    def _job(self, folder: Path) -> Path:
        """Our programs, and the socket by which the worker calls: engines pass no descriptors on."""
        job = folder / "job"
        job.mkdir()
        folder.chmod(0o711)
        job.chmod(0o755)  # Python looks into the folder that it imports from
        for file in (*INSIDE.glob("*.py"), *font_lists()):
            shutil.copyfile(file, job / file.name)
            (job / file.name).chmod(0o644)
        return job

    def _apptainer(
        self,
        order: Order,
        folder: Path,
        tree: list[tuple[str, str]],
        binds: list[tuple[str, str]],
        variables: dict[str, str],
        workspace: str,
    ) -> list[str]:
        """No network namespace, since not every site allows one: the seccomp filter forbids all sockets."""
        root = folder / "root"
        for path, target in tree:
            place = root / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target) if target else place.mkdir(exist_ok=True)
        arguments = ["exec", "--containall", "--cleanenv", "--no-home", "--no-privs", "--pwd", workspace]
        for name in ("workspace", "tmp"):
            (folder / name).mkdir()
            arguments += ["--bind", f"{folder / name}:{workspace if name == 'workspace' else '/tmp'}:rw"]
        for source, target in binds:
            arguments += ["--bind", f"{source}:{target}:ro"]
        for name, value in variables.items():
            arguments += ["--env", f"{name}={value}"]
        return [self.program, *arguments, str(root)]

    def _engine(
        self,
        order: Order,
        folder: Path,
        tree: list[tuple[str, str]],
        binds: list[tuple[str, str]],
        variables: dict[str, str],
        workspace: str,
    ) -> list[str]:
        """Podman and Docker understand the same words, but for who the user is."""
        limits = order.limits
        uid = os.geteuid() or NOBODY
        memory = limits.memory_mb + limits.workspace_mb + TMP_MB + SHM_MB
        arguments = [
            *["run", "--rm", "--name", folder.name, "--hostname", "sandbox", "--network", "none", "--ipc", "private"],
            *["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", f"{uid}:{uid}"],
            *["--pids-limit", str(limits.processes + 16), "--memory", f"{memory}m", "--memory-swap", f"{memory}m"],
            *["--shm-size", f"{SHM_MB}m", "--workdir", workspace],
            *["--tmpfs", f"{workspace}:rw,mode=1777,size={limits.workspace_mb}m"],
            *["--tmpfs", f"/tmp:rw,mode=1777,size={TMP_MB}m"],
        ]
        if self.engine == "podman" and os.geteuid() != 0:
            arguments += ["--userns", "keep-id"]
        for source, target in binds:
            arguments += ["--mount", f"type=bind,source={source},target={target},readonly"]
        for name, value in variables.items():
            arguments += ["--env", f"{name}={value}"]
        return [self.program, *arguments, self._image(tree)]

    def _image(self, tree: list[tuple[str, str]]) -> str:
        """Name of the empty image, which is imported if the engine has not got it."""
        archive = as_tar(tree)
        name = f"gammapygpt-empty:{hashlib.sha256(archive).hexdigest()[:12]}"
        try:
            known = subprocess.run([self.program, "image", "inspect", name], capture_output=True, timeout=60)
            if known.returncode != 0:
                command = [self.program, "import", "-", name]
                subprocess.run(command, input=archive, capture_output=True, timeout=120, check=True)
        except subprocess.SubprocessError as error:
            said = (getattr(error, "stderr", None) or b"").decode("utf-8", "replace").strip()[-300:]
            raise InfrastructureError(
                f"{self.engine} cannot import an image: {said or error}.",
                f"Is its service running, and are you allowed to use it? Try '{self.engine} info'.",
            ) from error
        return name
