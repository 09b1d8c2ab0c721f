"""The cookbook on H.E.S.S. DL3 DR1: published requests, word for word, within their tolerances."""

from __future__ import annotations

from pathlib import Path

import pytest
from cookbook_requests import REQUESTS, ask_for_script, run_script

from gammapygpt.data.stores import find_stores

ANSWERED = [request for request in REQUESTS if request["recipe"]]


@pytest.mark.hess
@pytest.mark.parametrize("request_", ANSWERED, ids=[request["id"] for request in ANSWERED])
def test_published_requests(request_: dict, hess_data: Path, tmp_path: Path):
    stores = [store for store in find_stores(hess_data) if store.path == "hess-dl3-dr1"]
    result = run_script(ask_for_script(request_["text"], stores), tmp_path, hess_data)
    for expected in request_["expected"]:
        tolerance = {"abs": expected["abs_tol"]} if "abs_tol" in expected else {"rel": expected["rel_tol"]}
        assert result[expected["key"]] == pytest.approx(expected["value"], **tolerance), expected["key"]
    assert list(tmp_path.glob("*.png"))
