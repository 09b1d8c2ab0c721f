"""The state graph: nodes and edges, the conditions between them, checkpoints."""
