"""Looks over the shoulder of methods: puts an observer around them once their module is imported.

Runs inside the sandbox, in the script's own process: standard library only, Python 3.9 and newer. The methods do what
they did: same arguments, result and exceptions. Only calls that the script makes are seen, not those within a call.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable
from typing import Any

FREE_S, SHARE = 0.3, 0.02
"""CPU time that observing may take while the script runs: so many seconds, and this share of the script's own."""

_IGNORE: Any = [("ignore", None, Warning, None, 0)]
_clock = time.process_time
_within = threading.local()
_ours: set[Callable[..., Any]] = set()


class Budget:
    """How much CPU time observing has taken, and may take."""

    def __init__(self) -> None:
        self.spent = 0.0
        self.failures = 0
        self.begun = _clock()

    def left(self) -> bool:
        """Whether there is time for more than a glance."""
        return self.spent < FREE_S + SHARE * (_clock() - self.begun)


class _Finder(importlib.abc.MetaPathFinder):
    """Lets modules be found as ever, and calls back when one of those waited for has been executed."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[Any], None]] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        act = self.waiting.pop(name, None)
        if act is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            act(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


_finder = _Finder()


def when_imported(name: str, act: Callable[[Any], None]) -> None:
    """Call `act(module)` right after a module has been executed, before anybody else sees it."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _finder.waiting[name] = act


def around(owner: Any, name: str, note: Callable[..., None], record: Any) -> bool:
    """Let `note(result, self, arguments)` see each call of a method that a class itself defines.

    Parameters
    ----------
    owner : type
        The class; left alone when it does not define the method, which is what comes back.
    name : str
        Of the method.
    note : callable
        Gets the result, the object, and the arguments by name. What it raises or warns of is nobody's concern.
    record : Record
        Its budget of time is charged.
    """
    inner = vars(owner).get(name)
    if not isinstance(inner, types.FunctionType) or inner in _ours:
        return False
    code = inspect.unwrap(inner).__code__
    names = code.co_varnames[1 : code.co_argcount]

    @functools.wraps(inner)
    def seen(self: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(_within, "busy", False):
            return inner(self, *args, **kwargs)
        _within.busy = True
        try:
            result = inner(self, *args, **kwargs)
            quietly(record.budget, note, result, self, {**dict(zip(names, args)), **kwargs})
        finally:
            _within.busy = False
        return result

    _ours.add(seen)
    setattr(owner, name, seen)
    return True


def quietly(budget: Budget, act: Callable[..., Any], *arguments: Any) -> None:
    """Do something that may fail; neither its exceptions nor its warnings are to be seen."""
    start = _clock()
    filters, before = warnings.filters, getattr(_within, "busy", False)
    _within.observing = _within.busy = True
    # not catch_warnings: it would make Python forget which warnings the script has been shown
    warnings.filters = _IGNORE
    try:
        act(*arguments)
    except Exception:  # whatever a script has made of its objects
        budget.failures += 1
    finally:
        warnings.filters, _within.observing, _within.busy = filters, False, before
        budget.spent += _clock() - start


def observing() -> bool:
    """Whether what happens now is our doing, not the script's."""
    return getattr(_within, "observing", False)


def hide_observers(error: BaseException | None) -> None:
    """Take the frames of this module out of the traceback of an exception, and of those before it."""
    done: set[int] = set()
    while error is not None and id(error) not in done:
        done.add(id(error))
        error.__traceback__ = _without_observers(error.__traceback__)
        error = error.__cause__ or error.__context__


def _without_observers(trace: types.TracebackType | None) -> types.TracebackType | None:
    kept = []
    while trace is not None:
        if trace.tb_frame.f_code.co_filename != __file__:
            kept.append(trace)
        trace = trace.tb_next
    for one, following in zip(kept, [*kept[1:], None]):
        one.tb_next = following
    return kept[0] if kept else None
