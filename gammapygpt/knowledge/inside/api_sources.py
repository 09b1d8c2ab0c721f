"""What the source text of an installed library says that its objects do not: attributes set on `self`, where `**kwargs`
go, what is returned. Part of `introspect.py`: standard library alone, Python 3.9 or newer, run inside the sandbox.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from typing import Any

FORWARDS = 6
"""How many times `**kwargs` are followed."""
PLOTTING = re.compile(r"(self\.)?_?(ax|axes|cax|plt|fig)\w*\.(?!set)\w+")
"""Calls of Matplotlib, as Gammapy's sources write them."""
OF_PLOTS = "<matplotlib>"
"""Stands for every keyword that anything in Matplotlib takes."""
ACCESSORS = ("get", "pop", "setdefault")
CLASS_CALLS = ("cls", "self.__class__", "type(self)", "self._init_copy", "self.copy", "copy.deepcopy")
"""Calls after which a method has given back an object of its own class."""


@functools.lru_cache(maxsize=None)
def nodes(filename: str) -> dict[int, Any]:
    """Functions and classes of a file by the line on which they (or their decorators) begin."""
    try:
        with open(filename, encoding="utf-8") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return {}
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[min([node.lineno, *(one.lineno for one in node.decorator_list)])] = node
            found.setdefault(node.lineno, node)
    return found


def plain(function: Any) -> Any:
    """The Python function behind a bound, class, static or decorated one."""
    return inspect.unwrap(getattr(function, "__func__", function))


def function_node(function: Any) -> Any:
    """Syntax tree of a function, or None where there is no source."""
    code = getattr(plain(function), "__code__", None)
    return nodes(code.co_filename).get(code.co_firstlineno) if code is not None else None


@functools.lru_cache(maxsize=None)
def class_node(cls: type) -> Any:
    """Syntax tree of a class, or None where there is no source."""
    module = sys.modules.get(cls.__module__)
    for node in set(nodes(getattr(module, "__file__", None) or "").values()):
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            return node
    return None


@functools.lru_cache(maxsize=None)
def attributes_set(cls: type) -> frozenset:
    """Names that the class's own body sets on any object, annotates or lists as slots; `*` where that is open."""
    node = class_node(cls)
    if node is None:
        return frozenset({"*"})
    found = {*getattr(cls, "__annotations__", ()), *_slots(cls)}
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            found.add(part.attr)
    return frozenset(found)


def _slots(cls: type) -> tuple:
    slots = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


@functools.lru_cache(maxsize=None)
def sets_on_itself(cls: type, name: str) -> bool:
    """Whether a method of the class sets `self.name`."""
    node = class_node(cls)
    parts = ast.walk(node) if node is not None else ()
    return any(
        isinstance(part, ast.Attribute)
        and part.attr == name
        and isinstance(part.ctx, ast.Store)
        and _is_name(part.value, "self")
        for part in parts
    )


@functools.lru_cache(maxsize=None)
def keys_set(function: Any) -> set:
    """Constant keys of dictionaries that a function writes out or adds to."""
    found = set()
    for part in ast.walk(function_node(function) or ast.Module([], [])):
        keys = part.keys if isinstance(part, ast.Dict) else []
        if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store):
            keys = [part.slice]
        found |= {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return found


def keywords(function: Any, owner: Any, depth: int = 0) -> tuple[set, bool]:
    """Names of the keywords that a call takes, and whether it takes others too; `**kwargs` are followed.

    Parameters
    ----------
    function
        Function, method or `__init__`.
    owner
        The class through which it is called, or None.
    """
    function = plain(function)
    try:
        spec = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return set(), True
    names = {one.name for one in spec if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    rest = next((one.name for one in spec if one.kind == one.VAR_KEYWORD), None)
    if rest is None:
        return names, False
    node = function_node(function)
    if node is None or depth > FORWARDS:
        return names, True
    return _forwarded(function, owner, node, rest, names, depth)


def _forwarded(function: Any, owner: Any, node: Any, rest: str, names: set, depth: int) -> tuple[set, bool]:
    """The keywords of every call that `**rest` is handed to; open as soon as it is used in another way."""
    calls, taken, is_open = _uses(node, rest)
    found = names | set(taken)
    if is_open:
        return found, True
    for call in calls:
        target, through = _target(function, owner, ast.unparse(call.func))
        if target is None and PLOTTING.fullmatch(ast.unparse(call.func)):
            found.add(OF_PLOTS)
            continue
        if target is None:
            return found, True
        theirs, is_open = keywords(target, through, depth + 1)
        given = {one.arg for one in call.keywords if one.arg}
        found |= theirs - given
        if is_open:
            return found, True
    return found, False


@functools.lru_cache(maxsize=None)
def _uses(node: Any, rest: str) -> tuple[list, list, bool]:
    """Calls that `**rest` is handed to, keys taken out of it, and whether it is used in yet another way."""
    calls, used = [], 0
    harmless = {id(part) for one in ast.walk(node) if isinstance(one, ast.If) for part in ast.walk(one.test)}
    for part in ast.walk(node):
        if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
            harmless.add(id(part.value))  # reads or sets one keyword
        if (
            isinstance(part, ast.Name)
            and part.id == rest
            and isinstance(part.ctx, ast.Load)
            and id(part) not in harmless
        ):
            used += 1
        if isinstance(part, ast.Call) and any(_is_name(one.value, rest) for one in part.keywords if one.arg is None):
            calls.append(part)
    taken = _taken(node, rest)
    return calls, taken, not calls or used > len(calls) + len(taken)


def _is_name(node: Any, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _taken(node: Any, rest: str) -> list:
    """Keys that a function takes out of its keyword dictionary by name: one entry for each use."""
    found = []
    for part in ast.walk(node):
        if not (isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.args):
            continue
        taken = _is_name(part.func.value, rest) and part.func.attr in ACCESSORS
        if taken and isinstance(part.args[0], ast.Constant):
            found.append(part.args[0].value)
    return found


def _target(function: Any, owner: Any, called: str) -> tuple[Any, Any]:
    """The function that a call inside `function` reaches, and the class through which."""
    module = sys.modules.get(function.__module__)
    if called == "super().__init__" and owner is not None:
        return _next_init(function, owner), owner
    if re.fullmatch(r"[A-Z]\w*(\.[a-z]\w*)?", called):
        name, _, method = called.partition(".")
        return _of_class(getattr(module, name, None) or _imported_inside(function, name), method)
    if called in ("cls", "self.__class__") and owner is not None:
        return owner.__init__, owner
    if owner is not None and re.fullmatch(r"(cls|self)\.\w+", called):
        static = inspect.getattr_static(owner, called.split(".")[1], None)
        found = getattr(static, "__func__", static)
        return (found, owner) if inspect.isfunction(found) else (None, None)
    return None, None


def _of_class(cls: Any, method: str) -> tuple[Any, Any]:
    """The constructor or a method of a class, and the class; nothing where it is no Python function."""
    found = inspect.getattr_static(cls, method or "__init__", None) if inspect.isclass(cls) else None
    found = getattr(found, "__func__", found)
    return (found, cls) if inspect.isfunction(found) else (None, None)


def _imported_inside(function: Any, name: str) -> Any:
    """What a function imports under a name in its own body."""
    for part in ast.walk(function_node(function)):
        if isinstance(part, ast.ImportFrom) and name in [one.asname or one.name for one in part.names]:
            package = (
                function.__module__ if _is_package(function.__module__) else function.__module__.rpartition(".")[0]
            )
            for _ in range(part.level - 1):
                package = package.rpartition(".")[0]
            source = ".".join(filter(None, [package if part.level else "", part.module]))
            return getattr(sys.modules.get(source), name, None)
    return None


def _is_package(name: str) -> bool:
    return hasattr(sys.modules.get(name), "__path__")


def _next_init(function: Any, owner: type) -> Any:
    """The `__init__` that comes after this one in the order in which `super()` looks."""
    passed = False
    for cls in owner.__mro__:
        own = cls.__dict__.get("__init__")
        if passed and inspect.isfunction(own):
            return own
        passed = passed or (own is not None and plain(own) is function)
    return None


@functools.lru_cache(maxsize=None)
def returned(function: Any) -> str:
    """`self` where every return gives an object of the class, a name where each constructs that, `None` where nothing
    is returned; empty where that cannot be seen.
    """
    node = function_node(function)
    if node is None:
        return ""
    parts = list(_own_statements(node))
    if any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in parts):
        return ""
    values = {_returned_by(part.value) for part in parts if isinstance(part, ast.Return)}
    if not values - {"None"}:
        return "None" if _does_something(node) else ""
    return values.pop() if len(values) == 1 else ""


def _does_something(node: Any) -> bool:
    """More than a docstring, `pass` or `raise`: such a body is there to be overridden."""
    body = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    return any(not isinstance(one, (ast.Pass, ast.Raise)) for one in body) and not node.decorator_list


def _returned_by(value: Any) -> str:
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        return "None"
    if not isinstance(value, ast.Call):
        return ""
    called = ast.unparse(value.func)
    if called in CLASS_CALLS:
        return "self"
    return called if re.fullmatch(r"[A-Z]\w*", called) else ""


def _own_statements(node: Any) -> Any:
    """Everything in a function but what belongs to functions inside it."""
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        part = waiting.pop()
        yield part
        if not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(part))
