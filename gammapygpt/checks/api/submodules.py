"""Names used from a submodule that is never imported: `import astropy`, then `astropy.units.m`."""

from __future__ import annotations

import ast
import sys

from gammapygpt.checks.api.report import Report
from gammapygpt.checks.source import Source
from gammapygpt.knowledge.facts import Facts


def check_submodules(source: Source, facts: Facts, report: Report) -> None:
    """Say where a package is used as if it had imported its own submodules.

    Another import may load them on the way. What those of the Python library and of the packages whose effect was
    measured load is known; beside any other, only what not even the whole of Gammapy loads is judged.
    """
    imported = {name for node in source.nodes() for name in imported_modules(node)}
    tops = {name.partition(".")[0] for name in imported}
    packages = imported & set(facts.alone)
    measured = imported <= packages | set(sys.stdlib_module_names)
    loaded = {name for package in packages for name in facts.alone[package]}
    if not measured:
        loaded |= facts.together
    unlike = tops - set(facts.alone) - set(sys.stdlib_module_names)
    if unlike:
        return
    for node in source.nodes():
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            check_use(node, node.value.id, source, facts, report, imported | loaded, packages)


def check_use(
    node: ast.Attribute, name: str, source: Source, facts: Facts, report: Report, loaded: set[str], packages: set[str]
) -> None:
    """`package.submodule` where nothing has loaded the submodule."""
    package = source.imports.get(name, "")
    dotted = f"{package}.{node.attr}"
    if name in source.own or package not in packages or not is_submodule(dotted, facts):
        return
    if not any(one == dotted or one.startswith(f"{dotted}.") for one in loaded):
        message = f"`import {package}` does not import its submodule `{dotted}`."
        report.add(node, "submodule-not-imported", message, f"Write `import {dotted}`, or import the name from it.")


def is_submodule(dotted: str, facts: Facts) -> bool:
    """Whether it is a module of which something was seen."""
    return dotted in facts.together


def imported_modules(node: ast.AST) -> list[str]:
    """Modules that a statement imports, with the names that may be submodules."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []
