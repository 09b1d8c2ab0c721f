"""What a model can do beyond prose: set in the settings, or found out once by three tiny questions and remembered."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from gammapygpt.cache import cache_folder
from gammapygpt.llm import forms, reading
from gammapygpt.llm.address import endpoint
from gammapygpt.llm.faults import RefusedRequest, ServerFault
from gammapygpt.llm.stream import Answer
from gammapygpt.llm.wire import Wire
from gammapygpt.private import private_folder
from gammapygpt.settings import Ability, BackendSettings
from gammapygpt.state import Usage

PROBE_TOKENS = 160
"""Enough for each answer; a model that cannot call tools often runs on to the limit, so it is small."""

_SUM_SCHEMA: dict[str, Any] = {
    "title": "report_sum",
    "type": "object",
    "properties": {"sum": {"type": "integer"}, "parity": {"type": "string", "enum": ["odd", "even"]}},
    "required": ["sum", "parity"],
    "additionalProperties": False,
}
_SUM_REQUEST = [{"role": "user", "content": "What is 3 + 4, and is that odd or even?"}]
_CODE_REQUEST = [
    {"role": "user", "content": "Write one line of Python that prints the sum of 3 and 4. One fenced block, no prose."},
    {"role": "assistant", "content": "```python\n"},
]


def known(settings: BackendSettings) -> frozenset[str] | None:
    """What is set, or remembered from an earlier probe; None if the model has yet to be asked."""
    if settings.abilities != "probe":
        return frozenset(settings.abilities)
    try:
        remembered = json.loads(_file(settings).read_text(encoding="utf-8"))["abilities"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return frozenset(remembered) & frozenset(get_args(Ability))


def probed(wire: Wire) -> tuple[frozenset[str], Usage]:
    """Ask for a tool call, for an object of a given schema and for the rest of a fenced block; remember the outcome.

    A form that the server refuses, or that it fails at again and again, is one that the model cannot do. If the server
    answers none of the questions, nothing is remembered.

    Returns
    -------
    abilities : frozenset of str
        Of `tools`, `json_schema`, `prefill`.
    usage : Usage
        What the questions cost.

    Raises
    ------
    InfrastructureError, UserError
        As `Wire.send`, for all that has nothing to do with the form.
    """
    questions: dict[str, tuple[dict[str, Any], Callable[[Answer], bool]]] = {
        "tools": (
            {"messages": _SUM_REQUEST, "tool": forms.tool(_SUM_SCHEMA)},
            lambda answer: _right_sum(answer.arguments),
        ),
        "json_schema": (
            {"messages": _SUM_REQUEST, "response_format": forms.response_format(_SUM_SCHEMA)},
            lambda answer: _right_sum(reading.without_thoughts(answer.text)),
        ),
        "prefill": ({"messages": _CODE_REQUEST, "stop": [forms.STOP]}, lambda answer: _continued(answer.text)),
    }
    can, usage, answered = set(), Usage(), False
    for ability, (request, conforms) in questions.items():
        try:
            answer, spent = _asked(wire, request)
        except (RefusedRequest, ServerFault):
            continue
        answered, usage = True, usage + spent
        if conforms(answer):
            can.add(ability)
    if answered:
        _remember(wire.settings, can)
    return frozenset(can), usage


def _asked(wire: Wire, request: dict[str, Any]) -> tuple[Answer, Usage]:
    limit = min(PROBE_TOKENS, wire.settings.max_output_tokens)
    answer = wire.send(**request, limit=limit)
    thinking = answer.usage.reasoning_tokens or answer.text.lstrip().startswith("<think") or not answer.text
    if answer.cut and thinking and not answer.arguments:
        # a reasoning model that was still thinking: that says nothing about the form
        longer = wire.send(**request)
        return longer, answer.usage + longer.usage
    return answer, answer.usage


def _right_sum(text: str) -> bool:
    # the keys and types are what is asked about, not the arithmetic
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict) and set(value) == {"sum", "parity"} and isinstance(value["sum"], int)


def _continued(text: str) -> bool:
    return "```" not in text and "print" in text and reading.is_python(text)


def _file(settings: BackendSettings) -> Path:
    digest = hashlib.sha256(f"{settings.base_url}\n{settings.model}".encode()).hexdigest()[:16]
    return cache_folder() / "abilities" / f"{digest}.json"


def _remember(settings: BackendSettings, can: set[str]) -> None:
    file = _file(settings)
    record = {"endpoint": endpoint("", settings), "model": settings.model, "abilities": sorted(can)}
    temporary = file.with_suffix(f".{os.getpid()}.tmp")
    # a cache that cannot be written costs three tiny questions next time, and no more
    with contextlib.suppress(OSError):
        private_folder(file.parent)
        temporary.write_text(json.dumps(record), encoding="utf-8")
        temporary.replace(file)
