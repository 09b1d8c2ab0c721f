"""Reading what a model wrote: fenced blocks, bare Python, JSON objects. Pure functions of text."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[^`]*$")
_THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_THOUGHTS_END = re.compile(r"\A.*?</think(?:ing)?>", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a reply."""

    language: str
    code: str
    closed: bool
    """Its closing fence was there."""


def without_thoughts(text: str) -> str:
    """The reply without the `<think>...</think>` that open-weight reasoning models put before it.

    Some chat templates write the opening tag themselves, so that a reply begins in the middle of a thought.
    """
    if _THOUGHTS.match(text):
        return _THOUGHTS.sub("", text).lstrip("\n")
    return _THOUGHTS_END.sub("", text).lstrip("\n") if "</think" in text else text


def fenced_blocks(text: str) -> list[Block]:
    """All fenced blocks, in order; the last one may lack its closing fence."""
    blocks: list[Block] = []
    language: str | None = None
    lines: list[str] = []
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if language is None:
            if fence:
                language, lines = fence[1].lower(), []
        elif fence and not fence[1]:
            blocks.append(Block(language, "\n".join(lines), closed=True))
            language = None
        else:
            lines.append(line)
    if language is not None:
        blocks.append(Block(language, "\n".join(lines), closed=False))
    return blocks


def longest_python(text: str) -> Block | None:
    """The longest block marked as Python; where none is marked, the longest one without a language."""
    blocks = fenced_blocks(text)
    for languages in ({"python", "py", "python3"}, {""}):
        candidates = [block for block in blocks if block.language in languages and block.code.strip()]
        if candidates:
            return max(candidates, key=lambda block: len(block.code))
    return None


def is_python(text: str) -> bool:
    """Whether the text alone is a Python module with something in it (prose of one word or a bare number is not)."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in body)


def bare_code(code: str) -> str:
    """The source in a `code` field: without a fence around it, and with line breaks that were escaped twice undone."""
    block = longest_python(code) if code.lstrip().startswith("```") else None
    if block:
        code = block.code
    if "\n" not in code and "\\n" in code and not is_python(code):
        unescaped = code.replace("\\n", "\n").replace('\\"', '"').replace("\\t", "\t")
        code = unescaped if is_python(unescaped) else code
    return code


def first_object(text: str, required: list[str] | None = None) -> dict[str, Any] | None:
    """The first JSON object in a text that has the required keys; None if there is none.

    Line breaks inside strings, which small models write, are accepted.
    """
    decoder = json.JSONDecoder(strict=False)
    position = text.find("{")
    while position >= 0:
        try:
            value, _ = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError):
            pass
        else:
            if isinstance(value, dict) and all(key in value for key in required or []):
                return value
        position = text.find("{", position + 1)
    return None
