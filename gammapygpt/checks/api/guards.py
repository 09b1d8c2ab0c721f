"""Code whose failure the script deals with itself: nothing is said about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

EXPECTED = {
    *("ImportError", "ModuleNotFoundError", "AttributeError", "TypeError", "ValueError", "KeyError", "NameError"),
    *("Exception", "BaseException"),
}
"""Exceptions by which a missing or changed API shows."""
BROAD = {"Exception", "BaseException"}
SHORT = 8
"""Statements in a `try` up to which a handler that only prints may mean that its failure does not matter."""
ENDINGS = {"exit", "_exit", "quit", "SystemExit"}


def silent_nodes(tree: ast.Module) -> frozenset[int]:
    """`id` of everything in a `try` that is made for it, or beside a question after what there is."""
    return frozenset(id(part) for node in ast.walk(tree) if is_guard(node) for part in guarded(node))


def replaced_nodes(tree: ast.Module) -> frozenset[int]:
    """`id` of everything in a `try` with a handler that is made for it or does something else instead: what is called
    there may fail too.
    """
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try) and is_guard(node)]
    return frozenset(id(part) for node in tries if any(map(has_another_way, node.handlers)) for part in guarded(node))


def has_another_way(handler: ast.ExceptHandler) -> bool:
    """Whether a handler takes nothing but such failures, or does more than to say that there was one."""
    names = {part.id for part in ast.walk(handler.type) if isinstance(part, ast.Name)} if handler.type else set()
    return (bool(names) and not names & BROAD) or not all(is_remark(statement) for statement in handler.body)


def is_guard(node: ast.AST) -> bool:
    """`try` with a handler that goes on, `if hasattr(...)`, `if version < ...`."""
    if isinstance(node, ast.Try):
        return any(goes_on(handler, node) for handler in node.handlers)
    if isinstance(node, ast.With):
        return any(is_suppress(item.context_expr) for item in node.items)
    return isinstance(node, ast.If | ast.IfExp | ast.BoolOp) and asks_for_presence(node)


def guarded(node: ast.AST) -> Iterator[ast.AST]:
    """What is guarded: of a `try` its body and the handlers (one of them is for another version), of a question all."""
    for part in [*node.body, *node.handlers] if isinstance(node, ast.Try) else [node]:
        yield from ast.walk(part)


def is_suppress(node: ast.expr) -> bool:
    """`contextlib.suppress(...)`, `pytest.raises(...)`."""
    function = node.func if isinstance(node, ast.Call) else node
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("suppress", "raises")


def goes_on(handler: ast.ExceptHandler, node: ast.Try) -> bool:
    """Whether a handler takes such a failure and lets the script go on with something else, or without."""
    names = {part.id for part in ast.walk(handler.type) if isinstance(part, ast.Name)} if handler.type else EXPECTED
    parts = [part for statement in handler.body for part in ast.walk(statement)]
    if not names & EXPECTED or any(isinstance(part, ast.Raise) or is_ending(part) for part in parts):
        return False
    statements = [part for one in node.body for part in ast.walk(one) if isinstance(part, ast.stmt)]
    return len(statements) < SHORT or not all(is_remark(statement) for statement in handler.body)


def is_ending(node: ast.AST) -> bool:
    """`sys.exit(...)` and the like."""
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "attr", getattr(function, "id", "")) in ENDINGS


def is_remark(statement: ast.stmt) -> bool:
    """`print(...)`, a log message, a traceback: nothing that takes the place of what failed."""
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return isinstance(statement, ast.Import | ast.ImportFrom)
    function = statement.value.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("print", "print_exc", "error", "exception", "warning", "info", "critical", "debug")


def asks_for_presence(node: ast.If | ast.IfExp | ast.BoolOp) -> bool:
    """Whether a condition is about what is installed: `hasattr(np, "trapezoid")`, `np.__version__ < "2"`."""
    for part in ast.walk(node if isinstance(node, ast.BoolOp) else node.test):
        if isinstance(part, ast.Name) and part.id in ("hasattr", "getattr", "find_spec", "version"):
            return True
        if isinstance(part, ast.Attribute) and part.attr in ("__version__", "version_info", "find_spec", "version"):
            return True
    return False
