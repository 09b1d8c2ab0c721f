"""A sandbox tries itself: what holds, what a missing isolation looks like, and that nothing is left behind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hostile import survivors

from gammapygpt.sandbox import open_sandbox
from gammapygpt.sandbox.base import Limits
from gammapygpt.settings import Settings


def test_every_property_holds():
    checks = open_sandbox(Settings(), "").self_check()
    assert len(checks) >= 19
    assert [check for check in checks if not check.passed] == []


def test_unsafe_local_says_that_it_isolates_nothing():
    checks = open_sandbox(Settings.model_validate({"sandbox": {"provider": "unsafe-local"}}), "").self_check()
    assert [check.name for check in checks if not check.passed] == ["isolation"]


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def test_many_runs_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    small = Limits(wall_s=30, memory_mb=256, workspace_mb=8, files=20)
    sandbox = open_sandbox(Settings(), "", warm=False)
    unsafe = open_sandbox(Settings.model_validate({"sandbox": {"provider": "unsafe-local"}}), "", warm=False)
    sandbox.run("print(1)", small, tmp_path)
    before = descriptors()
    for number in range(10):
        assert sandbox.run(f"print({number})", small, tmp_path).stdout == f"{number}\n"
        assert unsafe.run("raise SystemExit(3)", small, tmp_path).exit_code == 3
        sandbox.prepare()
        sandbox.discard()
    assert descriptors() == before
    assert os.listdir(temporary) == []
    assert survivors() == []
