"""Scripts in the real sandbox: what comes back, whatever they do."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.sandbox import Limits, open_sandbox, probe
from gammapygpt.sandbox.base import Sandbox
from gammapygpt.settings import Settings
from gammapygpt.state import Execution

SETTINGS = Settings()
SHORT = Limits(wall_s=30, cpu_s=30, memory_mb=1024, processes=32, file_mb=8, workspace_mb=32, files=40, output_kb=4)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "numbers.txt").write_text("1 2 3")
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def cold(data: Path) -> Sandbox:
    return open_sandbox(SETTINGS, str(data), warm=False)


@pytest.fixture
def run(cold: Sandbox, tmp_path: Path):
    def run(script: str, **limits: float) -> Execution:
        return cold.run(script, SHORT.model_copy(update=limits), tmp_path)

    return run


def test_a_probe_says_what_was_found():
    tried = probe(SETTINGS)
    assert tried[-1].usable
    assert "Gammapy 2." in tried[-1].detail


def test_data_is_read_and_a_result_comes_home(run, tmp_path: Path):
    execution = run(
        "import json, os\n"
        "assert os.environ['PHOTON_STORAGE'] == os.environ['GAMMAPY_DATA']\n"
        "numbers = open(os.environ['GAMMAPY_DATA'] + '/numbers.txt').read().split()\n"
        "json.dump({'sum': sum(map(int, numbers))}, open('result.json', 'w'))\n"
        "print('done')\n"
    )
    assert execution.completed
    assert execution.provider in ("bubblewrap", "landlock", "container")
    assert json.loads((tmp_path / "result.json").read_text()) == {"sum": 6}
    assert [(a.name, a.bytes) for a in execution.artefacts] == [("result.json", 10)]
    assert (execution.stdout, execution.stderr) == ("done\n", "")


def test_an_exception_is_reported_with_the_users_frames_only(run):
    execution = run("import json\n\ndef read():\n    return json.loads('{')\n\nread()\n")
    assert execution.exit_code == 1
    assert execution.exception == "json.decoder.JSONDecodeError"
    assert execution.message.startswith("Expecting property name")
    assert execution.line == 4
    lines = execution.traceback.splitlines()
    assert lines[0] == "line 6, in <module>: read()"
    assert lines[1] == "line 4, in read: return json.loads('{')"
    assert lines[2].startswith("raised in ")
    assert "worker.py" not in execution.traceback + execution.stderr
    assert execution.stderr.startswith("Traceback (most recent call last):\n  File ")


def test_a_class_of_the_script_has_its_plain_name(run):
    execution = run("class NoExcess(Exception): pass\nraise NoExcess('n_on = 0')")
    assert (execution.exception, execution.message) == ("NoExcess", "n_on = 0")


@pytest.mark.parametrize(
    ("script", "line"), [("x = 1\ny = = 2\n", 2), ("print('a\0b')\n", None), ("x = '\ud800'\n", None)]
)
def test_a_syntax_error_is_one_whatever_the_bytes(run, script: str, line: int | None):
    execution = run(script)
    assert execution.exception == "SyntaxError"
    assert execution.exit_code == 1
    assert line is None or execution.line == line


@pytest.mark.parametrize(
    ("script", "code", "exception"),
    [
        ("import sys; sys.exit(0)", 0, ""),
        ("import sys; sys.exit(3)", 3, "SystemExit"),
        ("import sys; sys.exit('no data')", 1, "SystemExit"),
        ("import os; os._exit(0)", 0, ""),
        ("import os; os._exit(7)", 7, ""),
        ("import os; os.kill(os.getpid(), 11)", -11, ""),
        ("import os, time; os.closerange(0, 64); time.sleep(0.2)", 0, ""),
    ],
)
def test_exit_codes_are_those_of_python(run, script: str, code: int, exception: str):
    execution = run(script)
    assert (execution.exit_code, execution.exception) == (code, exception)
    assert execution.artefacts == []


def test_the_environment_is_empty_but_for_ours(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "canary-of-the-agent")
    execution = run(
        "import glob, os\n"
        "print('canary' in str(os.environ))\n"
        "for path in glob.glob('/proc/[0-9]*/environ'):\n"
        "    try:\n"
        "        print(b'canary' in open(path, 'rb').read())\n"
        "    except OSError:\n"
        "        pass\n"
    )
    assert set(execution.stdout.split()) == {"False"}


def test_the_script_is_main_like_any_other(run):
    execution = run(
        "import multiprocessing, os, pickle, sys\n"
        "class Point: pass\n"
        "def square(x): return x * x\n"
        "if __name__ == '__main__':\n"
        "    assert isinstance(pickle.loads(pickle.dumps(Point())), Point)\n"
        "    assert sys.argv == [__file__] and os.path.dirname(__file__) == os.getcwd() == sys.path[0]\n"
        "    for how in ('fork', 'spawn'):\n"
        "        with multiprocessing.get_context(how).Pool(2) as pool:\n"
        "            print(pool.map(square, [2, 3]))\n"
    )
    assert execution.stdout == "[4, 9]\n[4, 9]\n", execution.stderr


def test_open_figures_are_saved_before_they_are_lost(run, tmp_path: Path):
    execution = run(
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2]); plt.show()\n"
        "assert plt.get_fignums() == []\n"
        "plt.plot([2, 1])\n"
        "raise RuntimeError('after the figure')\n"
    )
    assert execution.exception == "RuntimeError"
    assert [a.name for a in execution.artefacts] == ["figure-1.png", "figure-2.png"]
    assert (tmp_path / "figure-2.png").read_bytes().startswith(b"\x89PNG")
    assert "font cache" not in execution.stderr


def test_deprecation_warnings_of_gammapy_are_noted_even_when_silenced(run):
    execution = run(
        "import warnings\n"
        "warnings.filterwarnings('ignore')\n"
        "class GammapyDeprecationWarning(Warning): pass\n"
        "def old():\n"
        "    warnings.warn('old is deprecated, use new', GammapyDeprecationWarning, stacklevel=2)\n"
        "old()\n"
    )
    assert execution.warnings == ["line 5: old is deprecated, use new"]


@pytest.mark.parametrize(
    ("script", "limits", "stopped_by"),
    [
        ("while True: pass", {"wall_s": 0.5}, "wall"),
        ("while True: pass", {"cpu_s": 0.5}, "cpu"),
        ("x = bytearray(b'x') * (3 << 30)", {}, "memory"),
        (
            "import os, time\nfor i in range(6):\n    if os.fork() == 0:\n"
            "        x = bytearray(b'x') * (60 << 20); time.sleep(20); os._exit(0)\ntime.sleep(20)",
            {"memory_mb": 200},
            "memory",
        ),
        ("import os, time\nfor i in range(200):\n    if os.fork() == 0: time.sleep(20)", {}, "processes"),
        (
            "import threading, time\nfor i in range(200):\n"
            "    threading.Thread(target=time.sleep, args=(20,), daemon=True).start()",
            {},
            "processes",
        ),
        ("open('big', 'wb').write(b'x' * (9 << 20))", {}, "disk"),
        ("for i in range(9): open(f'part-{i}', 'wb').write(b'x' * (7 << 20))", {}, "disk"),
        ("import time\nfor i in range(5000): open(f'empty-{i}', 'w')\ntime.sleep(20)", {}, "files"),
        ("for i in range(60): open(f'empty-{i}', 'w')", {}, "files"),
        ("while True: print('x' * 1000)", {}, "output"),
    ],
)  # fmt: skip
def test_a_limit_that_was_hit_is_named(run, script: str, limits: dict[str, float], stopped_by: str):
    execution = run("print('so far', flush=True)\nopen('result.json', 'w').write('{}')\n" + script, **limits)
    assert execution.stopped_by == stopped_by
    assert not execution.completed
    assert execution.stdout.startswith("so far\n")
    assert execution.artefacts[0].name == "result.json"
    assert execution.wall_s < 15


def test_output_keeps_head_and_tail(run):
    execution = run("print('first')\nfor i in range(10_000): print('x' * 10)\nprint('last')")
    assert execution.completed
    assert execution.stdout.startswith("first\n")
    assert execution.stdout.endswith("last\n")
    assert "bytes left out" in execution.stdout
    assert len(execution.stdout) < 4200


def test_links_and_strange_names_do_no_harm(run, tmp_path: Path):
    execution = run(
        "import os\n"
        "os.symlink('/etc/passwd', 'passwd')\n"
        "os.symlink('/', 'everything')\n"
        "open('line\\nbreak', 'w').write('1')\n"
        "open(b'\\xff\\xfe', 'w').write('2')\n"
    )
    assert sorted(a.name for a in execution.artefacts) == ["\\udcff\\udcfe", "line\\nbreak"]
    assert sorted(os.listdir(tmp_path)) == ["\\udcff\\udcfe", "line\\nbreak"]


def test_a_forged_report_proves_nothing(run):
    execution = run(
        "import os, socket\n"
        "for fd in range(3, 1024):\n"
        "    try:\n"
        '        os.write(fd, b\'{"exception": "Forged"}\\n\')\n'
        "    except OSError:\n"
        "        pass\n"
        "1 / 0\n"
    )
    assert execution.exception != "Forged"
    assert execution.exit_code == 1


def test_a_daemon_does_not_outlive_its_script(run):
    mark = "survivor-of-the-sandbox"
    execution = run(
        "import os, subprocess, sys\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        f"    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', '{mark}'])\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    assert execution.exit_code == 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            assert mark.encode() not in (process / "cmdline").read_bytes()


def test_prepared_in_one_thread_and_used_in_another(cold: Sandbox, tmp_path: Path):
    thread = threading.Thread(target=cold.prepare)
    thread.start()
    thread.join()
    execution = cold.run("print('alive')", SHORT, tmp_path)
    assert execution.stdout == "alive\n"


def test_a_prepared_worker_can_be_thrown_away(cold: Sandbox, tmp_path: Path):
    before = len(os.listdir("/proc/self/fd"))
    cold.prepare()
    cold.discard()
    cold.discard()
    assert len(os.listdir("/proc/self/fd")) == before


AGENT = """
import sys, threading
from gammapygpt.sandbox import open_sandbox
from gammapygpt.sandbox.base import Limits
from gammapygpt.settings import Settings
from pathlib import Path
sandbox = open_sandbox(Settings(), "", warm=False)
prepare = threading.Thread(target=sandbox.prepare)
prepare.start(); prepare.join()
script = "import os, time; os.system('sleep 61.25 &'); open('started', 'w'); time.sleep(60)"
threading.Thread(target=sandbox.run, args=(script, Limits(), Path(sys.argv[1]))).start()
from gammapygpt.sandbox import processes
import os
def commands(pids):
    for pid in pids:
        try:
            yield Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            pass
while b"sleep\\0" + b"61.25\\0" not in commands(processes.tree(os.getpid())[0]):
    pass
print(*processes.tree(os.getpid())[0], flush=True)
"""


def test_killing_the_agent_kills_the_sandbox(tmp_path: Path):
    agent = subprocess.Popen([sys.executable, "-c", AGENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert agent.stdout is not None
    inside = [int(pid) for pid in agent.stdout.readline().split() if int(pid) != agent.pid]
    handles = []
    for pid in inside:
        with contextlib.suppress(ProcessLookupError):  # the shell that started the sleep is gone by now, or not
            handles.append(os.pidfd_open(pid))
    os.kill(agent.pid, signal.SIGKILL)
    agent.wait()
    agent.stdout.close()
    assert len(handles) >= 4
    for handle in handles:
        ended, _, _ = select.select([handle], [], [], 10)
        assert ended
        os.close(handle)


def test_a_broken_sandbox_is_not_the_scripts_fault(data: Path, tmp_path: Path):
    from gammapygpt.sandbox.bubblewrap import Bubblewrap
    from gammapygpt.sandbox.interpreter import interpreter
    from gammapygpt.sandbox.single_use import SingleUseSandbox

    before = len(os.listdir("/proc/self/fd"))
    for program in ("/bin/false", "/nowhere/bwrap"):
        broken = SingleUseSandbox(Bubblewrap(program), interpreter(), str(data), SHORT, warm=False)
        with pytest.raises(InfrastructureError):
            broken.run("print(1)", SHORT, tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_machine_without_isolation_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch, data: Path):
    from gammapygpt.sandbox import bubblewrap, choose

    monkeypatch.setattr(bubblewrap, "programs", lambda: ["/bin/false"])
    monkeypatch.setattr(choose, "_try_all", choose._try_all.__wrapped__)
    with pytest.raises(InfrastructureError, match="unsafe-local"):
        open_sandbox(Settings.model_validate({"sandbox": {"provider": "bubblewrap"}}), str(data))


def test_a_prepared_worker_that_has_died_is_replaced(cold, tmp_path: Path):
    cold.prepare()
    cold._worker.process.kill()
    assert cold.run("print('alive')", SHORT, tmp_path).stdout == "alive\n"


def test_links_from_the_data_folder_to_other_disks_are_followed(tmp_path: Path):
    disk, data = tmp_path / "disk", tmp_path / "data"
    (disk / "runs").mkdir(parents=True)
    (disk / "runs" / "events.txt").write_text("42")
    (disk / "secret.txt").write_text("not below a link")
    data.mkdir()
    (data / "absolute").symlink_to(disk / "runs")
    (data / "relative").symlink_to("../disk/runs")
    (data / "everything").symlink_to("/")
    tmp_path.chmod(0o755)
    script = (
        "import os\n"
        "data = os.environ['GAMMAPY_DATA']\n"
        "print([open(f'{data}/{name}/events.txt').read() for name in ('absolute', 'relative')])\n"
        f"print(os.path.exists('{disk}/secret.txt'), os.path.exists(data + '/everything/root/.profile'))\n"
    )
    execution = open_sandbox(SETTINGS, str(data), warm=False).run(script, SHORT, tmp_path)
    assert execution.stdout == "['42', '42']\nFalse False\n", execution.stderr


def test_a_data_folder_that_does_not_exist_is_the_users_mistake():
    with pytest.raises(UserError, match="does not exist"):
        open_sandbox(SETTINGS, "/nowhere/at/all")


def test_unsafe_local_is_named_in_the_record(data: Path, tmp_path: Path):
    settings = Settings.model_validate({"sandbox": {"provider": "unsafe-local"}})
    sandbox = open_sandbox(settings, str(data), warm=False)
    execution = sandbox.run("import os; print(len(os.listdir(os.environ['GAMMAPY_DATA'])))\n1/0", SHORT, tmp_path)
    assert execution.provider == "unsafe-local"
    assert (execution.stdout, execution.exception, execution.line) == ("1\n", "ZeroDivisionError", 2)
    stopped = sandbox.run("while True: pass", SHORT.model_copy(update={"wall_s": 0.3}), tmp_path)
    assert stopped.stopped_by == "wall"


def test_warm_and_cold_print_the_same_and_read_the_same(data: Path, tmp_path: Path):
    script = (
        "import gammapy, sys\n"
        "from gammapy.modeling.models import PowerLawSpectralModel\n"
        "model = PowerLawSpectralModel()\n"
        "print(repr(model.integral('1 TeV', '10 TeV')), sys.argv, __file__, __name__)\n"
        "model.integral()\n"
    )
    executions = []
    for warm in (True, False):
        sandbox = open_sandbox(SETTINGS, str(data), warm=warm)
        executions.append(sandbox.run(script, SHORT, tmp_path))
    hot, cold = executions
    assert (hot.warm, cold.warm) == (True, False)
    assert hot.exception == "AttributeError"
    same = {"stdout", "stderr", "exception", "message", "traceback", "line", "warnings", "exit_code"}
    assert hot.model_dump(include=same) == cold.model_dump(include=same)
