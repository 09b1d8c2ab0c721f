"""A machine that asks a run to end, or has no room for it; `benchmarks/faults.py --only machine` does all of it."""

from __future__ import annotations

import random

import pytest
from faults import left
from faults.machine import can_mount, disks, met, shut, signals


def lost(trials):
    with left.adopted():
        return [trial for trial in trials if not trial.survived]


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "name",
    [
        "SIGTERM",
        "disk full",
        pytest.param("Ctrl-C twice", marks=SLOW),
        pytest.param("SIGTERM to all processes (SLURM)", marks=SLOW),
        pytest.param("SIGTERM twice", marks=SLOW),
        pytest.param("Ctrl-C", marks=SLOW),
        pytest.param("terminal closed (SIGHUP)", marks=SLOW),
        pytest.param("disk nearly full", marks=SLOW),
        pytest.param("disk of temporary files full", marks=SLOW),
    ],
)
def test_a_run_says_what_is_the_matter_and_is_resumed_to_the_same_end(name, undisturbed, tmp_path):
    draw = random.Random(1)
    fault = next(one for one in [*signals(draw), *disks(draw)] if one.name == name)
    if "disk" in name and not can_mount():
        pytest.skip("this machine lets nobody have a disk of his own")
    assert lost(met(tmp_path / "run", undisturbed, draw, fault)) == []


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_named(undisturbed, tmp_path):
    if not can_mount():
        pytest.skip("this machine lets nobody have a disk of his own")
    assert lost(shut(tmp_path / "run", undisturbed, random.Random(1))) == []
