"""Recorded runs go the way they went: what prompts say, what the gates find, who speaks after whom.

`tests/replays/large`: a scripted model that calls tools; an error, its repair, a critic, an optimiser.
`tests/replays/small`: Qwen2.5-Coder 1.5B by llama.cpp, as it answered.

Where a prompt or a gate was changed on purpose: `gammapygpt replay tests/replays/NAME --accept`, and look at the
changes in `git diff`. A change of the way through the graph wants a new recording.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gammapygpt.commands.replay import said
from gammapygpt.replay import replay
from gammapygpt.runs.folder import RunFolder

REPLAYS = Path(__file__).resolve().parent.parent / "replays"


@pytest.mark.parametrize("name", sorted(path.name for path in REPLAYS.iterdir()))
def test_a_recorded_run_goes_the_way_it_went(name):
    done = replay(RunFolder(REPLAYS / name))
    assert done.difference is None, said(name, done)
    assert done.calls > 0
    assert done.attempts > 0
