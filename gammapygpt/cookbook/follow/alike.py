"""Which recipes answer the same kind of question."""

from __future__ import annotations

from gammapygpt.cookbook.book import Recipe

ALIKE = 0.6
"""Share of the quantities that two recipes report by themselves, from which they answer the same kind of question."""


def alike(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes report much the same by themselves."""
    first, second = (
        {entry[0] for entry in recipe.constants["RESULTS"].default.values()} - {"n_obs", "livetime"}
        for recipe in (one, other)
    )
    return len(first & second) >= ALIKE * min(len(first), len(second))
