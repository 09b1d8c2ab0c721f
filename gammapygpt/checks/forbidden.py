"""Rules of the contract about calls: no display, network, processes, installs, hidden code, bare except."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from gammapygpt.checks.source import DYNAMIC_IMPORTS, Source
from gammapygpt.checks.strings import strings
from gammapygpt.state import Finding, Severity


class Rule(NamedTuple):
    """What a forbidden thing is called, why it is forbidden, and what to do instead."""

    name: str
    reason: str
    remedy: str


DISPLAY = Rule("interactive-display", "needs a display, and there is none", "Remove it; save figures with savefig.")
NOTEBOOK = Rule("notebook-display", "is of no use outside a notebook", "Print values, and save figures with savefig.")
INPUT = Rule("interactive-input", "waits for a user, and there is none", "Write the value into the script.")
NETWORK = Rule("network", "uses the network, and there is none", "Use the local data and literal coordinates.")
PROCESS = Rule("process", "starts or steers other processes", "Do the work in this script, in Python.")
INSTALL = Rule("install", "installs software", "Use what is installed; nothing can be added.")
HIDDEN = Rule("hidden-code", "runs code that is made at run time", "Write the code out plainly.")

MODULES: dict[str, Rule] = {
    **dict.fromkeys(("tkinter", "webbrowser", "turtle"), DISPLAY),
    **dict.fromkeys(("IPython", "ipywidgets"), NOTEBOOK),
    **dict.fromkeys(("socket", "socketserver", "ssl", "ftplib", "smtplib", "poplib", "imaplib", "nntplib"), NETWORK),
    **dict.fromkeys(("telnetlib", "xmlrpc", "urllib.request", "http.client", "http.server", "wget"), NETWORK),
    **dict.fromkeys(("requests", "httpx", "aiohttp", "urllib3", "websockets", "paramiko", "pycurl"), NETWORK),
    **dict.fromkeys(("astroquery", "pyvo", "gammapy.scripts.download"), NETWORK),
    **dict.fromkeys(("subprocess", "pty", "pexpect", "sh", "ctypes", "cffi", "_posixsubprocess"), PROCESS),
    **dict.fromkeys(("pip", "ensurepip", "conda", "venv"), INSTALL),
    **dict.fromkeys(("code", "codeop", "runpy"), HIDDEN),
}
CALLS: dict[str, Rule] = {
    **dict.fromkeys(("matplotlib.pyplot.show", "matplotlib.pyplot.pause", "matplotlib.pyplot.ginput"), DISPLAY),
    **dict.fromkeys(("matplotlib.pyplot.waitforbuttonpress", "pylab.show"), DISPLAY),
    "builtins.input": INPUT,
    **dict.fromkeys(("astropy.coordinates.SkyCoord.from_name", "astropy.utils.data.download_file"), NETWORK),
    **dict.fromkeys(("astropy.coordinates.get_icrs_coordinates", "asyncio.open_connection"), NETWORK),
    "astropy.utils.data.download_files_in_parallel": NETWORK,
    "astropy.coordinates.EarthLocation.of_address": NETWORK,
    **dict.fromkeys(("os.system", "os.popen", "os.fork", "os.forkpty", "os.kill", "os.killpg"), PROCESS),
    **dict.fromkeys(("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"), PROCESS),
    **dict.fromkeys(("builtins.eval", "builtins.exec", "builtins.compile"), HIDDEN),
}
PREFIXES = {"os.exec": PROCESS, "os.spawn": PROCESS, "os.posix_spawn": PROCESS}
DISPLAY_METHODS = {"show", "peek", "plot_interactive", "show_in_browser", "show_in_notebook"}
FILE_BACKENDS = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}
"""Backends of matplotlib that draw into files."""
URLS = ("http://", "https://", "ftp://")
OPENERS = {"open", "read", "read_csv", "read_table", "read_json", "read_html", "from_dir", "urlopen", "urlretrieve"}
"""Last part of the names of functions that take a file name or a URL."""


def check_forbidden(source: Source) -> Iterator[Finding]:
    """Everything in a script that the contract rules out by name."""
    for node in source.nodes():
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from forbidden_module(alias.name, node)
        elif isinstance(node, ast.ImportFrom):
            yield from forbidden_from(node)
        elif isinstance(node, ast.Call):
            yield from forbidden_call(source, node)
        elif isinstance(node, ast.ExceptHandler):
            yield from swallowed(source, node)


def breach(rule: Rule, what: str, node: ast.AST, severity: Severity = "error") -> Finding:
    """A finding against the contract at a node."""
    return Finding(
        gate="contract",
        kind="contract",
        severity=severity,
        rule=rule.name,
        message=f"`{what}` {rule.reason}.",
        remedy=rule.remedy,
        line=getattr(node, "lineno", None),
    )


def module_rule(name: str) -> Rule | None:
    """The rule against a module or one of its parents."""
    parts = name.split(".")
    return next((MODULES[head] for n in range(len(parts), 0, -1) if (head := ".".join(parts[:n])) in MODULES), None)


def forbidden_module(name: str, node: ast.AST) -> Iterator[Finding]:
    """An import of a module that the contract rules out."""
    if rule := module_rule(name):
        yield breach(rule, name, node, "warning" if rule is NOTEBOOK else "error")


def forbidden_from(node: ast.ImportFrom) -> Iterator[Finding]:
    """`from urllib import request`, `from os import system`."""
    for alias in node.names:
        if node.level == 0:
            yield from forbidden_module(f"{node.module}.{alias.name}", node)


def forbidden_call(source: Source, node: ast.Call) -> Iterator[Finding]:
    """A call of something that shows, connects, starts, installs or evaluates."""
    name = source.dotted(node.func)
    if name in DYNAMIC_IMPORTS:
        yield from dynamic_import(source, node)
    elif name in ("matplotlib.use", "matplotlib.pyplot.switch_backend"):
        yield from backend(source, node, name)
    elif rule := CALLS.get(name) or next((rule for head, rule in PREFIXES.items() if name.startswith(head)), None):
        yield breach(rule, readable(name), node)
    elif isinstance(node.func, ast.Attribute) and node.func.attr in DISPLAY_METHODS:
        if not defined_in_script(source, node.func.attr):
            yield breach(DISPLAY, f".{node.func.attr}()", node)
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "from_name" and name.endswith("SkyCoord.from_name"):
        yield breach(NETWORK, "SkyCoord.from_name", node)
    elif (rule := module_rule(name)) and not any(module_rule(module) for module in parents(name, source)):
        yield breach(rule, readable(name), node)
    yield from url(source, node)


def readable(name: str) -> str:
    """A dotted name as people write it."""
    return name.removeprefix("builtins.")


def parents(name: str, source: Source) -> Iterator[str]:
    """Imported modules (or names of modules) to which a dotted name belongs; their import is judged on its own line."""
    return (module for module in source.imports.values() if name == module or name.startswith(f"{module}."))


def defined_in_script(source: Source, method: str) -> bool:
    """Whether the script itself defines a function or method of that name."""
    return method in source.functions


def dynamic_import(source: Source, node: ast.Call) -> Iterator[Finding]:
    """`__import__("subprocess")`: judged as the import that it is; a computed name is not let through."""
    name = source.text(node.args[0]) if node.args else None
    if name is None:
        yield breach(HIDDEN, "import of a computed name", node)
    else:
        yield from forbidden_module(name, node)


def backend(source: Source, node: ast.Call, name: str) -> Iterator[Finding]:
    """A backend of matplotlib that opens windows."""
    argument = node.args[0] if node.args else next((k.value for k in node.keywords), None)
    chosen = source.text(argument)
    if chosen is not None and chosen.casefold() not in FILE_BACKENDS:
        yield breach(DISPLAY, f"{name}({chosen[:40]!r})", node)


def url(source: Source, node: ast.Call) -> Iterator[Finding]:
    """A file function that is given a web address."""
    last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if last in OPENERS and node.args:
        address = next((text for text in strings(source, node.args[0]) if text.startswith(URLS)), None)
        if address is not None:
            yield breach(NETWORK, f"{last}() of a web address", node)


def swallowed(source: Source, node: ast.ExceptHandler) -> Iterator[Finding]:
    """`except:` is an error; `except Exception: pass` hides one, and is a warning."""
    if node.type is None:
        rule = Rule("bare-except", "hides every error, even an interrupt", "Name the exception, or remove the try.")
        yield breach(rule, "except:", node)
        return
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    names = {source.dotted(kind) for kind in caught}
    silent = all(isinstance(step, ast.Pass | ast.Continue) or is_constant(step) for step in node.body)
    if silent and names & {"builtins.Exception", "builtins.BaseException"}:
        rule = Rule("swallowed-exception", "hides the reason of a failure", "Let the error come out.")
        yield breach(rule, "except Exception: pass", node, "warning")


def is_constant(step: ast.stmt) -> bool:
    """`...` or a string that stands alone."""
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)
