"""The tables of docs/configuration.md, from settings.py: `python scripts/settings_tables.py` writes them anew.

Each stands between two marks; a test sees to it that they are what the settings say.
"""

from __future__ import annotations

import ast
import inspect
import re
import typing
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gammapygpt import settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
MARKED = re.compile(r"(<!-- settings: (\w+) -->\n).*?(<!-- end of settings -->\n)", re.DOTALL)


def table(model: type[BaseModel]) -> str:
    """The keys of one table of the settings file: what they may be, their defaults, what they mean."""
    said = meanings(model)
    lines = ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        if not is_table(field.annotation):
            lines.append(f"| `{name}` | {kind(field.annotation)} | {default(field)} | {said.get(name, '')} |")
    return "\n".join(lines) + "\n"


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """The text below each field, on one line."""
    body = ast.parse(inspect.getsource(model)).body[0].body  # type: ignore[attr-defined]
    pairs = pairwise(body)
    return {
        field.target.id: re.sub(r"\bNone\b", '`"none"`', " ".join(text.value.value.split()))
        for field, text in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def is_table(annotation: Any) -> bool:
    """A section of its own."""
    held = get_args(annotation)[-1:] if get_origin(annotation) is dict else [annotation]
    return any(isinstance(one, type) and issubclass(one, BaseModel) for one in held)


def kind(annotation: Any) -> str:
    """A type as the reader of a settings file names it."""
    if get_origin(annotation) is typing.Annotated:
        return kind(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" if value else '`""`' for value in get_args(annotation))
    if get_origin(annotation) in (UnionType, typing.Union):
        return " or ".join(map(kind, get_args(annotation)))
    if get_origin(annotation) is list:
        return f"list of {kind(get_args(annotation)[0])}"
    if get_origin(annotation) is dict:
        return "a backend's name for each of " + kind(get_args(annotation)[0])
    words = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`", type(None): '`"none"`'}
    return words[annotation]


def default(field: FieldInfo) -> str:
    """A default as TOML writes it."""
    value = field.get_default(call_default_factory=True)
    if value is None:
        return '`"none"`'
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value!r}`".replace("'", '"')


def with_tables(page: str) -> str:
    """The page with its tables replaced."""
    return MARKED.sub(lambda found: found[1] + table(getattr(settings, found[2])) + found[3], page)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
