"""Which strings and paths an expression may be, as far as constants tell."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable

from gammapygpt.checks.source import MOST_VALUES, UNKNOWN, Source

VARIABLES = ("PHOTON_STORAGE", "GAMMAPY_DATA")
"""The only two ways to the data."""
NOTHING_KNOWN = frozenset({UNKNOWN})
LONGEST = 4096
"""Characters of a path; longer ones are not followed."""
SAME_PATH = {
    "builtins.str",
    "os.fspath",
    "os.path.expandvars",
    "os.path.normpath",
    "pathlib.PosixPath",
    "gammapy.utils.scripts.make_path",
}
JOINED = {"os.path.join", "pathlib.Path", "pathlib.PurePath"}
SAME_PATH_METHODS = {"resolve", "absolute", "expanduser", "as_posix"}


def strings(source: Source, node: ast.AST | None) -> frozenset[str]:
    """Every string (or path as a string) that an expression may be; parts that only a run can tell are `UNKNOWN`."""
    if isinstance(node, ast.Constant):
        return frozenset({node.value}) if isinstance(node.value, str) else NOTHING_KNOWN
    if isinstance(node, ast.JoinedStr):
        return joined([strings(source, part) for part in node.values], "")
    if isinstance(node, ast.FormattedValue | ast.NamedExpr):
        return strings(source, node.value)
    if isinstance(node, ast.Name | ast.Attribute):
        return _of_name(source, node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Div):
        sides = [strings(source, node.left), strings(source, node.right)]
        return joined(sides, "" if isinstance(node.op, ast.Add) else "/")
    if isinstance(node, ast.IfExp):
        return _few(strings(source, node.body) | strings(source, node.orelse))
    if isinstance(node, ast.BoolOp):
        return _few(frozenset().union(*(strings(source, value) for value in node.values)))
    if isinstance(node, ast.Call):
        return _of_call(source, node)
    return NOTHING_KNOWN


def _of_name(source: Source, node: ast.Name | ast.Attribute) -> frozenset[str]:
    name = node.id if isinstance(node, ast.Name) else f".{node.attr}"
    if name not in source.texts:
        source.texts[name] = NOTHING_KNOWN
        source.texts[name] = _few(frozenset().union(*(strings(source, value) for value in source.values(name))))
    return source.texts[name]


def _of_call(source: Source, node: ast.Call) -> frozenset[str]:
    function = source.dotted(node.func)
    arguments = [strings(source, argument) for argument in node.args]
    if function in JOINED and arguments:
        return joined(arguments, "/")
    if function in SAME_PATH and arguments:
        return arguments[0]
    if not isinstance(node.func, ast.Attribute):
        return NOTHING_KNOWN
    if node.func.attr == "joinpath":
        return joined([strings(source, node.func.value), *arguments], "/")
    if node.func.attr in SAME_PATH_METHODS and not node.args:
        return strings(source, node.func.value)
    if node.func.attr == "with_name" and arguments:
        return joined([NOTHING_KNOWN, arguments[0]], "/")
    return NOTHING_KNOWN


def joined(parts: Iterable[frozenset[str]], separator: str) -> frozenset[str]:
    """All combinations of parts; with `/` as paths are joined: an absolute part makes the earlier ones void."""
    sorted_parts = [sorted(part)[:4] for part in parts]
    results = set()
    for combination in itertools.islice(itertools.product(*sorted_parts), MOST_VALUES):
        text = ""
        for index, part in enumerate(combination):
            if separator and part.startswith("/"):
                text = part
            else:
                text = part if index == 0 else f"{text.rstrip('/') if separator else text}{separator}{part}"
        results.add(text if len(text) <= LONGEST else UNKNOWN)
    return frozenset(results) or NOTHING_KNOWN


def _few(values: frozenset[str]) -> frozenset[str]:
    return frozenset(sorted(values)[:MOST_VALUES]) or NOTHING_KNOWN


def through_variable(source: Source, node: ast.AST | None) -> bool:
    """Whether an expression takes its value from PHOTON_STORAGE or GAMMAPY_DATA, perhaps by way of other variables."""
    if node is None:
        return False
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            if any(variable in part.value for variable in VARIABLES):
                return True
        elif isinstance(part, ast.Name | ast.Attribute) and _name_through_variable(source, part):
            return True
    return False


def _name_through_variable(source: Source, node: ast.Name | ast.Attribute) -> bool:
    name = node.id if isinstance(node, ast.Name) else f".{node.attr}"
    if name not in source.from_variable:
        source.from_variable[name] = False
        source.from_variable[name] = any(through_variable(source, value) for value in source.values(name))
    return source.from_variable[name]
