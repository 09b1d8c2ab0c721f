"""What the modules of a package define, read from their source by `ast`: nothing is imported or run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

PROPERTY = r"(\w+\.)*(\w*property|setter|deleter)$"
"""Decorators that make a method no method."""


class Deprecation(NamedTuple):
    """What a decorator announces: since when, and what to use instead ('' where it does not say)."""

    since: str
    instead: str


@dataclass
class Function:
    """A function or method."""

    qualname: str
    parameters: list[str] = field(default_factory=list)
    """Names that can be given as keywords, in order; without `self` and `cls`."""
    is_property: bool = False
    open: bool = False
    """Takes any keyword."""
    forwards: bool = False
    """Hands those on to the method of the same name in a base class."""
    renamed: dict[str, Deprecation] = field(default_factory=dict)
    deprecated: Deprecation | None = None
    words: frozenset[str] = frozenset()
    """Identifiers and strings of its body: a renamed function has much the same."""


@dataclass
class Class:
    """A class: what it defines itself."""

    name: str
    module: str
    bases: list[str] = field(default_factory=list)
    """As written, with the full path where it is imported."""
    functions: dict[str, Function] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    """Other names: class attributes and what methods set on `self`."""
    deprecated_attributes: dict[str, Deprecation] = field(default_factory=dict)
    deprecated: Deprecation | None = None

    @property
    def members(self) -> set[str]:
        """Everything that `hasattr` would find, private names included."""
        return self.attributes | self.functions.keys() | self.deprecated_attributes.keys()


@dataclass
class Module:
    """A module: what it defines, what it binds and what it exports."""

    name: str
    is_package: bool
    classes: dict[str, Class] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Local name -> (module, name there)."""
    stars: list[str] = field(default_factory=list)
    exported: list[str] | None = None
    """`__all__`, where it is given."""


def read_modules(source: Path) -> Iterator[Module]:
    """All modules below a package's folder, without its tests."""
    for path in sorted(source.rglob("*.py")):
        parts = [source.name, *path.relative_to(source).with_suffix("").parts]
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        if not {"tests", "extern"} & set(parts):
            yield read_module(name, is_package, path.read_text(encoding="utf-8"))


def read_module(name: str, is_package: bool, text: str) -> Module:
    """One module."""
    module = Module(name, is_package)
    for node in top_level(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            read_import(module, node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                module.imported[alias.asname or head] = (alias.name if alias.asname else head, "")
        elif isinstance(node, ast.FunctionDef):
            module.functions[node.name] = read_function(node, node.name)
        elif isinstance(node, ast.ClassDef):
            module.classes[node.name] = read_class(node, module)
        else:
            read_assignment(module, node)
    return module


def top_level(tree: ast.AST) -> Iterator[ast.stmt]:
    """Statements that run on import, those under `if`, `try` and `with` included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            yield from top_level(node)
        elif isinstance(node, ast.stmt):
            yield node


def read_import(module: Module, node: ast.ImportFrom) -> None:
    """`from .core import Map`, relative names made absolute."""
    base = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    above = base[: len(base) - node.level + 1] if node.level else []
    source = ".".join([*above, *([node.module] if node.module else [])])
    for alias in node.names:
        if alias.name == "*":
            module.stars.append(source)
        else:
            module.imported[alias.asname or alias.name] = (source, alias.name)


def read_assignment(module: Module, node: ast.stmt) -> None:
    """Constants, and `__all__` in its usual forms."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    for name in (target.id for target in targets if isinstance(target, ast.Name)):
        if name == "__all__":
            strings = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
            module.exported = [*(module.exported or []), *(text for text in strings if isinstance(text, str))]
        else:
            module.constants.add(name)


def read_class(node: ast.ClassDef, module: Module) -> Class:
    """One class with its methods and attributes."""
    own = Class(node.name, module.name, [full_name(base, module) for base in node.bases], deprecated=deprecation(node))
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            own.functions[item.name] = read_function(item, f"{node.name}.{item.name}", is_method=True)
            own.attributes |= set_on_self(item)
        elif isinstance(item, ast.Assign | ast.AnnAssign):
            names = item.targets if isinstance(item, ast.Assign) else [item.target]
            own.attributes |= {each.id for name in names for each in ast.walk(name) if isinstance(each, ast.Name)}
            read_deprecated_attribute(own, item.value)
        elif isinstance(item, ast.ClassDef):
            own.attributes.add(item.name)
    return own


def read_deprecated_attribute(own: Class, value: ast.expr | None) -> None:
    """`old = deprecated_attribute("old", "1.2", alternative="new")`."""
    if isinstance(value, ast.Call) and called(value) == "deprecated_attribute":
        name, since = [*texts(value.args), "", ""][:2]
        own.deprecated_attributes[name] = Deprecation(since, keyword_text(value, "alternative"))


def set_on_self(node: ast.AST) -> set[str]:
    """`self.x = ...` anywhere in a method."""
    return {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
        and each.value.id in ("self", "cls")
    }


def read_function(node: ast.FunctionDef | ast.AsyncFunctionDef, qualname: str, is_method: bool = False) -> Function:
    """One function: parameters and decorators."""
    arguments = node.args
    static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list)
    positional = [argument.arg for argument in arguments.args][1 if is_method and not static else 0 :]
    renamed: dict[str, Deprecation] = {}
    for call in (each for each in node.decorator_list if isinstance(each, ast.Call)):
        if called(call) == "deprecated_renamed_argument":
            renamed.update(renamed_arguments(call))
    words = frozenset(
        each.attr if isinstance(each, ast.Attribute) else each.id
        for statement in node.body
        for each in ast.walk(statement)
        if isinstance(each, ast.Attribute | ast.Name)
    )
    return Function(
        qualname=qualname,
        parameters=positional + [argument.arg for argument in arguments.kwonlyargs],
        is_property=any(re.match(PROPERTY, ast.unparse(each)) for each in node.decorator_list),
        open=arguments.kwarg is not None,
        forwards=arguments.kwarg is not None and hands_on(node, arguments.kwarg.arg),
        renamed=renamed,
        deprecated=deprecation(node),
        words=words,
    )


def hands_on(node: ast.FunctionDef | ast.AsyncFunctionDef, kwargs: str) -> bool:
    """Whether `**kwargs` go to `super().same_method(**kwargs)` and nowhere else."""
    receivers = [each.func for each in ast.walk(node) if isinstance(each, ast.Call) and given_on(each, kwargs)]
    return bool(receivers) and all(
        isinstance(func, ast.Attribute) and ast.unparse(func.value).startswith("super(") and func.attr == node.name
        for func in receivers
    )


def given_on(call: ast.Call, kwargs: str) -> bool:
    """Whether a call passes `**kwargs`."""
    stars = [word.value for word in call.keywords if word.arg is None]
    return any(isinstance(value, ast.Name) and value.id == kwargs for value in stars)


def renamed_arguments(call: ast.Call) -> dict[str, Deprecation]:
    """`deprecated_renamed_argument(old, new, since)`; each may be a list, `new` None."""
    old, new, since = (
        [each.value if isinstance(each, ast.Constant) else None for each in parts] for parts in listed(call)
    )
    return {
        str(name): Deprecation(str(since[min(i, len(since) - 1)]), str(new[i] or "") if i < len(new) else "")
        for i, name in enumerate(old)
    }


def listed(call: ast.Call) -> list[list[ast.expr]]:
    """The first three arguments, positional or by name, each as a list."""
    named = {word.arg: word.value for word in call.keywords}
    given = [*call.args, *(named[name] for name in ("old_name", "new_name", "since") if name in named)]
    return [list(each.elts) if isinstance(each, ast.List | ast.Tuple) else [each] for each in given[:3]]


def deprecation(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Deprecation | None:
    """What `@deprecated(since, alternative=...)` says."""
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and called(call) == "deprecated":
            since = [*texts(call.args), keyword_text(call, "since")][0]
            return Deprecation(since, keyword_text(call, "alternative"))
    return None


def called(call: ast.Call) -> str:
    """The last name of what is called."""
    return ast.unparse(call.func).rpartition(".")[2]


def texts(nodes: list[ast.expr]) -> list[str]:
    """Literal values."""
    return [str(node.value) for node in nodes if isinstance(node, ast.Constant)]


def keyword_text(call: ast.Call, name: str) -> str:
    """A literal keyword of a call, its white space made plain."""
    found = [*texts([word.value for word in call.keywords if word.arg == name]), ""]
    return re.sub(r"\s+", " ", found[0]).strip()


def full_name(base: ast.expr, module: Module) -> str:
    """A base class with the module that it is imported from."""
    text = ast.unparse(base)
    head, dot, rest = text.partition(".")
    source, name = module.imported.get(head, ("", head))
    return f"{'.'.join(part for part in (source, name) if part)}{dot}{rest}"
