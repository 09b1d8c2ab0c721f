"""What a script may do with the objects of Gammapy: classes with their members and types, calls with their keywords.

Part of `introspect.py`: standard library and Gammapy alone, Python 3.9 or newer, run inside the sandbox. The result is
plain data, read by `facts.py`. A type is written as a list of class names, or as one of these; null: not known.

- `"self"`: the class it was asked of; `"none"`: nothing
- `{"exactly": class}`; `{"said": [classes]}`: by a docstring alone
- `{"made": [class]}`: by a class method that is named like a constructor
- `{"list": type}`, `{"tuple": [types]}`, `{"keys": {key: type}}`: a dictionary with just these keys
"""

from __future__ import annotations

import inspect
import json
import sys
import warnings
from typing import Any

from api_hints import DISTRUSTED, ELEMENTS, OPEN, PASSING_ON  # type: ignore[import-not-found]
from api_returns import ROOTS, Returns, identity, root, subclasses  # type: ignore[import-not-found]
from api_sources import OF_PLOTS, attributes_set, keywords, plain, sets_on_itself  # type: ignore[import-not-found]
from api_values import (  # type: ignore[import-not-found]
    choices,
    deprecated_arguments,
    deprecation,
    fields,
    measured,
    model_parameters,
    shared_choices,
    units,
)

NAMED = (
    *("astropy.units", "astropy.coordinates", "astropy.time", "astropy.table", "astropy.io.fits", "astropy.wcs"),
    *("astropy.visualization", "astropy.visualization.wcsaxes", "numpy", "pathlib", "matplotlib.pyplot"),
)
"""Modules of others whose classes occur as types."""
NO_MORE = ("builtins", "abc", "collections.abc", "pydantic", "enum", "typing")
"""Packages whose classes give their objects no attributes that the class does not show."""
KINDS = {
    "POSITIONAL_ONLY": "p",
    "POSITIONAL_OR_KEYWORD": "",
    "VAR_POSITIONAL": "*",
    "KEYWORD_ONLY": "k",
    "VAR_KEYWORD": "**",
}
SPECIAL = ("__call__", "__format__", "__float__", "__int__", "__getitem__", "__index__", "__iter__", "__len__")
"""What an object must have to be called, formatted with a format, turned into a number, indexed, iterated, counted."""


def describe(names: dict[str, list[str]]) -> dict[str, Any]:
    """Everything that the static check needs to know; `names` are the public names of each module."""
    warnings.simplefilter("ignore")
    book = Book()
    objects = {}
    for module, attributes in names.items():
        if module.partition(".")[0] in ROOTS or module in NAMED:
            for attribute in attributes:
                entry = book.entry(getattr(sys.modules[module], attribute, None))
                if entry is not None:
                    objects[f"{module}.{attribute}"] = entry
    book.complete()
    passing_on = {name: kind if kind == "OnOff" else book.returns.resolved(kind) for name, kind in PASSING_ON.items()}
    return {
        "objects": objects,
        "classes": book.classes,
        "functions": book.functions,
        "units": units(),
        "choices": shared_choices(),
        "passing_on": passing_on,
        "unread": book.unread,
    }


class Book:
    """Classes and functions described so far."""

    def __init__(self) -> None:
        self.classes: dict[str, Any] = {}
        self.functions: list[dict[str, Any]] = []
        self.numbers: dict[str, int] = {}
        self.types: dict[str, type] = {}
        self.unread: dict[str, str] = {}
        """Classes that could not be described, and why."""
        self.returns = Returns(self)
        self.known: dict[str, type] = {}
        for module in list(sys.modules.values()):
            if getattr(module, "__name__", "").partition(".")[0] in ROOTS:
                for obj in list(vars(module).values()):
                    if inspect.isclass(obj) and root(obj) in ROOTS:
                        self.known.setdefault(identity(obj), obj)
        self.by_name: dict[str, set] = {}
        for cls in self.known.values():
            self.by_name.setdefault(cls.__name__, set()).add(cls)

    def complete(self) -> None:
        """Describe every class of the libraries: any of them can be what a method returns."""
        for cls in self.known.values():
            self.describe_class(cls)
        inherited = {name: self.inherited(entry) for name, entry in self.classes.items()}
        for name, entry in self.classes.items():
            members = entry.get("members", {})
            entry["members"] = {key: one for key, one in members.items() if inherited[name].get(key) != one}

    def entry(self, obj: Any) -> list | None:
        """What a name of a module stands for: `["class", id]`, `["function", number]`, `["instance", class id]`."""
        if inspect.ismodule(obj):
            return ["module", obj.__name__]
        if inspect.isclass(obj):
            return ["class", self.describe_class(obj)]
        if inspect.isfunction(plain(obj)) and (root(obj) in ROOTS or obj.__module__ == "matplotlib.pyplot"):
            return ["function", self.describe_function(obj, None)]
        if root(type(obj)) in ROOTS and not isinstance(obj, type):
            return ["instance", self.describe_class(type(obj))]
        return None

    def describe_class(self, cls: type) -> str:
        """Put a class into the book; classes of other packages are named only."""
        name = identity(cls)
        if name in self.classes:
            return name
        entry: dict[str, Any] = {"name": cls.__name__}
        self.classes[name] = entry
        entry["special"] = [one for one in SPECIAL if getattr(cls, one, None) is not getattr(object, one, None)]
        if root(cls) not in ROOTS:
            if name == "numpy.ndarray":
                entry["members"] = {one: ["field", None] for one in dir(cls) if not one.startswith("_")}
            else:
                entry["opaque"] = True
            return name
        entry["bases"] = [identity(one) for one in cls.__mro__[1:] if one is not object]
        try:
            self.fill(cls, entry)
        except Exception as error:  # one class that is unlike all others must not cost the rest
            self.unread[name] = f"{type(error).__name__}: {error}"
            self.classes[name] = {"name": cls.__name__, "opaque": True}
        return name

    def fill(self, cls: type, entry: dict[str, Any]) -> None:
        """Everything about one class."""
        entry["subclasses"] = sorted(identity(one) for one in subclasses(cls))
        entry["exact"] = cls.__new__ is object.__new__ and type(cls).__call__ is type.__call__
        entry.update(self.members(cls))
        entry["choices"], entry["measured"] = choices(cls), measured(cls)
        entry["parameters"], entry["fields"] = model_parameters(cls), fields(cls, identity)
        entry["element"] = self.returns.resolved(
            next((ELEMENTS[b.__name__] for b in cls.__mro__ if b.__name__ in ELEMENTS), None)
        )
        init = vars(cls).get("__init__") or getattr(cls, "__init__", None)
        if inspect.isfunction(init):
            entry["init"] = self.describe_function(init, cls)
            self.close_model(cls, entry)
        entry["deprecated"] = deprecation(cls)
        for key in [key for key, value in entry.items() if not value and value != 0]:
            del entry[key]

    def inherited(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Members that a class has from its bases, as those describe them."""
        found: dict[str, Any] = {}
        for base in reversed(entry.get("bases", [])):
            found.update(self.classes.get(base, {}).get("members", {}))
        return found

    def close_model(self, cls: type, entry: dict[str, Any]) -> None:
        """A model takes its parameters as keywords, and says so only when it is built."""
        call = self.functions[entry["init"]]
        if call.get("open") and entry["parameters"] is not None:
            try:
                cls(no_such_keyword=1)
            except NameError:
                more = sorted({*call.get("more", ()), *entry["parameters"], "covariance_data"})
                entry["init"] = len(self.functions)
                self.functions.append({**call, "more": more, "open": False})
            except Exception:
                return

    def members(self, cls: type) -> dict[str, Any]:
        """Public attributes of a class and of its objects: methods with their calls, others with their types."""
        names = {name for name in dir(cls) if not name.startswith("_")}
        names |= {name for name in dir(type(cls)) if not name.startswith("_")} & set(getattr(cls, "__members__", ()))
        found: dict[str, Any] = {name: self.member(cls, name) for name in sorted(names)}
        own = set(getattr(cls, "model_fields", ()))
        for base in cls.__mro__:
            if root(base) not in NO_MORE and base.__module__ not in NO_MORE:
                own |= attributes_set(base)
        is_open = "*" in own or is_dynamic(cls)
        for name in sorted(own - set(found)):
            if not name.startswith("_") and name != "*":
                found[name] = ["field", self.returns.hinted(cls, name)]
        return {"members": found, "open": is_open, "metaclass": sorted(n for n in dir(type(cls)) if n[0] != "_")}

    def member(self, cls: type, name: str) -> list:
        """Kind of one attribute, and its call or type."""
        static = inspect.getattr_static(cls, name)
        if isinstance(static, (classmethod, staticmethod)) or inspect.isfunction(static):
            kind = type(static).__name__ if not inspect.isfunction(static) else "method"
            return [kind, self.describe_function(static, cls, bound=kind != "staticmethod")]
        hint = self.returns.hinted(cls, name)
        if isinstance(static, property) and static.fget is not None:
            kind = "property" if static.fset is not None else "readonly"
            if hint is None and not any((base.__name__, name) in DISTRUSTED for base in cls.__mro__):
                hint = self.returns.declared(static.fget, cls) or self.returns.told(static)
            return [kind, hint]
        if hasattr(static, "func") and callable(static.func):  # cached_property, lazyproperty
            return ["property", hint or self.returns.declared(static.func, cls)]
        return ["field", hint]

    def describe_function(self, function: Any, owner: Any, bound: bool = True) -> int:
        """Put a call into the book and return its number; those that are alike in everything share one."""
        entry = self.call(getattr(function, "__func__", function), owner, bound and owner is not None)
        key = json.dumps(entry, sort_keys=True)
        if key not in self.numbers:
            self.numbers[key] = len(self.functions)
            self.functions.append(entry)
        return self.numbers[key]

    def call(self, function: Any, owner: Any, bound: bool) -> dict[str, Any]:
        """Parameters, keywords, type returned and deprecations of one call; what is empty is left out."""
        entry: dict[str, Any] = {"name": getattr(function, "__qualname__", "")}
        entry["deprecated"], entry["renamed"] = deprecation(function), deprecated_arguments(function)
        entry["abstract"] = getattr(function, "__isabstractmethod__", False)
        try:
            spec = list(inspect.signature(plain(function)).parameters.values())
        except (TypeError, ValueError):
            return {**entry, "open": True}
        spec = spec[1:] if bound else spec
        names, is_open = keywords(function, owner)
        first = {"self", "cls"} if bound else set()
        if function.__name__ == "evaluate" and isinstance(getattr(owner, "required_axes", None), (list, tuple)):
            names, is_open = names | set(owner.required_axes), False  # the coordinates of an IRF
        if root(function) == "matplotlib":
            names, is_open = names | {OF_PLOTS}, False
        entry["parameters"] = [[one.name, KINDS[one.kind.name], one.default is one.empty] for one in spec]
        own = {one.name for one in spec if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
        entry["more"], entry["open"] = sorted(names - first - own), is_open
        entry["returns"] = self.returns.declared(function, owner)
        return {key: value for key, value in entry.items() if value or key == "parameters"}


def is_dynamic(cls: type) -> bool:
    """Whether a class answers for names that cannot be listed; configuration classes do so only where they say it."""
    if getattr(cls, "model_config", {}).get("extra") == "allow" or cls.__name__ in OPEN:
        return True
    if any(sets_on_itself(base, "default_parameters") for base in cls.__mro__ if root(base) in ROOTS):
        return True  # each object has parameters of its own
    return any("__getattr__" in base.__dict__ for base in cls.__mro__ if root(base) != "pydantic")
