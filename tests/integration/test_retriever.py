"""The retriever's events: what a run is told while material is looked up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.runtime import Runtime

from gammapygpt.agents.retriever import retrieve
from gammapygpt.commands.progress import sentence
from gammapygpt.context import Context
from gammapygpt.settings import Settings
from gammapygpt.state import Attempt, Execution, Request

NOBODY = "http://127.0.0.1:9"
REQUEST = Request(text="reflected regions spectrum")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source tree without tutorials, so that nothing is fetched and the corpus is small."""
    return tmp_path_factory.mktemp("gammapy")


def events_of(state: dict[str, Any], tree: Path, **retrieval: Any) -> list[dict[str, Any]]:
    """What a run writes while the retriever works."""
    written: list[dict[str, Any]] = []
    settings = Settings.model_validate({"retrieval": {"gammapy_source": str(tree), **retrieval}})
    retrieve(state, Runtime(context=Context(settings=settings), stream_writer=written.append))  # type: ignore[arg-type]
    return written


def test_building_the_index_is_told_once(tree: Path, tmp_path: Path) -> None:
    first, second = (events_of({"request": REQUEST}, tree, store=str(tmp_path)) for _ in range(2))
    assert [event["event"] for event in second] == ["retrieved"]
    lines = [sentence(event) for event in first if event["event"] == "retrieving"]
    assert any(line.startswith("retriever: weighing the words of") for line in lines)
    assert first[-1] == second[-1]


def test_a_server_that_is_not_there_is_told_once_for_all_look_ups(tree: Path) -> None:
    crash = Execution(
        provider="test", exit_code=1, exception="AttributeError", message="'FluxPoints' object has no attribute 'table'"
    )
    attempt = Attempt(number=1, author="coder", script="x", failure="api", execution=crash)
    state = {"request": REQUEST, "attempts": [attempt]}
    written = events_of(state, tree, store=NOBODY, required=False)
    (told,) = [line for line in map(sentence, written) if "Going on without retrieval" in line]
    assert "does not answer" in told
    assert written[-1]["sources"] == []
