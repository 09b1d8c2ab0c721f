"""Types that calls and attributes give: by hints, sources, annotations and docstrings, the surest first.

Part of `introspect.py`, like `api_types.py`, which says how a type is written.
"""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

from api_hints import DICTIONARIES, DISTRUSTED, MEMBERS, NO_SUBSTITUTES, OPAQUE, RETURNS  # type: ignore[import-not-found]
from api_sources import function_node, keys_set, plain, returned  # type: ignore[import-not-found]

ROOTS = ("gammapy", "regions", "iminuit")
"""Packages whose classes are described in full."""
TYPE_NAME = re.compile(r"`~?([\w.]+)`")
PARTS = re.compile(r"^Returns\s*\n-{3,}\s*\n(.*?)(?=\n\n?\S[^\n]*\n-{3,}|\Z)", re.DOTALL | re.MULTILINE)


def root(obj: Any) -> str:
    """First part of the name of the module that an object comes from."""
    return (getattr(obj, "__module__", None) or "").partition(".")[0]


def identity(cls: type) -> str:
    """Name of a class, unique among all."""
    return f"{cls.__module__}.{cls.__qualname__}"


class Returns:
    """Types, by the classes that a book knows."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.read: dict[str, Any] = {}
        """Docstrings read so far, with the types that they give."""

    def hinted(self, cls: type, name: str) -> Any:
        """A type that neither annotation nor docstring gives (`api_hints.py`)."""
        for base in cls.__mro__:
            if (base.__name__, name) in MEMBERS:
                return self.resolved(MEMBERS[base.__name__, name])
        return None

    def declared(self, function: Any, owner: Any) -> Any:
        """Type that a function returns: by its source, else its annotation, else its docstring."""
        function = plain(function)
        for base in getattr(owner, "__mro__", ()):
            if (base.__name__, function.__name__) in DISTRUSTED:
                return None
            if (base.__name__, function.__name__) in RETURNS:
                return self.resolved(RETURNS[base.__name__, function.__name__])
            if (base.__name__, function.__name__) in DICTIONARIES:
                every = filter(None, (vars(cls).get(function.__name__) for cls in subclasses(base) | {base}))
                return {"keys": dict.fromkeys(sorted({key for one in every for key in keys_set(one)}))}
        if owner is None and function.__name__ in RETURNS:
            return self.resolved(RETURNS[function.__name__])
        made = returned(function) if function_node(function) is not None else ""
        if made == "None":
            return "none" if all(returned(one) == "None" for one in overriding(function, owner)) else None
        if made == "self" and owner is not None and not inspect.isabstract(owner):
            return "self"
        if made and inspect.isclass(found := getattr(sys.modules.get(function.__module__), made, None)):
            return (
                {"exactly": self.book.describe_class(found)}
                if found.__new__ is object.__new__
                else self.resolved(found)
            )
        is_constructor = owner is not None and made_by_name(owner, function)
        annotation = getattr(function, "__annotations__", {}).get("return")
        if inspect.isclass(annotation) and root(annotation) in ROOTS:
            return self.resolved(annotation)
        said = self.documented(inspect.getdoc(function) or "")
        own = {"said": [identity(owner)]} if is_constructor else None
        return {"made": [self.book.describe_class(owner)]} if own is not None and said in (own, None) else said

    def documented(self, text: str) -> Any:
        """Type in the `Returns` section of a numpy-style docstring; several values are a tuple."""
        if text not in self.read:
            self.read[text] = self.read_section(text)
        return self.read[text]

    def read_section(self, text: str) -> Any:
        """The same, for a docstring that was not met before."""
        section = PARTS.search(text)
        heads = [line for line in section.group(1).split("\n") if line[:1].strip()] if section else []
        if not heads:
            return None
        if len(heads) > 1 or "," in heads[0].partition(":")[0]:
            return {"tuple": [self.spelt(head) for head in heads]} if len(heads) > 1 else None
        return self.spelt(heads[0])

    def spelt(self, head: str) -> Any:
        """Type in one line such as ``dataset : `MapDataset` or `SpectrumDataset` ``."""
        words = head.partition(":")[2] or head
        found = [self.resolved(name) for name in TYPE_NAME.findall(words)]
        if not found or any(one is None for one in found):
            return None
        plainly = TYPE_NAME.sub("", words)
        several = [name for one in found for name in one]
        if re.search(r"\b(list|iterable) of\b", plainly, re.IGNORECASE):
            return {"list": {"said": several}}
        if re.search(r"\b(list|tuple|dict|iterable|array|of|str|float|int)\b", plainly, re.IGNORECASE):
            return {"said": several} if re.fullmatch(r"\s*of (boolean|bool) type\s*", plainly) else None
        return {"said": several}

    def told(self, static: property) -> Any:
        """Type named in the first line of a property's docstring: ``Energy axis as a `MapAxis`.``"""
        line = (inspect.getdoc(static) or "").partition("\n")[0]
        found = re.search(r"\(`~?([\w.]+)`\)", line) or re.search(r"\bas an? `~?([\w.]+)`(?: object)?[.,]?", line)
        if found is None or re.search(r"\b(list|dict|tuple|or)\b", line):
            return None
        classes = self.resolved(found.group(1))
        return classes and {"said": classes}

    def resolved(self, wanted: Any) -> Any:
        """A written type with the classes it names; None where one of them is not to be found."""
        if wanted is None or wanted in ("self", "none"):
            return wanted
        if isinstance(wanted, dict):
            return {"keys": {key: self.resolved(one) for key, one in wanted.items()}}
        if isinstance(wanted, str) and "|" in wanted:
            wanted = wanted.split("|")
        if isinstance(wanted, (list, tuple)):
            parts = [self.resolved(one) for one in wanted]
            return None if None in parts else [name for part in parts for name in part]
        cls = wanted if inspect.isclass(wanted) else self.find(wanted)
        return None if cls is None else [self.book.describe_class(cls)]

    def find(self, name: str) -> Any:
        """The class of that name, dotted (and then just there) or, where only one is called so, bare."""
        module, _, last = name.rpartition(".")
        if module:
            cls = getattr(sys.modules.get(module), last, None)
            if inspect.isclass(cls) and (root(cls) in ROOTS or root(cls) in OPAQUE):
                return cls
        named = self.book.by_name.get(last, set()) if not module else set()
        return next(iter(named)) if len(named) == 1 else None


def subclasses(cls: type) -> set:
    """All classes below one, of the same packages."""
    found: set = set()
    waiting = [cls]
    while waiting:
        below: Any
        for below in type.__subclasses__(waiting.pop()):
            if below not in found:
                found.add(below)
                waiting.append(below)
    return {one for one in found if root(one) in ROOTS and one.__name__ not in NO_SUBSTITUTES}


def overriding(function: Any, owner: Any) -> list:
    """Methods that classes below have in the place of this one."""
    below = subclasses(owner) if owner is not None else set()
    found = (vars(one).get(function.__name__) for one in below)
    return [one for one in found if inspect.isfunction(one)]


def made_by_name(owner: Any, function: Any) -> bool:
    """Whether it is a class method that by its name makes an object of the class."""
    static = inspect.getattr_static(owner, function.__name__, None)
    named = function.__name__ in ("read", "create") or function.__name__.startswith("from_")
    return isinstance(static, classmethod) and named
