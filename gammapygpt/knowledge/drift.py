"""API drift: what scripts written for older Gammapy (or out of a model's memory) get wrong, and what to write now."""

from __future__ import annotations

import ast
import functools
import re
from typing import NamedTuple

from gammapygpt.knowledge.changes import REMOVED, Change, Clue, changes, clues_in, keys
from gammapygpt.state import Snippet

SAME, SAME_BUT_NAMES, LIKELY, RELATED = 4, 3, 2, 1
"""How surely a change explains an error: same message; same but for class or number; much alike; a name in common."""


class Failure(NamedTuple):
    """What is known of a failed script."""

    text: str
    clues: tuple[Clue, ...]
    messages: list[str]
    imported: set[str]


def drift_snippet(change: Change, score: float = 0.0) -> Snippet:
    """One change as reference material: what to write, since when, how the old form fails."""
    since = f" Since {change.since_version}." if change.since_version != "-" else ""
    new = "(it was removed; no direct replacement is known)" if change.new == REMOVED else change.new
    text = f"Instead of: {change.old}\nwrite: {new}\nThe old form fails: {change.how_it_fails}.{since}"
    return Snippet(source=f"drift:{change.old}", title=f"{change.old} -> {new}", text=text, score=score)


def drift_hints(error_text: str, script: str, limit: int = 3) -> list[Snippet]:
    """Changes of the API that explain an error, the surest first; for the repair turn.

    Parameters
    ----------
    error_text
        A traceback, its last line, or messages of findings.
    script
        Source of the script that failed; its imports give hints of their own, its names decide between equal messages.
    limit
        Largest number of hints.
    """
    failure = Failure(error_text, clues_in(error_text), messages_in(error_text), imports(script))
    near, far = words(failing_line(error_text, script)), words(script)
    ranked = []
    for change in changes():
        level, own = likeness(change, failure), words(change.old)
        if change.new == REMOVED and level < SAME:
            continue
        if level > RELATED or (level == RELATED and own <= far):
            shared = len(own & far)
            ranked.append(((level, len(own & near), shared / max(len(own), 1), shared), change))
    ranked.sort(key=lambda pair: pair[0], reverse=True)
    return [drift_snippet(change, score=rank[0] + rank[2]) for rank, change in ranked[:limit]]


def likeness(change: Change, failure: Failure) -> int:
    """How well the way in which the old form fails agrees with an error; 0 for not at all."""
    if change.how_it_fails.startswith("SILENT") or imports_another(change, failure):
        return 0
    own = next(iter(clues_in(change.how_it_fails)), None)
    if own is None:
        return max((message_likeness(change.how_it_fails, message) for message in failure.messages), default=0)
    if own in failure.clues:
        return SAME
    if is_imported(own, failure.imported):
        return SAME if own.name in failure.text else RELATED
    level = SAME_BUT_NAMES if is_mentioned(own, failure.text) else 0
    for clue in failure.clues:
        related = bool(camel(clue.owner) & camel(own.owner))
        if clue.kind == own.kind and clue.name == own.name:
            level = max(level, SAME_BUT_NAMES if related else RELATED)
        elif related and clue.name in words(change.old):
            level = max(level, RELATED)
    return level


def imports_another(change: Change, failure: Failure) -> bool:
    """The change is of a module that is gone, or of a name in it, and the script imports others."""
    if not failure.imported or not change.how_it_fails.startswith("ModuleNotFoundError"):
        return False
    gone = [f"{owner}.{name}.".lstrip(".") for _, owner, name in keys(change)]
    return bool(gone) and not any(f"{name}.".startswith(tuple(gone)) for name in failure.imported)


def message_likeness(known: str, message: str) -> int:
    """Likeness of two messages without a clue: the same, the same but for quoted names and numbers, or nearly so."""
    known, message = without_module(known), without_module(message)
    if message.startswith(known.rstrip(". ")):
        return SAME
    known_shape, shape = shape_of(known), shape_of(message)
    if known_shape[:1] != shape[:1] or len(known_shape) < 3:
        return 0
    if known_shape == shape:
        return SAME_BUT_NAMES
    common, union = set(known_shape) & set(shape), set(known_shape) | set(shape)
    return LIKELY if len(common) > 0.6 * len(union) else 0


def messages_in(text: str) -> list[str]:
    """Lines of the form `ExceptionClass: message`."""
    return [line.strip() for line in text.splitlines() if re.match(r"\s*[\w.]+(Error|Exception|Warning): ", line)]


def without_module(message: str) -> str:
    """`astropy.units.UnitConversionError: ...` as `UnitConversionError: ...`."""
    return re.sub(r"^[\w.]*\.(?=\w+: )", "", message)


@functools.lru_cache(maxsize=4096)
def shape_of(message: str) -> tuple[str, ...]:
    """Words of a message without what changes from script to script: quoted names, numbers, addresses."""
    text = re.sub(r"(?<!\w)'[^']*'|\"[^\"]*\"|0x[0-9a-f]+|\d+", " ", message)
    return tuple(re.findall(r"[A-Za-z_`<>]+", text))


@functools.lru_cache(maxsize=4096)
def camel(name: str) -> set[str]:
    """The parts of a dotted CamelCase name: related classes share some."""
    return set(re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]{3,}", name.replace("__init__", "")))


@functools.lru_cache(maxsize=4096)
def words(source: str) -> set[str]:
    """Identifiers in a piece of source, those of English sentences included."""
    return set(re.findall(r"[A-Za-z_]\w{2,}", source)) - {"import", "from"}


def failing_line(error_text: str, script: str) -> str:
    """The script's line that a traceback names last."""
    lines, numbers = script.splitlines(), re.findall(r"\bline (\d+)", error_text)
    number = int(numbers[-1]) if numbers else 0
    return lines[number - 1] if 0 < number <= len(lines) else ""


def imports(script: str) -> set[str]:
    """Dotted names that a script imports; nothing of a script that does not parse."""
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def is_mentioned(clue: Clue, text: str) -> bool:
    """The text names the thing as code, and its owner or a relative: findings of gate 1 do so in words of their own."""
    if clue.name not in text:
        return False
    name = re.escape(clue.name)
    as_code = re.search(rf"[`'\".]{name}\b|\b{name}=", text)
    return bool(as_code and clue.owner and camel(clue.owner) & camel(text))


def is_imported(clue: Clue, imported: set[str]) -> bool:
    """The script imports the very thing (or something below the module) that the clue says is gone."""
    gone = {"module": clue.name, "import": f"{clue.owner}.{clue.name}"}.get(clue.kind)
    return gone is not None and any(f"{name}.".startswith(f"{gone}.") for name in imported)
