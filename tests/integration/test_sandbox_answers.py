"""The known answers of tasks ship with the package: no script finds them, wherever a copy of the package lies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import ORDINARY, TIGHT, Attacked

from gammapygpt.sandbox.interpreter import interpreter
from gammapygpt.sandbox.launch import OURS
from gammapygpt.sandbox.single_use import SingleUseSandbox

ANSWER = "index = 2.38765, known to nobody"
USERS = {"root": 0, "ordinary": ORDINARY} if os.geteuid() == 0 else {"ordinary": os.geteuid()}

SEARCH = """
import ctypes, glob, importlib, importlib.metadata, importlib.resources, os, shutil, site, sys, sysconfig

ANSWER = REVERSED[::-1].encode()

def same(place):
    about = os.stat(place)
    return about.st_dev, about.st_ino

LARGE = ('/usr', '/bin', '/lib', '/lib64', '/proc', '/sys', '/dev', sys.base_prefix, os.path.dirname(os.__file__))
seen = {same(place) for place in LARGE if os.path.exists(place)}

def look(path):
    try:
        if os.path.isfile(path) and path not in seen and ANSWER in open(path, 'rb').read():
            print('ESCAPED', path)
    except Exception:
        pass
    seen.add(path)

def walk(folder):
    for place, folders, files in os.walk(folder):
        if same(place) in seen:
            folders.clear()
            continue
        seen.add(same(place))
        for name in files:
            look(os.path.join(place, name))

def attempt(function):
    try:
        for place in function():
            walk(place)
            look(place)
    except Exception as error:
        print('stopped', repr(error)[:90])

def imported():
    package = importlib.import_module('gammapygpt')
    return [os.path.dirname(package.__file__), *package.__path__]

def found_by_the_finder():
    return importlib.util.find_spec('gammapygpt').submodule_search_locations

def resources():
    return [str(importlib.resources.files('gammapygpt'))]

def record():
    return [str(file.locate()) for file in importlib.metadata.distribution('gammapygpt').files]

def path_files():
    lines = [line for place in sys.path for file in glob.glob(place + '/*.pth') for line in open(file)]
    return [line.strip() for line in lines if not line.startswith('import')]

def path():
    return [*sys.path, sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *site.getsitepackages()]

def data():
    return [os.environ['GAMMAPY_DATA'], *glob.glob(os.environ['GAMMAPY_DATA'] + '/*/')]

def roots():
    return ['/', '.', '..', *glob.glob('/proc/[0-9s]*/root'), *glob.glob('/proc/[0-9s]*/cwd')]

def descriptors():
    return [*glob.glob('/proc/[0-9s]*/fd/*'), *glob.glob('/proc/[0-9s]*/map_files/*')]

def mounts():
    return [part for line in open('/proc/self/mountinfo') for part in line.split() if part.startswith('/')]

def uncovered():
    libc = ctypes.CDLL(None, use_errno=True)
    return [place for place in PLACES if libc.umount2(place.encode(), 2) == 0]

def linked():
    os.symlink(PLACES[0], 'link')
    return [os.path.join('link', 'tasks')]

def hard_linked():
    os.link(FILE, 'hard')
    return ['hard']

def elsewhere():
    return [shutil.copytree(PLACES[0], 'copied')]

for way in (imported, found_by_the_finder, resources, record, path_files, path, data, roots, descriptors, mounts,
            uncovered, linked, hard_linked, elsewhere, lambda: [FILE, *PLACES]):
    attempt(way)
print('searched')
"""


def package(folder: Path) -> Path:
    """A package of our name with a task in it; returns the task's file."""
    task = folder / "gammapygpt" / "evals" / "tasks" / "public" / "task.toml"
    task.parent.mkdir(parents=True)
    (folder / "gammapygpt" / "__init__.py").touch()
    task.write_text(ANSWER)
    return task


def checkout(folder: Path) -> Path:
    task = package(folder)
    (folder / "pyproject.toml").touch()
    for copy in (".git/objects/task", "build/lib/task.toml", "tests/test_task.py"):
        (folder / copy).parent.mkdir(parents=True)
        (folder / copy).write_text(ANSWER)
    return task


class House:
    """An analysis environment, a data folder, and what lies around them."""

    def __init__(self, folder: Path, python: str) -> None:
        subprocess.run([python, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        self.folder, self.venv, self.data = folder, folder / "venv", folder / "data"
        self.packages = next((self.venv / "lib").glob("python3*/site-packages"))
        self.data.mkdir()
        (self.data / "events.fits").write_text("to be read")
        (self.packages / "numerics.py").write_text("VALUE = 7")

    def installed(self) -> Path:
        task = package(self.packages)
        about = self.packages / "gammapygpt-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: gammapygpt\nVersion: 1.0\n")
        (about / "RECORD").write_text(f"{task.relative_to(self.packages)},,\n")
        return task

    def checked_out(self) -> list[Path]:
        """For an editable install: beside the environment, in it, and in the data, which also link to it."""
        homes = [self.folder / "repository", self.venv / "src" / "gammapygpt-main", self.data / "repository"]
        tasks = [checkout(home) for home in homes]
        (self.packages / "gammapygpt.pth").write_text(f"{homes[0]}\n{homes[1]}\n")
        (self.data / "tasks").symlink_to(tasks[1].parent)
        (self.data / "all").symlink_to(self.venv / "src")
        return tasks

    def behind_a_link(self) -> None:
        """The environment has moved, and its old place leads to it."""
        self.venv.rename(self.folder / "moved")
        self.venv.symlink_to(self.folder / "moved")


@pytest.fixture(scope="module", params=[f"{p}-{u}" for p in ("bubblewrap", "landlock") for u in USERS])
def attacked(request: pytest.FixtureRequest) -> Iterator[Attacked]:
    provider, user = request.param.split("-")
    place = Attacked(provider, USERS[user])
    why = place.usable()
    if why:
        place.host.close()
        pytest.skip(f"{provider} does not work here: {why}")
    yield place
    place.host.close()


@pytest.fixture
def house(attacked: Attacked) -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    folder.chmod(0o755)
    yield House(folder, attacked.python)
    shutil.rmtree(folder)


def searching(tasks: list[Path]) -> str:
    """The script; it does not hold the answer itself."""
    places = [str(task.parents[number]) for task in tasks for number in (1, 2, 3, 4)]
    return f"REVERSED, FILE, PLACES = {ANSWER[::-1]!r}, {str(tasks[0])!r}, {places}\n{SEARCH}"


@pytest.mark.parametrize("layout", ["straight", "behind-a-link"])
def test_no_script_finds_a_known_answer(attacked: Attacked, house: House, layout: str):
    tasks = [house.installed(), *house.checked_out()]
    if layout == "behind-a-link":
        house.behind_a_link()
    assert all(ANSWER in task.read_text() for task in tasks)
    python = interpreter(str(house.venv / "bin" / "python"))
    attacked.sandbox = SingleUseSandbox(attacked.provider, python, str(house.data), TIGHT, warm=False)
    execution = attacked.run(searching(tasks))
    assert execution.completed, execution
    assert "ESCAPED" not in execution.stdout, execution.stdout
    assert execution.stdout.endswith("searched\n")


def test_what_hides_the_answers_hides_nothing_else(attacked: Attacked, house: House):
    house.installed()
    python = interpreter(str(house.venv / "bin" / "python"))
    attacked.sandbox = SingleUseSandbox(attacked.provider, python, str(house.data), TIGHT, warm=False)
    execution = attacked.run("import os, json, numerics\nprint(numerics.VALUE, os.listdir(os.environ['GAMMAPY_DATA']))")
    assert execution.stdout == "7 ['events.fits']\n", execution


def test_the_search_finds_what_is_not_hidden(tmp_path: Path):
    house = House(tmp_path, sys.executable)
    script = searching([house.installed(), *house.checked_out()])
    for not_from_here in ("roots, descriptors, mounts,", "uncovered, linked,"):
        assert not_from_here in script
        script = script.replace(not_from_here, "")
    python, environment = str(house.venv / "bin" / "python"), {"GAMMAPY_DATA": str(house.data)}
    (tmp_path / "work").mkdir()
    run = subprocess.run(
        [python, "-c", script], cwd=tmp_path / "work", env=environment, capture_output=True, text=True, check=True
    )
    found = {line.removeprefix(f"ESCAPED {tmp_path}/") for line in run.stdout.splitlines() if "ESCAPED" in line}
    packages = house.packages.relative_to(tmp_path)
    assert {f"{packages}/gammapygpt/evals/tasks/public/task.toml", "ESCAPED hard"} <= found
    assert {"repository/.git/objects/task", "data/repository/tests/test_task.py"} <= found


def test_this_very_package_cannot_be_read(attacked: Attacked):
    script = f"import os\nprint(os.path.exists({str(OURS / 'evals' / 'tasks')!r}))\n"
    script += (
        f"try:\n    print(open({str(OURS / 'evals' / 'task.py')!r}).read())\nexcept OSError:\n    print('stopped')"
    )
    place = Attacked.__new__(Attacked)
    place.__dict__ |= vars(attacked)
    place.sandbox = SingleUseSandbox(
        attacked.provider, interpreter(attacked.python), str(attacked.host.data), TIGHT, warm=False
    )
    assert place.run(script).stdout.endswith("stopped\n")
