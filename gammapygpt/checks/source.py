"""One script as the rules of gate 1 see it: its syntax tree, what its names stand for, which of its lines can run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from gammapygpt.state import Finding

LONGEST_SCRIPT = 100_000
"""Characters; ten times a long analysis script, and still checked at once."""
UNKNOWN = "\0"
"""Stands for what only a run can tell, within a string that is known in part."""
MOST_VALUES = 16
"""How many possible values of one name are followed."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Source:
    """A parsed script and its bindings. Scopes and the order of assignments are not followed: all values count."""

    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)
    """What an imported name stands for: `np` is `numpy`."""
    bindings: dict[str, list[ast.expr]] = field(default_factory=dict)
    """Every expression that a variable is assigned (or, after a dot, an attribute: `.path`), parameters included."""
    loops: list[tuple[ast.expr, ast.expr]] = field(default_factory=list)
    """Target and iterable of each loop and comprehension."""
    functions: dict[str, Function] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    """Every name that the script itself binds in any scope."""
    reached: set[int] = field(default_factory=set)
    """`id` of each node that a run can come to."""
    known: dict[str, str] = field(default_factory=dict)
    """Dotted names found so far, by name; empty while one is being looked for."""
    texts: dict[str, frozenset[str]] = field(default_factory=dict)
    """Possible strings found so far, by name (see `strings.py`)."""
    from_variable: dict[str, bool] = field(default_factory=dict)
    """Whether a name takes its value from a data variable (see `strings.py`)."""

    def nodes(self) -> Iterator[ast.AST]:
        """Every node of the tree."""
        return ast.walk(self.tree)

    def calls(self) -> Iterator[ast.Call]:
        """Every call in the script."""
        return (node for node in self.nodes() if isinstance(node, ast.Call))

    def dotted(self, node: ast.AST | None, depth: int = 0) -> str:
        """Full dotted name that an expression stands for: `matplotlib.pyplot.show` of `plt.show`; empty if unknown."""
        if node is None or depth > MOST_VALUES:
            return ""
        if isinstance(node, ast.Name):
            return self._dotted_name(node.id, depth)
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value, depth + 1)
            return f"{base}.{node.attr}" if base else ""
        if isinstance(node, ast.Call) and node.args:
            return self._dotted_call(node, depth)
        return ""

    def _dotted_name(self, name: str, depth: int) -> str:
        if name in self.imports:
            return self.imports[name]
        if name not in self.known:
            self.known[name] = ""
            self.known[name] = self._dotted_value(name, depth)
        return self.known[name]

    def _dotted_value(self, name: str, depth: int) -> str:
        for value in self.bindings.get(name, [])[:MOST_VALUES]:
            if isinstance(value, ast.Name | ast.Attribute | ast.Call) and (found := self.dotted(value, depth + 1)):
                return found
        return "" if name in self.own else f"builtins.{name}"

    def _dotted_call(self, node: ast.Call, depth: int) -> str:
        """`getattr(os, "system")`, `__import__("os")` and `importlib.import_module("os")` by what they give."""
        function = self.dotted(node.func, depth + 1)
        if function in DYNAMIC_IMPORTS:
            return self.text(node.args[0]) or ""
        if function == "builtins.getattr" and len(node.args) > 1:
            base, name = self.dotted(node.args[0], depth + 1), self.text(node.args[1])
            return f"{base}.{name}" if base and name else ""
        return ""

    def values(self, name: str) -> list[ast.expr]:
        """Every expression that a variable or (`.name`) an attribute is assigned somewhere."""
        return self.bindings.get(name, [])[:MOST_VALUES]

    def text(self, node: ast.AST | None) -> str | None:
        """The one constant string that an expression is, or None."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name):
            constants = [value.value for value in self.values(node.id) if isinstance(value, ast.Constant)]
            if len(constants) == len(self.values(node.id)) == 1 and isinstance(constants[0], str):
                return constants[0]
        return None


DYNAMIC_IMPORTS = {"builtins.__import__", "importlib.import_module"}


def parse(script: str) -> Source | Finding:
    """The script, or the finding that it is no Python: whatever the text, nothing is raised."""
    script = script.removeprefix("\ufeff")
    if len(script) > LONGEST_SCRIPT:
        return syntax_finding("The script is too long to be checked.", "Write one script of ordinary length.")
    if not script.strip():
        return syntax_finding("The script is empty.", "Write one complete Python script.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(script)
            compile(script, "script.py", "exec", dont_inherit=True)
        return bind(tree)
    except SyntaxError as error:
        return not_python(error, script)
    except (RecursionError, MemoryError):
        return syntax_finding("The script is nested too deeply.", "Split long or deep expressions into several lines.")
    except ValueError as error:
        return syntax_finding(f"The script is no valid text: {error}.", "Write plain UTF-8 text without null bytes.")


def syntax_finding(message: str, remedy: str, line: int | None = None, rule: str = "syntax") -> Finding:
    """A script that is not even parsed."""
    return Finding(gate="contract", kind="syntax", rule=rule, message=message, remedy=remedy, line=line)


def not_python(error: SyntaxError, script: str) -> Finding:
    """The parser's complaint with the line and a caret below the place."""
    lines = script.splitlines()
    number = error.lineno or 0
    text = lines[number - 1] if 0 < number <= len(lines) else ""
    if text.lstrip().startswith(("%", "!")):
        return Finding(
            gate="contract",
            kind="contract",
            rule="notebook-command",
            message=f"`{text.strip()[:80]}` is a notebook command, not Python.",
            remedy="Remove it: the script is run by plain Python, without a display and without installs.",
            line=number,
        )
    if text.lstrip().startswith("```"):
        return syntax_finding("The text holds a Markdown fence.", "Give the Python alone.", number, "markdown-fence")
    start = max((error.offset or 1) - 1, 0)
    shown = f"\n{text[:200]}\n{' ' * min(start, 200)}^" if text else ""
    return syntax_finding(f"{error.msg}{shown}", "Correct the syntax on this line or just above it.", number or None)


def bind(tree: ast.Module) -> Source:
    """Collect what the names of a script stand for."""
    source = Source(tree)
    for node in ast.walk(tree):
        _bind_node(source, node)
    for call in source.calls():
        if isinstance(call.func, ast.Name) and call.func.id in source.functions:
            _bind_arguments(source, call, source.functions[call.func.id])
    source.reached = reached(source)
    return source


def _bind_node(source: Source, node: ast.AST) -> None:
    if isinstance(node, ast.Import | ast.ImportFrom):
        _bind_import(source, node)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            _bind_target(source, target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr | ast.AugAssign) and node.value is not None:
        _bind_target(source, node.target, node.value)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        _bind_target(source, node.optional_vars, node.context_expr)
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        source.loops.append((node.target, node.iter))
        if isinstance(node.iter, ast.Tuple | ast.List | ast.Set):
            for element in node.iter.elts:
                _bind_target(source, node.target, element)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        source.functions[node.name] = node
        _bind_defaults(source, node.args)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        source.own.add(node.id)
    elif isinstance(node, ast.arg):
        source.own.add(node.arg)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        source.own.add(node.name)


def _bind_import(source: Source, node: ast.Import | ast.ImportFrom) -> None:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            source.imports[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}"
        elif alias.asname:
            source.imports[alias.asname] = alias.name
        else:
            top = alias.name.split(".")[0]
            source.imports[top] = top


def _bind_target(source: Source, target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Name):
        source.bindings.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Attribute):
        source.bindings.setdefault(f".{target.attr}", []).append(value)
    elif (
        isinstance(target, ast.Tuple | ast.List)
        and isinstance(value, ast.Tuple | ast.List)
        and len(target.elts) == len(value.elts)
    ):
        for one, its in zip(target.elts, value.elts, strict=True):
            _bind_target(source, one, its)


def _bind_defaults(source: Source, arguments: ast.arguments) -> None:
    positional = [*arguments.posonlyargs, *arguments.args]
    if arguments.defaults:
        for argument, value in zip(positional[-len(arguments.defaults) :], arguments.defaults, strict=True):
            source.bindings.setdefault(argument.arg, []).append(value)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            source.bindings.setdefault(argument.arg, []).append(default)


def _bind_arguments(source: Source, call: ast.Call, function: Function) -> None:
    names = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
    for name, value in zip(names, call.args, strict=False):
        source.bindings.setdefault(name, []).append(value)
    for keyword in call.keywords:
        if keyword.arg is not None:
            source.bindings.setdefault(keyword.arg, []).append(keyword.value)


def reached(source: Source) -> set[int]:
    """`id` of each node that can run: not in an unused function, not behind a return, not under `if False`."""
    definitions: dict[str, list[ast.stmt]] = {}
    for node in source.nodes():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            definitions.setdefault(node.name, []).append(node)
    found: set[int] = set()
    used: set[str] = set()
    waiting: list[ast.AST] = list(live(source.tree.body))
    while waiting:
        node = waiting.pop()
        found.add(id(node))
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in definitions and name not in used:
            used.add(name)
            for definition in definitions[name]:
                waiting.extend(live(getattr(definition, "body", [])))
        waiting.extend(_children(node))
    return found


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a node runs; a function's body only runs when the function is used."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
        if node.decorator_list:
            yield from live(node.body)
        return
    if isinstance(node, ast.ClassDef):
        methods = (part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef))
        yield from (statement for method in methods for statement in live(method.body))
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield value
        elif isinstance(value, list):
            never = isinstance(node, ast.If | ast.While) and name == "body" and _is_false(node.test)
            yield from () if never else live(value)


def _is_false(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and not test.value


def live(body: list[ast.stmt] | list[ast.AST]) -> Iterator[ast.AST]:
    """The statements of a block up to the one that always leaves it."""
    for node in body:
        if isinstance(node, ast.AST):
            yield node
        if isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break) or _leaves(node):
            return


def _leaves(node: ast.AST) -> bool:
    """A statement that is nothing but `sys.exit()`, `exit()` or `quit()`."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    function = node.value.func
    if isinstance(function, ast.Attribute):
        return function.attr == "exit" and isinstance(function.value, ast.Name) and function.value.id == "sys"
    return isinstance(function, ast.Name) and function.id in ("exit", "quit")
