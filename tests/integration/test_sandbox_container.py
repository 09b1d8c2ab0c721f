"""Containers: the commands for each engine, and a whole run through an engine that understands Podman's words."""

from __future__ import annotations

import io
import itertools
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

from gammapygpt.errors import InfrastructureError
from gammapygpt.sandbox import bubblewrap
from gammapygpt.sandbox.base import Limits
from gammapygpt.sandbox.container import Container, as_tar, empty_tree
from gammapygpt.sandbox.interpreter import interpreter
from gammapygpt.sandbox.launch import Launch, Order
from gammapygpt.sandbox.single_use import SingleUseSandbox

SMALL = Limits(wall_s=20, memory_mb=512, workspace_mb=16, files=20, processes=20)

ENGINE = """#!{python}
# An engine that understands `image inspect`, `import` and `run` as Podman does, made of bubblewrap.
import os, sys
if sys.argv[1] != "run":
    if sys.argv[1] == "import":
        open("{folder}/imported", "wb").write(sys.stdin.buffer.read())
    sys.exit(0 if os.path.exists("{folder}/imported") else 1)
options = sys.argv[2:]
bwrap = ["{bwrap}", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--die-with-parent", "--clearenv",
         "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
         "--proc", "/proc", "--dev", "/dev"]
late = []
while options[0].startswith("--"):
    option = options.pop(0)
    if option in ("--rm", "--read-only"):
        continue
    value = options.pop(0)
    if option == "--tmpfs":
        bwrap += ["--perms", "1777", "--tmpfs", value.split(":")[0]]
    elif option == "--mount":
        source, target = (part.split("=", 1)[1] for part in value.split(",")[1:3])
        late += ["--ro-bind", source, target]
    elif option == "--env":
        late += ["--setenv", *value.split("=", 1)]
    elif option == "--workdir":
        late += ["--chdir", value]
os.execv(bwrap[0], [*bwrap, *late, *options[1:]])
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def podman(tmp_path: Path) -> Container:
    program = tmp_path / "podman"
    names = {"python": sys.executable, "folder": tmp_path, "bwrap": bubblewrap.programs()[0]}
    program.write_text(ENGINE.format(**names))
    program.chmod(0o755)
    return Container("podman", str(program))


def launch(engine: Container, data: Path) -> Launch:
    made = engine.launch(Order(interpreter(), str(data), SMALL, control=3, leash=4))
    assert made.listener is not None
    made.listener.close()
    return made


def options(argv: list[str], name: str) -> list[str]:
    return [value for option, value in itertools.pairwise(argv) if option == name]


def test_podman_and_docker_give_nothing_away(podman: Container, tmp_path: Path):
    made = launch(podman, tmp_path)
    assert options(made.argv, "--network") == ["none"]
    assert options(made.argv, "--cap-drop") == ["ALL"]
    assert options(made.argv, "--security-opt") == ["no-new-privileges"]
    assert options(made.argv, "--pids-limit") == ["36"]
    assert options(made.argv, "--memory") == options(made.argv, "--memory-swap")
    assert options(made.argv, "--user")[0].split(":")[0] != "0"
    assert "--read-only" in made.argv
    assert all(mount.endswith(",readonly") for mount in options(made.argv, "--mount"))
    assert f"type=bind,source={tmp_path},target=/data,readonly" in options(made.argv, "--mount")
    assert any(tmpfs.startswith("/workspace:") and "size=16m" in tmpfs for tmpfs in options(made.argv, "--tmpfs"))
    assert not set(made.env) - {"PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "CONTAINER_HOST", "APPTAINER_TMPDIR"}


def test_apptainer_contains_all_and_allows_no_socket(tmp_path: Path):
    made = launch(Container("apptainer", "/usr/bin/apptainer"), tmp_path)
    assert {"--containall", "--cleanenv", "--no-home", "--no-privs"} <= set(made.argv)
    binds = options(made.argv, "--bind")
    assert f"{tmp_path}:/data:ro" in binds
    assert [bind.split(":")[1] for bind in binds if bind.endswith(":rw")] == ["/workspace", "/tmp"]
    assert made.folder is not None
    root = Path(next(argument for argument in made.argv if argument.endswith("/root")))
    assert (root / "bin").is_symlink() or (root / "bin").is_dir()
    assert (root / interpreter().folders[0].lstrip("/")).is_dir()


def test_the_empty_image_is_empty():
    content = as_tar(empty_tree(interpreter(), ["/workspace"]))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert all(entry.isdir() or entry.issym() for entry in archive)
        assert "workspace" in archive.getnames()


def test_a_script_runs_and_its_end_is_the_end_of_all(podman: Container, tmp_path: Path):
    data, home = tmp_path / "data", tmp_path / "home"
    data.mkdir()
    home.mkdir()
    (data / "numbers.txt").write_text("1 2 3")
    sandbox = SingleUseSandbox(podman, interpreter(), str(data), SMALL, warm=False)
    sandbox.prepare()
    execution = sandbox.run(
        "import os\n"
        "print(open(os.environ['GAMMAPY_DATA'] + '/numbers.txt').read(), os.listdir('/job'))\n"
        "open('result.json', 'w').write('{}')\n"
        "if os.fork() == 0: os.setsid(); os.close(1); os.close(2); __import__('time').sleep(60)\n"
        "1 / 0\n",
        SMALL,
        home,
    )
    assert execution.provider == "container"
    assert execution.stdout.startswith("1 2 3 ")
    assert "socket" not in execution.stdout  # nobody can call any more
    assert (execution.exception, execution.line, execution.exit_code) == ("ZeroDivisionError", 5, 1)
    assert (home / "result.json").read_text() == "{}"
    stopped = sandbox.run("while True: pass", SMALL.model_copy(update={"wall_s": 0.3}), home)
    assert stopped.stopped_by == "wall"


def test_no_copy_of_this_program_is_shown(podman: Container, tmp_path: Path):
    data, home = tmp_path / "data", tmp_path / "home"
    home.mkdir()
    task = data / "repository" / "gammapygpt" / "evals" / "tasks" / "task.toml"
    task.parent.mkdir(parents=True)
    task.write_text("index = 2.38765")
    (data / "numbers.txt").write_text("1 2 3")
    sandbox = SingleUseSandbox(podman, interpreter(), str(data), SMALL, warm=False)
    execution = sandbox.run(
        "import os\nprint(*(name for _, _, files in os.walk('/data') for name in files))", SMALL, home
    )
    assert execution.stdout == "numbers.txt\n"


def test_an_engine_without_its_service_is_an_infrastructure_failure(tmp_path: Path, temporary: Path):
    sandbox = SingleUseSandbox(Container("docker", "/bin/false"), interpreter(), "", SMALL, warm=False)
    with pytest.raises(InfrastructureError, match="docker info"):
        sandbox.run("print(1)", SMALL, tmp_path)
    assert list(temporary.iterdir()) == []
