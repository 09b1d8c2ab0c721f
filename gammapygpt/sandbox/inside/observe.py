"""Sees how a script ends: its exception and line, Gammapy's deprecation warnings, the figures left open.

Runs inside the sandbox, in the script's own process: what it reports is a convenience, never evidence.
"""

from __future__ import annotations

import errno
import fcntl
import functools
import json
import os
import resource
import socket
import sys
import traceback
import types
import warnings
from typing import Any

import wrapping  # type: ignore[import-not-found]

_dumps = json.dumps
MAX_TEXT = 4000
MAX_WARNINGS = 50
MAX_FIGURES = 20

_script = ""
_deprecations: dict[str, None] = {}
_figures: list[str] = []


def high_descriptor(fd: int) -> int:
    """The same open file under a number that nobody closes by habit; not inherited by programs that are started."""
    lowest = min(900, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 8)
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
    os.close(fd)
    return high


def watch_deprecations() -> None:
    """Note each GammapyDeprecationWarning, even where the script silences warnings."""
    warn = warnings.warn

    def noting(message: Any, category: Any = None, stacklevel: int = 1, source: Any = None, **more: Any) -> None:
        kind = type(message) if isinstance(message, Warning) else category
        of_gammapy = getattr(kind, "__name__", "") == "GammapyDeprecationWarning" and not wrapping.observing()
        if of_gammapy and len(_deprecations) < MAX_WARNINGS:
            _deprecations[f"line {_line_of_script() or '?'}: {message}"[:500]] = None
        warn(message, category, stacklevel + 1, source, **more)

    warnings.warn = noting


def _line_of_script() -> int | None:
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == _script:
            return frame.f_lineno
        frame = frame.f_back
    return None


def forget_deprecations() -> None:
    """What the imports of a warm worker warned about is not the script's."""
    _deprecations.clear()


def tolerate_fixed_modes(folders: list[str]) -> None:
    """Where the kernel is told to refuse every change of modes and times, copying files must not fail for it."""

    def tolerant(function: Any) -> Any:
        @functools.wraps(function)
        def quiet(path: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return function(path, *args, **kwargs)
            except PermissionError:
                if isinstance(path, int) or not os.path.realpath(path).startswith(tuple(folders)):
                    raise

        return quiet

    os.chmod, os.utime = tolerant(os.chmod), tolerant(os.utime)


def watch_pyplot() -> None:
    """There is no display: `pyplot.show()` saves the open figures and closes them."""

    def replace_show(module: Any) -> None:
        module.show = _save_and_close

    wrapping.when_imported("matplotlib.pyplot", replace_show)


def _save_and_close(*args: Any, **kwargs: Any) -> None:
    save_figures()
    sys.modules["matplotlib.pyplot"].close("all")


def save_figures() -> list[str]:
    """Save what is still open as figure-N.png in the working folder; returns the names saved so far."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    for number in list(getattr(pyplot, "get_fignums", list)()):
        name = f"figure-{len(_figures) + 1}.png"
        if len(_figures) >= MAX_FIGURES:
            break
        try:
            pyplot.figure(number).savefig(name)
        except Exception as error:
            print(f"{name} could not be drawn: {error}", file=sys.stderr)
        else:
            _figures.append(name)
    return list(_figures)


def run_as_main(source: bytes, path: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """Compile and execute; returns what the report says, with the exit code that plain Python would give."""
    global _script
    _script = path
    outcome: dict[str, Any] = {"exit_code": 0, "exception": "", "message": "", "traceback": "", "line": None}
    outcome["limit"] = None
    before = _cpu_seconds()
    try:
        try:
            code = compile(source, path, "exec", dont_inherit=True)
        except ValueError as error:  # null bytes, before Python 3.12
            raise SyntaxError(str(error)) from None
        exec(code, namespace)
    except SystemExit as error:
        _note_exit(outcome, error)
    except BaseException as error:
        error.__traceback__ = _from_script_on(error.__traceback__)
        wrapping.hide_observers(error)
        outcome["error"] = error
        outcome["exit_code"] = 1
    outcome["cpu_s"] = _cpu_seconds() - before
    failure = outcome.get("error")
    if failure is not None and not isinstance(failure, SystemExit):
        sys.excepthook(type(failure), failure, failure.__traceback__)
    return outcome


def _cpu_seconds() -> float:
    usages = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _note_exit(outcome: dict[str, Any], error: SystemExit) -> None:
    code = error.code
    if code is None or code == 0:
        return
    outcome["error"] = error
    error.__traceback__ = _from_script_on(error.__traceback__)
    outcome["exit_code"] = code & 0xFF if isinstance(code, int) else 1
    if not isinstance(code, int):
        print(code, file=sys.stderr)


def _from_script_on(trace: types.TracebackType | None) -> types.TracebackType | None:
    """The traceback without the frames of this program."""
    while trace is not None and trace.tb_frame.f_code.co_filename != _script:
        trace = trace.tb_next
    return trace


def _describe(outcome: dict[str, Any]) -> None:
    error = outcome.pop("error", None)
    if error is None:
        return
    kind = type(error)
    module = kind.__module__
    outcome["exception"] = kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"
    outcome["limit"] = _limit_behind(error)
    try:
        outcome["message"] = str(error)[:MAX_TEXT]
    except Exception as second:
        outcome["message"] = f"(no message: {type(second).__name__})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == _script]
    outcome["line"] = own[-1].lineno if own else None
    if isinstance(error, SyntaxError) and not own:
        outcome["line"] = error.lineno
        outcome["message"] = (error.msg or "")[:MAX_TEXT]
    outcome["traceback"] = _compact(error, own, frames)


def _compact(error: BaseException, own: list[traceback.FrameSummary], frames: list[traceback.FrameSummary]) -> str:
    lines = [f"line {frame.lineno}, in {frame.name}: {frame.line}" for frame in own[-8:]]
    if frames and frames[-1].filename != _script:
        last = frames[-1]
        place = last.filename.rpartition("/site-packages/")[2] or last.filename
        lines.append(f"raised in {place}:{last.lineno}, in {last.name}")
    lines += [line.rstrip() for line in traceback.format_exception_only(type(error), error)]
    return "\n".join(lines)[-MAX_TEXT:]


def _limit_behind(error: BaseException) -> str | None:
    """The limit of the sandbox that an exception speaks of, if any."""
    if isinstance(error, MemoryError):
        return "memory"
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and number in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT):
        return "disk"
    if isinstance(error, BlockingIOError) or (isinstance(error, RuntimeError) and "start new thread" in str(error)):
        return "processes"
    return None


def send(report: socket.socket, outcome: dict[str, Any]) -> None:
    """The report, as one line of JSON; the script may have closed the way for it."""
    try:
        _describe(outcome)
        outcome["warnings"] = list(_deprecations)
        report.settimeout(5)
        # on a line of its own, whatever a script has written before it
        report.sendall(b"\n" + _dumps(outcome).encode() + b"\n")
    except Exception as error:
        print(f"no report of the script's end: {error}", file=sys.stderr)


def leave(outcome: dict[str, Any]) -> None:
    """End as plain Python would: threads are joined, `atexit` functions called."""
    sys.exit(outcome["exit_code"])
