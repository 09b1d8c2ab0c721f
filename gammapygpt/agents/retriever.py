"""The retriever: what the installed Gammapy and the cookbook have for a request, then for the names it failed on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, zip_longest
from typing import Any

from langgraph.runtime import Runtime

from gammapygpt.agents import lookup
from gammapygpt.context import Context
from gammapygpt.settings import Settings
from gammapygpt.state import Attempt, RunState, Snippet

MOST_QUERIES = 8
"""Complaints that are looked up after one failure."""
PIECES = 2
"""Of each kind, looked up for each of them."""


def retrieve(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Find the material closest to the request; after a failure, to the names that are not there."""
    from gammapygpt import knowledge
    from gammapygpt.knowledge.index import Trouble

    settings = runtime.context.settings
    said: dict[str, bool] = {}

    def say(line: str) -> None:
        if line not in said:  # each of several look-ups finds that the server is not there
            runtime.stream_writer({"event": "retrieving", "line": line})
        said[line] = isinstance(line, Trouble)

    def retrieved(**what: Any) -> None:
        troubles = [line for line, trouble in said.items() if trouble]
        runtime.stream_writer({"event": "retrieved", **what, **({"troubles": troubles} if troubles else {})})

    if attempts := state.get("attempts", []):
        names, found = lookup.new_names(state), found_for(attempts[-1], settings, say)
        sources = [snippet.source for snippet in found]
        retrieved(sources=sources, attempt=attempts[-1].number, names=names)
        return {"found": found, "looked_up": [*state.get("looked_up", []), *names]}
    snippets = knowledge.search(settings, state["request"].text, settings.retrieval.snippets, say=say)
    retrieved(sources=[snippet.source for snippet in snippets])
    return {"snippets": snippets}


def found_for(attempt: Attempt, settings: Settings, say: Callable[[str], None]) -> list[Snippet]:
    """The best piece for each complaint about a name, then the second best of each."""
    from gammapygpt import knowledge

    pieces = min(PIECES, settings.retrieval.snippets)
    asked = lookup.queries(attempt)[:MOST_QUERIES]
    answers = [knowledge.search(settings, query, pieces, kinds, say) for kinds in lookup.KINDS for query in asked]
    in_turn = (snippet for snippet in chain.from_iterable(zip_longest(*answers)) if snippet is not None)
    return list({snippet.source: snippet for snippet in in_turn}.values())
