"""Rule of the contract: a run reaches a line that writes `result.json`, with the keys that are asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from gammapygpt.checks.selection import last_part
from gammapygpt.checks.source import UNKNOWN, Source
from gammapygpt.checks.strings import strings
from gammapygpt.state import Finding

RESULT = "result.json"
WRITES_ARGUMENT = {"write", "savetxt", "dump", "save", "writeto", "atomic_write", "write_json", "tofile"}
"""Functions and methods that write something into a file; only counted where one of the arguments is `result.json`."""
WRITES_RECEIVER = {"write_text", "write_bytes"}
MOVES = {"move", "copy", "copyfile", "copy2", "rename", "replace"}
"""Their second argument is the new name (of methods of a path: the first)."""
REMEDY = 'End with: with open("result.json", "w") as file: json.dump(result, file), in code that is really run.'


def check_output(source: Source, expected_keys: Sequence[str] = ()) -> Iterator[Finding]:
    """That `result.json` is written, and (as a warning) that each key occurs in the script."""
    named = any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and RESULT in node.value
        for node in source.nodes()
    )
    sure, possible, idle = False, False, False
    for call in source.calls():
        targets = written(source, call)
        found = any(is_result(text) for target in targets for text in strings(source, target))
        unknown = any(text.endswith(UNKNOWN) for target in targets for text in strings(source, target))
        if id(call) not in source.reached:
            idle = idle or found
            continue
        sure, possible = sure or found, possible or (unknown and named)
    if not (sure or possible):
        where = "only in code that is never run" if idle else "nowhere into the working folder"
        yield Finding(
            gate="contract",
            kind="contract",
            rule="result-not-written",
            message=f"`result.json` is written {where}.",
            remedy=REMEDY,
        )
    yield from check_keys(source, expected_keys)


def is_result(text: str) -> bool:
    """`result.json`, `./result.json`, `<unknown folder>/result.json`; not one in another folder."""
    folder, _, name = text.rpartition("/")
    return name.lstrip(UNKNOWN) == RESULT and (folder in ("", ".") or UNKNOWN in folder)


def written(source: Source, call: ast.Call) -> list[ast.expr]:
    """Expressions that name the file that a call writes; empty when it writes none."""
    last = last_part(call.func)
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    if last == "open" or source.dotted(call.func) == "builtins.open":
        if not for_writing(source, call, receiver):
            return []
        is_path = receiver is not None and source.dotted(receiver) not in ("io", "codecs", "gzip", "os")
        return [receiver] if is_path and receiver is not None else arguments[:1]
    if last in WRITES_RECEIVER and receiver is not None:
        return [receiver]
    if last in MOVES:
        return arguments[-1:]
    if last == "to_json":
        return arguments[:1]
    if last in WRITES_ARGUMENT or (isinstance(call.func, ast.Name) and call.func.id in source.functions):
        return [argument for argument in arguments if any(is_result(text) for text in strings(source, argument))]
    return []


def for_writing(source: Source, call: ast.Call, receiver: ast.expr | None) -> bool:
    """Whether `open(...)` or `path.open(...)` has a mode that writes, or one that only a run can tell."""
    mode = next((keyword.value for keyword in call.keywords if keyword.arg == "mode"), None)
    if mode is None:
        is_path = receiver is not None and source.dotted(receiver) not in ("io", "codecs", "gzip", "os")
        place = 0 if is_path else 1
        mode = call.args[place] if len(call.args) > place else None
    if mode is None:
        return False
    return any(set(text) & set("wax+\0") for text in strings(source, mode)) or source.dotted(call.func) == "os.open"


def check_keys(source: Source, expected_keys: Sequence[str]) -> Iterator[Finding]:
    """A key that occurs nowhere is most likely forgotten; keys may be made at run time, hence a warning."""
    patterns: set[str] = set()
    words: set[str] = set()
    for node in source.nodes():
        if isinstance(node, ast.JoinedStr | ast.BinOp):
            patterns |= {text for text in strings(source, node) if UNKNOWN in text and text.strip(UNKNOWN)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg:
            words.add(node.arg)
        elif isinstance(node, ast.Name | ast.Attribute):
            words.add(node.id if isinstance(node, ast.Name) else node.attr)
    for key in expected_keys:
        if key not in words and not any(fits(key, pattern) for pattern in patterns):
            yield Finding(
                gate="contract",
                kind="output",
                severity="warning",
                rule="key-not-written",
                message=f"The key `{key}` occurs nowhere in the script.",
                remedy=f"Put `{key}` into result.json.",
                key=key,
            )


def fits(key: str, pattern: str) -> bool:
    """Whether a key can come out of a text with unknown parts."""
    first, *rest = pattern.split(UNKNOWN)
    if not key.startswith(first):
        return False
    place = len(first)
    for part in rest:
        place = key.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return not rest or not rest[-1] or key.endswith(rest[-1])
