"""What one statement does with names and files: those that it binds, reads and changes."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterator
from typing import NamedTuple

BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__"}
LEAVES_AS_IT_IS = re.compile(
    r"(plot|print|write|info|peek|to_|show|help|savefig|save|tight_layout|evaluate|integral|get_by)"
)
"""Methods that do not change their object in a way that matters later."""
COMPOUND = (ast.For, ast.While, ast.If, ast.With, ast.Try)


class Statement(NamedTuple):
    """One top-level statement."""

    source: str
    first: int
    last: int
    """Line numbers in the script, from 1."""
    binds: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    """Names that must be there before."""
    changes: frozenset[str] = frozenset()
    """Names whose object is another one afterwards: attributes set, items appended, parameters fitted."""
    compound: bool = False
    """It may bind a name or not."""
    fitted: frozenset[str] = frozenset()
    """Datasets whose models are fitted, and those models where they are known."""
    modelled: frozenset[tuple[str, str]] = frozenset()
    """(dataset, model): a fit of the one changes the other."""
    held: frozenset[tuple[str, str]] = frozenset()
    """(container, member): what changes the other changes the one."""
    files_read: frozenset[str] = frozenset()
    files_written: frozenset[str] = frozenset()
    """Arguments of calls that read and write files, as source."""
    makes_folder: bool = False


def statement(source: str, first: int, last: int) -> Statement:
    """What a piece of source, whole statements at no indent, does with names."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    binds, reads = _names(source)
    updated = {name for node in nodes if isinstance(node, ast.AugAssign) for name in _root(node.target)}
    stored_first = {name for name, load in _first_use(nodes).items() if not load}
    return Statement(
        source=source,
        first=first,
        last=last,
        binds=binds,
        reads=(reads | updated) - stored_first - BUILTINS,
        changes=(frozenset(_changed(nodes)) | frozenset(_fitted(nodes))) - stored_first,
        fitted=frozenset(_fitted(nodes)),
        modelled=frozenset(_modelled(nodes)),
        held=frozenset(_held(tree)),
        compound=any(isinstance(node, COMPOUND) for node in tree.body),
        files_read=frozenset(_arguments(nodes, "read", "from_file")),
        files_written=frozenset(_arguments(nodes, "write", "save", "dump")),
        makes_folder=any(isinstance(node, ast.Attribute) and node.attr in ("mkdir", "makedirs") for node in nodes),
    )


def _names(source: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names that a source binds at its top level, and those that it reads there or in any inner scope."""
    table = symtable.symtable(source, "statement", "exec")
    symbols = table.get_symbols()
    binds = {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}
    reads = {symbol.get_name() for symbol in symbols if symbol.is_referenced()}
    inner = table.get_children()
    while inner:
        scope = inner.pop()
        reads |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
        inner += scope.get_children()
    return frozenset(binds), frozenset(reads)


def _first_use(nodes: list[ast.AST]) -> dict[str, bool]:
    """Name -> whether it is read before it is bound, in the order in which Python does both."""
    when: dict[int, tuple[int, int]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.For | ast.comprehension):
            ends = node.iter if isinstance(node, ast.For | ast.comprehension) else node
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in (name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)):
                if isinstance(name.ctx, ast.Store):
                    when[id(name)] = (ends.end_lineno or 0, ends.end_col_offset or 0)
    updated = {id(node.target) for node in nodes if isinstance(node, ast.AugAssign)}
    uses = [node for node in nodes if isinstance(node, ast.Name)]
    uses.sort(key=lambda node: when.get(id(node), (node.lineno, node.col_offset)))
    first: dict[str, bool] = {}
    for node in uses:
        first.setdefault(node.id, isinstance(node.ctx, ast.Load) or id(node) in updated)
    return first


def _changed(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            yield from _root(node)
        elif isinstance(node, ast.AugAssign):
            yield from _root(node.target)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute) and not LEAVES_AS_IT_IS.match(called.attr):
                yield from _root(called)


def _fitted(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Call) and _is_fit(node.func):
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield from _roots(argument)


def _modelled(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Of `datasets.models = [model]` and `dataset = FluxPointsDataset(models=model)`."""
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value, models = node.targets[0], node.value, []
            if isinstance(target, ast.Attribute) and target.attr == "models":
                models = [value]
            elif isinstance(target, ast.Name) and isinstance(value, ast.Call):
                models = [keyword.value for keyword in value.keywords if keyword.arg == "models"]
            yield from ((dataset, model) for one in models for model in _roots(one) for dataset in _root(target))


def _held(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Of `datasets = Datasets([one, two])`."""
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(target := node.targets[0], ast.Name)
            and _is_container(node.value)
        ):
            yield from ((target.id, member) for member in _roots(node.value) if member != target.id)


def _is_fit(called: ast.expr) -> bool:
    """`fit.run`, `Fit().optimize`, `stacked_fit.run`: the datasets' models are others afterwards."""
    return isinstance(called, ast.Attribute) and bool(
        re.match(r"(run|optimize)$", called.attr) and re.search(r"[Ff]it", ast.unparse(called.value))
    )


def _root(node: ast.expr) -> Iterator[str]:
    """`datasets` of `datasets[0].models["crab"].parameters`."""
    if isinstance(node, ast.Attribute | ast.Subscript):
        yield from _root(node.value)
    elif isinstance(node, ast.Call):
        yield from _root(node.func)
    elif isinstance(node, ast.Name):
        yield node.id


def _is_container(node: ast.expr) -> bool:
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Models", "Datasets")
    return named or isinstance(node, ast.List | ast.Tuple)


def _roots(node: ast.expr) -> Iterator[str]:
    """The same of each object in a list, or in a container such as `Models([one, two])`."""
    if not _is_container(node):
        yield from _root(node)
    elif isinstance(node, ast.Call):
        for item in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from _roots(item)
    elif isinstance(node, ast.List | ast.Tuple):
        for item in node.elts:
            yield from _roots(item)


def _arguments(nodes: list[ast.AST], *methods: str) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith(methods):
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                if not isinstance(argument, ast.Constant) or isinstance(argument.value, str):
                    yield ast.unparse(argument)
