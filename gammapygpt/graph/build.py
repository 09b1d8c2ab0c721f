"""The graph: who speaks after whom. One screen, on purpose.

START -> retriever -> planner -> coder -> executor -> critic -> END
             |  ^       ^         ^  ^                 |  |  |
             |  |       |         |  +-----------------+  |  +-> optimiser -> executor -> END
             |  |       +---------|-----------------------+
             |  +-----------------|-----------------------+  (names that are not there are looked up)
             +--------------------+
Where the user wants to be asked: planner -> approve_plan -> coder, coder and optimiser -> approve_script -> executor.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import monotonic
from typing import Any, Protocol

from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime

from gammapygpt.agents import approval, coder, critic, executor, optimiser, planner, retriever
from gammapygpt.context import Context
from gammapygpt.graph import routing
from gammapygpt.state import RunInput, RunState, Usage


class Node(Protocol):
    """An agent as LangGraph calls it."""

    def __call__(self, state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
        """The keys of the state that it changes."""


NODES: dict[str, Node] = {
    "retriever": retriever.retrieve,
    "planner": planner.plan,
    "coder": coder.write,
    "executor": executor.execute,
    "critic": critic.criticise,
    "optimiser": optimiser.optimise,
    "approve_plan": approval.approve_plan,
    "approve_script": approval.approve_script,
}
ROUTERS: dict[str, Callable[..., str]] = {
    START: routing.first_agent,
    "retriever": routing.after_retrieval,
    "planner": routing.after_planning,
    "coder": routing.after_writing,
    "executor": routing.after_execution,
    "critic": routing.after_critique,
    "optimiser": routing.after_optimising,
    "approve_plan": routing.after_plan_approval,
    "approve_script": routing.after_script_approval,
}


def build_graph() -> StateGraph[RunState, Context, RunInput, RunState]:
    """The agents and the conditions between them; the caller compiles it with a checkpointer of its choice."""
    graph = StateGraph(RunState, context_schema=Context, input_schema=RunInput, output_schema=RunState)
    for name, node in NODES.items():
        graph.add_node(name, observed(name, node))
    for name, router in ROUTERS.items():
        graph.add_conditional_edges(name, router)
    return graph


def observed(name: str, node: Node) -> Node:
    """The node, with its beginning told to whoever listens and its wall time charged."""

    @wraps(node)
    def timed(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
        runtime.stream_writer({"event": "agent", "agent": name})
        started = monotonic()
        changes = node(state, runtime)
        seconds = monotonic() - started
        runtime.stream_writer({"event": "took", "agent": name, "seconds": round(seconds, 3)})
        spent = changes.get("usage", Usage()) + Usage(wall_s=seconds)
        return {**changes, "usage": spent}

    return timed
