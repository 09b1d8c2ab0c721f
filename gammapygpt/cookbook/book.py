"""The recipes as data: what each answers, its constants, and how to fill them in; not which one fits a request."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gammapygpt.cookbook.about import About, split
from gammapygpt.errors import UserError

UNIT = re.compile(r"(?:deg2?|arcmin|arcsec|[kMGTP]eV2?|erg|min|h|d|s|k?m2?|cm[23]?|sr|percent)(?:-\d)?")
RECIPES = Path(__file__).parent / "recipes"


class Constant(BaseModel):
    """One entry of a recipe's block of constants."""

    model_config = ConfigDict(frozen=True)

    name: str
    default: Any
    comment: str = ""
    """Unit and meaning."""

    @property
    def unit(self) -> str:
        """The unit that the comment begins with, in the spelling of astropy; empty where it begins otherwise."""
        words = re.split(r"[,;]", self.comment)[0].split()
        return " ".join(takewhile(UNIT.fullmatch, words))

    @property
    def is_file(self) -> bool:
        """Its value is the name of a file, to be read below GAMMAPY_DATA or to be written."""
        return self.comment.startswith("file")


class Recipe(BaseModel):
    """One plain Gammapy script with a block of constants at its top."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    """The part of the docstring's first line before the colon."""
    answers: str
    """The whole docstring."""
    source: str
    """The script, without the block that describes it."""
    constants: dict[str, Constant]
    about: About = About()


@cache
def recipes() -> dict[str, Recipe]:
    """All recipes by file name; a new file in `recipes/` is a new recipe."""
    return {path.stem: read_recipe(path) for path in sorted(RECIPES.glob("[a-z]*.py"))}


def read_recipe(path: Path) -> Recipe:
    """A recipe from its file: docstring, and the assignments to UPPERCASE names at the top level."""
    source, about = split(path.read_text(encoding="utf-8"))
    tree = ast.parse(source)
    answers = ast.get_docstring(tree) or ""
    constants = {
        name: Constant(name=name, default=ast.literal_eval(node.value), comment=_comment(source, node))
        for name, node in _assignments(tree).items()
    }
    title = answers.split(":")[0]
    return Recipe(name=path.stem, title=title, answers=answers, source=source, constants=constants, about=about)


def fill(recipe: Recipe, parameters: Mapping[str, Any]) -> str:
    """The recipe's script with other values in its constants.

    Parameters
    ----------
    recipe
        One of `recipes()`.
    parameters
        Values by name of the constant, in the unit that the constant's comment gives. They are written as Python
        literals: numbers, strings, booleans, None, and lists or dicts of them. Text in them stays text.

    Raises
    ------
    UserError
        A constant that the recipe has not got, or a value that is not plain data.
    """
    unknown = sorted(set(parameters) - set(recipe.constants))
    if unknown:
        raise UserError(
            f"The recipe {recipe.name} has no constant {', '.join(unknown)}.",
            f"It has {', '.join(recipe.constants)}.",
        )
    lines = recipe.source.splitlines(keepends=True)
    nodes = _assignments(ast.parse(recipe.source))
    for name in sorted(parameters, key=lambda name: nodes[name].lineno, reverse=True):
        value = nodes[name].value
        before = lines[value.lineno - 1].encode()[: value.col_offset].decode()
        after = lines[value.end_lineno - 1].encode()[value.end_col_offset :].decode()
        lines[value.lineno - 1 : value.end_lineno] = [f"{before}{_literal(name, parameters[name])}{after}"]
    return "".join(lines)


def _assignments(tree: ast.Module) -> dict[str, Any]:
    """The block of constants: the first assignment to each UPPERCASE name at the top level."""
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            found.setdefault(node.targets[0].id, node)
    return found


def _comment(source: str, node: ast.Assign) -> str:
    """What stands behind `#` on the first line of a constant; dicts have it behind the opening brace."""
    line = source.splitlines()[node.lineno - 1]
    on_one_line = node.value.lineno == node.value.end_lineno
    rest = line.encode()[node.value.end_col_offset :].decode() if on_one_line else line
    match = re.search(r"#\s*(.*)$", rest)
    return match.group(1) if match else ""


def _literal(name: str, value: Any) -> str:
    """A Python literal that reads back as the same value."""
    text = _table(value) if isinstance(value, dict) and len(value) > 1 else repr(value)
    try:
        same = ast.literal_eval(text) == value
    except (ValueError, SyntaxError):
        same = False
    if not same:
        raise UserError(
            f"The value of {name} is not plain data: {value!r:.80}.", "Give numbers, text, or lists of them."
        )
    return text


def _table(value: dict[Any, Any]) -> str:
    """A dict with one entry a line, as the recipes have it."""
    return "{\n" + "".join(f"    {key!r}: {entry!r},\n" for key, entry in value.items()) + "}"
