"""Tutorial code without what only a notebook can do: displays become prints, shown figures are saved, magics go."""

from __future__ import annotations

import ast
import re

from gammapygpt.knowledge.statements import Statement, statement

FURNITURE = re.compile(r"\s*#\s*(?:sphinx_gallery|%matplotlib|%%|# # !|!)")
"""Comments that mean something to the documentation's builder alone."""
DROPPED = {"peek", "plot_interactive", "help", "get_ipython", "check_tutorials_setup"}
"""Calls whose only purpose is to show something on a screen."""
SHOW = "plt.show"


def statements(source: str, figures: str) -> list[Statement]:
    """The top-level statements of a script, fit for a run without a screen; one may be left with an empty source.

    Parameters
    ----------
    source
        Of the script; it parses.
    figures
        Beginning of the names under which figures are saved.
    """
    lines, found, number, dropped = source.splitlines(), [], 0, False
    for first, last in _together(ast.parse(source).body):
        text = lines[first - 1 : last]
        for node, new in _without_display("\n".join(text)):
            if new == SHOW:
                number += 1
                new = "" if dropped else f'plt.savefig("{figures}_{number}.png")\nplt.close()'
            nothing = "" if node.col_offset == 0 else "pass"
            inserted = [" " * node.col_offset + line for line in (new or nothing).splitlines()]
            text[node.lineno - 1 : node.end_lineno] = inserted
        kept = "\n".join(line for line in text if not FURNITURE.match(line))
        dropped = not kept.strip()
        found.append(statement(kept, first, last))
    return found


def code(source: str, figures: str) -> str:
    """A piece of code fit for a run without a screen, its comments kept; unchanged where it does not parse."""
    lines, text, last = source.splitlines(), list[str](), 0
    try:
        found = statements(source, figures)
    except (SyntaxError, ValueError):
        return source
    for one in found:
        text += [*(line for line in lines[last : one.first - 1] if not FURNITURE.match(line)), *one.source.splitlines()]
        last = one.last
    return "\n".join([*text, *lines[last:]]).strip("\n")


def _together(body: list[ast.stmt]) -> list[tuple[int, int]]:
    """First and last line of each statement; statements that share a line stay together."""
    found: list[tuple[int, int]] = []
    for node in body:
        first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
        if found and first <= found[-1][1]:
            first = found.pop()[0]
        found.append((first, node.end_lineno or node.lineno))
    return found


def _without_display(text: str) -> list[tuple[ast.Expr, str]]:
    """Expressions of a statement that have their lines to themselves, the last first, and what to write for them."""
    body = ast.parse(text).body
    if len(body) > 1:
        return []
    found = []
    for node in ast.walk(body[0]):
        new = _headless(node, text, top=node is body[0]) if isinstance(node, ast.Expr) else None
        if new is not None and isinstance(node, ast.Expr):
            found.append((node, new))
    return sorted(found, key=lambda edit: edit[0].lineno, reverse=True)


def _headless(node: ast.Expr, text: str, *, top: bool) -> str | None:
    """What to write for an expression, None for itself; a bare value at the end of a cell is printed."""
    value = node.value
    if not isinstance(value, ast.Call):
        bare = top and not isinstance(value, ast.Constant)
        return f"print({ast.get_source_segment(text, value)})" if bare else None
    called = value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    if name == "show" and ast.unparse(called) == SHOW:
        return SHOW
    if name == "display":
        return f"print({', '.join(ast.get_source_segment(text, item) or '' for item in value.args)})"
    return "" if name in DROPPED else None
