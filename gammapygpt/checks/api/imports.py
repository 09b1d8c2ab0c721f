"""Rules about names: every one is imported, and every import exists in the analysis environment."""

from __future__ import annotations

import ast
import difflib
import sys
from collections.abc import Iterable, Iterator

from gammapygpt.checks.api.report import replaced
from gammapygpt.checks.source import Source
from gammapygpt.state import Environment, FailureKind, Finding


def check_names(source: Source) -> Iterator[Finding]:
    """Names that are looked up and never bound."""
    from pyflakes.checker import Checker
    from pyflakes.messages import UndefinedLocal, UndefinedName

    loaded = {(node.lineno, node.col_offset): node.id for node in evaluated_names(source.tree)}
    seen = set()
    for message in sorted(Checker(source.tree).messages, key=lambda one: (one.lineno, one.col)):
        if isinstance(message, UndefinedName | UndefinedLocal):
            name = str(message.message_args[0])
            if loaded.get((message.lineno, message.col)) == name and name not in seen:
                seen.add(name)
                yield undefined(name, isinstance(message, UndefinedLocal), message.lineno)


def evaluated_names(tree: ast.Module) -> Iterator[ast.Name]:
    """Names that a run looks up; with postponed annotations those in annotations are never looked up."""
    postponed = any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" and node.names[0].name == "annotations"
        for node in tree.body
    )
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            yield node
        for field, value in ast.iter_fields(node):
            if not (postponed and field in ("annotation", "returns")):
                waiting.extend(
                    part for part in (value if isinstance(value, list) else [value]) if isinstance(part, ast.AST)
                )


def undefined(name: str, local: bool, line: int) -> Finding:
    """A name that stands for nothing; a display of notebooks is told as such."""
    if name in ("get_ipython", "display"):
        return Finding(
            gate="contract",
            kind="contract",
            rule="interactive-display",
            message=f"`{name}` exists in notebooks only.",
            remedy="Remove it; print values and save figures.",
            line=line,
        )
    if local:
        message = f"The local name `{name}` is used before it is assigned."
        return name_finding("undefined-name", "import", message, "Assign it first, or use another name.", line)
    remedy = f"Import or define `{name}` before this line."
    return name_finding("undefined-name", "import", f"The name `{name}` is not defined.", remedy, line)


def name_finding(rule: str, kind: FailureKind, message: str, remedy: str, line: int | None) -> Finding:
    """An error about names."""
    gate = "api" if kind == "api" else "contract"
    return Finding(gate=gate, kind=kind, rule=rule, message=message, remedy=remedy, line=line)  # type: ignore[arg-type]


def check_imports(source: Source, environment: Environment, silent: frozenset[int]) -> Iterator[Finding]:
    """Imports of modules and names that the analysis environment does not have; nothing about `silent` nodes."""
    modules = set(environment.modules)
    for node in source.nodes():
        if id(node) in silent:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from missing_module(alias.name, node.lineno, environment, modules)
        elif isinstance(node, ast.ImportFrom):
            yield from missing_from(node, environment, modules)


def missing_from(node: ast.ImportFrom, environment: Environment, modules: set[str]) -> Iterator[Finding]:
    """`from module import name`: first the module, then the name in it."""
    if node.level:
        text = "A relative import finds nothing: there is one script only."
        yield name_finding("missing-module", "import", text, "Put everything into the one script.", node.lineno)
        return
    module = node.module or ""
    absent = list(missing_module(module, node.lineno, environment, modules))
    yield from absent
    for alias in [] if absent else node.names:
        if alias.name != "*" and not exists(module, alias.name, environment):
            yield missing_name(module, alias.name, node.lineno, environment)


def missing_attribute(module: str, name: str, line: int, environment: Environment) -> Finding | None:
    """`np.name`: a name that the module does not have."""
    if exists(module, name, environment):
        return None
    return missing_name(module, name, line, environment)


def missing_module(name: str, line: int, environment: Environment, modules: set[str]) -> Iterator[Finding]:
    """A module that cannot be imported; submodules are judged only where the environment lists them."""
    top, *rest = name.split(".")
    if not modules or any(part.startswith("_") for part in name.split(".")):
        return
    if top not in modules and top not in sys.stdlib_module_names:
        near = difflib.get_close_matches(top, sorted(m for m in modules if "." not in m), 3)
        text = f"The module `{top}` is not installed."
        remedy = replaced("module", [], name) or advice(near, "Use what is installed.")
        yield name_finding("missing-module", "import", text, remedy, line)
    elif rest and name not in modules and any(module.startswith(f"{top}.") for module in modules):
        near = difflib.get_close_matches(name, sorted(m for m in modules if m.startswith(f"{top}.")), 3)
        remedy = replaced("module", [], name) or advice(near, f"Look it up in {top}.")
        yield name_finding("missing-module", "import", f"There is no module `{name}`.", remedy, line)


def exists(module: str, name: str, environment: Environment) -> bool:
    """Whether a module has that name, as far as the environment tells."""
    if module not in environment.names or name.startswith("_"):
        return True
    return name in environment.names[module] or f"{module}.{name}" in environment.modules


def missing_name(module: str, name: str, line: int, environment: Environment) -> Finding:
    """A name that a module does not have: where it is, or what comes nearest."""
    top = module.split(".")[0]
    family = {other: names for other, names in environment.names.items() if other.split(".")[0] == top}
    homes = sorted((other for other, names in family.items() if name in names), key=lambda one: (one.count("."), one))
    nearest = [home for home in homes if home.count(".") == homes[0].count(".")]
    near = [f"{home}.{name}" for home in nearest[:2]] or similar(name, environment.names[module])
    near = near or similar(name, {one for names in family.values() for one in names})
    version = environment.versions.get(top, "")
    text = f"`{module}`{f' ({top} {version})' if version else ''} has no `{name}`."
    remedy = replaced("import", [module], name) or advice(near, f"Look up what {module} offers.")
    return name_finding("missing-name", "api", text, remedy, line)


def similar(name: str, names: Iterable[str]) -> list[str]:
    """At most three names that come near: those that it begins (`PowerLaw`), then those spelt almost alike."""
    ordered = sorted(names, key=lambda one: (len(one), one))
    longer = [one for one in ordered if len(name) > 3 and one.startswith(name)]
    alike = difflib.get_close_matches(name, ordered, 3)
    return list(dict.fromkeys([*longer[:2], *alike]))[:3]


def advice(near: list[str], otherwise: str) -> str:
    """The names that exist nearby, or something else to do."""
    return f"There is: {', '.join(near)}." if near else otherwise
