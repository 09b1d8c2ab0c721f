"""What goes into the graph in Studio, what it keeps beside the agents' state, and what comes out."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, cast, get_type_hints

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # of which Pydantic makes a JSON schema before Python 3.12 too

from gammapygpt.errors import UserError
from gammapygpt.state import Attempt, Critique, Draft, Plan, Request, RunState, Status, Usage


class Ask(BaseModel):
    """What you want."""

    text: str = Field(description="The request in plain English: what to measure, and the keys of result.json.")
    follow_up: bool = Field(
        default=False, description="Go on from the last run of this thread: the text says what is to be different."
    )


class StudioInput(TypedDict):
    """What a thread is given."""

    request: Ask


class Told(BaseModel):
    """How a run ended, for a person."""

    status: Status
    reason: str
    result: dict[str, Any]
    units: dict[str, str]
    choices: list[Any]
    """Analysis choices that were seen in the run."""
    warnings: list[Any]
    script: str
    folder: str
    """With the script, the report, the notebook and every attempt."""


class StudioOutput(TypedDict):
    """What a thread shows of itself as it goes on: what is for people, without what is for models alone."""

    request: Request
    plan: Plan | None
    draft: Draft | None
    attempts: list[Attempt]
    critique: Critique | None
    refusal: str
    usage: Usage
    folder: str
    answer: Told | None


def gathered(before: list[Any], more: list[Any] | None) -> list[Any]:
    """What there was and what is added; None begins anew."""
    return [] if more is None else [*before, *more]


def spent(before: Any, more: Any) -> Usage:
    """What was spent in all; None begins anew. A server may hand its checkpoints on as plain JSON."""
    return Usage() if more is None else Usage.model_validate(before) + Usage.model_validate(more)


class StudioState(RunState, total=False):
    """The agents' state, and where the branch keeps its files."""

    attempts: Annotated[list[Attempt], gathered]
    usage: Annotated[Usage, spent]
    folder: str
    steps: int
    """Nodes behind it."""
    answer: Told | None


def anew() -> dict[str, Any]:
    """The state of a run that begins in a thread which has had others."""
    emptied: dict[str, Any] = {name: [] for name in ("snippets", "looked_up", "found", "conversation")}
    gone: dict[str, Any] = dict.fromkeys(("plan", "draft", "critique", "attempts", "usage", "answer"))
    return emptied | gone | {"objections": {}, "refusal": "", "steps": 0}


def read_ask(given: Any) -> Ask:
    """The request of an input: an object with a text, or the text alone.

    Raises
    ------
    UserError
        It is neither.
    """
    if isinstance(given, str):
        return Ask(text=given)
    if isinstance(given, Request):  # the thread had a run, and was run again without an input
        return Ask(text=given.text)
    try:
        return Ask.model_validate(given)
    except ValidationError as error:
        form = '{"request": {"text": "spectrum of the Crab Nebula ..."}}'
        raise UserError(f"the request cannot be read: {_first(error)}.", f"Give {form}.") from error


def typed(state: Any) -> StudioState:
    """The state with its own types: what came through `update_state` is plain JSON.

    Raises
    ------
    UserError
        What it holds cannot be that.
    """
    kinds, read = _kinds(), {}
    for name in kinds.keys() & state.keys():
        value = state[name]
        try:
            read[name] = kinds[name].validate_python(value)
        except ValidationError as error:
            raise UserError(f"{name!r} in the state cannot be read: {_first(error)}.", "Edit it once more.") from error
    return cast(StudioState, read)


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place + ': ' if place else ''}{detail['msg']}"


@cache
def _kinds() -> dict[str, TypeAdapter[Any]]:
    return {name: TypeAdapter(kind) for name, kind in get_type_hints(StudioState).items()}
