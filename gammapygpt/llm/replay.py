"""A backend that answers from the record of another run, and says where it is asked something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gammapygpt.errors import Difference
from gammapygpt.llm.base import OnToken, OnWait, Question, Reply
from gammapygpt.llm.faults import PromptTooLong
from gammapygpt.llm.journal import Call, asked, recorded_calls


class ReplayBackend:
    """The calls of a run in the order in which they were made, each given once, for the step that it was made for.

    Parameters
    ----------
    name : str
        Of the backend in the run.
    folder : Path
        Of the run that is replayed.

    Attributes
    ----------
    given : list of Call
        Those that were asked for, with the questions of now.
    any_words : bool
        A question may have other words than then.
    """

    kind = "replay"

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.given: list[Call] = []
        self.any_words = False
        self._left = [call for call in recorded_calls(folder) if call.backend == name]

    @property
    def abilities(self) -> frozenset[str]:
        """As they were known before the next call."""
        known = [*self.given[-1:], *self._left[:1]]
        return frozenset(known[-1].abilities) if known else frozenset()

    def ask(self, question: Question, on_token: OnToken | None = None, on_wait: OnWait | None = None) -> Reply:
        """The recorded reply.

        Raises
        ------
        Difference
            Nothing was asked at this step, or something else.
        PromptTooLong
            As then: a shorter question was answered.
        """
        where, now = f"question {question.step or question.role}", asked(question)
        call = next((one for one in self._left if (one.role, one.step) == (question.role, question.step)), None)
        if call is None:
            raise Difference(where, "it was not asked in the run", now=words(now))
        if call.asked and call.asked.get("shortened", 0) > question.shortened:
            raise PromptTooLong("The prompt was longer than the model's context.")
        if call.asked != now and not self.any_words:
            if call.asked is None:
                raise Difference(where, "the version that made the run did not keep its questions")
            raise Difference(where, "other words", words(call.asked), words(now))
        self._left.remove(call)
        self.given.append(call.model_copy(update={"asked": now}))
        return call.reply.model_copy(deep=True)

    def left(self) -> list[Call]:
        """Calls that nobody has asked for."""
        return list(self._left)


def words(question: dict[str, Any]) -> str:
    """A question as text: its messages, then what else makes it what it is."""
    turns = [f"[{message['role']}]\n{message['content']}\n" for message in question["messages"]]
    rest = {name: value for name, value in question.items() if name != "messages" and value not in (None, False)}
    offered = [message["patch_lines"] for message in question["messages"] if message["patch_lines"]]
    return "\n".join([*turns, f"[form]\n{json.dumps(rest | {'offered': offered}, indent=1, sort_keys=True)}\n"])
