"""The graph for LangGraph Studio and servers, which bring their own checkpointer."""

from gammapygpt.graph.build import build_graph

graph = build_graph().compile(name="gammapygpt")
