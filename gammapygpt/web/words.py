"""Text of users, models and scripts on a page: shown as it is, never read as Markdown or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import streamlit as st
from markupsafe import Markup

from gammapygpt.errors import GammapyGPTError
from gammapygpt.runs.results import clean, one_line

WORD_JOINER = "\N{WORD JOINER}"


def plain(text: str) -> str:
    """Text for a label or a caption, where Streamlit reads Markdown: nothing in it means anything."""
    escaped = re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$^=&@\"'])", r"\\\1", one_line(text, 2000))
    return re.sub(r":(?=\S)", f":{WORD_JOINER}", escaped)  # no link, no emoji, no icon, no colour


def html(template: str, **texts: object) -> Markup:
    """A piece of HTML of ours with texts in it, each escaped unless it is such a piece itself."""
    return Markup(template).format(**{name: clean(text) if type(text) is str else text for name, text in texts.items()})


def joined(pieces: list[Markup]) -> Markup:
    """Pieces one after the other."""
    return Markup("").join(pieces)


@contextmanager
def errors_told() -> Iterator[None]:
    """Our errors become one line where they happened, with what to do; the rest of the page stays."""
    try:
        yield
    except GammapyGPTError as error:
        st.error(plain(str(error)), icon=":material/error:")


def local(moment: str, form: str = "%d %b %H:%M") -> str:
    """A time of a manifest or an event (ISO, UTC) on the clock of the server."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime(form)
    except ValueError:
        return ""


def seconds_since(moment: str, until: str = "") -> float:
    """Seconds from one ISO time to another, or to now; 0 where it is none."""
    try:
        end = datetime.fromisoformat(until) if until else datetime.now(UTC)
        return max(0.0, (end - datetime.fromisoformat(moment)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def duration(seconds: float) -> str:
    """`7 s`, `2 min 31 s`, `1 h 4 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
