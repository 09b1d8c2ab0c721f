"""The retriever: what the installed Gammapy and the cookbook have for this request."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from gammapygpt.context import Context
from gammapygpt.state import RunState


def retrieve(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Find the recipes and the API entries closest to the request."""
    from gammapygpt import knowledge

    settings = runtime.context.settings
    snippets = knowledge.search(settings, state["request"].text, settings.retrieval.snippets)
    runtime.stream_writer({"event": "retrieved", "sources": [snippet.source for snippet in snippets]})
    return {"snippets": snippets}
