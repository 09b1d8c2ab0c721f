"""What this interpreter offers: versions, modules and the public API of Gammapy, written to `introspection.json`.

A script, not a module to import: `environment.py` sends its source (and that of its neighbours here) into the sandbox,
to the analysis interpreter. Standard library and Gammapy alone, so that it works wherever an analysis does.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import os
import pkgutil
import platform
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from api_types import describe  # type: ignore[import-not-found]

OUTPUT = "introspection.json"
COMPANIONS = ("gammapy", "astropy", "regions", "numpy", "scipy", "matplotlib", "iminuit")
LISTED_IN_FULL = (*COMPANIONS, "mpl_toolkits")
API_MODULES = (
    *("data", "data.utils", "irf", "maps", "maps.utils", "datasets", "makers", "makers.utils", "estimators"),
    *("estimators.utils", "modeling", "modeling.models", "stats", "astro.darkmatter", "astro.population"),
    *("astro.source", "catalog", "analysis", "visualization", "utils.regions"),
)
ABOUT, DESCRIPTION = 1500, 500
"""Largest number of characters kept of a docstring's prose, and of what it says of one parameter."""
NOT_FOR_SCRIPTS = {"tests", "test", "conftest", "__main__", "setup_package", "idlelib", "lib2to3", "turtledemo", "this"}
"""Names of modules that no analysis imports."""


def is_public(dotted: str) -> bool:
    """No part of the name is private or a test module."""
    return not any(part.startswith("_") or part in NOT_FOR_SCRIPTS for part in dotted.split("."))


def submodules(paths: Iterable[str], prefix: str) -> Iterator[str]:
    """Dotted names of all public modules below the folders of a package, found without importing any."""
    for info in pkgutil.iter_modules(list(paths), prefix):
        if not is_public(info.name):
            continue
        yield info.name
        if info.ispkg:
            last = info.name.rpartition(".")[2]
            yield from submodules([os.path.join(path, last) for path in paths], info.name + ".")


def top_level_modules() -> set[str]:
    """Names that `import NAME` finds, namespace packages such as `mpl_toolkits` included."""
    working_folder = {"", os.getcwd(), os.path.dirname(os.path.abspath(sys.argv[0]))}
    folders = [folder for folder in sys.path if folder not in working_folder]
    names = {info.name for info in pkgutil.iter_modules(folders)} | set(sys.builtin_module_names)
    for name in importlib.metadata.packages_distributions():
        if name.isidentifier() and name not in names and importlib.util.find_spec(name) is not None:
            names.add(name)
    return {name for name in names if is_public(name) and "__" not in name} | {"__future__"}


def importable_modules() -> list[str]:
    """Top-level modules, and every submodule of the standard library and of the packages of an analysis."""
    found = top_level_modules()
    standard = found & set(getattr(sys, "stdlib_module_names", ()))
    for root in sorted(found & {*LISTED_IN_FULL, *standard}):
        spec = importlib.util.find_spec(root)
        if spec is not None and spec.submodule_search_locations is not None:
            found.update(submodules(list(spec.submodule_search_locations), root + "."))
    return sorted(found | {"os.path"})


def import_quietly(name: str) -> Any:
    """The module, or None where an optional dependency is missing."""
    try:
        return importlib.import_module(name)
    except Exception:
        return None


def module_names(modules: list[str]) -> dict[str, list[str]]:
    """Public attributes of every Gammapy module, and of the modules of its companions that Gammapy has loaded."""
    for name in modules:
        if name.startswith("gammapy.") and not name.startswith("gammapy.scripts"):
            import_quietly(name)
    children: dict[str, set[str]] = {}
    for name in modules:
        parent, _, child = name.rpartition(".")
        children.setdefault(parent, set()).add(child)
    names = {}
    for name in modules:
        module = sys.modules.get(name)
        if module is not None and name.partition(".")[0] in COMPANIONS:
            found = {*dir(module), *getattr(module, "__all__", ()), *children.get(name, ())}
            names[name] = sorted(attribute for attribute in found if not attribute.startswith("_"))
    return names


def signature(obj: Any, bound: bool = False) -> str:
    """Text of a call signature, without annotations, addresses and (for a method) the instance."""
    try:
        spec = inspect.signature(obj)
    except (TypeError, ValueError):
        return "(...)"
    parameters = [item.replace(annotation=inspect.Parameter.empty) for item in spec.parameters.values()]
    text = str(spec.replace(parameters=parameters[1:] if bound else parameters, return_annotation=spec.empty))
    return re.sub(r" at 0x[0-9a-f]+", "", " ".join(text.split()))


def model_signature(cls: type) -> str:
    """Parameters of a Gammapy model with their defaults, which its constructor takes by `**kwargs`."""
    defaults = []
    for item in getattr(cls, "default_parameters", ()):
        try:
            unit = item.unit.to_string("fits")  # the one form that `Quantity` reads back after a number
        except ValueError:
            unit = str(item.unit)
        defaults.append(f'{item.name}="{item.value:g} {unit}"' if unit else f"{item.name}={item.value:g}")
    return f"({', '.join([*defaults, '**kwargs'])})"


def first_paragraph(obj: Any) -> str:
    """The docstring's first paragraph on one line."""
    text = inspect.getdoc(obj) or ""
    return " ".join(text.split("\n\n")[0].split())


def about(obj: Any) -> str:
    """What else a numpy-style docstring says of an object: what stands before its first section, and its notes."""
    text = inspect.getdoc(obj) or ""
    before, *sections = re.split(r"^(\S[^\n]*)\n-{3,}$", text, flags=re.MULTILINE)
    notes = [told for title, told in zip(sections[::2], sections[1::2], strict=True) if title == "Notes"]
    return " ".join(" ".join([before.partition("\n\n")[2], *notes]).split())[:ABOUT]


def parameters(obj: Any) -> list[dict[str, str]]:
    """Name, type and description of each documented parameter of a numpy-style docstring."""
    text = inspect.getdoc(obj) or ""
    sections = re.findall(r"^(?:Other )?Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}$|\Z)", text, re.DOTALL | re.MULTILINE)
    entries: list[dict[str, str]] = []
    for line in "\n".join(sections).splitlines():
        head = re.match(r"(\*{0,2}\w+(?:, *\*{0,2}\w+)*) *(?::(.*))?$", line)
        if head:
            entries.append({"name": head.group(1), "type": (head.group(2) or "").strip(), "text": ""})
        elif entries and line.strip():
            entries[-1]["text"] = f"{entries[-1]['text']} {line.strip()}".strip()
    for entry in entries:
        entry["text"] = entry["text"][:DESCRIPTION]
    return entries


def members(cls: type) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Public methods (with signatures) and public properties of a class, inherited ones included."""
    methods, attributes = [], []
    for name in dir(cls):
        if name.startswith("_"):
            continue
        static = inspect.getattr_static(cls, name)
        if isinstance(static, (classmethod, staticmethod)):
            found = getattr(cls, name)
            methods.append({"name": name, "signature": signature(found), "doc": first_paragraph(found)})
        elif inspect.isfunction(static):
            methods.append({"name": name, "signature": signature(static, bound=True), "doc": first_paragraph(static)})
        elif isinstance(static, property) or hasattr(static, "__get__"):
            attributes.append({"name": name, "doc": first_paragraph(static)})
    return methods, attributes


def api_entry(path: str, obj: Any) -> dict[str, Any]:
    """One class or function under the path from which scripts import it."""
    entry: dict[str, Any] = {
        "path": path,
        "kind": "class" if inspect.isclass(obj) else "function",
        "signature": signature(obj),
        "doc": first_paragraph(obj),
        "about": about(obj),
        "parameters": parameters(obj),
        "methods": [],
        "attributes": [],
    }
    if inspect.isclass(obj):
        if entry["signature"] == "(**kwargs)":
            entry["signature"] = model_signature(obj)
        entry["methods"], entry["attributes"] = members(obj)
    return entry


def public_api() -> list[dict[str, Any]]:
    """Classes and functions that Gammapy documents as public, each once, under its shortest path."""
    entries, seen = [], set()
    for name in sorted((f"gammapy.{name}" for name in API_MODULES), key=lambda name: name.count(".")):
        module = import_quietly(name)
        for attribute in sorted(getattr(module, "__all__", ())):
            obj = getattr(module, attribute, None)
            if (inspect.isclass(obj) or inspect.isfunction(obj)) and id(obj) not in seen:
                seen.add(id(obj))
                entries.append(api_entry(f"{name}.{attribute}", obj))
    return entries


def dotted_of_packages() -> list[str]:
    """Submodules of the packages of an analysis that are loaded now."""
    return sorted(
        name for name in sys.modules if "." in name and name.partition(".")[0] in COMPANIONS and is_public(name)
    )


def loaded_alone() -> dict[str, list[str]]:
    """Package -> its submodules that `import package` alone makes available, found in a process of its own for each."""
    found = {}
    for package in COMPANIONS:
        receiving, sending = os.pipe()
        child = os.fork()
        if child == 0:
            with os.fdopen(sending, "w") as pipe:
                module = import_quietly(package)
                json.dump([] if module is None else [*dotted_of_packages(), *attributes_of(module)], pipe)
            os._exit(0)
        os.close(sending)
        with os.fdopen(receiving) as pipe:
            found[package] = sorted(set(json.loads(pipe.read() or "[]")))
        os.waitpid(child, 0)
    return found


def attributes_of(module: Any) -> list[str]:
    """What a package answers for without a further import, submodules that it loads when asked included."""
    return [f"{module.__name__}.{name}" for name in dir(module) if not name.startswith("_")]


def versions() -> dict[str, str]:
    """Installed version of Gammapy and its companions; an absent one is left out."""
    found = {}
    for name in COMPANIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Write everything to `introspection.json` in the working folder."""
    warnings.simplefilter("ignore")
    alone = loaded_alone()
    importlib.import_module("gammapy.data")  # an environment that cannot import Gammapy ends here, with the reason
    modules = importable_modules()
    names = module_names(modules)
    report = {
        "python": platform.python_version(),
        "versions": versions(),
        "modules": modules,
        "api": public_api(),
        "names": names,
        "facts": {**describe(names), "alone": alone, "together": dotted_of_packages()},
    }
    with open(OUTPUT, "w", encoding="utf-8") as file:
        json.dump(report, file)


if __name__ == "__main__":
    main()
