"""Groups of the kernel: where they may be made, told from the files of version 1 and 2; and a real one where it may."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gammapygpt.sandbox import cgroup


def test_paths_and_mounts_of_both_versions_are_read():
    own = cgroup._own("4:memory:/batch/job7\n3:cpu,cpuacct:/\n0::/user.slice/session-2.scope\n")
    assert own == {"memory": "/batch/job7", "cpu": "/", "cpuacct": "/", "": "/user.slice/session-2.scope"}
    mounts = cgroup._mounts(
        "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n"
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n"
        "proc /proc proc rw 0 0\n"
    )
    assert mounts["memory"] == Path("/sys/fs/cgroup/memory")
    assert mounts[""] == Path("/sys/fs/cgroup/unified")


def test_a_version_2_group_is_limited_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cgroup, "places", lambda: iter([("v2", tmp_path)]))
    stale = tmp_path / "gammapygpt-999999999-0"
    stale.mkdir()
    group = cgroup.Cgroup(memory_mb=64, tasks=9)
    folder = group.folders["v2"]
    assert (folder / "memory.max").read_text() == str(64 << 20)
    assert (folder / "memory.oom.group").read_text() == "1"
    assert (folder / "pids.max").read_text() == "9"
    assert not stale.exists()
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 0\n")
    assert not group.killed_for_memory()
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 2\n")
    assert group.killed_for_memory()


def test_where_no_group_can_be_made_nothing_happens(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cgroup, "places", lambda: iter([("v2", Path("/nowhere"))]))
    group = cgroup.Cgroup(memory_mb=64, tasks=9)
    group.add([1])
    assert not group.killed_for_memory()
    group.close()


@pytest.mark.skipif(not dict(cgroup.places()).keys() & {"memory", "v2"}, reason="no memory cgroup is ours to make")
def test_the_kernel_keeps_the_limit_of_a_tree():
    group = cgroup.Cgroup(memory_mb=32, tasks=64)
    folders = list(group.folders.values())
    process = subprocess.Popen(["sh"], stdin=subprocess.PIPE)
    group.add([process.pid])
    process.communicate(b"head -c 200M /dev/zero | tail -c 150M > /dev/null")
    assert group.killed_for_memory()
    group.close()
    assert not any(folder.exists() for folder in folders)
