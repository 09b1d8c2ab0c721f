"""One template a role; blocks are the turns. An undefined name is an error, never an empty string in a prompt."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent


@cache
def _template(role: str) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    return environment.get_template(f"{role}.md")


def render(role: str, block: str, **values: Any) -> str:
    """One turn of a role's prompt.

    Raises
    ------
    jinja2.UndefinedError
        The template names a value that was not given.
    KeyError
        The template has no such block.
    """
    template = _template(role)
    return "".join(template.blocks[block](template.new_context(values))).strip() + "\n"


def hashes() -> dict[str, str]:
    """sha256 of every prompt file, for the manifest of a run."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(FOLDER.glob("*.md"))}
