"""What an agent asks a backend, and what comes back, whichever model (or none) answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from pydantic import BaseModel, Field

from gammapygpt.state import Attempt, Plan, Request, Role, Usage

Fault = Literal["", "truncated", "malformed", "empty", "refused"]

OnToken = Callable[[str], None]
"""Called with each piece of text as it arrives (of a tool call: raw arguments); for showing life, not for reading."""

OnWait = Callable[[str], None]
"""Told, in a line, what the answer waits for before anything is asked, such as a model that is being loaded."""


class Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str
    patch_lines: tuple[int, int] | None = None
    """Of an earlier turn that asked for a script: the lines that were offered for replacement then."""


class Question(BaseModel):
    """One call. A language model reads `messages`; the cookbook reads the facts behind them."""

    role: Role
    step: str = ""
    """Which call of the run this is, the same after a resume, e.g. `coder-2`; without it a call is never replayed."""
    messages: list[Message]
    form: Literal["script", "json"]
    json_schema: dict[str, Any] | None = None
    """Schema of the reply for the form `json`; its `title` names it."""
    fresh: bool = False
    """Ask for something else than last time: a warmer temperature."""
    shortened: int = 0
    """How often it was made shorter because it did not fit into the model's context."""
    patch_lines: tuple[int, int] | None = None
    """Lines offered for replacement instead of a whole script, first and last, from 1."""
    base: str = ""
    """The script that these lines are of."""
    patience_s: float | None = None
    """How long it may wait, in s, where the backend may not be asked just now; None: as long as it takes."""
    request: Request
    plan: Plan | None = None
    attempts: list[Attempt] = Field(default_factory=list)


class Reply(BaseModel):
    """What a backend answered; `fault` says why there is nothing usable in it."""

    text: str = ""
    """As it came, for the record."""
    value: dict[str, Any] | None = None
    """Of the form `json`: the object."""
    script: str = ""
    """Of the form `script`: Python source, a whole script or replacement lines."""
    lines: tuple[int, int] | None = None
    """Set when `script` replaces these lines of the last attempt's script instead of the whole of it."""
    fault: Fault = ""
    fault_message: str = ""
    usage: Usage = Field(default_factory=Usage)
    model: str = ""


class Backend(Protocol):
    """Something that answers questions."""

    name: str
    kind: str

    @property
    def abilities(self) -> frozenset[str]:
        """Of `tools`, `json_schema`, `prefill`, as far as known before the first question."""

    def ask(self, question: Question, on_token: OnToken | None = None, on_wait: OnWait | None = None) -> Reply:
        """Answer.

        Raises
        ------
        InfrastructureError
            The server could not be reached or went on failing after all retries, or the messages do not fit into
            the model's context.
        UserError
            The endpoint refuses for a reason that only the user can mend: key, model name, address.
        """
