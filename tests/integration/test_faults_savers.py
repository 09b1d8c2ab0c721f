"""The fast part of the family `savers` of the fault matrix; `make test-slow` runs as many at once as the matrix."""

from __future__ import annotations

import pytest
from faults import savers


@pytest.mark.parametrize("number", [2, pytest.param(savers.AT_ONCE, marks=pytest.mark.slow)])
def test_runs_at_once_have_their_own_answers(number, store, simulated_data, tmp_path):
    done = savers.at_once(tmp_path, simulated_data, store, number)
    assert [one.detail for one in done if not one.survived] == []
    assert len(done) == number
