"""The graph as LangGraph Studio and `langgraph dev` load it: with their own checkpointer, and blocking nothing."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph


async def graph() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph with a form whose defaults are the user's own settings."""
    return await asyncio.to_thread(_of_the_user)


def _of_the_user() -> CompiledStateGraph[Any, Any, Any, Any]:
    from gammapygpt.errors import UserError
    from gammapygpt.settings import Settings
    from gammapygpt.settings_loading import load_settings

    try:
        settings = load_settings()
    except UserError:  # whoever starts a run is told
        settings = Settings()
    return _compiled(settings.model_dump_json())


@lru_cache(maxsize=1)
def _compiled(settings: str) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph is asked for with every request, and takes a quarter of a second to make."""
    from gammapygpt.settings import Settings
    from gammapygpt.studio.graph import studio_graph

    return studio_graph(Settings.model_validate_json(settings)).compile(name="gammapygpt")
