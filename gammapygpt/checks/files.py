"""Rules of the contract about files: data only through PHOTON_STORAGE or GAMMAPY_DATA, nothing by absolute path."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gammapygpt.checks.selection import last_part
from gammapygpt.checks.source import Source
from gammapygpt.checks.strings import VARIABLES, strings, through_variable
from gammapygpt.state import Finding

REMEDY = 'Start from os.environ["GAMMAPY_DATA"], or give Gammapy "$GAMMAPY_DATA/..."; write into the working folder.'
OPENERS = {
    *("open", "read", "read_csv", "read_table", "read_json", "load", "loadtxt", "genfromtxt", "fromfile", "imread"),
    *("from_dir", "from_file", "from_events_files", "load_irf_dict_from_file", "make_path", "getdata", "getheader"),
    *("Path", "PurePath", "listdir", "scandir", "walk", "chdir", "glob", "iglob", "rglob", "makedirs", "mkdir"),
    *("savefig", "save", "savez", "savetxt", "to_csv", "to_json", "writeto", "exists", "isfile", "isdir"),
    *("copy", "copy2", "copyfile", "copytree", "move", "rename", "replace", "joinpath"),
}
"""Last part of the names of functions whose first argument is a path."""
BY_MODULE = {"copy": "shutil.", "move": "shutil.", "rename": "os.", "replace": "os.", "walk": "os.", "exists": "os."}
"""Openers that only count as functions of one module, because other things have methods of that name."""
PATH_KEYWORDS = {"filename", "file_name", "path", "base_dir", "data_dir", "datastore", "hdu_table_filename"}
STORES = (
    "gammapy.data.DataStore.from_dir",
    "gammapy.data.DataStore.from_file",
    "gammapy.data.DataStore.from_events_files",
    "gammapy.data.EventList.read",
    "gammapy.data.Observation.read",
    "gammapy.data.ObservationTable.read",
    "gammapy.irf.load_irf_dict_from_file",
)
"""What opens observations or their response: data that a script cannot have made, unless it writes files itself."""
WRITERS = {"write", "writeto", "to_fits", "copytree", "copy", "symlink", "symlink_to"}
HARMLESS = ("/dev/null",)


def check_files(source: Source) -> Iterator[Finding]:
    """Every path that leaves the working folder and the data folder, and data opened without either variable."""
    for node in source.nodes():
        if isinstance(node, ast.Call):
            yield from opened(source, node)
            yield from home(source, node)
            yield from changed_by_call(source, node)
        elif isinstance(node, ast.Assign):
            yield from changed(source, node)
            yield from configured(source, node)
    yield from without_variable(source)


def file_finding(rule: str, message: str, node: ast.AST | None) -> Finding:
    """An error about where files are."""
    line = getattr(node, "lineno", None)
    return Finding(gate="contract", kind="contract", rule=rule, message=message, remedy=REMEDY, line=line)


def is_absolute(text: str) -> bool:
    """`/home/me/x`, `~/x`, `C:\\x`, `file:///x`; not a text that merely begins with a slash."""
    if text.startswith(HARMLESS) or len(text.split("\n")) > 1:
        return False
    drive = len(text) > 2 and text[0].isascii() and text[0].isalpha() and text[1] == ":" and text[2] in "\\/"
    rooted = text.startswith("/") and (text == "/" or text[1].isalnum() or text[1] in "._\0")
    return drive or rooted or text == "~" or text.startswith(("~/", "file:/"))


def absolute(source: Source, node: ast.expr) -> bool:
    """Whether an expression is an absolute path that does not come from a data variable."""
    return any(is_absolute(text) for text in strings(source, node)) and not through_variable(source, node)


def opened(source: Source, node: ast.Call) -> Iterator[Finding]:
    """An absolute path given to something that opens, lists or writes files."""
    last, name = last_part(node.func), source.dotted(node.func)
    opens = last in OPENERS and (last not in BY_MODULE or name.startswith((BY_MODULE[last], "pathlib")))
    opens = opens or (last.startswith("SourceCatalog") and name.startswith("gammapy.catalog"))
    writes = last == "write" and any(k.arg in ("overwrite", "sed_type", "format") for k in node.keywords)
    candidates = [*node.args[:1]] if opens or writes or name == "os.path.join" else []
    if not node.args:
        candidates += [keyword.value for keyword in node.keywords if keyword.arg in PATH_KEYWORDS]
    if any(absolute(source, candidate) for candidate in candidates):
        yield file_finding("absolute-path", f"`{last}` is given an absolute path, valid on one machine only.", node)


def home(source: Source, node: ast.Call) -> Iterator[Finding]:
    """`expanduser` and `Path.home`, unless they are the fallback of a data variable."""
    last, name = last_part(node.func), source.dotted(node.func)
    if name in ("pathlib.Path.home", "os.path.expanduser"):
        subject: ast.AST | None = node.args[0] if node.args else None
    elif last == "expanduser" and isinstance(node.func, ast.Attribute):
        subject = node.func.value
    else:
        return
    if not through_variable(source, subject) and not is_fallback(source, node):
        yield file_finding("home-folder", f"`{last}` leads to a home folder, and there is none.", node)


def is_fallback(source: Source, wanted: ast.AST) -> bool:
    """Whether an expression only counts when a data variable is not set: `os.environ.get("GAMMAPY_DATA", wanted)`."""
    for node in source.nodes():
        lookup = isinstance(node, ast.BoolOp | ast.IfExp) or (
            isinstance(node, ast.Call) and last_part(node.func) in ("get", "getenv", "setdefault")
        )
        if lookup and through_variable(source, node) and any(part is wanted for part in ast.walk(node)):
            return True
    return False


def is_variable(source: Source, node: ast.AST) -> bool:
    """Whether an expression is the name of a data variable."""
    return bool(strings(source, node) & set(VARIABLES))


def changed(source: Source, node: ast.Assign) -> Iterator[Finding]:
    """`os.environ["GAMMAPY_DATA"] = "/somewhere"`; to copy one variable to the other is fine."""
    for target in node.targets:
        if (
            isinstance(target, ast.Subscript)
            and source.dotted(target.value) == "os.environ"
            and is_variable(source, target.slice)
            and not through_variable(source, node.value)
        ):
            yield file_finding("data-variable-changed", "The script changes where the data are said to be.", node)


def changed_by_call(source: Source, node: ast.Call) -> Iterator[Finding]:
    """`os.environ.update(GAMMAPY_DATA=...)`, `os.putenv("GAMMAPY_DATA", ...)`."""
    name = source.dotted(node.func)
    values: list[ast.expr] = []
    if name == "os.putenv" and len(node.args) > 1 and is_variable(source, node.args[0]):
        values = [node.args[1]]
    elif name == "os.environ.update":
        values = [keyword.value for keyword in node.keywords if keyword.arg in VARIABLES]
        for argument in node.args:
            if isinstance(argument, ast.Dict):
                pairs = zip(argument.keys, argument.values, strict=True)
                values += [value for key, value in pairs if key is not None and is_variable(source, key)]
    if any(not through_variable(source, value) for value in values):
        yield file_finding("data-variable-changed", "The script changes where the data are said to be.", node)


def configured(source: Source, node: ast.Assign) -> Iterator[Finding]:
    """`config.observations.datastore = "/somewhere"`."""
    for target in node.targets:
        if isinstance(target, ast.Attribute) and target.attr in PATH_KEYWORDS and absolute(source, node.value):
            yield file_finding(
                "absolute-path", f"`.{target.attr}` is an absolute path, valid on one machine only.", node
            )


def without_variable(source: Source) -> Iterator[Finding]:
    """Observations opened by a script that names neither variable, and has not written them itself."""
    calls = list(source.calls())
    if through_variable(source, source.tree) or any(last_part(call.func) in WRITERS for call in calls):
        return
    store = next((call for call in calls if source.dotted(call.func) in STORES), None)
    if store is not None and not any(absolute(source, argument) for argument in store.args):
        text = f"`{last_part(store.func)}` reads data, but neither PHOTON_STORAGE nor GAMMAPY_DATA is used."
        yield file_finding("data-variable-missing", text, store)
