"""Follow-ups: what `now with a log-parabola` means after an earlier request."""

from gammapygpt.cookbook.follow.rewriting import Rewriting, rewrite

__all__ = ["Rewriting", "rewrite"]
