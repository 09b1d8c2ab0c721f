"""What the installed Gammapy offers, and how to look it up: environment, corpus, drift, messages, index."""

from gammapygpt.knowledge.drift import drift_hints
from gammapygpt.knowledge.environment import environment
from gammapygpt.knowledge.index import search
from gammapygpt.knowledge.messages import explain

__all__ = ["drift_hints", "environment", "explain", "search"]
