"""Scripts and the changes between them as HTML that a reader's eye can follow; whatever they hold is escaped."""

from __future__ import annotations

import difflib
import html
from functools import cache

from gammapygpt.runs.results import clean

STYLE = "xcode"
"""Of Pygments; dark enough to be printed."""
CONTEXT = 3
MOST_LINES = 400
"""Of one comparison."""


def script_html(script: str) -> str:
    """A script as the inside of a `<pre>`: a `<span class="line">` each line, which the style sheet numbers."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    drawn = str(highlight(clean(script), PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)))
    lines = enumerate(drawn.rstrip("\n").split("\n"), 1)
    return "".join(f'<span class="line" id="line-{number}">{line}\n</span>' for number, line in lines)


@cache
def styles() -> str:
    """The style sheet of `script_html`, for elements of the class `code`."""
    from pygments.formatters import HtmlFormatter

    return str(HtmlFormatter(style=STYLE).get_style_defs(".code"))


def changes_html(before: str, after: str) -> str:
    """The lines that differ, with three lines around them, as the inside of a `<pre>`; empty where none does."""
    lines = list(difflib.unified_diff(clean(before).splitlines(), clean(after).splitlines(), n=CONTEXT, lineterm=""))
    kinds = {"+": "added", "-": "removed", "@": "place"}
    drawn = [
        f'<span class="{kinds[line[:1]]}">{html.escape(line)}</span>' if line[:1] in kinds else html.escape(line)
        for line in lines[2:][:MOST_LINES]
    ]
    if len(lines) > MOST_LINES + 2:
        drawn.append(f'<span class="place">... {len(lines) - MOST_LINES - 2} more lines</span>')
    return "\n".join(drawn)
