"""The record of a run's completed model calls: a resumed run is answered from it, and no call is paid for twice."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from gammapygpt.disk import free_bytes, refusal
from gammapygpt.errors import InfrastructureError
from gammapygpt.llm.base import Backend, OnToken, OnWait, Question, Reply
from gammapygpt.private import private_folder
from gammapygpt.runs.folder import append_line
from gammapygpt.state import Role

FILE = "calls.jsonl"
ROOM = 1 << 19
"""For one reply, in bytes."""


ASKED = frozenset({"role", "step", "messages", "form", "json_schema", "fresh", "patch_lines", "shortened"})
"""What makes a question the same."""


class Call(BaseModel):
    """One line of the journal."""

    key: str
    backend: str
    role: Role
    step: str = ""
    asked: dict[str, Any] | None = None
    """The question, in so far as it makes a question the same; None in journals of old."""
    abilities: list[str] = Field(default_factory=list)
    """What was known, before it was asked, of what the model can do: prompts depend on it."""
    reply: Reply


class JournaledBackend:
    """A backend whose completed calls are on disk before they are used.

    A question is known again by its step, role, messages and form: after `kill -9` the recorded reply is given, with
    the usage it had, and nothing is sent. Whoever wants another answer to the same words names another step; a
    question without a step is recorded, but always sent.

    Parameters
    ----------
    backend : Backend
        Who is asked.
    folder : Path
        Of the run; `calls.jsonl` is in it.
    model : str
        Part of what makes a question the same: with another model it is another one.
    """

    def __init__(self, backend: Backend, folder: Path, model: str = "") -> None:
        self.backend = backend
        self.name = backend.name
        self.kind = backend.kind
        self._model = model
        self._file = folder / FILE
        self._lock = threading.Lock()
        self._recorded = {call.key: call.reply for call in recorded_calls(folder) if call.step}

    @property
    def abilities(self) -> frozenset[str]:
        """Of the backend that is asked."""
        return self.backend.abilities

    def ask(self, question: Question, on_token: OnToken | None = None, on_wait: OnWait | None = None) -> Reply:
        """The recorded reply, else that of the backend, recorded first.

        Raises
        ------
        InfrastructureError, UserError
            See `Backend.ask`; also when the record cannot be written.
        """
        key = self._key(question)
        recorded = self._recorded.get(key)
        if recorded is not None:
            return recorded.model_copy(deep=True)
        able = sorted(self.abilities)
        self._look_for_room()
        reply = self.backend.ask(question, on_token, on_wait)
        call = Call(
            key=key,
            backend=self.name,
            role=question.role,
            step=question.step,
            asked=asked(question),
            abilities=able,
            reply=reply,
        )
        with self._lock:
            _append(self._file, call.model_dump_json())
            if question.step:
                self._recorded[key] = reply.model_copy(deep=True)
        return reply

    def _look_for_room(self) -> None:
        """Make sure that there is room for a reply before it is paid for."""
        if free_bytes(self._file) < ROOM:
            raise InfrastructureError(
                f"The disk is full: a reply of {self.name} could not be recorded in {self._file}.",
                "Free some space, then resume the run.",
            )

    def _key(self, question: Question) -> str:
        text = json.dumps([self.name, self._model, asked(question)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def asked(question: Question) -> dict[str, Any]:
    """A question as plain data, in so far as it makes a question the same."""
    told = question.model_dump(mode="json", include=set(ASKED))
    return told if question.shortened else {name: value for name, value in told.items() if name != "shortened"}


def recorded_calls(folder: Path) -> list[Call]:
    """The completed calls of a run, in order; a line torn by a kill is not one of them."""
    try:
        lines = (folder / FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    calls = []
    for line in lines:
        try:
            calls.append(Call.model_validate_json(line))
        except ValidationError:
            continue
    return calls


def _append(file: Path, line: str) -> None:
    try:
        private_folder(file.parent)
        append_line(file, line, sync=True)
    except OSError as error:
        raise refusal(error, file) or InfrastructureError(
            f"The model's reply cannot be recorded in {file} ({error.strerror}).",
            "Free some space, then resume the run.",
        ) from None
