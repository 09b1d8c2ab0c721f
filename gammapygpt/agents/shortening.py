"""What of a prompt gives way where a model's context is too short for it: the oldest attempts, then what was looked up.

How long a context is, no server tells beforehand; one that is given too much says so, and charges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from langgraph.runtime import Runtime

from gammapygpt.agents.workshop import ask
from gammapygpt.context import Context
from gammapygpt.llm.base import Message, Reply
from gammapygpt.llm.faults import PromptTooLong
from gammapygpt.state import Role, RunState

Piece = TypeVar("Piece")


class Room(NamedTuple):
    """What there is room for beside the task itself."""

    attempts: int | None = None
    """The newest so many before the last one; None for all."""
    pieces: float = 1.0
    """Part of the reference material, the best first."""
    example: bool = True
    """The script to start from."""

    def newest(self, told: Sequence[Piece], each: int = 1) -> list[Piece]:
        """Those of earlier attempts that there is room for, where so many items tell of each."""
        return list(told if self.attempts is None else told[max(len(told) - each * self.attempts, 0) :])

    def best(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Those of the pieces, best first, that there is room for."""
        return list(pieces[: round(self.pieces * len(pieces))])


ALL = Room()


def rooms(n_attempts: int) -> Iterator[Room]:
    """All, then less and less, for a prompt that tells of so many attempts before the last one."""
    yield ALL
    for kept in range(n_attempts - 1, -1, -1):
        yield Room(kept)
    yield Room(0, pieces=0.5)
    yield Room(0, pieces=0.0)
    yield Room(0, pieces=0.0, example=False)


def ask_in_room(
    role: Role,
    state: RunState,
    runtime: Runtime[Context],
    step: str,
    put: Callable[[Room], dict[str, Any]],
    within: Iterable[Room],
    **question: Any,
) -> tuple[Reply, list[Message]]:
    """Ask, and where the server says that this does not fit into the context, ask again with less.

    Parameters
    ----------
    role, state, runtime, step, **question
        As of `ask`.
    put : callable
        What is asked where there is so much room: `messages`, and what goes with them.
    within : iterable of Room
        Widest first.

    Returns
    -------
    reply : Reply
        The answer.
    messages : list of Message
        Those that fitted.

    Raises
    ------
    PromptTooLong
        There is nothing left that could give way.
    InfrastructureError, UserError
        See `Backend.ask`.
    """
    asked: list[list[Message]] = []
    said = remedy = ""
    for room in within:
        fields = put(room)
        messages = fields["messages"]
        if messages in asked:
            continue
        if asked:
            line = f"the prompt is too long for the model, asking with {left_in(room)}"
            runtime.stream_writer({"event": "waiting", "agent": role, "line": line})
        try:
            return ask(role, state, runtime, step=step, shortened=len(asked), **fields, **question), messages
        except PromptTooLong as error:
            said, remedy = error.message, error.remedy
        asked.append(messages)
    raise PromptTooLong(f"{said} Nothing in it can be left out any more.", remedy)


def left_in(room: Room) -> str:
    """What a prompt is left with, in words."""
    if not room.example:
        return "the task alone"
    if room.pieces < 1:
        return "less reference material" if room.pieces else "no reference material"
    return f"{room.attempts} earlier attempts" if room.attempts else "no earlier attempts"
