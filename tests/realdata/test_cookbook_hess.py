"""The whole product on H.E.S.S. DL3 DR1, without a language model: published requests, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit
from cookbook_requests import REQUESTS

from gammapygpt.session import start
from gammapygpt.settings import Settings

ANSWERED = [
    pytest.param(request, id=request["id"], marks=pytest.mark.slow if request.get("slow") else ())
    for request in REQUESTS
    if request["recipe"]
]


@pytest.mark.hess
@pytest.mark.parametrize("request_", ANSWERED)
def test_published_requests(request_: dict, hess_data: Path, tmp_path: Path):
    if not (hess_data / request_.get("needs", "")).exists():
        pytest.skip(f"no {request_['needs']} in the data folder")
    known = tmp_path / "expected.toml"
    known.write_text(tomlkit.dumps({"expected": request_["expected"]}), encoding="utf-8")
    settings = Settings.model_validate({"data": {"path": str(hess_data)}, "runs": {"folder": str(tmp_path / "runs")}})
    run = start(request_["text"], settings, expect=known)
    for _ in run.stream():
        pass
    outcome = run.outcome
    assert outcome.status == "passed", [(attempt.failure, attempt.summary) for attempt in outcome.attempts]
    assert [attempt.number for attempt in outcome.attempts] == [1], "a recipe is right at once"
    for expected in request_["expected"]:
        if isinstance(expected["value"], str):
            assert outcome.result[expected["key"]] == expected["value"]
            continue
        tolerance = {"abs": expected["abs_tol"]} if "abs_tol" in expected else {"rel": expected["rel_tol"]}
        assert outcome.result[expected["key"]] == pytest.approx(expected["value"], **tolerance), expected["key"]
    figures = list(run.folder.final.rglob("*.png"))
    assert figures
