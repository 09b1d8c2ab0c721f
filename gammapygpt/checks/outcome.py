"""Gate 3, the form: `result.json` is one flat JSON object that holds the numbers asked for, finite."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gammapygpt.state import Finding, ResultSpec, Severity

RESULT = "result.json"
META = "_meta"
"""The one key that may hold an object."""
DEEPEST = 20
"""Levels of nesting, which only `_meta` needs at all."""
LONGEST_INTEGER = 19
"""Digits and sign; always within 64 bits, which is what checkpoints can hold."""
LARGEST_RESULT = 4_000_000
"""Bytes; a hundred thousand numbers."""


def load_result(path: Path) -> tuple[dict[str, Any], list[Finding]]:
    """Read a script's `result.json`; what is wrong with its form comes back as findings, nothing is raised.

    Parameters
    ----------
    path
        The file, or the workspace that holds it.

    Returns
    -------
    result, findings
        The object (empty when there is none to be used) and the findings, all of kind `output`.
    """
    path = path / RESULT if path.is_dir() else path
    if path.is_symlink() or not path.is_file():
        what = "is a link, not a file" if path.is_symlink() else "is not there"
        return {}, [output("result-missing", f"`{RESULT}` {what}.", f"Write `{RESULT}` into the working folder.")]
    if path.stat().st_size > LARGEST_RESULT:
        return {}, [output("result-too-large", f"`{RESULT}` is too large.", "Write only the numbers asked for.")]
    duplicates: list[str] = []
    try:
        text = path.read_bytes().decode("utf-8")
        loaded = json.loads(text, object_pairs_hook=_noting(duplicates), parse_int=_integer)
        json.dumps(loaded, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        return {}, [output("result-not-json", f"`{RESULT}` is not valid JSON{where}.", "Write it with json.dump.")]
    if depth(loaded) > DEEPEST:
        return {}, [output("too-deep", f"`{RESULT}` is nested too deeply.", "Write plain keys and numbers.")]
    if not isinstance(loaded, dict):
        said = f"`{RESULT}` holds no object."
        return {}, [output("result-not-object", said, "Write one object: {key: value, ...}.")]
    findings = [
        output("duplicate-key", f"The key `{shown(key)}` occurs more than once.", "Write each key once.", key)
        for key in duplicates
    ]
    if not any(key != META for key in loaded):
        findings.append(output("result-empty", f"`{RESULT}` holds no result.", "Write the keys asked for."))
    for key, value in loaded.items():
        findings += _form(key, value)
    return loaded, findings


def output(
    rule: str, message: str, remedy: str, key: str = "", severity: Severity = "error", line: int | None = None
) -> Finding:
    """A finding about the form of the results."""
    return Finding(
        gate="outcome",
        kind="output",
        rule=rule,
        severity=severity,
        message=message,
        remedy=remedy,
        key=shown(key),
        line=line,
    )


def shown(key: str) -> str:
    """A key of the script's own as it may be shown: short, one line, printable."""
    return "".join(letter if letter.isprintable() else "?" for letter in key)[:80]


def _integer(digits: str) -> float:
    """An integer; as a float when it is too long for what keeps results."""
    return int(digits) if len(digits) < LONGEST_INTEGER else float(digits)


def depth(value: Any) -> int:
    """How many objects and lists are within each other."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, level = waiting.pop()
        if isinstance(one, dict | list):
            deepest = max(deepest, level)
            waiting.extend((part, level + 1) for part in (one.values() if isinstance(one, dict) else one))
    return deepest


def _noting(duplicates: list[str]) -> Any:
    """A hook for `json.loads` that remembers the keys that occur twice in one object."""

    def pairs_to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen and key not in duplicates:
                duplicates.append(key)
            seen[key] = value
        return seen

    return pairs_to_dict


def _form(key: str, value: Any) -> list[Finding]:
    """What is wrong with one value, whoever asked for it: not finite is an error, what is no number is a warning."""
    name = shown(key)
    if key == META:
        if isinstance(value, dict) and all(is_finite(number) for number in numbers(value)):
            return []
        text = f"`{META}` is no object, or holds NaN or infinity."
        return [output("meta", text, "Write one object with finite numbers.", key, "warning")]
    if not all(is_finite(number) for number in numbers(value)):
        remedy = "Find out why it could not be computed; never replace it by an invented number."
        return [output("not-finite", f"`{name}` is NaN or infinite.", remedy, key)]
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict | list) for one in value)):
        remedy = f"Put its numbers under keys of their own, or the whole into `{META}`."
        return [output("not-flat", f"`{name}` is not flat.", remedy, key)]
    if value is None or isinstance(value, bool):
        remedy = f"Write a number, or put it into `{META}`."
        return [output("not-a-number", f"`{name}` is no number.", remedy, key, "warning")]
    return []


def numbers(value: Any) -> list[float]:
    """Every number in a value, however nested; booleans are none."""
    found: list[float] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)
        elif is_number(one):
            found.append(one)
    return found


def is_number(value: Any) -> bool:
    """An int or a float; a boolean is no number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_finite(number: float) -> bool:
    """Finite, and within what a float can hold."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def check_result(result: dict[str, Any], wanted: Sequence[ResultSpec]) -> list[Finding]:
    """Whether each result asked for is there, finite and of its type, and its companion `KEY_err`, if any, finite."""
    findings = []
    for spec in wanted:
        if spec.key not in result:
            remedy = f"Write `{spec.key}`{in_unit(spec.unit)} into {RESULT}."
            findings.append(output("key-missing", f"`{spec.key}` is missing from {RESULT}.", remedy, spec.key))
            continue
        findings += _typed(spec, result[spec.key])
        error = result.get(f"{spec.key}_err")
        if f"{spec.key}_err" in result and not all_finite(error):
            text = f"The error of `{spec.key}` is not a finite number."
            remedy = "Check that the fit converged and its covariance was computed."
            findings.append(output("error-not-finite", text, remedy, f"{spec.key}_err"))
    return findings


def in_unit(unit: str) -> str:
    """How a unit is asked for in a sentence."""
    return f" in {unit}" if unit else ""


def all_finite(value: Any) -> bool:
    """A finite number, or a list of nothing else."""
    values = value if isinstance(value, list) and value else [value]
    return all(is_number(one) and is_finite(one) for one in values)


def _typed(spec: ResultSpec, value: Any) -> list[Finding]:
    """A value against the type asked for."""
    key = spec.key
    if not all(is_finite(number) for number in numbers(value)):
        remedy = "Find out why it could not be computed; never replace it by an invented number."
        return [output("not-finite", f"`{key}` is NaN or infinite.", remedy, key)]
    text = isinstance(value, str) and bool(value.strip())
    several = isinstance(value, list) and bool(value) and all(isinstance(one, str) or is_number(one) for one in value)
    number = is_number(value)
    fits = {"str": text, "list": several, "int": number, "float": number, None: text or several or number}
    if not fits[spec.type]:
        asked = {"str": "a string", "list": "a list of numbers or strings", None: "a number, string or list"}
        remedy = f"Write {asked.get(spec.type, 'one plain number')}{in_unit(spec.unit)}."
        return [output("wrong-type", f"`{key}` is not of the type asked for.", remedy, key)]
    if spec.type == "int" and value != int(value):
        return [output("not-an-integer", f"`{key}` is not an integer.", "Write a count.", key, "warning")]
    return []
