"""The web page under load, for about a minute: no state mixed between sessions, none lost."""

from __future__ import annotations

import pytest
from faults import web

pytest.importorskip("streamlit")


@pytest.mark.slow
def test_sessions_do_not_mix_and_lose_nothing(tmp_path, simulated_data):
    with web.served(tmp_path, simulated_data) as page:
        for trial in [*web.crowd(page, seed=8, sessions=4, seconds=40.0), web.killed(page, 0)]:
            assert trial.survived, trial.detail
