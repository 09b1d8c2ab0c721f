"""LangGraph Studio: the graph with a form for its switches, a run folder for each branch of a thread, and a server."""
