"""Runs that are killed in many places, and resumed; `benchmarks/faults.py --only kills` does it a hundred times."""

from __future__ import annotations

import pytest
from faults import left
from faults.course import Course, answers, differences, ended
from faults.kills import tried
from scripted_server import ScriptedServer

SEEDS = (6, pytest.param(13, marks=pytest.mark.slow))
"""Of a run that is killed while artefacts are collected, and of one that is killed after a node has ended."""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_that_is_killed_and_resumed_ends_as_if_nothing_had_been(seed, undisturbed, tmp_path):
    with left.adopted():
        trials = tried(tmp_path, undisturbed, seed, most=3)
    assert trials, "no moment came"
    assert [trial for trial in trials if not trial.survived] == []


def test_a_run_under_way_cannot_be_resumed_twice(undisturbed, tmp_path):
    with ScriptedServer(answers(delay=1.0)) as server:
        course = Course(tmp_path, server, undisturbed.data, undisturbed.cache, undisturbed.settings)
        first = course.run()
        server.wait_for(1)
        second = ended(course.resume())
        assert second.code == 2
        assert "under way in another process" in second.said
        assert differences(course, ended(first), undisturbed.known, in_flight=0) == []
