"""A reply put together from its stream, within bounds: what a server sends for ever is not read for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gammapygpt.llm.accounting import told_usage
from gammapygpt.llm.address import Screen
from gammapygpt.llm.repetition import Circles
from gammapygpt.state import Usage

CIRCLES, ENDLESS, LATE = "circles", "endless", "late"
"""Why we stopped reading, beside the reasons that servers give: see `repetition.py`; longer than it may be; the time of
the run was over."""
CUT = {
    "length": "The token limit cut the reply off",
    CIRCLES: "The reply was cut off because it said the same over and over,",
    ENDLESS: "The reply was cut off because it was far longer than max_output_tokens,",
    LATE: "The reply was cut off because the time of the run (budget.wall_s) was over",
}
LONGEST_TOKEN = 16
"""Characters that a token has at the most, on average over a reply; four is usual."""
LONGEST_NAME = 200
"""Kept of what a server calls itself, in characters."""


class StreamBroke(Exception):
    """The connection ended, or made no sense, before the reply was complete; says how, to go into a sentence."""


@dataclass
class Answer:
    """A whole reply, put together from its stream."""

    text: str = ""
    arguments: str = ""
    """Of the first tool call, raw JSON."""
    tool: str = ""
    """Name of the tool that is called."""
    other_tool: bool = False
    """It is not the one that was asked for."""
    finish: str = ""
    """`stop`, `length`, `tool_calls`, `content_filter`, or one of ours."""
    refusal: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)

    @property
    def cut(self) -> bool:
        """It ended before its end."""
        return self.finish in CUT

    @property
    def why_cut(self) -> str:
        """What cut it off."""
        return CUT[self.finish]


@dataclass(frozen=True)
class Bounds:
    """Of one reply."""

    characters: int
    """Of all that it writes, thoughts and arguments included."""
    until: float
    """On the clock `time.monotonic`."""

    @classmethod
    def of(cls, tokens: int, seconds: float) -> Bounds:
        """Those of a reply of so many tokens that may take so long, in s."""
        return cls(LONGEST_TOKEN * tokens, time.monotonic() + seconds)


def collected(chunks: Iterable[Any], screen: Screen, bounds: Bounds, alive: Callable[[], None]) -> Answer:
    """The whole reply, or as much of it as the bounds allow.

    Parameters
    ----------
    chunks : iterable
        As langchain yields them.
    screen : Screen
        Shown each piece of text.
    bounds : Bounds
        Where reading stops.
    alive : callable
        Called whenever the server says something; keeping a connection open is saying nothing.

    Raises
    ------
    StreamBroke
        Before the reply was complete.
    """
    answer, call, circles, read = Answer(), _Call(), Circles(), 0
    try:
        for chunk in chunks:
            said = chunk.additional_kwargs.get("characters", 0)
            read += said
            if _take(chunk, answer, call, screen) or said:
                alive()
            if stopped := _stopped(answer, circles, read, bounds):
                answer.finish = stopped
                break
    except StreamBroke:
        if not answer.finish:
            raise
    screen.end()
    if not answer.finish:
        raise StreamBroke("it ended in the middle")
    answer.tool = call.name
    for name in ("text", "arguments", "tool", "refusal", "model"):
        setattr(answer, name, whole(getattr(answer, name)))
    return answer


def _take(chunk: Any, answer: Answer, call: _Call, screen: Screen) -> bool:
    """Put a chunk to the answer; whether it says anything about it."""
    for part in getattr(chunk, "tool_call_chunks", None) or []:
        answer.arguments += call.taken(part)
        screen.show(showable(_text(part["args"])))
    if isinstance(chunk.content, str) and chunk.content:
        answer.text += chunk.content
        screen.show(showable(chunk.content))
    answer.refusal += _text(chunk.additional_kwargs.get("refusal"))
    finish, usage = _text(chunk.response_metadata.get("finish_reason")), told_usage(chunk.usage_metadata)
    answer.finish = finish or answer.finish
    answer.model = _text(chunk.response_metadata.get("model_name"))[:LONGEST_NAME] or answer.model
    # some servers repeat a running total in every chunk: the last one counts, not their sum
    answer.usage = usage or answer.usage
    return bool(finish or usage)


def _stopped(answer: Answer, circles: Circles, read: int, bounds: Bounds) -> str:
    if circles.seen_in(answer.text):
        return CIRCLES
    if read > bounds.characters:
        return ENDLESS
    return LATE if time.monotonic() > bounds.until else ""


class _Call:
    """The first tool call; what belongs to another one is left out, also where a server does not number them."""

    def __init__(self) -> None:
        self.name = ""
        self._first: tuple[Any, Any] | None = None
        self._ours = True

    def taken(self, part: dict[str, Any]) -> str:
        """The arguments in a part, where it is one of the first call."""
        index, identity = part["index"], part["id"]
        if self._first is None:
            self._first = index, identity
        elif index != self._first[0]:
            self._ours = False
        elif identity and self._first[1]:
            self._ours = identity == self._first[1]
        elif index is not None:
            self._ours = True
        if not self._ours:
            return ""
        self.name = self.name or _text(part["name"])[:LONGEST_NAME]
        return _text(part["args"])


def _text(value: Any) -> str:
    # an object where its text is asked for: some servers send the arguments of a tool so
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)


def whole(text: str) -> str:
    """A text that can be written down: halves of characters that came apart put together, lone ones replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def showable(piece: str) -> str:
    """The same for a piece, whose missing half is still to come."""
    return piece.encode("utf-8", "replace").decode("utf-8")
