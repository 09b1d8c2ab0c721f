"""LangSmith is told of a run only where `runs.tracing` says so, whatever the environment was set to for others."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def reported(events: Iterator[T], *, asked: bool = False) -> Generator[T]:
    """The same, taken in a context of its own in which nothing is traced; the caller's context stays as it is.

    Parameters
    ----------
    events : iterator
        What langchain or LangGraph yields.
    asked : bool
        The user wants tracing: then the environment decides. Else only code around that has switched it on.
    """
    from langsmith.run_helpers import get_tracing_context, tracing_context
    from langsmith.utils import tracing_is_enabled

    wanted = bool(tracing_is_enabled()) if asked else get_tracing_context()["enabled"] is True
    context, switch = copy_context(), tracing_context(enabled=wanted)
    context.run(switch.__enter__)
    ended = object()
    try:
        while (event := context.run(next, events, ended)) is not ended:
            yield event  # type: ignore[misc]  # it is not the end
    finally:
        if hasattr(events, "close"):
            context.run(events.close)
        context.run(switch.__exit__, None, None, None)
