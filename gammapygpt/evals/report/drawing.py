"""Figures as inline SVG that takes its colours and its font from the page, dark or light, and links to nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {
    "ink": "#010101",
    "quiet": "#010102",
    "line": "#010103",
    "paper": "#010104",
    "right": "#010105",
    "wrong": "#010106",
    "failed": "#010107",
    "refused": "#010108",
    "budget": "#010109",
    "infrastructure": "#01010a",
    "accent": "#01010b",
    "band": "#01010c",
}
"""Stand-ins; in the SVG each becomes the variable of the page's style sheet with its name."""
STYLE: Any = {
    "text.parse_math": False,
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["quiet"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.titlecolor": COLOURS["ink"],
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.color": COLOURS["quiet"],
    "ytick.color": COLOURS["quiet"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}


@contextmanager
def sheet(width: float, height: float) -> Iterator[Figure]:
    """An empty figure in our style; sizes in inches.

    matplotlib is used without pyplot: no window, no display, no figure that stays open.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        yield Figure(figsize=(width, height), layout="constrained", facecolor="none")


def svg(figure: Figure, name: str, says: str) -> str:
    """The drawing as an element of a page; ids carry its name, so that several can stand on one page."""
    from matplotlib import rc_context

    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    drawn = clean(buffer.getvalue())
    drawn = drawn[drawn.index("<svg") :].strip()
    drawn = re.sub(r'\sxmlns(?::\w+)?="[^"]*"', "", drawn).replace("xlink:href", "href")
    drawn = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', drawn)
    drawn = re.sub(r'(href="|url\()#', rf"\1#{name}-", drawn)
    drawn = re.sub(r'font-family: [^;"]+', "font-family: system-ui, sans-serif", drawn)
    for variable, stand_in in COLOURS.items():
        drawn = drawn.replace(stand_in, f"var(--{variable})")
    width = re.search(r'width="([\d.]+)pt"', drawn)
    size = f' style="width: {float(width[1]) / 72:.2f}in"' if width else ""
    drawn = re.sub(r'\s(?:width|height)="[\d.]+pt"', "", drawn, count=2)
    label = clean(says).replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return drawn.replace("<svg", f'<svg role="img" aria-label="{label}"{size}', 1)
