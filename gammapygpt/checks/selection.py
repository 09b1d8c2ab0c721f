"""Rule of the contract: no selection of observations by the free text in TARGET_NAME or OBJECT; printing it is fine."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gammapygpt.checks.source import Source
from gammapygpt.checks.strings import strings
from gammapygpt.state import Finding

COLUMNS = {"TARGET_NAME", "OBJECT"}
KEEPS_NAMES = {
    *(
        "str",
        "list",
        "set",
        "tuple",
        "sorted",
        "repr",
        "array",
        "asarray",
        "unique",
        "map",
        "Series",
        "Column",
        "squeeze",
    ),
    *("strip", "lstrip", "rstrip", "lower", "upper", "casefold", "title", "replace", "decode", "encode", "ravel"),
    *("astype", "tolist", "to_numpy", "filled", "copy", "flatten", "asstr", "next", "iter", "fillna"),
}
"""Functions and methods whose result still is the name, or names."""
KEEPS_NAMES_ATTRIBUTES = {"data", "value", "values", "str"}
MATCHES_RECEIVER = {"startswith", "endswith", "contains", "isin", "eq", "ne", "match", "fullmatch", "find", "index"}
MATCHES_RECEIVER |= {"__eq__", "__contains__", "search", "rfind"}
MATCHES_ARGUMENT = {
    *("isin", "in1d", "equal", "not_equal", "array_equal", "find", "startswith", "endswith", "eq", "ne"),
    *("match", "search", "fullmatch", "fnmatch", "fnmatchcase", "contains"),
}
"""Last part of the names of functions that compare one of their arguments with a text."""
SELECTORS = ("select_", "query", "add_index")


def check_selection(source: Source) -> Iterator[Finding]:
    """Every place where observations are picked by the name that somebody typed into a header."""
    tracker = TargetNames(source)
    for node in source.nodes():
        if isinstance(node, ast.Compare):
            found = tracker.compared(node)
        elif isinstance(node, ast.Call):
            found = tracker.matched(node) or tracker.selector(node)
        elif isinstance(node, ast.Match):
            found = tracker.is_name(node.subject)
        elif isinstance(node, ast.Dict):
            found = tracker.box(node)
        elif isinstance(node, ast.Subscript):
            found = tracker.looked_up(node)
        else:
            found = False
        if found:
            yield Finding(
                gate="contract",
                kind="contract",
                rule="target-name-selection",
                message="Observations are selected by TARGET_NAME or OBJECT, a free text that differs between runs.",
                remedy="Select by pointing position (obs_table.select_sky_circle) or by OBS_ID.",
                line=getattr(node, "lineno", None),
            )


class TargetNames:
    """Which expressions hold the text of TARGET_NAME or OBJECT, followed through simple assignments and loops."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names: set[str] = set()
        self.groups: set[str] = set()
        """Dictionaries keyed by such a text."""
        size = -1
        while size < len(self.names):
            size = len(self.names)
            self._spread()
        for node in source.nodes():
            if isinstance(node, ast.Attribute) and node.attr in ("append", "extend", "add"):
                self._note_group(node.value)

    def _note_group(self, node: ast.expr) -> None:
        """`runs[name].append(...)` and `runs.setdefault(name, []).append(...)` sort runs by name."""
        key: ast.expr | None = None
        holder: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            key, holder = node.slice, node.value
        elif isinstance(node, ast.Call) and last_part(node.func) == "setdefault" and node.args:
            key, holder = node.args[0], getattr(node.func, "value", None)
        if isinstance(holder, ast.Name) and self.is_name(key):
            self.groups.add(holder.id)

    def _spread(self) -> None:
        for name, values in self.source.bindings.items():
            if any(self.is_name(value) for value in values):
                self.names.add(name)
        for target, iterable in self.source.loops:
            self._spread_loop(target, iterable)

    def _spread_loop(self, target: ast.expr, iterable: ast.expr) -> None:
        if isinstance(target, ast.Name) and self.is_name(iterable):
            self.names.add(target.id)
        elif isinstance(target, ast.Tuple) and isinstance(iterable, ast.Call):
            function = self.source.dotted(iterable.func)
            if function == "builtins.zip":
                for part, column in zip(target.elts, iterable.args, strict=False):
                    self._spread_loop(part, column)
            elif function == "builtins.enumerate" and iterable.args and len(target.elts) == 2:
                self._spread_loop(target.elts[1], iterable.args[0])

    def is_column(self, node: ast.AST | None) -> bool:
        """Whether an expression is the name of such a column."""
        return isinstance(node, ast.Constant | ast.Name) and bool(strings(self.source, node) & COLUMNS)

    def is_name(self, node: ast.AST | None) -> bool:
        """Whether the value of an expression is such a text, or a column of them."""
        if isinstance(node, ast.Subscript):
            return self.is_column(node.slice) or self.is_name(node.value)
        if isinstance(node, ast.Name):
            return node.id in self.names
        if isinstance(node, ast.Attribute):
            if node.attr in COLUMNS or f".{node.attr}" in self.names:
                return True
            if node.attr == "name" and ast.unparse(node.value).endswith(".meta.target"):
                return True
            return node.attr in KEEPS_NAMES_ATTRIBUTES and self.is_name(node.value)
        if isinstance(node, ast.Call):
            return self._gives_name(node)
        if isinstance(node, ast.BoolOp):
            return any(self.is_name(value) for value in node.values)
        if isinstance(node, ast.IfExp):
            return self.is_name(node.body) or self.is_name(node.orelse)
        if isinstance(node, ast.JoinedStr):
            return any(isinstance(part, ast.FormattedValue) and self.is_name(part.value) for part in node.values)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            return self.is_name(node.elt)
        return False

    def _gives_name(self, node: ast.Call) -> bool:
        last = last_part(node.func)
        if isinstance(node.func, ast.Attribute):
            if last in ("get", "field", "column", "getval") and node.args and self.is_column(node.args[0]):
                return True
            if last in KEEPS_NAMES and self.is_name(node.func.value):
                return True
        if last == "getattr" and len(node.args) > 1 and self.is_column(node.args[1]):
            return True
        kept = last in KEEPS_NAMES or self.source.dotted(node.func).startswith("numpy.char.")
        return kept and any(self.is_name(argument) for argument in node.args)

    def compared(self, node: ast.Compare) -> bool:
        """`==`, `!=`, `in` with such a text; a set that only collects the names is no selection."""
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides[:-1], sides[1:], strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                if self.is_name(right) or (self.is_name(left) and not self._collects(right)):
                    return True
            elif isinstance(operator, ast.Eq | ast.NotEq) and (self.is_name(left) or self.is_name(right)):
                return True
        return False

    def _collects(self, node: ast.expr) -> bool:
        """A variable that starts empty: `seen = set()`."""
        values = self.source.values(node.id) if isinstance(node, ast.Name) else []
        return any(
            (isinstance(value, ast.Call) and not value.args and not value.keywords)
            or (isinstance(value, ast.List) and not value.elts)
            or (isinstance(value, ast.Dict) and not value.keys)
            for value in values
        )

    def matched(self, node: ast.Call) -> bool:
        """`name.startswith(...)`, `np.isin(names, ...)`, `re.match(pattern, name)`."""
        last = last_part(node.func)
        if isinstance(node.func, ast.Attribute) and last in MATCHES_RECEIVER and self.is_name(node.func.value):
            return True
        return last in MATCHES_ARGUMENT and any(self.is_name(argument) for argument in node.args)

    def selector(self, node: ast.Call) -> bool:
        """A selecting function that is told the column: `select_range("OBJECT", ...)`, `query("OBJECT == 'Crab'")`."""
        last = last_part(node.func)
        if last in ("query", "eval") and isinstance(node.func, ast.Attribute) and node.args:
            return any(column in text for text in strings(self.source, node.args[0]) for column in COLUMNS)
        if not last.startswith(SELECTORS):
            return False
        return any(self.is_column(argument) for argument in [*node.args, *(k.value for k in node.keywords)])

    def box(self, node: ast.Dict) -> bool:
        """The selection `{"type": ..., "variable": "TARGET_NAME", ...}` of `select_observations`."""
        return any(
            isinstance(key, ast.Constant) and key.value == "variable" and self.is_column(value)
            for key, value in zip(node.keys, node.values, strict=True)
        )

    def looked_up(self, node: ast.Subscript) -> bool:
        """`runs["Crab"]` where `runs` was filled by `runs[row["OBJECT"]]`."""
        grouped = isinstance(node.value, ast.Name) and node.value.id in self.groups
        return grouped and isinstance(node.ctx, ast.Load) and self.source.text(node.slice) is not None


def last_part(node: ast.AST) -> str:
    """`startswith` of `name.startswith`, `isin` of `np.isin`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
