"""Numbers and units as HTML sets them, with raised powers, and the pages that they stand on. All text is escaped."""

from __future__ import annotations

import html
import re
from functools import cache
from typing import TYPE_CHECKING

from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from jinja2 import Environment

POWER_OF_TEN = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)e([+-])0*(\d+)(?!\w)")
EXPONENT = re.compile(r"(?<=[A-Za-z)])(?:\^|\*\*)?([+-]?\d+)(?![\w.])")


@cache
def pages() -> Environment:
    """Where HTML templates live: every text is cleaned and escaped; the filters `number` and `unit` set theirs."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    environment.filters["number"] = lambda text: Markup(number_html(clean(text)))
    environment.filters["unit"] = lambda text: Markup(unit_html(clean(text)))
    return environment


def number_html(text: str) -> str:
    """A number as `shown` and `rounded` write it, or a list of them; other text stays as it is."""
    return (
        POWER_OF_TEN.sub(_power, html.escape(text)).replace("-", "\N{MINUS SIGN}")
        if _numeric(text)
        else html.escape(text)
    )


def unit_html(text: str) -> str:
    """A unit such as `cm-2 s-1 TeV-1`, its powers raised."""
    return EXPONENT.sub(lambda found: f"<sup>{_minus(found[1])}</sup>", html.escape(text))


def _power(found: re.Match[str]) -> str:
    sign = "\N{MINUS SIGN}" if found[2] == "-" else ""
    return f"{found[1]} \N{MULTIPLICATION SIGN} 10<sup>{sign}{found[3]}</sup>"


def _numeric(text: str) -> bool:
    return bool(re.fullmatch(r"[-\d.,e+ …()inal]+", text)) and any(character.isdigit() for character in text)


def _minus(text: str) -> str:
    return text.removeprefix("+").replace("-", "\N{MINUS SIGN}")
