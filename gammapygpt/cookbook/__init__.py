"""Recipes: plain Gammapy scripts, and the rules that choose and fill one from a request without any language model."""

from gammapygpt.cookbook.book import Constant, Recipe, fill, recipes

__all__ = ["Constant", "Recipe", "fill", "recipes"]
