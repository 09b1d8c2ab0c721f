"""Hostile scripts, one test for each property that must hold: as root and as an ordinary user, in every isolation here.

Each run also checks that the host was neither changed nor contacted and that no process survived (`Attacked.run`). A
script that gets through says ESCAPED.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import ORDINARY, SECRET, Attacked

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = sorted((REPOSITORY.parent / "shared" / "attacks").glob("*.py"))
USERS = {"root": 0, "ordinary": ORDINARY} if os.geteuid() == 0 else {"ordinary": os.geteuid()}

TRY = """
def attempt(name, function, *arguments, **keywords):
    try:
        result = function(*arguments, **keywords)
    except Exception as error:
        print('stopped', name, repr(error)[:90])
    else:
        print('ESCAPED', name, repr(result)[:90])
"""
LIBC = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(name, function, *arguments):
    if function(*arguments) >= 0:
        print('ESCAPED', name)
    else:
        print('stopped', name, os.strerror(ctypes.get_errno()))
"""


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
def stopped(attacked: Attacked):
    """Run a script that prints `stopped` or `ESCAPED` for each thing it tries; at least one, and none escapes."""

    def run(script: str, **limits: float) -> str:
        execution = attacked.run(script, **limits)
        assert "ESCAPED" not in execution.stdout, execution.stdout
        assert "stopped" in execution.stdout, execution
        return execution.stdout

    return run


def test_no_network_can_be_reached(stopped):
    stopped(
        TRY + "import socket, urllib.request\n"
        "attempt('tcp', socket.create_connection, ('127.0.0.1', TCP), 2)\n"
        "def udp():\n"
        "    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'hello', ('127.0.0.1', UDP))\n"
        "attempt('udp', udp)\n"
        "attempt('http', urllib.request.urlopen, f'http://127.0.0.1:{TCP}/', timeout=2)\n"
        "attempt('dns', socket.gethostbyname, 'localhost.invalid')\n"
    )


def test_no_socket_but_of_the_unix_family_can_be_made(stopped):
    stopped(
        TRY + "import socket\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK,\n"
        "               socket.AF_ALG, 31):\n"
        "    attempt(family, socket.socket, family, socket.SOCK_DGRAM)\n"
        "attempt('raw', socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)\n"
    )


def test_no_daemon_of_the_host_can_be_reached_by_unix_sockets(stopped):
    stopped(
        TRY + "import socket\n"
        "def reach(address, kind):\n"
        "    socket.socket(socket.AF_UNIX, kind).connect(address)\n"
        "for address in (ABSTRACT, UNIX):\n"
        "    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
        "        attempt(address, reach, address, kind)\n"
    )


def test_no_file_of_the_host_can_be_read(stopped):
    stopped(
        TRY + "import glob, os\n"
        "for path in (PRIVATE + '/secret.txt', '/etc/shadow', '/etc/hostname', '/proc/1/environ', '/proc/kcore',\n"
        "             f'/proc/{SUPERVISOR}/environ', f'/proc/{SUPERVISOR}/maps', '/proc/1/mem', '/dev/kmsg'):\n"
        "    attempt(path, lambda: open(path, 'rb').read(10) or 1 / 0)\n"
        "attempt('folder', os.listdir, PRIVATE)\n"
        "attempt('users', lambda: open('/etc/passwd').read().index('root:x:'))\n"
        "os.symlink(PRIVATE + '/secret.txt', 'link')\n"
        "attempt('through a link', lambda: open('link').read())\n"
        "attempt('hard link', os.link, PRIVATE + '/secret.txt', 'hard')\n"
    )


def test_nothing_of_the_agents_environment_is_inside(attacked: Attacked, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    execution = attacked.run(
        "import glob, json, os\n"
        "seen = [dict(os.environ)]\n"
        "for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):\n"
        "    try:\n"
        "        seen.append(open(path, 'rb').read().decode('utf-8', 'replace'))\n"
        "    except OSError:\n"
        "        pass\n"
        "print(json.dumps(seen))\n"
    )
    assert json.loads(execution.stdout)
    assert SECRET not in execution.stdout
    assert str(attacked.host.private) not in execution.stdout


def test_no_descriptor_of_the_agent_is_open(attacked: Attacked):
    execution = attacked.run(
        "import os\n"
        "for fd in os.listdir('/proc/self/fd'):\n"
        "    try:\n"
        "        print(fd, os.readlink('/proc/self/fd/' + fd))\n"
        "    except OSError:\n"
        "        pass\n"
    )
    kinds = {line.split()[1].split(":")[0] for line in execution.stdout.splitlines()}
    assert kinds <= {"pipe", "socket", "/dev/null"}
    assert sum("socket" in line for line in execution.stdout.splitlines()) == 1


def test_data_cannot_be_changed(stopped):
    stopped(
        TRY + "import ctypes, os\n"
        "data = os.environ['GAMMAPY_DATA']; file = data + '/events.fits'\n"
        "attempt('create', open, data + '/new', 'w')\n"
        "attempt('append', open, file, 'a')\n"
        "attempt('truncate', os.truncate, file, 0)\n"
        "attempt('open to truncate', os.open, file, os.O_RDONLY | os.O_TRUNC)\n"
        "attempt('chmod', os.chmod, file, 0o777)\n"
        "attempt('fchmod', os.chmod, os.open(file, os.O_RDONLY), 0o777)\n"
        "attempt('utime', os.utime, file, (0, 0))\n"
        "attempt('rename', os.rename, file, data + '/x')\n"
        "attempt('rename to here', os.rename, file, 'x')\n"
        "attempt('unlink', os.unlink, file)\n"
        "attempt('xattr', os.setxattr, file, 'user.x', b'1')\n"
        "attempt('fd', lambda: os.open('/proc/self/fd/%d' % os.open(file, os.O_RDONLY), os.O_RDWR))\n"
    )


def test_nothing_outside_the_workspace_can_be_written(stopped):
    stopped(
        TRY + "import os, sys\n"
        "for folder in (PRIVATE, '/etc', '/usr', '/usr/lib', '/', '/root', '/home', '/var/tmp', '/job',\n"
        "               os.path.dirname(os.__file__), sys.prefix):\n"
        "    attempt(folder, open, folder + '/ESC'.lower(), 'w')\n"
        "attempt('mkdir', os.mkdir, PRIVATE + '/folder')\n"
        "attempt('chmod', os.chmod, PRIVATE + '/secret.txt', 0o777)\n"
        "attempt('chmod folder', os.chmod, PRIVATE, 0o700)\n"
        "attempt('truncate', os.truncate, PRIVATE + '/secret.txt', 0)\n"
        "os.mkdir('d'); attempt('rename out', os.rename, 'd', PRIVATE + '/d')\n"
    )


def test_the_kernel_cannot_be_configured(stopped):
    stopped(
        TRY + "import glob\n"
        "for path in ('/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname', '/proc/sys/vm/drop_caches',\n"
        "             '/proc/sysrq-trigger', '/proc/self/oom_score_adj_', '/sys/kernel/uevent_helper',\n"
        "             '/sys/fs/cgroup/cgroup.procs'):\n"
        "    attempt(path, open, path, 'r+b', 0)\n"
    )


def test_no_privilege_is_left_and_none_can_be_had(stopped):
    text = stopped(
        TRY + "import os, subprocess\n"
        "for name in ('setuid', 'setgid'):\n"
        "    attempt(name, getattr(os, name), 0)\n"
        "attempt('setgroups', os.setgroups, [0])\n"
        "attempt('nice', os.nice, -5)\n"
        "for line in open('/proc/self/status'):\n"
        "    if line.split(':')[0] in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'Groups'):\n"
        "        print(line.strip())\n"
    )
    status = dict(line.split(":", 1) for line in text.splitlines() if ":" in line and not line.startswith("stopped"))
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert (int(status["NoNewPrivs"]), int(status["Seccomp"])) == (1, 2)


def test_the_kernels_user_is_not_root(attacked: Attacked):
    execution = attacked.run("import os; print(*os.getresuid(), *os.getresgid())")
    assert "0" not in execution.stdout.split()


def test_dangerous_system_calls_are_refused(stopped):
    stopped(
        LIBC + "call('mount', libc.mount, b't', b'/tmp', b'tmpfs', 0, None)\n"
        "call('remount', libc.mount, b'none', os.environ['GAMMAPY_DATA'].encode(), None, 32 | 4096, None)\n"
        "call('umount', libc.umount2, os.environ['GAMMAPY_DATA'].encode(), 2)\n"
        "call('chroot', libc.chroot, b'/')\n"
        "call('unshare user', libc.unshare, 0x10000000)\n"
        "call('unshare mount', libc.unshare, 0x20000)\n"
        "call('setns', libc.setns, 0, 0)\n"
        "call('ptrace', libc.ptrace, 16, os.getppid(), 0, 0)\n"
        "call('sethostname', libc.sethostname, b'x', 1)\n"
        "call('personality', libc.personality, 0x0040000)\n"
        "import platform\n"
        "numbers = {'x86_64': dict(keyctl=250, add_key=248, bpf=321, perf=298, userfaultfd=323, reboot=169),\n"
        "           'aarch64': dict(keyctl=219, add_key=217, bpf=280, perf=241, userfaultfd=282, reboot=142)}\n"
        "common = dict(io_uring=425, open_tree=428, fsopen=430, clone3=435, pidfd_getfd=438)\n"
        "for name, number in {**numbers[platform.machine()], **common}.items():\n"
        "    call(name, libc.syscall, number, 0, 0, 0, 0, 0)\n"
        "call('clone with namespace', libc.syscall, 56 if platform.machine() == 'x86_64' else 220,\n"
        "     0x10000000 | 17, 0, 0, 0, 0)\n"
        "call('mknod', libc.mknod, b'device', 0o60666, 0x700)\n"
    )


def test_no_process_outside_can_be_signalled_or_bent(attacked: Attacked):
    execution = attacked.run(
        TRY + "import os, resource, signal\n"
        "attempt('limits', resource.prlimit, SUPERVISOR, resource.RLIMIT_CPU, (1, 1))\n"
        "attempt('priority', os.setpriority, os.PRIO_PROCESS, SUPERVISOR, 19)\n"
        "attempt('affinity', os.sched_setaffinity, SUPERVISOR, {0})\n"
        "attempt('kill', os.kill, SUPERVISOR, signal.SIGKILL)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "try: os.kill(os.getppid(), signal.SIGKILL); os.kill(-1, signal.SIGTERM)\n"
        "except OSError: pass\n"
    )
    assert "ESCAPED" not in execution.stdout, execution.stdout
    assert execution.exit_code == 0


def test_the_memory_of_other_processes_is_closed(stopped):
    stopped(
        TRY + "import os\n"
        "for pid in {1, os.getppid(), SUPERVISOR} - {os.getpid()}:\n"
        "    for name in ('mem', 'environ', 'maps', 'root/etc/passwd', 'cwd/x', 'fd/0'):\n"
        "        attempt(f'{pid}/{name}', open, f'/proc/{pid}/{name}', 'rb')\n"
    )


def test_a_daemon_dies_with_the_script(attacked: Attacked):
    execution = attacked.run(
        "import os, signal, time\n"
        "for number in range(5):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork(): os._exit(0)\n"
        "        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(name, signal.SIG_IGN)\n"
        "        time.sleep(60)\n"
        "for number in range(5): os.wait()\n"
        "print('left five behind')\n"
    )
    assert (execution.stdout, execution.exit_code) == ("left five behind\n", 0)


def test_signals_cannot_be_ignored_for_ever(attacked: Attacked):
    execution = attacked.run(
        "import signal, time\n"
        "for name in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(name, signal.SIG_IGN)\n"
        "while True: time.sleep(1)\n",
        wall_s=0.5,
    )
    assert execution.stopped_by == "wall"
    assert execution.wall_s < 5


def test_processes_are_limited(attacked: Attacked):
    execution = attacked.run(
        "import os, time\n"
        "for number in range(400):\n"
        "    if os.fork() == 0: time.sleep(30); os._exit(0)\n"
        "print('ESCAPED')\n"
    )
    assert (execution.stopped_by, execution.exception) == ("processes", "BlockingIOError")


def test_threads_are_limited(attacked: Attacked):
    execution = attacked.run(
        "import threading, time\n"
        "for number in range(400): threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n"
    )
    assert (execution.stopped_by, execution.exception) == ("processes", "RuntimeError")


def test_memory_is_limited_in_one_process(attacked: Attacked):
    execution = attacked.run("keep = []\nwhile True: keep.append(bytearray(b'x') * (16 << 20))\n")
    assert execution.stopped_by == "memory"
    assert execution.peak_mb is not None
    assert execution.peak_mb < 1100


def test_memory_is_limited_in_many_processes(attacked: Attacked):
    execution = attacked.run(
        "import os, time\n"
        "for number in range(12):\n"
        "    if os.fork() == 0: keep = bytearray(b'x') * (100 << 20); time.sleep(30); os._exit(0)\n"
        "time.sleep(30)\n"
    )
    assert execution.stopped_by == "memory"


def test_memory_cannot_be_had_as_files(attacked: Attacked):
    execution = attacked.run(
        "import os\n"
        "total = 0\n"
        "for place, folder in enumerate(('/dev/shm', '/tmp', os.environ['HOME'])):\n"
        "    for number in range(100):\n"
        "        try:\n"
        "            with open(f'{folder}/part{place}-{number}', 'wb') as file: total += file.write(bytes(15 << 20))\n"
        "        except OSError: break\n"
        "print(total >> 20)\n"
    )
    assert execution.stopped_by == "disk" or int(execution.stdout) < 400


@pytest.mark.parametrize(
    "script",
    [
        "with open('big', 'wb') as file:\n    while True: file.write(b'x' * (1 << 20))",
        "for number in range(40):\n    with open(f'{number}', 'wb') as file: file.write(b'x' * (15 << 20))",
        "with open('sparse', 'wb') as file: file.truncate(1 << 40)",
    ],
)
def test_disk_is_limited(attacked: Attacked, script: str):
    execution = attacked.run(script)
    assert execution.stopped_by == "disk"
    assert sum(artefact.bytes for artefact in execution.artefacts) <= 32 << 20


def test_the_number_of_files_is_limited(attacked: Attacked):
    execution = attacked.run(
        "number = 0\nwhile True:\n    open(f'empty{number}', 'w').close(); number += 1\n    if number > 60000: break\n"
    )
    assert execution.stopped_by == "files"


def test_a_shut_workspace_does_not_hurt_the_supervisor(attacked: Attacked):
    execution = attacked.run(
        "import os\n"
        "open('result.json', 'w').write('{}'); os.unlink('script.py'); print('done')\n"
        "try: os.chmod('.', 0)\n"
        "except OSError: pass\n"
    )
    assert execution.stdout == "done\n"
    assert [a.name for a in execution.artefacts] == ["result.json"]


def test_folders_too_deep_to_look_into_do_no_harm(attacked: Attacked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", tempfile.mkdtemp(prefix="hostile-"))
    os.chmod(tempfile.tempdir, 0o777)
    execution = attacked.run(
        "import os, time\n"
        "for number in range(3000): os.mkdir('d'); os.chdir('d')\n"
        "open('hidden', 'w').write('x'); os.mkdir('shut', 0)\n"
        "time.sleep(5)\n",
        files=1000,
    )
    assert execution.stopped_by in (None, "files")
    assert os.listdir(tempfile.tempdir) == []
    os.rmdir(tempfile.tempdir)


def test_links_and_pipes_are_not_brought_home(attacked: Attacked):
    execution = attacked.run(
        "import os\n"
        "os.symlink(PRIVATE + '/secret.txt', 'secret'); os.symlink('/', 'root'); os.symlink('loop', 'loop')\n"
        "for make in (lambda: os.mkfifo('pipe'), lambda: os.link('script.py', 'result.json')):\n"
        "    try: make()\n"
        "    except OSError: pass\n"
    )
    assert execution.artefacts == []


def test_output_of_any_kind_and_size_is_survived(attacked: Attacked):
    execution = attacked.run(
        "import os\n"
        "os.write(2, bytes(range(256)))\n"
        "os.write(1, b'first')\n"
        "block = b'x' * (1 << 20)\n"
        "for number in range(1024): os.write(1, block)\n"
    )
    assert execution.stopped_by == "output"
    assert execution.stdout.startswith("first")
    assert len(execution.stdout) < 20_000
    assert "\x1b" not in execution.stderr


def test_standard_input_is_empty_and_there_is_no_terminal(stopped):
    stopped(TRY + "import sys\nassert sys.stdin.read() == ''\nattempt('tty', open, '/dev/tty')\n")


@pytest.mark.parametrize("attack", SHARED, ids=lambda path: path.stem)
def test_shared_attack(attacked: Attacked, attack: Path):
    source = attack.read_bytes().decode("utf-8", "surrogateescape")
    port = "open('port', 'w').write(str(TCP if 'SOCK_STREAM' else UDP))\n"
    code = "exec(compile(SOURCE, 'attack', 'exec'))".replace("SOURCE", repr(source))
    execution = attacked.run(port + code, wall_s=2)
    lines = [line.strip() for line in execution.stdout.splitlines()]
    assert not [line for line in lines if line.startswith(("ESCAPED", "LEAK"))], execution.stdout
